//! Authors: which part of the agent may say what.
//!
//! Each writes an attribute of its own, and IAM lets nobody else write that one. Whoever reads a record asks whether its
//! author may say what it says: a permission to insert is no authority.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::StreamId;

/// Who wrote a record: the part of the agent, not the person behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// `ingest-and-propose`.
    Ingest,
    /// `scoring`.
    Scoring,
    /// `approval-callback`, behind either of its doors.
    Callback,
    /// `execution`.
    Execution,
    /// `notification`.
    Notification,
    /// `housekeeping`.
    Housekeeping,
    /// `archive`.
    Archive,
    /// A person with the command line and the operators' key.
    Operator,
}

impl Author {
    /// Every one.
    pub const ALL: [Author; 8] = [
        Author::Ingest,
        Author::Scoring,
        Author::Callback,
        Author::Execution,
        Author::Notification,
        Author::Housekeeping,
        Author::Archive,
        Author::Operator,
    ];

    /// The attribute that only this author writes.
    pub fn attribute(self) -> &'static str {
        match self {
            Author::Ingest => "by_ingest",
            Author::Scoring => "by_scoring",
            Author::Callback => "by_callback",
            Author::Execution => "by_execution",
            Author::Notification => "by_notification",
            Author::Housekeeping => "by_housekeeping",
            Author::Archive => "by_archive",
            Author::Operator => "by_operator",
        }
    }

    /// Its name, without the "by".
    pub fn name(self) -> &'static str {
        self.attribute().trim_start_matches("by_")
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whose key signs a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The callback's: what a person decided on a proposal.
    Decisions,
    /// The operators': what they switch for the whole agent.
    Operators,
}

impl Authority {
    /// Both.
    pub const ALL: [Authority; 2] = [Authority::Decisions, Authority::Operators];
}

use Author::{Archive, Callback, Execution, Housekeeping, Ingest, Notification, Operator, Scoring};

/// Who may say what of a proposal; the first is who usually does.
const PROPOSAL: [(&str, &[Author]); 26] = [
    ("received", &[Ingest]),
    ("declined", &[Ingest]),
    ("proposed", &[Ingest]),
    ("scored", &[Scoring]),
    ("amended", &[Callback]),
    ("voted", &[Callback]),
    ("approved", &[Callback]),
    ("revoked", &[Callback]),
    ("rejected", &[Callback]),
    ("expired", &[Housekeeping, Execution]),
    ("refused", &[Execution]),
    ("started", &[Execution]),
    ("succeeded", &[Execution]),
    ("failed", &[Execution]),
    ("unknown", &[Execution]),
    ("restored", &[Execution]),
    ("restore_failed", &[Execution]),
    ("undo_requested", &[Callback]),
    ("undo_approved", &[Callback]),
    ("undo_rejected", &[Callback, Execution]),
    ("verified", &[Execution]),
    ("repeated", &[Ingest]),
    ("notified", &[Notification]),
    ("escalated", &[Notification, Housekeeping]),
    ("acknowledged", &[Callback]),
    ("commented", &[Callback]),
];

const INCIDENT: [(&str, &[Author]); 1] = [("opened", &[Ingest])];

const TARGET: [(&str, &[Author]); 2] = [("claimed", &[Execution]), ("released", &[Execution])];

const LIMIT: [(&str, &[Author]); 7] = [
    ("slot_used", &[Scoring, Execution]),
    ("reserved", &[Ingest]),
    ("settled", &[Ingest]),
    ("event_refused", &[Ingest]),
    ("sources_left_out", &[Ingest]),
    ("name_unknown", &[Ingest]),
    ("names_left_out", &[Ingest]),
];

const CONTROL: [(&str, &[Author]); 6] = [
    ("paused", &[Operator]),
    ("resumed", &[Operator]),
    ("policy_published", &[Operator]),
    ("automatic_off", &[Operator]),
    ("automatic_on", &[Operator]),
    ("set_aside", &[Operator]),
];

const GUARD: [(&str, &[Author]); 7] = [
    ("automatic_off", &[Execution]),
    ("automatic_failed", &[Execution]),
    ("automatic_succeeded", &[Execution]),
    ("agent_disabled", &[Housekeeping]),
    ("agent_enabled", &[Housekeeping]),
    ("forged_record", &[Execution, Housekeeping]),
    ("tamper_detected", &[Archive]),
];

/// The kinds of a stream, and who may write each; the first author is the usual one.
pub fn kinds_of(stream: &StreamId) -> &'static [(&'static str, &'static [Author])] {
    match stream {
        StreamId::Proposal(_) => &PROPOSAL,
        StreamId::Incident(_) => &INCIDENT,
        StreamId::Target(_) => &TARGET,
        StreamId::Limit { .. } => &LIMIT,
        StreamId::Control => &CONTROL,
        StreamId::Guard => &GUARD,
    }
}

/// Who may write a kind of record to a stream; nobody where the stream has no such kind.
pub fn authors_of(stream: &StreamId, kind: &str) -> &'static [Author] {
    let known = kinds_of(stream).iter().find(|(name, _)| *name == kind);
    known.map_or(&[], |(_, authors)| authors)
}

/// Whose key must have signed a kind of record of a stream; none where nobody signs it.
///
/// `rejected` is not signed: with the key out of reach people can still say no.
pub fn signed_by(stream: &StreamId, kind: &str) -> Option<Authority> {
    const DECISIONS: [&str; 5] = ["approved", "voted", "amended", "revoked", "undo_approved"];
    match stream {
        StreamId::Proposal(_) => DECISIONS.contains(&kind).then_some(Authority::Decisions),
        StreamId::Control => Some(Authority::Operators),
        StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } | StreamId::Guard => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::samples::*;

    #[test]
    fn every_kind_of_a_proposal_has_its_authors() {
        let story = proposed(breaks(300));
        let stream = StreamId::Proposal(story.proposal().id().clone());
        for kind in crate::proposal::Kind::ALL {
            assert!(!authors_of(&stream, kind.name()).is_empty(), "{kind}");
        }
        assert_eq!(authors_of(&stream, "cheered"), []);
        assert_eq!(authors_of(&StreamId::Control, "approved"), []);
    }

    #[test]
    fn whatever_a_start_rests_on_is_signed_and_a_no_is_not() {
        let story = proposed(breaks(300));
        let stream = StreamId::Proposal(story.proposal().id().clone());
        let signed: Vec<&str> = PROPOSAL
            .iter()
            .map(|(kind, _)| *kind)
            .filter(|kind| signed_by(&stream, kind).is_some())
            .collect();
        assert_eq!(
            signed,
            ["amended", "voted", "approved", "revoked", "undo_approved"]
        );
        for (kind, _) in CONTROL {
            assert_eq!(signed_by(&StreamId::Control, kind), Some(Authority::Operators));
        }
    }

    #[test]
    fn no_two_authors_share_an_attribute() {
        let attributes: BTreeSet<&str> = Author::ALL.map(Author::attribute).into();
        assert_eq!(attributes.len(), Author::ALL.len());
    }
}
