//! Claims: who may change a target. All or none, in one order, so that nobody waits for each other.
//!
//! A claim is given up only where the trail says that its proposal cannot need it any more. Claiming again, for whoever takes
//! over or takes back, replaces the claim of the start: one that is then of no use is left to the proposal.

use std::borrow::Cow;
use std::convert::Infallible;

use domain::inventory::Target;
use domain::ports::TrailError;
use domain::proposal::{Execution, Held, Proposal, claim_counts};
use domain::trail::{Actor, BrokenChain, Claim, Record, Release, StreamId, TargetFact, claim_of};
use domain::value::{ProposalId, Timestamp};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::queue::Fault;
use trail::{Extended, Next, Stream, extend, load_end, load_proposal};

use crate::Deps;

/// Targets that are looked at side by side: a provider may serve hundreds of model groups.
const LOOKS_AT_ONCE: usize = 16;

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
    pub targets: Cow<'a, [Target]>,
    /// Until when it counts without a start.
    pub lease_until: Timestamp,
    /// When the effect ends by itself.
    pub restore_at: Option<Timestamp>,
    /// Whether to take the effect back.
    pub taking_back: bool,
}

impl<'a> Wanted<'a> {
    /// What a proposal that was begun holds, for whoever begins it again.
    pub(crate) fn again(proposal: &'a Proposal, execution: &'a Execution, lease_until: Timestamp) -> Self {
        Self {
            proposal: proposal.id(),
            targets: Cow::Borrowed(&execution.plan.claims),
            lease_until,
            restore_at: execution.restore_at,
            taking_back: false,
        }
    }

    /// What whoever takes it back must hold.
    pub(crate) fn back(proposal: &'a Proposal, execution: &'a Execution, lease_until: Timestamp) -> Self {
        Self {
            targets: Cow::Owned(proposal.claims_to_undo(execution)),
            taking_back: true,
            ..Self::again(proposal, execution, lease_until)
        }
    }
}

/// Claims every target, or none.
pub async fn take(deps: &Deps<'_>, wanted: &Wanted<'_>) -> Result<Claimed, Fault> {
    let mut held: Vec<Held> = Vec::new();
    for target in wanted.targets.iter() {
        let refused = match take_one(deps, wanted, target).await {
            Ok(Ok(one)) => {
                held.push(one);
                continue;
            }
            Ok(Err(refused)) => Ok(refused),
            Err(Stopped::Forged(fault)) => Ok(Claimed::Forged(fault)),
            Err(Stopped::Fault(fault)) => Err(fault),
        };
        give_back(deps, wanted.proposal, &held).await;
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
        if counts(deps, &claim).await? {
            return Ok(Err(Claimed::TakenBy(claim.proposal)));
        }
        tracing::info!(target.name = %target, proposal.id = %claim.proposal, "released a claim that does not count any more");
        spent = Some(claim);
    }
}

/// The proposal that holds one of the targets, as far as can be seen without claiming any.
pub async fn holder(deps: &Deps<'_>, wanted: &Wanted<'_>) -> Result<Option<ProposalId>, Fault> {
    let looks = stream::iter(wanted.targets.iter().map(
        async |target| -> Result<Option<ProposalId>, Fault> {
            let end = load_end(deps.trail, &StreamId::Target(target.clone())).await?;
            let claim = claim_of(end.held.as_ref()).map_err(TrailError::from)?;
            let Some(claim) = claim.filter(|claim| claim.proposal != *wanted.proposal) else {
                return Ok(None);
            };
            Ok(counts(deps, &claim).await?.then_some(claim.proposal))
        },
    ));
    let mut looks = std::pin::pin!(looks.buffered(LOOKS_AT_ONCE));
    while let Some(holder) = looks.next().await {
        if let Some(holder) = holder? {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

/// Whether another's claim counts.
async fn counts(deps: &Deps<'_>, claim: &Claim) -> Result<bool, TrailError> {
    let holder = match load_proposal(deps.trail, &claim.proposal).await {
        // Of one of which nothing holds, no claim does.
        Err(TrailError::Forged(_)) => None,
        loaded => loaded?,
    };
    let now = deps.clock.now();
    // What time to live has begun to remove holds nothing: it ended long ago.
    let holder = holder.filter(|holder| !holder.has_expired_from_the_trail(now));
    Ok(holder.is_some_and(|holder| claim_counts(claim, &holder, now)))
}

/// Gives back claims that came to nothing, as far as the trail says that the proposal does not need them: it may have
/// started, and the reply was lost. Where that cannot be known, or not be written, they end with their lease.
pub async fn give_back(deps: &Deps<'_>, id: &ProposalId, held: &[Held]) {
    if held.is_empty() {
        return;
    }
    let gives = async {
        let Some(proposal) = load_proposal(deps.trail, id).await? else {
            return Ok(());
        };
        let needed = proposal.state().holds_its_targets();
        for held in held {
            give_back_one(deps, id, held, needed).await?;
        }
        Ok::<(), TrailError>(())
    };
    if let Err(err) = gives.await {
        tracing::warn!(proposal.id = %id, error = %err, "claims that came to nothing are left to end with their lease");
    }
}

async fn give_back_one(
    deps: &Deps<'_>,
    id: &ProposalId,
    held: &Held,
    needed: bool,
) -> Result<(), TrailError> {
    let stream = Stream::endless(StreamId::Target(held.target.clone()), Actor::Agent);
    let gives = |last: &[Record], now: Timestamp| {
        let claim = claim_of(last.last())?;
        let ours = claim.filter(|claim| claim.proposal == *id && claim.fence == held.fence);
        Ok(match ours {
            // It stays the proposal's; only nobody has to wait for whoever did nothing with it.
            Some(claim) if needed => Next::Append(TargetFact::Claimed(Claim {
                fence: held.fence + 1,
                lease_until: now.min(claim.lease_until),
                ..claim
            })),
            Some(claim) => Next::Append(released(claim)),
            None => Next::<_, Infallible>::Nothing,
        })
    };
    extend(deps.trail, deps.clock, &stream, gives).await?;
    Ok(())
}

fn released(claim: Claim) -> TargetFact {
    TargetFact::Released(Release {
        proposal: claim.proposal,
        fence: claim.fence,
    })
}

/// Releases whatever a settled proposal still holds.
pub async fn release_all(deps: &Deps<'_>, proposal: &Proposal) -> Result<(), Fault> {
    let now = deps.clock.now();
    let is_left = |claim: &Claim| claim.proposal == *proposal.id() && !claim_counts(claim, proposal, now);
    let claims = proposal
        .proposed()
        .map(|proposed| proposed.preview.plan.claims_to_undo(false));
    let releases = claims
        .iter()
        .flatten()
        .map(|target| release_where(deps, target, is_left));
    stream::iter(releases)
        .buffer_unordered(LOOKS_AT_ONCE)
        .try_collect()
        .await
}

/// Releases whatever a proposal holds whose effect is known to have ended, though its records cannot say so: it never settles,
/// and would hold its targets for ever.
pub async fn release_ended(deps: &Deps<'_>, id: &ProposalId, execution: &Execution) -> Result<(), Fault> {
    for target in &execution.plan.claims_to_undo(false) {
        release_where(deps, target, |claim| claim.proposal == *id).await?;
    }
    Ok(())
}

async fn release_where(deps: &Deps<'_>, target: &Target, ours: impl Fn(&Claim) -> bool) -> Result<(), Fault> {
    let stream = Stream::endless(StreamId::Target(target.clone()), Actor::Agent);
    let releases = |last: &[Record], _| {
        Ok(match claim_of(last.last())?.filter(&ours) {
            Some(claim) => Next::Append(released(claim)),
            None => Next::<_, Infallible>::Nothing,
        })
    };
    extend(deps.trail, deps.clock, &stream, releases).await?;
    Ok(())
}
