//! Tests on the local stack: the deployed template and the real binaries. `cargo xtask test` brings a stack up and
//! gives its environment to this binary; on its own: `eval "$(cargo xtask env)" && cargo test -p tests --test stack`.
//!
//! Those in `model` need a model too, which `cargo xtask test --only model` starts; they are ignored without it.
//!
//! Those in `streams`, `retries` and `expiry` need what LocalStack alone does as AWS does; `cargo xtask test` leaves them
//! out elsewhere, and by hand they fail there with that reason.
//!
//! They share one gateway, so they take turns, and each leaves the gateway as it found it.
#![expect(
    clippy::unwrap_used,
    reason = "allowed in tests, and nothing but tests is here: a panic is a failed test"
)]

mod again;
mod aws;
mod doctor;
mod emulator;
mod expiry;
mod forged;
mod functions;
mod killed;
mod malformed;
mod model;
mod path;
mod paused;
mod policy;
mod processes;
mod retries;
mod rotated;
mod sandbox;
mod slack;
mod streams;
mod threshold;
mod view;
mod world;
