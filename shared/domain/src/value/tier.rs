//! Licence tiers: who may run the agent, and how long the trail is kept.

use serde::{Deserialize, Serialize};

/// The company's licence tier, from `LICENSE_TIER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Evaluation.
    Trial,
    /// Small teams.
    Team,
    /// The agent runs from here on.
    Business,
    /// Seven years of retention.
    Enterprise,
}

impl Tier {
    /// Every tier, lowest first.
    pub const ALL: [Tier; 4] = [Tier::Trial, Tier::Team, Tier::Business, Tier::Enterprise];

    /// Days a settled proposal's trail is kept.
    pub fn retention_days(self) -> u64 {
        match self {
            Tier::Trial => 30,
            Tier::Team => 90,
            Tier::Business => 365,
            Tier::Enterprise => 7 * 365 + 2,
        }
    }

    /// Whether the agent runs on this tier.
    pub fn runs_agent(self) -> bool {
        matches!(self, Tier::Business | Tier::Enterprise)
    }

    /// The tier's name, as configured.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Trial => "trial",
            Tier::Team => "team",
            Tier::Business => "business",
            Tier::Enterprise => "enterprise",
        }
    }
}

impl std::str::FromStr for Tier {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Tier::ALL
            .into_iter()
            .find(|tier| tier.name() == text)
            .ok_or_else(|| "is not a licence tier: trial, team, business or enterprise".to_owned())
    }
}
