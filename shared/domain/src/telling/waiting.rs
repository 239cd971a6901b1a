//! What an open proposal waits for, and whether it has waited for too long.

use super::Line;
use crate::proposal::{Done, NextStep, Proposal, State, UndoState};
use crate::trail::Control;
use crate::value::{OperatorId, Timestamp};

/// `housekeeping` comes by every minute: what is overdue for longer than three of its runs is stuck, seconds.
const PATIENCE_S: u64 = 180;

/// An effect in force must end on time: its restore and the second line behind it take less, seconds.
const RESTORE_PATIENCE_S: u64 = 90;

/// What a proposal waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whom or what, until when.
    pub on: Line,
    /// Why it has waited for too long, if it has.
    pub overdue: Option<Line>,
}

/// What an open proposal waits for; `None` where nothing more is to happen. `switched_at` is when `control` was changed
/// last: the end of a pause, perhaps, from which on what it held is taken up.
pub fn waits_for(
    proposal: &Proposal,
    control: &Control,
    switched_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Waiting> {
    let running = control.switches.paused.is_none();
    let held_until = |due: Timestamp| switched_at.map_or(due, |at| at.max(due));
    let (on, overdue) = match proposal.next_step(control, now) {
        NextStep::Reason { until } => (
            match running || now <= until {
                true => Line::of("ingest-and-propose, which has until ").at(until),
                false => Line::of("the end of the pause: then it is reasoned about"),
            },
            late(held_until(until), PATIENCE_S, now)
                .filter(|_| running)
                .map(|late| Line::of("nobody has reasoned about it for ").then(late)),
        ),
        NextStep::Score { since } => (
            match running {
                true => Line::of("scoring"),
                false => Line::of("the end of the pause: then it is scored"),
            },
            late(held_until(since), PATIENCE_S, now)
                .filter(|_| running)
                .map(|late| Line::of("it has not been scored for ").then(late)),
        ),
        NextStep::Decide { waiting, deadline } => {
            let voters = waiting.votes.iter().map(|id| Line::new().theirs(id));
            let voted = match waiting.votes.len() {
                0 => Line::new(),
                _ => Line::of(" (").joined(voters, ", ").ours(" approved)"),
            };
            (
                Line::of("people: ")
                    .count(waiting.missing(), "approval")
                    .then(voted)
                    .ours(" until ")
                    .at(deadline.at()),
                late(deadline.at(), PATIENCE_S, now).map(|late| {
                    Line::of("its deadline passed ")
                        .then(late)
                        .ours(" ago and nobody expired it")
                }),
            )
        }
        NextStep::Start { deadline, .. } => (
            match running {
                true => Line::of("execution, which may start until ").at(deadline.at()),
                false => Line::of("the end of the pause: it may start until ")
                    .at(deadline.at())
                    .ours(", and is scored again after that"),
            },
            late(deadline.at(), PATIENCE_S, now).map(|late| {
                Line::of("its approval ran out ")
                    .then(late)
                    .ours(" ago and nobody expired it")
            }),
        ),
        NextStep::Act(execution) => (
            Line::of("execution, which has until ").at(execution.lease.until),
            late(execution.lease.until, PATIENCE_S, now)
                .map(|late| Line::of("nobody has acted on it for ").then(late)),
        ),
        NextStep::FindOut { since, execution } => (
            Line::of("execution, which reads the targets until it knows"),
            execution.restore_at.and_then(|at| restore(at, now)).or_else(|| {
                late(since, PATIENCE_S, now).map(|late| {
                    Line::of("it has been unknown for ")
                        .then(late)
                        .ours(" whether it took effect")
                })
            }),
        ),
        NextStep::End { at, execution } => {
            let on = match proposal.is_in_force() {
                true => match proposal.state() {
                    State::Succeeded(Done {
                        undo: UndoState::Requested { by, .. },
                        ..
                    }) => agreement(by.as_ref())
                        .ours("; or for the end of its effect at ")
                        .at(at),
                    State::Reasoning(_)
                    | State::Proposed
                    | State::AwaitingApproval(_)
                    | State::Approved(_)
                    | State::Executing(_)
                    | State::Unknown(_)
                    | State::Succeeded(_)
                    | State::Closed(_) => Line::of("the end of its effect at ").at(at),
                },
                false => Line::of("its restore, due at ").at(at),
            };
            let overdue = match execution.restore_failed_at {
                Some(failed) if proposal.is_in_force() => {
                    Some(Line::of("its effect could not be taken back, last tried at ").at(failed))
                }
                Some(_) | None => restore(at, now),
            };
            (on, overdue)
        }
        NextStep::AgreeToUndo { by } => (agreement(by), None),
        NextStep::Undo { since } => (
            Line::of("execution, to undo it"),
            late(since, PATIENCE_S, now).map(|late| Line::of("nobody has undone it for ").then(late)),
        ),
        NextStep::Nothing => return None,
    };
    Some(Waiting { on, overdue })
}

/// For whom an undo waits that somebody asked for.
fn agreement(by: Option<&OperatorId>) -> Line {
    let asker = match by {
        Some(by) => Line::new().theirs(by).ours(", who asked"),
        None => Line::of("who asked"),
    };
    Line::of("a person other than ")
        .then(asker)
        .ours(", to agree to the undo")
}

fn restore(at: Timestamp, now: Timestamp) -> Option<Line> {
    late(at, RESTORE_PATIENCE_S, now)
        .map(|late| Line::of("its effect should have ended ").then(late).ours(" ago"))
}

/// By how much an instant is past, where that is more than it may be.
fn late(due: Timestamp, patience_s: u64, now: Timestamp) -> Option<Line> {
    let ms = now.millis_since(due);
    (ms > patience_s * 1000).then(|| Line::new().duration(ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;

    #[test]
    fn an_undo_that_is_asked_for_shows_for_whom_it_waits_though_the_effect_ends_by_itself() {
        let waits = |story: &Story| {
            let waiting = waits_for(story.proposal(), &Control::default(), None, at(61)).unwrap();
            waiting.on.render(str::to_owned, |_| "then".to_owned())
        };
        let in_force = succeeded(breaks(300));
        assert_eq!(waits(&in_force), "the end of its effect at then");
        let asked = in_force.then(60, person("alice"), &asks_undo());
        assert_eq!(
            waits(&asked),
            "a person other than alice, who asked, to agree to the undo; or for the end of its effect at then"
        );
    }
}
