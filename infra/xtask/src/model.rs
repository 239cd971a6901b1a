//! A model for the tests: aimock, which answers by the fixtures in `infra/model/aimock/`, behind a real LiteLLM. The
//! deployed functions ask LiteLLM as they would ask any gateway; LiteLLM asks aimock as it would ask a provider.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::net::{free_port, url, wait_until_ready};
use crate::paths::Paths;
use crate::processes::Process;
use crate::progress::Step;
use crate::state::State;
use crate::tools::{self, LITELLM};

/// Their names on record and of their logs.
const AIMOCK: &str = "aimock";
const GATEWAY: &str = "litellm";

/// How long aimock may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// LiteLLM takes a quarter of a minute on an idle machine, and more when it runs for the first time.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(120);

/// Installs what is missing of both.
pub(crate) async fn install(paths: &Paths) -> Result<()> {
    tools::aimock(paths).await?;
    LITELLM.ensure(paths).await?;
    Ok(())
}

/// Starts both, as processes of the stack, and returns the address of LiteLLM. Its key is the stack's `model` secret.
pub(crate) async fn start(paths: &Paths, state: &State) -> Result<String> {
    let key = format!("sk-{}", uuid::Uuid::new_v4().simple());
    let aimock = start_aimock(paths, &key).await?;
    start_litellm(paths, state, &aimock, &key).await
}

async fn start_aimock(paths: &Paths, key: &str) -> Result<String> {
    let mut command = tools::aimock(paths).await?;
    let step = Step::begin("starting aimock in place of the models");
    let url = url(free_port()?);
    command
        .args(["--host", "127.0.0.1", "--port", port_of(&url)])
        .arg("--fixtures")
        .arg(paths.root.join("infra/model/aimock/fixtures.json"))
        // What no fixture is for is refused, not answered with something that happens to fit.
        .args(["--validate-on-load", "--strict"])
        .env("AIMOCK_API_KEYS", key);
    let process = Process::start(paths, AIMOCK, &mut command)?;
    wait_until_ready(paths, &process, AIMOCK, &format!("{url}/health"), PATIENCE, step).await?;
    Ok(url)
}

async fn start_litellm(paths: &Paths, state: &State, aimock: &str, aimock_key: &str) -> Result<String> {
    let bin = LITELLM.ensure(paths).await?;
    let step = Step::begin("starting LiteLLM before it");
    let url = url(free_port()?);
    let home = paths.stack().join(GATEWAY);
    fs::create_dir_all(&home)?;
    let mut command = Command::new(bin.join("litellm"));
    // With a clean environment, nothing of this machine's leads it to a real provider or to a database.
    command
        .arg("--config")
        .arg(paths.root.join("infra/model/litellm.yaml"))
        .args(["--host", "127.0.0.1", "--port", port_of(&url)])
        .env_clear()
        .current_dir(&home)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &home)
        .env("LANG", "C.UTF-8")
        .env("PYTHONUNBUFFERED", "1")
        // It would ask the network for the models' prices.
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_MASTER_KEY", &state.secrets.model)
        .env("AIMOCK_URL", aimock)
        .env("AIMOCK_OPENAI_URL", format!("{aimock}/v1"))
        .env("AIMOCK_KEY", aimock_key);
    let process = Process::start(paths, GATEWAY, &mut command)?;
    let health = format!("{url}/health/readiness");
    wait_until_ready(paths, &process, GATEWAY, &health, GATEWAY_PATIENCE, step).await?;
    Ok(url)
}

fn port_of(url: &str) -> &str {
    url.rsplit(':').next().unwrap_or_default()
}
