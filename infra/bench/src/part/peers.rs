//! What the functions are compared with: the bare runtime, and the same in Python.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::agent::Agent;

/// A program beside ours.
pub(crate) struct Peer {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The program with its arguments.
    pub(crate) command: Vec<String>,
    /// Its event.
    pub(crate) event: Value,
    /// Whether it is what nobody can be faster than.
    pub(crate) is_floor: bool,
}

/// Those whose programs there are: the bare runtime beside this program, and Python's with an interpreter.
pub(crate) fn all(hello: &str, python: Option<&str>, scripts: &str) -> Vec<Peer> {
    let mut peers = vec![Peer {
        name: "hello (lambda_runtime)",
        command: vec![hello.to_owned()],
        event: json!({}),
        is_floor: true,
    }];
    if let Some(python) = python {
        let script = |name: &'static str, file: &str| Peer {
            name,
            command: vec![python.to_owned(), format!("{scripts}/{file}")],
            event: json!({}),
            is_floor: false,
        };
        peers.push(script("hello (Python)", "hello.py"));
        peers.push(script("boto3 (Python)", "one_call.py"));
        peers.push(script("slack_bolt (Python)", "bolt.py"));
    }
    peers
}

/// A peer's environment: that of the function that does most of the same.
pub(crate) fn environment(agent: &Agent, peer: &Peer) -> Result<BTreeMap<String, String>> {
    let mut environment = agent.environment("outbox")?;
    environment.insert("AWS_ACCESS_KEY_ID".to_owned(), peer.name.to_owned());
    Ok(environment)
}
