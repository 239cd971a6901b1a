//! The gateway's own inventory, as read at one instant: what exists, how it is set, how it does.

mod target;

use serde::{Deserialize, Serialize};

pub use self::target::{Change, Reading, Route, Setting, Target};
use crate::incident::{
    BudgetKind, Event, SPIKE_FACTOR, SlaMetric, Trouble, UNHEALTHY_ABOVE, UNHEALTHY_REQUESTS,
};
use crate::value::{
    BudgetOwner, GuardrailId, Micros, ModelGroupId, Ppm, ProviderId, SlaId, TeamId, Timestamp,
};

/// Everything the agent reads from the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// When it was read.
    pub read_at: Timestamp,
    /// The providers.
    pub providers: Vec<Provider>,
    /// The model groups.
    pub model_groups: Vec<ModelGroup>,
    /// The teams.
    pub teams: Vec<Team>,
    /// The budgets.
    pub budgets: Vec<Budget>,
    /// The guardrails.
    pub guardrails: Vec<Guardrail>,
    /// The SLA contracts.
    pub contracts: Vec<Contract>,
}

/// A model provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Whether its breaker is open.
    pub blocked: bool,
    /// Requests in the window.
    pub requests: u64,
    /// Failed share of them.
    pub error_rate: Ppm,
    /// The window, seconds.
    pub window_s: u64,
    /// Median latency in the window, ms; absent without traffic.
    pub latency_p50_ms: Option<u64>,
    /// Median latency of the last hour, ms; absent without traffic.
    pub median_1h_ms: Option<u64>,
}

impl Provider {
    /// Whether the error rate is above the definition of unhealthy, over enough requests.
    pub fn is_unhealthy(&self) -> bool {
        self.requests >= UNHEALTHY_REQUESTS && self.error_rate > UNHEALTHY_ABOVE
    }

    /// Whether latency is above the definition of a spike.
    pub fn is_spiking(&self) -> bool {
        match (self.latency_p50_ms, self.median_1h_ms) {
            (Some(now), Some(median)) => now > median.saturating_mul(SPIKE_FACTOR),
            (Some(_) | None, Some(_) | None) => false,
        }
    }

    /// Whether traffic may be sent there: open, and neither failing nor spiking.
    pub fn is_healthy(&self) -> bool {
        !self.blocked && !self.is_unhealthy() && !self.is_spiking()
    }
}

/// A group of interchangeable deployments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelGroup {
    /// Its id.
    pub id: ModelGroupId,
    /// Its deployments, sorted by provider.
    pub routes: Vec<Route>,
}

/// A team's limits and recent use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Requests a minute.
    pub rpm: u64,
    /// Tokens a minute.
    pub tpm: u64,
    /// Requests in the last 5 minutes.
    pub requests_5m: u64,
    /// Whether the company calls the team critical.
    pub critical: bool,
    /// The model groups it uses.
    pub model_groups: Vec<ModelGroupId>,
}

/// A budget and what is spent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Whose.
    pub owner: BudgetOwner,
    /// Where the gateway warns.
    pub soft_cap: Option<Micros>,
    /// Where the gateway refuses.
    pub hard_cap: Micros,
    /// Spent in the current period.
    pub spend: Micros,
}

/// A guardrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardrail {
    /// Its id.
    pub id: GuardrailId,
    /// Whether it is in force.
    pub enabled: bool,
}

/// An SLA contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Its id.
    pub id: SlaId,
    /// Whether it is in force.
    pub enabled: bool,
    /// Its target and measurement; absent without traffic.
    pub measured: Option<SlaMetric>,
}

/// What the gateway itself says of the condition an event claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "observed", rename_all = "snake_case")]
pub enum Condition {
    /// The gateway shows it, too.
    Confirmed(String),
    /// The gateway shows otherwise.
    Refuted(String),
    /// The gateway could not be asked: never a reason to act without a person.
    Unreadable(String),
}

impl Inventory {
    /// The provider with this id.
    pub fn provider(&self, id: &ProviderId) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == *id)
    }

    /// The model group with this id.
    pub fn model_group(&self, id: &ModelGroupId) -> Option<&ModelGroup> {
        self.model_groups.iter().find(|group| group.id == *id)
    }

    /// The team with this id.
    pub fn team(&self, id: &TeamId) -> Option<&Team> {
        self.teams.iter().find(|team| team.id == *id)
    }

    /// The budget of this owner.
    pub fn budget(&self, owner: &BudgetOwner) -> Option<&Budget> {
        self.budgets.iter().find(|budget| budget.owner == *owner)
    }

    /// The guardrail with this id.
    pub fn guardrail(&self, id: &GuardrailId) -> Option<&Guardrail> {
        self.guardrails.iter().find(|guardrail| guardrail.id == *id)
    }

    /// The contract with this id.
    pub fn contract(&self, id: &SlaId) -> Option<&Contract> {
        self.contracts.iter().find(|contract| contract.id == *id)
    }

    /// The groups that send traffic to a provider.
    pub fn groups_of<'a>(&'a self, provider: &'a ProviderId) -> impl Iterator<Item = &'a ModelGroup> {
        self.model_groups.iter().filter(move |group| {
            group
                .routes
                .iter()
                .any(|route| route.provider == *provider && route.weight > 0)
        })
    }

    /// The routes of a group that get traffic now: positive weight, provider known and not blocked.
    pub fn live_routes<'a>(&'a self, group: &'a ModelGroup) -> impl Iterator<Item = &'a Route> {
        group.routes.iter().filter(|route| {
            route.weight > 0
                && self
                    .provider(&route.provider)
                    .is_some_and(|provider| !provider.blocked)
        })
    }

    /// A target's value now; `None` where the gateway has no such thing.
    pub fn setting(&self, target: &Target) -> Option<Setting> {
        match target {
            Target::Provider(id) => self
                .provider(id)
                .map(|provider| Setting::Blocked(provider.blocked)),
            Target::ModelGroup(id) => self
                .model_group(id)
                .map(|group| Setting::Routes(group.routes.clone())),
            Target::Team(id) => self.team(id).map(|team| Setting::RateLimit {
                rpm: team.rpm,
                tpm: team.tpm,
            }),
            Target::Guardrail(id) => self
                .guardrail(id)
                .map(|guardrail| Setting::Enabled(guardrail.enabled)),
            Target::Budget(owner) => self.budget(owner).map(|budget| Setting::HardCap(budget.hard_cap)),
            Target::Contract(id) => self
                .contract(id)
                .map(|contract| Setting::Enabled(contract.enabled)),
        }
    }

    /// Whether the gateway shows what the event claims.
    pub fn condition(&self, event: &Event) -> Condition {
        let unknown = |what: &str, id: &dyn std::fmt::Display| {
            Condition::Refuted(format!("the gateway knows no {what} {id}"))
        };
        let judge = |holds: bool, observed: String| {
            if holds {
                Condition::Confirmed(observed)
            } else {
                Condition::Refuted(observed)
            }
        };
        match &event.trouble {
            Trouble::ProviderUnhealthy { provider: id, .. } => match self.provider(id) {
                None => unknown("provider", id),
                Some(provider) => judge(
                    provider.is_unhealthy(),
                    format!(
                        "{id} fails {} of {} requests in {} s",
                        provider.error_rate, provider.requests, provider.window_s
                    ),
                ),
            },
            Trouble::LatencySpike { provider: id, .. } => match self.provider(id) {
                None => unknown("provider", id),
                Some(provider) => judge(
                    provider.is_spiking(),
                    format!(
                        "{id} takes {} ms, {} ms is its one-hour median",
                        ms(provider.latency_p50_ms),
                        ms(provider.median_1h_ms)
                    ),
                ),
            },
            Trouble::BudgetExceeded { owner, kind, .. } => match self.budget(owner) {
                None => unknown("budget", owner),
                Some(budget) => {
                    let (crossed, cap) = match kind {
                        BudgetKind::Hard => (budget.spend >= budget.hard_cap, budget.hard_cap.to_string()),
                        BudgetKind::Soft => (
                            budget.soft_cap.is_some_and(|cap| budget.spend > cap),
                            budget.soft_cap.map_or("none".to_owned(), |cap| cap.to_string()),
                        ),
                    };
                    judge(
                        crossed,
                        format!("{owner} spent {} USD, its cap is {cap}", budget.spend),
                    )
                }
            },
            Trouble::SlaViolation { sla, .. } => match self.contract(sla) {
                None => unknown("contract", sla),
                Some(Contract { enabled: false, .. }) => {
                    Condition::Refuted(format!("contract {sla} is not in force"))
                }
                Some(Contract { measured: None, .. }) => {
                    Condition::Refuted(format!("contract {sla} has no traffic to measure"))
                }
                Some(Contract {
                    measured: Some(measured),
                    ..
                }) => {
                    let is = if measured.violated() { "misses" } else { "meets" };
                    judge(
                        measured.violated(),
                        format!("contract {sla}: {} {is} its target", measured.name()),
                    )
                }
            },
        }
    }
}

fn ms(value: Option<u64>) -> String {
    value.map_or("unknown".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests;
