//! Where the sandbox's traffic goes, as a person sees it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::progress::Step;
use crate::sandbox;

/// Above this error rate a provider counts as failing, in parts per million.
const UNHEALTHY_PPM: u64 = 250_000;

/// The last seconds of traffic.
#[derive(Deserialize)]
pub(crate) struct Traffic {
    groups: Vec<Group>,
    providers: Vec<Provider>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    requests: u64,
    shares: Vec<Share>,
}

#[derive(Deserialize)]
struct Share {
    provider: String,
    requests: u64,
    share_ppm: u64,
}

#[derive(Deserialize)]
struct Provider {
    id: String,
    blocked: bool,
    error_rate_ppm: u64,
}

/// The last five seconds.
pub(crate) async fn read(sandbox_url: &str) -> Result<Traffic> {
    sandbox::get(sandbox_url, "state?last_s=5").await
}

/// Waits until the traffic is as it should be.
pub(crate) async fn wait(
    sandbox_url: &str,
    what: &str,
    limit_s: u64,
    settled: impl Fn(&Traffic) -> bool,
) -> Result<Traffic> {
    let mut step = Step::begin(format!("waiting for {what}"));
    let began = Instant::now();
    loop {
        let traffic = read(sandbox_url).await?;
        if settled(&traffic) {
            step.done();
            return Ok(traffic);
        }
        if began.elapsed() > Duration::from_secs(limit_s) {
            step.failed();
            bail!(
                "waited {limit_s} s in vain for {what}; the sandbox's log is target/stack/logs/sandbox.log"
            );
        }
        step.heartbeat(|| None);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Traffic {
    /// A provider's requests.
    pub(crate) fn share(&self, provider: &str) -> u64 {
        let shares = self.groups.iter().flat_map(|group| &group.shares);
        shares
            .filter(|share| share.provider == provider)
            .map(|share| share.requests)
            .sum()
    }

    /// Everybody's requests.
    pub(crate) fn requests(&self) -> u64 {
        self.groups.iter().map(|group| group.requests).sum()
    }

    pub(crate) fn blocked(&self, provider: &str) -> Option<bool> {
        self.providers
            .iter()
            .find(|other| other.id == provider)
            .map(|provider| provider.blocked)
    }

    pub(crate) fn healthy(&self, provider: &str) -> bool {
        self.providers
            .iter()
            .any(|other| other.id == provider && other.error_rate_ppm < UNHEALTHY_PPM)
    }

    /// Each group's traffic by provider.
    pub(crate) fn print(&self, provider: &str) {
        for group in &self.groups {
            let shares: Vec<String> = group
                .shares
                .iter()
                .map(|share| format!("{} {}", share.provider, percent(share.share_ppm)))
                .collect();
            println!("{:<12} {}", group.id, shares.join("   "));
        }
        if let Some(found) = self.providers.iter().find(|other| other.id == provider) {
            println!(
                "{provider} fails {} of its requests",
                percent(found.error_rate_ppm)
            );
        }
    }
}

/// A provider's share of each group that routes to it, at several times.
pub(crate) fn print_shares(provider: &str, times: &[(&str, &Traffic)]) {
    let Some((_, first)) = times.first() else { return };
    let headings: String = times.iter().map(|(time, _)| format!("{time:>10}")).collect();
    println!("{:<12}{headings}", "group");
    for group in first
        .groups
        .iter()
        .filter(|group| group.shares.iter().any(|share| share.provider == provider))
    {
        let shares: String = times
            .iter()
            .map(|(_, traffic)| format!("{:>10}", traffic.share_of(provider, &group.id)))
            .collect();
        println!("{:<12}{shares}", group.id);
    }
}

impl Traffic {
    fn share_of(&self, provider: &str, group: &str) -> String {
        let group = self.groups.iter().find(|other| other.id == group);
        let share = group.and_then(|group| group.shares.iter().find(|share| share.provider == provider));
        percent(share.map_or(0, |share| share.share_ppm))
    }
}

fn percent(ppm: u64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}
