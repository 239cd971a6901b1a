//! Small builders for the tests of this crate: one gateway, four events, and proposals that stand
//! wherever a test needs them.

mod gateway;

use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value, json};

pub(crate) use self::gateway::inventory;
use crate::action::Action;
use crate::incident::{Event, SlaMetric};
use crate::inventory::{
    Budget, Change, Contract, Guardrail, Inventory, ModelGroup, Provider, Reading, Route, Setting, Team,
};
use crate::permission::{Circumstances, InForce, Operator, Principal, Resource, Rules, Verb, Verdict};
use crate::policy::Policy;
use crate::proposal::{
    Acknowledged, Approved, Decider, Decision, DeclineReason, Declined, Evidence, Factor, Held,
    IllegalTransition, Proposal, ProposalFact, Proposed, Proposer, Received, Scored, Started, State,
    Succeeded, UndoDecided, UndoRequested, UndoState, Verbatim,
};
use crate::trail::{Actor, Entry, Record};
use crate::value::{BadId, Digest, Micros, Ppm, ProposalId, Tier, Timestamp, WriterId};

/// 10 o'clock on a Sunday, and this many seconds.
pub(crate) fn at(seconds: u64) -> Timestamp {
    let ten: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    ten.plus_seconds(seconds)
}

/// Any id from its text.
pub(crate) fn id<T: FromStr<Err = BadId>>(text: &str) -> T {
    text.parse().unwrap()
}

/// An operator as the actor of a record.
pub(crate) fn person(name: &str) -> Actor {
    operator(name).actor("slack")
}

/// An active operator.
pub(crate) fn operator(name: &str) -> Operator {
    Operator {
        id: id(name),
        name: name.to_owned(),
        bot: false,
        active: true,
        groups: Vec::new(),
        slack: Vec::new(),
        aws: Vec::new(),
        email: None,
    }
}

/// An event of a detail-type: the usual fields, with those of `more` over them.
pub(crate) fn event(detail_type: &str, more: Value) -> Event {
    let mut detail = match detail_type {
        "provider.unhealthy" => {
            json!({"provider": "openai", "error_rate": 0.62, "requests": 180, "window_s": 300})
        }
        "latency.spike" => json!({"provider": "openai", "current_ms": 1900, "median_1h_ms": 400}),
        "budget.exceeded" => {
            json!({"scope": "team", "scope_id": "payments", "kind": "hard", "spend": "104.37",
                                    "limit": "100.00", "period": "monthly"})
        }
        _ => json!({"sla_id": "gold", "metric": "p95", "target": 800, "actual": 1200, "window_s": 300,
                    "provider": "openai"}),
    };
    detail["version"] = json!(1);
    detail["event_id"] = json!("e-1");
    detail["org_id"] = json!("acme");
    for (field, value) in more.as_object().unwrap() {
        detail[field] = value.clone();
    }
    Event::parse(detail_type, &detail).unwrap()
}

/// `openai` fails.
pub(crate) fn unhealthy() -> Event {
    event("provider.unhealthy", json!({}))
}

/// An action from its JSON form.
pub(crate) fn action(form: Value) -> Action {
    serde_json::from_value(form).unwrap()
}

/// A break of `openai`.
pub(crate) fn breaks(duration_s: u64) -> Action {
    action(json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": duration_s}))
}

/// The group `chat` from `openai` to `anthropic`: an effect without an end, undone on demand.
pub(crate) fn reroutes() -> Action {
    action(
        json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
    )
}

/// A page: an effect that cannot be taken back.
pub(crate) fn pages() -> Action {
    action(json!({"action": "page_oncall", "severity": "critical", "summary": "openai fails"}))
}

/// A proposal's records, one told after the other.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    /// The records so far.
    pub(crate) records: Vec<Record>,
    proposal: Proposal,
}

impl Story {
    /// An event was received at second 0 and somebody reasons until second 60.
    pub(crate) fn of(event: &Event, requested_by: Option<&str>) -> Self {
        let received = Received {
            course: crate::trail::generation::Course::default(),
            source: None,
            event: event.clone(),
            verbatim: Verbatim::Inline("{}".to_owned()),
            occurred_at: at(0),
            lease_until: at(60),
            requested_by: requested_by.map(id),
            complaints: Vec::new(),
        };
        let proposal = ProposalId::new(event.fingerprint(), 1);
        let entry = Proposal::first_entry(proposal, received, at(0), Actor::Agent, Tier::Business);
        let records = vec![entry.seal(writer(1))];
        let proposal = Proposal::replay(&records).unwrap();
        Self { records, proposal }
    }

    /// The last record.
    pub(crate) fn last(&self) -> &Record {
        self.records.last().unwrap()
    }

    /// The proposal it makes.
    pub(crate) fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// With one more record, or why that is illegal.
    pub(crate) fn attempt(
        &self,
        when: Timestamp,
        actor: Actor,
        fact: &ProposalFact,
    ) -> Result<Self, IllegalTransition> {
        let entry = Entry::after(self.last(), when, actor, fact);
        let record = entry.seal(writer(self.last().seq + 1));
        let proposal = self.proposal.clone().apply(&record)?;
        let mut records = self.records.clone();
        records.push(record);
        Ok(Self { records, proposal })
    }

    /// With one more record, which is legal.
    pub(crate) fn then(self, seconds: u64, actor: Actor, fact: &ProposalFact) -> Self {
        self.attempt(at(seconds), actor, fact).unwrap()
    }

    /// What is wrong with one more record.
    pub(crate) fn refuses(&self, seconds: u64, actor: Actor, fact: &ProposalFact) -> String {
        self.attempt(at(seconds), actor, fact).unwrap_err().problem
    }
}

/// Different for every record of a story.
pub(crate) fn writer(number: u64) -> WriterId {
    id(&format!("w-{number}"))
}

/// `proposed`, with the preview on the sample gateway.
pub(crate) fn proposes(action: Action) -> ProposalFact {
    let (event, inventory) = (unhealthy(), inventory());
    let preview = action.preview(&inventory).unwrap();
    ProposalFact::Proposed(Box::new(Proposed {
        evidence: Evidence::gather(&event, &preview.plan, &inventory),
        action,
        preview,
        proposer: Proposer::Runbook {
            version: 1,
            instead_of: None,
        },
        rationale: "the runbook says so".to_owned(),
    }))
}

/// `scored`, with the given risk under the default threshold of 40; deadlines 30 and 15 minutes after 10.
pub(crate) fn scored(score: u8, decision: Decision, needed: u8) -> Scored {
    Scored {
        score,
        baseline: 15,
        floor: 5,
        factors: (score != 15)
            .then(|| Factor {
                name: "test".to_owned(),
                points: i32::from(score) - 15,
                because: "of the test".to_owned(),
            })
            .into_iter()
            .collect(),
        threshold: 40,
        auto_approve: decision == Decision::Auto,
        decision,
        because: "of the test".to_owned(),
        rules: Vec::new(),
        limit: None,
        switched_off: None,
        sampled: false,
        automatic: (decision == Decision::Auto).then(|| Policy::default().automatic),
        policy: Digest::of(b"policy"),
        policy_instead_because: None,
        approvals_needed: needed,
        deadline: (decision == Decision::Gate).then(|| at(1800)),
        valid_until: (decision == Decision::Auto).then(|| at(900)),
        not_before: None,
        paused_before_ms: 0,
    }
}

/// The rules of the documents, in a few lines: what each test needs of them.
struct DefaultRules;

impl Rules for DefaultRules {
    fn ask(
        &self,
        verb: Verb,
        principal: &Principal<'_>,
        resource: &Resource<'_>,
        circumstances: &Circumstances,
    ) -> Verdict {
        let allowed = match (verb, principal) {
            (Verb::AutoExecute, Principal::Agent) => {
                circumstances.auto_approve
                    && resource.score <= circumstances.threshold
                    && !circumstances.freeze
            }
            (Verb::Approve, Principal::Operator { approver, .. }) => {
                *approver
                    && !circumstances.own
                    && circumstances.other_votes.saturating_add(1) >= circumstances.votes_needed
            }
            (Verb::Reject, Principal::Operator { approver, .. }) => *approver,
            (Verb::AutoExecute | Verb::Approve | Verb::Reject, _) => false,
        };
        Verdict {
            allowed,
            rules: vec!["default".to_owned()],
            because: (!allowed).then(|| "the rules of the test say no".to_owned()),
        }
    }
}

/// The default policy.
pub(crate) fn in_force() -> InForce {
    InForce {
        policy: Policy::default(),
        rules: Arc::new(DefaultRules),
        digest: Digest::of(b"policy"),
        instead_because: None,
    }
}

/// `scored`, and so many different people must approve until second 1800.
pub(crate) fn gate(needed: u8) -> ProposalFact {
    ProposalFact::Scored(scored(15, Decision::Gate, needed))
}

/// `approved` of the `scored` record that waits, good until second 900.
pub(crate) fn approves(proposal: &Proposal) -> ProposalFact {
    ProposalFact::Approved(Approved {
        scored: scored_digest(proposal),
        policy: Digest::of(b"policy"),
        valid_until: at(900),
        not_before: None,
        paused_before_ms: 0,
        extension: None,
        decider: None,
    })
}

/// The digest that a decision must name; any other where nothing waits.
pub(crate) fn scored_digest(proposal: &Proposal) -> Digest {
    if let State::AwaitingApproval(waiting) = proposal.state() {
        waiting.scored
    } else {
        Digest::of(b"nothing waits")
    }
}

/// `started` as previewed: every claim held, a lease of 60 seconds, the effect's end where it has one.
pub(crate) fn starts(proposal: &Proposal, when: Timestamp) -> Started {
    let preview = match proposal.proposed() {
        Some(proposed) => proposed.preview.clone(),
        None => breaks(300).preview(&inventory()).unwrap(),
    };
    let restore_at = match (proposal.state().execution(), preview.undo) {
        (Some(execution), _) => execution.restore_at,
        (None, crate::action::Undo::Restore { after_s }) => Some(when.plus_seconds(after_s)),
        (None, crate::action::Undo::OnDemand | crate::action::Undo::OneShot) => None,
    };
    Started {
        held: holds(&preview.plan.claims),
        plan: preview.plan,
        lease_until: when.plus_seconds(60),
        restore_at,
        extension: None,
    }
}

/// A claim on each of the targets.
pub(crate) fn holds(targets: &[crate::inventory::Target]) -> Vec<Held> {
    targets
        .iter()
        .map(|target| Held {
            target: target.clone(),
            fence: 1,
        })
        .collect()
}

/// What each changed target of the action reads.
pub(crate) fn readings(proposal: &Proposal, value: impl Fn(&Change) -> &Setting) -> Vec<Reading> {
    let changes = match proposal.proposed() {
        Some(proposed) => proposed.preview.plan.changes.clone(),
        None => Vec::new(),
    };
    changes
        .iter()
        .map(|change| Reading {
            target: change.target.clone(),
            value: value(change).clone(),
        })
        .collect()
}

/// `succeeded`: every target reads as planned; the page has its receipt.
pub(crate) fn succeeds(proposal: &Proposal) -> ProposalFact {
    ProposalFact::Succeeded(Succeeded {
        readings: readings(proposal, |change| &change.after),
        receipt: proposal
            .proposed()
            .and_then(|proposed| proposed.preview.plan.page.as_ref())
            .map(|_| "page".to_owned()),
    })
}

/// `undo_requested`.
pub(crate) fn asks_undo() -> ProposalFact {
    ProposalFact::UndoRequested(UndoRequested {
        reason: "traffic is back".to_owned(),
        policy: None,
        decider: None,
    })
}

/// Nothing that was tried has helped: people were called.
pub(crate) fn called() -> Story {
    let declined = Declined {
        reason: DeclineReason::Fruitless,
        explanation: "nothing that was tried has helped".to_owned(),
        proposer: None,
        borne_out: None,
    };
    Story::of(&unhealthy(), None).then(10, Actor::Agent, &ProposalFact::Declined(declined))
}

/// `acknowledged`.
pub(crate) fn acknowledges() -> ProposalFact {
    ProposalFact::Acknowledged(Acknowledged {
        reason: "failed over by hand".to_owned(),
        decider: Decider {
            groups: vec!["sre".to_owned()],
            directory: Digest::of(b"directory"),
        },
    })
}

/// The answer to the request that waits; to none where none does.
pub(crate) fn answers_undo(proposal: &Proposal) -> UndoDecided {
    let requested = match proposal.state() {
        State::Succeeded(done) => match &done.undo {
            UndoState::Requested { record, .. } => *record,
            UndoState::Approved { request } => *request,
            UndoState::None => Digest::of(b"nobody asked"),
        },
        State::Reasoning(_)
        | State::Proposed
        | State::AwaitingApproval(_)
        | State::Approved(_)
        | State::Executing(_)
        | State::Unknown(_)
        | State::Closed(_) => Digest::of(b"nobody asked"),
    };
    UndoDecided {
        requested,
        reason: None,
        policy: None,
        decider: None,
    }
}

/// Proposed at second 10.
pub(crate) fn proposed(action: Action) -> Story {
    Story::of(&unhealthy(), None).then(10, Actor::Agent, &proposes(action))
}

/// Waits since second 20, until second 1800, for so many people.
pub(crate) fn awaiting(action: Action, needed: u8) -> Story {
    proposed(action).then(20, Actor::Agent, &gate(needed))
}

/// Approved by Alice at second 30, until second 900.
pub(crate) fn approved(action: Action) -> Story {
    let story = awaiting(action, 1);
    let fact = approves(story.proposal());
    story.then(30, person("alice"), &fact)
}

/// Executing since second 40, with a lease until second 100.
pub(crate) fn executing(action: Action) -> Story {
    let story = approved(action);
    let fact = ProposalFact::Started(starts(story.proposal(), at(40)));
    story.then(40, Actor::Agent, &fact)
}

/// Succeeded at second 50.
pub(crate) fn succeeded(action: Action) -> Story {
    let story = executing(action);
    let fact = succeeds(story.proposal());
    story.then(50, Actor::Agent, &fact)
}
