//! What the agent did on the same targets before, and what else is going on.

use std::collections::BTreeSet;
use std::sync::Mutex;

use domain::inventory::Target;
use domain::ports::{Trail, TrailError};
use domain::proposal::{History, INCIDENTS_S, MOST_INCIDENTS, Past};
use domain::trail::chain::problem_of;
use domain::trail::{Fact, StreamId, TargetFact};
use domain::value::{ProposalId, Timestamp};
use futures::future::ready;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::load::load_proposal;
use crate::walk;

/// Records of a target's stream that are looked at, newest first: a claim and its release are two.
const MOST_CLAIMS: usize = 40;

/// Other proposals of the hour that are looked at, the newest first.
const MOST_LOOKED_AT: usize = 100;

/// Of those that are loaded at once.
const AT_ONCE: usize = 8;

/// Proposals of the hour that are asked for: those that are looked at, as many that are counted without a look, and those of the
/// same trouble, which are neither.
const MOST_OPENED: usize = 2 * MOST_LOOKED_AT;

/// Known incidents that are kept: some hundred bytes each.
const MOST_KNOWN: usize = 1000;

/// The incidents that a process has seen, so that none is loaded for each of its neighbours. What was proposed once is an
/// incident, whatever comes; of anything else it may change, and is not kept.
#[derive(Debug, Default)]
pub struct KnownIncidents(Mutex<BTreeSet<ProposalId>>);

impl KnownIncidents {
    fn has(&self, id: &ProposalId) -> bool {
        self.0.lock().is_ok_and(|known| known.contains(id))
    }

    fn keep(&self, id: &ProposalId) {
        if let Ok(mut known) = self.0.lock() {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert(id.clone());
        }
    }
}

/// Reads what was before a proposal that would change `targets`.
pub async fn look_back(
    trail: &dyn Trail,
    known: &KnownIncidents,
    proposal: &ProposalId,
    targets: &[Target],
    now: Timestamp,
) -> Result<History, TrailError> {
    let actions = actions_on(trail, proposal, targets).await?;
    let opened = walk::opened(trail, now.minus_seconds(INCIDENTS_S), now, MOST_OPENED).await?;
    let others = opened
        .into_iter()
        .filter(|(id, _)| id.fingerprint() != proposal.fingerprint());
    let mut others: Vec<_> = others.collect();
    let beyond = others.split_off(others.len().min(MOST_LOOKED_AT));
    let looked_at = others.into_iter().map(|(id, at)| async move {
        Ok::<_, TrailError>(is_incident(trail, known, &id).await?.then_some(at))
    });
    let found = stream::iter(looked_at)
        .buffered(AT_ONCE)
        .try_filter_map(|found| ready(Ok(found)))
        // A history has no more of them.
        .take(MOST_INCIDENTS);
    let found: Vec<_> = found.try_collect().await?;
    // What was not looked at may be one: whoever sends many must not lower a score with them.
    let beyond = beyond.into_iter().map(|(_, at)| at);
    Ok(History::new(actions, found.into_iter().chain(beyond).collect()))
}

/// Whether a proposal is an incident: one that was declined for what its event says, or because the gateway does not bear
/// that out, is none. Whoever sends events could raise every score with them.
async fn is_incident(trail: &dyn Trail, known: &KnownIncidents, id: &ProposalId) -> Result<bool, TrailError> {
    if known.has(id) {
        return Ok(true);
    }
    match load_proposal(trail, id).await {
        Ok(None) => Ok(false),
        Ok(Some(proposal)) if proposal.proposed().is_some() => {
            known.keep(id);
            Ok(true)
        }
        Ok(Some(proposal)) => Ok(!proposal.was_declined_for_its_event()),
        Err(err @ TrailError::Unavailable(_)) => Err(err),
        // What does not hold, or cannot be read, may be one.
        Err(_) => Ok(true),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_has_a_bound() {
        let known = KnownIncidents::default();
        let id = |generation: usize| {
            format!("gnr4sqzfryd4gg3mhvufxxmnmg-{generation}")
                .parse()
                .unwrap()
        };
        for generation in 1..=MOST_KNOWN + 1 {
            known.keep(&id(generation));
            assert!(known.has(&id(generation)));
        }
        assert_eq!(known.0.lock().unwrap().len(), 1, "it begins anew");
        assert!(!known.has(&id(1)));
    }
}
