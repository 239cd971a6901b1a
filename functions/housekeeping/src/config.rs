//! The environment of `housekeeping`.

use adapters::KeySources;
use runtime::env::{BadVariable, Env};

/// What the function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the trail table, from `TRAIL_TABLE`.
    pub trail_table: String,
    /// Where the public keys are found, from `STACK_NAME`, `DECISION_KEYS`, `OPERATOR_KEYS`, `KEY_ARCHIVES` and
    /// `KEY_BUCKET`.
    pub keys: KeySources,
    /// Name of the view's table, from `PROPOSALS_TABLE`.
    pub proposals_table: String,
    /// Queue of `ingest-and-propose`, from `INGEST_QUEUE_URL`.
    pub ingest_queue: String,
    /// Queue of `scoring`, from `SCORING_QUEUE_URL`.
    pub scoring_queue: String,
    /// Queue of `execution`, from `EXECUTION_QUEUE_URL`.
    pub execution_queue: String,
    /// Queue of restores, from `RESTORE_QUEUE_URL`.
    pub restore_queue: String,
    /// Queue of verifications, from `VERIFY_QUEUE_URL`.
    pub verify_queue: String,
    /// Queue of `outbox`, from `ANNOUNCE_QUEUE_URL`.
    pub announce_queue: String,
    /// Slack's queue of `notification`, from `SLACK_QUEUE_URL`; none where `SLACK_CHANNEL` is empty.
    pub slack_queue: Option<String>,
    /// Event source mappings that a pause switches off, from `PAUSABLE_EVENT_SOURCES`.
    pub pausable: Vec<String>,
    /// The template's `AgentEnabled`, from `AGENT_ENABLED`.
    pub agent_enabled: bool,
    /// How long a metric is left alone after an effect, seconds, from `VERIFY_AFTER_S`.
    pub verify_after_s: u64,
    /// The function's timeout in seconds, from `HOUSEKEEPING_TIMEOUT_S`.
    pub timeout_s: u64,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            proposals_table: env.text("PROPOSALS_TABLE")?,
            ingest_queue: env.text("INGEST_QUEUE_URL")?,
            scoring_queue: env.text("SCORING_QUEUE_URL")?,
            execution_queue: env.text("EXECUTION_QUEUE_URL")?,
            restore_queue: env.text("RESTORE_QUEUE_URL")?,
            verify_queue: env.text("VERIFY_QUEUE_URL")?,
            announce_queue: env.text("ANNOUNCE_QUEUE_URL")?,
            slack_queue: {
                let queue = env.text("SLACK_QUEUE_URL")?;
                env.optional("SLACK_CHANNEL").map(|_| queue)
            },
            pausable: env.list("PAUSABLE_EVENT_SOURCES"),
            agent_enabled: env.value("AGENT_ENABLED")?,
            verify_after_s: env.number("VERIFY_AFTER_S", 0, 600)?,
            timeout_s: env.number("HOUSEKEEPING_TIMEOUT_S", 1, 900)?,
        })
    }
}
