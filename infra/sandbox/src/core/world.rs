//! The gateway's state.

use std::collections::{BTreeMap, VecDeque};

use jiff::civil::Date;

use super::faults::CallFault;
use super::resources::WriteRecord;
use super::rng::Rng;
use super::stats::{HISTORY_MS, Sample, Stats};
use super::time::{Millis, period_start};
use super::world_file::{
    BudgetFile, GuardrailFile, ModelGroupFile, ProviderFile, Scope, SlaFile, TeamFile, WorldError, WorldFile,
};

/// The gateway: its configuration, its traffic and its faults.
#[derive(Debug)]
pub(crate) struct GatewayWorld {
    pub(crate) org_id: String,
    pub(crate) providers: Vec<Provider>,
    pub(crate) groups: Vec<ModelGroupFile>,
    pub(crate) teams: Vec<TeamFile>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) guardrails: Vec<GuardrailFile>,
    pub(crate) slas: Vec<SlaFile>,
    pub(crate) stats: Stats,
    pub(crate) rng: Rng,
    pub(crate) writes: VecDeque<WriteRecord>,
    pub(crate) call_faults: Vec<CallFault>,
    /// Requests that reached no provider, by reason, since the start.
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// When a rate limit refused a team something, the latest five minutes of it.
    pub(crate) rate_limited: VecDeque<(Millis, usize)>,
}

/// A provider as it is now.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) file: ProviderFile,
    pub(crate) blocked: bool,
    /// A fault's error rate in parts per million, instead of the file's.
    pub(crate) failing_ppm: Option<u32>,
    /// A fault's factor on the latency, in thousandths.
    pub(crate) slowed_permille: Option<u32>,
}

/// A budget as it is now.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) file: BudgetFile,
    pub(crate) period_start: Date,
    /// What of the spend a fault added, so that it can be taken back.
    pub(crate) injected_micros: u64,
}

impl Budget {
    /// Begins the next period when the clock has reached it.
    pub(crate) fn roll(&mut self, now: Millis) {
        let start = period_start(self.file.period, now);
        if start > self.period_start {
            self.period_start = start;
            self.file.spend_micros = 0;
            self.injected_micros = 0;
        }
    }
}

impl GatewayWorld {
    /// A gateway that has just started at `now`.
    pub(crate) fn new(
        file: WorldFile,
        seed: u64,
        window_ms: Millis,
        now: Millis,
    ) -> Result<GatewayWorld, WorldError> {
        file.check().map_err(WorldError::Contradiction)?;
        let provider = |file| Provider {
            file,
            blocked: false,
            failing_ppm: None,
            slowed_permille: None,
        };
        let budget = |file: BudgetFile| Budget {
            period_start: period_start(file.period, now),
            injected_micros: 0,
            file,
        };
        Ok(GatewayWorld {
            org_id: file.org_id,
            providers: file.providers.into_iter().map(provider).collect(),
            groups: file.model_groups,
            teams: file.teams,
            budgets: file.budgets.into_iter().map(budget).collect(),
            guardrails: file.guardrails,
            slas: file.sla_contracts,
            stats: Stats::new(window_ms),
            rng: Rng::new(seed),
            writes: VecDeque::new(),
            call_faults: Vec::new(),
            refused: BTreeMap::new(),
            rate_limited: VecDeque::new(),
        })
    }

    /// Gives the gateway an uneventful hour before `now`, one request a second, up to the current window:
    /// without it there is no median to compare a latency with. It costs nobody anything.
    pub(crate) fn remember_an_hour(&mut self, now: Millis) {
        let window_ms = self.stats.window_s() * 1000;
        for at in (now - HISTORY_MS + 1..=now - window_ms).step_by(1000) {
            let Some((group, team)) = self.draw_call(None) else {
                return;
            };
            let weights: Vec<_> = self.groups[group]
                .routes
                .iter()
                .map(|r| u64::from(r.weight))
                .collect();
            let Some(route) = self.rng.weighted(&weights) else {
                continue;
            };
            let Some(provider) = self.provider(&self.groups[group].routes[route].provider) else {
                continue;
            };
            let ok = !self.rng.chance(self.providers[provider].file.error_rate_ppm);
            let latency_ms = self.draw_latency(provider);
            self.stats.record(Sample {
                at,
                group,
                team,
                provider,
                ok,
                latency_ms,
                tokens: 0,
            });
        }
    }

    /// Begins the budgets' next periods where the clock has reached them.
    pub(crate) fn roll_budgets(&mut self, now: Millis) {
        self.budgets.iter_mut().for_each(|budget| budget.roll(now));
    }

    pub(crate) fn provider(&self, id: &str) -> Option<usize> {
        self.providers.iter().position(|provider| provider.file.id == id)
    }

    pub(crate) fn group(&self, id: &str) -> Option<usize> {
        self.groups.iter().position(|group| group.id == id)
    }

    pub(crate) fn team(&self, id: &str) -> Option<usize> {
        self.teams.iter().position(|team| team.id == id)
    }

    pub(crate) fn budget(&self, scope: Scope, id: &str) -> Option<usize> {
        self.budgets
            .iter()
            .position(|budget| budget.file.scope == scope && budget.file.id == id)
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    /// 2026-11-22T10:00:00Z, a Sunday.
    pub(crate) const START: Millis = 1_795_341_600_000;

    /// The built-in world with a window of 300 s and nothing in it.
    pub(crate) fn world() -> GatewayWorld {
        GatewayWorld::new(WorldFile::built_in().unwrap(), 1, 300_000, START).unwrap()
    }

    /// Records `count` requests of `provider` in `group`, of which the first `errors` fail.
    pub(crate) fn record(
        world: &mut GatewayWorld,
        group: &str,
        provider: &str,
        count: u64,
        errors: u64,
        latency_ms: u32,
    ) {
        let group = world.group(group).unwrap();
        let provider = world.provider(provider).unwrap();
        for n in 0..count {
            let ok = n >= errors;
            world.stats.record(Sample {
                at: START,
                group,
                team: 0,
                provider,
                ok,
                latency_ms,
                tokens: 1,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{START, world};
    use super::*;
    use crate::core::stats::Only;

    #[test]
    fn the_remembered_hour_ends_where_the_window_begins() {
        let mut world = world();
        world.remember_an_hour(START);
        assert_eq!(world.stats.figures(START, Only::default()).requests, 0);
        let median = world.stats.median_1h(START, 0).unwrap();
        assert!(
            (360..440).contains(&median),
            "openai answers in about 400 ms, not {median}"
        );
        assert_eq!(world.budgets[0].file.spend_micros, 123_400_000);
    }

    #[test]
    fn a_budget_starts_again_with_its_period() {
        let mut world = world();
        let spend = |world: &GatewayWorld| {
            world
                .budgets
                .iter()
                .map(|b| b.file.spend_micros)
                .collect::<Vec<_>>()
        };
        world.roll_budgets(START);
        assert_eq!(spend(&world), [123_400_000, 12_340_000, 54_000_000, 8_000_000]);
        world.roll_budgets(START + 86_400_000); // Monday: research counts by the week.
        assert_eq!(spend(&world), [123_400_000, 12_340_000, 54_000_000, 0]);
        world.roll_budgets(START + 10 * 86_400_000); // December.
        assert_eq!(spend(&world), [0; 4]);
    }
}
