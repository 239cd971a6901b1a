//! The trail: what a record is, and what may stand on each stream.
//!
//! | stream | file |
//! | --- | --- |
//! | `proposal/<id>` | its life is [`crate::proposal`] |
//! | `incident/<fingerprint>` | [`generation`] |
//! | `target/<kind>/<id>` | `claim` |
//! | `limit/<name>/<window>` | [`limit`]; the models' money is [`spend`] |
//! | `control` | `control` |

mod claim;
mod control;
pub mod generation;
pub mod limit;
mod record;
pub mod spend;
mod stream;

pub use self::claim::{Claim, Release, TargetFact, claim_of};
pub use self::control::{
    AutomaticFailure, Control, ControlFact, Deadline, Extension, MOST_POLICIES, Pause, Switches,
};
pub use self::generation::IncidentFact;
pub use self::limit::LimitFact;
pub use self::record::{
    Actor, BadBody, BrokenChain, Entry, Fact, HOUR_SHARDS, MAX_BODY_BYTES, Record, SCHEMA, SOURCE,
    actor_text, hour_key, verify_chain,
};
pub use self::spend::SpendFact;
pub use self::stream::{Seq, StreamId, decode_name, encode_name};
