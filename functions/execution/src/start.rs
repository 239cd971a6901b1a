//! Starting: nothing is written to the outside before `started` is on the trail.

use std::time::Duration;

use domain::action::{Complaint, Preview, Undo};
use domain::inventory::Condition;
use domain::proposal::{
    Approval, Expired, Held, Precondition, Proposal, ProposalFact, Proposed, Refused, Started, State, Unclear,
};
use domain::trail::{Actor, Control, Record};
use domain::value::Timestamp;
use runtime::queue::Fault;
use trail::{Advanced, Next, advance, load_control, name_forged};

use crate::authority::{self, Objection};
use crate::claims::{self, Claimed, Wanted};
use crate::{Deps, automatic, outcome, recompute, record, voters};

/// How long to wait before trying again for a target that another proposal holds.
const TAKEN_AGAIN: Duration = Duration::from_secs(10);

/// Starts an approved proposal, or says on the trail why not.
pub(crate) async fn start(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let (State::Approved(approval), Some(proposed)) = (proposal.state(), proposal.proposed()) else {
        return Ok(());
    };
    let (approval, proposed) = (approval.clone(), proposed.clone());
    let control = load_control(deps.trail).await?;
    if let Some(pause) = &control.switches.paused {
        // Housekeeping comes back to it after the pause.
        tracing::info!(proposal.id = %proposal.id(), reason = pause.reason, "paused: not started");
        return Ok(());
    }
    if let Some(expired) = expired(&approval, deps.clock.now()) {
        record(deps, proposal, &expired).await?;
        return Ok(());
    }
    if let Some(from) = approval.not_before
        && approval.is_held_back(deps.clock.now())
    {
        let remaining = Duration::from_millis(from.millis_since(deps.clock.now()));
        tracing::info!(proposal.id = %proposal.id(), not_before = %from, "held back: will start then");
        return Ok(deps.again.hint(proposal.id(), remaining).await?);
    }
    let automatic = automatic::is_automatic(&proposal);
    if automatic && control.switches.automatic_off.is_some() {
        tracing::info!(proposal.id = %proposal.id(), "automatic execution is off: not started");
        return Ok(());
    }
    match authority::refusal(deps, &proposal).await? {
        Some(Objection::Refuse(refused)) => {
            tracing::warn!(proposal.id = %proposal.id(), reason = refused.explanation, "refused");
            record(deps, proposal, &ProposalFact::Refused(refused)).await?;
            return Ok(());
        }
        Some(Objection::NotNow(because)) => {
            // Housekeeping comes back to it.
            tracing::warn!(proposal.id = %proposal.id(), reason = because, "not started");
            return Ok(());
        }
        None => {}
    }
    match decided(deps, &proposal, &approval, &control, automatic).await? {
        Decided::Stands => {}
        Decided::Waits(why) => {
            // Housekeeping comes back to it until the approval is over; then it is scored again.
            tracing::warn!(proposal.id = %proposal.id(), reason = why, "not started yet");
            return Ok(());
        }
        Decided::Refused(refused) => {
            tracing::warn!(proposal.id = %proposal.id(), reason = refused.explanation, "refused");
            record(deps, proposal, &ProposalFact::Refused(refused)).await?;
            return Ok(());
        }
    }
    let now = deps.clock.now();
    let wanted = Wanted {
        proposal: proposal.id(),
        targets: &proposed.preview.plan.claims,
        lease_until: now.plus_seconds(deps.lease_s),
        restore_at: restore_at(&proposed.preview, now),
        taking_back: false,
    };
    let held = match claims::take(deps, &wanted).await? {
        Claimed::All(held) => held,
        Claimed::TakenBy(other) => {
            tracing::info!(proposal.id = %proposal.id(), holder.id = %other, "a target is taken: will be tried again");
            return Ok(deps.again.hint(proposal.id(), TAKEN_AGAIN).await?);
        }
        Claimed::Busy => return Err(Fault::Later("another function is about to start it".to_owned())),
        Claimed::Forged(fault) => {
            // Housekeeping comes back to it; by then somebody may have set it aside.
            name_forged(deps.trail, deps.clock, &fault).await?;
            tracing::warn!(proposal.id = %proposal.id(), reason = %fault, "nobody knows who holds a target: not started");
            return Ok(());
        }
    };
    let id = proposal.id().clone();
    match begin(deps, proposal, &proposed, &held, automatic).await {
        Ok(Some((proposal, started))) => outcome::perform(deps, proposal, &started).await,
        Ok(None) => claims::release(deps, &id, &held).await,
        Err(fault) => {
            // Not started: nobody else should wait for our lease to end.
            claims::release(deps, &id, &held).await?;
            Err(fault)
        }
    }
}

/// Takes over from an executor that died: the effect is absolute, so doing it again is doing it once. While the
/// agent is paused it is not done again: the targets are read, and what they say is recorded.
pub(crate) async fn start_again(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let State::Executing(execution) = proposal.state().clone() else {
        return Ok(());
    };
    let paused = load_control(deps.trail).await?.switches.paused.is_some();
    let objection = match paused {
        true => None,
        false => authority::refusal(deps, &proposal).await?,
    };
    if let Some(cause) = not_again(paused, objection) {
        if execution.plan.page.is_some() {
            // Nothing tells whether a page was sent. Housekeeping comes back to it after the pause.
            return Ok(());
        }
        let proposal = record(deps, proposal, &ProposalFact::Unknown(Unclear { cause })).await?;
        return outcome::settle(deps, proposal, None).await;
    }
    let now = deps.clock.now();
    let wanted = Wanted::of(&proposal, &execution, now.plus_seconds(deps.lease_s), false);
    let held = match claims::take(deps, &wanted).await? {
        Claimed::All(held) => held,
        Claimed::TakenBy(other) => return Err(Fault::Later(format!("{other} holds a target"))),
        Claimed::Busy | Claimed::Forged(_) => {
            return Err(Fault::Later(
                "another function is about to take it over".to_owned(),
            ));
        }
    };
    tracing::warn!(proposal.id = %proposal.id(), "takes over from an executor that died");
    let started = Started {
        plan: execution.plan,
        held,
        lease_until: now.plus_seconds(deps.lease_s),
        restore_at: execution.restore_at,
        extension: None,
    };
    let proposal = record(deps, proposal, &ProposalFact::Started(started)).await?;
    let started = proposal.last().clone();
    outcome::perform(deps, proposal, &started).await
}

/// Whether what was decided still holds.
enum Decided {
    /// It does.
    Stands,
    /// It cannot be told, since the policy in force cannot be had.
    Waits(String),
    /// It does not.
    Refused(Refused),
}

/// Asks again, under the policy, the deployment, the switches and the directory of now: what was decided without a
/// person is computed again, and everybody who approved is looked up.
async fn decided(
    deps: &Deps<'_>,
    proposal: &Proposal,
    approval: &Approval,
    control: &Control,
    automatic: bool,
) -> Result<Decided, Fault> {
    let in_force = deps.policies.in_force(control).await;
    if let (true, Some(why)) = (automatic, &in_force.instead_because) {
        return Ok(Decided::Waits(why.clone()));
    }
    let now = deps.clock.now();
    let refusal = match automatic {
        true => recompute::refusal(deps, proposal, &in_force, control, now),
        false => voters::refusal(deps, proposal, approval, &in_force, control, now).await?,
    };
    Ok(match (refusal, in_force.instead_because) {
        (None, _) => Decided::Stands,
        // What stands in for a policy refuses nobody for good.
        (Some(_), Some(why)) => Decided::Waits(why),
        (Some(refused), None) => Decided::Refused(refused),
    })
}

/// Why an effect that was begun is not begun again, but looked at.
fn not_again(paused: bool, objection: Option<Objection>) -> Option<String> {
    match (paused, objection) {
        (true, _) => Some("its executor died, and the agent is paused".to_owned()),
        (false, Some(Objection::Refuse(Refused { explanation, .. }) | Objection::NotNow(explanation))) => {
            Some(format!(
                "its executor died, and it is not begun again: {explanation}"
            ))
        }
        (false, None) => None,
    }
}

type Begun = (Proposal, Record);

/// Checks the preconditions again and appends `started`; `None` where one failed or the approval ran out meanwhile,
/// which is recorded.
async fn begin(
    deps: &Deps<'_>,
    proposal: Proposal,
    proposed: &Proposed,
    held: &[Held],
    automatic: bool,
) -> Result<Option<Begun>, Fault> {
    let refusal = match deps.gateway.inventory().await {
        Ok(inventory) => {
            let condition = inventory.condition(&proposal.received().event);
            let event = &proposal.received().event;
            let preview = proposed
                .action
                .check(event, Some(&inventory), &deps.deployment.limits);
            refusal(&condition, preview, proposed, automatic)
        }
        // A person who approved a page is not kept waiting by the gateway they are paged about.
        Err(_) if proposed.preview.plan.changes.is_empty() && !automatic => None,
        Err(err) => return Err(err.into()),
    };
    let refusal = match refusal {
        Some(refusal) => Some(refusal),
        None => automatic::held_back(deps, &proposal, proposed)
            .await?
            .map(|reached| Refused {
                precondition: Precondition::Limit,
                explanation: reached.because,
            }),
    };
    if let Some(refusal) = refusal {
        tracing::info!(proposal.id = %proposal.id(), reason = refusal.explanation, "refused");
        record(deps, proposal, &ProposalFact::Refused(refusal)).await?;
        return Ok(None);
    }
    let State::Approved(approval) = proposal.state().clone() else {
        return Ok(None);
    };
    // Decided at the instant of the record: the approval may run out between the check above and this one.
    let starts = |current: &Proposal, now: Timestamp| match current.state() {
        State::Approved(still) if *still == approval => Next::Append(match expired(&approval, now) {
            Some(expired) => expired,
            None => ProposalFact::Started(Started {
                plan: proposed.preview.plan.clone(),
                held: held.to_vec(),
                lease_until: now.plus_seconds(deps.lease_s),
                restore_at: restore_at(&proposed.preview, now),
                extension: None,
            }),
        }),
        State::Approved(_)
        | State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Executing(_)
        | State::Unknown(_)
        | State::Succeeded(_)
        | State::Closed(_) => Next::Refuse(()),
    };
    let id = proposal.id().clone();
    match advance(deps.trail, deps.clock, proposal, &Actor::Agent, starts).await? {
        Advanced::Appended(proposal) if matches!(proposal.state(), State::Executing(_)) => {
            let started = proposal.last().clone();
            Ok(Some((proposal, started)))
        }
        Advanced::Appended(_) | Advanced::Nothing(_) => Ok(None),
        Advanced::Refused(()) => Err(Fault::Conflict(format!("{id} moved on meanwhile"))),
    }
}

fn refusal(
    condition: &Condition,
    preview: Result<Preview, Vec<Complaint>>,
    proposed: &Proposed,
    automatic: bool,
) -> Option<Refused> {
    let refuse = |precondition, explanation| {
        Some(Refused {
            precondition,
            explanation,
        })
    };
    match (condition, preview) {
        (Condition::Refuted(observed), _) => refuse(
            Precondition::Condition,
            format!("the condition is gone: {observed}"),
        ),
        (Condition::Unreadable(problem), _) if automatic => refuse(
            Precondition::Condition,
            format!("the gateway does not confirm the condition any more: {problem}"),
        ),
        (_, Err(complaints)) => {
            let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            refuse(Precondition::Possible, complaints.join("; "))
        }
        (_, Ok(preview)) if preview.plan != proposed.preview.plan => refuse(
            Precondition::NoDrift,
            "the gateway is not as it was when this was previewed".to_owned(),
        ),
        (Condition::Confirmed(_) | Condition::Unreadable(_), Ok(_)) => None,
    }
}

fn restore_at(preview: &Preview, now: Timestamp) -> Option<Timestamp> {
    match preview.undo {
        Undo::Restore { after_s } => Some(now.plus_seconds(after_s)),
        Undo::OnDemand | Undo::OneShot => None,
    }
}

fn expired(approval: &Approval, now: Timestamp) -> Option<ProposalFact> {
    let deadline = approval.deadline();
    deadline.has_passed(now).then_some(ProposalFact::Expired(Expired {
        deadline: deadline.set,
        extension: deadline.extension,
    }))
}
