//! Permits, in the one way there is: from a proposal's records.

use domain::action::{Action, Plan, Undo};
use domain::incident::Event;
use domain::inventory::{Inventory, Reading};
use domain::proposal::{
    Decision, Evidence, Held, Permit, Proposal, ProposalFact, Proposed, Proposer, Received, Scored, Started,
    Succeeded, UndoDecided, UndoRequested, Verbatim,
};
use domain::trail::{Actor, Record};
use domain::value::{Digest, ProposalId, Tier, Timestamp, WriterId};
use serde_json::{Value, json};

/// The beginning of the story, and some seconds.
fn at(seconds: u64) -> Timestamp {
    let ten: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    ten.plus_seconds(seconds)
}

/// An action from its JSON form.
pub(crate) fn action(form: Value) -> Action {
    serde_json::from_value(form).unwrap()
}

/// A page, which needs no gateway.
pub(crate) fn pages() -> Action {
    action(json!({"action": "page_oncall", "severity": "critical", "summary": "openai fails"}))
}

/// A proposal that has started, with the record of its start.
pub(crate) struct Begun {
    proposal: Proposal,
    last: Record,
}

impl Begun {
    /// An action that the policy approved, and whose effect has begun.
    pub(crate) fn started(action: &Action, inventory: &Inventory) -> Self {
        let event = json!({"version": 1, "event_id": "e-1", "org_id": "acme", "provider": "openai",
                           "error_rate": 0.62, "requests": 180, "window_s": 300});
        let event = Event::parse("provider.unhealthy", &event).unwrap();
        let preview = action.preview(inventory).unwrap();
        let received = Received {
            course: domain::trail::generation::Course::default(),
            source: None,
            event: event.clone(),
            verbatim: Verbatim::Inline("{}".to_owned()),
            occurred_at: at(0),
            lease_until: at(60),
            requested_by: None,
            complaints: Vec::new(),
        };
        let id = ProposalId::new(event.fingerprint(), 1);
        let first = Proposal::first_entry(id, received, at(0), Actor::Agent, Tier::Business).seal(writer());
        let story = Self {
            proposal: Proposal::replay(std::slice::from_ref(&first)).unwrap(),
            last: first,
        };
        let proposed = ProposalFact::Proposed(Box::new(Proposed {
            action: action.clone(),
            evidence: Evidence::gather(&event, &preview.plan, inventory),
            preview: preview.clone(),
            proposer: Proposer::Runbook {
                version: 1,
                instead_of: None,
            },
            rationale: "the test says so".to_owned(),
        }));
        let scored = ProposalFact::Scored(Scored {
            score: 15,
            baseline: 15,
            floor: 5,
            factors: Vec::new(),
            threshold: 40,
            auto_approve: true,
            decision: Decision::Auto,
            because: "of the test".to_owned(),
            rules: Vec::new(),
            limit: None,
            switched_off: None,
            sampled: false,
            automatic: Some(domain::policy::Policy::default().automatic),
            policy: Digest::of(b"policy"),
            policy_instead_because: None,
            approvals_needed: 0,
            deadline: None,
            valid_until: Some(at(900)),
            paused_before_ms: 0,
            not_before: None,
        });
        let restore_at = match preview.undo {
            Undo::Restore { after_s } => Some(at(40).plus_seconds(after_s)),
            Undo::OnDemand | Undo::OneShot => None,
        };
        let started = ProposalFact::Started(Started {
            held: held(&preview.plan),
            plan: preview.plan,
            lease_until: at(100),
            restore_at,
            extension: None,
        });
        story
            .then(10, Actor::Agent, &proposed)
            .then(20, Actor::Agent, &scored)
            .then(40, Actor::Agent, &started)
    }

    fn then(self, seconds: u64, actor: Actor, fact: &ProposalFact) -> Self {
        let last = self
            .proposal
            .entry(at(seconds), actor, fact)
            .unwrap()
            .seal(writer());
        Self {
            proposal: self.proposal.apply(&last).unwrap(),
            last,
        }
    }

    /// Leave to apply its plan.
    pub(crate) fn permit_apply(&self) -> Permit {
        self.proposal.permit_apply(&self.last).unwrap()
    }

    /// Leave to take it back: it succeeded, and two people want it undone.
    pub(crate) fn permit_undo(self) -> Permit {
        let plan = self.proposal.state().execution().unwrap().plan.clone();
        let readings = plan.changes.iter().map(|change| Reading {
            target: change.target.clone(),
            value: change.after.clone(),
        });
        let succeeded = ProposalFact::Succeeded(Succeeded {
            readings: readings.collect(),
            receipt: None,
        });
        let asked = ProposalFact::UndoRequested(UndoRequested {
            reason: "of the test".to_owned(),
            policy: None,
            decider: None,
        });
        let story = self
            .then(50, Actor::Agent, &succeeded)
            .then(60, person("alice"), &asked);
        let requested = story.last.digest;
        let agreed = ProposalFact::UndoApproved(UndoDecided {
            requested,
            reason: None,
            policy: None,
            decider: None,
        });
        let story = story.then(70, person("bob"), &agreed);
        story.proposal.permit_undo(&held(&plan), at(140), at(80)).unwrap()
    }
}

fn held(plan: &Plan) -> Vec<Held> {
    let hold = |target: &_| Held {
        target: domain::inventory::Target::clone(target),
        fence: 1,
    };
    plan.claims.iter().map(hold).collect()
}

fn person(name: &str) -> Actor {
    Actor::Operator {
        id: name.parse().unwrap(),
        name: name.to_owned(),
        channel: "slack".to_owned(),
    }
}

fn writer() -> WriterId {
    "the-test".parse().unwrap()
}
