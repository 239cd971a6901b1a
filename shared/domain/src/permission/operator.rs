//! Operators: the people who may decide, from the company's own directory.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::distinct;
use crate::trail::Actor;
use crate::value::{Digest, OperatorId, visible};

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

    fn has_too_many_groups(&self) -> bool {
        let long = |group: &String| group.len() > MAX_GROUP_BYTES;
        self.groups.len() > MOST_GROUPS || self.groups.iter().any(long)
    }
}

/// The name and the id, as a person reads them: whatever cannot be seen is written out.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", visible(&self.name), visible(self.id.as_str()))
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
    /// Reads `{"operators": […]}`, or says which entry is wrong, or which two are one person with two votes.
    pub fn parse(json: &str) -> Result<Self, String> {
        let Entries { operators } = serde_json::from_str(json)
            .map_err(|err| format!("the operator directory cannot be read: {err}"))?;
        distinct::check(&operators)?;
        if let Some(operator) = operators.iter().find(|operator| operator.has_too_many_groups()) {
            return Err(format!(
                "the operator directory gives {} more than {MOST_GROUPS} groups, or one with more than \
                 {MAX_GROUP_BYTES} bytes",
                operator.id
            ));
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
        assert!(Directory::parse("{}").is_err());
    }
}
