//! Verifying: some time after an effect, the very metric that fired is asked again.

use domain::proposal::{ProposalFact, State, Verified};
use domain::value::ProposalId;
use runtime::queue::{Fault, existing};

use crate::{Deps, record};

/// Records what the metric says now, once.
pub(crate) async fn verify(deps: &Deps<'_>, id: &ProposalId) -> Result<(), Fault> {
    let proposal = existing(deps.trail, id).await?;
    let had_effect = match proposal.state() {
        State::Succeeded(_) => true,
        State::Closed(outcome) => *outcome == domain::proposal::Outcome::Restored,
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Approved(_)
        | State::Executing(_)
        | State::Unknown(_) => false,
    };
    if !had_effect || proposal.verified().is_some() {
        return Ok(());
    }
    // Of an effect with an end it is asked after the end: a target that is blocked has nothing to measure.
    let execution = proposal.state().execution().or(proposal.effect());
    let due = execution
        .and_then(|execution| execution.restore_at)
        .unwrap_or(proposal.state_since())
        .plus_seconds(deps.verify_after_s);
    if deps.clock.now() < due {
        // Somebody else's. Ours comes when it is due.
        tracing::warn!(proposal.id = %id, %due, "too early to verify");
        return Ok(());
    }
    let condition = deps
        .gateway
        .reading(deps.clock.now())
        .await?
        .condition_afterwards(&proposal.received().event);
    tracing::info!(proposal.id = %id, condition = ?condition, "verified");
    record(deps, proposal, &ProposalFact::Verified(Verified { condition })).await?;
    Ok(())
}
