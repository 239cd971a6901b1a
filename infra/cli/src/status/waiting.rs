//! What an open proposal waits for, and whether it has waited for too long. A pure function of its trail.

use domain::control::Control;
use domain::proposal::{Proposal, State, UndoState};
use domain::time::Timestamp;

use crate::print::{count, span};

/// `housekeeping` comes by every minute: what is overdue for longer than three of its runs is stuck, seconds.
const PATIENCE_S: u64 = 180;

/// An effect in force must end on time: its restore and the second line behind it take less, seconds.
const RESTORE_PATIENCE_S: u64 = 90;

/// What a proposal waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Whom or what, until when.
    pub(crate) on: String,
    /// Why it has waited for too long, if it has.
    pub(crate) overdue: Option<String>,
}

/// What an open proposal waits for; `None` where nothing more is to happen. `switched_at` is when `control` was changed
/// last: the end of a pause, perhaps, from which on what it held is taken up.
pub(crate) fn of(
    proposal: &Proposal,
    control: &Control,
    switched_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Waiting> {
    let extended = |deadline: Timestamp, paused_before_ms: u64| {
        let extension = control.extension(paused_before_ms, now);
        deadline.plus_millis(extension.map_or(0, |extension| extension.ms))
    };
    let running = control.switches.paused.is_none();
    let since = proposal.state_since();
    let held_until = |due: Timestamp| switched_at.map_or(due, |at| at.max(due));
    let (on, overdue) = match proposal.state() {
        State::Reasoning(lease) => (
            match running || lease.holds(now) {
                true => format!("ingest-and-propose, which has until {}", lease.until),
                false => "the end of the pause: then it is reasoned about".to_owned(),
            },
            late(held_until(lease.until), PATIENCE_S, now)
                .filter(|_| running)
                .map(|late| format!("nobody has reasoned about it for {late}")),
        ),
        State::Proposed => (
            match running {
                true => "scoring".to_owned(),
                false => "the end of the pause: then it is scored".to_owned(),
            },
            late(held_until(since), PATIENCE_S, now)
                .filter(|_| running)
                .map(|late| format!("it has not been scored for {late}")),
        ),
        State::AwaitingApproval(awaiting) => {
            let deadline = extended(awaiting.deadline, awaiting.paused_before_ms);
            let missing = usize::from(awaiting.needed).saturating_sub(awaiting.votes.len());
            let voted: Vec<&str> = awaiting.votes.iter().map(|id| id.as_str()).collect();
            let voted = match voted.len() {
                0 => String::new(),
                _ => format!(" ({} approved)", voted.join(", ")),
            };
            (
                format!("people: {}{voted} until {deadline}", count(missing, "approval")),
                late(deadline, PATIENCE_S, now)
                    .map(|late| format!("its deadline passed {late} ago and nobody expired it")),
            )
        }
        State::Approved(approval) => {
            let until = extended(approval.valid_until, approval.paused_before_ms);
            (
                match running {
                    true => format!("execution, which may start until {until}"),
                    false => format!("the end of the pause: then it may start until {until}"),
                },
                late(until, PATIENCE_S, now)
                    .map(|late| format!("its approval ran out {late} ago and nobody expired it")),
            )
        }
        State::Executing(execution) => match execution.restore_at {
            Some(at) if execution.restore_due(now) => (format!("its restore, due at {at}"), restore(at, now)),
            Some(_) | None => (
                format!("execution, which has until {}", execution.lease.until),
                late(execution.lease.until, PATIENCE_S, now)
                    .map(|late| format!("nobody has acted on it for {late}")),
            ),
        },
        State::Unknown(execution) => (
            "execution, which reads the targets until it knows".to_owned(),
            execution.restore_at.and_then(|at| restore(at, now)).or_else(|| {
                late(since, PATIENCE_S, now)
                    .map(|late| format!("it has been unknown for {late} whether it took effect"))
            }),
        ),
        State::Succeeded(done) => match (&done.undo, done.execution.restore_at) {
            (_, Some(at)) => (
                format!("the end of its effect at {at}"),
                match done.execution.restore_failed_at {
                    Some(failed) => Some(format!(
                        "its effect could not be taken back, last tried at {failed}"
                    )),
                    None => restore(at, now),
                },
            ),
            (UndoState::Requested { by, .. }, None) => {
                let asker = by
                    .as_ref()
                    .map_or("who asked".to_owned(), |by| format!("{by}, who asked"));
                (format!("a person other than {asker}, to agree to the undo"), None)
            }
            (UndoState::Approved { .. }, None) => (
                "execution, to undo it".to_owned(),
                late(since, PATIENCE_S, now).map(|late| format!("nobody has undone it for {late}")),
            ),
            (UndoState::None, None) => return None,
        },
        State::Closed(_) => return None,
    };
    Some(Waiting { on, overdue })
}

fn restore(at: Timestamp, now: Timestamp) -> Option<String> {
    late(at, RESTORE_PATIENCE_S, now).map(|late| format!("its effect should have ended {late} ago"))
}

/// By how much an instant is past, where that is more than it may be.
fn late(due: Timestamp, patience_s: u64, now: Timestamp) -> Option<String> {
    let ms = now.millis_since(due);
    (ms > patience_s * 1000).then(|| span(ms))
}
