//! Verifying: some time after an effect, the very metric that fired is asked again.

use std::time::Duration;

use domain::inventory::LONGEST_WINDOW_S;
use domain::proposal::{ProposalFact, State, Verified};
use domain::value::ProposalId;
use runtime::queue::{Fault, existing};

use crate::{Deps, record};

/// The shortest time after which it is looked again.
const SHORTEST_WAIT: Duration = Duration::from_secs(10);

/// Records what the metric says now, once.
pub(crate) async fn verify(deps: &Deps<'_>, id: &ProposalId) -> Result<(), Fault> {
    let proposal = existing(deps.trail, id).await?;
    if !proposal.had_effect() || proposal.verified().is_some() {
        return Ok(());
    }
    // Of an effect with an end it is asked after the end: a target that is blocked has nothing to measure. Where it could not
    // be taken back yet, housekeeping comes when it was.
    if let State::Succeeded(done) = proposal.state()
        && done.execution.restore_at.is_some()
    {
        tracing::warn!(proposal.id = %id, "still in force: too early to verify");
        return Ok(());
    }
    let execution = proposal.state().execution().or(proposal.effect());
    let end = execution
        .and_then(|execution| execution.restore_at)
        .unwrap_or(proposal.state_since());
    let due = end.plus_seconds(deps.verify_after_s);
    // Where it could not be taken back in time it ended when it was.
    let end = end.max(proposal.state_since());
    if deps.clock.now() < due {
        // Somebody else's. Ours comes when it is due.
        tracing::warn!(proposal.id = %id, %due, "too early to verify");
        return Ok(());
    }
    let inventory = deps.gateway.reading(deps.clock.now()).await?;
    let event = &proposal.received().event;
    // What the gateway measures over its last minutes tells of this effect once they all lie behind its end.
    let provider = event.provider().and_then(|id| inventory.provider(id));
    let window_s = provider.map_or(0, |provider| provider.window_s.min(LONGEST_WINDOW_S));
    let measured = end.plus_seconds(window_s);
    let as_of = inventory.read_at.min(deps.clock.now());
    let waits = deps.clock.now() < end.plus_seconds(LONGEST_WINDOW_S);
    if as_of < measured && waits {
        let left = Duration::from_millis(measured.millis_since(as_of)).max(SHORTEST_WAIT);
        tracing::info!(proposal.id = %id, %measured, "what is measured still holds what was before");
        deps.verifications.hint(id, left).await?;
        return Ok(());
    }
    let condition = inventory.condition_afterwards(event);
    tracing::info!(proposal.id = %id, condition = ?condition, "verified");
    record(deps, proposal, &ProposalFact::Verified(Verified { condition })).await?;
    Ok(())
}
