//! `scoring`: scores a proposal's risk and decides whether a person must approve it.
//!
//! There is no gateway in its [`Deps`]: scoring cannot act.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod config;

use std::convert::Infallible;

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
    let now = deps.clock.now();
    let subject = Subject {
        id: &id,
        event: &proposal.received().event,
        proposed,
    };
    let scored = risk::score(&subject, &in_force, deps.deployment, &control, now);
    let scored = match proposal.is_touched() && scored.decision == Decision::Auto {
        true => scored.asks_people(TOUCHED, deps.deployment, now),
        false => within_limits(deps, &proposal, proposed, scored, now).await?,
    };
    let (score, decision) = (scored.score, scored.decision);
    // What only informs may come between. Whatever else does, has scored it, or made another proposal of it.
    let scores = |current: &Proposal, _| match to_be_scored(current) == Some(proposed) {
        true => Next::Append(ProposalFact::Scored(scored.clone())),
        false => Next::<_, Infallible>::Nothing,
    };
    if let Advanced::Appended(_) =
        advance(deps.trail, deps.clock, proposal.clone(), &Actor::Agent, scores).await?
    {
        tracing::info!(proposal.id = %id, risk.score = score, risk.decision = decision.name(), "scored");
    }
    Ok(())
}

/// Why what might run by itself does not any more.
const TOUCHED: &str = "a person changed it or took its approval back, so that people decide";

fn to_be_scored(proposal: &Proposal) -> Option<&Proposed> {
    proposal
        .proposed()
        .filter(|_| *proposal.state() == State::Proposed)
}

/// Takes the slots that an automatic decision needs. Where one is not left, a person is asked.
async fn within_limits(
    deps: &Deps<'_>,
    proposal: &Proposal,
    proposed: &Proposed,
    scored: Scored,
    now: Timestamp,
) -> Result<Scored, TrailError> {
    let (Decision::Auto, Some(limits)) = (scored.decision, &scored.automatic) else {
        return Ok(scored);
    };
    match admit(deps.trail, deps.clock, proposal, proposed, limits).await? {
        Ok(()) => Ok(scored),
        Err(reached) => {
            tracing::warn!(
                metric = "safety_limit", limit = reached.limit.name(), proposal.id = %proposal.id(), reason = reached.because,
                "a safety limit is reached"
            );
            Ok(scored.held_by(reached, deps.deployment, now))
        }
    }
}
