//! What tests need of the outside: fakes with behaviour, and a DynamoDB in the test's own process.
//!
//! | a test wants | here |
//! | --- | --- |
//! | a trail in memory that refuses a stale append | [`MemoryTrail`] |
//! | to count what is read of a trail | [`CountedTrail`] |
//! | the real trail adapter over a real DynamoDB | [`Dynamo`] |
//! | a reply lost after the commit | [`Proxy`] between the two |
//! | a gateway to read and to change | [`Outside`], through [`FakeGateway`] and [`FakeActuator`] |
//! | time that moves when told to | [`FrozenClock`] |
//! | queues, bus, topic, view, payloads, operators | [`MemoryQueue`], [`MemoryBus`], … |
//! | a policy that the test sets | [`FixedPolicies`] |
//! | the environment of a function, complete or not | [`environment`] |
//! | a secret that was rotated | [`FixedCredential`] |
//! | keys that sign, and who writes with which | [`keys`] |
//! | a server whose reply is cut, reset or never ends | [`blunt`] |
//! | any of them unavailable | [`Outages`], which every fake has |
//! | a handler that dies between any two steps | [`cut`] |
//! | events, an inventory, operators | [`sample`] |
//! | events that want to be obeyed | [`hostile`] |
//! | a proposal in any state | [`story`] |
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "this crate is linked into tests alone, where a panic is a failed test"
)]

mod actuator;
pub mod blunt;
mod clock;
mod counted;
mod credential;
pub mod cut;
mod dynamo;
pub mod environment;
mod gateway;
pub mod hostile;
pub mod keys;
pub mod logs;
mod memory;
mod outages;
mod policies;
mod proxy;
pub mod sample;
pub mod slack;
pub mod story;
#[cfg(test)]
mod tests;
mod trail;

pub use self::actuator::{FakeActuator, WriteFault};
pub use self::clock::FrozenClock;
pub use self::counted::CountedTrail;
pub use self::credential::FixedCredential;
pub use self::cut::{Cut, Cutter, Ran};
pub use self::dynamo::{Dynamo, TRAIL_TABLE, VIEW_TABLE, trail_table, view_table};
pub use self::gateway::{FakeGateway, Outside};
pub use self::memory::{
    FixedOperators, Hinted, MemoryBus, MemoryPayloads, MemoryQueue, MemoryTopic, MemoryView,
};
pub use self::outages::Outages;
pub use self::policies::{FixedPolicies, flat, rules};
pub use self::proxy::{Proxy, Trouble};
pub use self::trail::MemoryTrail;
