//! Taking an effect back on demand: one person asks, and another agrees. And the acknowledgement of a call to people.

use super::question::{ENOUGH, Question};
use super::{Asking, Refusal};
use crate::action::Undo;
use crate::permission::Verb;
use crate::proposal::{Acknowledged, ProposalFact, State, UndoDecided, UndoRequested, UndoState};
use crate::value::{OperatorId, Reason};

impl Asking<'_> {
    pub(super) fn ask_for_undo(&self, reason: &Reason) -> Result<ProposalFact, Refusal> {
        let State::Succeeded(done) = self.proposal.state() else {
            return Err(Refusal::Decided);
        };
        if self.proposal.scored_record() != Some(&self.seen) {
            return Err(Refusal::Stale);
        }
        if self
            .proposal
            .proposed()
            .is_none_or(|proposed| proposed.preview.undo == Undo::OneShot)
        {
            return Err(Refusal::CannotBeUndone);
        }
        if done.undo != UndoState::None {
            return Err(Refusal::UndoUnderWay);
        }
        self.of_an_undo().allows(Verb::Reject, ENOUGH)?;
        Ok(ProposalFact::UndoRequested(UndoRequested {
            reason: reason.to_string(),
            policy: Some(self.policy()),
            decider: Some(self.asker.decider()),
        }))
    }

    pub(super) fn agree_to_undo(&self, by: Option<&OperatorId>) -> Result<ProposalFact, Refusal> {
        if self.asker.is(by) {
            return Err(Refusal::OwnUndo);
        }
        self.of_an_undo().allows(Verb::Approve, ENOUGH)?;
        Ok(ProposalFact::UndoApproved(self.undo_decided(None)))
    }

    /// Whoever asked may think better of it, too.
    pub(super) fn reject_undo(&self, reason: Option<&Reason>) -> Result<ProposalFact, Refusal> {
        self.of_an_undo().allows(Verb::Reject, ENOUGH)?;
        Ok(ProposalFact::UndoRejected(self.undo_decided(reason)))
    }

    /// Whoever is in the directory may see to it. Nothing is executed because of that: what is proposed next is scored and
    /// gated like anything.
    pub(super) fn acknowledge(&self, reason: &Reason) -> Result<ProposalFact, Refusal> {
        match self.proposal.call() {
            Some(call) if call.acknowledged.is_some() => Err(Refusal::Decided),
            Some(call) if call.until < self.now => Err(Refusal::TooLate(call.until)),
            Some(call) if call.record == self.seen => Ok(ProposalFact::Acknowledged(Acknowledged {
                reason: reason.to_string(),
                decider: self.asker.decider(),
            })),
            Some(_) => Err(Refusal::Stale),
            None => Err(Refusal::Decided),
        }
    }

    fn undo_decided(&self, reason: Option<&Reason>) -> UndoDecided {
        UndoDecided {
            requested: self.seen,
            reason: reason.map(Reason::to_string),
            policy: Some(self.policy()),
            decider: Some(self.asker.decider()),
        }
    }

    /// Whoever may approve an action may agree to its undo, and whoever may reject it may ask for one. Who asked for the
    /// action does not matter to its undo.
    fn of_an_undo(&self) -> Question<'_> {
        Question {
            own: false,
            ..self.question(1)
        }
    }
}
