//! `sre-agent policy replay` and `policy calibrate`: what another policy would have made of what happened, and which
//! thresholds people's answers support.
//!
//! | to change | look in |
//! | --- | --- |
//! | where what happened is read from | `source` |
//! | what counts as an answer, and how an action ended | `life` |
//! | how a recorded proposal is scored again, and what counts as a difference | `replay` |
//! | which threshold is proposed for an action | `calibrate` |
//! | the bounds of a proportion | `wilson` |
//! | the files that are proposed | `draft` |

mod calibrate;
mod draft;
mod life;
mod replay;
mod source;
mod wilson;

use std::path::Path;

use anyhow::Context;
use clap::Subcommand;
use policy::{Bundle, Checked, Faults};

use self::calibrate::{CalibrateArguments, Calibration};
use self::replay::{Replay, ReplayArguments};
use crate::print::Terminal;
use crate::stack::Stack;

/// What `policy` takes.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scores what was proposed again under another policy, and prints what would have gone elsewhere, beside what people
    /// decided.
    ///
    /// Neither a model nor the gateway is asked: what is recorded is scored by the agent's own function. Safety limits are
    /// not simulated: what one sent to a person is taken to be sent there again. Nor is what would have followed: each
    /// scoring is judged by itself. Exits with 1 where the policy does not check, or the history does not hold
    Replay(ReplayArguments),
    /// Proposes, for each action, the highest score up to which people's answers support automatic execution. It never
    /// changes the policy in force.
    ///
    /// Only people's answers count, in Wilson's score interval. What ran by itself is spoken for by the share that the
    /// policy sends to a person all the same, `automatic.human_share_ppm`. Exits with 1 where the policy does not check,
    /// or the history does not hold
    Calibrate(CalibrateArguments),
}

impl Command {
    /// What needs no stack: whether it went well, if that was asked for.
    pub(crate) fn offline(&self, terminal: &mut Terminal<'_>) -> Option<anyhow::Result<bool>> {
        match self {
            Command::Replay(arguments) if arguments.source.is_offline() => {
                Some(replay_file(arguments, terminal))
            }
            Command::Calibrate(arguments) if arguments.source.is_offline() => {
                Some(calibrate_file(arguments, terminal))
            }
            // A time or a policy that does not do is told before anything is called.
            Command::Replay(arguments) => {
                let window = arguments.source.window(replay::DEFAULT_MOMENT);
                refused(window.and_then(|_| read(&arguments.policy)), terminal)
            }
            Command::Calibrate(arguments) => {
                let window = arguments.source.window(calibrate::DEFAULT_MOMENT);
                refused(window.and_then(|_| arguments.given()), terminal)
            }
        }
    }
}

/// What is asked of the trail.
pub(crate) async fn run(
    stack: &Stack,
    command: Command,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match command {
        Command::Replay(arguments) => {
            let (_, checked) = read(&arguments.policy)??;
            let trial = arguments.trial(checked.in_force(None));
            let empty = |window| Replay::new(trial, Some(window));
            let gathered = arguments
                .source
                .load(stack, replay::DEFAULT_MOMENT, empty)
                .await?;
            gathered.all.print(&arguments, terminal)?;
        }
        Command::Calibrate(arguments) => {
            let given = arguments.given()??;
            let empty = |window| Calibration::new(Some(window));
            let gathered = arguments
                .source
                .load(stack, calibrate::DEFAULT_MOMENT, empty)
                .await?;
            calibrate::conclude(&arguments, given, gathered, terminal)?;
        }
    }
    Ok(true)
}

fn replay_file(arguments: &ReplayArguments, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let checked = match read(&arguments.policy)? {
        Ok((_, checked)) => checked,
        Err(faults) => return told(&faults, terminal),
    };
    let trial = arguments.trial(checked.in_force(None));
    let gathered = arguments.source.read(|| Replay::new(trial.clone(), None))?;
    gathered.all.print(arguments, terminal)?;
    Ok(true)
}

fn calibrate_file(arguments: &CalibrateArguments, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let given = match arguments.given()? {
        Ok(given) => given,
        Err(faults) => return told(&faults, terminal),
    };
    let gathered = arguments.source.read(|| Calibration::new(None))?;
    calibrate::conclude(arguments, given, gathered, terminal)?;
    Ok(true)
}

/// A policy of a directory, in which nothing is wrong; or what is.
fn read(directory: &Path) -> anyhow::Result<Result<(Bundle, Checked), Faults>> {
    Ok(crate::policy::read(directory)?.and_then(|bundle| {
        let checked = Checked::new(&bundle)?;
        Ok((bundle, checked))
    }))
}

/// Tells what is wrong before anything is called, if something is.
fn refused<T>(
    read: anyhow::Result<Result<T, Faults>>,
    terminal: &mut Terminal<'_>,
) -> Option<anyhow::Result<bool>> {
    match read {
        Ok(Ok(_)) => None,
        Ok(Err(faults)) => Some(told(&faults, terminal)),
        Err(err) => Some(Err(err)),
    }
}

fn told(faults: &Faults, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    for fault in faults.iter() {
        terminal
            .fault(&fault.to_string())
            .context("the faults could not be printed")?;
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
