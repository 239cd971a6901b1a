//! A summary for a person, or for a demo that shows where the traffic goes.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::faults::Injection;
use super::stats::{Only, ratio_ppm};
use super::time::{Millis, rfc3339};
use super::world::GatewayWorld;

/// The reply to `GET /sandbox/v1/state`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Summary {
    /// When (RFC 3339).
    pub at: String,
    /// The window of the providers' figures, in seconds.
    pub window_s: i64,
    /// The window of the traffic shares, in seconds.
    pub share_window_s: i64,
    /// Where each group's requests went.
    pub groups: Vec<GroupShare>,
    /// How each provider is doing.
    pub providers: Vec<ProviderSummary>,
    /// What is wrong now: `<detail-type>/<subject>`.
    pub conditions: Vec<String>,
    /// The faults in place.
    pub faults: Vec<Injection>,
    /// Requests that reached no provider since the start, by reason.
    pub refused: std::collections::BTreeMap<String, u64>,
}

/// Where a group's requests went, over the share window.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct GroupShare {
    /// The group's id.
    pub id: String,
    /// Its requests that reached a provider.
    pub requests: u64,
    /// One entry for each provider that got any, and each that it routes to.
    pub shares: Vec<Share>,
}

/// One provider's part of a group's requests.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Share {
    /// The provider's id.
    pub provider: String,
    /// Its requests.
    pub requests: u64,
    /// Its part of the group's, in parts per million.
    pub share_ppm: u64,
}

/// A provider over the window.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct ProviderSummary {
    /// Its id.
    pub id: String,
    /// Whether its breaker is open.
    pub blocked: bool,
    /// Requests in the window.
    pub requests: u64,
    /// Failed ones per million.
    pub error_rate_ppm: u64,
    /// Median latency of the window's successes in ms.
    pub p50_ms: Option<u32>,
    /// 95th percentile of it.
    pub p95_ms: Option<u32>,
    /// Median latency of the hour, the window excluded, in ms.
    pub median_1h_ms: Option<u32>,
}

impl GatewayWorld {
    /// The summary at `now`, with traffic shares over the last `share_window_s` seconds.
    pub(crate) fn summary(&mut self, now: Millis, share_window_s: i64) -> Summary {
        let conditions = self.conditions(now).iter().map(Condition::key).collect();
        Summary {
            at: rfc3339(now),
            window_s: self.stats.window_s(),
            share_window_s,
            groups: (0..self.groups.len())
                .map(|group| self.share(now, share_window_s, group))
                .collect(),
            providers: (0..self.providers.len())
                .map(|index| self.provider_summary(now, index))
                .collect(),
            conditions,
            faults: self.faults(),
            refused: self
                .refused
                .iter()
                .map(|(reason, count)| ((*reason).to_owned(), *count))
                .collect(),
        }
    }

    fn share(&self, now: Millis, share_window_s: i64, index: usize) -> GroupShare {
        let mut counts = vec![0; self.providers.len()];
        for sample in self
            .stats
            .last(now, share_window_s * 1000)
            .filter(|sample| sample.group == index)
        {
            counts[sample.provider] += 1;
        }
        let group = &self.groups[index];
        let requests = counts.iter().sum();
        let shares = self
            .providers
            .iter()
            .zip(counts)
            .filter_map(|(provider, requests_here)| {
                let id = &provider.file.id;
                let routed = group.routes.iter().any(|route| route.provider == *id);
                (routed || requests_here > 0).then(|| Share {
                    provider: id.clone(),
                    requests: requests_here,
                    share_ppm: ratio_ppm(requests_here, requests).unwrap_or(0),
                })
            });
        GroupShare {
            id: group.id.clone(),
            requests,
            shares: shares.collect(),
        }
    }

    fn provider_summary(&self, now: Millis, index: usize) -> ProviderSummary {
        let provider = &self.providers[index];
        let figures = self.stats.figures(now, Only::provider(index));
        ProviderSummary {
            id: provider.file.id.clone(),
            blocked: provider.blocked,
            requests: figures.requests,
            error_rate_ppm: figures.error_rate_ppm(),
            p50_ms: figures.percentile(50),
            p95_ms: figures.percentile(95),
            median_1h_ms: self.stats.median_1h(now, index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::fixture::{START, record, world};

    #[test]
    fn shares_are_of_the_recent_requests_of_a_group() {
        let mut world = world();
        record(&mut world, "chat", "openai", 1, 0, 400);
        record(&mut world, "chat", "anthropic", 3, 0, 400);
        let chat = |world: &mut super::GatewayWorld, at| {
            let shares = &world.summary(at, 5).groups[0].shares;
            shares
                .iter()
                .map(|s| (s.provider.clone(), s.share_ppm))
                .collect::<Vec<_>>()
        };
        let expect =
            |openai, anthropic| vec![("openai".to_owned(), openai), ("anthropic".to_owned(), anthropic)];
        assert_eq!(chat(&mut world, START), expect(250_000, 750_000));
        assert_eq!(chat(&mut world, START + 5_000), expect(0, 0));
    }
}
