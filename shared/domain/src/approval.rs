//! A person's decision: may this operator decide on this proposal now, and what does it make of it.

use crate::control::Control;
use crate::digest::Digest;
use crate::operator::Operator;
use crate::policy::Policy;
use crate::proposal::{Approved, Awaiting, Proposal, ProposalFact, Rejected, State, Voted};
use crate::time::Timestamp;

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
}

/// The fact that a person's decision makes, or why it does not count.
///
/// `scored` is the digest of the `scored` record that the person was shown.
pub fn decide(
    proposal: &Proposal,
    choice: Choice,
    operator: &Operator,
    scored: Digest,
    policy: &Policy,
    control: &Control,
    now: Timestamp,
) -> Result<ProposalFact, Refusal> {
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
    let extension = control.extension(waiting.paused_before_ms, now);
    if now
        > waiting
            .deadline
            .plus_millis(extension.map_or(0, |extension| extension.ms))
    {
        return Err(Refusal::TooLate);
    }
    let policy_digest = policy.digest();
    match choice {
        Choice::Reject => Ok(ProposalFact::Rejected(Rejected {
            scored,
            policy: policy_digest,
            extension,
        })),
        Choice::Approve => {
            if let Some(pause) = &control.switches.paused {
                return Err(Refusal::Paused(pause.reason.clone()));
            }
            if proposal.requesters().contains(&operator.id) {
                return Err(Refusal::OwnProposal);
            }
            if waiting.votes.contains(&operator.id) {
                return Err(Refusal::VotedAlready);
            }
            if completes_quorum(waiting) {
                let valid_until = now.plus_seconds(policy.approval_valid_s);
                let paused_before_ms = control.paused_ms(now);
                Ok(ProposalFact::Approved(Approved {
                    scored,
                    policy: policy_digest,
                    valid_until,
                    paused_before_ms,
                    extension,
                }))
            } else {
                Ok(ProposalFact::Voted(Voted {
                    scored,
                    policy: policy_digest,
                    extension,
                }))
            }
        }
    }
}

fn completes_quorum(waiting: &Awaiting) -> bool {
    waiting.votes.len() + 1 >= usize::from(waiting.needed)
}
