//! Yes and no to what waits, taking a yes back, and less of it.

use super::question::ENOUGH;
use super::{Asking, Refusal};
use crate::action::Narrowing;
use crate::permission::Verb;
use crate::proposal::{Amended, Approved, Awaiting, ProposalFact, Rejected, Revoked, State, Voted};
use crate::trail::Extension;
use crate::value::Reason;

impl Asking<'_> {
    pub(super) fn reject(&self, reason: Option<&Reason>) -> Result<ProposalFact, Refusal> {
        let waiting = self.waiting()?;
        let extension = self.in_time(waiting)?;
        let others = self.other_votes(waiting);
        self.question(waiting.needed).allows(Verb::Reject, others)?;
        Ok(ProposalFact::Rejected(Rejected {
            scored: self.seen,
            policy: self.policy(),
            reason: reason.map(Reason::to_string),
            extension,
            decider: Some(self.asker.decider()),
        }))
    }

    pub(super) fn approve(&self) -> Result<ProposalFact, Refusal> {
        let waiting = self.waiting()?;
        let extension = self.in_time(waiting)?;
        self.running()?;
        let proposed = self.proposal.proposed();
        let watched = |action| self.under.in_force.policy.shadow.contains(&action);
        if proposed.is_some_and(|proposed| watched(proposed.action.kind())) {
            return Err(Refusal::Watched);
        }
        let question = self.question(waiting.needed);
        if question.own {
            return Err(Refusal::OwnProposal);
        }
        if waiting.votes.contains(&self.operator().id) {
            return Err(Refusal::VotedAlready);
        }
        // A vote counts where only more people are missing: then it would be allowed if they had approved.
        question.allows(Verb::Approve, ENOUGH)?;
        let enough = question.ask(Verb::Approve, self.other_votes(waiting)).allowed;
        let (scored, policy) = (self.seen, self.policy());
        let decider = Some(self.asker.decider());
        if !enough || !waiting.is_completed_by_one_more() {
            return Ok(ProposalFact::Voted(Voted {
                scored,
                policy,
                extension,
                decider,
            }));
        }
        let not_before = self.under.deployment.held_back(self.now);
        let from = not_before.unwrap_or(self.now);
        Ok(ProposalFact::Approved(Approved {
            scored,
            policy,
            valid_until: from.plus_seconds(self.under.deployment.approval_valid_s),
            not_before,
            paused_before_ms: self.under.control.paused_ms(self.now),
            extension,
            decider,
        }))
    }

    /// A pause takes it: nothing starts because of it.
    pub(super) fn revoke(&self) -> Result<ProposalFact, Refusal> {
        let waiting = match self.proposal.state() {
            State::Approved(approval) => &approval.waiting,
            State::AwaitingApproval(waiting) if waiting.votes.contains(&self.operator().id) => waiting,
            State::AwaitingApproval(_) | State::Proposed => return Err(Refusal::NotApproved),
            State::Reasoning(_)
            | State::Executing(_)
            | State::Unknown(_)
            | State::Succeeded(_)
            | State::Closed(_) => return Err(Refusal::Decided),
        };
        if waiting.scored != self.seen {
            return Err(Refusal::Stale);
        }
        let others = self.other_votes(waiting);
        self.question(waiting.needed).allows(Verb::Reject, others)?;
        Ok(ProposalFact::Revoked(Revoked {
            scored: self.seen,
            policy: self.policy(),
            decider: Some(self.asker.decider()),
        }))
    }

    /// Whoever may approve it may make it less, and has no vote on it then.
    pub(super) fn narrow(&self, to: &Narrowing) -> Result<ProposalFact, Refusal> {
        let waiting = self.waiting()?;
        let extension = self.in_time(waiting)?;
        self.running()?;
        self.question(waiting.needed).allows_to_edit()?;
        let proposed = self.proposal.proposed().ok_or(Refusal::Decided)?;
        let action = proposed
            .action
            .narrowed(to, &self.under.deployment.limits)
            .map_err(Refusal::NotNarrower)?;
        let preview = action
            .preview_within(&proposed.preview)
            .map_err(Refusal::NotNarrower)?;
        Ok(ProposalFact::Amended(Box::new(Amended {
            scored: self.seen,
            action,
            preview,
            policy: Some(self.policy()),
            extension,
            decider: Some(self.asker.decider()),
        })))
    }

    /// How far a pause moved the deadline, where it is met.
    fn in_time(&self, waiting: &Awaiting) -> Result<Option<Extension>, Refusal> {
        let deadline = waiting.deadline_now(self.under.control, self.now);
        match deadline.has_passed(self.now) {
            true => Err(Refusal::TooLate(deadline.at())),
            false => Ok(deadline.extension),
        }
    }

    fn running(&self) -> Result<(), Refusal> {
        match &self.under.control.switches.paused {
            Some(pause) => Err(Refusal::Paused(pause.reason.clone())),
            None => Ok(()),
        }
    }

    fn other_votes(&self, waiting: &Awaiting) -> u8 {
        let others = waiting.votes.iter().filter(|voter| **voter != self.operator().id);
        u8::try_from(others.count()).unwrap_or(u8::MAX)
    }
}
