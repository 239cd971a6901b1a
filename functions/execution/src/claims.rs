//! Claims: who may change a target. All or none, in one order, so that nobody waits for each other.

use std::convert::Infallible;

use domain::inventory::Target;
use domain::ports::TrailError;
use domain::proposal::{Execution, Held, Proposal, claim_counts};
use domain::trail::{Actor, BrokenChain, Claim, Record, Release, StreamId, TargetFact, claim_of};
use domain::value::{ProposalId, Timestamp};
use runtime::queue::Fault;
use trail::{Extended, Next, Stream, extend, load_proposal};

use crate::Deps;

/// What came of claiming.
pub enum Claimed {
    /// Every target is held.
    All(Vec<Held>),
    /// Another proposal holds one; none is held.
    TakenBy(ProposalId),
    /// Another function works for the same proposal; none is held by this one.
    Busy,
    /// What a target's stream says does not hold, so that nobody knows who holds it; none is held.
    Forged(BrokenChain),
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

impl<'a> Wanted<'a> {
    /// What a proposal that was begun holds, for whoever begins it again (`taking_back` is false) or takes it back.
    pub(crate) fn of(
        proposal: &'a Proposal,
        execution: &'a Execution,
        lease_until: Timestamp,
        taking_back: bool,
    ) -> Self {
        Self {
            proposal: proposal.id(),
            targets: &execution.plan.claims,
            lease_until,
            restore_at: execution.restore_at,
            taking_back,
        }
    }
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
            Err(Stopped::Forged(fault)) => Ok(Claimed::Forged(fault)),
            Err(Stopped::Fault(fault)) => Err(fault),
        };
        release(deps, wanted.proposal, &held).await?;
        return refused;
    }
    Ok(Claimed::All(held))
}

/// Why a target is not claimed.
enum Kept {
    /// Another function works for the same proposal.
    Busy,
    /// Another proposal's claim stands there: its holder tells whether it counts.
    Claimed(Claim),
}

/// Why claiming stopped.
enum Stopped {
    /// What the target's stream says does not hold.
    Forged(BrokenChain),
    /// Something else went wrong.
    Fault(Fault),
}

impl From<TrailError> for Stopped {
    fn from(err: TrailError) -> Self {
        if let TrailError::Forged(fault) = err {
            Stopped::Forged(fault)
        } else {
            Stopped::Fault(err.into())
        }
    }
}

async fn take_one(
    deps: &Deps<'_>,
    wanted: &Wanted<'_>,
    target: &Target,
) -> Result<Result<Held, Claimed>, Stopped> {
    let stream = Stream::endless(StreamId::Target(target.clone()), Actor::Agent);
    // What begins something stops at what does not hold; what ends something goes on.
    let stream = match wanted.taking_back {
        true => stream,
        false => stream.unless_forged(),
    };
    // Another's claim that was found not to count any more.
    let mut spent: Option<Claim> = None;
    loop {
        let claims = |last: &[Record], now: Timestamp| {
            let last = last.last();
            Ok(match claim_of(last)? {
                // The claim of the start does not stand in the way of taking back; one that does the same thing
                // does, until its lease is over.
                Some(claim)
                    if claim.proposal == *wanted.proposal
                        && claim.taking_back == wanted.taking_back
                        && now <= claim.lease_until =>
                {
                    Next::Refuse(Kept::Busy)
                }
                Some(claim) if claim.proposal != *wanted.proposal && spent.as_ref() != Some(&claim) => {
                    Next::Refuse(Kept::Claimed(claim))
                }
                Some(_) | None => Next::Append(TargetFact::Claimed(Claim {
                    proposal: wanted.proposal.clone(),
                    fence: last.map_or(1, |last| last.seq + 1),
                    lease_until: wanted.lease_until,
                    restore_at: wanted.restore_at,
                    taking_back: wanted.taking_back,
                })),
            })
        };
        let claim = match extend(deps.trail, deps.clock, &stream, claims).await? {
            Extended::Appended { record, .. } => {
                return Ok(Ok(Held {
                    target: target.clone(),
                    fence: record.seq,
                }));
            }
            Extended::Nothing | Extended::Refused(Kept::Busy) => return Ok(Err(Claimed::Busy)),
            Extended::Refused(Kept::Claimed(claim)) => claim,
        };
        let holder = match load_proposal(deps.trail, &claim.proposal).await {
            // Of one of which nothing holds, no claim does.
            Err(TrailError::Forged(_)) => None,
            loaded => loaded?,
        };
        if holder.is_some_and(|holder| claim_counts(&claim, &holder, deps.clock.now())) {
            return Ok(Err(Claimed::TakenBy(claim.proposal)));
        }
        tracing::info!(target.name = %target, proposal.id = %claim.proposal, "released a claim that does not count any more");
        spent = Some(claim);
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
    let stream = Stream::endless(StreamId::Target(target.clone()), Actor::Agent);
    let releases = |last: &[Record], _| {
        Ok(match claim_of(last.last())?.filter(&ours) {
            Some(claim) => Next::Append(TargetFact::Released(Release {
                proposal: claim.proposal,
                fence: claim.fence,
            })),
            None => Next::<_, Infallible>::Nothing,
        })
    };
    extend(deps.trail, deps.clock, &stream, releases).await?;
    Ok(())
}
