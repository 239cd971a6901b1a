//! `sre-agent status`: is the agent healthy, and if not, why.

mod deciders;
mod look;
mod people;
mod picture;
mod senders;
mod unseen;

use adapters::SystemClock;
use domain::ports::Clock;

use crate::print::Terminal;
use crate::stack::Stack;

#[cfg(test)]
pub(crate) use self::look::OUTPUTS;

/// What `status` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Prints everything that was seen as one JSON object
    #[arg(long)]
    json: bool,
}

/// Whether the agent is healthy.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let now = SystemClock.now();
    let picture = look::look_at(stack, now).await;
    let reasons = picture.reasons(now);
    if arguments.json {
        terminal.json(&picture.judged(&reasons))?;
    } else {
        for line in picture.lines(&reasons, now) {
            terminal.line(&line)?;
        }
    }
    match picture.unseen(&reasons) {
        Some(unseen) => Err(unseen.into()),
        None => Ok(reasons.is_empty()),
    }
}

#[cfg(test)]
mod tests;
