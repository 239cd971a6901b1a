//! The callback from the outside: requests as a function URL delivers them, answers as Slack gets them.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod clicks;
mod config;
mod door;
mod hostile;
mod replies;
mod signature;
