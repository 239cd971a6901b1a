//! The environment of `execution`.

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
    /// ARN of the operator directory, from `OPERATORS_SECRET`.
    pub operators_secret: String,
    /// Threshold, switches and deadlines, and the licence tier.
    pub deployment: Deployment,
    /// Base URL of the gateway's admin API, from `GATEWAY_URL`.
    pub gateway_url: String,
    /// ARN of the secret that changes the gateway, from `GATEWAY_WRITE_SECRET`.
    pub gateway_secret: String,
    /// Base URL of the pager's Events API, from `PAGERDUTY_URL`.
    pub pagerduty_url: String,
    /// ARN of the pager's routing key, from `PAGERDUTY_SECRET`.
    pub pagerduty_secret: String,
    /// Its own queue, from `EXECUTION_QUEUE_URL`.
    pub execution_queue: String,
    /// Its dead-letter queue, from `EXECUTION_DLQ_URL`.
    pub execution_dlq: String,
    /// Its queue of restores, from `RESTORE_QUEUE_URL`.
    pub restore_queue: String,
    /// That one's dead-letter queue, from `RESTORE_DLQ_URL`.
    pub restore_dlq: String,
    /// Its queue of verifications, from `VERIFY_QUEUE_URL`.
    pub verify_queue: String,
    /// That one's dead-letter queue, from `VERIFY_DLQ_URL`.
    pub verify_dlq: String,
    /// How long after an effect its metric is asked again, seconds, from `VERIFY_AFTER_S`.
    pub verify_after_s: u64,
    /// The function's timeout in seconds, from `EXECUTION_TIMEOUT_S`.
    pub timeout_s: u64,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            policy_bucket: env.text("POLICY_BUCKET")?,
            operators_secret: env.text("OPERATORS_SECRET")?,
            deployment: env.deployment()?,
            gateway_url: env.service_url("GATEWAY_URL")?,
            gateway_secret: env.text("GATEWAY_WRITE_SECRET")?,
            pagerduty_url: env.service_url("PAGERDUTY_URL")?,
            pagerduty_secret: env.text("PAGERDUTY_SECRET")?,
            execution_queue: env.text("EXECUTION_QUEUE_URL")?,
            execution_dlq: env.text("EXECUTION_DLQ_URL")?,
            restore_queue: env.text("RESTORE_QUEUE_URL")?,
            restore_dlq: env.text("RESTORE_DLQ_URL")?,
            verify_queue: env.text("VERIFY_QUEUE_URL")?,
            verify_dlq: env.text("VERIFY_DLQ_URL")?,
            verify_after_s: env.number("VERIFY_AFTER_S", 0, 600)?,
            timeout_s: env.number("EXECUTION_TIMEOUT_S", 1, 900)?,
        })
    }
}
