//! The environment of `scoring`.

use adapters::KeySources;
use domain::value::Deployment;
use runtime::env::{BadVariable, Env};

/// What the function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the trail table, from `TRAIL_TABLE`.
    pub trail_table: String,
    /// Where the public keys are found, from `STACK_NAME`, `DECISION_KEYS`, `OPERATOR_KEYS`, `KEY_ARCHIVES` and
    /// `KEY_BUCKET`.
    pub keys: KeySources,
    /// Bucket of the policies, from `POLICY_BUCKET`.
    pub policy_bucket: String,
    /// URL of the dead-letter queue, from `SCORING_DLQ_URL`.
    pub dead_letters: String,
    /// Threshold, switches and deadlines.
    pub deployment: Deployment,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            policy_bucket: env.text("POLICY_BUCKET")?,
            dead_letters: env.text("SCORING_DLQ_URL")?,
            deployment: env.deployment()?,
        })
    }
}
