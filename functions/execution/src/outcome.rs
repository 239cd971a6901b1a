//! The effect itself, and what became of it: told by reading the targets, never by believing a reply.

use std::time::Duration;

use domain::action::{Page, Plan};
use domain::incident::Severity;
use domain::inventory::Reading;
use domain::ports::ActError;
use domain::proposal::{Failed, Permit, Proposal, ProposalFact, State, Succeeded, Unclear};
use domain::trail::Record;
use runtime::queue::Fault;

use crate::{Deps, record};

/// Tries of a page whose reply stayed away, under one dedup key.
const PAGE_TRIES: usize = 3;

/// What one try at the effect came to.
enum Tried {
    /// Every write was answered with yes.
    Done { receipt: Option<String> },
    /// A write was certainly not done.
    Refused(String),
    /// A write may have been done.
    Unclear(String),
}

/// Brings the effect about and records what came of it. `started` is the record that we wrote.
pub(crate) async fn perform(deps: &Deps<'_>, proposal: Proposal, started: &Record) -> Result<(), Fault> {
    let Some(permit) = proposal.permit_apply(started) else {
        return Err(Fault::Later("another function took over".to_owned()));
    };
    if let State::Executing(execution) = proposal.state()
        && let Some(end) = execution.restore_at
    {
        // Before the break: a crash here must leave a restore scheduled.
        let delay = Duration::from_millis(end.millis_since(deps.clock.now()));
        deps.restores.hint(proposal.id(), delay).await?;
    }
    match attempt(deps, &permit).await? {
        Tried::Done { receipt } => settle(deps, proposal, Some((&permit, receipt))).await,
        Tried::Refused(reason) => refused(deps, proposal, &permit, reason).await,
        Tried::Unclear(cause) => {
            tracing::warn!(proposal.id = %proposal.id(), cause, "unknown whether it took effect");
            let proposal = record(deps, proposal, &ProposalFact::Unknown(Unclear { cause })).await?;
            settle(deps, proposal, Some((&permit, None))).await
        }
    }
}

/// Writes whatever does not read as planned yet.
async fn attempt(deps: &Deps<'_>, permit: &Permit) -> Result<Tried, Fault> {
    for change in &permit.plan().changes {
        let value = deps.actuator.read(&change.target).await?;
        if value == change.after {
            continue;
        }
        if value != change.before {
            return Ok(Tried::Refused(format!(
                "{} drifted: it reads {value}",
                change.target
            )));
        }
        within(deps, permit)?;
        match deps.actuator.apply(permit, change).await {
            Ok(()) => {}
            Err(ActError::Refused(reason)) => return Ok(Tried::Refused(reason)),
            Err(ActError::Unclear(cause)) => return Ok(Tried::Unclear(cause)),
        }
    }
    match &permit.plan().page {
        Some(page) => send_page(deps, permit, page).await,
        None => Ok(Tried::Done { receipt: None }),
    }
}

/// Stops a holder whose time is over.
fn within(deps: &Deps<'_>, permit: &Permit) -> Result<(), Fault> {
    if permit.fits(deps.clock.now(), deps.actuator.request_ms()) {
        Ok(())
    } else {
        Err(Fault::Later(
            "the lease is too short for another request".to_owned(),
        ))
    }
}

/// Sends a page. Under its dedup key, sending it again is harmless: the one idempotent exception to reading.
async fn send_page(deps: &Deps<'_>, permit: &Permit, page: &Page) -> Result<Tried, Fault> {
    let key = format!("{}/page", permit.proposal());
    let mut last = String::new();
    for _ in 0..PAGE_TRIES {
        within(deps, permit)?;
        match deps.actuator.page(permit, page, &key).await {
            Ok(()) => return Ok(Tried::Done { receipt: Some(key) }),
            Err(ActError::Refused(reason)) => return Ok(Tried::Refused(reason)),
            Err(ActError::Unclear(cause)) => last = cause,
        }
    }
    // Still executing: when the lease is over it is sent again, until the pager takes or refuses it.
    Err(Fault::Retry(anyhow::anyhow!("the pager did not answer: {last}")))
}

/// Reads the targets and records what became of the effect.
///
/// Where some do not read as planned, they are read once more after the longest time that a lost request
/// may still take to arrive.
pub(crate) async fn settle(
    deps: &Deps<'_>,
    proposal: Proposal,
    ours: Option<(&Permit, Option<String>)>,
) -> Result<(), Fault> {
    let Some(plan) = proposal
        .state()
        .execution()
        .map(|execution| execution.plan.clone())
    else {
        return Ok(());
    };
    let (permit, receipt) = ours.unzip();
    let mut readings = match read_all(deps, &plan).await {
        Ok(readings) => readings,
        Err(fault) => return unread(&proposal, fault),
    };
    if !as_planned(&plan, &readings) {
        deps.clock
            .sleep(Duration::from_millis(deps.actuator.request_ms()))
            .await;
        readings = match read_all(deps, &plan).await {
            Ok(readings) => readings,
            Err(fault) => return unread(&proposal, fault),
        };
    }
    if as_planned(&plan, &readings) {
        let fact = ProposalFact::Succeeded(Succeeded {
            readings,
            receipt: receipt.flatten(),
        });
        return succeeded(deps, proposal, &fact).await;
    }
    let reason = match drift(&plan, &readings) {
        Some(drift) => drift,
        None if may_still_land(&proposal, deps) => {
            // A request that was given up may be worked late. It keeps its targets until its end; then they are read again,
            // and what landed is taken back.
            tracing::warn!(proposal.id = %proposal.id(), "it has not taken effect yet: it may until its end");
            return Ok(());
        }
        None => "the change did not take effect".to_owned(),
    };
    failed(deps, proposal, permit, reason, readings).await
}

/// Whether nobody knows what became of a write, and its effect has an end, which has not come.
fn may_still_land(proposal: &Proposal, deps: &Deps<'_>) -> bool {
    let State::Unknown(execution) = proposal.state() else {
        return false;
    };
    execution.restore_at.is_some_and(|end| deps.clock.now() < end)
}

/// What a target that cannot be read means to a proposal that began: nothing. Housekeeping comes back to it every minute,
/// and neither a record nor a dead letter is left for each try.
pub(crate) fn unread(proposal: &Proposal, fault: Fault) -> Result<(), Fault> {
    match fault {
        Fault::Retry(err) => {
            tracing::warn!(proposal.id = %proposal.id(), error = format!("{err:#}"), "its targets cannot be read now");
            Ok(())
        }
        Fault::Poison(_) | Fault::Conflict(_) | Fault::Later(_) => Err(fault),
    }
}

/// A page that is not sent again: whether it was sent is not known.
pub(crate) async fn failed_page(deps: &Deps<'_>, proposal: Proposal, reason: String) -> Result<(), Fault> {
    failed(deps, proposal, None, reason, Vec::new()).await
}

async fn refused(deps: &Deps<'_>, proposal: Proposal, permit: &Permit, reason: String) -> Result<(), Fault> {
    let Some(plan) = proposal
        .state()
        .execution()
        .map(|execution| execution.plan.clone())
    else {
        return Ok(());
    };
    let readings = read_all(deps, &plan).await?;
    failed(deps, proposal, Some(permit), reason, readings).await
}

async fn succeeded(deps: &Deps<'_>, proposal: Proposal, fact: &ProposalFact) -> Result<(), Fault> {
    let proposal = record(deps, proposal, fact).await?;
    tracing::info!(proposal.id = %proposal.id(), "succeeded");
    let now = deps.clock.now();
    let ends_in = proposal
        .state()
        .execution()
        .and_then(|execution| execution.restore_at)
        .map_or(0, |end| end.millis_since(now));
    let delay = Duration::from_millis(ends_in) + Duration::from_secs(deps.verify_after_s);
    deps.verifications.hint(proposal.id(), delay).await?;
    crate::finish(deps, &proposal).await
}

async fn failed(
    deps: &Deps<'_>,
    proposal: Proposal,
    permit: Option<&Permit>,
    reason: String,
    readings: Vec<Reading>,
) -> Result<(), Fault> {
    let drifted = proposal
        .state()
        .execution()
        .and_then(|execution| drift(&execution.plan, &readings));
    tracing::error!(proposal.id = %proposal.id(), reason, "failed");
    let proposal = record(deps, proposal, &ProposalFact::Failed(Failed { reason, readings })).await?;
    if let (Some(permit), Some(drift)) = (permit, drifted) {
        page_drift(deps, permit, &drift).await;
    }
    crate::finish(deps, &proposal).await
}

/// Somebody else changed the target: a person must look. Best effort, as the trail and the bus say it, too.
pub(crate) async fn page_drift(deps: &Deps<'_>, permit: &Permit, drift: &str) {
    let summary: String = format!("sre-agent {}: {drift}", permit.proposal())
        .chars()
        .take(300)
        .collect();
    let page = Page {
        severity: Severity::Critical,
        summary,
    };
    if let Err(err) = deps
        .actuator
        .page(permit, &page, &format!("{}/drift", permit.proposal()))
        .await
    {
        tracing::error!(proposal.id = %permit.proposal(), error = %err, "could not page about a drift");
    }
}

/// Every target of a plan, read now.
pub(crate) async fn read_all(deps: &Deps<'_>, plan: &Plan) -> Result<Vec<Reading>, Fault> {
    let mut readings = Vec::new();
    for change in &plan.changes {
        let value = deps.actuator.read(&change.target).await?;
        readings.push(Reading {
            target: change.target.clone(),
            value,
        });
    }
    Ok(readings)
}

fn as_planned(plan: &Plan, readings: &[Reading]) -> bool {
    plan.changes
        .iter()
        .zip(readings)
        .all(|(change, reading)| change.after == reading.value)
}

/// Which target reads neither as before nor as planned.
pub(crate) fn drift(plan: &Plan, readings: &[Reading]) -> Option<String> {
    let drifted = plan
        .changes
        .iter()
        .zip(readings)
        .find(|(change, reading)| reading.value != change.before && reading.value != change.after);
    drifted.map(|(change, reading)| format!("{} drifted: it reads {}", change.target, reading.value))
}
