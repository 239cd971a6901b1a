//! A person's decision: may this operator decide on this proposal now, and what does it make of it.

use crate::inventory::Condition;
use crate::permission::{Circumstances, InForce, Operator, Principal, Resource, Verb, Verdict};
use crate::proposal::{Approved, Awaiting, Proposal, ProposalFact, Rejected, State, Voted};
use crate::trail::Control;
use crate::value::{Deployment, Digest, Timestamp};

/// What the person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// Why a decision does not count. The text is for the person who made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Bots never decide.
    #[error("A bot cannot decide.")]
    Bot,
    /// The operator is not active.
    #[error("Your operator account is not active.")]
    Inactive,
    /// The person requested or edited it.
    #[error("You requested or edited this proposal: somebody else must approve it.")]
    OwnProposal,
    /// The person approved it before.
    #[error("Your approval is recorded already; it waits for another person.")]
    VotedAlready,
    /// Somebody decided before.
    #[error("This proposal is decided already: it is {0}.")]
    Decided(&'static str),
    /// The message showed an older score.
    #[error("This proposal changed since you were asked. Look at it again and decide on what it is now.")]
    Stale,
    /// Too late.
    #[error("The deadline for this decision has passed.")]
    TooLate,
    /// The agent is paused.
    #[error("The agent is paused ({0}). Approvals are not taken until it resumes; rejections are.")]
    Paused(String),
    /// The action is only watched since the person was asked.
    #[error("The policy only watches this action now: it cannot be executed.")]
    Watched,
    /// The rules of the policy.
    #[error("The policy does not let you decide this: {0}.")]
    Forbidden(String),
}

/// What holds when a person decides.
#[derive(Clone, Copy)]
pub struct Under<'a> {
    /// The policy in force.
    pub in_force: &'a InForce,
    /// Threshold, switches and deadlines.
    pub deployment: &'a Deployment,
    /// The operators' switches.
    pub control: &'a Control,
}

/// The fact that a person's decision makes, or why it does not count.
///
/// `scored` is the digest of the `scored` record that the person was shown.
pub fn decide(
    proposal: &Proposal,
    choice: Choice,
    operator: &Operator,
    scored: Digest,
    under: &Under<'_>,
    now: Timestamp,
) -> Result<ProposalFact, Refusal> {
    let Under {
        in_force,
        deployment,
        control,
    } = *under;
    if operator.bot {
        return Err(Refusal::Bot);
    }
    if !operator.active {
        return Err(Refusal::Inactive);
    }
    let State::AwaitingApproval(waiting) = proposal.state() else {
        let rescored = *proposal.state() == State::Proposed;
        return Err(if rescored {
            Refusal::Stale
        } else {
            Refusal::Decided(proposal.state().name())
        });
    };
    if waiting.scored != scored {
        return Err(Refusal::Stale);
    }
    let deadline = waiting.deadline_now(control, now);
    if deadline.has_passed(now) {
        return Err(Refusal::TooLate);
    }
    let extension = deadline.extension;
    let policy = in_force.digest;
    let question = Question {
        proposal,
        waiting,
        operator,
        in_force,
        deployment,
        now,
    };
    match choice {
        Choice::Reject => {
            allowed(question.ask(Verb::Reject, question.other_votes()))?;
            Ok(ProposalFact::Rejected(Rejected {
                scored,
                policy,
                extension,
            }))
        }
        Choice::Approve => {
            if let Some(pause) = &control.switches.paused {
                return Err(Refusal::Paused(pause.reason.clone()));
            }
            let watched = |action| in_force.policy.shadow.contains(&action);
            if proposal
                .proposed()
                .is_some_and(|proposed| watched(proposed.action.kind()))
            {
                return Err(Refusal::Watched);
            }
            if proposal.requesters().contains(&operator.id) {
                return Err(Refusal::OwnProposal);
            }
            if waiting.votes.contains(&operator.id) {
                return Err(Refusal::VotedAlready);
            }
            // A vote counts where only more people are missing: then it would be allowed if they had approved.
            allowed(question.ask(Verb::Approve, u8::MAX))?;
            let enough = question.ask(Verb::Approve, question.other_votes()).allowed;
            if enough && waiting.is_completed_by_one_more() {
                let valid_until = now.plus_seconds(deployment.approval_valid_s);
                let paused_before_ms = control.paused_ms(now);
                Ok(ProposalFact::Approved(Approved {
                    scored,
                    policy,
                    valid_until,
                    paused_before_ms,
                    extension,
                }))
            } else {
                Ok(ProposalFact::Voted(Voted {
                    scored,
                    policy,
                    extension,
                }))
            }
        }
    }
}

fn allowed(verdict: Verdict) -> Result<(), Refusal> {
    if verdict.allowed {
        Ok(())
    } else {
        let because = verdict.because;
        Err(Refusal::Forbidden(
            because.unwrap_or_else(|| "no rule allows it".to_owned()),
        ))
    }
}

/// What the rules are asked about one person's decision.
struct Question<'a> {
    proposal: &'a Proposal,
    waiting: &'a Awaiting,
    operator: &'a Operator,
    in_force: &'a InForce,
    deployment: &'a Deployment,
    now: Timestamp,
}

impl Question<'_> {
    fn other_votes(&self) -> u8 {
        let others = self
            .waiting
            .votes
            .iter()
            .filter(|voter| **voter != self.operator.id);
        u8::try_from(others.count()).unwrap_or(u8::MAX)
    }

    fn ask(&self, verb: Verb, other_votes: u8) -> Verdict {
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
            votes_needed: self.waiting.needed,
            own: self.proposal.requesters().contains(&self.operator.id),
            ..Circumstances::at(policy, policy.time_zone.local(self.now))
        };
        self.in_force
            .rules
            .ask(verb, &principal, &resource, &circumstances)
    }
}

#[cfg(test)]
mod tests;
