//! What the outside must offer. Adapters implement these; tests have fakes that behave.

use std::time::Duration;

use async_trait::async_trait;

use crate::action::{Action, Page};
use crate::inventory::{Change, Inventory, Setting, Target};
use crate::message::Hint;
use crate::permission::{Directory, InForce};
use crate::proposal::{Declined, Permit, Proposer, Received};
use crate::telling::{Announcement, Concern, Notice, Row};
use crate::trail::{
    Authority, BadBody, BrokenChain, Control, Entry, Record, Seq, Signature, StreamId, Verifier,
};
use crate::value::{Digest, ProposalId, Timestamp};

/// An outside service did not do what it should; trying again later may help.
#[derive(Debug, thiserror::Error)]
#[error("{service} is unavailable: {problem}")]
pub struct Unavailable {
    /// Which service.
    pub service: &'static str,
    /// What happened. Never holds a secret or a payload.
    pub problem: String,
}

impl Unavailable {
    /// A service's failure.
    pub fn new(service: &'static str, problem: impl std::fmt::Display) -> Self {
        Self {
            service,
            problem: problem.to_string(),
        }
    }
}

/// Why a record was not appended, or a stream not read.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// Somebody else took the position: load again and decide again.
    #[error("another record took position {seq} of {stream}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// The position.
        seq: u64,
    },
    /// Others kept writing to the stream for as long as a writer tries: nothing was appended.
    #[error("others keep writing to {0}: nothing was appended, try again")]
    Outrun(StreamId),
    /// The trail cannot be reached; whether the record was written is not known.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The body is larger than a record holds: nothing was sent.
    #[error("the body of {kind} has {bytes} bytes, more than the {most} a record holds")]
    TooLarge {
        /// The record's kind.
        kind: String,
        /// Its body's length.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// What is stored is not a record.
    #[error("the trail holds something that is not a record: {0}")]
    Corrupt(String),
    /// A record does not hold: nothing is built on it until an operator sets it aside.
    #[error(
        "{0}; nothing goes on from it, until an operator has looked at it and says `sre-agent set-aside {stream} {seq}`",
        stream = .0.stream, seq = .0.seq
    )]
    Forged(BrokenChain),
    /// The record needs a signature, and the key did not sign: nothing was sent.
    #[error("{kind} was not signed, so nothing was recorded: {problem}")]
    Unsigned {
        /// The record's kind.
        kind: String,
        /// What the key said.
        problem: String,
    },
}

impl From<BadBody> for TrailError {
    fn from(bad: BadBody) -> Self {
        TrailError::Corrupt(bad.to_string())
    }
}

impl From<crate::proposal::IllegalTransition> for TrailError {
    fn from(illegal: crate::proposal::IllegalTransition) -> Self {
        TrailError::Corrupt(illegal.to_string())
    }
}

/// The audit trail: insert-only.
#[async_trait]
pub trait Trail: Send + Sync {
    /// Every record of a stream, in order, strongly consistent; empty where there is none.
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError>;

    /// The last record of a stream, strongly consistent.
    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError>;

    /// Inserts a record at a position that nobody took. A reply that got lost after the commit is a
    /// success: the record is read back and recognised by its writer's token.
    async fn append(&self, entry: Entry) -> Result<Record, TrailError>;

    /// The streams with records filed under an hour and shard, each once, with the last of these; eventually consistent.
    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError>;

    /// The streams whose first record is filed under an hour and shard, with its instant: those of `since` or later, the newest
    /// first, at most `most`; eventually consistent.
    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError>;

    /// The newest records of a stream, the last one first, at most `most`; strongly consistent.
    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError>;

    /// What the signatures of its records are checked with.
    fn keys(&self) -> &dyn Verifier;
}

/// A private key that signs records. It does not leave where it is kept.
#[async_trait]
pub trait Signer: Send + Sync {
    /// Signs a record's digest: [`crate::trail::signed_text`] says which bytes.
    async fn sign(&self, by: Authority, digest: &Digest) -> Result<Signature, Unavailable>;
}

/// The time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// The gateway, reading.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Everything at one instant.
    async fn inventory(&self) -> Result<Inventory, Unavailable>;

    /// The same, where it is a reading of now: an empty or a stale one is as good as none.
    async fn reading(&self, now: Timestamp) -> Result<Inventory, Unavailable> {
        let inventory = self.inventory().await?;
        inventory
            .of_now(now)
            .map_err(|problem| Unavailable::new("the gateway", problem))
    }
}

/// Why a write to the outside did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// It certainly had no effect.
    #[error("refused: {0}")]
    Refused(String),
    /// Whether it had its effect is not known: read the target.
    #[error("unclear: {0}")]
    Unclear(String),
}

/// The gateway and the pager, writing. Every method that changes something takes the [`Permit`] for it.
#[async_trait]
pub trait Actuator: Send + Sync {
    /// The longest that one request may take, ms: what must still fit into a lease.
    fn request_ms(&self) -> u64;

    /// A target's value now.
    async fn read(&self, target: &Target) -> Result<Setting, Unavailable>;

    /// Brings a change's target to its after-value. Refused unless the change is of the permit's plan and
    /// the permit is to apply.
    async fn apply(&self, permit: &Permit, change: &Change) -> Result<(), ActError>;

    /// Brings a change's target back to its before-value. Refused unless the change is of the permit's plan.
    async fn revert(&self, permit: &Permit, change: &Change) -> Result<(), ActError>;

    /// Pages under a dedup key: sending it again under the same key is harmless.
    async fn page(&self, permit: &Permit, page: &Page, dedup_key: &str) -> Result<(), ActError>;
}

/// Large payloads, by digest.
#[async_trait]
pub trait Payloads: Send + Sync {
    /// Stores bytes under their digest. Storing them twice is storing them once.
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Unavailable>;

    /// The bytes of a digest, checked against it; none where nothing is stored under it.
    async fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Unavailable>;
}

/// What reasoning concludes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// One action.
    Propose {
        /// The action.
        action: Action,
        /// Why, in a sentence or two.
        rationale: String,
        /// Who chose it.
        proposer: Proposer,
    },
    /// None.
    Decline(Declined),
}

/// What a reasoner is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Brief<'a> {
    /// The proposal that its conclusion will be recorded on.
    pub proposal: &'a ProposalId,
    /// The event.
    pub received: &'a Received,
    /// The gateway; absent where it could not be read.
    pub inventory: Option<&'a Inventory>,
    /// When an answer is of no use any more: whoever asks will be gone.
    pub deadline: Timestamp,
}

/// Chooses one action for an incident, or none. What it returns is checked as if it were hostile.
#[async_trait]
pub trait Reasoner: Send + Sync {
    /// Reasons about an event.
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable>;
}

/// One of the agent's queues.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends a hint, to be delivered after a delay of at most 900 s.
    async fn send(&self, hint: &Hint, delay: Duration) -> Result<(), Unavailable>;

    /// Sends a hint about a proposal as a whole.
    async fn hint(&self, proposal: &ProposalId, delay: Duration) -> Result<(), Unavailable> {
        self.send(&Hint::of(proposal), delay).await
    }
}

/// The event bus.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes announcements, all of them or an error.
    async fn publish(&self, announcements: &[Announcement]) -> Result<(), Unavailable>;
}

/// The topic of what people are told.
#[async_trait]
pub trait Topic: Send + Sync {
    /// Tells the subscribers, with the attributes that their filters use.
    async fn tell(&self, announcement: &Announcement, concern: Concern) -> Result<(), Unavailable>;

    /// Tells the subscribers of what is about no proposal.
    async fn tell_of(&self, notice: &Notice) -> Result<(), Unavailable>;
}

/// The view: one row for each proposal. Disposable.
#[async_trait]
pub trait View: Send + Sync {
    /// Writes a row, unless a newer one is there.
    async fn put(&self, row: &Row) -> Result<(), Unavailable>;

    /// The record that a proposal's row was made from, strongly consistent; 0 where there is no row. A row is
    /// written after its record and all before it were announced: so this is how far the world was told.
    async fn announced(&self, proposal: &ProposalId) -> Result<Seq, Unavailable>;

    /// The proposals on which something is still to happen, as far as the view knows.
    async fn open(&self) -> Result<Vec<ProposalId>, Unavailable>;

    /// The proposals whose effect is in force, as far as the view knows.
    async fn in_force(&self) -> Result<Vec<ProposalId>, Unavailable>;
}

/// A secret that may be rotated while a function lives.
#[async_trait]
pub trait Credential: Send + Sync {
    /// The secret as last read.
    async fn current(&self) -> Result<String, Unavailable>;

    /// Another value than the one that was refused: what somebody else has read meanwhile, or the secret read again, at most
    /// once a minute. `None` where it is still that one.
    async fn reread(&self, refused: &str) -> Result<Option<String>, Unavailable>;
}

/// Policies, by the hash that `control` names.
#[async_trait]
pub trait Policies: Send + Sync {
    /// The policy in force. There is always one: where the published one is of no use, the last that was.
    async fn in_force(&self, control: &Control) -> InForce;
}

/// The operator directory.
#[async_trait]
pub trait Operators: Send + Sync {
    /// The directory as configured now.
    async fn directory(&self) -> Result<Directory, Unavailable>;
}
