//! Limits of automatic execution, which hold whatever the rules allow.

use serde::{Deserialize, Serialize};

use super::{Ranged, WindowS};

/// Limits of automatic execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Automatic {
    /// Automatic executions in a clock hour (UTC), of all actions.
    pub per_hour: Ranged<0, 1000>,
    /// Automatic executions in a clock hour (UTC) on one target.
    pub per_target_per_hour: Ranged<0, 1000>,
    /// How long after an action failed or was taken back it does not run by itself on the same target, seconds.
    pub cooldown_s: WindowS,
    /// So many automatic executions that failed one after the other switch automatic execution off.
    pub failures_in_a_row: Ranged<1, 20>,
    /// Share of what would run by itself that is sent to a person all the same, parts per million: so that there
    /// are labels to calibrate with.
    pub human_share_ppm: Ranged<0, 1_000_000>,
}

/// A limit of automatic execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SafetyLimit {
    /// So many in a clock hour.
    PerHour,
    /// So many on one target in a clock hour.
    PerTarget,
    /// The same action failed or was taken back on this target a short while ago.
    Cooldown,
}

impl SafetyLimit {
    /// Its name, as recorded.
    pub fn name(self) -> &'static str {
        match self {
            SafetyLimit::PerHour => "per_hour",
            SafetyLimit::PerTarget => "per_target",
            SafetyLimit::Cooldown => "cooldown",
        }
    }
}

/// A limit that is reached, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The limit that is reached.
    pub limit: SafetyLimit,
    /// One sentence.
    pub because: String,
}
