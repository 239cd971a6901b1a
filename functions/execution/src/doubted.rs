//! Where the records cannot be relied on: nothing starts, and what is in force ends all the same.
//!
//! A record that does not hold hides nothing of what stands before it: an effect that began there is taken back at its own
//! end. And a while after that end the targets are asked whether it ended, whatever the records say.

use std::time::Duration;

use domain::proposal::{Execution, Proposal};
use domain::trail::{BrokenChain, StreamId};
use runtime::queue::{Delivery, Fault};
use trail::{alarm, extend_guard, load_control, name_forged};

use crate::Deps;
use crate::claims::{self, Claimed, Wanted};
use crate::take_back::{LEASE_S, again, revert};

/// Names the record that does not hold, and takes back what those before it say is due.
pub(crate) async fn without_it(
    deps: &Deps<'_>,
    proposal: Proposal,
    fault: &BrokenChain,
    delivery: &Delivery<'_>,
) -> Result<(), Fault> {
    name_forged(deps.trail, deps.clock, fault).await?;
    let now = deps.clock.now();
    let Some(execution) = proposal.state().to_take_back(now).cloned() else {
        let end = proposal
            .state()
            .execution()
            .and_then(|execution| execution.restore_at);
        if let Some(end) = end {
            let delay = Duration::from_millis(end.millis_since(now));
            deps.restores.hint(proposal.id(), delay).await?;
        }
        return Ok(());
    };
    // That `guard` says it was taken back is no more than said: the target is asked, for as long as nobody else may have
    // set it since.
    let control = load_control(deps.trail).await?;
    if control.guard().has_taken_back(&fault.stream, fault.seq) {
        let asked = execution.is_asked(now);
        return match asked {
            true => ask(deps, &proposal, &execution, delivery).await,
            false => Ok(()),
        };
    }
    put_back(deps, &proposal, &execution, fault, delivery).await
}

/// Asks the targets of an effect whether it ended, as the records say. Where it did not, it is ended now.
pub(crate) async fn ask_targets(
    deps: &Deps<'_>,
    proposal: &Proposal,
    delivery: &Delivery<'_>,
) -> Result<(), Fault> {
    match proposal.ended(deps.clock.now()).cloned() {
        Some(execution) => ask(deps, proposal, &execution, delivery).await,
        None => Ok(()),
    }
}

/// Asks the targets, and ends what is still in force.
async fn ask(
    deps: &Deps<'_>,
    proposal: &Proposal,
    execution: &Execution,
    delivery: &Delivery<'_>,
) -> Result<(), Fault> {
    let mut in_force = None;
    for change in &execution.plan.changes {
        let value = match deps.actuator.read(&change.target).await {
            Ok(value) => value,
            Err(err) => {
                tracing::warn!(proposal.id = %proposal.id(), error = %err, "a target does not say whether the effect ended");
                return again(deps, delivery).await;
            }
        };
        if value == change.after && value != change.before {
            in_force.get_or_insert(format!("{} still reads {value}", change.target));
        }
    }
    let Some(reads) = in_force else {
        return Ok(());
    };
    let fault = BrokenChain {
        stream: StreamId::Proposal(proposal.id().clone()),
        seq: proposal.moved().seq,
        kind: proposal.state().name().to_owned(),
        problem: format!("says that the effect ended, and {reads}"),
    };
    put_back(deps, proposal, execution, &fault, delivery).await
}

/// Brings the targets back without a record on the proposal, which takes none; `guard` says that it was done.
async fn put_back(
    deps: &Deps<'_>,
    proposal: &Proposal,
    execution: &Execution,
    fault: &BrokenChain,
    delivery: &Delivery<'_>,
) -> Result<(), Fault> {
    let now = deps.clock.now();
    let lease_until = now.plus_seconds(LEASE_S);
    let wanted = Wanted::back(proposal, execution, lease_until);
    let held = match claims::take(deps, &wanted).await? {
        Claimed::All(held) => held,
        // Whoever holds it does with it what is theirs to do.
        Claimed::TakenBy(other) => {
            tracing::info!(proposal.id = %proposal.id(), holder.id = %other, "a target is another's now: left alone");
            return Ok(());
        }
        Claimed::Busy | Claimed::Forged(_) => return again(deps, delivery).await,
    };
    let permit = proposal
        .permit_undo(&held, lease_until, now)
        .or_else(|| proposal.permit_end(&held, lease_until, now));
    let Some(permit) = permit else {
        claims::give_back(deps, proposal.id(), &held).await;
        return Ok(());
    };
    alarm(fault);
    if let Err(stuck) = revert(deps, &permit).await {
        tracing::error!(
            alarm = "restore_failed", proposal.id = %proposal.id(), reason = stuck.reason(), "could not be taken back"
        );
        return again(deps, delivery).await;
    }
    tracing::warn!(proposal.id = %proposal.id(), "taken back from the records before one that does not hold");
    extend_guard(deps.trail, deps.clock, |control, _| control.took_back(fault)).await?;
    claims::release_ended(deps, proposal.id(), execution).await
}
