//! Everything that the agent says to Slack, within Slack's limits: samples of each message and form, arbitrary ones, and
//! the manifest that makes the app.
//!
//! With `SLACK_JUDGES` set to a directory, the samples are written there, as they are sent: `cargo xtask test --only
//! slack-judges` holds them against Slack's own SDKs.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod any;
mod cards;
mod facts;
mod hostile;
mod limits;
mod manifest;
mod said;

use std::path::PathBuf;

/// Where what is judged is written, if it is.
#[expect(clippy::disallowed_methods, reason = "a test reads where to write")]
fn judges() -> Option<PathBuf> {
    std::env::var("SLACK_JUDGES").ok().map(PathBuf::from)
}
