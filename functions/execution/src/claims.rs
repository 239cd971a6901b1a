//! Claims: who may change a target. All or none, in one order, so that nobody waits for each other.

use domain::ids::ProposalId;
use domain::ports::{TrailError, load_proposal};
use domain::proposal::{Held, Proposal};
use domain::record::{Actor, Entry, Record};
use domain::stream::StreamId;
use domain::target::{Claim, Release, Target, TargetFact, claim_counts, claim_of};
use domain::time::Timestamp;
use runtime::queue::Fault;

use crate::Deps;

/// What came of claiming.
pub enum Claimed {
    /// Every target is held.
    All(Vec<Held>),
    /// Another proposal holds one; none is held.
    TakenBy(ProposalId),
    /// Another function works for the same proposal; none is held by this one.
    Busy,
}

/// A claim to be made.
pub struct Wanted<'a> {
    /// For whom.
    pub proposal: &'a ProposalId,
    /// On what, sorted.
    pub targets: &'a [Target],
    /// Until when it counts without a start.
    pub lease_until: Timestamp,
    /// When the effect ends by itself.
    pub restore_at: Option<Timestamp>,
    /// Whether to take the effect back.
    pub taking_back: bool,
}

/// Claims every target, or none.
pub async fn take(deps: &Deps<'_>, wanted: &Wanted<'_>) -> Result<Claimed, Fault> {
    let mut held: Vec<Held> = Vec::new();
    for target in wanted.targets {
        let refused = match take_one(deps, wanted, target).await {
            Ok(Ok(one)) => {
                held.push(one);
                continue;
            }
            Ok(Err(refused)) => Ok(refused),
            Err(fault) => Err(fault),
        };
        release(deps, wanted.proposal, &held).await?;
        return refused;
    }
    Ok(Claimed::All(held))
}

async fn take_one(
    deps: &Deps<'_>,
    wanted: &Wanted<'_>,
    target: &Target,
) -> Result<Result<Held, Claimed>, Fault> {
    let stream = StreamId::Target(target.clone());
    loop {
        let last = deps.trail.last(&stream).await?;
        let now = deps.clock.now();
        match claim_of(last.as_ref()).map_err(TrailError::from)? {
            // The claim of the start does not stand in the way of taking back; one that does the same thing
            // does, until its lease is over.
            Some(claim) if claim.proposal == *wanted.proposal => {
                let same_work = claim.taking_back == wanted.taking_back;
                let busy = same_work && now <= claim.lease_until;
                if busy {
                    return Ok(Err(Claimed::Busy));
                }
            }
            Some(claim) => {
                let holder = load_proposal(deps.trail, &claim.proposal).await?;
                if holder.is_some_and(|holder| claim_counts(&claim, &holder, now)) {
                    return Ok(Err(Claimed::TakenBy(claim.proposal)));
                }
                tracing::info!(target.name = %target, proposal.id = %claim.proposal, "released a claim that does not count any more");
            }
            None => {}
        }
        let fence = last.as_ref().map_or(1, |last| last.seq + 1);
        let fact = TargetFact::Claimed(Claim {
            proposal: wanted.proposal.clone(),
            fence,
            lease_until: wanted.lease_until,
            restore_at: wanted.restore_at,
            taking_back: wanted.taking_back,
        });
        match deps
            .trail
            .append(Entry::next(
                stream.clone(),
                last.as_ref(),
                now,
                Actor::Agent,
                &fact,
            ))
            .await
        {
            Ok(_) => {
                return Ok(Ok(Held {
                    target: target.clone(),
                    fence,
                }));
            }
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
}

/// Releases the claims that are still these very ones.
pub async fn release(deps: &Deps<'_>, proposal: &ProposalId, held: &[Held]) -> Result<(), Fault> {
    for held in held {
        release_where(deps, &held.target, |claim| {
            claim.proposal == *proposal && claim.fence == held.fence
        })
        .await?;
    }
    Ok(())
}

/// Releases whatever a settled proposal still holds.
pub async fn release_all(deps: &Deps<'_>, proposal: &Proposal) -> Result<(), Fault> {
    let now = deps.clock.now();
    for target in proposal
        .proposed()
        .map_or(&[][..], |proposed| &proposed.preview.plan.claims)
    {
        let is_left = |claim: &Claim| claim.proposal == *proposal.id() && !claim_counts(claim, proposal, now);
        release_where(deps, target, is_left).await?;
    }
    Ok(())
}

async fn release_where(deps: &Deps<'_>, target: &Target, ours: impl Fn(&Claim) -> bool) -> Result<(), Fault> {
    let stream = StreamId::Target(target.clone());
    loop {
        let last: Option<Record> = deps.trail.last(&stream).await?;
        let Some(claim) = claim_of(last.as_ref()).map_err(TrailError::from)?.filter(&ours) else {
            return Ok(());
        };
        let fact = TargetFact::Released(Release {
            proposal: claim.proposal,
            fence: claim.fence,
        });
        match deps
            .trail
            .append(Entry::next(
                stream.clone(),
                last.as_ref(),
                deps.clock.now(),
                Actor::Agent,
                &fact,
            ))
            .await
        {
            Ok(_) => return Ok(()),
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
}
