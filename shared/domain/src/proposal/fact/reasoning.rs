//! Bodies of what leads to a proposal: the event, the reasoning, the action.

use serde::{Deserialize, Serialize};

use crate::action::{Action, Preview};
use crate::incident::{Badness, Event};
use crate::proposal::Evidence;
use crate::trail::generation::Course;
use crate::value::{Digest, EventId, Micros, OperatorId, Timestamp};

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
    /// What of the event was left out, or taken for what it must mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<String>,
    /// Who reported it: the `source` of the bus event. Older records do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What was before it.
    #[serde(default, skip_serializing_if = "Course::is_new")]
    pub course: Course,
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
    /// Whoever reasoned about it did not come to an end, several times.
    OutOfTries,
    /// What would be done is more than a record holds.
    TooLarge,
    /// What was done against the same trouble before did not help, several times in a row.
    Fruitless,
    /// The same was turned down before, and the trouble has not become worse.
    AskedBefore,
}

impl DeclineReason {
    /// Whether the agent could not do better, so that a person has to look.
    pub fn is_inability(self) -> bool {
        match self {
            DeclineReason::OutOfTurns
            | DeclineReason::OutOfTokens
            | DeclineReason::OutOfTime
            | DeclineReason::OutOfMoney
            | DeclineReason::OutOfTries
            | DeclineReason::TooLarge
            | DeclineReason::Fruitless => true,
            DeclineReason::NothingToDo
            | DeclineReason::AskedBefore
            | DeclineReason::Unlicensed
            | DeclineReason::OutOfScope
            | DeclineReason::Unconfirmed
            | DeclineReason::Contradiction => false,
        }
    }

    /// Whether what was declined is the event, before anybody reasoned: it says nothing of the next one about the same
    /// trouble.
    pub fn is_of_the_event(self) -> bool {
        match self {
            DeclineReason::Unlicensed | DeclineReason::Unconfirmed | DeclineReason::Contradiction => true,
            DeclineReason::NothingToDo
            | DeclineReason::OutOfScope
            | DeclineReason::OutOfTurns
            | DeclineReason::OutOfTokens
            | DeclineReason::OutOfTime
            | DeclineReason::OutOfMoney
            | DeclineReason::OutOfTries
            | DeclineReason::TooLarge
            | DeclineReason::Fruitless
            | DeclineReason::AskedBefore => false,
        }
    }

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
            DeclineReason::OutOfTries => "out_of_tries",
            DeclineReason::TooLarge => "too_large",
            DeclineReason::Fruitless => "fruitless",
            DeclineReason::AskedBefore => "asked_before",
        }
    }
}

/// `declined`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// Why, as one of a few reasons.
    pub reason: DeclineReason,
    /// One sentence.
    pub explanation: String,
    /// Who declined, where it was a model or the runbook and not a rule that comes before them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposer: Option<Proposer>,
    /// How bad the trouble was as the gateway bore it out; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borne_out: Option<Badness>,
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

/// `repeated`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// The sender's id of the repetition.
    pub event_id: EventId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The digest of all that it says; older records do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Digest>,
    /// Who reported it: the `source` of the bus event. Older records do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What of it was left out, or taken for what it must mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<String>,
    /// Where it is worse than all before, as far as the gateway bears it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worse: Option<Worse>,
}

/// A trouble that has become worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worse {
    /// How bad it is.
    pub badness: Badness,
    /// What was reported, in a sentence.
    pub told: String,
    /// What is known now, where people are being asked: they are asked again on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<Evidence>>,
}
