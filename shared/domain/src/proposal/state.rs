//! The states of a proposal.

use crate::action::Plan;
use crate::proposal::fact::Held;
use crate::trail::{Control, Deadline};
use crate::value::{Digest, OperatorId, Timestamp};

/// Where a proposal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Somebody reasons, until the lease ends.
    Reasoning(Lease),
    /// An action is to be scored.
    Proposed,
    /// A person is to decide.
    AwaitingApproval(Awaiting),
    /// It may start.
    Approved(Approval),
    /// Somebody acts, until the lease ends.
    Executing(Execution),
    /// It cannot be told whether the effect happened.
    Unknown(Execution),
    /// The effect is in force.
    Succeeded(Done),
    /// Nothing more happens.
    Closed(Outcome),
}

/// Exclusive work for a bounded time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Its end.
    pub until: Timestamp,
    /// The record that took it.
    pub record: Digest,
}

impl Lease {
    /// Whether it still holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        now <= self.until
    }
}

/// A proposal that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaiting {
    /// The `scored` record that a decision must name.
    pub scored: Digest,
    /// Until when, before any pause.
    pub deadline: Timestamp,
    /// Milliseconds paused in all when the deadline was set.
    pub paused_before_ms: u64,
    /// Different people needed.
    pub needed: u8,
    /// Who approved so far.
    pub votes: Vec<OperatorId>,
}

impl Awaiting {
    /// Until when people may decide, as it stands now.
    pub fn deadline_now(&self, control: &Control, now: Timestamp) -> Deadline {
        control.deadline(self.deadline, self.paused_before_ms, now)
    }

    /// How many different people are still missing.
    pub fn missing(&self) -> usize {
        usize::from(self.needed).saturating_sub(self.votes.len())
    }

    /// Without what a person said: their own vote where they gave one, otherwise everybody's, since they object to all.
    pub(super) fn without(mut self, revoker: &OperatorId) -> Self {
        match self.votes.contains(revoker) {
            true => self.votes.retain(|voter| voter != revoker),
            false => self.votes.clear(),
        }
        self
    }

    /// Whether one more person completes the quorum.
    pub fn is_completed_by_one_more(&self) -> bool {
        self.missing() <= 1
    }
}

/// An approval that is good for a while. No pause moves its end: what waited through one is scored and asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Until when.
    pub valid_until: Timestamp,
    /// From when, where people have a time to object.
    pub not_before: Option<Timestamp>,
    /// What people decide on again where it is revoked.
    pub waiting: Awaiting,
}

impl Approval {
    /// Whether people may still object before anything starts.
    pub fn is_held_back(&self, now: Timestamp) -> bool {
        self.not_before.is_some_and(|at| now < at)
    }

    /// Until when it is good.
    pub fn deadline(&self) -> Deadline {
        Deadline {
            set: self.valid_until,
            extension: None,
        }
    }
}

/// An effect that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// What is done.
    pub plan: Plan,
    /// The claims on its targets.
    pub held: Vec<Held>,
    /// Who acts.
    pub lease: Lease,
    /// When the effect ends by itself.
    pub restore_at: Option<Timestamp>,
    /// When taking it back failed last.
    pub restore_failed_at: Option<Timestamp>,
}

impl Execution {
    /// Whether the effect's own end has come.
    pub fn restore_due(&self, now: Timestamp) -> bool {
        self.restore_at.is_some_and(|at| now >= at)
    }
}

/// An effect in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// How it came about.
    pub execution: Execution,
    /// Whether a person asked to take it back.
    pub undo: UndoState,
}

impl Done {
    /// Whether the effect will end by itself.
    pub fn restore_pending(&self) -> bool {
        self.execution.restore_at.is_some()
    }
}

/// Whether a person asked to take an effect back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoState {
    /// Nobody did.
    None,
    /// Somebody did; another person must agree.
    Requested {
        /// Who asked: no vote on their own request.
        by: Option<OperatorId>,
        /// The record to be named in the answer.
        record: Digest,
    },
    /// It is to be done.
    Approved {
        /// The request that was approved.
        request: Digest,
    },
}

impl UndoState {
    /// Who asked for it, where it waits for another person.
    pub fn asked_by(&self) -> Option<&OperatorId> {
        match self {
            UndoState::Requested { by, .. } => by.as_ref(),
            UndoState::None | UndoState::Approved { .. } => None,
        }
    }

    /// Whether it is to be done.
    pub fn is_approved(&self) -> bool {
        matches!(self, UndoState::Approved { .. })
    }
}

/// How a proposal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was proposed.
    Declined,
    /// Scored and recorded only.
    Shadow,
    /// A person said no.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// A precondition did not hold any more.
    Refused,
    /// No target reads as planned.
    Failed,
    /// The effect was taken back.
    Restored,
}

impl State {
    /// Every state's name.
    pub const NAMES: [&'static str; 14] = [
        "reasoning",
        "proposed",
        "awaiting_approval",
        "approved",
        "executing",
        "unknown",
        "succeeded",
        "declined",
        "shadow",
        "rejected",
        "expired",
        "refused",
        "failed",
        "restored",
    ];

    /// The state's name, as in events and lists.
    pub fn name(&self) -> &'static str {
        match self {
            State::Reasoning(_) => "reasoning",
            State::Proposed => "proposed",
            State::AwaitingApproval(_) => "awaiting_approval",
            State::Approved(_) => "approved",
            State::Executing(_) => "executing",
            State::Unknown(_) => "unknown",
            State::Succeeded(_) => "succeeded",
            State::Closed(Outcome::Declined) => "declined",
            State::Closed(Outcome::Shadow) => "shadow",
            State::Closed(Outcome::Rejected) => "rejected",
            State::Closed(Outcome::Expired) => "expired",
            State::Closed(Outcome::Refused) => "refused",
            State::Closed(Outcome::Failed) => "failed",
            State::Closed(Outcome::Restored) => "restored",
        }
    }

    /// The effect under way or in force, if there is one.
    pub fn execution(&self) -> Option<&Execution> {
        match self {
            State::Executing(execution) | State::Unknown(execution) => Some(execution),
            State::Succeeded(done) => Some(&done.execution),
            State::Reasoning(_)
            | State::Proposed
            | State::AwaitingApproval(_)
            | State::Approved(_)
            | State::Closed(_) => None,
        }
    }

    /// The effect that may be taken back now: its end has come, or a person's undo was approved.
    pub fn to_take_back(&self, now: Timestamp) -> Option<&Execution> {
        let undo_approved = matches!(self, State::Succeeded(done) if done.undo.is_approved());
        self.execution()
            .filter(|execution| undo_approved || execution.restore_due(now))
    }

    /// Whether the claims of an effect that began count whatever their leases say: it may be in force, and ends or settles
    /// by itself.
    pub fn holds_its_targets(&self) -> bool {
        match self {
            State::Executing(_) | State::Unknown(_) => true,
            State::Succeeded(done) => done.restore_pending(),
            State::Reasoning(_)
            | State::Proposed
            | State::AwaitingApproval(_)
            | State::Approved(_)
            | State::Closed(_) => false,
        }
    }

    /// Whether nothing more will happen to the gateway by itself.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            State::Closed(_) => true,
            State::Succeeded(done) => !done.restore_pending() && !done.undo.is_approved(),
            State::Reasoning(_)
            | State::Proposed
            | State::AwaitingApproval(_)
            | State::Approved(_)
            | State::Executing(_)
            | State::Unknown(_) => false,
        }
    }
}
