//! The proof that opens the actuator.

use super::Proposal;
use super::fact::Held;
use super::state::{Execution, State};
use crate::action::Plan;
use crate::inventory::Target;
use crate::trail::Record;
use crate::value::{ProposalId, Timestamp};

/// What a permit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// To bring the targets to their after-values, or send the page.
    Apply,
    /// To bring them back to their before-values.
    Undo,
}

/// Leave to change production, for one plan and a bounded time. Nothing else makes one than
/// [`Proposal::permit_apply`], [`Proposal::permit_undo`] and [`Proposal::permit_end`].
#[derive(Debug, Clone)]
pub struct Permit {
    proposal: ProposalId,
    power: Power,
    plan: Plan,
    until: Timestamp,
}

impl Permit {
    /// The proposal it belongs to.
    pub fn proposal(&self) -> &ProposalId {
        &self.proposal
    }

    /// What it allows.
    pub fn power(&self) -> Power {
        self.power
    }

    /// What may be changed, and to which values.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether a request that begins now and takes at most `request_ms` ends within it. Asked before each
    /// outside write: a holder whose time is over stops.
    pub fn fits(&self, now: Timestamp, request_ms: u64) -> bool {
        now.plus_millis(request_ms) <= self.until
    }
}

/// How long after an effect's own end its target is asked whether it ended, whatever the records say, seconds.
pub const ASKED_AFTER_S: u64 = 15;

/// How long after that it is no more: somebody else may have set it since.
const ASKED_FOR_S: u64 = 900;

impl Execution {
    /// Whether its own end came lately, so that its target is asked whether it ended.
    pub fn is_asked(&self, now: Timestamp) -> bool {
        let from = self.restore_at.map(|end| end.plus_seconds(ASKED_AFTER_S));
        from.is_some_and(|from| from <= now && now < from.plus_seconds(ASKED_FOR_S))
    }
}

impl Proposal {
    /// The effect whose own end has come, and that the records say has ended: its target is to be asked now.
    pub fn ended(&self, now: Timestamp) -> Option<&Execution> {
        self.effect().filter(|effect| effect.is_asked(now))
    }

    /// Leave to take back what the records say has ended and the target says has not: only with a fresh claim on every
    /// target of the plan and what it relies on, so never what another proposal did.
    pub fn permit_end(&self, held: &[Held], lease: Timestamp, now: Timestamp) -> Option<Permit> {
        let execution = self.ended(now)?;
        self.undo(execution, held, lease)
    }

    /// What whoever takes an effect back must claim now: [`Plan::claims_to_undo`].
    pub fn claims_to_undo(&self, execution: &Execution) -> Vec<Target> {
        execution.plan.claims_to_undo(self.state().holds_its_targets())
    }

    fn undo(&self, execution: &Execution, held: &[Held], lease: Timestamp) -> Option<Permit> {
        let held = held.iter().map(|held| &held.target);
        if !held.eq(&self.claims_to_undo(execution)) {
            return None;
        }
        Some(Permit {
            proposal: self.id().clone(),
            power: Power::Undo,
            plan: execution.plan.clone(),
            until: lease,
        })
    }

    /// Leave to apply: only while executing, and only for whoever wrote the `started` record, until its
    /// lease or the effect's own end, whichever comes first.
    pub fn permit_apply(&self, started: &Record) -> Option<Permit> {
        let State::Executing(execution) = self.state() else {
            return None;
        };
        if execution.lease.record != started.digest {
            return None;
        }
        let until = execution
            .restore_at
            .map_or(execution.lease.until, |end| end.min(execution.lease.until));
        Some(Permit {
            proposal: self.id().clone(),
            power: Power::Apply,
            plan: execution.plan.clone(),
            until,
        })
    }

    /// Leave to take the effect back: only when its end has come, or an undo was approved, and only with a
    /// fresh claim on all of [`Proposal::claims_to_undo`].
    pub fn permit_undo(&self, held: &[Held], lease: Timestamp, now: Timestamp) -> Option<Permit> {
        let execution = self.state().to_take_back(now)?;
        self.undo(execution, held, lease)
    }
}
