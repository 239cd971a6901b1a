//! The environment of `scoring`.

use domain::policy::Policy;
use runtime::env::{BadVariable, Env};

/// What the function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the trail table, from `TRAIL_TABLE`.
    pub trail_table: String,
    /// URL of the dead-letter queue, from `SCORING_DLQ_URL`.
    pub dead_letters: String,
    /// The policy.
    pub policy: Policy,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            dead_letters: env.text("SCORING_DLQ_URL")?,
            policy: env.policy()?,
        })
    }
}
