//! The four conditions a gateway tells its agent about, computed from the traffic.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::inventory::sla_actual;
use super::stats::Only;
use super::time::Millis;
use super::world::GatewayWorld;
use super::world_file::Metric;

/// Fewer requests than this say nothing about a provider or a contract.
pub(crate) const MIN_REQUESTS: u64 = 5;

/// Which cap a budget has exceeded.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// The soft one.
    Soft,
    /// The hard one.
    Hard,
}

/// Above 25 % errors over at least five requests.
pub(crate) fn is_unhealthy(errors: u64, requests: u64) -> bool {
    requests >= MIN_REQUESTS && errors * 4 > requests
}

/// The window's median latency is above three times that of the hour, over at least five answers.
pub(crate) fn is_spike(current_ms: u32, median_1h_ms: u32, successes: u64) -> bool {
    successes >= MIN_REQUESTS && u64::from(current_ms) > 3 * u64::from(median_1h_ms)
}

/// The worse of the caps that the spend has crossed: the hard one when it is reached, the soft one above it.
pub(crate) fn budget_kind(spend: u64, soft_cap: u64, hard_cap: u64) -> Option<BudgetKind> {
    if spend >= hard_cap {
        Some(BudgetKind::Hard)
    } else if spend > soft_cap {
        Some(BudgetKind::Soft)
    } else {
        None
    }
}

/// A latency above its target, or a success rate below it.
pub(crate) fn violates(metric: Metric, actual: u64, target: u64) -> bool {
    match metric {
        Metric::P95 | Metric::P99 => actual > target,
        Metric::SuccessRate => actual < target,
    }
}

impl GatewayWorld {
    /// What is wrong at `now`, in the order of the configuration.
    pub(crate) fn conditions(&mut self, now: Millis) -> Vec<Condition> {
        self.roll_budgets(now);
        let providers =
            (0..self.providers.len()).flat_map(|provider| self.provider_conditions(now, provider));
        let budgets = self.budgets.iter().filter_map(|budget| {
            let file = &budget.file;
            let kind = budget_kind(file.spend_micros, file.soft_cap_micros, file.hard_cap_micros)?;
            let limit = match kind {
                BudgetKind::Soft => file.soft_cap_micros,
                BudgetKind::Hard => file.hard_cap_micros,
            };
            let (scope, id, period) = (file.scope, file.id.clone(), file.period);
            Some(Condition::BudgetExceeded {
                scope,
                id,
                kind,
                spend: file.spend_micros,
                limit,
                period,
            })
        });
        let slas = self.slas.iter().filter(|sla| sla.enabled).filter_map(|sla| {
            let figures = self.sla_figures(now, sla);
            let counted = match sla.metric {
                Metric::P95 | Metric::P99 => figures.successes(),
                Metric::SuccessRate => figures.requests,
            };
            let actual = sla_actual(sla.metric, &figures)?;
            (counted >= MIN_REQUESTS && violates(sla.metric, actual, sla.target)).then(|| {
                Condition::SlaViolation {
                    id: sla.id.clone(),
                    metric: sla.metric,
                    target: sla.target,
                    actual,
                    window_s: self.stats.window_s(),
                    provider: sla.provider.clone(),
                    model_group: sla.model_group.clone(),
                }
            })
        });
        providers.chain(budgets).chain(slas).collect()
    }

    fn provider_conditions(&self, now: Millis, index: usize) -> Vec<Condition> {
        let figures = self.stats.figures(now, Only::provider(index));
        let id = || self.providers[index].file.id.clone();
        let mut conditions = Vec::new();
        if is_unhealthy(figures.errors, figures.requests) {
            conditions.push(Condition::ProviderUnhealthy {
                provider: id(),
                model_group: self.busiest_group(now, index),
                error_rate_ppm: figures.error_rate_ppm(),
                requests: figures.requests,
                window_s: self.stats.window_s(),
            });
        }
        if let (Some(current_ms), Some(median_1h_ms)) =
            (figures.percentile(50), self.stats.median_1h(now, index))
            && is_spike(current_ms, median_1h_ms, figures.successes())
        {
            let (provider, model_group) = (id(), self.busiest_group(now, index));
            conditions.push(Condition::LatencySpike {
                provider,
                model_group,
                current_ms,
                median_1h_ms,
            });
        }
        conditions
    }

    /// The group most of the provider's requests in the window belong to; the first on a draw.
    fn busiest_group(&self, now: Millis, provider: usize) -> Option<String> {
        let requests = |group| {
            self.stats
                .figures(
                    now,
                    Only {
                        group: Some(group),
                        provider: Some(provider),
                    },
                )
                .requests
        };
        let busiest = (0..self.groups.len())
            .rev()
            .max_by_key(|&group| requests(group))?;
        Some(self.groups[busiest].id.clone())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::stats::Sample;
    use super::super::world::fixture::{START, record, world};
    use super::*;

    #[test]
    fn unhealthy_is_above_a_quarter_of_at_least_five() {
        let cases = [
            (25, 100),
            (26, 100),
            (4, 4),
            (2, 5),
            (1, 4),
            (2, 8),
            (3, 8),
            (0, 0),
        ];
        let unhealthy = cases.map(|(errors, requests)| is_unhealthy(errors, requests));
        assert_eq!(unhealthy, [false, true, false, true, false, false, true, false]);
    }

    #[test]
    fn a_spike_is_above_three_times_the_median() {
        assert_eq!([1_200, 1_201].map(|ms| is_spike(ms, 400, 5)), [false, true]);
        assert!(!is_spike(9_000, 400, 4));
        assert!(is_spike(u32::MAX, u32::MAX / 4, 5));
    }

    #[test]
    fn a_budget_tells_the_worse_cap_it_has_crossed() {
        let kinds = [80, 81, 99, 100].map(|spend| budget_kind(spend, 80, 100));
        assert_eq!(
            kinds,
            [
                None,
                Some(BudgetKind::Soft),
                Some(BudgetKind::Soft),
                Some(BudgetKind::Hard)
            ]
        );
    }

    #[test]
    fn a_contract_is_kept_at_its_target() {
        assert_eq!([800, 801].map(|ms| violates(Metric::P95, ms, 800)), [false, true]);
        assert_eq!(
            [900_000, 899_999].map(|ppm| violates(Metric::SuccessRate, ppm, 900_000)),
            [false, true]
        );
    }

    fn check(prepare: impl FnOnce(&mut GatewayWorld), expected: expect_test::Expect) {
        let mut world = world();
        prepare(&mut world);
        let mut told = String::new();
        for condition in world.conditions(START) {
            let detail = condition.detail("acme", "e-1", START);
            assert!(
                jsonschema::is_valid(&published_schema(condition.detail_type()), &detail),
                "{detail}"
            );
            told += &format!("{} {detail}\n", condition.key());
        }
        expected.assert_eq(&told);
    }

    fn published_schema(detail_type: &str) -> serde_json::Value {
        let schema = match detail_type {
            "provider.unhealthy" => include_str!("../../../schemas/provider.unhealthy.json"),
            "latency.spike" => include_str!("../../../schemas/latency.spike.json"),
            "budget.exceeded" => include_str!("../../../schemas/budget.exceeded.json"),
            _ => include_str!("../../../schemas/sla.violation.json"),
        };
        serde_json::from_str(schema).unwrap()
    }

    #[test]
    fn a_failing_provider_is_told_with_its_busiest_group() {
        check(
            |world| {
                record(world, "embeddings", "openai", 2, 1, 400);
                record(world, "chat", "openai", 6, 5, 400);
                record(world, "chat", "anthropic", 4, 4, 400); // one request short of telling anything
            },
            expect![[r#"
                provider.unhealthy/openai {"version":1,"event_id":"e-1","occurred_at":"2026-11-22T10:00:00.000Z","org_id":"acme","severity":"critical","provider":"openai","model_group":"chat","error_rate":0.75,"requests":8,"window_s":300}
            "#]],
        );
    }

    #[test]
    fn a_slow_provider_is_told_against_its_hour() {
        check(
            |world| {
                let history = Sample {
                    at: START - 600_000,
                    group: 0,
                    team: 0,
                    provider: 0,
                    ok: true,
                    latency_ms: 400,
                    tokens: 1,
                };
                world.stats.record(history);
                record(world, "chat", "openai", 5, 0, 1_201);
            },
            expect![[r#"
                latency.spike/openai {"version":1,"event_id":"e-1","occurred_at":"2026-11-22T10:00:00.000Z","org_id":"acme","severity":"warning","provider":"openai","model_group":"chat","current_ms":1201,"median_1h_ms":400}
            "#]],
        );
    }

    #[test]
    fn an_exceeded_budget_is_told_once_by_its_worse_cap() {
        check(
            |world| {
                world.budgets[0].file.spend_micros = 800_000_001;
                world.budgets[1].file.spend_micros = 162_340_000;
            },
            expect![[r#"
                budget.exceeded/org/acme/Soft {"version":1,"event_id":"e-1","occurred_at":"2026-11-22T10:00:00.000Z","org_id":"acme","severity":"warning","scope":"org","scope_id":"acme","kind":"soft","spend":"800.000001","limit":"800.00","period":"monthly"}
                budget.exceeded/team/payments/Hard {"version":1,"event_id":"e-1","occurred_at":"2026-11-22T10:00:00.000Z","org_id":"acme","severity":"critical","team_id":"payments","scope":"team","scope_id":"payments","kind":"hard","spend":"162.34","limit":"100.00","period":"monthly"}
            "#]],
        );
    }

    #[test]
    fn violated_contracts_are_told_while_enabled() {
        check(
            |world| {
                record(world, "ocr", "mistral", 8, 1, 31_000);
                record(world, "chat", "anthropic", 20, 0, 2_001);
                world.providers[3].blocked = false;
            },
            expect![[r#"
                sla.violation/gold {"version":1,"event_id":"e-1","occurred_at":"2026-11-22T10:00:00.000Z","org_id":"acme","severity":"warning","sla_id":"gold","metric":"p95","target":2000,"actual":2001,"window_s":300,"provider":"anthropic","model_group":"chat"}
                sla.violation/silver {"version":1,"event_id":"e-1","occurred_at":"2026-11-22T10:00:00.000Z","org_id":"acme","severity":"warning","sla_id":"silver","metric":"success_rate","target":0.9,"actual":0.875,"window_s":300,"model_group":"ocr"}
            "#]],
        );
    }
}
