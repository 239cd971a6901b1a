//! The pure heart of the agent: records and streams, the proposal's state machine, actions, incidents,
//! policy, what people are told, and the ports to the outside.
//!
//! Nothing here does I/O, reads a clock or knows an SDK: every function takes `now` and what was read.
//!
//! Rooms, each resting only on those below it (a test reads the imports):
//!
//! ```text
//! ports
//! telling
//! risk
//! permission
//! proposal   message
//! trail
//! policy
//! action
//! inventory
//! incident
//! value
//! ```
//!
//! | to change | look in |
//! | --- | --- |
//! | an identifier, a unit, what a deployment is configured with, the licence tiers | [`value`] |
//! | an incoming event: its fields, how it is read, how it is told | [`incident`] |
//! | what the gateway has, what can be changed on it, and whether it confirms an event | [`inventory`] |
//! | an action, its bounds, preview and undo | [`action`] |
//! | weights, calendars, limits of automatic execution | [`policy`] |
//! | what a record is, its digest and chain, and every stream but a proposal's | [`trail`] |
//! | a proposal's life, its evidence and history, what happens next to it | [`proposal`] |
//! | what lies on the queues | [`message`] |
//! | who may decide, and the decision itself | [`permission`] |
//! | the score, its factors, and where it leads | [`risk`] |
//! | what a person is told | [`telling`] |
//! | what the outside must offer | [`ports`] |
#![deny(clippy::wildcard_enum_match_arm)]

pub mod action;
pub mod incident;
pub mod inventory;
pub mod message;
pub mod permission;
pub mod policy;
pub mod ports;
pub mod proposal;
pub mod risk;
#[cfg(test)]
pub(crate) mod samples;
pub mod telling;
pub mod trail;
pub mod value;
