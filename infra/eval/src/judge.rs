//! One incident through one reasoner: the answer as production would record it, and whether it is right.

use domain::action::{Action, Complaint};
use domain::inventory::Condition;
use domain::ports::{Brief, Clock, Conclusion, Reasoner};
use domain::proposal::{DeclineReason, Fallback, Proposer, Reasoning, Received, Verbatim};
use domain::value::{Limits, Micros, ProposalId};

use crate::expected::Expected;
use crate::set::Incident;

/// What production would do with an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Propose this.
    Act(Action),
    /// Decline.
    Decline(DeclineReason),
    /// Decline, because what the reasoner chose is not possible.
    Invalid(Action, Vec<Complaint>),
    /// Try again later: the reasoner was not available.
    Failed(String),
}

/// An answer, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub answer: Answer,
    /// Whether the reasoner was asked. What contradicts itself, or the gateway, is declined before.
    pub asked: bool,
    /// Whether an acceptable answer is the same action, or to decline as well.
    pub action_matches: bool,
    /// Whether parameters or reason are acceptable, too.
    pub parameters_match: bool,
    /// Whether it is the best answer.
    pub best: bool,
    /// Whether to decline is among the acceptable answers.
    pub may_decline: bool,
    /// Whether to decline is the only one.
    pub must_decline: bool,
    /// What it cost, USD.
    pub cost: Micros,
    /// How long the reasoner took, ms.
    pub took_ms: u64,
}

/// How reasoners are asked.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The time that passes while a reasoner reasons.
    pub clock: &'a dyn Clock,
    /// How long it may take, seconds.
    pub limit_s: u64,
    /// Bounds of actions.
    pub limits: &'a Limits,
}

/// Asks about an incident, and judges the answer.
pub async fn judge(terms: Terms<'_>, reasoner: &dyn Reasoner, incident: &Incident) -> Verdict {
    let answered = answer(terms, reasoner, incident).await;
    let matches = |right: &dyn Fn(&Expected) -> bool| incident.expect.iter().any(right);
    let takes = |expected: &Expected| match &answered.answer {
        Answer::Act(action) => expected.takes(action),
        Answer::Decline(reason) => expected.takes_reason(*reason),
        Answer::Invalid(..) | Answer::Failed(_) => false,
    };
    Verdict {
        action_matches: match &answered.answer {
            Answer::Act(action) => matches(&|expected| expected.is_action(action)),
            Answer::Decline(_) => matches(&Expected::is_decline),
            Answer::Invalid(..) | Answer::Failed(_) => false,
        },
        parameters_match: matches(&takes),
        best: incident.expect.first().is_some_and(takes),
        may_decline: matches(&Expected::is_decline),
        must_decline: incident.expect.iter().all(Expected::is_decline),
        answer: answered.answer,
        asked: answered.asked,
        cost: answered.cost,
        took_ms: answered.took_ms,
    }
}

struct Answered {
    answer: Answer,
    asked: bool,
    cost: Micros,
    took_ms: u64,
}

/// The steps of `ingest-and-propose`, in its order.
async fn answer(terms: Terms<'_>, reasoner: &dyn Reasoner, incident: &Incident) -> Answered {
    let (event, inventory) = (&incident.event, incident.inventory.as_ref());
    let by_rule = |reason| Answered {
        answer: Answer::Decline(reason),
        asked: false,
        cost: Micros(0),
        took_ms: 0,
    };
    if event.contradiction().is_some() {
        return by_rule(DeclineReason::Contradiction);
    }
    if let Some(Condition::Refuted(_)) = inventory.map(|inventory| inventory.condition(event)) {
        return by_rule(DeclineReason::Unconfirmed);
    }
    let began = terms.clock.now();
    let deadline = began.plus_seconds(terms.limit_s);
    let received = Received {
        course: domain::trail::generation::Course::default(),
        source: None,
        event: event.clone(),
        verbatim: Verbatim::Inline(incident.text.clone()),
        occurred_at: event.occurred_at(incident.received_at),
        lease_until: deadline,
        requested_by: None,
        complaints: Vec::new(),
    };
    let brief = Brief {
        proposal: &ProposalId::new(event.fingerprint(), 1),
        received: &received,
        inventory,
        deadline,
    };
    let conclusion = reasoner.reason(&brief).await;
    let took_ms = terms.clock.now().millis_since(began);
    let (answer, cost) = match conclusion {
        Err(unavailable) => (Answer::Failed(unavailable.to_string()), Micros(0)),
        Ok(Conclusion::Decline(declined)) => (
            Answer::Decline(declined.reason),
            declined.proposer.as_ref().map_or(Micros(0), cost),
        ),
        Ok(Conclusion::Propose { action, proposer, .. }) => {
            let answer = match action.check(event, inventory, terms.limits) {
                Ok(_) => Answer::Act(action),
                Err(complaints) => Answer::Invalid(action, complaints),
            };
            (answer, cost(&proposer))
        }
    };
    Answered {
        answer,
        asked: true,
        cost,
        took_ms,
    }
}

/// What the models charged, also where the runbook stood in for them in the end.
fn cost(proposer: &Proposer) -> Micros {
    let reasoning: Option<&Reasoning> = match proposer {
        Proposer::Model(reasoning) => Some(reasoning),
        Proposer::Runbook { instead_of, .. } => instead_of
            .as_ref()
            .and_then(|Fallback { reasoning, .. }| reasoning.as_ref()),
    };
    reasoning.map_or(Micros(0), |reasoning| reasoning.cost)
}
