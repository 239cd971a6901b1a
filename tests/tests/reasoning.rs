//! Reasoning with models: through the real handlers, with models that say what the test tells them to.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper that fails fails its test"
)]

mod fallbacks;
mod hostile;
mod money;
mod path;
