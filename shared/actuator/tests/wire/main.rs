//! The actuator on the wire: a real gateway and pager to change, and servers that answer badly.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod faults;
mod pages;
mod permits;
mod writes;
