//! What the rules are asked about one person's decision.

use super::{Asker, Refusal, Under};
use crate::inventory::Condition;
use crate::permission::{Circumstances, InForce, Operator, Principal, Resource, Verb, Verdict};
use crate::proposal::{Proposal, State};
use crate::value::{Deployment, Timestamp};

/// Other votes, where only the person matters and not how many there are.
pub(super) const ENOUGH: u8 = u8::MAX;

/// One person's decision as rules see it.
pub(super) struct Question<'a> {
    pub(super) proposal: &'a Proposal,
    pub(super) operator: &'a Operator,
    pub(super) in_force: &'a InForce,
    pub(super) deployment: &'a Deployment,
    /// Different people who must approve in all.
    pub(super) needed: u8,
    /// Whether the person requested, triggered or edited it.
    pub(super) own: bool,
    pub(super) now: Timestamp,
}

impl Question<'_> {
    pub(super) fn ask(&self, verb: Verb, other_votes: u8) -> Verdict {
        let policy = &self.in_force.policy;
        let (Some(proposed), Some(scored)) = (self.proposal.proposed(), self.proposal.scored()) else {
            return Verdict {
                allowed: false,
                rules: Vec::new(),
                because: Some("nothing was proposed".to_owned()),
            };
        };
        let event = &self.proposal.received().event;
        let resource = Resource::new(self.proposal.id(), event, proposed, scored.score);
        let principal = Principal::Operator {
            operator: self.operator,
            approver: policy.approves(&self.operator.groups),
        };
        let circumstances = Circumstances {
            threshold: self.deployment.risk_threshold,
            auto_approve: self.deployment.auto_approve,
            confirmed: matches!(proposed.evidence.condition, Condition::Confirmed(_)),
            other_votes,
            votes_needed: self.needed,
            own: self.own,
            ..Circumstances::at(policy, policy.time_zone.local(self.now))
        };
        self.in_force
            .rules
            .ask(verb, &principal, &resource, &circumstances)
    }

    /// That the person might approve it, if it were not their own: that is who may edit it, too.
    pub(super) fn allows_to_edit(&self) -> Result<(), Refusal> {
        let somebody_elses = Question { own: false, ..*self };
        somebody_elses.allows(Verb::Approve, ENOUGH)
    }

    /// That the rules allow it, or what they say.
    pub(super) fn allows(&self, verb: Verb, other_votes: u8) -> Result<(), Refusal> {
        let verdict = self.ask(verb, other_votes);
        match verdict.allowed {
            true => Ok(()),
            false => Err(Refusal::Forbidden(
                verdict.because.unwrap_or_else(|| "no rule allows it".to_owned()),
            )),
        }
    }
}

/// The operators of a directory whose yes to what waits would count now, as far as rules know.
pub fn may_approve<'a>(
    proposal: &Proposal,
    directory: &'a crate::permission::Directory,
    under: &Under<'_>,
    now: Timestamp,
) -> Vec<&'a Operator> {
    let (needed, voted, asked_by) = match proposal.state() {
        State::AwaitingApproval(waiting) => (waiting.needed, waiting.votes.as_slice(), None),
        State::Succeeded(done) => (1, [].as_slice(), done.undo.asked_by()),
        State::Reasoning(_)
        | State::Proposed
        | State::Approved(_)
        | State::Executing(_)
        | State::Unknown(_)
        | State::Closed(_) => return Vec::new(),
    };
    let waits = matches!(proposal.state(), State::AwaitingApproval(_));
    let counts = |operator: &&Operator| {
        let own = waits && proposal.requesters().contains(&operator.id);
        let question = Question {
            proposal,
            operator,
            in_force: under.in_force,
            deployment: under.deployment,
            needed,
            own,
            now,
        };
        operator.active
            && !operator.bot
            && !own
            && !voted.contains(&operator.id)
            && asked_by != Some(&operator.id)
            && question.ask(Verb::Approve, ENOUGH).allowed
    };
    directory.operators().iter().filter(counts).collect()
}

impl Asker<'_> {
    /// The person's id among others.
    pub(super) fn is(&self, other: Option<&crate::value::OperatorId>) -> bool {
        other == Some(&self.operator.id)
    }
}
