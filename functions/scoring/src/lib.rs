//! `scoring`: scores a proposal's risk and decides whether a person must approve it.
//!
//! There is no gateway in its [`Deps`]: scoring cannot act.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod config;

use domain::policy::{Automatic, Reached};
use domain::ports::{Clock, Policies, Trail, TrailError};
use domain::proposal::{Decision, Proposal, ProposalFact, Proposed, Scored, State};
use domain::risk::{self, Subject};
use domain::trail::Actor;
use domain::value::{Deployment, Timestamp};
use runtime::queue::{Delivery, Fault, existing, hinted};
use trail::{Advanced, Next, admit, advance, load_control};

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// Weights, calendars, limits and rules.
    pub policies: &'a dyn Policies,
    /// Threshold, switches and deadlines.
    pub deployment: &'a Deployment,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Works one message of the queue.
pub async fn handle(deps: &Deps<'_>, delivery: Delivery<'_>) -> Result<(), Fault> {
    let id = hinted(&delivery)?;
    let proposal = existing(deps.trail, &id).await?;
    let Some(proposed) = to_be_scored(&proposal) else {
        return Ok(());
    };
    let control = load_control(deps.trail).await?;
    if let Some(pause) = &control.switches.paused {
        // Housekeeping comes back to it after the pause.
        tracing::info!(proposal.id = %id, reason = pause.reason, "paused: not scored");
        return Ok(());
    }
    let in_force = deps.policies.in_force(&control).await;
    let score = |proposal: &Proposal, now| {
        let subject = Subject::of(proposal)?;
        Some(risk::score(&subject, &in_force, deps.deployment, &control, now))
    };
    let first = score(&proposal, deps.clock.now());
    let slots = match first.as_ref().and_then(|scored| scored.automatic.as_ref()) {
        Some(limits) => Some(take_slots(deps, &proposal, proposed, limits).await?),
        None => None,
    };
    // What only informs may come between. Whatever else does, has scored it, or made another proposal of it. The score
    // is of the instant of its record, so that whoever has the record can compute it again.
    let scores = |current: &Proposal, now| {
        if to_be_scored(current) != Some(proposed) {
            return Next::Nothing;
        }
        match score(current, now).map(|scored| within_limits(scored, slots.as_ref(), deps.deployment, now)) {
            Some(Some(scored)) => Next::Append(ProposalFact::Scored(scored)),
            Some(None) => {
                Next::Refuse("it may run by itself since a moment ago: its slots are still to be taken")
            }
            None => Next::Nothing,
        }
    };
    match advance(deps.trail, deps.clock, proposal.clone(), &Actor::Agent, scores).await? {
        Advanced::Appended(scored) => {
            if let Some(scored) = scored.scored() {
                tracing::info!(
                    proposal.id = %id, risk.score = scored.score, risk.decision = scored.decision.name(), "scored"
                );
            }
            Ok(())
        }
        Advanced::Nothing(_) => Ok(()),
        Advanced::Refused(later) => Err(Fault::Later(later.to_owned())),
    }
}

fn to_be_scored(proposal: &Proposal) -> Option<&Proposed> {
    proposal
        .proposed()
        .filter(|_| *proposal.state() == State::Proposed)
}

/// Takes the slots that an automatic decision needs, or says which limit is reached.
async fn take_slots(
    deps: &Deps<'_>,
    proposal: &Proposal,
    proposed: &Proposed,
    limits: &Automatic,
) -> Result<Result<(), Reached>, TrailError> {
    let admitted = admit(deps.trail, deps.clock, proposal, proposed, limits).await?;
    Ok(admitted.inspect_err(|reached| {
        tracing::warn!(
            metric = "safety_limit", limit = reached.limit.name(), proposal.id = %proposal.id(), reason = reached.because,
            "a safety limit is reached"
        );
    }))
}

/// What the limits make of a score: where no slot is left, a person is asked. `None` where slots are needed, and none
/// were asked for.
fn within_limits(
    scored: Scored,
    slots: Option<&Result<(), Reached>>,
    deployment: &Deployment,
    now: Timestamp,
) -> Option<Scored> {
    match (scored.decision, slots) {
        (Decision::Gate | Decision::Shadow, _) | (Decision::Auto, Some(Ok(()))) => Some(scored),
        (Decision::Auto, Some(Err(reached))) => Some(scored.held_by(reached.clone(), deployment, now)),
        (Decision::Auto, None) => None,
    }
}
