//! `sre-agent status`: is the agent healthy, and if not, why.

mod deciders;
mod look;
mod open;
mod people;
mod picture;
mod senders;
mod unseen;

use adapters::SystemClock;
use clap::builder::NonEmptyStringValueParser;
use domain::ports::Clock;

use crate::print::Terminal;
use crate::stack::Stack;

pub(crate) use self::deciders::DecidersPart;
#[cfg(test)]
pub(crate) use self::look::OUTPUTS;
pub(crate) use self::look::messages;
pub(crate) use self::picture::Part;

/// What `status` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Prints everything that was seen as one JSON object
    #[arg(long)]
    json: bool,

    /// URL of the approval callback, where the stack's own does not resolve: on a local stack
    #[arg(long, env = "SRE_AGENT_CALLBACK_URL", value_parser = NonEmptyStringValueParser::new())]
    callback_url: Option<String>,
}

/// Whether the agent is healthy.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let now = SystemClock.now();
    let mut picture = look::look_at(stack, now).await;
    picture.stack.reached_at(arguments.callback_url.as_deref());
    let reasons = picture.reasons(now);
    if arguments.json {
        terminal.json(&picture.judged(&reasons))?;
    } else {
        for line in picture.lines(now) {
            terminal.line(&line)?;
        }
    }
    for line in picture.verdict(&reasons) {
        match (reasons.is_empty(), arguments.json) {
            (false, _) => terminal.fault(&line)?,
            (true, false) => terminal.line(&line)?,
            // It says so itself.
            (true, true) => {}
        }
    }
    match picture.unseen(&reasons) {
        Some(unseen) => Err(unseen.into()),
        None => Ok(reasons.is_empty()),
    }
}

#[cfg(test)]
mod tests;
