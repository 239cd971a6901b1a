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
