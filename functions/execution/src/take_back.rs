//! Taking an effect back: when its own end has come, or a person's undo was approved.

use std::time::Duration;

use domain::inventory::Reading;
use domain::message::Hint;
use domain::ports::ActError;
use domain::proposal::{Failed, Permit, Proposal, ProposalFact, Restored, State, UndoDecided, UndoState};
use domain::value::Digest;
use runtime::queue::{Delivery, Fault, existing};

use crate::claims::{self, Claimed, Wanted};
use crate::{Deps, automatic, outcome, record};

/// A failure to take back is recorded again after this long, seconds: the tries in between are in the log.
const RECORD_AGAIN_S: u64 = 600;

/// How long one restorer keeps the others out, seconds. Short, so that one that dies does not leave the effect
/// in force for long: every write asks first whether it still fits.
pub const LEASE_S: u64 = 20;

/// How long after a try that failed the next one is made, seconds.
pub const AGAIN_S: u64 = 10;

/// How often a message is sent once more. AWS stops a function that calls itself 16 times in a row.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>
pub const MOST_TRIES: u32 = 7;

/// Brings every target back to its before-value, and records it. `delivery` is what woke us.
pub(crate) async fn take_back(
    deps: &Deps<'_>,
    proposal: Proposal,
    delivery: Delivery<'_>,
) -> Result<(), Fault> {
    let Some(execution) = proposal.state().execution().cloned() else {
        return Ok(());
    };
    let now = deps.clock.now();
    let lease_until = now.plus_seconds(LEASE_S);
    let wanted = Wanted::back(&proposal, &execution, lease_until);
    // One takes back at a time: a slow one must not write after a fast one released the targets.
    let held = match claims::take(deps, &wanted).await? {
        Claimed::All(held) => held,
        // What relies on it would be broken. Housekeeping comes back to it, until that has ended.
        Claimed::TakenBy(other) => {
            tracing::info!(proposal.id = %proposal.id(), holder.id = %other, "a target is taken: not taken back yet");
            return Ok(());
        }
        // Its own message comes back if it dies; a later delivery may be just that message.
        Claimed::Busy | Claimed::Forged(_) if delivery.receives > 1 => {
            return Err(Fault::Later("another function takes it back".to_owned()));
        }
        Claimed::Busy | Claimed::Forged(_) => return Ok(()),
    };
    if let Some(requested) = undo_request(&proposal) {
        let inventory = match deps.gateway.inventory().await {
            Ok(inventory) => inventory,
            Err(err) => {
                claims::give_back(deps, proposal.id(), &held).await;
                return outcome::unread(&proposal, err.into());
            }
        };
        if let Some(empties) = execution.plan.undo_empties(&inventory) {
            let reason = format!("not taken back: {empties}");
            tracing::warn!(proposal.id = %proposal.id(), reason, "the undo is refused");
            return give_up(deps, &proposal, requested, reason).await;
        }
    }
    let Some(permit) = proposal.permit_undo(&held, lease_until, now) else {
        return claims::release_all(deps, &proposal).await;
    };
    let reverted = revert(deps, &permit).await;
    if proposal.state().to_take_back(deps.clock.now()).is_none() {
        // What is recorded now would be an end before the end.
        return Err(Fault::Later(
            "the clock went back while an effect was taken back".to_owned(),
        ));
    }
    match reverted {
        Ok(Reverted { readings, wrote }) => {
            let tried = wrote || execution.restore_failed_at.is_some();
            let never = matches!(proposal.state(), State::Unknown(_)) && !tried;
            let fact = match never {
                true => ProposalFact::Failed(Failed {
                    reason: "the change was not in effect at its end".to_owned(),
                    readings,
                }),
                false => ProposalFact::Restored(Restored { readings }),
            };
            let proposal = record(deps, proposal, &fact).await?;
            tracing::info!(proposal.id = %proposal.id(), as = proposal.state().name(), "taken back");
            automatic::report(deps, &proposal).await?;
            claims::release_all(deps, &proposal).await
        }
        Err(Stuck {
            reason,
            readings,
            drifted,
        }) => {
            tracing::error!(alarm = "restore_failed", proposal.id = %proposal.id(), reason, "could not be taken back");
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
            claims::give_back(deps, proposal.id(), &held).await;
            again(deps, &delivery).await
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

/// Sends the message once more, a few times: until housekeeping comes, which sends its own every quarter of a minute for as
/// long as it takes, none of which is sent on. So neither messages nor a function's calls of itself grow with an outage,
/// and nothing that is only to be tried again ends as a dead letter.
pub(crate) async fn again(deps: &Deps<'_>, delivery: &Delivery<'_>) -> Result<(), Fault> {
    let hint = Hint::read(delivery.body).map_err(Fault::Poison)?.again();
    if hint.tries > MOST_TRIES {
        return Ok(());
    }
    Ok(deps.restores.send(&hint, Duration::from_secs(AGAIN_S)).await?)
}

/// What taking back came to.
pub(crate) struct Reverted {
    readings: Vec<Reading>,
    /// Whether anything read as planned, and was written.
    wrote: bool,
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
pub(crate) async fn revert(deps: &Deps<'_>, permit: &Permit) -> Result<Reverted, Stuck> {
    let first = write_before(deps, permit).await?;
    deps.clock
        .sleep(Duration::from_millis(deps.actuator.request_ms()))
        .await;
    let second = write_before(deps, permit).await?;
    Ok(Reverted {
        wrote: first.wrote || second.wrote,
        ..second
    })
}

/// Brings back what does not read as before; returns what the targets read then.
async fn write_before(deps: &Deps<'_>, permit: &Permit) -> Result<Reverted, Stuck> {
    let (mut readings, mut wrote) = (Vec::new(), false);
    for change in permit.plan().changes.iter().rev() {
        let mut value = deps.actuator.read(&change.target).await.map_err(Stuck::because)?;
        if value == change.after {
            if !permit.fits(deps.clock.now(), deps.actuator.request_ms()) {
                return Err(Stuck::because("the lease is too short for another request"));
            }
            wrote = true;
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
    Ok(Reverted { readings, wrote })
}
