//! Whose budget an event is about: a team or an organisation, or anybody else who may spend.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::{BadId, BudgetOwner, SpenderId};

/// Whoever has a budget. Gateways give budgets to keys, users, end customers and tags as well; the agent's actions reach
/// those of teams and organisations alone, so only a [`BudgetOwner`] is ever a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Spender {
    /// A team or an organisation.
    Owner(BudgetOwner),
    /// Anybody else: no action reaches that budget, and no inventory tells of it.
    Other {
        /// What it is: `key`, `user`, `customer`, …
        scope: Scope,
        /// Its id.
        id: SpenderId,
    },
}

impl Spender {
    /// The spender from a scope and an id.
    pub fn parse(scope: &str, id: &str) -> Result<Self, BadId> {
        match scope {
            "team" | "org" => BudgetOwner::parse(scope, id).map(Spender::Owner),
            other => Ok(Spender::Other {
                scope: other.parse()?,
                id: SpenderId::new(id)?,
            }),
        }
    }

    /// The owner that an action could change the budget of; none for anybody else.
    pub fn owner(&self) -> Option<&BudgetOwner> {
        match self {
            Spender::Owner(owner) => Some(owner),
            Spender::Other { .. } => None,
        }
    }

    /// `team`, `org`, or what else it is.
    pub fn scope(&self) -> &str {
        match self {
            Spender::Owner(owner) => owner.scope(),
            Spender::Other { scope, .. } => &scope.0,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Spender::Owner(owner) => owner.id(),
            Spender::Other { id, .. } => id.as_str(),
        }
    }

    /// Why nothing can be done about its budget, as the beginning of a sentence; `None` where something can.
    pub fn out_of_reach(&self) -> Option<String> {
        match self {
            Spender::Owner(_) => None,
            Spender::Other { scope, .. } => {
                let article = match scope.0.starts_with(['a', 'e', 'i', 'o']) {
                    true => "an",
                    false => "a",
                };
                let words = scope.0.replace(['_', '-'], " ");
                Some(format!("no action of ours reaches {article} {words}'s budget"))
            }
        }
    }
}

impl fmt::Display for Spender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope(), self.id())
    }
}

/// What else than a team or an organisation has a budget: one word, 1–32 of `a`–`z`, `0`–`9`, `_` and `-`, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

impl FromStr for Scope {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        let is_word = text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inner);
        let is_ours = matches!(text, "team" | "org");
        if is_word && !is_ours && text.len() <= 32 {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId::Form(
                "a budget's scope: team, org, or another word such as key or user",
            ))
        }
    }
}

/// A spender as records and events write it.
#[derive(Serialize, Deserialize)]
struct Written {
    scope: String,
    scope_id: String,
}

impl From<Spender> for Written {
    fn from(spender: Spender) -> Self {
        Self {
            scope: spender.scope().to_owned(),
            scope_id: spender.id().to_owned(),
        }
    }
}

impl TryFrom<Written> for Spender {
    type Error = BadId;
    fn try_from(written: Written) -> Result<Self, BadId> {
        Self::parse(&written.scope, &written.scope_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_and_an_organisation_are_written_as_budget_owners_always_were() {
        for (scope, id) in [("team", "payments"), ("org", "a/b")] {
            let owner = BudgetOwner::parse(scope, id).unwrap();
            let spender = Spender::parse(scope, id).unwrap();
            let text = serde_json::to_string(&owner).unwrap();
            assert_eq!(serde_json::to_string(&spender).unwrap(), text);
            assert_eq!(serde_json::from_str::<Spender>(&text).unwrap(), spender);
            assert_eq!(spender.to_string(), owner.to_string());
            assert_eq!((spender.owner(), spender.out_of_reach()), (Some(&owner), None));
        }
    }

    #[test]
    fn anybody_else_reads_back_and_is_no_owner() {
        let key = Spender::parse("key", "88dc28d0").unwrap();
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(text, r#"{"scope":"key","scope_id":"88dc28d0"}"#);
        assert_eq!(serde_json::from_str::<Spender>(&text).unwrap(), key);
        assert_eq!(key.owner(), None);
        let out_of_reach = |scope: &str| Spender::parse(scope, "x").unwrap().out_of_reach().unwrap();
        assert_eq!(out_of_reach("key"), "no action of ours reaches a key's budget");
        assert_eq!(
            out_of_reach("end_user"),
            "no action of ours reaches an end user's budget"
        );
    }

    #[test]
    fn what_is_no_word_is_no_scope() {
        let long = "x".repeat(33);
        for scope in [
            "",
            " key",
            "Key",
            "the planet",
            "key/team",
            "7",
            "_key",
            "schlüssel",
            &long,
        ] {
            assert!(Spender::parse(scope, "x").is_err(), "{scope}");
        }
        for id in ["", " x", "a\nb"] {
            assert!(Spender::parse("key", id).is_err(), "{id:?}");
        }
        assert!("team".parse::<Scope>().is_err(), "a team is an owner");
    }
}
