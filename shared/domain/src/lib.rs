//! The pure heart of the agent: records and streams, the proposal's state machine, actions, incidents,
//! policy and the ports to the outside.
//!
//! Nothing here does I/O, reads a clock or knows an SDK: every function takes `now` and what was read.
//!
//! The room for a change:
//!
//! | to change | look in |
//! | --- | --- |
//! | what a record is, its digest, its chain | [`record`] |
//! | the streams and what each serialises | [`stream`], [`proposal`], [`incident`], [`target`], [`limit`], [`control`] |
//! | a proposal's life | [`proposal`] |
//! | an action, its bounds, preview and undo | [`action`] |
//! | an incoming event | [`event`] |
//! | the score and its factors | [`risk`], [`policy`], [`evidence`], [`history`] |
//! | the gate and who may decide | [`permission`], [`approval`], [`operator`] |
//! | what a deployment is configured with | [`deployment`], [`tier`] |
//! | what the outside must offer | [`ports`] |
#![deny(clippy::wildcard_enum_match_arm)]

pub mod action;
pub mod approval;
pub mod bus;
pub mod control;
pub mod deployment;
pub mod digest;
pub mod event;
pub mod evidence;
pub mod history;
pub mod ids;
pub mod incident;
pub mod inventory;
pub mod limit;
pub mod message;
pub mod operator;
pub mod permission;
pub mod policy;
pub mod ports;
pub mod proposal;
pub mod record;
pub mod risk;
#[cfg(test)]
pub(crate) mod samples;
pub mod spend;
pub mod stream;
pub mod target;
pub mod text;
pub mod tier;
pub mod time;
pub mod units;
