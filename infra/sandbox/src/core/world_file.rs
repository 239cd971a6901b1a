//! The world a gateway starts as: a JSON file. The one compiled in is `infra/sandbox/world.json`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a gateway starts as: everything that can be configured, and how its traffic is shaped.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    /// The one organisation whose gateway this is.
    pub org_id: String,
    /// Model providers.
    pub providers: Vec<ProviderFile>,
    /// Names that callers ask for, each routed to providers.
    pub model_groups: Vec<ModelGroupFile>,
    /// Callers.
    pub teams: Vec<TeamFile>,
    /// Spending caps; the spend is that of the current period.
    pub budgets: Vec<BudgetFile>,
    /// Content checks.
    pub guardrails: Vec<GuardrailFile>,
    /// What was promised to customers.
    pub sla_contracts: Vec<SlaFile>,
}

/// A provider and how it behaves when nothing is wrong.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    /// Its id.
    pub id: String,
    /// Median latency in ms; requests spread 40 % around it.
    pub latency_ms: u32,
    /// Share of requests that fail, in parts per million.
    pub error_rate_ppm: u32,
    /// Price of a thousand tokens, in micro-dollars.
    pub cost_micros_per_1k_tokens: u64,
}

/// A model group and its share of the traffic.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelGroupFile {
    /// Its id, the `model` of a request.
    pub id: String,
    /// Weight of this group in the synthetic traffic.
    pub demand: u64,
    /// Where its requests go.
    pub routes: Vec<Route>,
}

/// One provider of a model group and its weight, 0 to 1000.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The provider's id.
    pub provider: String,
    /// Share of the group's requests, relative to its other unblocked providers.
    pub weight: u32,
}

/// A team, its rate limits and its share of the traffic.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TeamFile {
    /// Its id, the header `x-team` of a request.
    pub id: String,
    /// Weight of this team among those that may call a group.
    pub demand: u64,
    /// Requests a minute.
    pub rpm: u64,
    /// Tokens a minute.
    pub tpm: u64,
    /// How much an outage of this team hurts.
    pub tier: Tier,
    /// The model groups it may call.
    pub model_groups: Vec<String>,
}

/// How much an outage of a team hurts.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// As usual.
    Standard,
    /// Customers notice at once.
    Critical,
}

/// A budget's caps and spend.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetFile {
    /// Whose budget.
    pub scope: Scope,
    /// The team's or the organisation's id.
    pub id: String,
    /// Above it, somebody should know; micro-dollars.
    pub soft_cap_micros: u64,
    /// From it on, requests are refused; micro-dollars.
    pub hard_cap_micros: u64,
    /// Spent so far in this period; micro-dollars.
    pub spend_micros: u64,
    /// When the spend starts again at nothing (UTC).
    pub period: Period,
}

/// Whose budget.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One team's.
    Team,
    /// The whole organisation's.
    Org,
}

impl Scope {
    /// As in a path or an event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Team => "team",
            Scope::Org => "org",
        }
    }
}

/// A budget's period.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight UTC.
    Daily,
    /// From Monday, midnight UTC.
    Weekly,
    /// From the first of the month, midnight UTC.
    Monthly,
}

/// A content check.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GuardrailFile {
    /// Its id.
    pub id: String,
    /// Whether it is on.
    pub enabled: bool,
}

/// A promise about latency or success.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SlaFile {
    /// Its id.
    pub id: String,
    /// Whether it is watched.
    pub enabled: bool,
    /// What is measured.
    pub metric: Metric,
    /// ms for a latency, parts per million for the success rate.
    pub target: u64,
    /// Only this provider's requests, or all.
    pub provider: Option<String>,
    /// Only this group's requests, or all.
    pub model_group: Option<String>,
}

/// What an SLA contract measures over the window.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// 95th percentile of the latency; violated above the target.
    P95,
    /// 99th percentile of the latency; violated above the target.
    P99,
    /// Share of requests that succeeded; violated below the target.
    SuccessRate,
}

/// Why a world cannot be.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// It is not the JSON it should be.
    #[error("the world file is malformed")]
    Malformed(#[from] serde_json::Error),
    /// It contradicts itself.
    #[error("the world file contradicts itself: {0}")]
    Contradiction(String),
}

impl WorldFile {
    /// The default world, `infra/sandbox/world.json`.
    ///
    /// # Errors
    /// None in a build whose tests passed: they parse it.
    pub fn built_in() -> Result<WorldFile, WorldError> {
        WorldFile::parse(include_str!("../../world.json"))
    }

    /// Reads and checks a world.
    ///
    /// # Errors
    /// Where it is malformed or contradicts itself.
    pub fn parse(json: &str) -> Result<WorldFile, WorldError> {
        let world: WorldFile = serde_json::from_str(json)?;
        world.check().map_err(WorldError::Contradiction)?;
        Ok(world)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        let providers = distinct("provider", self.providers.iter().map(|p| p.id.as_str()))?;
        let groups = distinct("model group", self.model_groups.iter().map(|g| g.id.as_str()))?;
        let teams = distinct("team", self.teams.iter().map(|t| t.id.as_str()))?;
        distinct("guardrail", self.guardrails.iter().map(|g| g.id.as_str()))?;
        distinct("SLA contract", self.sla_contracts.iter().map(|s| s.id.as_str()))?;
        let budgets: Vec<_> = self
            .budgets
            .iter()
            .map(|b| format!("{}/{}", b.scope.as_str(), b.id))
            .collect();
        distinct("budget", budgets.iter().map(String::as_str))?;

        for group in &self.model_groups {
            check_routes(&group.routes, |id| providers.contains(id))
                .map_err(|why| format!("model group {:?}: {why}", group.id))?;
        }
        for (team, group) in self
            .teams
            .iter()
            .flat_map(|t| t.model_groups.iter().map(move |g| (t, g)))
        {
            known("model group", group, &groups, &format!("team {:?}", team.id))?;
        }
        for budget in &self.budgets {
            let exists = match budget.scope {
                Scope::Team => teams.contains(budget.id.as_str()),
                Scope::Org => budget.id == self.org_id,
            };
            if !exists {
                return Err(format!(
                    "there is a budget for the unknown {} {:?}",
                    budget.scope.as_str(),
                    budget.id
                ));
            }
        }
        for sla in &self.sla_contracts {
            let place = format!("SLA contract {:?}", sla.id);
            if let Some(provider) = &sla.provider {
                known("provider", provider, &providers, &place)?;
            }
            if let Some(group) = &sla.model_group {
                known("model group", group, &groups, &place)?;
            }
        }
        Ok(())
    }
}

/// The rules for a model group's routes, for the file and for the admin API.
pub(crate) fn check_routes(routes: &[Route], exists: impl Fn(&str) -> bool) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for route in routes {
        if !exists(&route.provider) {
            return Err(format!("there is no provider {:?}", route.provider));
        }
        if route.weight > 1000 {
            return Err(format!(
                "the weight {} of {:?} is above 1000",
                route.weight, route.provider
            ));
        }
        if !seen.insert(&route.provider) {
            return Err(format!("the provider {:?} is listed twice", route.provider));
        }
    }
    if routes.iter().all(|route| route.weight == 0) {
        return Err("at least one route needs a positive weight".to_owned());
    }
    Ok(())
}

fn distinct<'a>(what: &str, ids: impl Iterator<Item = &'a str>) -> Result<BTreeSet<&'a str>, String> {
    let mut seen = BTreeSet::new();
    for id in ids {
        if id.is_empty() || !seen.insert(id) {
            return Err(format!("the {what} id {id:?} is empty or used twice"));
        }
    }
    Ok(seen)
}

fn known(what: &str, id: &str, ids: &BTreeSet<&str>, place: &str) -> Result<(), String> {
    if ids.contains(id) {
        Ok(())
    } else {
        Err(format!("{place} names the unknown {what} {id:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::WorldFile;

    #[test]
    fn in_the_built_in_world_every_group_survives_the_loss_of_openai() {
        let world = WorldFile::built_in().unwrap();
        for group in &world.model_groups {
            assert!(
                group
                    .routes
                    .iter()
                    .any(|r| r.provider != "openai" && r.weight > 0),
                "{}",
                group.id
            );
        }
        // And one group has a single provider, whose break an agent has to refuse.
        assert!(world.model_groups.iter().any(|group| group.routes.len() == 1));
    }

    #[test]
    fn a_world_that_contradicts_itself_is_refused() {
        let mut world = WorldFile::built_in().unwrap();
        world.model_groups[0].routes[0].provider = "nobody".to_owned();
        let why = WorldFile::parse(&serde_json::to_string(&world).unwrap())
            .unwrap_err()
            .to_string();
        assert_eq!(
            why,
            "the world file contradicts itself: model group \"chat\": there is no provider \"nobody\""
        );
    }
}
