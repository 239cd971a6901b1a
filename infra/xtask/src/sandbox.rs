//! The sandbox: the gateway that the local stack watches, with traffic and with faults on request.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::net::{http, wait_until_ready};
use crate::paths::Paths;
use crate::processes::Process;
use crate::progress::Step;
use crate::state::{REGION, STACK, State};

/// Its name on record.
pub(crate) const NAME: &str = "sandbox";

/// Seconds over which it judges a provider. Short, so that a demo sees the recovery as well as the failure.
const WINDOW_S: &str = "15";

/// How long it may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// Starts it, and waits until it answers.
pub(crate) async fn start(paths: &Paths, binary: &Path, state: &State) -> Result<()> {
    let step = Step::begin("starting the sandbox gateway");
    let secrets = &state.secrets;
    let mut command = Command::new(binary);
    command
        .arg("--listen")
        .arg(SocketAddr::new(state.place.listen, state.sandbox_port).to_string())
        .args(["--bus", STACK, "--window-s", WINDOW_S])
        .env_clear()
        .env("SANDBOX_READ_TOKEN", &secrets.gateway_read)
        .env("SANDBOX_WRITE_TOKEN", &secrets.gateway_write)
        .env("SANDBOX_PAGERDUTY_KEY", &secrets.pagerduty)
        .env("SANDBOX_SLACK_BOT_TOKEN", &secrets.slack_bot)
        .env("SANDBOX_SLACK_SIGNING_SECRET", &secrets.slack_signing)
        .env("AWS_ENDPOINT_URL", &state.aws_url)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let process = Process::start(paths, NAME, &mut command)?;
    let health = format!("{}/healthz", state.sandbox_url());
    wait_until_ready(paths, &process, NAME, &health, STARTS_WITHIN, step).await
}

/// Tells the sandbox's Slack where the app takes interactions: what a person sets as its request URL.
pub(crate) async fn listen(state: &State) -> Result<()> {
    let request_url = format!("{}/slack/interactions", state.callback_url()?);
    let answer = http()?
        .put(format!("{}/sandbox/v1/slack/app", state.sandbox_url()))
        .json(&json!({ "request_url": request_url }))
        .send()
        .await;
    answer
        .context("telling the sandbox's Slack where the app is")?
        .error_for_status()?;
    Ok(())
}

/// Asks the sandbox for something of its own: a click, a form that is filled in.
pub(crate) async fn ask<T: DeserializeOwned>(sandbox: &str, path: &str, body: &Value) -> Result<T> {
    let answer = http()?
        .post(format!("{sandbox}/sandbox/v1/{path}"))
        .json(body)
        .send()
        .await;
    let answer = answer.with_context(|| format!("asking the sandbox for {path}"))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if !status.is_success() {
        bail!("the sandbox answered {status} to {path}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("reading the sandbox's answer for {path}"))
}

/// What the sandbox shows on one of its own paths.
pub(crate) async fn get<T: DeserializeOwned>(sandbox: &str, path: &str) -> Result<T> {
    let answer = http()?.get(format!("{sandbox}/sandbox/v1/{path}")).send().await;
    let answer = answer
        .with_context(|| format!("asking the sandbox for {path}"))?
        .error_for_status()?;
    answer
        .json()
        .await
        .with_context(|| format!("reading the sandbox's answer for {path}"))
}

/// Puts a fault in place, and returns those that are.
pub(crate) async fn inject(sandbox: &str, fault: &Value) -> Result<Value> {
    let answer = http()?
        .post(format!("{sandbox}/sandbox/v1/faults"))
        .json(fault)
        .send()
        .await;
    let answer = answer.context("the sandbox does not answer\n  start it: cargo xtask up")?;
    let status = answer.status();
    let body: Value = answer.json().await.context("reading the sandbox's answer")?;
    if !status.is_success() {
        let message = body
            .pointer("/error/message")
            .and_then(Value::as_str)
            .unwrap_or("no reason given");
        bail!("the sandbox refused the fault: {message}");
    }
    Ok(body)
}
