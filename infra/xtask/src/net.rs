//! This machine's network: free ports, and a client that never leaves it by a proxy.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::paths::Paths;
use crate::processes::Process;
use crate::progress::{Step, last_lines};

/// Where everything listens that is not told otherwise.
pub(crate) const LOOPBACK: &str = "127.0.0.1";

/// The address of a port of this machine.
pub(crate) fn url(port: u16) -> String {
    format!("http://{LOOPBACK}:{port}")
}

/// A port of 127.0.0.1 that nobody uses now.
pub(crate) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind((LOOPBACK, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
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

/// Whether the address answers with success.
pub(crate) async fn healthy(url: &str) -> bool {
    let Ok(client) = http() else { return false };
    client
        .get(url)
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
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
