//! What a deployment was configured with: the switches and deadlines that stand in the template, not in the policy.

use serde::{Deserialize, Serialize};

use crate::value::{Micros, Tier, Timestamp};

/// Bounds that a company sets for actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The highest hard cap that the agent may set on any budget, USD.
    pub max_budget_cap: Micros,
    /// The most requests a minute that a raise may give a team.
    #[serde(default = "most_rpm")]
    pub max_rpm: u64,
    /// The most tokens a minute that a raise may give a team.
    #[serde(default = "most_tpm")]
    pub max_tpm: u64,
}

fn most_rpm() -> u64 {
    10_000
}

fn most_tpm() -> u64 {
    10_000_000
}

/// The template's parameters that decisions depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Above this score a person must approve, 0–100: `SRE_RISK_THRESHOLD`.
    pub risk_threshold: u8,
    /// Whether actions at or below the threshold may run by themselves: `SRE_AUTO_APPROVE`.
    pub auto_approve: bool,
    /// The licence tier.
    pub tier: Tier,
    /// How long a proposal waits for a person, seconds.
    pub approval_deadline_s: u64,
    /// How long an approval is good for, seconds.
    pub approval_valid_s: u64,
    /// How long an approval is held back, so that people can object, seconds; 0 not at all.
    pub approval_veto_s: u64,
    /// How long after a proposal has settled the same trouble still belongs to it, seconds.
    pub correlation_window_s: u64,
    /// Bounds of actions.
    pub limits: Limits,
}

impl Deployment {
    /// From when on an approval of now may start, where people have a time to object.
    pub fn held_back(&self, now: Timestamp) -> Option<Timestamp> {
        (self.approval_veto_s > 0).then(|| now.plus_seconds(self.approval_veto_s))
    }
}

impl Default for Deployment {
    /// The documented defaults: nothing runs by itself.
    fn default() -> Self {
        Self {
            risk_threshold: 40,
            auto_approve: false,
            tier: Tier::Enterprise,
            approval_deadline_s: 1800,
            approval_valid_s: 900,
            approval_veto_s: 0,
            correlation_window_s: 900,
            limits: Limits {
                max_budget_cap: Micros(10_000_000_000),
                max_rpm: most_rpm(),
                max_tpm: most_tpm(),
            },
        }
    }
}
