//! Permission: who may do what. The questions that rules answer; the rules themselves are policy, and stand outside.
//!
//! What no rule may allow is not asked here: the state machine and [`crate::permission::decision`] hold it whatever the rules say.

pub mod decision;
mod distinct;
mod operator;
mod quorum;
mod resource;

use std::sync::Arc;

pub use self::decision::{Asker, Lapsed, Refusal, Request, Under, may_approve, still_approved};
pub use self::operator::{Directory, Operator, SlackIdentity};
pub use self::quorum::{Shortage, shortages};
pub use self::resource::{Claimed, Resource, Targets};
use crate::policy::{Local, Policy};
use crate::value::Digest;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The agent executes without a person.
    AutoExecute,
    /// An operator says yes.
    Approve,
    /// An operator says no.
    Reject,
}

impl Verb {
    /// Every one.
    pub const ALL: [Verb; 3] = [Verb::AutoExecute, Verb::Approve, Verb::Reject];

    /// Its name in rules.
    pub fn name(self) -> &'static str {
        match self {
            Verb::AutoExecute => "auto_execute",
            Verb::Approve => "approve",
            Verb::Reject => "reject",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The agent itself.
    Agent,
    /// A person, or a bot, of the directory.
    Operator {
        /// The person, as the directory knows them.
        operator: &'a Operator,
        /// Whether one of their groups is among the policy's approvers.
        approver: bool,
    },
}

/// How things stand when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// `SRE_RISK_THRESHOLD`.
    pub threshold: u8,
    /// `SRE_AUTO_APPROVE`.
    pub auto_approve: bool,
    /// Whether the gateway confirmed the event.
    pub confirmed: bool,
    /// Whether a change freeze is on.
    pub freeze: bool,
    /// The time in the company's time zone.
    pub local: Local,
    /// Whether these are working hours.
    pub working_hours: bool,
    /// Whether somebody is known to be on call.
    pub on_call: bool,
    /// Different people who approved so far, without who asks.
    pub other_votes: u8,
    /// Different people who must approve in all.
    pub votes_needed: u8,
    /// Whether who asks requested, triggered or edited the proposal.
    pub own: bool,
}

impl Circumstances {
    /// What the policy's calendars say of a local time; nobody voted, and nobody's own.
    pub fn at(policy: &Policy, local: Local) -> Self {
        Self {
            threshold: 0,
            auto_approve: false,
            confirmed: false,
            freeze: policy.freeze_at(&local).is_some(),
            local,
            working_hours: policy.hours.working.covers(&local),
            on_call: policy
                .hours
                .on_call
                .as_ref()
                .is_some_and(|on_call| on_call.covers(&local)),
            other_votes: 0,
            votes_needed: 1,
            own: false,
        }
    }
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is allowed. An error in a rule is a no.
    pub allowed: bool,
    /// The ids of the rules that decided: those that allow, or those that forbid. None where no rule allows.
    pub rules: Vec<String>,
    /// Why not, one sentence.
    pub because: Option<String>,
}

/// The rules of a policy.
pub trait Rules: Send + Sync {
    /// Answers one question.
    fn ask(
        &self,
        verb: Verb,
        principal: &Principal<'_>,
        resource: &Resource<'_>,
        circumstances: &Circumstances,
    ) -> Verdict;
}

/// The policy that is in force.
#[derive(Clone)]
pub struct InForce {
    /// Weights, windows, calendars and limits.
    pub policy: Policy,
    /// The rules beside it.
    pub rules: Arc<dyn Rules>,
    /// SHA-256 of the whole.
    pub digest: Digest,
    /// Why this is not the policy that was published last: that one could not be read, or is invalid. Nothing
    /// executes by itself then.
    pub instead_because: Option<String>,
}
