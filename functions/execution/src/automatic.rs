//! Automatic execution: its limits at the start, and how it came out.

use domain::control::Control;
use domain::limit::{self, Reached};
use domain::ports::TrailError;
use domain::proposal::{Decision, Outcome, Proposal, Proposed, State};
use domain::record::{Actor, Entry};
use domain::stream::StreamId;
use domain::time::Timestamp;
use runtime::queue::Fault;

use crate::Deps;

/// Whether no person approved it.
pub(crate) fn is_automatic(proposal: &Proposal) -> bool {
    proposal
        .scored()
        .is_some_and(|scored| scored.decision == Decision::Auto)
}

/// The limit that keeps an automatic execution from starting now. Scoring took its slots in the hour of the decision;
/// it may start in the next.
pub(crate) async fn held_back(
    deps: &Deps<'_>,
    proposal: &Proposal,
    proposed: &Proposed,
) -> Result<Option<Reached>, TrailError> {
    let Some(limits) = proposal.scored().and_then(|scored| scored.automatic) else {
        return Ok(None);
    };
    let expires_at = proposal.last().expires_at.unwrap_or_default();
    let now = deps.clock.now();
    let admitted = limit::admit(deps.trail, proposal.id(), proposed, &limits, now, expires_at).await?;
    Ok(admitted.err().inspect(|reached| {
        tracing::warn!(
            metric = "safety_limit", limit = reached.limit.name(), proposal.id = %proposal.id(),
            reason = reached.because, "a safety limit is reached"
        );
    }))
}

/// Remembers on `control` how an automatic execution came out. Doing so again changes nothing, so that whoever comes
/// after a crash makes up for it.
pub(crate) async fn report(deps: &Deps<'_>, proposal: &Proposal) -> Result<(), Fault> {
    let (Some(limits), Some((failed, at))) = (
        proposal.scored().and_then(|scored| scored.automatic),
        came_out(proposal),
    ) else {
        return Ok(());
    };
    loop {
        let last = deps.trail.last(&StreamId::Control).await?;
        let control = Control::read(last.as_ref()).map_err(TrailError::from)?;
        let failures = limits.failures_in_a_row.get();
        let Some(fact) = control.automatic_outcome(proposal.id(), failed, at, failures) else {
            return Ok(());
        };
        let switched_off =
            control.switches.automatic_off.is_none() && fact.switches().automatic_off.is_some();
        let now = deps.clock.now();
        let entry = Entry::next(StreamId::Control, last.as_ref(), now, Actor::System, &fact);
        match deps.trail.append(entry).await {
            Ok(_) => {
                if switched_off {
                    tracing::error!(
                        alarm = "automatic_off", proposal.id = %proposal.id(),
                        "automatic execution was switched off"
                    );
                }
                return Ok(());
            }
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
}

/// Whether it failed, and when that was known; `None` while nothing can be said. An effect that ended says nothing new:
/// that it had succeeded was known before, and must not end a row of failures that came since.
fn came_out(proposal: &Proposal) -> Option<(bool, Timestamp)> {
    let state = proposal.state();
    let stuck = state
        .execution()
        .and_then(|execution| execution.restore_failed_at);
    match (stuck, state) {
        (Some(at), _) => Some((true, at)),
        (None, State::Closed(Outcome::Failed)) => Some((true, proposal.state_since())),
        (None, State::Succeeded(_)) => Some((false, proposal.settled_at().unwrap_or(proposal.state_since()))),
        (None, _) => None,
    }
}
