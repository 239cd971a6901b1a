//! The admin API on the wire: a real gateway to read, and servers that answer badly.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod bad_replies;
mod readings;
