//! The environment of `ingest-and-propose`.

use std::collections::BTreeMap;
use std::str::FromStr;

use adapters::KeySources;
use domain::value::{Deployment, Micros};
use runtime::env::{BadVariable, Env};

use crate::investigate::budget::{Limits, Price, Prices};
use crate::sources::Sources;

/// What the function is configured with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the trail table, from `TRAIL_TABLE`.
    pub trail_table: String,
    /// Where the public keys are found, from `STACK_NAME`, `DECISION_KEYS`, `OPERATOR_KEYS`, `KEY_ARCHIVES` and
    /// `KEY_BUCKET`.
    pub keys: KeySources,
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
    /// Sources whose events are taken, from `EVENT_SOURCES`, and the organisations they speak for, from `EVENT_SOURCE_ORGS`.
    pub sources: Sources,
    /// Licence tier, windows and bounds.
    pub deployment: Deployment,
    /// The models.
    pub models: Models,
}

/// Which models are asked, where, and for how much.
#[derive(Debug, Clone)]
pub struct Models {
    /// The API they are behind, from `MODEL_API`.
    pub api: Api,
    /// Base URL of the API, from `MODEL_URL`. It may be the gateway that is watched.
    pub url: String,
    /// ARN of the API's key, from `MODEL_SECRET`.
    pub secret: String,
    /// Bucket of the transcripts, from `TRANSCRIPT_BUCKET`.
    pub transcript_bucket: String,
    /// The models in order: `SRE_AGENT_MODEL`, then `SRE_AGENT_FALLBACK_MODELS`.
    pub names: Vec<String>,
    /// Their prices, from `MODEL_PRICES`: `name=input:output`, USD for a million tokens, separated by commas.
    pub prices: Prices,
    /// What one incident may take, from `MODEL_MAX_TURNS`, `MODEL_MAX_TOKENS`, `MODEL_MAX_SECONDS` and
    /// `MODEL_MAX_COST`.
    pub limits: Limits,
    /// What a day may cost, USD, from `MODEL_DAILY_CAP`.
    pub daily_cap: Micros,
    /// How often models reason about one trouble in a day, from `MODEL_RUNS_PER_TROUBLE`.
    pub runs_per_trouble: u64,
}

/// An API that models are behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// None: the runbook alone.
    None,
    /// Anthropic Messages, with the key as `x-api-key`.
    Anthropic,
    /// Anthropic Messages, with the key as a bearer token.
    AnthropicBearer,
    /// Chat completions, with a bearer token.
    OpenAi,
    /// Bedrock's Converse, with the function's role.
    Bedrock,
}

impl FromStr for Api {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Api::None),
            "anthropic" => Ok(Api::Anthropic),
            "anthropic-bearer" => Ok(Api::AnthropicBearer),
            "openai" => Ok(Api::OpenAi),
            "bedrock" => Ok(Api::Bedrock),
            _ => Err("is not none, anthropic, anthropic-bearer, openai or bedrock"),
        }
    }
}

impl Config {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        Ok(Self {
            trail_table: env.text("TRAIL_TABLE")?,
            keys: env.keys()?,
            payload_bucket: env.text("PAYLOAD_BUCKET")?,
            gateway_url: env.service_url("GATEWAY_URL")?,
            gateway_secret: env.text("GATEWAY_READ_SECRET")?,
            dead_letters: env.text("INGEST_DLQ_URL")?,
            break_s: env.number("RUNBOOK_BREAK_SECONDS", 30, 300)?,
            timeout_s: env.number("INGEST_TIMEOUT_S", 1, 900)?,
            sources: Sources::parse(&env.list("EVENT_SOURCES"), &env.list("EVENT_SOURCE_ORGS")).map_err(
                |problem| BadVariable {
                    name: "EVENT_SOURCE_ORGS",
                    problem,
                },
            )?,
            deployment: env.deployment()?,
            models: Models::from(env)?,
        })
    }
}

impl Models {
    /// Reads the environment.
    pub fn from(env: &Env<'_>) -> Result<Self, BadVariable> {
        let mut names = vec![env.text("SRE_AGENT_MODEL")?];
        names.extend(env.list("SRE_AGENT_FALLBACK_MODELS"));
        let models = Self {
            api: env.value("MODEL_API")?,
            url: env.service_url("MODEL_URL")?,
            secret: env.text("MODEL_SECRET")?,
            transcript_bucket: env.text("TRANSCRIPT_BUCKET")?,
            names,
            prices: prices(&env.text("MODEL_PRICES")?)?,
            limits: Limits {
                turns: u32::try_from(env.number("MODEL_MAX_TURNS", 1, 50)?).unwrap_or(50),
                tokens: env.number("MODEL_MAX_TOKENS", 2_000, 2_000_000)?,
                seconds: env.number("MODEL_MAX_SECONDS", 5, 600)?,
                cost: env.value("MODEL_MAX_COST")?,
            },
            daily_cap: env.value("MODEL_DAILY_CAP")?,
            runs_per_trouble: env.number("MODEL_RUNS_PER_TROUBLE", 1, 1_000)?,
        };
        match models
            .names
            .iter()
            .find(|name| !models.prices.contains_key(*name))
        {
            Some(name) if models.api != Api::None => Err(BadVariable {
                name: "MODEL_PRICES",
                problem: format!(
                    "has no price for {name}: add {name}=<input>:<output>, USD for a million tokens"
                ),
            }),
            Some(_) | None => Ok(models),
        }
    }
}

fn prices(text: &str) -> Result<Prices, BadVariable> {
    let mut prices = BTreeMap::new();
    for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let price = one.rsplit_once('=').and_then(|(name, price)| {
            let (input, output) = price.split_once(':')?;
            let price = Price {
                input: input.parse().ok()?,
                output: output.parse().ok()?,
            };
            Some((name.to_owned(), price))
        });
        let (name, price) = price.ok_or_else(|| BadVariable {
            name: "MODEL_PRICES",
            problem: format!(
                "has \"{one}\", which is not name=input:output, such as claude-sonnet-4-6=3.00:15.00"
            ),
        })?;
        prices.insert(name, price);
    }
    Ok(prices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_or_said_to_be_wrong() {
        let read = prices("claude-sonnet-4-6=3.00:15.00, anthropic/claude=1:5.5").unwrap();
        assert_eq!(read["claude-sonnet-4-6"].output, Micros(15_000_000));
        assert_eq!(read["anthropic/claude"].input, Micros(1_000_000));
        for wrong in ["claude", "claude=3", "claude=3:x", "claude=-1:2"] {
            let problem = prices(wrong).unwrap_err().to_string();
            assert!(problem.contains(wrong), "{problem}");
        }
    }
}
