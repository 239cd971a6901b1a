//! The adapters over the real SDK: the trail and the view on a DynamoDB in this process, with a lossy network
//! between; the others on a server that checks what arrives.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod hours;
mod keys;
mod positions;
mod secrets;
mod services;
mod trail;
mod view;
