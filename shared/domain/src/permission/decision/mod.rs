//! A person's decision: may this operator do this on this proposal now, and what does it make of it.
//!
//! What no rule may allow is refused here, whatever the rules say; the rules are asked last.

mod effect;
mod question;
mod refusal;
mod vote;
mod voters;

use serde::{Deserialize, Serialize};

use self::question::Question;
pub use self::question::may_approve;
pub use self::refusal::Refusal;
pub use self::voters::{Lapsed, still_approved};
use crate::action::Narrowing;
use crate::permission::{Directory, InForce, Operator};
use crate::proposal::{Awaiting, Decider, Outcome, Proposal, ProposalFact, State, UndoState};
use crate::trail::Control;
use crate::value::{Deployment, Digest, OperatorId, Reason, Timestamp};

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Yes, to the proposal or to the undo that is asked for.
    Approve,
    /// No, to the one or the other.
    Reject {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// An approval is taken back, until the start.
    Revoke,
    /// Less of the action is to be done.
    Narrow {
        /// The new values.
        to: Narrowing,
    },
    /// The effect is to be taken back.
    Undo {
        /// Why.
        reason: Reason,
    },
    /// People were called, and whoever asks has seen to it: the agent is to look at the trouble as at a new one.
    Acknowledge {
        /// What was done, or why nothing is.
        reason: Reason,
    },
}

impl Request {
    /// Its name, as a button, a command and an API say it.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Approve => "approve",
            Request::Reject { .. } => "reject",
            Request::Revoke => "revoke",
            Request::Narrow { .. } => "narrow",
            Request::Undo { .. } => "undo",
            Request::Acknowledge { .. } => "acknowledge",
        }
    }
}

/// Who asks, and where they were found.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The operator.
    pub operator: &'a Operator,
    /// The directory that knows them.
    pub directory: &'a Directory,
}

impl Asker<'_> {
    /// Who it is, for the record.
    fn decider(&self) -> Decider {
        Decider {
            groups: self.operator.groups.clone(),
            directory: *self.directory.digest(),
        }
    }
}

/// What holds when a person decides.
#[derive(Clone, Copy)]
pub struct Under<'a> {
    /// The policy in force.
    pub in_force: &'a InForce,
    /// Threshold, switches and deadlines.
    pub deployment: &'a Deployment,
    /// The operators' switches.
    pub control: &'a Control,
}

/// The fact that a person's request makes, or why it does not count.
///
/// `seen` is the digest of the record that the person was shown: the `scored` one, the `undo_requested` one where an undo is
/// decided, or the `declined` one that called people.
pub fn decide(
    proposal: &Proposal,
    request: &Request,
    asker: Asker<'_>,
    seen: Digest,
    under: &Under<'_>,
    now: Timestamp,
) -> Result<ProposalFact, Refusal> {
    if asker.operator.bot {
        return Err(Refusal::Bot);
    }
    if !asker.operator.active {
        return Err(Refusal::Inactive);
    }
    let asking = Asking {
        proposal,
        asker,
        seen,
        under,
        now,
    };
    match (request, asking.undo_asked_by()) {
        (Request::Approve, Some(by)) => asking.agree_to_undo(by),
        (Request::Reject { reason }, Some(_)) => asking.reject_undo(reason.as_ref()),
        (Request::Approve, None) => asking.approve(),
        (Request::Reject { reason }, None) => asking.reject(reason.as_ref()),
        (Request::Revoke, _) => asking.revoke(),
        (Request::Narrow { to }, _) => asking.narrow(to),
        (Request::Undo { reason }, _) => asking.ask_for_undo(reason),
        (Request::Acknowledge { reason }, _) => asking.acknowledge(reason),
    }
}

/// Whether this very request is what brought the proposal where it stands: who repeats it hears the same answer.
pub fn is_repeated(proposal: &Proposal, request: &Request, operator: &Operator, seen: Digest) -> bool {
    if let (Request::Acknowledge { .. }, Some(call)) = (request, proposal.call()) {
        let by = call.acknowledged.as_ref().and_then(|moved| moved.by.operator());
        return call.record == seen && by == Some(&operator.id);
    }
    let moved_it = proposal.moved().by.operator() == Some(&operator.id);
    let scored = proposal.scored_record() == Some(&seen);
    moved_it
        && match (request, proposal.state()) {
            (Request::Approve, State::Approved(_)) => scored,
            (Request::Reject { .. }, State::Closed(Outcome::Rejected)) => scored,
            (Request::Approve, State::Succeeded(done)) => done.undo == UndoState::Approved { request: seen },
            (Request::Undo { .. }, State::Succeeded(done)) => {
                scored && matches!(done.undo, UndoState::Requested { .. })
            }
            (
                Request::Approve
                | Request::Reject { .. }
                | Request::Revoke
                | Request::Narrow { .. }
                | Request::Undo { .. }
                | Request::Acknowledge { .. },
                _,
            ) => false,
        }
}

/// One person's request on one proposal.
#[derive(Clone, Copy)]
struct Asking<'a> {
    proposal: &'a Proposal,
    asker: Asker<'a>,
    seen: Digest,
    under: &'a Under<'a>,
    now: Timestamp,
}

impl<'a> Asking<'a> {
    /// Who asked for the undo that the person was shown, where that is what they were shown.
    fn undo_asked_by(&self) -> Option<Option<&'a OperatorId>> {
        match self.proposal.state() {
            State::Succeeded(done) => match &done.undo {
                UndoState::Requested { by, record } if *record == self.seen => Some(by.as_ref()),
                UndoState::Requested { .. } | UndoState::None | UndoState::Approved { .. } => None,
            },
            State::Reasoning(_)
            | State::Proposed
            | State::AwaitingApproval(_)
            | State::Approved(_)
            | State::Executing(_)
            | State::Unknown(_)
            | State::Closed(_) => None,
        }
    }

    /// What waits for a decision on what the person was shown.
    fn waiting(&self) -> Result<&'a Awaiting, Refusal> {
        match self.proposal.state() {
            State::AwaitingApproval(waiting) if waiting.scored == self.seen => Ok(waiting),
            State::AwaitingApproval(_) | State::Proposed => Err(Refusal::Stale),
            State::Reasoning(_)
            | State::Approved(_)
            | State::Executing(_)
            | State::Unknown(_)
            | State::Succeeded(_)
            | State::Closed(_) => Err(Refusal::Decided),
        }
    }

    fn operator(&self) -> &'a Operator {
        self.asker.operator
    }

    fn policy(&self) -> Digest {
        self.under.in_force.digest
    }

    /// What the rules are asked where so many people are needed.
    fn question(&self, needed: u8) -> Question<'a> {
        Question {
            proposal: self.proposal,
            operator: self.operator(),
            in_force: self.under.in_force,
            deployment: self.under.deployment,
            needed,
            own: self.proposal.requesters().contains(&self.operator().id),
            now: self.now,
        }
    }
}

#[cfg(test)]
mod tests;
