//! Targets: the things on the gateway that an action may change, and their settings.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::value::{BadId, BudgetOwner, GuardrailId, Micros, ModelGroupId, ProviderId, SlaId, TeamId};

/// One thing on the gateway that an action may change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Target {
    /// A provider's breaker.
    Provider(ProviderId),
    /// A model group's routes.
    ModelGroup(ModelGroupId),
    /// A team's rate limits.
    Team(TeamId),
    /// A guardrail's switch.
    Guardrail(GuardrailId),
    /// A budget's hard cap.
    Budget(BudgetOwner),
    /// An SLA contract's switch.
    Contract(SlaId),
}

impl Target {
    /// The kind, as in stream names.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::Provider(_) => "provider",
            Target::ModelGroup(_) => "model_group",
            Target::Team(_) => "team",
            Target::Guardrail(_) => "guardrail",
            Target::Budget(_) => "budget",
            Target::Contract(_) => "contract",
        }
    }

    /// The id within its kind; a budget's is `team/<id>` or `org/<id>`.
    pub fn id(&self) -> String {
        match self {
            Target::Provider(id) => id.to_string(),
            Target::ModelGroup(id) => id.to_string(),
            Target::Team(id) => id.to_string(),
            Target::Guardrail(id) => id.to_string(),
            Target::Budget(owner) => owner.to_string(),
            Target::Contract(id) => id.to_string(),
        }
    }

    /// The inverse of [`Target::kind`] and [`Target::id`].
    pub fn parse(kind: &str, id: &str) -> Result<Self, BadId> {
        match kind {
            "provider" => ProviderId::new(id).map(Target::Provider),
            "model_group" => ModelGroupId::new(id).map(Target::ModelGroup),
            "team" => TeamId::new(id).map(Target::Team),
            "guardrail" => GuardrailId::new(id).map(Target::Guardrail),
            "budget" => {
                let (scope, id) = id
                    .split_once('/')
                    .ok_or(BadId::Form("a budget: team/… or org/…"))?;
                BudgetOwner::parse(scope, id).map(Target::Budget)
            }
            "contract" => SlaId::new(id).map(Target::Contract),
            _ => Err(BadId::Form("a kind of target")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind().replace('_', " "), self.id())
    }
}

/// One deployment of a model group: which provider serves it, and its share of the group's traffic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// Who serves it.
    pub provider: ProviderId,
    /// Relative share of the group's traffic, 0–1000; 0 gets none.
    pub weight: u32,
}

/// The value of a target, absolute, so that setting it twice is setting it once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Whether a provider's breaker is open (no traffic goes there).
    Blocked(bool),
    /// A model group's routes, sorted by provider.
    Routes(Vec<Route>),
    /// A team's limits.
    RateLimit {
        /// Requests a minute.
        rpm: u64,
        /// Tokens a minute.
        tpm: u64,
    },
    /// Whether a guardrail or contract is in force.
    Enabled(bool),
    /// A budget's hard cap in USD.
    HardCap(Micros),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Blocked(true) => f.write_str("blocked"),
            Setting::Blocked(false) => f.write_str("open"),
            Setting::Routes(routes) => {
                let shares: Vec<String> = routes
                    .iter()
                    .map(|route| format!("{} {}", route.provider, route.weight))
                    .collect();
                f.write_str(&shares.join(", "))
            }
            Setting::RateLimit { rpm, tpm } => write!(f, "{rpm} rpm, {tpm} tpm"),
            Setting::Enabled(true) => f.write_str("enabled"),
            Setting::Enabled(false) => f.write_str("disabled"),
            Setting::HardCap(cap) => write!(f, "{cap} USD"),
        }
    }
}

/// One absolute change of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What changes.
    pub target: Target,
    /// Its value now.
    pub before: Setting,
    /// Its value afterwards.
    pub after: Setting,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} → {}", self.target, self.before, self.after)
    }
}

/// What a target read at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// What was read.
    pub target: Target,
    /// Its value.
    pub value: Setting,
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::samples::*;

    fn one_of_each() -> [Target; 7] {
        [
            Target::Provider(id("openai")),
            Target::ModelGroup(id("chat")),
            Target::Team(id("payments")),
            Target::Guardrail(id("pii")),
            Target::Budget(BudgetOwner::Team(id("payments"))),
            Target::Budget(BudgetOwner::Org(id("a/b"))),
            Target::Contract(id("gold")),
        ]
    }

    #[test]
    fn a_target_reads_back_from_its_kind_and_id() {
        for target in one_of_each() {
            assert_eq!(Target::parse(target.kind(), &target.id()), Ok(target.clone()));
            let text = serde_json::to_string(&target).unwrap();
            assert_eq!(serde_json::from_str::<Target>(&text).unwrap(), target);
        }
        for (kind, id) in [
            ("planet", "mars"),
            ("provider", ""),
            ("budget", "payments"),
            ("budget", "planet/mars"),
            ("budget", "team/"),
        ] {
            assert!(Target::parse(kind, id).is_err(), "{kind} {id}");
        }
    }

    #[test]
    fn a_change_is_said_in_words() {
        let change = Change {
            target: Target::ModelGroup(id("chat")),
            before: Setting::Blocked(true),
            after: Setting::HardCap(Micros(1)),
        };
        expect!["model group chat: blocked → 0.000001 USD"].assert_eq(&change.to_string());
    }
}
