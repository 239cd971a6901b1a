//! The environment of `approval-callback`.

use domain::value::Deployment;
use runtime::env::{BadVariable, Env};

/// What the function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the trail table, from `TRAIL_TABLE`.
    pub trail_table: String,
    /// ARN of the secret that Slack signs with, from `SLACK_SIGNING_SECRET`.
    pub signing_secret: String,
    /// ARN of the operator directory, from `OPERATORS_SECRET`.
    pub operators_secret: String,
    /// Id of the Slack app, from `SLACK_APP_ID`; unset, no click is taken.
    pub slack_app: String,
    /// Slack workspaces that may decide, from `SLACK_TEAM_IDS`; unset, no click is taken.
    pub slack_teams: Vec<String>,
    /// Origin of response URLs, from `SLACK_RESPONSE_ORIGIN`.
    pub response_origin: String,
    /// Bucket of the policies, from `POLICY_BUCKET`.
    pub policy_bucket: String,
    /// Threshold, switches and deadlines.
    pub deployment: Deployment,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            signing_secret: env.text("SLACK_SIGNING_SECRET")?,
            operators_secret: env.text("OPERATORS_SECRET")?,
            slack_app: env.optional("SLACK_APP_ID").unwrap_or_default(),
            slack_teams: env.list("SLACK_TEAM_IDS"),
            response_origin: env.text("SLACK_RESPONSE_ORIGIN")?,
            policy_bucket: env.text("POLICY_BUCKET")?,
            deployment: env.deployment()?,
        })
    }
}
