//! `sre-agent pause`, `resume` and `automatic`: the switches of the whole agent, on `control`.

use adapters::SystemClock;
use anyhow::{Context, bail};
use clap::ValueEnum;
use domain::ports::{Clock, Trail, TrailError};
use domain::trail::{Actor, Control, ControlFact, Fact, Record, StreamId, Switches};
use domain::value::Timestamp;
use trail::{End, Extended, Next, Stream, extend, load_end, load_held};

use crate::end::Ended;
use crate::print::{Terminal, actor, duration, quote};
use crate::stack::Stack;
use crate::who;

/// The longest reason, characters.
const MAX_REASON: usize = 500;

/// What `pause` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArguments {
    /// Why, for whoever reads the trail or wants to approve: at most 500 characters
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
}

/// What `resume` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArguments {
    /// Why, for whoever reads the trail: at most 500 characters
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
}

/// What `automatic` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct AutomaticArguments {
    /// Whether the policy may let actions execute without a person
    to: OnOff,

    /// Why, for whoever reads the trail: at most 500 characters; needed to switch it off
    #[arg(long, value_name = "TEXT", value_parser = reason, required_if_eq("to", "off"))]
    reason: Option<String>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnOff {
    /// As the policy says
    On,
    /// Every action needs a person
    Off,
}

pub(crate) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("a reason has at least one character".to_owned()),
        1..=MAX_REASON => Ok(text.to_owned()),
        long => Err(format!(
            "{long} characters are more than the {MAX_REASON} a reason may have"
        )),
    }
}

/// Pauses the agent.
pub(crate) async fn pause(
    stack: &Stack,
    arguments: PauseArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    run(stack, &Switch::Pause(arguments.reason), terminal).await
}

/// Lets it go on.
pub(crate) async fn resume(
    stack: &Stack,
    arguments: ResumeArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    run(stack, &Switch::Resume(arguments.reason), terminal).await
}

/// Allows automatic execution, or forbids it.
pub(crate) async fn automatic(
    stack: &Stack,
    arguments: AutomaticArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let reason = arguments.reason;
    let switch = match arguments.to {
        OnOff::On => Switch::AutomaticOn(reason),
        OnOff::Off => Switch::AutomaticOff(reason.unwrap_or_default()),
    };
    run(stack, &switch, terminal).await
}

/// What is asked for.
#[derive(Debug, Clone)]
enum Switch {
    Pause(String),
    Resume(Option<String>),
    AutomaticOff(String),
    AutomaticOn(Option<String>),
}

impl Switch {
    /// The fact that brings it about; none where it is so already.
    fn fact(&self, control: &Control, now: Timestamp) -> Option<ControlFact> {
        match self {
            Switch::Pause(reason) => control.pause(reason, now),
            Switch::Resume(reason) => control.resume_because(reason.as_deref(), now),
            Switch::AutomaticOff(reason) => control.automatic_off(reason),
            Switch::AutomaticOn(reason) => control.automatic_on_because(reason.as_deref(), now),
        }
    }

    /// Whether switches are as this one wants them.
    fn is_met(&self, switches: &Switches) -> bool {
        match self {
            Switch::Pause(_) => switches.paused.is_some(),
            Switch::Resume(_) => switches.paused.is_none(),
            Switch::AutomaticOff(_) => switches.automatic_off.is_some(),
            Switch::AutomaticOn(_) => switches.automatic_off.is_none(),
        }
    }
}

/// What came of it.
#[derive(Debug)]
enum Outcome {
    /// It was switched.
    Switched {
        /// The switches as they were.
        before: Switches,
        /// The record that says so.
        record: Record,
    },
    /// It was as asked already.
    Already {
        /// The switches.
        switches: Switches,
        /// The record since which it is so; none where it never was otherwise.
        since: Option<Record>,
    },
}

async fn run(stack: &Stack, switch: &Switch, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let trail = stack.trail()?;
    let by = who::asks(&stack.aws).await?;
    let outcome = flip(&trail, &SystemClock, &by, switch).await?;
    for line in told(switch, &outcome, SystemClock.now()) {
        terminal.line(&line)?;
    }
    Ok(true)
}

/// What whoever may not sign is told.
pub(crate) const UNSIGNED: &str = "nothing was changed: every switch is signed with the operators' key, for which the \
                                   stack's SwitchesPolicyArn gives the right";

/// The end of `guard`, where `control` is known to be what operators signed: what is signed next goes on from it.
pub(crate) async fn signable(trail: &dyn Trail) -> anyhow::Result<End> {
    let end = load_end(trail, &StreamId::Control).await?;
    if let Some(because) = end.unknown {
        bail!("the signature of control could not be checked: {because}");
    }
    Ok(load_end(trail, &StreamId::Guard).await?)
}

/// Appends the fact to `control`, after whatever others append meanwhile.
async fn flip(trail: &dyn Trail, clock: &dyn Clock, by: &Actor, switch: &Switch) -> anyhow::Result<Outcome> {
    let guard = signable(trail).await.context("nothing was changed")?;
    let stream = Stream::endless(StreamId::Control, by.clone());
    let switches = |last: &[Record], now| {
        let control = Control::read(last.last())?.guarded(guard.held.as_ref())?;
        Ok(match switch.fact(&control, now) {
            Some(fact) => Next::Append(fact),
            None => Next::Refuse(control.switches),
        })
    };
    match extend(trail, clock, &stream, switches).await {
        Ok(Extended::Appended { record, after }) => Ok(Outcome::Switched {
            before: Control::read(after.last())?
                .guarded(guard.held.as_ref())?
                .switches,
            record: *record,
        }),
        Ok(Extended::Refused(switches)) => Ok(Outcome::Already {
            since: since(trail, switch).await?,
            switches,
        }),
        Ok(Extended::Nothing) => bail!("nothing was changed"),
        Err(err @ TrailError::Unsigned { .. }) => Err(err).context(UNSIGNED),
        Err(TrailError::Outrun(_)) => {
            bail!("others change the switches at the same time, so nothing was changed: try again")
        }
        Err(err) => Err(err).context(Ended::Unclear(
            "whether it was switched is not known: sre-agent status tells".to_owned(),
        )),
    }
}

/// The first record of those, up to the last, that have it as asked.
async fn since(trail: &dyn Trail, switch: &Switch) -> anyhow::Result<Option<Record>> {
    let mut first = None;
    for record in load_held(trail, &StreamId::Control).await?.into_iter().rev() {
        if !switch.is_met(ControlFact::read(&record)?.switches()) {
            return Ok(first);
        }
        first = Some(record);
    }
    // Met from the first record on: by that, or because nobody ever asked for anything else.
    Ok(first.filter(|_| !switch.is_met(&Switches::default())))
}

/// What is told about it.
fn told(switch: &Switch, outcome: &Outcome, now: Timestamp) -> Vec<String> {
    let (switches, was) = match outcome {
        Outcome::Switched { before, record } => {
            let heading = format!(
                "{} at {}, by {}",
                happened(switch, before, record.at),
                record.at,
                actor(&record.actor)
            );
            let mut lines = vec![heading];
            lines.extend(consequences(switch).iter().map(|line| format!("  {line}")));
            if matches!(switch, Switch::Resume(_)) && !before.agent_enabled {
                lines.push(
                    "  the template's AgentEnabled is still false: it is followed again when it changes"
                        .to_owned(),
                );
            }
            return lines;
        }
        Outcome::Already { switches, since } => (switches, since),
    };
    let since = was.as_ref().map_or(String::new(), |record| {
        let age = duration(now.millis_since(record.at));
        format!(" since {} ({age}), by {}", record.at, actor(&record.actor))
    });
    let state = match switch {
        Switch::Pause(_) => "paused already",
        Switch::Resume(_) => "not paused",
        Switch::AutomaticOff(_) => "automatic execution is off already",
        Switch::AutomaticOn(_) => "automatic execution is not switched off",
    };
    let why = match switch {
        Switch::Pause(_) => switches.paused.as_ref().map(|pause| &pause.reason),
        Switch::Resume(_) => switches.resumed_because.as_ref(),
        Switch::AutomaticOff(_) => switches.automatic_off.as_ref(),
        Switch::AutomaticOn(_) => switches.automatic_on_because.as_ref(),
    };
    let why = why.map_or(String::new(), |why| format!(": {}", quote(why)));
    vec![format!("{state}{since}{why}"), "  nothing was changed".to_owned()]
}

fn happened(switch: &Switch, before: &Switches, at: Timestamp) -> String {
    match (switch, &before.paused) {
        (Switch::Resume(_), Some(pause)) => format!(
            "resumed after {} of a pause ({})",
            duration(at.millis_since(pause.since)),
            quote(&pause.reason)
        ),
        (Switch::Resume(_), None) => "resumed".to_owned(),
        (Switch::Pause(_), _) => "paused".to_owned(),
        (Switch::AutomaticOff(_), _) => "automatic execution switched off".to_owned(),
        (Switch::AutomaticOn(_), _) => "automatic execution allowed again".to_owned(),
    }
}

/// What happens from now on.
fn consequences(switch: &Switch) -> &'static [&'static str] {
    match switch {
        Switch::Pause(_) => &[
            "incidents are recorded, and nobody reasons about them: no model is asked",
            "nothing new is scored or started: housekeeping switches those queues off within a minute",
            "approvals are refused, rejections are taken, and deadlines move by the time paused",
            "restores, undos and verifications go on",
            "nothing is lost, however long it takes: sre-agent resume",
        ],
        Switch::Resume(_) => &[
            "within a minute housekeeping switches the queues on and begins to take up what was recorded",
            "deadlines of what waits for people, and approvals not yet used, moved by the time paused",
        ],
        Switch::AutomaticOff(_) => &[
            "whatever the policy would let execute by itself asks a person",
            "what it let through and did not start is not started: when that approval runs out, a person is asked",
        ],
        Switch::AutomaticOn(_) => {
            &["the policy decides what asks a person: SreAutoApprove and SreRiskThreshold"]
        }
    }
}

#[cfg(test)]
mod tests;
