//! The gateway and the pager, writing: the only crate that can change production.
//!
//! Nothing is sent without a [`domain::proposal::Permit`], and only a proposal whose approved, planned and
//! claimed start is on the trail makes one. Of the functions, `execution` alone depends on this crate: a
//! test reads the manifests.
//!
//! | file | what |
//! | --- | --- |
//! | `admin_api/` | the gateway's admin API, and with it the pager: an [`Actuator`](domain::ports::Actuator) |
//! | `pagerduty` | a page through PagerDuty's Events API v2 |
//! | `outcome` | which failed writes certainly had no effect |

mod admin_api;
mod outcome;
mod pagerduty;

pub use self::admin_api::AdminActuator;
pub use self::pagerduty::{PagerDuty, routing_key};
