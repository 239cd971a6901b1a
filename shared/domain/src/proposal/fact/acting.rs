//! Bodies of what an action did: the start, the outcome, taking it back, whether it helped.

use serde::{Deserialize, Serialize};

use super::deciding::Decider;
use crate::action::Plan;
use crate::inventory::{Condition, Reading, Target};
use crate::trail::{Extension, Seq};
use crate::value::{Digest, Timestamp};

/// A target held, and by which claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The target.
    pub target: Target,
    /// The claim's fence.
    pub fence: Seq,
}

/// `started`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StartedText", into = "StartedText")]
pub struct Started {
    /// What will be done: the preview's plan.
    pub plan: Plan,
    /// A claim on every target of the plan.
    pub held: Vec<Held>,
    /// Until when whoever wrote this record is the one who acts.
    pub lease_until: Timestamp,
    /// When the effect ends by itself.
    pub restore_at: Option<Timestamp>,
    /// Set where a pause moved the deadline that it met.
    pub extension: Option<Extension>,
}

/// How `started` is stored: of claims on just what the plan claims, their fences alone. A provider may serve hundreds of model
/// groups, and each would be named twice.
#[derive(Serialize, Deserialize)]
struct StartedText {
    plan: Plan,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    held: Vec<Held>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fences: Vec<Seq>,
    lease_until: Timestamp,
    restore_at: Option<Timestamp>,
    extension: Option<Extension>,
}

impl From<Started> for StartedText {
    fn from(started: Started) -> Self {
        let as_planned = started
            .held
            .iter()
            .map(|held| &held.target)
            .eq(&started.plan.claims);
        let (held, fences) = match as_planned {
            true => (Vec::new(), started.held.iter().map(|held| held.fence).collect()),
            false => (started.held, Vec::new()),
        };
        Self {
            plan: started.plan,
            held,
            fences,
            lease_until: started.lease_until,
            restore_at: started.restore_at,
            extension: started.extension,
        }
    }
}

impl From<StartedText> for Started {
    fn from(text: StartedText) -> Self {
        let of_plan = text
            .plan
            .claims
            .iter()
            .zip(text.fences)
            .map(|(target, fence)| Held {
                target: target.clone(),
                fence,
            });
        let held = text.held.into_iter().chain(of_plan.collect::<Vec<_>>()).collect();
        Self {
            plan: text.plan,
            held,
            lease_until: text.lease_until,
            restore_at: text.restore_at,
            extension: text.extension,
        }
    }
}

/// `succeeded`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succeeded {
    /// What the targets read afterwards.
    pub readings: Vec<Reading>,
    /// The receipt of a page: its dedup key.
    pub receipt: Option<String>,
}

/// `failed`, `restore_failed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// One sentence.
    pub reason: String,
    /// What the targets read.
    pub readings: Vec<Reading>,
}

/// `unknown`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclear {
    /// One sentence.
    pub cause: String,
}

/// `restored`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// What the targets read afterwards.
    pub readings: Vec<Reading>,
}

/// `undo_requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRequested {
    /// Why, in the words of whoever asks.
    pub reason: String,
    /// SHA-256 of the whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `undo_approved`, `undo_rejected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoDecided {
    /// The `undo_requested` record that was shown.
    pub requested: Digest,
    /// Why the agent gives it up, or a person rejects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SHA-256 of the whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `verified`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// What the metric says now.
    pub condition: Condition,
}
