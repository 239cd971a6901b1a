//! `scoring`: scores a proposal's risk and decides whether a person must approve it.
//!
//! There is no gateway in its [`Deps`]: scoring cannot act.

pub mod config;

use domain::deployment::Deployment;
use domain::limit;
use domain::message::Message;
use domain::ports::{Clock, Policies, Trail, TrailError, load_control, load_proposal};
use domain::proposal::{Decision, Proposal, ProposalFact, Proposed, Scored, State};
use domain::record::Actor;
use domain::risk::{self, Subject};
use domain::time::Timestamp;
use runtime::queue::{Delivery, Fault};

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
    let id = match Message::parse(delivery.body).map_err(|err| Fault::Poison(err.to_string()))? {
        Message::Hint(id) => id,
        Message::Incident(_) => {
            return Err(Fault::Poison(
                "an incident event does not belong on this queue".to_owned(),
            ));
        }
    };
    loop {
        let proposal = load_proposal(deps.trail, &id).await?;
        let proposal = proposal
            .ok_or_else(|| Fault::Poison(format!("there is no proposal {id}: its stream has no records")))?;
        let (State::Proposed, Some(proposed)) = (proposal.state(), proposal.proposed()) else {
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
        let scored = within_limits(deps, &proposal, proposed, scored, now).await?;
        let (score, decision) = (scored.score, scored.decision);
        let entry = proposal
            .entry(now, Actor::Agent, &ProposalFact::Scored(scored))
            .map_err(TrailError::from)?;
        match deps.trail.append(entry).await {
            Ok(_) => {
                tracing::info!(proposal.id = %id, risk.score = score, risk.decision = decision.name(), "scored");
                return Ok(());
            }
            Err(TrailError::Conflict { .. }) => {}
            Err(err) => return Err(err.into()),
        }
    }
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
    let expires_at = proposal.last().expires_at.unwrap_or_default();
    match limit::admit(deps.trail, proposal.id(), proposed, limits, now, expires_at).await? {
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
