//! What the agent did on the same targets before, and what else is going on.

use std::collections::BTreeSet;

use domain::inventory::Target;
use domain::ports::{Trail, TrailError};
use domain::proposal::{History, INCIDENTS_S, Past};
use domain::trail::chain::problem_of;
use domain::trail::{Fact, StreamId, TargetFact};
use domain::value::{ProposalId, Timestamp};

use crate::load::load_proposal;
use crate::walk;

/// Records of a target's stream that are looked at, newest first: a claim and its release are two.
const MOST_CLAIMS: usize = 40;

/// Reads what was before a proposal that would change `targets`.
pub async fn look_back(
    trail: &dyn Trail,
    proposal: &ProposalId,
    targets: &[Target],
    now: Timestamp,
) -> Result<History, TrailError> {
    let actions = actions_on(trail, proposal, targets).await?;
    let opened = walk::opened(trail, now.minus_seconds(INCIDENTS_S), now).await?;
    let others = opened.into_iter().filter_map(|(stream, at)| match stream {
        StreamId::Proposal(id) => (id.fingerprint() != proposal.fingerprint()).then_some(at),
        StreamId::Incident(_)
        | StreamId::Target(_)
        | StreamId::Limit { .. }
        | StreamId::Control
        | StreamId::Guard => None,
    });
    Ok(History::new(actions, others.collect()))
}

/// The earlier actions that changed one of these targets, the newest first.
pub async fn actions_on(
    trail: &dyn Trail,
    proposal: &ProposalId,
    targets: &[Target],
) -> Result<Vec<Past>, TrailError> {
    let mut seen = BTreeSet::from([proposal.clone()]);
    let mut actions = Vec::new();
    for target in targets {
        let stream = StreamId::Target(target.clone());
        for record in trail.newest(&stream, MOST_CLAIMS).await? {
            // What does not hold tells nothing of what was before.
            if problem_of(&record).is_some() {
                continue;
            }
            let holder = TargetFact::read(&record)?.proposal().clone();
            if !seen.insert(holder.clone()) {
                continue;
            }
            let holder = match load_proposal(trail, &holder).await {
                Ok(Some(holder)) => holder,
                Ok(None) | Err(TrailError::Forged(_)) => continue,
                Err(err) => return Err(err),
            };
            // Claims are also on what a change only thins.
            let changed = holder.proposed().is_some_and(|proposed| {
                let mut changes = proposed.preview.plan.changes.iter();
                changes.any(|change| targets.contains(&change.target))
            });
            actions.extend(Past::of(&holder).filter(|_| changed));
        }
    }
    Ok(History::new(actions, Vec::new()).actions)
}
