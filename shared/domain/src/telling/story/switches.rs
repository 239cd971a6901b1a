//! What a person needs of a record of `control` or `guard` to know who switched what, and why.

use super::Line;
use crate::trail::{BadBody, ControlFact, Fact as _, Guard, GuardFact, Pause, Record, StreamId, Switches};

/// A record in a few lines, with the one before it, which says what ended; none of a stream that has no switches.
pub(super) fn of(record: &Record, before: Option<&Record>) -> Result<Vec<Line>, BadBody> {
    match record.stream {
        StreamId::Control => {
            let before = before.map(ControlFact::read).transpose()?;
            let before = before.map_or(Switches::default(), |fact| fact.switches().clone());
            Ok(of_control(&ControlFact::read(record)?, &before, record))
        }
        StreamId::Guard => Ok(of_guard(&GuardFact::read(record)?)),
        StreamId::Proposal(_) | StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } => {
            Ok(Vec::new())
        }
    }
}

fn of_control(fact: &ControlFact, before: &Switches, record: &Record) -> Vec<Line> {
    match fact {
        ControlFact::Paused(switches) => switches.paused.iter().map(pauses).collect(),
        ControlFact::Resumed(switches) => {
            let ended = before.paused.as_ref().map(|pause| {
                Line::of("the agent goes on after ")
                    .duration(record.at.millis_since(pause.since))
                    .ours(" of a pause: ")
                    .theirs(&pause.reason)
            });
            // The pause may have been the template's, which `guard` tells.
            let mut lines = vec![ended.unwrap_or_else(|| Line::of("the agent goes on"))];
            lines.extend(because(switches.resumed_because.as_ref()));
            lines
        }
        ControlFact::PolicyPublished(switches) => {
            let (now, was) = (&switches.policy, before.policy);
            let mut line = match now {
                Some(policy) => Line::of("policy ").short(policy).ours(" is in force"),
                None => Line::of("the built-in policy is in force"),
            };
            if let Some(was) = was {
                line = line.ours(", in the place of ").short(&was);
            }
            vec![line]
        }
        ControlFact::AutomaticOff(switches) => {
            let mut lines = vec![Line::of("nothing executes by itself")];
            lines.extend(because(switches.automatic_off.as_ref()));
            lines
        }
        ControlFact::AutomaticOn(switches) => {
            let mut lines = vec![Line::of("what the policy lets through executes by itself again")];
            lines.extend(because(switches.automatic_on_because.as_ref()));
            lines
        }
        ControlFact::SetAside(switches) => match switches.set_aside.last() {
            Some(aside) => vec![
                Line::of("record ")
                    .ours(aside.seq)
                    .ours(" of ")
                    .theirs(&aside.stream)
                    .ours(" counts for nothing"),
                Line::of("because: ").theirs(&aside.reason),
            ],
            None => Vec::new(),
        },
        ControlFact::AutomaticFailed(switches) => {
            let failed = switches.automatic_failures.last();
            failed
                .map(|failed| execution("failed: ", &failed.proposal))
                .into_iter()
                .collect()
        }
        ControlFact::AutomaticSucceeded(_) => succeeded(),
        ControlFact::TamperDetected { what, .. } => vec![Line::of("seen: ").theirs(what)],
    }
}

fn of_guard(fact: &GuardFact) -> Vec<Line> {
    let guard: &Guard = fact.guard();
    match fact {
        GuardFact::AutomaticFailed(_) => {
            let failed = guard.automatic_failures.last();
            failed
                .map(|failed| execution("failed: ", &failed.proposal))
                .into_iter()
                .collect()
        }
        GuardFact::AutomaticSucceeded(_) => succeeded(),
        GuardFact::AutomaticOff(_) => {
            let mut lines = vec![Line::of("nothing executes by itself")];
            lines.extend(because(guard.automatic_off.as_ref().map(|off| &off.reason)));
            lines
        }
        GuardFact::AgentDisabled(_) => {
            let mut lines = vec![Line::of(
                "the template's AgentEnabled is false now, and the agent pauses",
            )];
            lines.extend(because(guard.paused.as_ref().map(|pause| &pause.reason)));
            lines
        }
        GuardFact::AgentEnabled(_) => vec![Line::of("the template's AgentEnabled is true again")],
        GuardFact::ForgedRecord(_) => {
            let forged = guard.forged.last();
            let told = forged.map(|forged| {
                let line = Line::of("record ")
                    .ours(forged.seq)
                    .ours(" of ")
                    .theirs(&forged.stream)
                    .ours(" ")
                    .theirs(&forged.problem);
                match forged.taken_back {
                    true => line.ours("; what was in force before it was taken back"),
                    false => line,
                }
            });
            told.into_iter().collect()
        }
        GuardFact::TamperDetected(_) => {
            let tampered = guard.tampered.as_ref();
            tampered
                .map(|what| Line::of("seen: ").theirs(what))
                .into_iter()
                .collect()
        }
    }
}

fn pauses(pause: &Pause) -> Line {
    Line::of("the agent pauses, because: ").theirs(&pause.reason)
}

fn because(reason: Option<&String>) -> Option<Line> {
    reason.map(|reason| Line::of("because: ").theirs(reason))
}

fn execution(what: &'static str, proposal: &crate::value::ProposalId) -> Line {
    Line::of("an execution that nobody was asked about ")
        .ours(what)
        .theirs(proposal)
}

fn succeeded() -> Vec<Line> {
    vec![Line::of("one succeeded after others had failed")]
}
