//! From an event received to one action proposed, or declined.

use std::convert::Infallible;

use domain::action::{Action, ActionKind, Plan};
use domain::incident::{Badness, Event};
use domain::inventory::{Condition, Inventory};
use domain::ports::{Brief, Conclusion};
use domain::proposal::{
    DeclineReason, Declined, Evidence, History, Proposal, ProposalFact, Proposed, Report, State,
};
use domain::trail::generation::{Course, Ending, MOST_FRUITLESS};
use domain::trail::{Actor, Fact as _, MAX_BODY_BYTES};
use runtime::queue::Fault;
use trail::{Advanced, Next, advance, look_back};

use crate::{Deps, refuse};

/// Reasons, and records the conclusion if the lease is still ours.
pub(crate) async fn conclude(deps: &Deps<'_>, proposal: Proposal) -> Result<(), Fault> {
    let State::Reasoning(lease) = *proposal.state() else {
        return Ok(());
    };
    let fact = recordable(conclusion(deps, &proposal).await?);
    // A repetition may have come between, which changes nothing. Another `received` means that our lease ran out: the
    // conclusion belongs to whoever took it.
    let concludes = |current: &Proposal, _| match *current.state() == State::Reasoning(lease) {
        true => Next::Append(fact.clone()),
        false => Next::<_, Infallible>::Nothing,
    };
    match advance(deps.trail, deps.clock, proposal, &Actor::Agent, concludes).await? {
        Advanced::Appended(proposal) => {
            let record = proposal.last();
            tracing::info!(proposal.id = %proposal.id(), record.kind = record.kind, record.seq = record.seq, "concluded");
        }
        Advanced::Nothing(proposal) => {
            tracing::warn!(proposal.id = %proposal.id(), "dropped a conclusion that came after its lease");
        }
        Advanced::Refused(never) => match never {},
    }
    Ok(())
}

/// How often a proposal is reasoned about. Whoever does may die of it, and each time may cost money.
const MOST_TRIES: u64 = 5;

/// A conclusion that a record holds. One that it does not would be reached again and again: a person has to look.
fn recordable(fact: ProposalFact) -> ProposalFact {
    let bytes = fact.body().len();
    if bytes <= MAX_BODY_BYTES {
        return fact;
    }
    let explanation = format!(
        "what would be done has {bytes} bytes, and a record holds {MAX_BODY_BYTES}: a person has to look"
    );
    tracing::error!(bytes, "a conclusion is too large to be recorded");
    declined(DeclineReason::TooLarge, explanation)
}

async fn conclusion(deps: &Deps<'_>, proposal: &Proposal) -> Result<ProposalFact, Fault> {
    let received = proposal.received();
    let event = &received.event;
    let tier = deps.deployment.tier;
    if !tier.runs_agent() {
        let explanation = format!(
            "the {} tier does not run the agent: business and enterprise do",
            tier.name()
        );
        return Ok(declined(DeclineReason::Unlicensed, explanation));
    }
    if proposal.tries() > MOST_TRIES {
        let explanation = format!(
            "whoever reasoned about it did not come to an end {MOST_TRIES} times: a person has to look"
        );
        return Ok(declined(DeclineReason::OutOfTries, explanation));
    }
    if let Some(contradiction) = event.contradiction() {
        return Ok(declined(DeclineReason::Contradiction, contradiction));
    }
    let inventory = deps.gateway.reading(deps.clock.now()).await;
    let condition = match &inventory {
        Ok(inventory) => inventory.condition(event),
        Err(err) => Condition::Unreadable(err.to_string()),
    };
    let borne_out = inventory
        .as_ref()
        .ok()
        .and_then(|inventory| inventory.borne_out(event));
    if let Condition::Refuted(observed) = condition {
        if let Some(missing) = inventory
            .ok()
            .and_then(|inventory| inventory.missing_subject(event))
        {
            refuse::name(deps, proposal, &missing).await?;
        }
        return Ok(declined(
            DeclineReason::Unconfirmed,
            format!("the gateway does not confirm it: {observed}"),
        ));
    }
    let (event, foreign) = match (&inventory, &received.source) {
        (Ok(inventory), Some(source)) => deps.sources.heard(source, event, inventory),
        (Ok(_) | Err(_), _) => (event.clone(), None),
    };
    let mut received = received.clone();
    received.event = event;
    received.complaints.extend(foreign.clone());
    let (event, received) = (&received.event, &received);
    let course = &received.course;
    if course.is_exhausted() {
        return Ok(ProposalFact::Declined(Declined {
            reason: DeclineReason::Fruitless,
            explanation: in_vain(course),
            proposer: None,
            borne_out,
        }));
    }
    let inventory = inventory.ok();
    let brief = Brief {
        proposal: proposal.id(),
        received,
        inventory: inventory.as_ref(),
        deadline: deps.deadline.min(received.lease_until),
    };
    Ok(match deps.reasoner.reason(&brief).await? {
        Conclusion::Decline(decline) => ProposalFact::Declined(Declined { borne_out, ..decline }),
        Conclusion::Propose {
            action,
            rationale,
            proposer,
        } => {
            // As if the reasoner were hostile: bounds, targets and relation to the event are decided here.
            match action.check(event, inventory.as_ref(), &deps.deployment.limits) {
                Ok(preview) => match asked_before(course, &action, &preview.plan, borne_out) {
                    Some(explanation) => ProposalFact::Declined(Declined {
                        reason: DeclineReason::AskedBefore,
                        explanation,
                        proposer: Some(proposer),
                        borne_out,
                    }),
                    None => ProposalFact::Proposed(Box::new(Proposed {
                        evidence: evidence(&condition, inventory.as_ref(), event, &preview.plan)
                            .with_history(before(deps, proposal, &preview.plan).await)
                            .without(foreign)
                            .with_report(Report::new(
                                received.source.as_deref(),
                                &received.complaints,
                                &course.tried,
                            )),
                        action,
                        preview,
                        proposer,
                        rationale,
                    })),
                },
                Err(complaints) => {
                    let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
                    ProposalFact::Declined(Declined {
                        reason: DeclineReason::OutOfScope,
                        explanation: format!("the action is not possible: {}", complaints.join("; ")),
                        proposer: Some(proposer),
                        borne_out,
                    })
                }
            }
        }
    })
}

/// What was tried, none of which helped.
fn in_vain(course: &Course) -> String {
    let tried: Vec<String> = course
        .tried
        .iter()
        .filter(|tried| tried.ended != Ending::Paged)
        .take(usize::try_from(MOST_FRUITLESS).unwrap_or(usize::MAX))
        .map(|tried| {
            let action = tried.action.map_or("nothing", ActionKind::name);
            format!("{} ({action}) {}", tried.proposal, tried.ended.words())
        })
        .collect();
    format!(
        "{MOST_FRUITLESS} times in a row what was tried against it did not help: {}. No more is proposed: a person has to look",
        tried.join("; ")
    )
}

/// Why the same is not asked again: it was turned down, and the trouble has not become worse since.
fn asked_before(course: &Course, action: &Action, plan: &Plan, borne_out: Option<Badness>) -> Option<String> {
    let outdoes = |badness: Badness| course.worst.is_none_or(|worst| badness.is_worse_than(worst));
    let worse = borne_out.is_some_and(outdoes);
    let turned_down = course.turned_down(action.kind(), &plan.changed())?;
    (!worse).then(|| {
        format!(
            "{action}: that was turned down as {}, and is not asked again unless the trouble becomes worse",
            turned_down.proposal
        )
    })
}

fn declined(reason: DeclineReason, explanation: String) -> ProposalFact {
    ProposalFact::Declined(Declined {
        reason,
        explanation,
        proposer: None,
        borne_out: None,
    })
}

/// What was before; absent where the trail cannot tell: scoring takes it at its worst.
pub(crate) async fn before(deps: &Deps<'_>, proposal: &Proposal, plan: &Plan) -> Option<History> {
    let history = look_back(
        deps.trail,
        deps.incidents,
        proposal.id(),
        &plan.changed(),
        deps.clock.now(),
    )
    .await;
    history
        .inspect_err(
            |err| tracing::warn!(proposal.id = %proposal.id(), error = %err, "the history could not be read"),
        )
        .ok()
}

fn evidence(condition: &Condition, inventory: Option<&Inventory>, event: &Event, plan: &Plan) -> Evidence {
    match (inventory, condition) {
        (Some(inventory), _) => Evidence::gather(event, plan, inventory),
        (None, Condition::Unreadable(problem)) => Evidence::unreadable(problem),
        (None, Condition::Confirmed(_) | Condition::Refuted(_)) => {
            Evidence::unreadable("the gateway was not read")
        }
    }
}
