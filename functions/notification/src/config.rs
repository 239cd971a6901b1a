//! The environment of `notification`.

use adapters::KeySources;
use domain::value::Deployment;
use runtime::env::{BadVariable, Env};

use crate::routes::Routes;

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
    /// ARN of the bot token, from `SLACK_BOT_SECRET`.
    pub bot_secret: String,
    /// ARN of the key of the links, from `LINK_SECRET`.
    pub link_secret: String,
    /// Base URL of the Web API, from `SLACK_API_URL`.
    pub api_url: String,
    /// Where the pages are, from `PAGES_URL`, without a slash at its end.
    pub pages_url: String,
    /// Where people are asked, from `SLACK_CHANNEL` and `SLACK_ROUTES`; none where there is no channel.
    pub routes: Option<Routes>,
    /// Its own queue, from `SLACK_QUEUE_URL`.
    pub queue: String,
    /// Its dead-letter queue, from `SLACK_DLQ_URL`.
    pub dead_letters: String,
    /// Threshold, switches and deadlines.
    pub deployment: Deployment,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        let routes = env.optional("SLACK_ROUTES").unwrap_or_default();
        let routes = env
            .optional("SLACK_CHANNEL")
            .map(|channel| Routes::read(&channel, &routes));
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            policy_bucket: env.text("POLICY_BUCKET")?,
            operators_secret: env.text("OPERATORS_SECRET")?,
            bot_secret: env.text("SLACK_BOT_SECRET")?,
            link_secret: env.text("LINK_SECRET")?,
            api_url: env.service_url("SLACK_API_URL")?,
            pages_url: env.text("PAGES_URL")?.trim_end_matches('/').to_owned(),
            routes: routes.transpose().map_err(|bad| BadVariable {
                name: "SLACK_ROUTES",
                problem: bad.to_string(),
            })?,
            queue: env.text("SLACK_QUEUE_URL")?,
            dead_letters: env.text("SLACK_DLQ_URL")?,
            deployment: env.deployment()?,
        })
    }
}
