//! A proposal's records, told one after the other: a proposal in any state, without a handler.

use domain::action::{Action, CircuitBreakProvider, PageOncall, RerouteModelGroup, Undo};
use domain::incident::{Event, Severity};
use domain::inventory::{Change, Inventory, Reading, Setting};
use domain::proposal::{
    Approved, Decision, DeclineReason, Declined, Evidence, Expired, Failed, Held, Precondition, Proposal,
    ProposalFact, Proposed, Proposer, Received, Refused, Rejected, Restored, Scored, Started, State,
    Succeeded, Unclear, UndoDecided, UndoRequested, Verbatim,
};
use domain::trail::{Actor, Entry, Record};
use domain::value::{Digest, ModelGroupId, OperatorId, Tier, Timestamp, WriterId};

use crate::keys;
use crate::sample;
use crate::trail::MemoryTrail;

/// So many seconds after [`sample::now`], which is second 0 of every story.
pub fn second(seconds: u64) -> Timestamp {
    sample::now().plus_seconds(seconds)
}

/// A break of `openai` for 300 seconds: an effect that ends by itself.
pub fn breaks() -> Action {
    Action::CircuitBreakProvider(CircuitBreakProvider {
        provider: sample::provider_id("openai"),
        duration_s: 300,
    })
}

/// A re-route of `chat` from `openai` to `anthropic`: an effect that is undone on demand.
pub fn reroutes() -> Action {
    Action::RerouteModelGroup(RerouteModelGroup {
        model_group: ModelGroupId::new("chat").unwrap(),
        from: sample::provider_id("openai"),
        to: sample::provider_id("anthropic"),
    })
}

/// A page: an effect that cannot be taken back.
pub fn pages() -> Action {
    Action::PageOncall(PageOncall {
        severity: Severity::Critical,
        summary: "openai fails".to_owned(),
    })
}

/// The gateway on which `openai` fails.
pub fn inventory() -> Inventory {
    sample::inventory_with_unhealthy("openai")
}

/// A person as the actor of a record.
pub fn person(id: &str) -> Actor {
    Actor::Operator {
        id: OperatorId::new(id).unwrap(),
        name: id.to_owned(),
        channel: "slack".to_owned(),
    }
}

/// A proposal and its records.
#[derive(Debug, Clone)]
pub struct Story {
    entries: Vec<Entry>,
    records: Vec<Record>,
    proposal: Proposal,
}

impl Story {
    /// An event is received at second 0, and somebody reasons until second 60.
    pub fn received(event: &Event) -> Self {
        let received = Received {
            course: domain::trail::generation::Course::default(),
            source: None,
            event: event.clone(),
            verbatim: Verbatim::Inline("{}".to_owned()),
            occurred_at: second(0),
            lease_until: second(60),
            requested_by: None,
            complaints: Vec::new(),
        };
        let id = sample::proposal_of(event);
        let entry = Proposal::first_entry(id, received, second(0), Actor::Agent, Tier::Enterprise);
        let entries = vec![entry.clone()];
        let records = vec![keys::sealed(entry, writer(1))];
        let proposal = Proposal::replay(&records).unwrap();
        Self {
            entries,
            records,
            proposal,
        }
    }

    /// `openai` is reported unhealthy.
    pub fn begins() -> Self {
        Self::received(&sample::provider_unhealthy("openai"))
    }

    /// Nothing is to be done, at second 10.
    pub fn declined() -> Self {
        Self::begins().then(
            10,
            Actor::Agent,
            &ProposalFact::Declined(Declined {
                reason: DeclineReason::NothingToDo,
                explanation: "of the test".to_owned(),
                proposer: None,
                borne_out: None,
            }),
        )
    }

    /// Nothing that was tried has helped, and people are called at second 10.
    pub fn called() -> Self {
        Self::begins().then(
            10,
            Actor::Agent,
            &ProposalFact::Declined(Declined {
                reason: DeclineReason::Fruitless,
                explanation: "nothing that was tried has helped".to_owned(),
                proposer: None,
                borne_out: None,
            }),
        )
    }

    /// An action is proposed at second 10.
    pub fn proposed(action: Action) -> Self {
        Self::begins().proposes(action)
    }

    /// The same, of an event that was received.
    pub fn proposes(self, action: Action) -> Self {
        let inventory = inventory();
        let preview = action.preview(&inventory).unwrap();
        let evidence = Evidence::gather(&self.proposal.received().event, &preview.plan, &inventory);
        let proposed = Proposed {
            action,
            preview,
            evidence,
            proposer: Proposer::Runbook {
                version: 1,
                instead_of: None,
            },
            rationale: "of the test".to_owned(),
        };
        self.then(10, Actor::Agent, &ProposalFact::Proposed(Box::new(proposed)))
    }

    /// It is scored at second 20. One that waits for people does so until second 1800; one that the policy
    /// approves is good until second 900.
    pub fn scored(action: Action, decision: Decision) -> Self {
        Self::proposed(action).is_scored(decision)
    }

    /// The same, of what was proposed.
    pub fn is_scored(self, decision: Decision) -> Self {
        let fact = ProposalFact::Scored(Scored {
            score: 15,
            baseline: 15,
            floor: 5,
            factors: Vec::new(),
            threshold: 40,
            auto_approve: decision == Decision::Auto,
            decision,
            because: "of the test".to_owned(),
            rules: Vec::new(),
            limit: None,
            switched_off: None,
            sampled: false,
            automatic: (decision == Decision::Auto).then(|| domain::policy::Policy::default().automatic),
            policy: Digest::of(b"policy"),
            policy_instead_because: None,
            approvals_needed: 1,
            deadline: (decision == Decision::Gate).then(|| second(1800)),
            valid_until: (decision == Decision::Auto).then(|| second(900)),
            paused_before_ms: 0,
            not_before: None,
        });
        self.then(20, Actor::Agent, &fact)
    }

    /// It waits for one person since second 20, until second 1800.
    pub fn awaiting(action: Action) -> Self {
        Self::scored(action, Decision::Gate)
    }

    /// Alice rejects it at second 30.
    pub fn rejected(action: Action) -> Self {
        Self::awaiting(action).is_rejected("alice")
    }

    /// The same of what waits, by somebody.
    pub fn is_rejected(self, by: &str) -> Self {
        let fact = ProposalFact::Rejected(Rejected {
            scored: self.last().digest,
            policy: Digest::of(b"policy"),
            reason: None,
            extension: None,
            decider: None,
        });
        self.then(30, person(by), &fact)
    }

    /// Nobody decides until second 1800.
    pub fn expired(action: Action) -> Self {
        let fact = ProposalFact::Expired(Expired {
            closes: false,
            deadline: second(1800),
            extension: None,
        });
        Self::awaiting(action).then(1801, Actor::System, &fact)
    }

    /// Alice approves it at second 30, until second 900.
    pub fn approved(action: Action) -> Self {
        let story = Self::awaiting(action);
        let fact = ProposalFact::Approved(Approved {
            scored: story.last().digest,
            policy: Digest::of(b"policy"),
            valid_until: second(900),
            not_before: None,
            paused_before_ms: 0,
            extension: None,
            decider: None,
        });
        story.then(30, person("alice"), &fact)
    }

    /// What it answers is over by second 40.
    pub fn refused(action: Action) -> Self {
        let fact = ProposalFact::Refused(Refused {
            precondition: Precondition::Condition,
            explanation: "of the test".to_owned(),
        });
        Self::approved(action).then(40, Actor::Agent, &fact)
    }

    /// It executes since second 40, with a lease until second 100; an effect that ends by itself does so at its
    /// duration after second 40.
    pub fn executing(action: Action) -> Self {
        let story = Self::approved(action);
        let preview = &story.proposal.proposed().unwrap().preview;
        let restore_at = match preview.undo {
            Undo::Restore { after_s } => Some(second(40 + after_s)),
            Undo::OnDemand | Undo::OneShot => None,
        };
        let held = preview.plan.claims.iter().map(|target| Held {
            target: target.clone(),
            fence: 1,
        });
        let fact = ProposalFact::Started(Started {
            plan: preview.plan.clone(),
            held: held.collect(),
            lease_until: second(100),
            restore_at,
            extension: None,
        });
        story.then(40, Actor::Agent, &fact)
    }

    /// Since second 50 nobody knows whether it took effect.
    pub fn unknown(action: Action) -> Self {
        let fact = ProposalFact::Unknown(Unclear {
            cause: "of the test".to_owned(),
        });
        Self::executing(action).then(50, Actor::Agent, &fact)
    }

    /// It fails at second 50, without an effect.
    pub fn failed(action: Action) -> Self {
        let story = Self::executing(action);
        let fact = ProposalFact::Failed(Failed {
            reason: "of the test".to_owned(),
            readings: story.readings(|change| &change.before),
        });
        story.then(50, Actor::Agent, &fact)
    }

    /// It succeeds at second 50.
    pub fn succeeded(action: Action) -> Self {
        let story = Self::executing(action);
        let page = &story.proposal.proposed().unwrap().preview.plan.page;
        let fact = ProposalFact::Succeeded(Succeeded {
            readings: story.readings(|change| &change.after),
            receipt: page.as_ref().map(|_| "page".to_owned()),
        });
        story.then(50, Actor::Agent, &fact)
    }

    /// Its effect, which ended by itself, is taken back at second 341.
    pub fn restored() -> Self {
        let story = Self::succeeded(breaks());
        let fact = ProposalFact::Restored(Restored {
            readings: story.readings(|change| &change.before),
        });
        story.then(341, Actor::Agent, &fact)
    }

    /// Alice asks for an undo at second 60.
    pub fn undo_requested() -> Self {
        let fact = ProposalFact::UndoRequested(UndoRequested {
            reason: "of the test".to_owned(),
            policy: None,
            decider: None,
        });
        Self::succeeded(reroutes()).then(60, person("alice"), &fact)
    }

    /// Bob approves the undo at second 70.
    pub fn undo_approved() -> Self {
        let story = Self::undo_requested();
        let fact = ProposalFact::UndoApproved(UndoDecided {
            requested: story.last().digest,
            reason: None,
            policy: None,
            decider: None,
        });
        story.then(70, person("bob"), &fact)
    }

    /// One story for each state that a proposal can be in.
    pub fn in_every_state() -> Vec<Self> {
        vec![
            Self::begins(),
            Self::proposed(breaks()),
            Self::awaiting(breaks()),
            Self::approved(breaks()),
            Self::executing(breaks()),
            Self::unknown(breaks()),
            Self::succeeded(breaks()),
            Self::declined(),
            Self::scored(breaks(), Decision::Shadow),
            Self::rejected(breaks()),
            Self::expired(breaks()),
            Self::refused(breaks()),
            Self::failed(breaks()),
            Self::restored(),
        ]
    }

    /// With one more record, which is legal.
    #[track_caller]
    pub fn then(mut self, seconds: u64, actor: Actor, fact: &ProposalFact) -> Self {
        let entry = self.proposal.entry(second(seconds), actor, fact).unwrap();
        self.entries.push(entry.clone());
        let record = keys::sealed(entry, writer(self.last().seq + 1));
        self.proposal = self.proposal.apply(&record).unwrap();
        self.records.push(record);
        self
    }

    /// Writes it to a trail on which nothing has been written before: digests are the same there.
    pub fn write_to(&self, trail: &MemoryTrail) {
        for (entry, record) in self.entries.iter().zip(&self.records) {
            assert_eq!(trail.insert(entry.clone()).unwrap(), *record);
        }
    }

    /// The records, as they were about to be written.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The last record.
    pub fn last(&self) -> &Record {
        self.proposal.last()
    }

    /// The proposal that they make.
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// The state's name.
    pub fn state(&self) -> &'static str {
        State::name(self.proposal.state())
    }

    /// What each target of the plan reads.
    pub fn readings(&self, value: impl Fn(&Change) -> &Setting) -> Vec<Reading> {
        let plan = &self.proposal.proposed().unwrap().preview.plan;
        let reading = |change: &Change| Reading {
            target: change.target.clone(),
            value: value(change).clone(),
        };
        plan.changes.iter().map(reading).collect()
    }
}

fn writer(number: u64) -> WriterId {
    WriterId::new(&format!("w{number}")).unwrap()
}
