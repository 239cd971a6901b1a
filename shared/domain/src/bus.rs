//! What the agent tells the world: one bus event for each record of a proposal.

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::digest::Digest;
use crate::event::{EventType, Severity};
use crate::ids::{OrgId, ProposalId, TeamId};
use crate::proposal::{Decision, Proposal, State};
use crate::record::Record;
use crate::stream::Seq;
use crate::time::Timestamp;

/// The `detail` of an outgoing event. Its detail-type is `proposal.<kind>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Version of this shape.
    pub version: u32,
    /// The proposal.
    pub proposal: ProposalId,
    /// The record's position.
    pub seq: Seq,
    /// What happened.
    pub kind: String,
    /// The record's digest.
    pub digest: Digest,
    /// When.
    pub at: Timestamp,
    /// The proposal just after this record.
    pub summary: Summary,
}

/// A proposal in a few words: of bus events, and of the view's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Where it stands.
    pub state: String,
    /// What it answers.
    pub event_type: EventType,
    /// The organisation.
    pub org_id: OrgId,
    /// The team most concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// How bad.
    pub severity: Severity,
    /// The action, once proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionKind>,
    /// The score, once scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score: Option<u8>,
    /// Where it went, once scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

impl Summary {
    /// The summary of a proposal.
    pub fn of(proposal: &Proposal) -> Self {
        let event = &proposal.received().event;
        Self {
            state: proposal.state().name().to_owned(),
            event_type: event.event_type(),
            org_id: event.org.clone(),
            team_id: event.team.clone(),
            severity: event.severity,
            action: proposal.proposed().map(|proposed| proposed.action.kind()),
            risk_score: proposal.scored().map(|scored| scored.score),
            decision: proposal.scored().map(|scored| scored.decision),
        }
    }
}

impl Announcement {
    /// The announcement of a proposal's last record: replay up to the record to be announced.
    pub fn of(proposal: &Proposal) -> Self {
        let Record {
            seq,
            kind,
            digest,
            at,
            ..
        } = proposal.last();
        Self {
            version: 1,
            proposal: proposal.id().clone(),
            seq: *seq,
            kind: kind.clone(),
            digest: *digest,
            at: *at,
            summary: Summary::of(proposal),
        }
    }

    /// The EventBridge detail-type.
    pub fn detail_type(&self) -> String {
        format!("proposal.{}", self.kind)
    }

    /// Why people must hear of it, if they must.
    pub fn needs_a_person(&self) -> Option<&'static str> {
        let waits = self.kind == "scored" && self.summary.decision == Some(Decision::Gate);
        match self.kind.as_str() {
            "scored" if waits => Some("a proposal waits for approval"),
            "undo_requested" => Some("an undo waits for approval"),
            "failed" => Some("an action failed"),
            "unknown" => Some("it is unknown whether an action took effect"),
            "restore_failed" => Some("an effect could not be taken back"),
            _ => None,
        }
    }
}

/// One row of the view: the present state of a proposal. Disposable, and never asked to decide anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The proposal.
    pub proposal: ProposalId,
    /// The last record it was made from.
    pub seq: Seq,
    /// Whether something is still to happen.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last record was written.
    pub updated_at: Timestamp,
    /// The rest.
    #[serde(flatten)]
    pub summary: Summary,
}

impl Row {
    /// The row of a proposal.
    pub fn of(proposal: &Proposal) -> Self {
        let undo_waits = matches!(proposal.state(), State::Succeeded(done) if done.undo != crate::proposal::UndoState::None);
        Self {
            proposal: proposal.id().clone(),
            seq: proposal.last().seq,
            open: proposal.settled_at().is_none() || undo_waits,
            opened_at: proposal.opened_at(),
            updated_at: proposal.last().at,
            summary: Summary::of(proposal),
        }
    }
}
