//! Bodies of what decides on a proposal: the score, people's decisions, deadlines.

use serde::{Deserialize, Serialize};

use crate::action::{Action, Preview};
use crate::policy::{Automatic, SafetyLimit};
use crate::trail::Extension;
use crate::value::{Digest, Timestamp};

/// One thing that moved a score, with the sentence that explains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name, of the factors that risk knows; or `floor` or `ceiling`, where the sum was outside what a score can be.
    pub name: String,
    /// Points added; negative lowers.
    pub points: i32,
    /// One plain sentence.
    pub because: String,
}

/// Whoever decided, as the operator directory knew them then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decider {
    /// Their groups.
    pub groups: Vec<String>,
    /// SHA-256 of the whole directory.
    pub directory: Digest,
}

/// Where a scored proposal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A person must approve.
    Gate,
    /// The policy approves.
    Auto,
    /// Recorded only: it cannot execute.
    Shadow,
}

impl Decision {
    /// The decision as recorded.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Gate => "gate",
            Decision::Auto => "auto",
            Decision::Shadow => "shadow",
        }
    }
}

/// `scored`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Risk, 0–100.
    pub score: u8,
    /// The action's baseline.
    pub baseline: u8,
    /// The action's floor.
    pub floor: u8,
    /// What moved it from the baseline, one by one.
    pub factors: Vec<Factor>,
    /// The threshold in force.
    pub threshold: u8,
    /// Whether auto-approval was on.
    pub auto_approve: bool,
    /// Where it goes.
    pub decision: Decision,
    /// Why there, in a sentence.
    pub because: String,
    /// The rules that decided, by their ids; none where none was asked, or none allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The safety limit that sent it to a person, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<SafetyLimit>,
    /// Why automatic execution was switched off, where that sent it to a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off: Option<String>,
    /// Whether it would have run by itself, and was sent to a person for a label.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// Auto: the limits that execution holds it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Automatic>,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Why that is not the policy that was published last, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_instead_because: Option<String>,
    /// Different people who must approve.
    pub approvals_needed: u8,
    /// Gate: until when a person may approve.
    pub deadline: Option<Timestamp>,
    /// Auto: until when it may start.
    pub valid_until: Option<Timestamp>,
    /// Auto: from when it may start, where people have a time to object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Milliseconds the agent had been paused in all by then: later pauses move the deadline of people.
    pub paused_before_ms: u64,
}

/// `amended`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amended {
    /// The `scored` record that was narrowed.
    pub scored: Digest,
    /// The narrower action.
    pub action: Action,
    /// What it will do, exactly.
    pub preview: Preview,
    /// SHA-256 of the whole policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Set where a pause moved the deadline.
    pub extension: Option<Extension>,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `voted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voted {
    /// The `scored` record that was shown.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Set where a pause moved the deadline.
    pub extension: Option<Extension>,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `revoked`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// The `scored` record that was approved.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `approved`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The `scored` record that was shown.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Until when it may start.
    pub valid_until: Timestamp,
    /// From when it may start, where people have a time to object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Milliseconds the agent had been paused in all by then.
    pub paused_before_ms: u64,
    /// Set where a pause moved the deadline that it met.
    pub extension: Option<Extension>,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `rejected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The `scored` record that was shown.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Why, in the words of whoever rejects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Set where a pause moved the deadline.
    pub extension: Option<Extension>,
    /// Who it was, as the directory knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decider: Option<Decider>,
}

/// `expired`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// The deadline that passed, before any extension.
    pub deadline: Timestamp,
    /// Set where a pause moved it.
    pub extension: Option<Extension>,
    /// Whether an approval that ran out is asked about no more: it did so several times.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closes: bool,
}

/// `refused`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which precondition.
    pub precondition: Precondition,
    /// One sentence.
    pub explanation: String,
}

/// What must still hold when an approved action starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// The gateway still shows the trouble.
    Condition,
    /// The targets still read as in the preview.
    NoDrift,
    /// The action is still possible: its targets exist, no group would end empty, …
    Possible,
    /// A limit of automatic execution.
    Limit,
    /// What was decided without a person is what evidence, policy, deployment and switches give, then and now; and
    /// what people were shown is.
    Recomputed,
    /// The people who approved it are enough, and each may approve it, under the directory and the policy of now.
    Approval,
    /// Who decided may decide, and the records say so.
    Authority,
}
