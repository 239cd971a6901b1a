//! Lambda entry point: builds the real adapters and hands requests to [`approval_callback::handle`].

use std::sync::Arc;
use std::time::Duration;

use adapters::aws::{self, Bounds};
use adapters::{DynamoView, KmsSigner, PayloadBucket, SdkConfig, Secret, SecretOperators, SystemClock};
use approval_callback::config::{Config, DoorConfig, PublicConfig};
use approval_callback::patience::CALL_MS;
use approval_callback::reply::{self, SlackReply};
use approval_callback::slack::{Slack, Trust};
use approval_callback::{Deps, Door};
use domain::ports::{Policies as _, Unavailable};
use domain::trail::{Author, Authority};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use outbound::{Rotating, Token};
use policy::Published;
use runtime::env::{Env, process};
use runtime::link::LinkKey;
use serde_json::Value;
use slack::api::WebApi;
use trail::load_control;

/// Slack waits 3 s: see [`approval_callback::patience`].
const SLACK_WAITS: Bounds = Bounds {
    connect: Duration::from_millis(500),
    attempt: Duration::from_millis(CALL_MS),
    operation: Duration::from_millis(CALL_MS),
    attempts: 1,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::from(&Env::new(&process));
    let aws = match &config {
        Ok(Config {
            door: DoorConfig::Public(_),
            ..
        }) => runtime::start_within(&SLACK_WAITS).await,
        Ok(Config {
            door: DoorConfig::Commands { .. },
            ..
        })
        | Err(_) => runtime::start().await,
    };
    let config = config?;

    // What is read at start alone has the usual patience: a cold start is not within Slack's three seconds of a click.
    let patient = aws::config().await;
    let operators = SecretOperators::new(secret(&aws, &config.operators_secret));
    preload(&operators).await?;
    let signer = config.keys.decisions.first().cloned().unwrap_or_default();
    let signer = KmsSigner::new(&patient, Authority::Decisions, signer, &config.keys.stack);
    let trail = runtime::trail(&aws, config.trail_table, config.keys)
        .await
        .written_by(Author::Callback)
        .signed_with(Arc::new(signer));
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&aws, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    // Loaded at start, so that a click does not wait for it. Where that fails, the first click tries again.
    match load_control(&trail).await {
        Ok(control) => drop(policies.in_force(&control).await),
        Err(err) => tracing::warn!(error = %err, "the policy was not loaded at start"),
    }
    let deps = |door| Deps {
        trail: &trail,
        policies: &policies,
        deployment: &config.deployment,
        operators: &operators,
        clock: &SystemClock,
        door,
    };
    match config.door {
        DoorConfig::Public(public) => {
            let signing = secret(&patient, &public.signing_secret);
            signing.preload().await?;
            let trust = Trust {
                secret: &signing,
                app: public.slack_app.clone(),
                teams: public.slack_teams.clone(),
            };
            let reply = SlackReply::new(&public.response_origin, web_api(&patient, &public).await?)?;
            let link = secret(&patient, &public.link_secret).value().await?;
            let links = LinkKey::new(link.expose().to_owned()).ok_or("the secret of LINK_SECRET is empty")?;
            serve(&deps(Door::Public {
                slack: Slack {
                    trust: &trust,
                    reply: &reply,
                },
                links: &links,
            }))
            .await
        }
        DoorConfig::Commands {
            proposals_table,
            emulated_caller,
        } => {
            let view = DynamoView::new(&aws, proposals_table);
            serve(&deps(Door::Commands {
                view: &view,
                emulated_caller: emulated_caller.as_deref(),
            }))
            .await
        }
    }
}

/// Reads the directory, which is tried once at a time where Slack waits.
async fn preload(operators: &SecretOperators) -> Result<(), Unavailable> {
    for _ in 0..2 {
        if operators.preload().await.is_ok() {
            return Ok(());
        }
    }
    operators.preload().await
}

fn secret(aws: &SdkConfig, arn: &str) -> Secret {
    Secret::new(aws, arn, Arc::new(SystemClock))
}

async fn web_api(aws: &SdkConfig, public: &PublicConfig) -> anyhow::Result<WebApi> {
    let bot = secret(aws, &public.bot_secret);
    let token = Token::new("slack-bot", bot.value().await?.expose())?;
    let token = Rotating::fixed(token).renewed_by(Arc::new(bot));
    Ok(WebApi::new(
        "SLACK_API_URL",
        &public.api_url,
        token,
        reply::BOUNDS,
    )?)
}

async fn serve(deps: &Deps<'_>) -> Result<(), Error> {
    run(service_fn(async |event: LambdaEvent<Value>| {
        Ok::<_, Error>(approval_callback::answer_event(deps, &event.payload).await)
    }))
    .await
}
