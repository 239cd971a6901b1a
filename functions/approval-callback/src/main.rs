//! Lambda entry point: builds the real adapters and hands requests to [`approval_callback::handle`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use adapters::aws::{self, Bounds};
use adapters::{DynamoTrail, PayloadBucket, Secret, SecretOperators, SystemClock};
use approval_callback::Deps;
use approval_callback::config::Config;
use approval_callback::reply::SlackReply;
use approval_callback::slack::Trust;
use domain::ports::Policies as _;
use lambda_http::{Error, Request, run, service_fn};
use policy::Published;
use runtime::env::{Env, process};
use trail::load_control;

#[tokio::main]
async fn main() -> Result<(), Error> {
    // Slack waits 3 s, and a decision is up to three calls one after the other.
    let bounds = Bounds {
        attempt: Duration::from_millis(700),
        operation: Duration::from_millis(700),
        attempts: 1,
        ..Bounds::default()
    };
    let aws = runtime::start_within(&bounds).await;
    let config = Config::from(&Env::new(&process))?;

    // Read at start, with the usual patience: a cold start is not within Slack's three seconds of a click.
    let patient = aws::config().await;
    let secret = Secret::new(&patient, config.signing_secret, Arc::new(SystemClock));
    let operators = SecretOperators::new(Secret::new(
        &patient,
        config.operators_secret,
        Arc::new(SystemClock),
    ));
    secret.preload().await?;
    operators.preload().await?;

    let trail = DynamoTrail::new(&aws, config.trail_table);
    let policies = Published::new(
        Arc::new(PayloadBucket::new(&patient, config.policy_bucket)),
        Arc::new(SystemClock),
    );
    // Loaded at start, so that a click does not wait for it. Where that fails, the first click tries again.
    match load_control(&trail).await {
        Ok(control) => drop(policies.in_force(&control).await),
        Err(err) => tracing::warn!(error = %err, "the policy was not loaded at start"),
    }
    let reply = SlackReply::new(&config.response_origin)?;
    let slack = Trust {
        secret: &secret,
        app: config.slack_app,
        teams: config.slack_teams,
    };
    let deps = &Deps {
        trail: &trail,
        policies: &policies,
        deployment: &config.deployment,
        operators: &operators,
        slack: &slack,
        reply: &reply,
        clock: &SystemClock,
    };

    run(service_fn(async |request: Request| {
        Ok::<_, Infallible>(approval_callback::handle(deps, request).await)
    }))
    .await
}
