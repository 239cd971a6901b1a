//! What happened, made up for tests: whole lives of proposals, each record scored and appended by the domain's own
//! functions.

mod life;

use std::collections::BTreeMap;

use domain::action::{Action, ActionKind, Undo};
use domain::incident::Event;
use domain::inventory::{Change, Condition, Inventory, Reading, Setting};
use domain::permission::InForce;
use domain::policy::{Reached, SafetyLimit};
use domain::proposal::{
    Amended, Approved, Came, Decision, Evidence, Expired, Failed, Held, History, Past, Precondition,
    Proposal, ProposalFact, Proposed, Proposer, Received, Refused, Rejected, Restored, Started, State,
    Succeeded, Unclear, UndoDecided, UndoRequested, Verbatim, Verified, Voted,
};
use domain::risk;
use domain::risk::Subject;
use domain::trail::{Actor, Control, ControlFact, Entry, Record, StreamId};
use domain::value::{Deployment, OperatorId, ProposalId, Tier, Timestamp, WriterId};
use policy::{Bundle, Checked, RISK};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::sample;

use self::life::Life;

/// What a person does who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Approve,
    Reject,
    Expire,
    /// One vote of the quorum, and no more.
    Vote,
    /// Half of it, which is scored and approved then.
    Narrow,
    /// The approval runs out; it is scored again, and rejected.
    Lapse,
    Nothing,
}

/// How what was approved ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Succeed,
    /// It ends by itself, or people take it back.
    Restore,
    /// People take it back.
    Undo,
    Fail,
    Unknown,
    RestoreFail,
    Refuse,
    Nothing,
}

/// One proposal's life.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// Seconds after [`sample::now`].
    pub(super) at: u64,
    /// Of [`ACTIONS`].
    pub(super) action: usize,
    /// Seconds of a break, 60–3600.
    pub(super) seconds: u64,
    /// What the gateway says of the event: confirmed, refuted, unreadable.
    pub(super) condition: u8,
    /// Earlier actions on the target: not known, none, a good one, a bad one.
    pub(super) before: u8,
    pub(super) threshold: u8,
    pub(super) auto_approve: bool,
    /// A safety limit is reached.
    pub(super) limit: bool,
    /// Another policy was published, and could not be read.
    pub(super) instead: bool,
    pub(super) ask: Ask,
    pub(super) finish: Finish,
    /// What the metric says later.
    pub(super) helped: Option<bool>,
}

impl Default for Script {
    /// A break of `openai` that scores 62, which a person approves and which succeeds.
    fn default() -> Self {
        Self {
            at: 0,
            action: 0,
            seconds: 300,
            condition: 0,
            before: 1,
            threshold: 65,
            auto_approve: false,
            limit: false,
            instead: false,
            ask: Ask::Approve,
            finish: Finish::Succeed,
            helped: None,
        }
    }
}

/// The actions of scripts.
pub(super) const ACTIONS: usize = 8;

fn incident(action: usize, seconds: u64) -> (Event, Inventory, Value) {
    let unhealthy = || {
        (
            sample::provider_unhealthy("openai"),
            sample::inventory_with_unhealthy("openai"),
        )
    };
    let spent = || {
        (
            sample::budget_exceeded("payments"),
            sample::inventory_with_spent_budget("payments"),
        )
    };
    let slow = || {
        (
            sample::sla_violation("gold"),
            sample::inventory_with_violation("gold"),
        )
    };
    let ((event, inventory), form) = match action {
        0 | 1 => (
            unhealthy(),
            json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": seconds}),
        ),
        2 => (
            unhealthy(),
            json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
        ),
        3 => (
            spent(),
            json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 1 + seconds / 100}),
        ),
        4 => (
            unhealthy(),
            json!({"action": "page_oncall", "severity": "critical", "summary": "openai fails"}),
        ),
        5 => (slow(), json!({"action": "disable_guardrail", "guardrail": "pii"})),
        6 => (
            spent(),
            json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "150.00"}),
        ),
        _ => (
            slow(),
            json!({"action": "disable_sla_contract", "sla_id": "gold"}),
        ),
    };
    (event, inventory, form)
}

/// Lives under one policy.
pub(super) struct Annals {
    in_force: InForce,
    control: Vec<Record>,
    generation: u32,
}

impl Annals {
    /// Nothing happened yet.
    pub(super) fn new(policy: &Checked) -> Self {
        Self {
            in_force: policy.in_force(None),
            control: Vec::new(),
            generation: 0,
        }
    }

    /// Automatic execution is switched off, or on again.
    pub(super) fn switch(&mut self, at: u64, off: Option<&str>) {
        let control = Control::read(self.control.last()).unwrap();
        let fact = match off {
            Some(reason) => control.automatic_off(reason),
            None => control.automatic_on(second(at)),
        };
        if let Some(fact) = fact {
            self.record(at, &fact);
        }
    }

    /// A policy is published.
    pub(super) fn publish(&mut self, at: u64, policy: &Checked) {
        let control = Control::read(self.control.last()).unwrap();
        self.record(at, &control.publish(policy.digest()).unwrap());
        self.in_force = policy.in_force(None);
    }

    fn record(&mut self, at: u64, fact: &ControlFact) {
        let entry = Entry::next(
            StreamId::Control,
            self.control.last(),
            second(at),
            person("ada"),
            fact,
            None,
        );
        self.control.push(testkit::keys::sealed(entry, writer(0)));
    }

    /// The records of `control`.
    pub(super) fn control(&self) -> &[Record] {
        &self.control
    }

    fn control_at(&self, at: Timestamp) -> Control {
        Control::read(self.control.iter().rev().find(|record| record.at <= at)).unwrap()
    }

    /// The records of one life.
    pub(super) fn live(&mut self, script: &Script) -> Vec<Record> {
        self.generation += 1;
        let (event, mut inventory, form) = incident(script.action, script.seconds);
        let began = second(script.at);
        inventory.read_at = began;
        let received = Received {
            course: domain::trail::generation::Course::default(),
            source: None,
            verbatim: Verbatim::Inline(event.to_string()),
            occurred_at: began,
            lease_until: began.plus_seconds(60),
            requested_by: None,
            complaints: Vec::new(),
            event,
        };
        let id = ProposalId::new(received.event.fingerprint(), self.generation);
        let first = Proposal::first_entry(id, received, began, Actor::Agent, Tier::Enterprise);
        let first = testkit::keys::sealed(first, writer(1));
        let proposal = Proposal::replay(std::slice::from_ref(&first)).unwrap();
        let mut life = Life {
            world: self,
            script,
            inventory,
            records: vec![first],
            proposal,
            now: began,
        };
        life.propose(form);
        life.go_on();
        life.records
    }
}

/// [`sample::now`] and so many seconds.
pub(super) fn second(seconds: u64) -> Timestamp {
    sample::now().plus_seconds(seconds)
}

fn person(id: &str) -> Actor {
    Actor::Operator {
        id: OperatorId::new(id).unwrap(),
        name: id.to_owned(),
        channel: "slack".to_owned(),
    }
}

fn writer(number: u64) -> WriterId {
    WriterId::new(&format!("w{number}")).unwrap()
}

/// Records as `trail export` writes them.
pub(super) fn lines<'a>(records: impl IntoIterator<Item = &'a Record>) -> String {
    let lines = records
        .into_iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n");
    lines.collect()
}

/// The built-in policy with other words in risk.toml, and more at its end.
pub(super) fn changed(words: &[(&str, &str)], more: &str) -> Bundle {
    let files = Bundle::builtin();
    let mut files: BTreeMap<String, String> = files
        .files()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    let risk = files.get_mut(RISK).unwrap();
    for (old, new) in words {
        assert!(risk.contains(old), "{old}");
        *risk = risk.replacen(old, new, 1);
    }
    risk.push_str(more);
    Bundle::new(files).unwrap()
}

/// Words of risk.toml, and what may stand there.
const CHANGES: [(&str, &str); 11] = [
    (
        "shadow = []",
        "shadow = [\"page_oncall\", \"circuit_break_provider\"]",
    ),
    ("time_zone = \"UTC\"", "time_zone = \"Asia/Tokyo\""),
    ("from = 75", "from = 20"),
    ("people = 2", "people = 3"),
    ("night = 10", "night = 40"),
    ("weekend = 5", "weekend = 0"),
    ("critical_team = 10", "critical_team = 0"),
    ("reverted = 20", "reverted = 60"),
    ("proven = 5", "proven = 30"),
    ("human_share_ppm = 0", "human_share_ppm = 400000"),
    ("unconfirmed = 15", "unconfirmed = 0"),
];

const FREEZE: &str =
    "\n[[freeze]]\nname = \"a release\"\nfrom = \"2026-11-22T12:00\"\nto = \"2026-11-23T04:00\"\n";

prop_compose! {
    /// Any policy that differs from the built-in one in some of [`CHANGES`], with or without a change freeze.
    pub(super) fn policies()(taken in prop::collection::vec(any::<bool>(), CHANGES.len()), freeze in any::<bool>()) -> Checked {
        let words: Vec<_> = CHANGES.into_iter().zip(taken).filter(|(_, taken)| *taken).map(|(words, _)| words).collect();
        Checked::new(&changed(&words, if freeze { FREEZE } else { "" })).unwrap()
    }
}

prop_compose! {
    /// Any life within two days; automatic approval is on in most.
    pub(super) fn scripts()(
        (at, action, seconds) in (0_u64..172_800, 0..ACTIONS, 60_u64..=3600),
        (condition, before, threshold) in (prop_oneof![4 => Just(0_u8), 1 => Just(1), 1 => Just(2)], 0_u8..4, 0_u8..=100),
        (auto_approve, limit, instead) in (prop::bool::weighted(0.8), prop::bool::weighted(0.2), prop::bool::weighted(0.1)),
        ask in prop::sample::select(vec![Ask::Approve, Ask::Reject, Ask::Expire, Ask::Vote, Ask::Narrow, Ask::Lapse, Ask::Nothing]),
        finish in prop::sample::select(vec![
            Finish::Succeed, Finish::Restore, Finish::Undo, Finish::Fail, Finish::Unknown, Finish::RestoreFail,
            Finish::Refuse, Finish::Nothing,
        ]),
        helped in any::<Option<bool>>(),
    ) -> Script {
        Script { at, action, seconds, condition, before, threshold, auto_approve, limit, instead, ask, finish, helped }
    }
}
