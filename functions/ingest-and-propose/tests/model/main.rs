//! Models from the outside: what is sent to them, and what becomes of whatever comes back.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod anthropic;
#[cfg(feature = "bedrock")]
mod bedrock;
mod charges;
mod common;
mod faults;
mod keys;
mod openai;
mod waits;
