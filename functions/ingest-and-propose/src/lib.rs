//! `ingest-and-propose`: takes an incident event, opens its proposal, and proposes one action or declines.
//!
//! Woken by its queue. A delivery is a hint: what is to be done is decided from the trail, so a duplicate,
//! a late one and one after a crash all do what is still missing, and nothing twice.
//!
//! It is never switched off: while the agent is paused it records what arrives, so that a pause may outlast any queue,
//! and asks no model; the gateway only whose a team is, where a source may not speak for every one. Housekeeping comes back
//! to what was recorded when the pause is over.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod config;
pub mod investigate;
pub mod model;
mod outbreak;
pub mod prompt;
mod propose;
pub mod reach;
mod refuse;
pub mod runbook;
pub mod sources;
pub mod wiring;

use domain::incident::Malformed;
use domain::message::{Message, Reported};
use domain::ports::{Clock, Gateway, Payloads, Reasoner, Trail, TrailError};
use domain::proposal::{Proposal, ProposalFact, Received, Repeated, State, Verbatim, Worse};
use domain::trail::generation::Course;
use domain::trail::{Actor, Fact, MAX_BODY_BYTES};
use domain::value::{Deployment, ProposalId, Timestamp};
use runtime::queue::{Delivery, Fault, existing, in_turns};
use trail::{KnownIncidents, load_control};

use crate::outbreak::Outbreak;
use crate::sources::Sources;

/// A lease outlives its holder: the function's timeout, one request's deadline and some seconds more.
pub const LEASE_MARGIN_S: u64 = 7;

/// What this function may use. There is nothing in it that changes the gateway.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// The incidents that this process has seen.
    pub incidents: &'a KnownIncidents,
    /// Where event texts go that are too large for a record.
    pub payloads: &'a dyn Payloads,
    /// The gateway, reading.
    pub gateway: &'a dyn Gateway,
    /// Who chooses the action.
    pub reasoner: &'a dyn Reasoner,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Limits, licence tier and correlation window.
    pub deployment: &'a Deployment,
    /// The sources whose events are taken, and whom they speak for. The bus's rules filter them as well; the topic cannot.
    pub sources: &'a Sources,
    /// When this invocation ends.
    pub deadline: Timestamp,
    /// How long one reasoner keeps the others out, seconds: longer than a function can live.
    pub lease_s: u64,
}

/// Works one message of the queue.
pub async fn handle(deps: &Deps<'_>, delivery: Delivery<'_>) -> Result<(), Fault> {
    let message = match Message::parse(delivery.body) {
        Ok(message) => message,
        Err(malformed) => return Err(refuse::event(deps, delivery.body, malformed).await),
    };
    if let Message::Incident(incident) = &message
        && let Some(refused) = refuse::not_theirs(deps, incident).await
    {
        return Err(refuse::event(deps, delivery.body, refused).await);
    }
    // Whole turns, not one append: which proposal an event belongs to is decided anew where somebody was quicker.
    let worked = in_turns(deps.clock, async || match &message {
        Message::Incident(incident) => Box::pin(take(deps, incident, delivery.receives)).await,
        Message::Hint(id) => resume(deps, id).await,
    })
    .await;
    match (worked, &message) {
        // What came is in order, and what the trail has of it is not: it is given up all the same.
        (Err(Fault::Poison(reason)), Message::Incident(_)) => {
            Err(refuse::event(deps, delivery.body, Malformed::new("trail", reason)).await)
        }
        (worked, _) => worked,
    }
}

/// Takes an event: finds or opens its proposal, records the event on it, and reasons if nobody else does.
async fn take(deps: &Deps<'_>, incident: &Reported, receives: u32) -> Result<(), Fault> {
    let event = &incident.event;
    let paused = is_paused(deps).await?;
    let Outbreak {
        proposal: id,
        current,
        course,
        worse,
    } = outbreak::of(deps, incident, paused, receives).await?;
    // Nobody reasons during a pause: the lease is over when it begins, and the first after the pause takes it.
    let lease_s = if paused { 0 } else { deps.lease_s };
    let Some(proposal) = current else {
        let received = received(deps, incident, course, lease_s, deps.clock.now()).await?;
        let now = deps.clock.now();
        let entry = Proposal::first_entry(id, received, now, Actor::Agent, deps.deployment.tier);
        let proposal = Proposal::replay(&[deps.trail.append(entry).await?]).map_err(TrailError::from)?;
        return reason(deps, proposal, paused).await;
    };
    let seen = proposal.has_seen(event, deps.clock.now());
    // What the gateway bears out is judged at once, however many worthless events came before.
    let proven = worse.is_some() && proposal.was_declined_for_its_event();
    let better =
        !seen && proposal.is_better_judged_by(event) && matches!(proposal.state(), State::Reasoning(_));
    if better && !is_orphaned(deps, &proposal) {
        // Whoever reasons about the one before may find that it was nothing, and would know nothing of this one.
        return Err(Fault::Later(format!(
            "another function reasons about {id} until its lease ends"
        )));
    }
    if better || !seen && (proven || proposal.judges_afresh(deps.clock.now())) {
        let course = proposal.course().as_of(deps.clock.now());
        let received = received(deps, incident, course, lease_s, deps.clock.now()).await?;
        let entry = proposal
            .entry(deps.clock.now(), Actor::Agent, &ProposalFact::Received(received))
            .map_err(TrailError::from)?;
        let record = deps.trail.append(entry).await?;
        return reason(deps, proposal.apply(&record).map_err(TrailError::from)?, paused).await;
    }
    // What is worse is recorded however often the trouble was reported: it happens a few times at the most.
    let proposal = if seen || (worse.is_none() && !proposal.takes_repeats()) {
        let event_id = event.event_id.as_str();
        tracing::info!(proposal.id = %id, event_id, seen, "taken before, or one of too many: not recorded again");
        proposal
    } else {
        repeat(deps, proposal, incident, worse).await?
    };
    if paused {
        return Ok(());
    }
    if is_orphaned(deps, &proposal) {
        return reason_again(deps, proposal).await;
    }
    // The first delivery may be a duplicate of one being worked. A later one may be the worker's own message, come back
    // because it died: it must not be lost before the lease is over.
    if matches!(proposal.state(), State::Reasoning(_)) && seen && receives > 1 {
        return Err(Fault::Later(format!(
            "another function reasons about {id} until its lease ends"
        )));
    }
    Ok(())
}

/// Reasons about what was just received, unless the agent is paused.
async fn reason(deps: &Deps<'_>, proposal: Proposal, paused: bool) -> Result<(), Fault> {
    if paused {
        tracing::info!(proposal.id = %proposal.id(), "paused: recorded, and not reasoned about");
        return Ok(());
    }
    // On the heap: it is the largest of the futures here, and is made in several places.
    Box::pin(propose::conclude(deps, proposal)).await
}

/// Whether somebody began to reason about it, and died.
fn is_orphaned(deps: &Deps<'_>, proposal: &Proposal) -> bool {
    matches!(proposal.state(), State::Reasoning(lease) if !lease.holds(deps.clock.now()))
}

/// Resumes a proposal whose reasoner died.
async fn resume(deps: &Deps<'_>, id: &ProposalId) -> Result<(), Fault> {
    let proposal = existing(deps.trail, id).await?;
    if is_paused(deps).await? {
        return Ok(());
    }
    match is_orphaned(deps, &proposal) {
        true => reason_again(deps, proposal).await,
        false => Ok(()),
    }
}

/// Whether the agent is paused. What it does where that cannot be read is what it does without the trail: nothing, and
/// the message comes back.
async fn is_paused(deps: &Deps<'_>) -> Result<bool, Fault> {
    Ok(load_control(deps.trail).await?.switches.paused.is_some())
}

async fn repeat(
    deps: &Deps<'_>,
    proposal: Proposal,
    incident: &Reported,
    worse: Option<Worse>,
) -> Result<Proposal, Fault> {
    let event = &incident.event;
    let now = deps.clock.now();
    let repeated = Repeated {
        event_id: event.event_id.clone(),
        occurred_at: event.occurred_at(now),
        content: Some(event.content()),
        source: Some(incident.source.clone()),
        complaints: complaints(incident),
        worse,
    };
    let entry = proposal
        .entry(now, Actor::Agent, &ProposalFact::Repeated(repeated))
        .map_err(TrailError::from)?;
    let record = deps.trail.append(entry).await?;
    Ok(proposal.apply(&record).map_err(TrailError::from)?)
}

/// What of an event was left out, or taken for what it must mean.
fn complaints(incident: &Reported) -> Vec<String> {
    incident.complaints.iter().map(ToString::to_string).collect()
}

/// The body of the first record. A text too large for it goes to the payload bucket.
async fn received(
    deps: &Deps<'_>,
    incident: &Reported,
    course: Course,
    lease_s: u64,
    now: Timestamp,
) -> Result<Received, Fault> {
    let event = incident.event.clone();
    let mut received = Received {
        occurred_at: event.occurred_at(now),
        event,
        verbatim: Verbatim::Inline(incident.text.clone()),
        lease_until: now.plus_seconds(lease_s),
        requested_by: None,
        source: Some(incident.source.clone()),
        course,
        complaints: complaints(incident),
    };
    if ProposalFact::Received(received.clone()).body().len() > MAX_BODY_BYTES {
        let bytes = incident.text.as_bytes();
        received.verbatim = Verbatim::Stored {
            sha256: deps.payloads.put(bytes).await?,
            bytes: bytes.len() as u64,
        };
    }
    Ok(received)
}

/// Takes the lease of a reasoner that died, and reasons.
async fn reason_again(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let now = deps.clock.now();
    let received = Received {
        lease_until: now.plus_seconds(deps.lease_s),
        ..proposal.received().clone()
    };
    let entry = proposal
        .entry(now, Actor::Agent, &ProposalFact::Received(received))
        .map_err(TrailError::from)?;
    let record = deps.trail.append(entry).await?;
    tracing::warn!(proposal.id = %proposal.id(), "took over from a reasoner that died");
    propose::conclude(deps, proposal.apply(&record).map_err(TrailError::from)?).await
}
