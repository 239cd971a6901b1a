//! What a person asks for becomes a decision on the trail, or a sentence that says why not.

use std::fmt;

use domain::permission::approval::{self, Choice, Refusal, Under};
use domain::permission::{Directory, Operator};
use domain::proposal::{Outcome, Proposal, ProposalFact, State};
use domain::trail::Fact;
use domain::value::{Digest, ProposalId};
use trail::{Advanced, Next, advance, load_control, load_proposal};

use crate::Deps;

/// Through what a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A Slack message's button.
    Slack,
}

impl Channel {
    /// Its name, as decisions record it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Slack => "slack",
        }
    }
}

/// Who a channel says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A user of a Slack workspace.
    Slack {
        /// The workspace, `T…`.
        team: String,
        /// The user, `U…`.
        user: String,
    },
}

impl Identity {
    /// Whom the directory knows by it.
    fn operator<'a>(&self, directory: &'a Directory) -> Option<&'a Operator> {
        match self {
            Identity::Slack { team, user } => directory.by_slack(team, user),
        }
    }
}

/// What a person asks for, however it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who the channel says it is.
    pub identity: Identity,
    /// Through what.
    pub channel: Channel,
    /// On which proposal.
    pub proposal: ProposalId,
    /// The `scored` record that the person was shown.
    pub scored: Digest,
    /// What was chosen.
    pub choice: Choice,
}

/// What became of it. Its text is for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It completed an approval.
    Approved,
    /// It counts, and more people must approve.
    Voted {
        /// How many more.
        missing: usize,
    },
    /// The proposal is closed.
    Rejected,
    /// It does not count.
    Refused(Refusal),
    /// Whoever it is, is no operator.
    Unmapped,
    /// There is no such proposal.
    Unknown,
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decided::Approved => f.write_str("Your approval is recorded. The action is being executed."),
            Decided::Voted { missing: 0 } => {
                f.write_str("Your approval is recorded. The policy asks for more people to approve.")
            }
            Decided::Voted { missing } => {
                write!(f, "Your approval is recorded. {missing} more must approve.")
            }
            Decided::Rejected => f.write_str("Your rejection is recorded. Nothing will be executed."),
            Decided::Refused(refusal) => refusal.fmt(f),
            Decided::Unmapped => {
                f.write_str("You are not in the operator directory, so your decision does not count.")
            }
            Decided::Unknown => f.write_str("There is no such proposal."),
        }
    }
}

/// Why nothing was appended.
enum Left {
    /// This very decision is the last record already.
    Counted(Decided),
    /// It does not count.
    Refused(Refusal),
}

/// Records what the person chose, if it counts.
pub(crate) async fn decide(deps: &Deps<'_>, asked: &Asked) -> anyhow::Result<Decided> {
    let directory = deps.operators.directory().await?;
    let Some(operator) = asked.identity.operator(&directory) else {
        return Ok(Decided::Unmapped);
    };
    let Some(proposal) = load_proposal(deps.trail, &asked.proposal).await? else {
        return Ok(Decided::Unknown);
    };
    let control = load_control(deps.trail).await?;
    let under = Under {
        in_force: &deps.policies.in_force(&control).await,
        deployment: deps.deployment,
        control: &control,
    };
    let decides = |proposal: &Proposal, now| {
        if let Some(counted) = counted_already(proposal, asked, operator) {
            return Next::Refuse(Left::Counted(counted));
        }
        match approval::decide(proposal, asked.choice, operator, asked.scored, &under, now) {
            Ok(fact) => Next::Append(fact),
            Err(refusal) => Next::Refuse(Left::Refused(refusal)),
        }
    };
    let actor = operator.actor(asked.channel.name());
    match advance(deps.trail, deps.clock, proposal, &actor, decides).await? {
        Advanced::Appended(proposal) | Advanced::Nothing(proposal) => {
            tracing::info!(
                proposal.id = %asked.proposal, operator.id = %operator.id, record.kind = %proposal.last_kind(), "decided"
            );
            decided(&proposal)
        }
        Advanced::Refused(Left::Counted(counted)) => Ok(counted),
        Advanced::Refused(Left::Refused(refusal)) => Ok(Decided::Refused(refusal)),
    }
}

/// Where this very decision was recorded before: who repeats it hears the same answer.
fn counted_already(proposal: &Proposal, asked: &Asked, operator: &Operator) -> Option<Decided> {
    let last = proposal.last();
    if last.actor.operator() != Some(&operator.id) {
        return None;
    }
    match (ProposalFact::read(last), asked.choice) {
        (Ok(ProposalFact::Approved(approved)), Choice::Approve) if approved.scored == asked.scored => {
            Some(Decided::Approved)
        }
        (Ok(ProposalFact::Rejected(rejected)), Choice::Reject) if rejected.scored == asked.scored => {
            Some(Decided::Rejected)
        }
        (Ok(_) | Err(_), Choice::Approve | Choice::Reject) => None,
    }
}

/// What a decision that was recorded comes to.
fn decided(proposal: &Proposal) -> anyhow::Result<Decided> {
    match proposal.state() {
        State::Approved(_) => Ok(Decided::Approved),
        State::Closed(Outcome::Rejected) => Ok(Decided::Rejected),
        State::AwaitingApproval(waiting) => Ok(Decided::Voted {
            missing: waiting.missing(),
        }),
        state @ (State::Reasoning(_)
        | State::Proposed
        | State::Executing(_)
        | State::Unknown(_)
        | State::Succeeded(_)
        | State::Closed(_)) => anyhow::bail!("a decision led to {}, where none leads", state.name()),
    }
}
