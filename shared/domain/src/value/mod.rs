//! Values: identifiers, units, instants and digests as types. Everything else rests on these.

mod deployment;
mod digest;
mod ids;
mod spender;
mod text;
mod tier;
mod time;
mod units;

pub use self::deployment::{Deployment, Limits};
pub use self::digest::{BadDigest, Digest};
pub use self::ids::{
    BadId, BudgetOwner, EventId, Fingerprint, GuardrailId, MAX_NAME_BYTES, ModelGroupId, OperatorId, OrgId,
    ProposalId, ProviderId, SlaId, SpenderId, TeamId, WriterId,
};
pub use self::spender::{Scope, Spender};
pub use self::text::{BadReason, Reason, is_dangerous, lookalike, shorten, visible};
pub use self::tier::Tier;
pub use self::time::{BadTimestamp, Timestamp};
pub use self::units::{BadAmount, Micros, Ppm};
