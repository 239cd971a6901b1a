//! The policy as the agent's functions use it: through its public face alone.
#![expect(
    clippy::unwrap_used,
    reason = "tests, whose helpers clippy's own exception does not reach"
)]

mod defaults;
mod documents;
mod errors;
mod hostile;
mod invalid;
mod published;
mod world;
