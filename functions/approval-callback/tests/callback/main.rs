//! The callback from the outside: requests as a function URL delivers them, answers as Slack gets them.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod bad;
mod clicks;
mod commands;
mod config;
mod crowd;
mod deadlines;
mod door;
mod forms;
mod fuzz;
mod hostile;
mod page;
mod replies;
mod scanners;
mod signature;
