//! What a deployment was configured with: the switches and deadlines that stand in the template, not in the policy.

use serde::{Deserialize, Serialize};

use crate::value::{Micros, Tier};

/// Bounds that a company sets for actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The highest hard cap that the agent may set on any budget, USD.
    pub max_budget_cap: Micros,
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
    /// How long after a proposal has settled the same trouble still belongs to it, seconds.
    pub correlation_window_s: u64,
    /// Bounds of actions.
    pub limits: Limits,
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
            correlation_window_s: 900,
            limits: Limits {
                max_budget_cap: Micros(10_000_000_000),
            },
        }
    }
}
