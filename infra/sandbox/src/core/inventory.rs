//! Everything the admin API tells at one instant.

use serde::{Deserialize, Serialize};

use super::detect::{BudgetKind, budget_kind};
use super::stats::{Figures, Only};
use super::time::{Millis, rfc3339};
use super::world::GatewayWorld;
use super::world_file::{Metric, Period, Route, Scope, SlaFile, Tier};

/// How far back a team's `requests_5m` looks.
const FIVE_MINUTES_MS: Millis = 300_000;

/// The reply to `GET /admin/v1/inventory`. Money in micro-dollars, rates in parts per million, times in ms.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Inventory {
    /// When all of it was read (RFC 3339).
    pub read_at: String,
    /// Every provider and its health.
    pub providers: Vec<ProviderStatus>,
    /// Every model group and its routes.
    pub model_groups: Vec<ModelGroupStatus>,
    /// Every team, its limits and its use.
    pub teams: Vec<TeamStatus>,
    /// Every budget.
    pub budgets: Vec<BudgetStatus>,
    /// Every guardrail.
    pub guardrails: Vec<GuardrailStatus>,
    /// Every SLA contract.
    pub sla_contracts: Vec<SlaStatus>,
}

/// A provider's health over the window.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct ProviderStatus {
    /// Its id.
    pub id: String,
    /// Whether its breaker is open: it gets no traffic.
    pub blocked: bool,
    /// Requests in the window.
    pub requests: u64,
    /// Failed requests per million.
    pub error_rate_ppm: u64,
    /// The window's length in seconds.
    pub window_s: i64,
    /// Median latency of the window's successes; `None` without any.
    pub latency_p50_ms: Option<u32>,
    /// Median latency of the hour, the window excluded; `None` without any.
    pub median_1h_ms: Option<u32>,
}

/// A model group.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct ModelGroupStatus {
    /// Its id.
    pub id: String,
    /// Its providers and weights.
    pub routes: Vec<Route>,
}

/// A team.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct TeamStatus {
    /// Its id.
    pub id: String,
    /// The organisation that it belongs to.
    pub org_id: String,
    /// Requests a minute.
    pub rpm: u64,
    /// Tokens a minute.
    pub tpm: u64,
    /// Requests of the last five minutes that reached a provider.
    pub requests_5m: u64,
    /// Requests of the last five minutes that its rate limit refused.
    pub rate_limited_5m: u64,
    /// How much an outage hurts.
    pub tier: Tier,
    /// The model groups it may call.
    pub model_groups: Vec<String>,
}

/// A budget.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Whose.
    pub scope: Scope,
    /// The team's or organisation's id.
    pub id: String,
    /// The cap that is exceeded, if one is: the hard one when it is reached, else the soft one above it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<BudgetKind>,
    /// The soft cap.
    pub soft_cap_micros: u64,
    /// The hard cap.
    pub hard_cap_micros: u64,
    /// The period's spend.
    pub spend_micros: u64,
    /// The period.
    pub period: Period,
}

/// A guardrail.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct GuardrailStatus {
    /// Its id.
    pub id: String,
    /// Whether it is on.
    pub enabled: bool,
}

/// An SLA contract and what it measures now.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct SlaStatus {
    /// Its id.
    pub id: String,
    /// Whether it is watched.
    pub enabled: bool,
    /// What is measured.
    pub metric: Metric,
    /// ms, or parts per million for `success_rate`.
    pub target: u64,
    /// The window's value in the same unit; `None` without traffic.
    pub actual: Option<u64>,
    /// The window's length in seconds.
    pub window_s: i64,
    /// Only this provider's requests, or all.
    pub provider: Option<String>,
    /// Only this group's requests, or all.
    pub model_group: Option<String>,
}

impl GatewayWorld {
    /// Everything, as of `now`.
    pub(crate) fn inventory(&mut self, now: Millis) -> Inventory {
        self.roll_budgets(now);
        self.rate_limited.retain(|(at, _)| at + FIVE_MINUTES_MS > now);
        Inventory {
            read_at: rfc3339(now),
            providers: (0..self.providers.len())
                .map(|provider| self.provider_status(now, provider))
                .collect(),
            model_groups: self
                .groups
                .iter()
                .map(|group| ModelGroupStatus {
                    id: group.id.clone(),
                    routes: group.routes.clone(),
                })
                .collect(),
            teams: (0..self.teams.len())
                .map(|team| self.team_status(now, team))
                .collect(),
            budgets: self
                .budgets
                .iter()
                .map(|budget| budget_status(&budget.file))
                .collect(),
            guardrails: self
                .guardrails
                .iter()
                .map(|guardrail| GuardrailStatus {
                    id: guardrail.id.clone(),
                    enabled: guardrail.enabled,
                })
                .collect(),
            sla_contracts: self.slas.iter().map(|sla| self.sla_status(now, sla)).collect(),
        }
    }

    /// The figures an SLA contract is about.
    pub(crate) fn sla_figures(&self, now: Millis, sla: &SlaFile) -> Figures {
        let provider = sla.provider.as_ref().and_then(|id| self.provider(id));
        let group = sla.model_group.as_ref().and_then(|id| self.group(id));
        self.stats.figures(now, Only { group, provider })
    }

    fn provider_status(&self, now: Millis, index: usize) -> ProviderStatus {
        let provider = &self.providers[index];
        let figures = self.stats.figures(now, Only::provider(index));
        ProviderStatus {
            id: provider.file.id.clone(),
            blocked: provider.blocked,
            requests: figures.requests,
            error_rate_ppm: figures.error_rate_ppm(),
            window_s: self.stats.window_s(),
            latency_p50_ms: figures.percentile(50),
            median_1h_ms: self.stats.median_1h(now, index),
        }
    }

    fn team_status(&self, now: Millis, index: usize) -> TeamStatus {
        let team = &self.teams[index];
        let requests = self
            .stats
            .last(now, FIVE_MINUTES_MS)
            .filter(|sample| sample.team == index)
            .count();
        TeamStatus {
            id: team.id.clone(),
            org_id: self.org_id.clone(),
            rpm: team.rpm,
            tpm: team.tpm,
            requests_5m: requests as u64,
            rate_limited_5m: self
                .rate_limited
                .iter()
                .filter(|(_, team)| *team == index)
                .count() as u64,
            tier: team.tier,
            model_groups: team.model_groups.clone(),
        }
    }

    fn sla_status(&self, now: Millis, sla: &SlaFile) -> SlaStatus {
        SlaStatus {
            id: sla.id.clone(),
            enabled: sla.enabled,
            metric: sla.metric,
            target: sla.target,
            actual: sla_actual(sla.metric, &self.sla_figures(now, sla)),
            window_s: self.stats.window_s(),
            provider: sla.provider.clone(),
            model_group: sla.model_group.clone(),
        }
    }
}

/// The value of a contract's metric: ms, or parts per million; `None` without traffic.
pub(crate) fn sla_actual(metric: Metric, figures: &Figures) -> Option<u64> {
    match metric {
        Metric::P95 => figures.percentile(95).map(u64::from),
        Metric::P99 => figures.percentile(99).map(u64::from),
        Metric::SuccessRate => figures.success_rate_ppm(),
    }
}

fn budget_status(budget: &super::world_file::BudgetFile) -> BudgetStatus {
    BudgetStatus {
        scope: budget.scope,
        id: budget.id.clone(),
        kind: budget_kind(
            budget.spend_micros,
            budget.soft_cap_micros,
            budget.hard_cap_micros,
        ),
        soft_cap_micros: budget.soft_cap_micros,
        hard_cap_micros: budget.hard_cap_micros,
        spend_micros: budget.spend_micros,
        period: budget.period,
    }
}
