//! The environment of `ingest-and-propose`.

use domain::policy::Policy;
use runtime::env::{BadVariable, Env};

/// What the function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the trail table, from `TRAIL_TABLE`.
    pub trail_table: String,
    /// Bucket for large event texts, from `PAYLOAD_BUCKET`.
    pub payload_bucket: String,
    /// Base URL of the gateway's admin API, from `GATEWAY_URL`.
    pub gateway_url: String,
    /// ARN of the secret that reads the gateway, from `GATEWAY_READ_SECRET`.
    pub gateway_secret: String,
    /// URL of the dead-letter queue, from `INGEST_DLQ_URL`.
    pub dead_letters: String,
    /// Length of the runbook's break in seconds, from `RUNBOOK_BREAK_SECONDS`.
    pub break_s: u64,
    /// The function's timeout in seconds, from `INGEST_TIMEOUT_S`.
    pub timeout_s: u64,
    /// Sources whose events are taken, from `EVENT_SOURCES`.
    pub sources: Vec<String>,
    /// The policy.
    pub policy: Policy,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            payload_bucket: env.text("PAYLOAD_BUCKET")?,
            gateway_url: env.text("GATEWAY_URL")?,
            gateway_secret: env.text("GATEWAY_READ_SECRET")?,
            dead_letters: env.text("INGEST_DLQ_URL")?,
            break_s: env.number("RUNBOOK_BREAK_SECONDS", 30, 300)?,
            timeout_s: env.number("INGEST_TIMEOUT_S", 1, 900)?,
            sources: env.list("EVENT_SOURCES"),
            policy: env.policy()?,
        })
    }
}
