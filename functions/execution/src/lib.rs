//! `execution`: the only function that changes production.
//!
//! Woken by three queues: approvals, restores that are due, and verifications. A message says only which
//! proposal to look at. What is to be done follows from its trail:
//!
//! | state | is done |
//! | --- | --- |
//! | approved | [`start`]: what was decided is asked again, claims, preconditions, `started`, the effect, read-back |
//! | executing, lease over | [`start`] again: the effect is absolute. While paused the targets are read instead |
//! | unknown, lease over | [`outcome`]: the targets are read |
//! | effect's end passed, or undo approved | [`take_back`] |
//! | any, with a record that does not hold | [`doubted`]: nothing starts, and what is in force ends on time |
//! | settled, and its effect's end came a while ago | [`doubted`]: the targets are asked whether it ended |
//! | settled | claims that were left are released; of an automatic one, its outcome is remembered |
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod authority;
pub mod automatic;
pub mod claims;
pub mod config;
pub mod doubted;
pub mod outcome;
mod recompute;
pub mod start;
pub mod take_back;
pub mod verify;
mod voters;

use domain::message::Lane;
use domain::ports::{Actuator, Clock, Gateway, Operators, Policies, Queue, Trail};
use domain::proposal::{Lease, Proposal, ProposalFact, State};
use domain::trail::Actor;
use domain::value::{Deployment, ProposalId};
use runtime::queue::{Delivery, Fault, existing, hinted, in_turns};
use trail::{Advanced, KnownIncidents, Next, advance};

/// A lease outlives its holder: the function's timeout, one request's deadline and some seconds more.
pub const LEASE_MARGIN_S: u64 = 7;

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// The incidents that this process has seen.
    pub incidents: &'a KnownIncidents,
    /// The gateway, reading.
    pub gateway: &'a dyn Gateway,
    /// The gateway and the pager, writing.
    pub actuator: &'a dyn Actuator,
    /// Its own queue, for another try.
    pub again: &'a dyn Queue,
    /// Its own queue of restores, which no pause switches off.
    pub restores: &'a dyn Queue,
    /// Its own queue of verifications.
    pub verifications: &'a dyn Queue,
    /// Weights, calendars, limits and rules.
    pub policies: &'a dyn Policies,
    /// Threshold, switches and deadlines, and the licence tier: for how long records are kept.
    pub deployment: &'a Deployment,
    /// Who may decide: whoever did is looked up again before anything starts.
    pub operators: &'a dyn Operators,
    /// The time.
    pub clock: &'a dyn Clock,
    /// How long whoever acts keeps the others out, seconds: longer than a function can live.
    pub lease_s: u64,
    /// How long after an effect its metric is asked again, seconds.
    pub verify_after_s: u64,
}

/// Works one message of one of the queues.
pub async fn handle(deps: &Deps<'_>, lane: Lane, delivery: Delivery<'_>) -> Result<(), Fault> {
    let id = hinted(&delivery)?;
    // Whole turns, not one append: what is to be done is decided anew where the proposal moved on meanwhile.
    in_turns(deps.clock, async || match lane {
        Lane::Verify => verify::verify(deps, &id).await,
        Lane::Execution | Lane::Restore => act(deps, &id, delivery).await,
        Lane::Ingest
        | Lane::Scoring
        | Lane::Announce
        | Lane::Slack
        | Lane::Outbox
        | Lane::Housekeeping
        | Lane::Strays => Err(Fault::Poison(NOT_OURS.to_owned())),
    })
    .await
}

/// Why a message of another queue is not worked.
pub const NOT_OURS: &str = "the message is of a queue that is not one of execution's";

/// Does what a proposal's state asks for now.
async fn act(deps: &Deps<'_>, id: &ProposalId, delivery: Delivery<'_>) -> Result<(), Fault> {
    let receives = delivery.receives;
    let proposal = existing(deps.trail, id).await?;
    let now = deps.clock.now();
    if let Some(fault) = proposal.standing().fault.clone() {
        return doubted::without_it(deps, proposal, &fault, &delivery).await;
    }
    if proposal.state().to_take_back(now).is_some() {
        return take_back::take_back(deps, proposal, delivery).await;
    }
    match proposal.state() {
        State::Approved(_) => start::start(deps, proposal).await,
        State::Executing(execution) => match busy(&execution.lease, id, receives, deps) {
            Some(later) => later,
            None => start::start_again(deps, proposal).await,
        },
        State::Unknown(execution) => match busy(&execution.lease, id, receives, deps) {
            Some(later) => later,
            None => outcome::settle(deps, proposal, None).await,
        },
        State::Succeeded(done) => match done.execution.restore_at {
            // Delivered early: the queue counts whole seconds.
            Some(at) => Ok(deps
                .restores
                .hint(id, std::time::Duration::from_millis(at.millis_since(now)))
                .await?),
            None => finish(deps, &proposal).await,
        },
        State::Closed(_) => {
            doubted::ask_targets(deps, &proposal, &delivery).await?;
            finish(deps, &proposal).await
        }
        State::Reasoning(_) | State::Proposed | State::AwaitingApproval(_) => Ok(()),
    }
}

/// What may be left to do once an effect came out one way or the other.
async fn finish(deps: &Deps<'_>, proposal: &Proposal) -> Result<(), Fault> {
    automatic::report(deps, proposal).await?;
    claims::release_all(deps, proposal).await
}

/// What to do about a message that meets somebody else's lease; `None` where the lease is over.
///
/// The first delivery may be a duplicate, and the holder's own message comes back if it dies. A later one may
/// be just that message: it must not be lost before the lease is over.
fn busy(lease: &Lease, id: &ProposalId, receives: u32, deps: &Deps<'_>) -> Option<Result<(), Fault>> {
    if !lease.holds(deps.clock.now()) {
        None
    } else if receives > 1 {
        Some(Err(Fault::Later(format!(
            "another function acts for {id} until its lease ends"
        ))))
    } else {
        Some(Ok(()))
    }
}

/// Appends a fact, through whatever only informs and comes between; a conflict where the state moved on.
async fn record(deps: &Deps<'_>, proposal: Proposal, fact: &ProposalFact) -> Result<Proposal, Fault> {
    let state = proposal.state().clone();
    let appends = |current: &Proposal, _| match *current.state() == state {
        true => Next::Append(fact.clone()),
        false => Next::Refuse(()),
    };
    let id = proposal.id().clone();
    match advance(deps.trail, deps.clock, proposal, &Actor::Agent, appends).await? {
        Advanced::Appended(proposal) | Advanced::Nothing(proposal) => Ok(proposal),
        Advanced::Refused(()) => Err(Fault::Conflict(format!("{id} moved on meanwhile"))),
    }
}
