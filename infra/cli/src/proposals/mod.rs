//! `sre-agent list`, `show`, `watch`, and what a person decides: `approve`, `reject`, `edit`, `revoke`, `undo`,
//! `acknowledge`.
//!
//! | file | what |
//! | --- | --- |
//! | `api` | the agent's function URL for commands: where it is, and what its answers mean |
//! | `sign` | the signature by which IAM knows who asks |
//! | `id` | an id, or the beginning of one, on the command line and in a list |
//! | `find` | which proposal the beginning of an id means, for commands that read the trail itself |
//! | `shown` | a list, a card and a story as lines |
//! | `look` | `list` and `show` |
//! | `decide` | what a person asks for, and what came of it |
//! | `watch` | what changes, as it happens |

mod api;
mod decide;
pub(crate) mod find;
mod id;
mod look;
mod shown;
mod sign;
mod watch;

pub(crate) use self::api::{OUTPUT as URL_OUTPUT, Problem};
pub(crate) use self::id::NamedStream;
use std::io::{IsTerminal as _, stdin};

use clap::Subcommand;

use self::api::{Api, Show};
pub(crate) use self::decide::Consent;
use crate::print::Terminal;
use crate::stack::Stack;

/// What is asked about proposals.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists proposals, the newest first: those of the last seven days, those that wait for a person, or those in force
    List(look::ListArguments),
    /// Shows one proposal: what is proposed and why, where it stands, what may be asked for, and its story
    Show(look::ShowArguments),
    /// Shows a proposal, or the undo that somebody asked for, and says yes to it. Exits with 3 where nobody can tell
    /// whether that was recorded
    Approve(decide::ApproveArguments),
    /// Says no to a proposal, or to the undo that somebody asked for
    Reject(decide::RejectArguments),
    /// Makes less of a proposal that waits. It is scored again, and somebody else must approve it
    Edit(decide::EditArguments),
    /// Takes your approval back, until it starts
    Revoke(decide::RevokeArguments),
    /// Asks for an effect to be taken back, which somebody else must agree to
    Undo(decide::UndoArguments),
    /// Says that you have seen to what people were called for: the next report of that trouble is looked at as a new one
    Acknowledge(decide::AcknowledgeArguments),
    /// Tells what comes to wait for a person or to be in force, as it happens; or one proposal's story until it is over
    Watch(watch::WatchArguments),
}

/// That the function answers whoever runs this: its version, where it is none of before it told that.
pub(crate) async fn answers(stack: &Stack) -> anyhow::Result<Option<String>> {
    let api = Api::of(stack)?;
    api.list(Show::Waiting, None, 1).await?;
    Ok(api.version().await?)
}

/// Whether what was asked for was done.
pub(crate) async fn run(
    stack: &Stack,
    command: &Command,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let api = Api::of(stack)?;
    let stdin = stdin();
    let mut lines = stdin.lock();
    let consent = match stdin.is_terminal() {
        true => Consent::Asked(&mut lines),
        false => Consent::NobodyThere,
    };
    carry_out(&api, command, consent, terminal).await
}

async fn carry_out(
    api: &Api,
    command: &Command,
    consent: Consent<'_>,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match command {
        Command::List(arguments) => look::list(api, arguments, terminal).await,
        Command::Show(arguments) => look::show(api, arguments, terminal).await,
        Command::Approve(arguments) => decide::approve(api, arguments, consent, terminal).await,
        Command::Reject(arguments) => decide::reject(api, arguments, terminal).await,
        Command::Edit(arguments) => decide::edit(api, arguments, terminal).await,
        Command::Revoke(arguments) => decide::revoke(api, arguments, terminal).await,
        Command::Undo(arguments) => decide::undo(api, arguments, terminal).await,
        Command::Acknowledge(arguments) => decide::acknowledge(api, arguments, terminal).await,
        Command::Watch(arguments) => watch::run(api, arguments, terminal).await,
    }
}

#[cfg(test)]
mod tests;
