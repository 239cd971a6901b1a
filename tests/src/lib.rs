//! What the whole-system tests share: the agent in one process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this crate is linked into tests alone, where a panic is a failed test"
)]

pub mod model;
pub mod walk;
pub mod world;

pub use self::model::ScriptedModel;
pub use self::world::World;
