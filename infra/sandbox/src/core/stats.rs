//! Sliding windows over the requests of the last hour.

use std::collections::VecDeque;

use super::time::Millis;

/// How far back the median that a latency is compared with goes, and so what is kept.
pub(crate) const HISTORY_MS: Millis = 3_600_000;

/// No more requests than this are kept, however short the hour was.
const MAX_SAMPLES: usize = 200_000;

/// One request that reached a provider. Groups, teams and providers are positions in the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Millis,
    pub(crate) group: usize,
    pub(crate) team: usize,
    pub(crate) provider: usize,
    pub(crate) ok: bool,
    pub(crate) latency_ms: u32,
    pub(crate) tokens: u64,
}

/// Which requests a figure is about; `None` is all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Only {
    pub(crate) group: Option<usize>,
    pub(crate) provider: Option<usize>,
}

impl Only {
    pub(crate) fn provider(provider: usize) -> Only {
        Only {
            provider: Some(provider),
            ..Only::default()
        }
    }

    fn takes(&self, sample: &Sample) -> bool {
        self.group.is_none_or(|group| group == sample.group)
            && self.provider.is_none_or(|provider| provider == sample.provider)
    }
}

/// Figures of one window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Latencies of the requests that succeeded, ascending: a fast failure is not a fast answer.
    latencies: Vec<u32>,
}

impl Figures {
    /// Errors per million requests, rounded; 0 without traffic.
    pub(crate) fn error_rate_ppm(&self) -> u64 {
        ratio_ppm(self.errors, self.requests).unwrap_or(0)
    }

    /// Successes per million requests; `None` without traffic.
    pub(crate) fn success_rate_ppm(&self) -> Option<u64> {
        ratio_ppm(self.requests - self.errors, self.requests)
    }

    /// How many requests a latency figure rests on.
    pub(crate) fn successes(&self) -> u64 {
        self.requests - self.errors
    }

    /// Nearest-rank percentile of the latency in ms; `None` when nothing succeeded.
    pub(crate) fn percentile(&self, percent: usize) -> Option<u32> {
        let rank = (self.latencies.len() * percent).div_ceil(100).max(1);
        self.latencies.get(rank - 1).copied()
    }
}

/// `part / whole` in parts per million, rounded half up; `None` when there is no whole.
pub(crate) fn ratio_ppm(part: u64, whole: u64) -> Option<u64> {
    (whole > 0).then(|| (part * 1_000_000 + whole / 2) / whole)
}

/// The requests of the last hour, oldest first.
#[derive(Debug)]
pub(crate) struct Stats {
    window_ms: Millis,
    samples: VecDeque<Sample>,
}

impl Stats {
    pub(crate) fn new(window_ms: Millis) -> Stats {
        Stats {
            window_ms,
            samples: VecDeque::new(),
        }
    }

    pub(crate) fn window_s(&self) -> i64 {
        self.window_ms / 1000
    }

    /// Adds a request. One dated before the newest (the clock was set back) counts as of that.
    pub(crate) fn record(&mut self, mut sample: Sample) {
        if let Some(newest) = self.samples.back() {
            sample.at = sample.at.max(newest.at);
        }
        let oldest = sample.at - HISTORY_MS;
        self.samples.push_back(sample);
        while self.samples.len() > MAX_SAMPLES || self.samples.front().is_some_and(|s| s.at <= oldest) {
            self.samples.pop_front();
        }
    }

    /// Forgets the current window, so that it begins anew.
    pub(crate) fn forget_window(&mut self, now: Millis) {
        let keep = self.samples.partition_point(|s| s.at <= now - self.window_ms);
        self.samples.truncate(keep);
    }

    /// The requests in `(now - span, now]`.
    pub(crate) fn last(&self, now: Millis, span: Millis) -> impl Iterator<Item = &Sample> {
        self.between(now - span, now)
    }

    /// The current window's figures.
    pub(crate) fn figures(&self, now: Millis, only: Only) -> Figures {
        let mut figures = Figures::default();
        for sample in self.last(now, self.window_ms).filter(|sample| only.takes(sample)) {
            figures.requests += 1;
            if sample.ok {
                figures.latencies.push(sample.latency_ms);
            } else {
                figures.errors += 1;
            }
        }
        figures.latencies.sort_unstable();
        figures
    }

    /// Median latency in ms of the hour before now, the current window excluded.
    pub(crate) fn median_1h(&self, now: Millis, provider: usize) -> Option<u32> {
        let mut latencies: Vec<u32> = self
            .between(now - HISTORY_MS, now - self.window_ms)
            .filter(|sample| sample.ok && sample.provider == provider)
            .map(|sample| sample.latency_ms)
            .collect();
        let middle = latencies.len().div_ceil(2).checked_sub(1)?;
        Some(*latencies.select_nth_unstable(middle).1)
    }

    fn between(&self, after: Millis, until: Millis) -> impl Iterator<Item = &Sample> {
        let from = self.samples.partition_point(|s| s.at <= after);
        let to = self.samples.partition_point(|s| s.at <= until).max(from);
        self.samples.range(from..to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(at: Millis, ok: bool, latency_ms: u32) -> Sample {
        Sample {
            at,
            group: 0,
            team: 0,
            provider: 0,
            ok,
            latency_ms,
            tokens: 1,
        }
    }

    fn stats(samples: impl IntoIterator<Item = Sample>) -> Stats {
        let mut stats = Stats::new(10_000);
        samples.into_iter().for_each(|sample| stats.record(sample));
        stats
    }

    #[test]
    fn a_request_leaves_the_window_exactly_when_it_is_as_old_as_the_window() {
        let stats = stats([request(1_000, false, 5)]);
        let requests = |now| stats.figures(now, Only::default()).requests;
        assert_eq!(
            [requests(999), requests(1_000), requests(10_999), requests(11_000)],
            [0, 1, 1, 0]
        );
    }

    #[test]
    fn percentiles_are_nearest_rank_over_the_successes() {
        let figures = stats(
            (1..=20)
                .map(|n| request(0, true, n * 10))
                .chain([request(0, false, 9_999)]),
        )
        .figures(0, Only::default());
        assert_eq!(
            [50, 95, 99].map(|p| figures.percentile(p)),
            [Some(100), Some(190), Some(200)]
        );
        assert_eq!(
            (figures.requests, figures.errors, figures.error_rate_ppm()),
            (21, 1, 47_619)
        );
    }

    #[test]
    fn without_traffic_there_are_no_latencies() {
        let figures = stats([]).figures(0, Only::default());
        assert_eq!(
            (
                figures.percentile(50),
                figures.success_rate_ppm(),
                figures.error_rate_ppm()
            ),
            (None, None, 0)
        );
    }

    #[test]
    fn the_median_of_the_hour_leaves_the_window_out() {
        let mut stats = stats([
            request(0, true, 100),
            request(1, true, 200),
            request(2, true, 300),
        ]);
        stats.record(request(15_000, true, 9_000));
        assert_eq!(stats.median_1h(15_000, 0), Some(200));
        assert_eq!(stats.median_1h(15_000, 1), None);
        assert_eq!(
            stats.median_1h(HISTORY_MS + 1, 0),
            Some(300),
            "as the hour moves on, so does the median"
        );
    }

    #[test]
    fn a_clock_set_back_does_not_disorder_the_window() {
        let stats = stats([request(5_000, true, 1), request(4_000, true, 1)]);
        assert_eq!(stats.figures(4_500, Only::default()).requests, 0);
        assert_eq!(stats.figures(5_000, Only::default()).requests, 2);
    }
}
