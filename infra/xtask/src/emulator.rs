//! The emulator of AWS: ministack, started with an environment of its own.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::paths::Paths;
use crate::processes::Process;
use crate::progress::{Step, last_lines};
use crate::state::REGION;

/// Its name on record.
pub(crate) const NAME: &str = "emulator";

/// How long a process of the stack may take to start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Starts it on a port of 127.0.0.1 and waits until it answers.
pub(crate) async fn start(paths: &Paths, bin: &Path, port: u16) -> Result<()> {
    let step = Step::begin("starting the emulator of AWS");
    let home = paths.stack().join("emulator");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(home.join("tmp"))?;
    let mut command = Command::new(bin.join("python"));
    // The functions inherit this environment. With a clean one, a setting that template.yaml forgets is missed here
    // as it would be on AWS; AWS_ENDPOINT_URL is what leads them back to the emulator.
    command
        .arg(paths.localstack().join("emulator.py"))
        .env_clear()
        .current_dir(&home)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &home)
        .env("TMPDIR", home.join("tmp"))
        .env("LANG", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1")
        .env("AWS_ENDPOINT_URL", url(port))
        .env("AWS_DEFAULT_REGION", REGION)
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        // Roles and policies are enforced: what a function may not do on AWS, it may not do here.
        .env("AUTH", "true")
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "1");
    let process = Process::start(paths, NAME, &mut command)?;
    wait_until_ready(
        paths,
        &process,
        NAME,
        &format!("{}/_ministack/health", url(port)),
        PATIENCE,
        step,
    )
    .await
}

pub(crate) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Waits until a process of the stack answers, for as long as it runs and has patience left.
pub(crate) async fn wait_until_ready(
    paths: &Paths,
    process: &Process,
    name: &str,
    health: &str,
    patience: Duration,
    mut step: Step,
) -> Result<()> {
    let began = Instant::now();
    let problem = loop {
        if healthy(health).await {
            step.done_with(&health.split('/').take(3).collect::<Vec<_>>().join("/"));
            return Ok(());
        }
        if !process.runs() {
            break "ended at once".to_owned();
        }
        if began.elapsed() > patience {
            break format!("did not answer within {} s", patience.as_secs());
        }
        step.heartbeat(|| None);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    step.failed();
    for line in last_lines(&paths.log(name), 15) {
        eprintln!("  | {line}");
    }
    bail!(
        "the {name} {problem}; its output is in {}",
        paths.shown(&paths.log(name))
    )
}

/// Whether the address answers with success.
pub(crate) async fn healthy(url: &str) -> bool {
    let Ok(client) = http() else { return false };
    client
        .get(url)
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
}

/// A client for this machine: no proxy, no redirects, bounded waits.
pub(crate) fn http() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(15))
        .build()
        .context("making an HTTP client")
}

/// A port of 127.0.0.1 that nobody uses now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}
