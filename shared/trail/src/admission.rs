//! The slots of an automatic execution, taken on the trail.

use domain::policy::{Automatic, Reached};
use domain::ports::{Clock, Trail, TrailError};
use domain::proposal::{Proposal, Proposed};
use domain::risk::admission::{SlotWindow, cooling, targets, windows};
use domain::trail::{Actor, limit};

use crate::advance::{Extended, Next, Stream, extend};
use crate::look_back::actions_on;

/// Takes a slot of every limit for an automatic execution now, or says which limit is reached. Taking them again in
/// the same hour takes nothing.
pub async fn admit(
    trail: &dyn Trail,
    clock: &dyn Clock,
    proposal: &Proposal,
    proposed: &Proposed,
    limits: &Automatic,
) -> Result<Result<(), Reached>, TrailError> {
    let now = clock.now();
    let before = actions_on(trail, proposal.id(), &targets(proposed)).await?;
    if let Some(reached) = cooling(&before, proposed, limits, now) {
        return Ok(Err(reached));
    }
    let windows = windows(proposed, limits, now);
    // Looked at before any is taken: what one window refuses must not use up the others.
    for window in &windows {
        let records = trail.load(&window.stream).await?;
        if let Err(used) = limit::take(&records, proposal.id(), window.of) {
            return Ok(Err(window.full(used)));
        }
    }
    for window in &windows {
        match use_slot(trail, clock, proposal, window).await {
            Ok(Ok(())) => {}
            Ok(Err(used)) => return Ok(Err(window.full(used))),
            Err(TrailError::Forged(fault)) => return Ok(Err(window.forged(&fault))),
            Err(err) => return Err(err),
        }
    }
    Ok(Ok(()))
}

/// Takes a slot, or says how many are used where none is left.
async fn use_slot(
    trail: &dyn Trail,
    clock: &dyn Clock,
    proposal: &Proposal,
    window: &SlotWindow,
) -> Result<Result<(), u64>, TrailError> {
    let stream = Stream {
        id: window.stream.clone(),
        actor: Actor::System,
        expires_at: Some(proposal.last().expires_at.unwrap_or_default()),
        // A window whose slots do not hold counts as used up.
        stops_at_forged: true,
    };
    let extended = extend(trail, clock, &stream, |records, _| {
        Ok(match limit::take(records, proposal.id(), window.of) {
            Ok(Some(fact)) => Next::Append(fact),
            Ok(None) => Next::Nothing,
            Err(used) => Next::Refuse(used),
        })
    });
    Ok(match extended.await? {
        Extended::Appended { .. } | Extended::Nothing => Ok(()),
        Extended::Refused(used) => Err(used),
    })
}
