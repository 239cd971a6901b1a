//! What the admin API sends and takes: JSON without floats, money in micro-dollars, rates in parts per
//! million, times in ms.
//!
//! Every field is required, a nullable one too, and must be within its range: a provider whose latency was
//! left out must not look like one that has no traffic. Fields beyond these are ignored, so that the
//! gateway may learn to tell more. Counts and times are 32 bits wide here, so that no sum of them overflows
//! in the domain's 64.

mod contract;

use std::collections::{BTreeMap, BTreeSet};

use domain::inventory::{Budget, Guardrail, Inventory, ModelGroup, Provider, Route, Setting, Target, Team};
use domain::trail::encode_name;
use domain::value::{
    BudgetOwner, GuardrailId, Micros, ModelGroupId, OrgId, Ppm, ProviderId, TeamId, Timestamp,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use outbound::brief;

/// The path of everything at one instant.
pub const INVENTORY: &str = "/admin/v1/inventory";

/// The highest weight of a route.
const MAX_WEIGHT: u32 = 1000;

/// The highest rate limit.
const MAX_LIMIT: u64 = 1_000_000_000;

/// What a reply says does not make sense: which field, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadReply {
    /// The field's path, such as `providers[1].error_rate_ppm`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl BadReply {
    fn new(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self {
            field: field.into(),
            problem: problem.to_string(),
        }
    }
}

/// The reply to `GET /admin/v1/inventory`.
#[derive(Debug, Deserialize)]
struct InventoryBody {
    read_at: Timestamp,
    providers: Vec<ProviderBody>,
    model_groups: Vec<ModelGroupBody>,
    teams: Vec<TeamBody>,
    budgets: Vec<BudgetBody>,
    guardrails: Vec<GuardrailBody>,
    sla_contracts: Vec<contract::Body>,
}

#[derive(Debug, Deserialize)]
struct ProviderBody {
    id: ProviderId,
    blocked: bool,
    requests: u32,
    error_rate_ppm: u32,
    window_s: u32,
    #[serde(deserialize_with = "Option::deserialize")]
    latency_p50_ms: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    median_1h_ms: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct ModelGroupBody {
    id: ModelGroupId,
    routes: Vec<RouteBody>,
}

#[derive(Debug, Deserialize)]
struct TeamBody {
    id: TeamId,
    /// Not every gateway has organisations.
    #[serde(default)]
    org_id: Option<OrgId>,
    rpm: u64,
    tpm: u64,
    requests_5m: u32,
    /// Not every gateway counts them.
    #[serde(default)]
    rate_limited_5m: Option<u32>,
    tier: Tier,
    model_groups: Vec<ModelGroupId>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tier {
    Standard,
    Critical,
}

#[derive(Debug, Deserialize)]
struct BudgetBody {
    scope: String,
    id: String,
    #[serde(deserialize_with = "Option::deserialize")]
    soft_cap_micros: Option<u64>,
    hard_cap_micros: u64,
    spend_micros: u64,
}

#[derive(Debug, Deserialize)]
struct GuardrailBody {
    id: GuardrailId,
    enabled: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct BreakerBody {
    blocked: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct RoutesBody {
    routes: Vec<RouteBody>,
}

#[derive(Debug, Deserialize, Serialize)]
struct RouteBody {
    provider: ProviderId,
    weight: u32,
}

#[derive(Debug, Deserialize, Serialize)]
struct LimitsBody {
    rpm: u64,
    tpm: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct EnabledBody {
    enabled: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct HardCapBody {
    hard_cap_micros: u64,
}

/// The inventory in the reply to `GET /admin/v1/inventory`.
pub fn inventory(reply: &[u8]) -> Result<Inventory, BadReply> {
    let body: InventoryBody = parse(reply)?;
    Ok(Inventory {
        read_at: body.read_at,
        providers: each("providers", body.providers, provider, |one| one.id.to_string())?,
        model_groups: each("model_groups", body.model_groups, model_group, |one| {
            one.id.to_string()
        })?,
        teams: each("teams", body.teams, team, |one| one.id.to_string())?,
        budgets: each("budgets", body.budgets, budget, |one| one.owner.to_string())?,
        guardrails: each("guardrails", body.guardrails, guardrail, |one| one.id.to_string())?,
        contracts: each("sla_contracts", body.sla_contracts, contract::read, |one| {
            one.id.to_string()
        })?,
    })
}

/// The path of a target's setting. `None` for a thing whose name is `.` or `..`: any HTTP client takes such
/// a segment, encoded or not, for a step to another path
/// (<https://url.spec.whatwg.org/#path-state>).
pub fn path(target: &Target) -> Option<String> {
    let segment = |name: &str| (name != "." && name != "..").then(|| encode_name(name));
    Some(match target {
        Target::Provider(id) => format!("/admin/v1/providers/{}/breaker", segment(id.as_str())?),
        Target::ModelGroup(id) => format!("/admin/v1/model-groups/{}/routes", segment(id.as_str())?),
        Target::Team(id) => format!("/admin/v1/teams/{}/limits", segment(id.as_str())?),
        Target::Guardrail(id) => format!("/admin/v1/guardrails/{}", segment(id.as_str())?),
        Target::Budget(owner) => {
            let (scope, id) = (owner.scope(), segment(owner.id())?);
            format!("/admin/v1/budgets/{scope}/{id}/hard-cap")
        }
        Target::Contract(id) => format!("/admin/v1/sla-contracts/{}", segment(id.as_str())?),
    })
}

/// The value of a target's setting in a reply to `GET` or `PUT` at [`path`].
pub fn setting(target: &Target, reply: &[u8]) -> Result<Setting, BadReply> {
    Ok(match target {
        Target::Provider(_) => Setting::Blocked(parse::<BreakerBody>(reply)?.blocked),
        Target::ModelGroup(_) => Setting::Routes(routes("routes", parse::<RoutesBody>(reply)?.routes)?),
        Target::Team(_) => {
            let LimitsBody { rpm, tpm } = parse(reply)?;
            Setting::RateLimit {
                rpm: limit("rpm", rpm)?,
                tpm: limit("tpm", tpm)?,
            }
        }
        Target::Guardrail(_) | Target::Contract(_) => Setting::Enabled(parse::<EnabledBody>(reply)?.enabled),
        Target::Budget(_) => {
            let HardCapBody { hard_cap_micros } = parse(reply)?;
            Setting::HardCap(money("hard_cap_micros", hard_cap_micros)?)
        }
    })
}

/// The body that sets a target to a value; `None` where the target has no such setting.
pub fn body(target: &Target, value: &Setting) -> Option<Vec<u8>> {
    match (target, value) {
        (Target::Provider(_), Setting::Blocked(blocked)) => json(&BreakerBody { blocked: *blocked }),
        (Target::ModelGroup(_), Setting::Routes(routes)) => {
            let routes = routes.iter().map(|route| RouteBody {
                provider: route.provider.clone(),
                weight: route.weight,
            });
            json(&RoutesBody {
                routes: routes.collect(),
            })
        }
        (Target::Team(_), Setting::RateLimit { rpm, tpm }) => json(&LimitsBody { rpm: *rpm, tpm: *tpm }),
        (Target::Guardrail(_) | Target::Contract(_), Setting::Enabled(enabled)) => {
            json(&EnabledBody { enabled: *enabled })
        }
        (Target::Budget(_), Setting::HardCap(cap)) => json(&HardCapBody {
            hard_cap_micros: cap.0,
        }),
        _ => None,
    }
}

fn json(body: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(body).ok()
}

fn parse<T: DeserializeOwned>(reply: &[u8]) -> Result<T, BadReply> {
    let mut json = serde_json::Deserializer::from_slice(reply);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|err| {
        let field = err.path().to_string();
        // The text may quote what was sent.
        BadReply::new(brief(&field), brief(&err.into_inner().to_string()))
    })?;
    json.end()
        .map_err(|_| BadReply::new("the reply", "goes on after its JSON"))?;
    Ok(value)
}

/// Converts a list's elements. Two with one name are refused: which of them counts would be a guess.
fn each<W, D>(
    list: &str,
    elements: Vec<W>,
    convert: impl Fn(&str, W) -> Result<D, BadReply>,
    name: impl Fn(&D) -> String,
) -> Result<Vec<D>, BadReply> {
    let mut names = BTreeSet::new();
    let convert_one = |(at, element)| {
        let field = format!("{list}[{at}]");
        let one = convert(&field, element)?;
        if names.insert(name(&one)) {
            Ok(one)
        } else {
            Err(BadReply::new(field, "is there twice"))
        }
    };
    elements.into_iter().enumerate().map(convert_one).collect()
}

fn provider(field: &str, body: ProviderBody) -> Result<Provider, BadReply> {
    Ok(Provider {
        id: body.id,
        blocked: body.blocked,
        requests: body.requests.into(),
        error_rate: ppm(&format!("{field}.error_rate_ppm"), body.error_rate_ppm)?,
        window_s: body.window_s.into(),
        latency_p50_ms: body.latency_p50_ms.map(u64::from),
        median_1h_ms: body.median_1h_ms.map(u64::from),
    })
}

fn model_group(field: &str, body: ModelGroupBody) -> Result<ModelGroup, BadReply> {
    Ok(ModelGroup {
        id: body.id,
        routes: routes(&format!("{field}.routes"), body.routes)?,
    })
}

fn team(field: &str, body: TeamBody) -> Result<Team, BadReply> {
    Ok(Team {
        id: body.id,
        org: body.org_id,
        rpm: limit(&format!("{field}.rpm"), body.rpm)?,
        tpm: limit(&format!("{field}.tpm"), body.tpm)?,
        requests_5m: body.requests_5m.into(),
        rate_limited_5m: body.rate_limited_5m.map(u64::from),
        critical: matches!(body.tier, Tier::Critical),
        model_groups: body.model_groups,
    })
}

fn budget(field: &str, body: BudgetBody) -> Result<Budget, BadReply> {
    let owner = BudgetOwner::parse(&body.scope, &body.id).map_err(|err| BadReply::new(field, err))?;
    let soft_cap = body
        .soft_cap_micros
        .map(|cap| money(&format!("{field}.soft_cap_micros"), cap));
    Ok(Budget {
        owner,
        soft_cap: soft_cap.transpose()?,
        hard_cap: money(&format!("{field}.hard_cap_micros"), body.hard_cap_micros)?,
        spend: money(&format!("{field}.spend_micros"), body.spend_micros)?,
    })
}

fn guardrail(_field: &str, body: GuardrailBody) -> Result<Guardrail, BadReply> {
    Ok(Guardrail {
        id: body.id,
        enabled: body.enabled,
    })
}

/// Routes sorted by provider, whatever order the gateway keeps them in: so two readings compare. A provider may have
/// several deployments in a group: their weights add up to one.
fn routes(field: &str, bodies: Vec<RouteBody>) -> Result<Vec<Route>, BadReply> {
    let mut weights: BTreeMap<ProviderId, u32> = BTreeMap::new();
    for (at, body) in bodies.into_iter().enumerate() {
        if body.weight > MAX_WEIGHT {
            let problem = format!("{} is more than {MAX_WEIGHT}", body.weight);
            return Err(BadReply::new(format!("{field}[{at}].weight"), problem));
        }
        let weight = weights.entry(body.provider).or_default();
        *weight = weight.saturating_add(body.weight);
    }
    // Weights are shares: where they add up to more than one may be, all of the group become smaller alike.
    let most = weights
        .values()
        .copied()
        .max()
        .unwrap_or_default()
        .max(MAX_WEIGHT);
    let scaled = |weight: u32| {
        let scaled = u64::from(weight) * u64::from(MAX_WEIGHT) / u64::from(most);
        u32::try_from(scaled).unwrap_or(MAX_WEIGHT).max(weight.min(1))
    };
    let routes = weights.into_iter().map(|(provider, weight)| Route {
        provider,
        weight: scaled(weight),
    });
    Ok(routes.collect())
}

fn ppm(field: &str, value: u32) -> Result<Ppm, BadReply> {
    let whole = Ppm::ONE;
    if value <= whole.0 {
        Ok(Ppm(value))
    } else {
        Err(BadReply::new(
            field,
            format_args!("{value} is more than {}", whole.0),
        ))
    }
}

fn limit(field: &str, value: u64) -> Result<u64, BadReply> {
    if value <= MAX_LIMIT {
        Ok(value)
    } else {
        Err(BadReply::new(
            field,
            format_args!("{value} is more than {MAX_LIMIT}"),
        ))
    }
}

/// An amount that a record can hold: records are read back from the amount's text.
fn money(field: &str, micros: u64) -> Result<Micros, BadReply> {
    let text = Micros(micros).to_string();
    text.parse()
        .map_err(|err| BadReply::new(field, format_args!("{text} {err}")))
}

#[cfg(test)]
mod tests;
