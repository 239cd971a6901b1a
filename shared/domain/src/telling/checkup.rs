//! What a function tells of itself when it is asked whether it reaches what it needs.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::value::Timestamp;

/// The payload that a function is invoked with to be asked. Nothing that arrives from a queue, a stream or a schedule looks
/// like it.
pub fn question() -> Value {
    json!({ "check": "reach" })
}

/// A function's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    /// The version that it was built as.
    pub version: String,
    /// Its clock.
    pub at: Timestamp,
    /// What it needs, and whether it reaches that.
    pub reached: Vec<Reached>,
}

/// Something that a function needs, and whether it reaches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// What it is.
    pub what: Needed,
    /// Its name: a model's, a channel's id, a host.
    pub name: String,
    /// Why it is not reached or cannot be used; none where all is well, as far as can be told without using it.
    pub problem: Option<String>,
}

impl Reached {
    /// What was tried with `tried`.
    pub fn of<E: std::fmt::Display>(what: Needed, name: impl Into<String>, tried: Result<(), E>) -> Self {
        Self {
            what,
            name: name.into(),
            problem: tried.err().map(|problem| problem.to_string()),
        }
    }
}

/// Something that a function needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// The gateway's management API, as the function's own token reads it.
    Gateway,
    /// A model.
    Model,
    /// A channel in Slack.
    Channel,
    /// The pager's key.
    Pager,
    /// The directory of operators.
    Operators,
    /// The policy in force.
    Policy,
    /// The key of the links to pages.
    Link,
    /// Something that a later version needs.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_needs_is_read_as_something_else() {
        let read: Reached =
            serde_json::from_value(json!({ "what": "oracle", "name": "delphi", "problem": null })).unwrap();
        assert_eq!(read.what, Needed::Other);
    }
}
