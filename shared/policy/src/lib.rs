//! Permission: the policy in force. Rules in Cedar, and the weights, calendars and limits beside them; their files,
//! their checking and their hash.
//!
//! | to change | look in |
//! | --- | --- |
//! | the default policy, and what rules can speak of | `infra/policy/` |
//! | which files a policy has, and what its hash is of | `bundle` |
//! | how `risk.toml` is read | `risk` |
//! | how rules are read and validated, and what else they must have | `gate`, `guard` |
//! | how a question is put to the rules | `rules` |
//! | which policy is in force, and what happens where it cannot be had | `published` |

mod bundle;
mod checked;
mod fault;
mod gate;
mod guard;
mod published;
mod risk;
mod rules;

pub use self::bundle::{Bundle, MAX_BYTES, RISK, SCHEMA};
pub use self::checked::Checked;
pub use self::fault::{Faults, Place, PolicyFault};
pub use self::published::Published;
