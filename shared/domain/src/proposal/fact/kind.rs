//! The kinds of a proposal's records, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What happened to a proposal, without its body: the `kind` attribute of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An event was taken, and one function reasons about it until its lease ends.
    Received,
    /// Closed: nothing will be proposed.
    Declined,
    /// One action was chosen.
    Proposed,
    /// Its risk was scored, and where it goes was decided.
    Scored,
    /// A person narrowed it.
    Amended,
    /// One of several approvals needed.
    Voted,
    /// It may be executed for a while.
    Approved,
    /// A vote is taken back: people decide again.
    Revoked,
    /// Closed: a person said no.
    Rejected,
    /// A deadline passed.
    Expired,
    /// Closed: a precondition does not hold any more.
    Refused,
    /// Its effect begins. Nothing is written to the gateway before this.
    Started,
    /// The targets read as planned.
    Succeeded,
    /// Closed: no target reads as planned.
    Failed,
    /// It cannot be told whether the effect happened.
    Unknown,
    /// The effect was taken back.
    Restored,
    /// Taking it back did not work yet.
    RestoreFailed,
    /// A person asks to take the effect back.
    UndoRequested,
    /// Another person agrees.
    UndoApproved,
    /// Another person does not; or the agent gives up an approved undo, because somebody else changed the target.
    UndoRejected,
    /// The metric that fired was read again, later.
    Verified,
    /// The same trouble was reported again.
    Repeated,
    /// A channel was told.
    Notified,
    /// Nobody answered; somebody else was asked.
    Escalated,
    /// People were called, and one of them has seen to it.
    Acknowledged,
    /// A person's words.
    Commented,
}

impl Kind {
    /// Every kind, in the order of the documents' table.
    pub const ALL: [Kind; 26] = [
        Kind::Received,
        Kind::Declined,
        Kind::Proposed,
        Kind::Scored,
        Kind::Amended,
        Kind::Voted,
        Kind::Approved,
        Kind::Revoked,
        Kind::Rejected,
        Kind::Expired,
        Kind::Refused,
        Kind::Started,
        Kind::Succeeded,
        Kind::Failed,
        Kind::Unknown,
        Kind::Restored,
        Kind::RestoreFailed,
        Kind::UndoRequested,
        Kind::UndoApproved,
        Kind::UndoRejected,
        Kind::Verified,
        Kind::Repeated,
        Kind::Notified,
        Kind::Escalated,
        Kind::Acknowledged,
        Kind::Commented,
    ];

    /// Its name, as recorded.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Received => "received",
            Kind::Declined => "declined",
            Kind::Proposed => "proposed",
            Kind::Scored => "scored",
            Kind::Amended => "amended",
            Kind::Voted => "voted",
            Kind::Approved => "approved",
            Kind::Revoked => "revoked",
            Kind::Rejected => "rejected",
            Kind::Expired => "expired",
            Kind::Refused => "refused",
            Kind::Started => "started",
            Kind::Succeeded => "succeeded",
            Kind::Failed => "failed",
            Kind::Unknown => "unknown",
            Kind::Restored => "restored",
            Kind::RestoreFailed => "restore_failed",
            Kind::UndoRequested => "undo_requested",
            Kind::UndoApproved => "undo_approved",
            Kind::UndoRejected => "undo_rejected",
            Kind::Verified => "verified",
            Kind::Repeated => "repeated",
            Kind::Notified => "notified",
            Kind::Escalated => "escalated",
            Kind::Acknowledged => "acknowledged",
            Kind::Commented => "commented",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| {
            format!(
                "\"{}\" is no kind of a proposal's record",
                crate::value::shorten(text)
            )
        })
    }
}
