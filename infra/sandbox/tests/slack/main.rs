//! Slack in the sandbox, over HTTP: the Web API, interactions, `response_url`s and faults.

#![expect(clippy::unwrap_used, reason = "the tests' helpers are tests too")]

mod bench;
mod calling;
mod clicking;
mod forms;
mod posting;
mod reading;
mod troubles;
