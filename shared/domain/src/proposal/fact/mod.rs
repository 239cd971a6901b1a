//! What can happen to a proposal: the kinds of its records and their bodies.

mod acting;
mod deciding;
mod kind;
mod reasoning;
mod telling;

use serde::{Deserialize, Serialize};

pub use self::acting::{
    Failed, Held, Restored, Started, Succeeded, Unclear, UndoDecided, UndoRequested, Verified,
};
pub use self::deciding::{
    Amended, Approved, Decider, Decision, Expired, Factor, Precondition, Refused, Rejected, Revoked, Scored,
    Voted,
};
pub use self::kind::Kind;
pub use self::reasoning::{
    DeclineReason, Declined, Fallback, Proposed, Proposer, Reasoning, Received, Repeated, Verbatim, Worse,
};
pub use self::telling::{Acknowledged, Commented, Escalated, Notified};
use crate::trail::Fact;

/// One thing that happened to a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum ProposalFact {
    /// An event was taken, and one function reasons about it until its lease ends.
    Received(Received),
    /// Closed: nothing will be proposed.
    Declined(Declined),
    /// One action was chosen.
    Proposed(Box<Proposed>),
    /// Its risk was scored, and where it goes was decided.
    Scored(Scored),
    /// A person narrowed it.
    Amended(Box<Amended>),
    /// One of several approvals needed.
    Voted(Voted),
    /// It may be executed for a while.
    Approved(Approved),
    /// A vote is taken back: people decide again.
    Revoked(Revoked),
    /// Closed: a person said no.
    Rejected(Rejected),
    /// A deadline passed.
    Expired(Expired),
    /// Closed: a precondition does not hold any more.
    Refused(Refused),
    /// Its effect begins. Nothing is written to the gateway before this.
    Started(Started),
    /// The targets read as planned.
    Succeeded(Succeeded),
    /// Closed: no target reads as planned.
    Failed(Failed),
    /// It cannot be told whether the effect happened.
    Unknown(Unclear),
    /// The effect was taken back.
    Restored(Restored),
    /// Taking it back did not work yet.
    RestoreFailed(Failed),
    /// A person asks to take the effect back.
    UndoRequested(UndoRequested),
    /// Another person agrees.
    UndoApproved(UndoDecided),
    /// Another person does not; or the agent gives up an approved undo, because somebody else changed the target.
    UndoRejected(UndoDecided),
    /// The metric that fired was read again, later.
    Verified(Verified),
    /// The same trouble was reported again.
    Repeated(Repeated),
    /// A channel was told.
    Notified(Notified),
    /// Nobody answered; somebody else was asked.
    Escalated(Escalated),
    /// People were called, and one of them has seen to it.
    Acknowledged(Acknowledged),
    /// A person's words.
    Commented(Commented),
}

impl ProposalFact {
    /// What happened, without its body.
    pub fn what(&self) -> Kind {
        match self {
            ProposalFact::Received(_) => Kind::Received,
            ProposalFact::Declined(_) => Kind::Declined,
            ProposalFact::Proposed(_) => Kind::Proposed,
            ProposalFact::Scored(_) => Kind::Scored,
            ProposalFact::Amended(_) => Kind::Amended,
            ProposalFact::Voted(_) => Kind::Voted,
            ProposalFact::Approved(_) => Kind::Approved,
            ProposalFact::Revoked(_) => Kind::Revoked,
            ProposalFact::Rejected(_) => Kind::Rejected,
            ProposalFact::Expired(_) => Kind::Expired,
            ProposalFact::Refused(_) => Kind::Refused,
            ProposalFact::Started(_) => Kind::Started,
            ProposalFact::Succeeded(_) => Kind::Succeeded,
            ProposalFact::Failed(_) => Kind::Failed,
            ProposalFact::Unknown(_) => Kind::Unknown,
            ProposalFact::Restored(_) => Kind::Restored,
            ProposalFact::RestoreFailed(_) => Kind::RestoreFailed,
            ProposalFact::UndoRequested(_) => Kind::UndoRequested,
            ProposalFact::UndoApproved(_) => Kind::UndoApproved,
            ProposalFact::UndoRejected(_) => Kind::UndoRejected,
            ProposalFact::Verified(_) => Kind::Verified,
            ProposalFact::Repeated(_) => Kind::Repeated,
            ProposalFact::Notified(_) => Kind::Notified,
            ProposalFact::Escalated(_) => Kind::Escalated,
            ProposalFact::Acknowledged(_) => Kind::Acknowledged,
            ProposalFact::Commented(_) => Kind::Commented,
        }
    }
}

impl Fact for ProposalFact {
    fn kind(&self) -> &'static str {
        self.what().name()
    }
}
