//! Automatic execution: its limits at the start, and how it came out.

use domain::limit::{self, Reached};
use domain::ports::{TrailError, load_control};
use domain::proposal::{Decision, Outcome, Proposal, Proposed, State};
use domain::record::{Actor, Entry};
use domain::stream::StreamId;
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
    let (Some(limits), Some(failed)) = (
        proposal.scored().and_then(|scored| scored.automatic),
        came_out(proposal.state()),
    ) else {
        return Ok(());
    };
    loop {
        let control = load_control(deps.trail).await?;
        let failures = limits.failures_in_a_row.get();
        let Some(fact) = control.automatic_outcome(proposal.id(), failed, proposal.state_since(), failures)
        else {
            return Ok(());
        };
        let switched_off =
            control.switches.automatic_off.is_none() && fact.switches().automatic_off.is_some();
        let last = deps.trail.last(&StreamId::Control).await?;
        if last.as_ref().map_or(0, |last| last.seq) != control.seq {
            continue;
        }
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

/// Whether it failed; `None` while nothing can be said.
fn came_out(state: &State) -> Option<bool> {
    match state {
        State::Closed(Outcome::Failed) => Some(true),
        State::Closed(Outcome::Restored) => Some(false),
        State::Succeeded(done) => Some(done.execution.restore_failed_at.is_some()),
        State::Executing(execution) | State::Unknown(execution) => {
            execution.restore_failed_at.is_some().then_some(true)
        }
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Approved(_)
        | State::Closed(
            Outcome::Declined | Outcome::Shadow | Outcome::Rejected | Outcome::Expired | Outcome::Refused,
        ) => None,
    }
}
