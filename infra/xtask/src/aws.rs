//! Calls of AWS, made by the scripts in `infra/localstack/`: an SDK in this crate would double the time until
//! `cargo xtask` answers at all.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::environment;
use crate::paths::Paths;
use crate::processes::Run;
use crate::state::State;
use crate::tools::SCRIPTS;

/// Runs a task of `infra/localstack/aws.py` that answers at once.
pub(crate) async fn call<T: DeserializeOwned>(
    paths: &Paths,
    state: &State,
    task: &str,
    request: &impl Serialize,
) -> Result<T> {
    let bin = SCRIPTS.ensure(paths).await?;
    let (mut command, reply) = command(paths, &bin, task, request)?;
    environment::apply(state, &mut command)?;
    let mut command = tokio::process::Command::from(command);
    let output = tokio::time::timeout(Duration::from_secs(90), command.kill_on_drop(true).output())
        .await
        .with_context(|| format!("{task} got no answer from the local stack within 90 s"))??;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{task}: {}", text.trim().trim_start_matches("error: "));
    }
    read(&reply)
}

/// As [`call`], for a task that takes a while and says what it is at.
pub(crate) async fn run<T: DeserializeOwned>(
    paths: &Paths,
    aws_url: &str,
    run: Run<'_>,
    request: &impl Serialize,
) -> Result<T> {
    let bin = SCRIPTS.ensure(paths).await?;
    let (mut command, reply) = command(paths, &bin, run.name, request)?;
    command
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .env("AWS_ENDPOINT_URL", aws_url)
        .env("AWS_DEFAULT_REGION", crate::state::REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("NO_PROXY", "127.0.0.1");
    run.run(paths, &mut command).await?;
    read(&reply)
}

fn command(paths: &Paths, bin: &Path, task: &str, request: &impl Serialize) -> Result<(Command, PathBuf)> {
    // One pair of files for each call: calls may run side by side.
    let id = uuid::Uuid::new_v4().simple().to_string();
    let directory = paths.stack().join("calls");
    std::fs::create_dir_all(&directory)?;
    let request_path = directory.join(format!("{task}-{id}.request.json"));
    let reply = directory.join(format!("{task}-{id}.reply.json"));
    std::fs::write(&request_path, serde_json::to_vec(request)?)?;
    let mut command = Command::new(bin.join("python"));
    command
        .arg(paths.localstack().join("aws.py"))
        .arg(task)
        .arg(&request_path)
        .arg(&reply)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1");
    Ok((command, reply))
}

fn read<T: DeserializeOwned>(reply: &Path) -> Result<T> {
    let answer = serde_json::from_slice(&std::fs::read(reply)?)
        .context("reading the reply of infra/localstack/aws.py")?;
    std::fs::remove_file(reply)?;
    if let Some(request) = reply.to_str().and_then(|path| path.strip_suffix(".reply.json")) {
        std::fs::remove_file(format!("{request}.request.json"))?;
    }
    Ok(answer)
}
