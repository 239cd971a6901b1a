//! What has to happen next to a proposal. Whoever waits for it, and whoever makes up for what did not happen, ask here.

use super::{Awaiting, Execution, Proposal, State, UndoState};
use crate::trail::{Control, Deadline};
use crate::value::{OperatorId, Timestamp};

/// What a proposal waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextStep<'a> {
    /// Somebody reasons about it until then; afterwards somebody else may.
    Reason {
        /// The end of the lease.
        until: Timestamp,
    },
    /// It is to be scored.
    Score {
        /// Since when.
        since: Timestamp,
    },
    /// People are to decide.
    Decide {
        /// On what.
        waiting: &'a Awaiting,
        /// Until when.
        deadline: Deadline,
    },
    /// It may start.
    Start {
        /// Since when, or from when on.
        since: Timestamp,
        /// Until when.
        deadline: Deadline,
    },
    /// Somebody acts.
    Act(&'a Execution),
    /// Its targets are to be read: nobody knows whether it took effect.
    FindOut {
        /// Since when.
        since: Timestamp,
        /// The effect.
        execution: &'a Execution,
    },
    /// Its effect is to end by itself at an instant, which may have passed.
    End {
        /// The instant.
        at: Timestamp,
        /// The effect.
        execution: &'a Execution,
    },
    /// Another person is to agree to an undo.
    AgreeToUndo {
        /// Who asked.
        by: Option<&'a OperatorId>,
    },
    /// An undo that was agreed to is to be done.
    Undo {
        /// Since when.
        since: Timestamp,
    },
    /// Nothing happens by itself.
    Nothing,
}

impl Proposal {
    /// What has to happen next. People's deadlines are told as a pause moved them until now.
    pub fn next_step(&self, control: &Control, now: Timestamp) -> NextStep<'_> {
        let since = self.state_since();
        match self.state() {
            State::Reasoning(lease) => NextStep::Reason { until: lease.until },
            State::Proposed => NextStep::Score { since },
            State::AwaitingApproval(waiting) => NextStep::Decide {
                waiting,
                deadline: waiting.deadline_now(control, now),
            },
            State::Approved(approval) => NextStep::Start {
                since: approval.not_before.map_or(since, |at| at.max(since)),
                deadline: approval.deadline(),
            },
            State::Executing(execution) => match execution.restore_at {
                Some(at) if execution.restore_due(now) => NextStep::End { at, execution },
                Some(_) | None => NextStep::Act(execution),
            },
            State::Unknown(execution) => NextStep::FindOut { since, execution },
            State::Succeeded(done) => match (&done.undo, done.execution.restore_at) {
                (UndoState::None, None) => NextStep::Nothing,
                (UndoState::Requested { by, .. }, None) => NextStep::AgreeToUndo { by: by.as_ref() },
                (UndoState::Approved { .. }, end) if end.is_none_or(|end| now < end) => {
                    NextStep::Undo { since }
                }
                (UndoState::None | UndoState::Requested { .. } | UndoState::Approved { .. }, Some(at)) => {
                    NextStep::End {
                        at,
                        execution: &done.execution,
                    }
                }
                (UndoState::Approved { .. }, None) => NextStep::Undo { since },
            },
            State::Closed(_) => NextStep::Nothing,
        }
    }
}
