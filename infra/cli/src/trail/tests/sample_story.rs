//! Sample records, told one after the other.

use super::*;

/// An operator of the sample directory, in Slack.
pub(super) fn person(id: &str) -> Actor {
    let user = if id == "alice" { "U1" } else { "U2" };
    let directory = sample::operators();
    let found = directory.by_slack("T1", user).filter(|one| one.id.as_str() == id);
    found.unwrap().actor("slack")
}

/// A proposal's records, one told after the other.
pub(crate) struct Told {
    pub(crate) records: Vec<Record>,
}

impl Told {
    /// `openai` failed and was received at second 0.
    pub(crate) fn begin() -> Self {
        let event = sample::provider_unhealthy("openai");
        let received = Received {
            course: domain::trail::generation::Course::default(),
            source: None,
            occurred_at: event.occurred_at(sample::now()),
            verbatim: Verbatim::Inline(sample::provider_unhealthy_text("openai")),
            lease_until: at(67),
            requested_by: None,
            complaints: Vec::new(),
            event,
        };
        let id = sample::proposal_of(&received.event);
        let entry = Proposal::first_entry(id, received, at(0), Actor::Agent, Tier::Enterprise);
        Self {
            records: vec![testkit::keys::sealed(entry, writer(1))],
        }
    }

    /// With one more record, legal or not.
    pub(crate) fn then(mut self, seconds: u64, actor: Actor, fact: &ProposalFact) -> Self {
        let last = self.records.last().unwrap();
        let entry = Entry::after(last, at(seconds), actor, fact);
        let seq = entry.seq;
        self.records.push(testkit::keys::sealed(entry, writer(seq)));
        self
    }

    /// `proposed`, a break of five minutes, at second 1.
    pub(crate) fn proposed(self) -> Self {
        self.then(1, Actor::Agent, &ProposalFact::Proposed(Box::new(proposed())))
    }

    /// `scored` at second 2: so many people must approve within half an hour.
    pub(crate) fn gated(self, approvals_needed: u8) -> Self {
        let scored = Scored {
            score: 25,
            baseline: 15,
            floor: 5,
            factors: vec![domain::proposal::Factor {
                name: "critical_team".to_owned(),
                points: 10,
                because: "team checkout is critical".to_owned(),
            }],
            threshold: 40,
            auto_approve: false,
            decision: Decision::Gate,
            because: "automatic approval is off".to_owned(),
            rules: Vec::new(),
            limit: None,
            switched_off: None,
            sampled: false,
            automatic: None,
            policy: Digest::of(b"policy"),
            policy_instead_because: None,
            approvals_needed,
            deadline: Some(at(1802)),
            valid_until: None,
            paused_before_ms: 0,
            not_before: None,
        };
        self.then(2, Actor::Agent, &ProposalFact::Scored(scored))
    }

    /// The digest of its `scored` record.
    pub(super) fn scored(&self) -> Digest {
        let mut records = self.records.iter();
        records.find(|record| record.kind == "scored").unwrap().digest
    }

    /// `approved` at some second, good until second 900.
    pub(crate) fn approved(self, seconds: u64) -> Self {
        let approved = Approved {
            scored: self.scored(),
            policy: Digest::of(b"policy"),
            valid_until: at(900),
            paused_before_ms: 0,
            extension: None,
            not_before: None,
            decider: None,
        };
        self.then(seconds, person("alice"), &ProposalFact::Approved(approved))
    }

    /// `started` at second 20; the break ends at second 320.
    pub(crate) fn started(self) -> Self {
        let plan = proposed().preview.plan;
        let started = Started {
            held: plan
                .claims
                .iter()
                .map(|target| Held {
                    target: target.clone(),
                    fence: 7,
                })
                .collect(),
            plan,
            lease_until: at(87),
            restore_at: Some(at(320)),
            extension: None,
        };
        self.then(20, Actor::Agent, &ProposalFact::Started(started))
    }

    /// `succeeded` at second 21.
    pub(crate) fn succeeded(self) -> Self {
        let succeeded = Succeeded {
            readings: readings(|change| &change.after),
            receipt: None,
        };
        self.then(21, Actor::Agent, &ProposalFact::Succeeded(succeeded))
    }

    /// What `sre-agent trail` prints, and whether the records hold.
    pub(super) fn told(&self) -> (bool, String) {
        told(&self.records)
    }
}

pub(super) fn told(records: &[Record]) -> (bool, String) {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let id = sample::proposal_of(&sample::provider_unhealthy("openai"));
    let holds = tell(&id, records, by(), &mut terminal).unwrap();
    drop(terminal);
    (holds, String::from_utf8(buffer).unwrap())
}

pub(super) fn writer(seq: u64) -> WriterId {
    WriterId::new(&format!("w-{seq}")).unwrap()
}

pub(super) fn world() -> Inventory {
    sample::inventory_with_unhealthy("openai")
}

pub(super) fn breaks() -> Action {
    let json = json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300});
    serde_json::from_value(json).unwrap()
}

pub(super) fn proposed() -> Proposed {
    let preview = breaks().preview(&world()).unwrap();
    let event = sample::provider_unhealthy("openai");
    Proposed {
        evidence: Evidence::gather(&event, &preview.plan, &world()),
        action: breaks(),
        preview,
        proposer: Proposer::Runbook {
            version: 1,
            instead_of: None,
        },
        rationale: "every group keeps a deployment".to_owned(),
    }
}

pub(super) fn readings(value: impl Fn(&Change) -> &Setting) -> Vec<Reading> {
    let changes = proposed().preview.plan.changes;
    changes
        .iter()
        .map(|change| Reading {
            target: change.target.clone(),
            value: value(change).clone(),
        })
        .collect()
}

/// By the keys of tests, with nothing set aside.
pub(crate) fn by() -> By<'static> {
    By {
        keys: testkit::keys::keyring(),
        aside: &[],
    }
}
