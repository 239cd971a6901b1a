//! From the configuration to the models that are asked.

use std::sync::Arc;

use adapters::{SdkConfig, Secret, SystemClock};
use outbound::{BaseUrl, Rotating, Token, same_origin};

use crate::config::{Api, Config, Models};
use crate::investigate::Settings;
use crate::model::Model;
use crate::model::anthropic::Anthropic;
use crate::model::http::{Auth, Endpoint};
use crate::model::openai::OpenAi;
use crate::runbook::Runbook;

/// The configured models, in their order; none where the runbook alone is wanted. Their key is read and a connection opened,
/// nothing is asked.
pub async fn models(models: &Models, aws: &SdkConfig) -> anyhow::Result<Vec<Box<dyn Model>>> {
    if models.api == Api::None {
        return Ok(Vec::new());
    }
    if models.api == Api::Bedrock {
        return bedrock(models, aws);
    }
    let secret = Arc::new(Secret::new(aws, models.secret.clone(), Arc::new(SystemClock)));
    let key = match secret.value().await {
        Ok(key) => Token::new("model", key.expose()).map_err(|err| err.to_string()),
        Err(err) => Err(err.to_string()),
    };
    let key = key.or_else(|problem| {
        // Incidents are recorded, and the runbook answers them. The models refuse this, and the key is read again then.
        tracing::error!(
            alarm = "model_unavailable",
            problem,
            "no model answers until its key is mended"
        );
        Token::new("model", UNUSABLE)
    })?;
    let endpoint = endpoint(models, Rotating::fixed(key).renewed_by(secret))?;
    endpoint.connect().await;
    Ok(behind(models, &endpoint))
}

/// What stands for a key that cannot be used.
const UNUSABLE: &str = "unusable";

/// The configured models behind an HTTP API, asked with this key.
pub fn with_key(models: &Models, key: Rotating) -> anyhow::Result<Vec<Box<dyn Model>>> {
    Ok(behind(models, &endpoint(models, key)?))
}

fn endpoint(models: &Models, key: Rotating) -> anyhow::Result<Endpoint> {
    let base = BaseUrl::new("MODEL_URL", &models.url)?;
    Ok(Endpoint::new(base, key, Arc::new(SystemClock))?)
}

fn behind(models: &Models, endpoint: &Endpoint) -> Vec<Box<dyn Model>> {
    let model = |name: &String| -> Box<dyn Model> {
        match models.api {
            Api::OpenAi => Box::new(OpenAi::new(endpoint.clone(), name)),
            Api::AnthropicBearer => Box::new(Anthropic::new(endpoint.clone(), name).with_auth(Auth::Bearer)),
            Api::Anthropic | Api::Bedrock | Api::None => Box::new(Anthropic::new(endpoint.clone(), name)),
        }
    };
    models.names.iter().map(model).collect()
}

#[cfg(feature = "bedrock")]
fn bedrock(models: &Models, aws: &SdkConfig) -> anyhow::Result<Vec<Box<dyn Model>>> {
    use crate::model::bedrock::Bedrock;

    let clock = Arc::new(SystemClock);
    let model = |name: &String| -> Box<dyn Model> { Box::new(Bedrock::new(aws, name, clock.clone())) };
    Ok(models.names.iter().map(model).collect())
}

#[cfg(not(feature = "bedrock"))]
fn bedrock(_: &Models, _: &SdkConfig) -> anyhow::Result<Vec<Box<dyn Model>>> {
    anyhow::bail!("MODEL_API is bedrock, and this build has no Bedrock: build it with --features bedrock")
}

/// How the models are used.
pub fn settings(config: &Config) -> Settings {
    let models = &config.models;
    Settings {
        prices: models.prices.clone(),
        through_gateway: models.api != Api::Bedrock && same_origin(&models.url, &config.gateway_url),
        limits: models.limits.clone(),
        daily_cap: models.daily_cap,
        runs_per_trouble: models.runs_per_trouble,
        tier: config.deployment.tier,
        bounds: config.deployment.limits.clone(),
    }
}

/// The runbook.
pub fn runbook(config: &Config) -> Runbook {
    Runbook {
        break_s: config.break_s,
        limits: config.deployment.limits.clone(),
    }
}
