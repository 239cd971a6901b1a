//! The admin API's JSON: integers only; money in micro-dollars, rates in parts per million, times in ms.

use domain::ids::{GuardrailId, ModelGroupId, ProviderId, SlaId, TeamId};
use domain::stream::encode_name;
use domain::target::{Route, Setting, Target};
use domain::time::Timestamp;
use domain::units::{Micros, Ppm};
use serde::{Deserialize, Serialize};

/// `GET /admin/v1/inventory`
#[derive(Debug, Clone, Deserialize)]
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
    pub sla_contracts: Vec<Contract>,
}

/// A provider.
#[derive(Debug, Clone, Deserialize)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Whether its breaker is open.
    pub blocked: bool,
    /// Requests in the window.
    pub requests: u64,
    /// Failed share of them.
    pub error_rate_ppm: Ppm,
    /// The window, seconds.
    pub window_s: u64,
    /// Median latency in the window.
    pub latency_p50_ms: Option<u64>,
    /// Median latency of the last hour.
    pub median_1h_ms: Option<u64>,
}

/// A model group.
#[derive(Debug, Clone, Deserialize)]
pub struct ModelGroup {
    /// Its id.
    pub id: ModelGroupId,
    /// Its deployments.
    pub routes: Vec<Route>,
}

/// A team.
#[derive(Debug, Clone, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Requests a minute.
    pub rpm: u64,
    /// Tokens a minute.
    pub tpm: u64,
    /// Requests in the last 5 minutes.
    pub requests_5m: u64,
    /// `standard` or `critical`.
    pub tier: TeamTier,
    /// The model groups it uses.
    pub model_groups: Vec<ModelGroupId>,
}

/// How much a team matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamTier {
    /// Like others.
    Standard,
    /// More than others.
    Critical,
}

/// A budget.
#[derive(Debug, Clone, Deserialize)]
pub struct Budget {
    /// `team` or `org`.
    pub scope: String,
    /// Whose.
    pub id: String,
    /// Where the gateway warns.
    pub soft_cap_micros: Option<u64>,
    /// Where the gateway refuses.
    pub hard_cap_micros: u64,
    /// Spent in the current period.
    pub spend_micros: u64,
}

/// A guardrail.
#[derive(Debug, Clone, Deserialize)]
pub struct Guardrail {
    /// Its id.
    pub id: GuardrailId,
    /// Whether it is in force.
    pub enabled: bool,
}

/// An SLA contract.
#[derive(Debug, Clone, Deserialize)]
pub struct Contract {
    /// Its id.
    pub id: SlaId,
    /// Whether it is in force.
    pub enabled: bool,
    /// `p95`, `p99` or `success_rate`.
    pub metric: Metric,
    /// Promised: ms, or parts per million.
    pub target: u64,
    /// Measured; absent without traffic.
    pub actual: Option<u64>,
}

/// What a contract measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// 95th percentile of latency, ms.
    P95,
    /// 99th percentile of latency, ms.
    P99,
    /// Share of requests that succeed, parts per million.
    SuccessRate,
}

/// The value of one target, as its resource has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A provider's breaker.
    Breaker {
        /// Whether it is open.
        blocked: bool,
    },
    /// A model group's routes.
    Routes {
        /// The deployments.
        routes: Vec<Route>,
    },
    /// A team's limits.
    Limits {
        /// Requests a minute.
        rpm: u64,
        /// Tokens a minute.
        tpm: u64,
    },
    /// A guardrail's or contract's switch.
    Switch {
        /// Whether it is in force.
        enabled: bool,
    },
    /// A budget's hard cap.
    HardCap {
        /// In micro-dollars.
        hard_cap_micros: u64,
    },
}

impl From<&Setting> for Value {
    fn from(setting: &Setting) -> Self {
        match setting {
            Setting::Blocked(blocked) => Value::Breaker { blocked: *blocked },
            Setting::Routes(routes) => Value::Routes {
                routes: routes.clone(),
            },
            Setting::RateLimit { rpm, tpm } => Value::Limits { rpm: *rpm, tpm: *tpm },
            Setting::Enabled(enabled) => Value::Switch { enabled: *enabled },
            Setting::HardCap(cap) => Value::HardCap {
                hard_cap_micros: cap.0,
            },
        }
    }
}

impl From<Value> for Setting {
    fn from(value: Value) -> Self {
        match value {
            Value::Breaker { blocked } => Setting::Blocked(blocked),
            Value::Routes { mut routes } => {
                routes.sort();
                Setting::Routes(routes)
            }
            Value::Limits { rpm, tpm } => Setting::RateLimit { rpm, tpm },
            Value::Switch { enabled } => Setting::Enabled(enabled),
            Value::HardCap { hard_cap_micros } => Setting::HardCap(Micros(hard_cap_micros)),
        }
    }
}

/// The path of a target's resource, without a leading slash.
pub fn path(target: &Target) -> String {
    match target {
        Target::Provider(id) => format!("admin/v1/providers/{}/breaker", encode_name(id.as_str())),
        Target::ModelGroup(id) => format!("admin/v1/model-groups/{}/routes", encode_name(id.as_str())),
        Target::Team(id) => format!("admin/v1/teams/{}/limits", encode_name(id.as_str())),
        Target::Guardrail(id) => format!("admin/v1/guardrails/{}", encode_name(id.as_str())),
        Target::Budget(owner) => format!(
            "admin/v1/budgets/{}/{}/hard-cap",
            owner.scope(),
            encode_name(owner.id())
        ),
        Target::Contract(id) => format!("admin/v1/sla-contracts/{}", encode_name(id.as_str())),
    }
}
