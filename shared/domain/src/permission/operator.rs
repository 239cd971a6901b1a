//! Operators: the people who may decide, from the company's own directory.

use serde::{Deserialize, Serialize};

use crate::trail::Actor;
use crate::value::OperatorId;

/// One person, or one bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The company's id, so that one person in two channels has one vote.
    pub id: OperatorId,
    /// Name for people.
    pub name: String,
    /// Bots never decide.
    #[serde(default)]
    pub bot: bool,
    /// Only active operators decide.
    pub active: bool,
    /// Groups, for permission rules.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Slack identities.
    #[serde(default)]
    pub slack: Vec<SlackIdentity>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
}

impl Operator {
    /// The operator as the actor of a record.
    pub fn actor(&self, channel: &str) -> Actor {
        Actor::Operator {
            id: self.id.clone(),
            name: self.name.clone(),
            channel: channel.to_owned(),
        }
    }
}

/// A user of a Slack workspace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlackIdentity {
    /// The workspace, `T…`.
    pub team: String,
    /// The user, `U…`.
    pub user: String,
}

/// All operators. An empty directory approves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Directory {
    operators: Vec<Operator>,
}

impl Directory {
    /// Reads `{"operators": […]}`, or says which entry is wrong.
    pub fn parse(json: &str) -> Result<Self, String> {
        let directory: Directory = serde_json::from_str(json)
            .map_err(|err| format!("the operator directory cannot be read: {err}"))?;
        for (at, operator) in directory.operators.iter().enumerate() {
            let others = &directory.operators[..at];
            if others.iter().any(|other| other.id == operator.id) {
                return Err(format!("the operator directory names {} twice", operator.id));
            }
            let shared = operator
                .slack
                .iter()
                .find(|identity| others.iter().any(|other| other.slack.contains(identity)));
            if let Some(identity) = shared {
                return Err(format!(
                    "the operator directory gives Slack user {} to two operators",
                    identity.user
                ));
            }
        }
        Ok(directory)
    }

    /// The operator behind a Slack user; an unmapped one is nobody.
    pub fn by_slack(&self, team: &str, user: &str) -> Option<&Operator> {
        self.operators.iter().find(|operator| {
            operator
                .slack
                .iter()
                .any(|identity| identity.team == team && identity.user == user)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slack_user_is_one_operator() {
        let person = |id: &str| {
            format!(r#"{{"id":"{id}","name":"A","active":true,"slack":[{{"team":"T1","user":"U1"}}]}}"#)
        };
        let one = Directory::parse(&format!(r#"{{"operators":[{}]}}"#, person("a"))).unwrap();
        assert!(one.by_slack("T1", "U1").is_some());
        assert!(
            one.by_slack("T2", "U1").is_none(),
            "the same user id in another workspace is somebody else"
        );
        assert!(Directory::parse(&format!(r#"{{"operators":[{},{}]}}"#, person("a"), person("b"))).is_err());
        assert!(Directory::parse(&format!(r#"{{"operators":[{},{}]}}"#, person("a"), person("a"))).is_err());
        assert!(Directory::parse("{}").is_err());
    }
}
