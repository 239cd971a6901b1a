//! The environment of `outbox`.

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
    /// Name of the bus, from `BUS_NAME`.
    pub bus: String,
    /// ARN of the topic of what needs a person, from `APPROVAL_TOPIC_ARN`.
    pub topic: String,
    /// ARN of the key of the links, from `LINK_SECRET`, and where the pages are, from `PAGES_URL`. Where one of them is not
    /// set, people are told without a link.
    pub pages: Option<Pages>,
    /// URL of its queue's dead-letter queue, from `ANNOUNCE_DLQ_URL`.
    pub dead_letters: String,
}

/// The proposals' pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    /// ARN of the key of the links.
    pub link_secret: String,
    /// Where the pages are.
    pub url: String,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            proposals_table: env.text("PROPOSALS_TABLE")?,
            bus: env.text("BUS_NAME")?,
            topic: env.text("APPROVAL_TOPIC_ARN")?,
            pages: env
                .optional("LINK_SECRET")
                .zip(env.optional("PAGES_URL"))
                .map(|(link_secret, url)| Pages { link_secret, url }),
            dead_letters: env.text("ANNOUNCE_DLQ_URL")?,
        })
    }
}
