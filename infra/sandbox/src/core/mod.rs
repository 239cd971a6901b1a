//! The gateway without its wires: what it is configured to do, the requests that ran through it, and
//! the conditions those amount to. Pure: time is an argument, randomness comes from a seed.

pub(crate) mod condition;
pub(crate) mod detect;
pub(crate) mod error;
pub(crate) mod events;
pub(crate) mod faults;
pub(crate) mod inventory;
pub(crate) mod pagerduty;
pub(crate) mod resources;
mod rng;
pub(crate) mod slack;
pub(crate) mod state;
pub(crate) mod stats;
pub(crate) mod time;
pub(crate) mod traffic;
pub(crate) mod world;
pub(crate) mod world_file;
