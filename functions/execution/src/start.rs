//! Starting: nothing is written to the outside before `started` is on the trail.

use std::borrow::Cow;
use std::time::Duration;

use domain::action::{Complaint, Preview, Undo};
use domain::inventory::Condition;
use domain::ports::TrailError;
use domain::proposal::{
    Approval, Expired, Held, Kind, Precondition, Proposal, ProposalFact, Proposed, Refused, Started, State,
    Unclear,
};
use domain::trail::{Actor, Control, Record, StreamId};
use domain::value::Timestamp;
use runtime::queue::Fault;
use trail::{Advanced, Next, advance, load_control, name_forged};

use crate::authority::{self, Objection};
use crate::claims::{self, Claimed, Wanted};
use crate::{Deps, automatic, outcome, recompute, record, voters};

/// What an approved proposal may do now.
enum Leave {
    /// It may start.
    Given,
    /// Not before an instant: people may still object.
    From(Timestamp),
    /// Something that may pass keeps it: housekeeping comes back to it, every minute, until its approval is over.
    NotNow(String),
    /// Its approval is over.
    Over(Expired),
    /// It never will.
    Refused(Refused),
}

impl Leave {
    /// Why not, in words.
    fn objection(self) -> Option<String> {
        match self {
            Leave::Given => None,
            Leave::From(at) => Some(format!("people may object until {at}")),
            Leave::NotNow(why) => Some(why),
            Leave::Over(_) => Some("its approval is over".to_owned()),
            Leave::Refused(refused) => Some(refused.explanation),
        }
    }
}

/// Starts an approved proposal, or says on the trail why not.
pub(crate) async fn start(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let (State::Approved(approval), Some(proposed)) = (proposal.state(), proposal.proposed()) else {
        return Ok(());
    };
    let (approval, proposed) = (approval.clone(), proposed.clone());
    let control = load_control(deps.trail).await?;
    let not_now = |why: &str| tracing::info!(proposal.id = %proposal.id(), reason = why, "not started yet");
    match leave(deps, &proposal, &approval, &control).await? {
        Leave::Given => {}
        Leave::From(at) => {
            let remaining = Duration::from_millis(at.millis_since(deps.clock.now()));
            tracing::info!(proposal.id = %proposal.id(), not_before = %at, "held back: will start then");
            return Ok(deps.again.hint(proposal.id(), remaining).await?);
        }
        Leave::NotNow(why) => {
            not_now(&why);
            return Ok(());
        }
        Leave::Over(expired) => {
            record(deps, proposal, &ProposalFact::Expired(expired)).await?;
            return Ok(());
        }
        Leave::Refused(refused) => {
            tracing::warn!(proposal.id = %proposal.id(), reason = refused.explanation, "refused");
            record(deps, proposal, &ProposalFact::Refused(refused)).await?;
            return Ok(());
        }
    }
    let now = deps.clock.now();
    let wanted = Wanted {
        proposal: proposal.id(),
        targets: Cow::Borrowed(&proposed.preview.plan.claims),
        lease_until: now.plus_seconds(deps.lease_s),
        restore_at: restore_at(&proposed.preview, now),
        taking_back: false,
    };
    // Looked at before anything is written: one that waits for a target leaves no trace of it.
    let claimed = match claims::holder(deps, &wanted).await? {
        Some(other) => Claimed::TakenBy(other),
        None => claims::take(deps, &wanted).await?,
    };
    let held = match claimed {
        Claimed::All(held) => held,
        Claimed::TakenBy(other) => {
            // Housekeeping comes back to it: another message of ours for each that came would be one more every minute.
            not_now(&format!("{other} holds a target"));
            return Ok(());
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
    match begin(deps, proposal, &proposed, &held).await {
        Ok(Some((proposal, started))) => outcome::perform(deps, proposal, &started).await,
        other => {
            // Where it did start after all, and the reply was lost, it keeps them.
            claims::give_back(deps, &id, &held).await;
            other.map(|_| ())
        }
    }
}

/// Takes over from an executor that died.
///
/// What it did is recorded, whatever may be done now. Where it did nothing, everything that a start asks is asked again:
/// hours may have passed. The effect is absolute, so doing it again is doing it once.
pub(crate) async fn start_again(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let (State::Executing(execution), Some(proposed)) =
        (proposal.state().clone(), proposal.proposed().cloned())
    else {
        return Ok(());
    };
    let readings = match outcome::read_all(deps, &execution.plan).await {
        Ok(readings) => readings,
        // Housekeeping comes back to it. Nothing is recorded: it may be long.
        Err(fault) => return outcome::unread(&proposal, fault),
    };
    let untouched = execution.plan.changes.iter().zip(&readings);
    let untouched = untouched
        .into_iter()
        .all(|(change, reading)| change.before == reading.value);
    if !untouched {
        return looked_at(deps, proposal, "its executor died".to_owned()).await;
    }
    let objection = match as_approved(deps, &proposal).await? {
        Some((before, approval)) => {
            let control = load_control(deps.trail).await?;
            let paused = control.switches.paused.is_some();
            if paused && execution.plan.page.is_some() {
                // Nothing tells whether a page was sent. Housekeeping comes back to it after the pause.
                return Ok(());
            }
            match leave(deps, &before, &approval, &control).await?.objection() {
                Some(objection) => Some(objection),
                None => match preconditions(deps, &before, &proposed).await {
                    Ok(refused) => refused.map(|refused| refused.explanation),
                    Err(fault) => return outcome::unread(&proposal, fault),
                },
            }
        }
        None => Some("nobody knows who approved it".to_owned()),
    };
    if let Some(objection) = objection {
        let cause = format!("its executor died, and it is not begun again: {objection}");
        return looked_at(deps, proposal, cause).await;
    }
    let now = deps.clock.now();
    let wanted = Wanted::again(&proposal, &execution, now.plus_seconds(deps.lease_s));
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

/// Records that nobody knows what became of it, and then what its targets say.
async fn looked_at(deps: &Deps<'_>, proposal: Proposal, cause: String) -> Result<(), Fault> {
    tracing::warn!(proposal.id = %proposal.id(), cause, "an executor died");
    if proposal
        .state()
        .execution()
        .is_some_and(|execution| execution.plan.page.is_some())
    {
        let reason = format!("{cause}; whether the page was sent is not known");
        return outcome::failed_page(deps, proposal, reason).await;
    }
    let proposal = record(deps, proposal, &ProposalFact::Unknown(Unclear { cause })).await?;
    outcome::settle(deps, proposal, None).await
}

/// The proposal as it stood before it began, and its approval.
async fn as_approved(deps: &Deps<'_>, proposal: &Proposal) -> Result<Option<(Proposal, Approval)>, Fault> {
    let stream = StreamId::Proposal(proposal.id().clone());
    let mut records = deps.trail.load(&stream).await?;
    let Some(began) = records
        .iter()
        .position(|record| record.kind == Kind::Started.name())
    else {
        return Ok(None);
    };
    records.truncate(began);
    let aside = &proposal.standing().set_aside;
    let before = Proposal::read(&records, deps.trail.keys(), aside).map_err(TrailError::Forged)?;
    Ok(match before.state().clone() {
        State::Approved(approval) => Some((before, approval)),
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Executing(_)
        | State::Unknown(_)
        | State::Succeeded(_)
        | State::Closed(_) => None,
    })
}

/// Whether an approved proposal may start now, as far as records, switches, policy and directory say.
async fn leave(
    deps: &Deps<'_>,
    proposal: &Proposal,
    approval: &Approval,
    control: &Control,
) -> Result<Leave, Fault> {
    if let Some(pause) = &control.switches.paused {
        return Ok(Leave::NotNow(format!("the agent is paused: {}", pause.reason)));
    }
    let now = deps.clock.now();
    if let Some(expired) = expired(proposal, approval, now) {
        return Ok(Leave::Over(expired));
    }
    if let Some(from) = approval.not_before
        && approval.is_held_back(now)
    {
        return Ok(Leave::From(from));
    }
    let automatic = automatic::is_automatic(proposal);
    if automatic && control.switches.automatic_off.is_some() {
        return Ok(Leave::NotNow("automatic execution is off".to_owned()));
    }
    match authority::refusal(deps, proposal).await? {
        Some(Objection::Refuse(refused)) => {
            return Ok(Leave::Refused(refused));
        }
        Some(Objection::NotNow(why)) => return Ok(Leave::NotNow(why)),
        None => {}
    }
    Ok(
        match decided(deps, proposal, approval, control, automatic).await? {
            Decided::Stands => Leave::Given,
            // Until its approval is over; then it is scored again.
            Decided::Waits(why) => Leave::NotNow(why),
            Decided::Refused(refused) => Leave::Refused(refused),
        },
    )
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

type Begun = (Proposal, Record);

/// Which precondition does not hold any more: the condition, what was previewed, the limits.
async fn preconditions(
    deps: &Deps<'_>,
    proposal: &Proposal,
    proposed: &Proposed,
) -> Result<Option<Refused>, Fault> {
    let automatic = automatic::is_automatic(proposal);
    let inventory = match deps.gateway.reading(deps.clock.now()).await {
        Ok(inventory) => inventory,
        // A person who approved a page is not kept waiting by the gateway they are paged about.
        Err(_) if proposed.preview.plan.changes.is_empty() && !automatic => return Ok(None),
        Err(err) => return Err(err.into()),
    };
    let event = &proposal.received().event;
    let preview = proposed
        .action
        .check(event, Some(&inventory), &deps.deployment.limits);
    let refusal = refusal(&inventory.condition_still(event), preview, proposed, automatic);
    if refusal.is_some() {
        return Ok(refusal);
    }
    if automatic
        && let Some(refusal) = recompute::on_evidence_of_now(deps, proposal, proposed, &inventory).await?
    {
        return Ok(Some(refusal));
    }
    let reached = automatic::held_back(deps, proposal, proposed).await?;
    Ok(reached.map(|reached| Refused {
        precondition: Precondition::Limit,
        explanation: reached.because,
    }))
}

/// Checks the preconditions again and appends `started`; `None` where one failed or the approval ran out meanwhile,
/// which is recorded.
async fn begin(
    deps: &Deps<'_>,
    proposal: Proposal,
    proposed: &Proposed,
    held: &[Held],
) -> Result<Option<Begun>, Fault> {
    if let Some(refusal) = preconditions(deps, &proposal, proposed).await? {
        tracing::info!(proposal.id = %proposal.id(), reason = refusal.explanation, "refused");
        record(deps, proposal, &ProposalFact::Refused(refusal)).await?;
        return Ok(None);
    }
    let State::Approved(approval) = proposal.state().clone() else {
        return Ok(None);
    };
    // Decided at the instant of the record: the approval may run out between the check above and this one.
    let starts = |current: &Proposal, now: Timestamp| match current.state() {
        State::Approved(still) if *still == approval => {
            Next::Append(match expired(current, &approval, now) {
                Some(expired) => ProposalFact::Expired(expired),
                None => ProposalFact::Started(Started {
                    plan: proposed.preview.plan.clone(),
                    held: held.to_vec(),
                    lease_until: now.plus_seconds(deps.lease_s),
                    restore_at: restore_at(&proposed.preview, now),
                    extension: None,
                }),
            })
        }
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
        (_, Ok(preview)) if preview.undo != proposed.preview.undo => refuse(
            Precondition::NoDrift,
            "it was previewed to be taken back otherwise than its action is".to_owned(),
        ),
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

fn expired(proposal: &Proposal, approval: &Approval, now: Timestamp) -> Option<Expired> {
    let deadline = approval.deadline();
    deadline.has_passed(now).then_some(Expired {
        deadline: deadline.set,
        extension: deadline.extension,
        closes: proposal.expires_for_good(),
    })
}
