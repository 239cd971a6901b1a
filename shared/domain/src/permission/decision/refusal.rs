//! Why a person's request does not count. What the person is told of it, with who decided before them and when, is in
//! [`crate::telling::answer`].

use crate::action::Complaint;
use crate::value::Timestamp;

/// Why a request does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Bots never decide.
    Bot,
    /// The operator is not active.
    Inactive,
    /// The person requested or edited it.
    OwnProposal,
    /// The person approved it before.
    VotedAlready,
    /// It does not wait for this decision any more: where it stands says who decided.
    Decided,
    /// The person was shown an older score.
    Stale,
    /// Too late.
    TooLate(Timestamp),
    /// The agent is paused, for this reason.
    Paused(String),
    /// The action is only watched since the person was asked.
    Watched,
    /// The rules of the policy, in their words.
    Forbidden(String),
    /// There is no approval to take back.
    NotApproved,
    /// The new values are not less of the action.
    NotNarrower(Complaint),
    /// The action has nothing that could be taken back.
    CannotBeUndone,
    /// An undo was asked for before, or is under way.
    UndoUnderWay,
    /// The person asked for this undo.
    OwnUndo,
}
