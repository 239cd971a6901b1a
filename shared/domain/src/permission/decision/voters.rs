//! Whether what people approved may still start: every one of them is looked up and asked again, under the directory and
//! the policy of now.

use super::Under;
use super::question::Question;
use crate::permission::{Directory, Operator, Verb};
use crate::proposal::{Approval, Proposal};
use crate::value::{OperatorId, Timestamp};

/// Why an approval does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lapsed {
    /// The action is only watched since.
    #[error("the policy only watches this action since it was approved")]
    Watched,
    /// Fewer people approved it than the policy asks for now.
    #[error("{voted} approved it, and the policy in force asks for {needed} different people")]
    Quorum {
        /// How many did.
        voted: usize,
        /// How many are needed.
        needed: u8,
    },
    /// The directory does not know somebody who approved it.
    #[error("{0} approved it, and is not in the operator directory")]
    Unknown(OperatorId),
    /// A bot approved it.
    #[error("{0} approved it, and is a bot")]
    Bot(OperatorId),
    /// Somebody who approved it is not active any more.
    #[error("{0} approved it, and is not active any more")]
    Inactive(OperatorId),
    /// Somebody who approved it requested, triggered or edited it.
    #[error("{0} approved it, and requested or edited it")]
    Own(OperatorId),
    /// The rules do not let somebody who approved it do so any more.
    #[error("{who} approved it, and the policy does not allow that any more: {because}")]
    Forbidden {
        /// Who.
        who: OperatorId,
        /// What the rules say.
        because: String,
    },
}

/// Whether the people who approved a proposal are enough, and each of them may approve it now. The first that is wrong
/// is told.
pub fn still_approved(
    proposal: &Proposal,
    approval: &Approval,
    directory: &Directory,
    under: &Under<'_>,
    now: Timestamp,
) -> Result<(), Lapsed> {
    let policy = &under.in_force.policy;
    if proposal
        .proposed()
        .is_some_and(|proposed| policy.shadow.contains(&proposed.action.kind()))
    {
        return Err(Lapsed::Watched);
    }
    let votes = &approval.waiting.votes;
    let needed = proposal
        .scored()
        .map_or(u8::MAX, |scored| policy.approvals_needed(scored.score));
    if votes.len() < usize::from(needed.max(1)) {
        return Err(Lapsed::Quorum {
            voted: votes.len(),
            needed,
        });
    }
    let others = u8::try_from(votes.len().saturating_sub(1)).unwrap_or(u8::MAX);
    for voter in votes {
        let operator = known(directory, voter)?;
        if proposal.requesters().contains(voter) {
            return Err(Lapsed::Own(voter.clone()));
        }
        let question = Question {
            proposal,
            operator,
            in_force: under.in_force,
            deployment: under.deployment,
            needed,
            own: false,
            now,
        };
        let verdict = question.ask(Verb::Approve, others);
        if !verdict.allowed {
            return Err(Lapsed::Forbidden {
                who: voter.clone(),
                because: verdict.because.unwrap_or_else(|| "no rule allows it".to_owned()),
            });
        }
    }
    Ok(())
}

/// The one who voted, where they are somebody whose vote counts.
fn known<'a>(directory: &'a Directory, voter: &OperatorId) -> Result<&'a Operator, Lapsed> {
    let found = directory
        .operators()
        .iter()
        .find(|operator| operator.id == *voter);
    match found {
        None => Err(Lapsed::Unknown(voter.clone())),
        Some(operator) if operator.bot => Err(Lapsed::Bot(voter.clone())),
        Some(operator) if !operator.active => Err(Lapsed::Inactive(voter.clone())),
        Some(operator) => Ok(operator),
    }
}

#[cfg(test)]
mod tests;
