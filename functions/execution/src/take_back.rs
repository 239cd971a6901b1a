//! Taking an effect back: when its own end has come, or a person's undo was approved.

use std::time::Duration;

use domain::inventory::Reading;
use domain::ports::ActError;
use domain::proposal::{Failed, Permit, Proposal, ProposalFact, Restored, State, UndoDecided, UndoState};
use domain::value::Digest;
use runtime::queue::{Fault, existing};

use crate::claims::{self, Claimed, Wanted};
use crate::{Deps, automatic, outcome, record};

/// A failure to take back is recorded again after this long, seconds: the tries in between are in the log.
const RECORD_AGAIN_S: u64 = 600;

/// How long one restorer keeps the others out, seconds. Short, so that one that dies does not leave the effect
/// in force for long: every write asks first whether it still fits.
pub(crate) const LEASE_S: u64 = 20;

/// Brings every target back to its before-value, and records it.
pub(crate) async fn take_back(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let Some(execution) = proposal.state().execution().cloned() else {
        return Ok(());
    };
    let now = deps.clock.now();
    let lease_until = now.plus_seconds(LEASE_S);
    let wanted = Wanted::of(&proposal, &execution, lease_until, true);
    // One takes back at a time: a slow one must not write after a fast one released the targets.
    let held = match claims::take(deps, &wanted).await? {
        Claimed::All(held) => held,
        Claimed::TakenBy(other) => return Err(Fault::Later(format!("{other} holds a target"))),
        Claimed::Busy | Claimed::Forged(_) => {
            return Err(Fault::Later("another function takes it back".to_owned()));
        }
    };
    let Some(permit) = proposal.permit_undo(&held, lease_until, now) else {
        return claims::release_all(deps, &proposal).await;
    };
    match revert(deps, &permit).await {
        Ok(readings) => {
            let proposal = record(deps, proposal, &ProposalFact::Restored(Restored { readings })).await?;
            tracing::info!(proposal.id = %proposal.id(), "restored");
            claims::release_all(deps, &proposal).await
        }
        Err(Stuck {
            reason,
            readings,
            drifted,
        }) => {
            tracing::error!(proposal.id = %proposal.id(), reason, "could not be taken back");
            let recorded = execution
                .restore_failed_at
                .is_some_and(|at| now < at.plus_seconds(RECORD_AGAIN_S));
            if !recorded {
                let fact = ProposalFact::RestoreFailed(Failed {
                    reason: reason.clone(),
                    readings,
                });
                let proposal = record(deps, proposal.clone(), &fact).await?;
                automatic::report(deps, &proposal).await?;
                if drifted {
                    outcome::page_drift(deps, &permit, &reason).await;
                }
            }
            if drifted && let Some(requested) = undo_request(&proposal) {
                return give_up(deps, &proposal, requested, reason).await;
            }
            // Until it works: an effect whose end has come must not end in a dead-letter queue.
            Ok(deps
                .restores
                .hint(permit.proposal(), Duration::from_secs(LEASE_S + 1))
                .await?)
        }
    }
}

/// The approved request to take back an effect that has no end of its own.
fn undo_request(proposal: &Proposal) -> Option<Digest> {
    let State::Succeeded(done) = proposal.state() else {
        return None;
    };
    match done.undo {
        UndoState::Approved { request } if !done.restore_pending() => Some(request),
        UndoState::None | UndoState::Requested { .. } | UndoState::Approved { .. } => None,
    }
}

/// An undo that was asked for does not overwrite what somebody else set since: the proposal settles as it is.
async fn give_up(
    deps: &Deps<'_>,
    proposal: &Proposal,
    requested: Digest,
    reason: String,
) -> Result<(), Fault> {
    let fact = ProposalFact::UndoRejected(UndoDecided {
        requested,
        reason: Some(reason),
        policy: None,
        decider: None,
    });
    let proposal = record(deps, existing(deps.trail, proposal.id()).await?, &fact).await?;
    claims::release_all(deps, &proposal).await
}

/// Why an effect is still in force.
pub(crate) struct Stuck {
    reason: String,
    readings: Vec<Reading>,
    drifted: bool,
}

impl Stuck {
    /// Why, in words.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    fn because(reason: impl std::fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            readings: Vec::new(),
            drifted: false,
        }
    }
}

/// Writes, waits for the longest time that a late request of the effect may take to arrive, and reads.
pub(crate) async fn revert(deps: &Deps<'_>, permit: &Permit) -> Result<Vec<Reading>, Stuck> {
    write_before(deps, permit).await?;
    deps.clock
        .sleep(Duration::from_millis(deps.actuator.request_ms()))
        .await;
    write_before(deps, permit).await
}

/// Brings back what does not read as before; returns what the targets read then.
async fn write_before(deps: &Deps<'_>, permit: &Permit) -> Result<Vec<Reading>, Stuck> {
    let mut readings = Vec::new();
    for change in permit.plan().changes.iter().rev() {
        let mut value = deps.actuator.read(&change.target).await.map_err(Stuck::because)?;
        if value == change.after {
            if !permit.fits(deps.clock.now(), deps.actuator.request_ms()) {
                return Err(Stuck::because("the lease is too short for another request"));
            }
            match deps.actuator.revert(permit, change).await {
                // Refused or unclear: the target tells.
                Ok(()) | Err(ActError::Refused(_) | ActError::Unclear(_)) => {}
            }
            value = deps.actuator.read(&change.target).await.map_err(Stuck::because)?;
        }
        if value != change.before {
            let drifted = value != change.after;
            let how = if drifted {
                "drifted: it reads"
            } else {
                "still reads"
            };
            let reading = Reading {
                target: change.target.clone(),
                value,
            };
            let reason = format!("{} {how} {}", change.target, reading.value);
            return Err(Stuck {
                reason,
                readings: vec![reading],
                drifted,
            });
        }
        readings.push(Reading {
            target: change.target.clone(),
            value,
        });
    }
    readings.reverse();
    Ok(readings)
}
