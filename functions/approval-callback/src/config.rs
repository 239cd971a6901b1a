//! The environment of `approval-callback`.

use std::str::FromStr;

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
    /// ARN of the operator directory, from `OPERATORS_SECRET`.
    pub operators_secret: String,
    /// Bucket of the policies, from `POLICY_BUCKET`.
    pub policy_bucket: String,
    /// Threshold, switches and deadlines.
    pub deployment: Deployment,
    /// What stands behind the function's URL, from `DOOR`.
    pub door: DoorConfig,
}

/// What one of the two doors is configured with besides.
#[derive(Debug, Clone)]
pub enum DoorConfig {
    /// `DOOR=public`: Slack, and the pages.
    Public(PublicConfig),
    /// `DOOR=iam`: the command line.
    Commands {
        /// Name of the view's table, from `PROPOSALS_TABLE`.
        proposals_table: String,
        /// Who is taken to call, from `EMULATED_CALLER`: empty on AWS, where IAM says who it is.
        emulated_caller: Option<String>,
    },
}

/// What Slack's door and the pages need.
#[derive(Debug, Clone)]
pub struct PublicConfig {
    /// ARN of the secret that Slack signs with, from `SLACK_SIGNING_SECRET`.
    pub signing_secret: String,
    /// ARN of the bot token, from `SLACK_BOT_SECRET`.
    pub bot_secret: String,
    /// ARN of the key of the links, from `LINK_SECRET`.
    pub link_secret: String,
    /// Id of the Slack app, from `SLACK_APP_ID`; unset, no click is taken.
    pub slack_app: String,
    /// Slack workspaces and organisations that may decide, from `SLACK_TEAM_IDS`; unset, no click is taken.
    pub slack_teams: Vec<String>,
    /// Origin of response URLs, from `SLACK_RESPONSE_ORIGIN`.
    pub response_origin: String,
    /// Base URL of the Web API, from `SLACK_API_URL`.
    pub api_url: String,
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            operators_secret: env.text("OPERATORS_SECRET")?,
            policy_bucket: env.text("POLICY_BUCKET")?,
            deployment: env.deployment()?,
            door: env.value::<Named>("DOOR")?.configured(env)?,
        })
    }
}

/// A door by its name.
enum Named {
    Public,
    Iam,
}

impl FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "public" => Ok(Named::Public),
            "iam" => Ok(Named::Iam),
            _ => Err("it is public or iam"),
        }
    }
}

impl Named {
    fn configured(&self, env: &Env<'_>) -> Result<DoorConfig, BadVariable> {
        Ok(match self {
            Named::Iam => DoorConfig::Commands {
                proposals_table: env.text("PROPOSALS_TABLE")?,
                emulated_caller: env.optional("EMULATED_CALLER"),
            },
            Named::Public => DoorConfig::Public(PublicConfig {
                signing_secret: env.text("SLACK_SIGNING_SECRET")?,
                bot_secret: env.text("SLACK_BOT_SECRET")?,
                link_secret: env.text("LINK_SECRET")?,
                slack_app: env.optional("SLACK_APP_ID").unwrap_or_default(),
                slack_teams: env.list("SLACK_TEAM_IDS"),
                response_origin: env.service_url("SLACK_RESPONSE_ORIGIN")?,
                api_url: env.service_url("SLACK_API_URL")?,
            }),
        })
    }
}
