//! The only crate that can change production. Every method that does takes a [`domain::proposal::Permit`], and
//! only a proposal whose approved, planned and claimed start is on the trail makes one.
//!
//! Nothing but `functions/execution` may depend on this crate: a test reads the manifests.

mod admin_api;
mod pagerduty;

pub use self::admin_api::AdminActuator;
