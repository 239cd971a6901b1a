//! What the agent did on the same targets before, and what else is going on: read from the trail, and recorded with
//! the evidence.

use serde::{Deserialize, Serialize};

use super::{Outcome, Proposal, State};
use crate::action::ActionKind;
use crate::inventory::Condition;
use crate::value::{ProposalId, Timestamp};

/// Earlier actions that are recorded.
const MOST_ACTIONS: usize = 12;

/// Other incidents that are recorded.
pub const MOST_INCIDENTS: usize = 50;

/// How far back other incidents are looked for, seconds.
pub const INCIDENTS_S: u64 = 3600;

/// What was before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    /// Earlier actions on the same targets, the newest first, at most 12.
    pub actions: Vec<Past>,
    /// When the other incidents of the last hour were opened, the newest first, at most 50.
    pub incidents: Vec<Timestamp>,
}

/// An earlier action on one of the same targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its proposal.
    pub proposal: ProposalId,
    /// Which action.
    pub action: ActionKind,
    /// How it stands.
    pub came: Came,
    /// Since when.
    pub since: Timestamp,
    /// Whether its metric was seen to recover; absent where it was not asked, or could not be.
    pub helped: Option<bool>,
}

/// How an earlier action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// Its effect is in force, or is being brought about.
    InForce,
    /// Its effect ended by itself.
    Ended,
    /// A person had it taken back.
    Undone,
    /// It did not take effect, or could not be taken back.
    Failed,
}

impl Past {
    /// An action that began, as it stands; `None` for one that never did.
    pub fn of(proposal: &Proposal) -> Option<Self> {
        let proposed = proposal.proposed()?;
        let ends_by_itself = matches!(proposed.preview.undo, crate::action::Undo::Restore { .. });
        let came = match proposal.state() {
            State::Closed(Outcome::Failed) => Came::Failed,
            State::Closed(Outcome::Restored) if ends_by_itself => Came::Ended,
            State::Closed(Outcome::Restored) => Came::Undone,
            State::Executing(execution) | State::Unknown(execution)
                if execution.restore_failed_at.is_some() =>
            {
                Came::Failed
            }
            State::Succeeded(done) if done.execution.restore_failed_at.is_some() => Came::Failed,
            State::Executing(_) | State::Unknown(_) | State::Succeeded(_) => Came::InForce,
            State::Reasoning(_)
            | State::Proposed
            | State::AwaitingApproval(_)
            | State::Approved(_)
            | State::Closed(
                Outcome::Declined | Outcome::Shadow | Outcome::Rejected | Outcome::Expired | Outcome::Refused,
            ) => return None,
        };
        let helped = proposal.verified().and_then(|verified| match verified.condition {
            // What the event claimed is not so any more.
            Condition::Refuted(_) => Some(true),
            Condition::Confirmed(_) => Some(false),
            Condition::Unreadable(_) => None,
        });
        Some(Self {
            proposal: proposal.id().clone(),
            action: proposed.action.kind(),
            came,
            since: proposal.state_since(),
            helped,
        })
    }

    /// Whether it went wrong, or somebody thought so.
    pub fn is_bad(&self) -> bool {
        matches!(self.came, Came::Failed | Came::Undone)
    }

    /// Whether it did what it was for.
    pub fn is_good(&self) -> bool {
        matches!(self.came, Came::InForce | Came::Ended) && self.helped == Some(true)
    }

    /// Whether it came to stand so within this many seconds before an instant.
    pub fn is_within(&self, seconds: u64, now: Timestamp) -> bool {
        self.since >= now.minus_seconds(seconds)
    }
}

impl History {
    /// The newest first, and no more than a record should hold.
    pub fn new(mut actions: Vec<Past>, mut incidents: Vec<Timestamp>) -> Self {
        actions.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.proposal.cmp(&b.proposal)));
        actions.truncate(MOST_ACTIONS);
        incidents.sort_by(|a, b| b.cmp(a));
        incidents.truncate(MOST_INCIDENTS);
        Self { actions, incidents }
    }
}
