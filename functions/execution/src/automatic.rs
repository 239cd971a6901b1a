//! Automatic execution: its limits at the start, and how it came out.

use domain::policy::{Automatic, Reached};
use domain::ports::TrailError;
use domain::proposal::{Decision, Outcome, Proposal, Proposed, State};
use domain::trail::{Control, Fact, GuardFact};
use domain::value::Timestamp;
use runtime::queue::Fault;
use trail::{admit, extend_guard};

use crate::Deps;

/// Whether no person approved it.
pub(crate) fn is_automatic(proposal: &Proposal) -> bool {
    limits(proposal).is_some()
}

/// The limits of what runs by itself; none where people approved it, though the policy had before.
fn limits(proposal: &Proposal) -> Option<Automatic> {
    let scored = proposal.scored()?;
    let by_policy = scored.decision == Decision::Auto && proposal.approved().is_none();
    scored.automatic.filter(|_| by_policy)
}

/// The limit that keeps an automatic execution from starting now. Scoring took its slots in the hour of the decision;
/// it may start in the next.
pub(crate) async fn held_back(
    deps: &Deps<'_>,
    proposal: &Proposal,
    proposed: &Proposed,
) -> Result<Option<Reached>, TrailError> {
    let Some(limits) = limits(proposal) else {
        return Ok(None);
    };
    let admitted = admit(deps.trail, deps.clock, proposal, proposed, &limits).await?;
    Ok(admitted.err().inspect(|reached| {
        tracing::warn!(
            metric = "safety_limit", limit = reached.limit.name(), proposal.id = %proposal.id(),
            reason = reached.because, "a safety limit is reached"
        );
    }))
}

/// Remembers on `guard` how an automatic execution came out. Doing so again changes nothing, so that whoever comes
/// after a crash makes up for it.
pub(crate) async fn report(deps: &Deps<'_>, proposal: &Proposal) -> Result<(), Fault> {
    let (Some(limits), Some((failed, at))) = (limits(proposal), came_out(proposal)) else {
        return Ok(());
    };
    let failures = limits.failures_in_a_row.get();
    let counts = |control: &Control, _| control.automatic_outcome(proposal.id(), failed, at, failures);
    if let Some(record) = extend_guard(deps.trail, deps.clock, counts).await?
        && let GuardFact::AutomaticOff(_) = GuardFact::read(&record).map_err(TrailError::from)?
    {
        tracing::error!(
            alarm = "automatic_off", proposal.id = %proposal.id(),
            "automatic execution was switched off"
        );
    }
    Ok(())
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
