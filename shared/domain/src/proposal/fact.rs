//! What can happen to a proposal: the kinds of its records and their bodies.

use serde::{Deserialize, Serialize};

use crate::action::{Action, Plan, Preview};
use crate::control::Extension;
use crate::digest::Digest;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::ids::{EventId, OperatorId};
use crate::inventory::Condition;
use crate::limit::SafetyLimit;
use crate::policy::Automatic;
use crate::record::Fact;
use crate::risk::Factor;
use crate::stream::Seq;
use crate::target::{Reading, Target};
use crate::time::Timestamp;
use crate::units::Micros;

/// One thing that happened to a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum ProposalFact {
    /// An event was taken, and one function reasons about it until its lease ends.
    Received(Received),
    /// Closed: nothing will be proposed.
    Declined(Declined),
    /// One action was chosen.
    Proposed(Box<Proposed>),
    /// Its risk was scored, and where it goes was decided.
    Scored(Scored),
    /// A person narrowed it.
    Amended(Box<Amended>),
    /// One of several approvals needed.
    Voted(Voted),
    /// It may be executed for a while.
    Approved(Approved),
    /// Closed: a person said no.
    Rejected(Rejected),
    /// A deadline passed.
    Expired(Expired),
    /// Closed: a precondition does not hold any more.
    Refused(Refused),
    /// Its effect begins. Nothing is written to the gateway before this.
    Started(Started),
    /// The targets read as planned.
    Succeeded(Succeeded),
    /// Closed: no target reads as planned.
    Failed(Failed),
    /// It cannot be told whether the effect happened.
    Unknown(Unclear),
    /// The effect was taken back.
    Restored(Restored),
    /// Taking it back did not work yet.
    RestoreFailed(Failed),
    /// A person asks to take the effect back.
    UndoRequested(UndoRequested),
    /// Another person agrees.
    UndoApproved(UndoDecided),
    /// Another person does not; or the agent gives up an approved undo, because somebody else changed the target.
    UndoRejected(UndoDecided),
    /// The metric that fired was read again, later.
    Verified(Verified),
    /// The same trouble was reported again.
    Repeated(Repeated),
    /// A channel was told.
    Notified(Notified),
    /// Nobody answered; somebody else was asked.
    Escalated(Escalated),
    /// A person's words.
    Commented(Commented),
}

impl ProposalFact {
    /// Every kind, in the order of the documents' table.
    pub const KINDS: [&'static str; 24] = [
        "received",
        "declined",
        "proposed",
        "scored",
        "amended",
        "voted",
        "approved",
        "rejected",
        "expired",
        "refused",
        "started",
        "succeeded",
        "failed",
        "unknown",
        "restored",
        "restore_failed",
        "undo_requested",
        "undo_approved",
        "undo_rejected",
        "verified",
        "repeated",
        "notified",
        "escalated",
        "commented",
    ];
}

impl Fact for ProposalFact {
    fn kind(&self) -> &'static str {
        match self {
            ProposalFact::Received(_) => "received",
            ProposalFact::Declined(_) => "declined",
            ProposalFact::Proposed(_) => "proposed",
            ProposalFact::Scored(_) => "scored",
            ProposalFact::Amended(_) => "amended",
            ProposalFact::Voted(_) => "voted",
            ProposalFact::Approved(_) => "approved",
            ProposalFact::Rejected(_) => "rejected",
            ProposalFact::Expired(_) => "expired",
            ProposalFact::Refused(_) => "refused",
            ProposalFact::Started(_) => "started",
            ProposalFact::Succeeded(_) => "succeeded",
            ProposalFact::Failed(_) => "failed",
            ProposalFact::Unknown(_) => "unknown",
            ProposalFact::Restored(_) => "restored",
            ProposalFact::RestoreFailed(_) => "restore_failed",
            ProposalFact::UndoRequested(_) => "undo_requested",
            ProposalFact::UndoApproved(_) => "undo_approved",
            ProposalFact::UndoRejected(_) => "undo_rejected",
            ProposalFact::Verified(_) => "verified",
            ProposalFact::Repeated(_) => "repeated",
            ProposalFact::Notified(_) => "notified",
            ProposalFact::Escalated(_) => "escalated",
            ProposalFact::Commented(_) => "commented",
        }
    }
}

/// The event as it was delivered, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verbatim {
    /// The text itself.
    Inline(String),
    /// Too large for a record: in the payload bucket under its digest.
    Stored {
        /// SHA-256 of the text.
        sha256: Digest,
        /// Its length.
        bytes: u64,
    },
}

/// `received`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The event as read.
    pub event: Event,
    /// The event as delivered.
    pub verbatim: Verbatim,
    /// When it happened, held to the hour before it was received.
    pub occurred_at: Timestamp,
    /// Until when whoever wrote this record is the one who reasons.
    pub lease_until: Timestamp,
    /// The person who triggered it, if one did.
    pub requested_by: Option<OperatorId>,
}

/// Why nothing was proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// Nothing needs to be done.
    NothingToDo,
    /// The licence tier does not run the agent.
    Unlicensed,
    /// Not something the library's actions can help with.
    OutOfScope,
    /// The gateway does not show what the event claims.
    Unconfirmed,
    /// The event contradicts its own definition.
    Contradiction,
    /// The model used up the turns that one incident may take, and had not concluded.
    OutOfTurns,
    /// The tokens.
    OutOfTokens,
    /// The seconds.
    OutOfTime,
    /// The money.
    OutOfMoney,
}

impl DeclineReason {
    /// The reason as recorded.
    pub fn name(self) -> &'static str {
        match self {
            DeclineReason::NothingToDo => "nothing_to_do",
            DeclineReason::Unlicensed => "unlicensed",
            DeclineReason::OutOfScope => "out_of_scope",
            DeclineReason::Unconfirmed => "unconfirmed",
            DeclineReason::Contradiction => "contradiction",
            DeclineReason::OutOfTurns => "out_of_turns",
            DeclineReason::OutOfTokens => "out_of_tokens",
            DeclineReason::OutOfTime => "out_of_time",
            DeclineReason::OutOfMoney => "out_of_money",
        }
    }
}

/// `declined`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// Which.
    pub reason: DeclineReason,
    /// One sentence.
    pub explanation: String,
    /// Who declined, where it was a model or the runbook and not a rule that comes before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposer: Option<Proposer>,
}

/// Who chose the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Proposer {
    /// The built-in runbook: deterministic, no model.
    Runbook {
        /// Version of its rules.
        version: u32,
        /// Why no model chose, where one was configured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<Fallback>,
    },
    /// A model.
    Model(Reasoning),
}

/// Why the runbook stood in for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// One sentence.
    pub because: String,
    /// What the models did until then, if any was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
}

/// A model's work on one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoning {
    /// The model that was asked last.
    pub model: String,
    /// SHA-256 of the transcript: every request and reply, in the transcript bucket.
    pub transcript: Digest,
    /// Version of the prompt.
    pub prompt_version: u32,
    /// SHA-256 of the prompt and the tools.
    pub prompt: Digest,
    /// HTTP requests, retries included.
    pub requests: u32,
    /// Answers that were worked.
    pub turns: u32,
    /// Tokens read, cached ones included.
    pub input_tokens: u64,
    /// Tokens written, thinking included.
    pub output_tokens: u64,
    /// What the providers charge for it, USD, by the configured prices.
    pub cost: Micros,
    /// From the first request to the last reply, ms.
    pub took_ms: u64,
}

/// `proposed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// The action.
    pub action: Action,
    /// What it will do, exactly.
    pub preview: Preview,
    /// What was known.
    pub evidence: Evidence,
    /// Who chose it.
    pub proposer: Proposer,
    /// Why, in a sentence or two.
    pub rationale: String,
}

/// Where a scored proposal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A person must approve.
    Gate,
    /// The policy approves.
    Auto,
    /// Recorded only: it cannot execute.
    Shadow,
}

impl Decision {
    /// The decision as recorded.
    pub fn name(self) -> &'static str {
        match self {
            Decision::Gate => "gate",
            Decision::Auto => "auto",
            Decision::Shadow => "shadow",
        }
    }
}

/// `scored`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Risk, 0–100.
    pub score: u8,
    /// The action's baseline.
    pub baseline: u8,
    /// The action's floor.
    pub floor: u8,
    /// What moved it from the baseline, one by one.
    pub factors: Vec<Factor>,
    /// The threshold in force.
    pub threshold: u8,
    /// Whether auto-approval was on.
    pub auto_approve: bool,
    /// Where it goes.
    pub decision: Decision,
    /// Why there, in a sentence.
    pub because: String,
    /// The rules that decided, by their ids; none where none was asked, or none allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The safety limit that sent it to a person, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<SafetyLimit>,
    /// Whether it would have run by itself, and was sent to a person for a label.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled: bool,
    /// Auto: the limits that execution holds it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automatic: Option<Automatic>,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Why that is not the policy that was published last, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_instead_because: Option<String>,
    /// Different people who must approve.
    pub approvals_needed: u8,
    /// Gate: until when a person may approve.
    pub deadline: Option<Timestamp>,
    /// Auto: until when it may start.
    pub valid_until: Option<Timestamp>,
    /// Milliseconds the agent had been paused in all by then: later pauses move the deadlines above.
    pub paused_before_ms: u64,
}

/// `amended`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amended {
    /// The `scored` record that was narrowed.
    pub scored: Digest,
    /// The narrower action.
    pub action: Action,
    /// What it will do, exactly.
    pub preview: Preview,
    /// Set where a pause moved the deadline.
    pub extension: Option<Extension>,
}

/// `voted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voted {
    /// The `scored` record that was shown.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Set where a pause moved the deadline.
    pub extension: Option<Extension>,
}

/// `approved`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The `scored` record that was shown.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Until when it may start.
    pub valid_until: Timestamp,
    /// Milliseconds the agent had been paused in all by then.
    pub paused_before_ms: u64,
    /// Set where a pause moved the deadline that it met.
    pub extension: Option<Extension>,
}

/// `rejected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The `scored` record that was shown.
    pub scored: Digest,
    /// SHA-256 of the whole policy.
    pub policy: Digest,
    /// Set where a pause moved the deadline.
    pub extension: Option<Extension>,
}

/// `expired`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// The deadline that passed, before any extension.
    pub deadline: Timestamp,
    /// Set where a pause moved it.
    pub extension: Option<Extension>,
}

/// `refused`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Which precondition.
    pub precondition: Precondition,
    /// One sentence.
    pub explanation: String,
}

/// What must still hold when an approved action starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precondition {
    /// The gateway still shows the trouble.
    Condition,
    /// The targets still read as in the preview.
    NoDrift,
    /// The action is still possible: its targets exist, no group would end empty, …
    Possible,
    /// A limit of automatic execution.
    Limit,
}

/// A target held, and by which claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The target.
    pub target: Target,
    /// The claim's fence.
    pub fence: Seq,
}

/// `started`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// What will be done: the preview's plan.
    pub plan: Plan,
    /// A claim on every target of the plan.
    pub held: Vec<Held>,
    /// Until when whoever wrote this record is the one who acts.
    pub lease_until: Timestamp,
    /// When the effect ends by itself.
    pub restore_at: Option<Timestamp>,
    /// Set where a pause moved the deadline that it met.
    pub extension: Option<Extension>,
}

/// `succeeded`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Succeeded {
    /// What the targets read afterwards.
    pub readings: Vec<Reading>,
    /// The receipt of a page: its dedup key.
    pub receipt: Option<String>,
}

/// `failed`, `restore_failed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// One sentence.
    pub reason: String,
    /// What the targets read.
    pub readings: Vec<Reading>,
}

/// `unknown`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclear {
    /// One sentence.
    pub cause: String,
}

/// `restored`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// What the targets read afterwards.
    pub readings: Vec<Reading>,
}

/// `undo_requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRequested {
    /// Why.
    pub reason: String,
}

/// `undo_approved`, `undo_rejected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoDecided {
    /// The `undo_requested` record that was shown.
    pub requested: Digest,
    /// Why the agent gives it up; a person need not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `verified`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// What the metric says now.
    pub condition: Condition,
}

/// `repeated`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// The sender's id of the repetition.
    pub event_id: EventId,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// `notified`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// `slack`, `pagerduty`, …
    pub channel: String,
    /// The channel's own reference, to update the message later.
    pub reference: Option<String>,
}

/// `escalated`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalated {
    /// Who was asked.
    pub to: String,
}

/// `commented`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commented {
    /// The words.
    pub text: String,
}
