//! What the agent did on the same targets before, and what else is going on: read from the trail, and recorded with
//! the evidence.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::ids::ProposalId;
use crate::inventory::Condition;
use crate::ports::{Trail, TrailError, load_proposal};
use crate::proposal::{Outcome, Proposal, State};
use crate::record::{Fact, HOUR_SHARDS};
use crate::stream::StreamId;
use crate::target::{Target, TargetFact};
use crate::time::Timestamp;

/// Records of a target's stream that are looked at, newest first: a claim and its release are two.
const MOST_CLAIMS: usize = 40;

/// Earlier actions that are recorded.
const MOST_ACTIONS: usize = 12;

/// Other incidents that are recorded.
const MOST_INCIDENTS: usize = 50;

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
    fn of(proposal: &Proposal) -> Option<Self> {
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

/// Reads what was before a proposal that would change `targets`.
pub async fn look_back(
    trail: &dyn Trail,
    proposal: &ProposalId,
    targets: &[Target],
    now: Timestamp,
) -> Result<History, TrailError> {
    Ok(History {
        actions: actions_on(trail, proposal, targets).await?,
        incidents: incidents(trail, proposal, now).await?,
    })
}

/// The earlier actions that changed one of these targets, the newest first.
pub async fn actions_on(
    trail: &dyn Trail,
    proposal: &ProposalId,
    targets: &[Target],
) -> Result<Vec<Past>, TrailError> {
    let mut seen = BTreeSet::from([proposal.clone()]);
    let mut actions = Vec::new();
    for target in targets {
        for record in trail
            .newest(&StreamId::Target(target.clone()), MOST_CLAIMS)
            .await?
        {
            let holder = TargetFact::read(&record)?.proposal().clone();
            if !seen.insert(holder.clone()) {
                continue;
            }
            let Some(holder) = load_proposal(trail, &holder).await? else {
                continue;
            };
            // Claims are also on what a change only thins.
            let changed = holder.proposed().is_some_and(|proposed| {
                proposed
                    .preview
                    .plan
                    .changes
                    .iter()
                    .any(|change| targets.contains(&change.target))
            });
            actions.extend(Past::of(&holder).filter(|_| changed));
        }
    }
    actions.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.proposal.cmp(&b.proposal)));
    actions.truncate(MOST_ACTIONS);
    Ok(actions)
}

/// When other troubles were first reported within the last hour, the newest first.
async fn incidents(
    trail: &dyn Trail,
    proposal: &ProposalId,
    now: Timestamp,
) -> Result<Vec<Timestamp>, TrailError> {
    let since = now.minus_seconds(INCIDENTS_S);
    let hours = BTreeSet::from([since.hour(), now.hour()]);
    let mut opened = Vec::new();
    for hour in hours {
        for shard in 0..HOUR_SHARDS {
            for (stream, at) in trail.opened_in(&format!("{hour}/{shard}")).await? {
                let other =
                    matches!(&stream, StreamId::Proposal(id) if id.fingerprint() != proposal.fingerprint());
                if other && at >= since && at <= now {
                    opened.push(at);
                }
            }
        }
    }
    opened.sort_by(|a, b| b.cmp(a));
    opened.truncate(MOST_INCIDENTS);
    Ok(opened)
}
