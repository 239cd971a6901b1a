//! The plain policy: thresholds, switches and limits. Permission rules come beside it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::digest::Digest;
use crate::tier::Tier;
use crate::units::Micros;

/// Bounds that a company sets for actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The highest hard cap that the agent may set on any budget, USD.
    pub max_budget_cap: Micros,
}

/// Everything a decision depends on besides the proposal, the clock and `control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Above this score a person must approve, 0–100.
    pub risk_threshold: u8,
    /// Whether actions at or below the threshold run by themselves.
    pub auto_approve: bool,
    /// The licence tier.
    pub tier: Tier,
    /// Actions that are scored and recorded, and can never execute.
    pub shadow: BTreeSet<ActionKind>,
    /// How long a proposal waits for a person, seconds.
    pub approval_deadline_s: u64,
    /// How long an approval is good for, seconds.
    pub approval_valid_s: u64,
    /// How long after a proposal has settled the same trouble still belongs to it, seconds.
    pub correlation_window_s: u64,
    /// From this score on, [`Policy::quorum`] different people must approve.
    pub quorum_from: u8,
    /// How many.
    pub quorum: u8,
    /// Bounds of actions.
    pub limits: Limits,
}

impl Policy {
    /// SHA-256 of the policy's JSON: recorded with every decision made under it.
    pub fn digest(&self) -> Digest {
        // Plain data with string keys: serialising it cannot fail.
        let text = serde_json::to_string(self).unwrap_or_default();
        Digest::of_fields("sre-agent/policy/1", [text.as_bytes()])
    }

    /// How many different people must approve a proposal of this score.
    pub fn approvals_needed(&self, score: u8) -> u8 {
        if score >= self.quorum_from {
            self.quorum.max(1)
        } else {
            1
        }
    }
}

impl Default for Policy {
    /// The documented defaults: nothing runs by itself.
    fn default() -> Self {
        Self {
            risk_threshold: 40,
            auto_approve: false,
            tier: Tier::Enterprise,
            shadow: BTreeSet::new(),
            approval_deadline_s: 1800,
            approval_valid_s: 900,
            correlation_window_s: 900,
            quorum_from: 75,
            quorum: 2,
            limits: Limits {
                max_budget_cap: Micros(10_000_000_000),
            },
        }
    }
}
