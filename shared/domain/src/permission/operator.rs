//! Operators: the people who may decide, from the company's own directory.

use serde::{Deserialize, Serialize};

use crate::trail::Actor;
use crate::value::{Digest, OperatorId};

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
    /// AWS principals, by their whole ARN: `arn:aws:sts::123456789012:assumed-role/Sre/ada` of a session,
    /// `arn:aws:iam::123456789012:user/ada` of a user.
    #[serde(default)]
    pub aws: Vec<String>,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
}

/// The most groups of one operator, and the longest name of one, bytes: each decision records them.
const MOST_GROUPS: usize = 50;
const MAX_GROUP_BYTES: usize = 128;

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

/// A user of a Slack workspace, or of an Enterprise Grid organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlackIdentity {
    /// The workspace, `T…`, or the organisation, `E…`.
    pub team: String,
    /// The user, `U…` or `W…`.
    pub user: String,
}

/// All operators. An empty directory approves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    operators: Vec<Operator>,
    digest: Digest,
}

#[derive(Deserialize)]
struct Entries {
    operators: Vec<Operator>,
}

impl Default for Directory {
    fn default() -> Self {
        Self {
            operators: Vec::new(),
            digest: Digest::of(b""),
        }
    }
}

impl Directory {
    /// Reads `{"operators": […]}`, or says which entry is wrong.
    pub fn parse(json: &str) -> Result<Self, String> {
        let Entries { operators } = serde_json::from_str(json)
            .map_err(|err| format!("the operator directory cannot be read: {err}"))?;
        for (at, operator) in operators.iter().enumerate() {
            let others = &operators[..at];
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
            let shared = operator
                .aws
                .iter()
                .find(|arn| others.iter().any(|other| other.aws.contains(arn)));
            if let Some(arn) = shared {
                return Err(format!(
                    "the operator directory gives AWS principal {arn} to two operators"
                ));
            }
            let long = |group: &String| group.len() > MAX_GROUP_BYTES;
            if operator.groups.len() > MOST_GROUPS || operator.groups.iter().any(long) {
                return Err(format!(
                    "the operator directory gives {} more than {MOST_GROUPS} groups, or one with more than \
                     {MAX_GROUP_BYTES} bytes",
                    operator.id
                ));
            }
        }
        Ok(Self {
            operators,
            digest: Digest::of(json.as_bytes()),
        })
    }

    /// Everybody in it.
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// SHA-256 of its text.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The operator behind an AWS principal; an unmapped one is nobody.
    pub fn by_aws(&self, arn: &str) -> Option<&Operator> {
        let known = |operator: &&Operator| operator.aws.iter().any(|known| known == arn);
        self.operators.iter().find(known)
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
