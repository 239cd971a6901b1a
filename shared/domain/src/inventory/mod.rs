//! The gateway's own inventory, as read at one instant: what exists, how it is set, how it does.

mod believed;
mod condition;
mod target;

pub use self::believed::Believed;
pub use self::condition::Condition;
pub use self::target::{Change, Reading, Route, Setting, Target};
use crate::incident::{SPIKE_FACTOR, SlaMetric, UNHEALTHY_ABOVE, UNHEALTHY_REQUESTS};
use crate::value::{
    BudgetOwner, GuardrailId, Micros, ModelGroupId, OrgId, Ppm, ProviderId, SlaId, TeamId, Timestamp,
};

/// The longest window of a gateway's measurements that a verification waits for, seconds: as long as a queue can delay a
/// message.
pub const LONGEST_WINDOW_S: u64 = 900;

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
    /// Whether there were enough requests to tell how it does.
    pub fn is_measured(&self) -> bool {
        self.requests >= UNHEALTHY_REQUESTS
    }

    /// Whether the error rate is above the definition of unhealthy, over enough requests.
    pub fn is_unhealthy(&self) -> bool {
        self.is_measured() && self.error_rate > UNHEALTHY_ABOVE
    }

    /// Whether latency is above the definition of a spike.
    pub fn is_spiking(&self) -> bool {
        match (self.latency_p50_ms, self.median_1h_ms) {
            (Some(now), Some(median)) => now > median.saturating_mul(SPIKE_FACTOR),
            (Some(_) | None, Some(_) | None) => false,
        }
    }

    /// Whether traffic may be sent there: open, and seen to do well, neither failing nor spiking. One without traffic was
    /// not seen.
    pub fn is_healthy(&self) -> bool {
        self.is_measured() && !self.blocked && !self.is_unhealthy() && !self.is_spiking()
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
    /// The organisation that it belongs to; absent where the gateway does not tell.
    pub org: Option<OrgId>,
    /// Requests a minute.
    pub rpm: u64,
    /// Tokens a minute.
    pub tpm: u64,
    /// Requests in the last 5 minutes.
    pub requests_5m: u64,
    /// Requests that its rate limit refused in the last 5 minutes; absent where the gateway does not tell.
    pub rate_limited_5m: Option<u64>,
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
    /// The provider it is about; absent where it is about all of them.
    pub provider: Option<ProviderId>,
    /// The model group it is about; absent where it is about all of them.
    pub model_group: Option<ModelGroupId>,
    /// Its target and measurement; absent without traffic.
    pub measured: Option<SlaMetric>,
}

/// Older than this, or as far ahead, a reading says nothing of now, seconds.
const STALE_S: u64 = 300;

impl Inventory {
    /// The same where it is a reading of now; otherwise why it is none: "nothing is there" and "I could not look" have
    /// one form on some gateways, and a copy of an hour ago another instant.
    pub fn of_now(self, now: Timestamp) -> Result<Self, String> {
        if self.providers.is_empty() {
            return Err("its inventory names no provider: that is no reading".to_owned());
        }
        let apart = now.millis_since(self.read_at).max(self.read_at.millis_since(now));
        if apart > STALE_S * 1000 {
            return Err(format!(
                "its inventory is of {}, more than {STALE_S} s from now",
                self.read_at
            ));
        }
        Ok(self)
    }

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
}

#[cfg(test)]
mod tests;
