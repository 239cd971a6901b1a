//! What must hold of the records before anything starts: that every one of them holds, and that whoever decided may decide.
//!
//! Everything that is checked between an approval and a [`Permit`](domain::proposal::Permit) by looking at records alone is
//! asked here, in `refusal`, of the approved proposal: by whoever starts it, and by whoever takes over, as it was then.

use domain::permission::Directory;
use domain::proposal::{LONGEST_LIFE_DAYS, Precondition, Proposal, Refused, State};
use domain::value::{OperatorId, Tier};
use runtime::queue::Fault;

use crate::Deps;

/// Why nothing starts.
#[derive(Debug)]
pub(crate) enum Objection {
    /// It never will: to be recorded.
    Refuse(Refused),
    /// It cannot be told now: housekeeping comes back to it.
    NotNow(String),
}

/// Why this proposal must not start, by what its records are and who decided on it.
pub(crate) async fn refusal(deps: &Deps<'_>, proposal: &Proposal) -> Result<Option<Objection>, Fault> {
    let standing = proposal.standing();
    if let Some(because) = standing.keeps_from_starting() {
        return Ok(Some(match standing.unsigned && standing.fault.is_none() {
            true => refuse(because),
            false => Objection::NotNow(because),
        }));
    }
    if let Some(because) = expires_early(proposal, deps.deployment.tier) {
        return Ok(Some(refuse(because)));
    }
    let deciders = deciders(proposal);
    if deciders.is_empty() {
        return Ok(None);
    }
    // Read now, and not as it was when they decided: somebody who left decides nothing any more.
    let directory = deps.operators.directory().await?;
    let gone = deciders.iter().find_map(|who| objection(&directory, who));
    Ok(gone.map(refuse))
}

fn refuse(explanation: String) -> Objection {
    Objection::Refuse(Refused {
        precondition: Precondition::Authority,
        explanation,
    })
}

/// Who approved it, if people did.
fn deciders(proposal: &Proposal) -> &[OperatorId] {
    match proposal.state() {
        State::Approved(approval) => &approval.waiting.votes,
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Executing(_)
        | State::Unknown(_)
        | State::Succeeded(_)
        | State::Closed(_) => &[],
    }
}

/// Why somebody's decision does not count now.
fn objection(directory: &Directory, who: &OperatorId) -> Option<String> {
    let known = directory.operators().iter().find(|operator| operator.id == *who);
    match known {
        None => Some(format!("{who}, who decided, is not in the operator directory")),
        Some(operator) if !operator.active => Some(format!("{who}, who decided, is not active any more")),
        Some(operator) if operator.bot => Some(format!("{who}, who decided, is a bot")),
        Some(_) => None,
    }
}

/// Why its records would be removed before their time. They are kept for the tier's retention after the longest life,
/// from the first record on; of a tier that changed since, the longer time counts.
fn expires_early(proposal: &Proposal, tier: Tier) -> Option<String> {
    let days = LONGEST_LIFE_DAYS + tier.retention_days();
    let due = proposal.opened_at().plus_seconds(days * 86_400).as_seconds();
    let expires_at = proposal.last().expires_at.and_then(|at| i64::try_from(at).ok());
    (expires_at.is_none_or(|at| at < due)).then(|| {
        "its records would be removed before the time for which the licence tier keeps them".to_owned()
    })
}
