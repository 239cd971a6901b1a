//! A click becomes a decision on the trail, or a sentence that says why not.

use std::fmt;

use anyhow::Context;
use domain::approval::{self, Choice, Refusal, Under};
use domain::ports::{TrailError, load_control, load_proposal};
use domain::proposal::{Proposal, ProposalFact};

use crate::Deps;
use crate::slack::Click;

/// What became of a click. Its text is for the person who clicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// It completed an approval.
    Approved,
    /// It counts, and more people must approve.
    Voted {
        /// How many more.
        missing: u8,
    },
    /// The proposal is closed.
    Rejected,
    /// It does not count.
    Refused(Refusal),
    /// The Slack user is no operator.
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

/// Attempts at one decision: each lost one means that somebody else's record came between.
const MOST_ROUNDS: usize = 20;

/// Records what the person chose, if it counts.
pub(crate) async fn decide(deps: &Deps<'_>, click: &Click) -> anyhow::Result<Decided> {
    let directory = deps.operators.directory().await?;
    let Some(operator) = directory.by_slack(&click.team, &click.user) else {
        return Ok(Decided::Unmapped);
    };
    for _ in 0..MOST_ROUNDS {
        let Some(proposal) = load_proposal(deps.trail, &click.proposal).await? else {
            return Ok(Decided::Unknown);
        };
        if let Some(counted) = counted_already(&proposal, click.choice, operator, click.scored) {
            return Ok(counted);
        }
        let control = load_control(deps.trail).await?;
        let in_force = deps.policies.in_force(&control).await;
        let now = deps.clock.now();
        let fact = match approval::decide(
            &proposal,
            click.choice,
            operator,
            click.scored,
            &Under {
                in_force: &in_force,
                deployment: deps.deployment,
                control: &control,
            },
            now,
        ) {
            Ok(fact) => fact,
            Err(refusal) => return Ok(Decided::Refused(refusal)),
        };
        let entry = proposal
            .entry(now, operator.actor("slack"), &fact)
            .context("the decision is not legal")?;
        match deps.trail.append(entry).await {
            Ok(record) => {
                let proposal = proposal.apply(&record)?;
                tracing::info!(proposal.id = %click.proposal, operator.id = %operator.id, record.kind = record.kind, "decided");
                return Ok(outcome(&fact, &proposal));
            }
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
    anyhow::bail!("too many records came between")
}

/// Where this very click was recorded before: a repeated click hears the same answer.
fn counted_already(
    proposal: &Proposal,
    choice: Choice,
    operator: &domain::operator::Operator,
    scored: domain::digest::Digest,
) -> Option<Decided> {
    let last = proposal.last();
    let same_person = last.actor.operator() == Some(&operator.id);
    let same_scored = serde_json::from_str::<serde_json::Value>(&last.body)
        .is_ok_and(|body| body["scored"] == scored.to_string());
    match (choice, last.kind.as_str()) {
        (Choice::Approve, "approved") if same_person && same_scored => Some(Decided::Approved),
        (Choice::Reject, "rejected") if same_person && same_scored => Some(Decided::Rejected),
        _ => None,
    }
}

fn outcome(fact: &ProposalFact, proposal: &Proposal) -> Decided {
    match fact {
        ProposalFact::Rejected(_) => Decided::Rejected,
        ProposalFact::Voted(_) => {
            let missing = match proposal.state() {
                domain::proposal::State::AwaitingApproval(waiting) => waiting
                    .needed
                    .saturating_sub(u8::try_from(waiting.votes.len()).unwrap_or(u8::MAX)),
                _ => 0,
            };
            Decided::Voted { missing }
        }
        _ => Decided::Approved,
    }
}
