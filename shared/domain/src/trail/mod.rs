//! The trail: what a record is, and what may stand on each stream.
//!
//! | stream | file |
//! | --- | --- |
//! | `proposal/<id>` | its life is [`crate::proposal`] |
//! | `incident/<fingerprint>` | [`generation`] |
//! | `target/<kind>/<id>` | `claim` |
//! | `limit/<name>/<window>` | [`limit`]; the models' money is [`spend`] |
//! | `control` | `control` |
//! | `guard` | `guard` |
//!
//! Which part of the agent may say what is [`author`]; whether records hold is [`chain`].

pub mod author;
pub mod chain;
mod claim;
mod control;
pub mod generation;
mod guard;
pub mod limit;
mod record;
pub mod refusal;
mod signature;
pub mod spend;
mod stream;

pub use self::author::{Author, Authority};
pub use self::chain::{BrokenChain, Chain, Doubt, NoKeys, Verifier, signed_text, verify_chain};
pub use self::claim::{Claim, Release, TargetFact, claim_of};
pub use self::control::{
    AutomaticFailure, Control, ControlFact, Deadline, Extension, MOST_POLICIES, MOST_SET_ASIDE, Pause,
    SetAside, Switches,
};
pub use self::generation::IncidentFact;
pub use self::guard::{ForgedRecord, Guard, GuardFact, MOST_FORGED};
pub use self::limit::LimitFact;
pub use self::record::{
    Actor, BadBody, Entry, Fact, HOUR_SHARDS, MAX_BODY_BYTES, Record, SCHEMA, SOURCE, UNREADABLE,
    UNSIGNED_SCHEMA, actor_text, hour_key,
};
pub use self::signature::Signature;
pub use self::spend::SpendFact;
pub use self::stream::{Seq, StreamId, decode_name, encode_name};
