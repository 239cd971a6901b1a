//! The agent in one process: its handlers, wired over one trail, and a gateway, a pager and people outside.
//!
//! Queues, bus and stream deliver at least once and when the test turns them; time moves when it is told to.
//! What the bus routes where, and how long functions and messages live, is read from `template.yaml`.

mod books;
mod checks;
mod deliver;
mod people;
mod queue;
pub mod rules;
mod slack;
mod story;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::incident::Event;
use domain::inventory::Inventory;
use domain::message::Lane;
use domain::policy::Policy;
use domain::ports::{Brief, Clock, Conclusion, Reasoner, Trail, Unavailable};
use domain::proposal::{Proposal, Proposer};
use domain::trail::{Actor, ControlFact, Entry, Record, StreamId};
use domain::value::{Deployment, Digest, Micros, ProposalId};
use housekeeping::rest::Rested;
use ingest_and_propose::investigate::Settings;
use ingest_and_propose::investigate::breaker::Breakers;
use ingest_and_propose::investigate::budget::{Limits, Price, Prices};
use ingest_and_propose::model::Model;
use ingest_and_propose::runbook::Runbook;
use notification::routes::Routes;
use serde_json::Value;
use testkit::{
    FakeActuator, FakeGateway, FixedOperators, FixedPolicies, FrozenClock, MemoryBus, MemoryPayloads,
    MemoryTopic, MemoryView, sample,
};
use trail::{KnownIncidents, load_control};

pub use self::books::Books;
pub use self::people::Answer;
pub use self::queue::{Dead, Mail, Mailbox};
pub use self::slack::{FakeSlack, SlackMessage, SlackTrouble};

/// Length of a break that the runbook proposes, seconds.
pub const BREAK_S: u64 = 30;

/// How long after an effect its metric is asked again, seconds.
pub const VERIFY_AFTER_S: u64 = 120;

/// The whole system.
pub struct World {
    /// The time.
    pub clock: FrozenClock,
    /// The trail.
    pub trail: Books,
    /// The gateway and the pager themselves.
    pub gateway: testkit::Outside,
    /// The gateway, as it is read.
    pub reading: FakeGateway,
    /// The gateway and the pager, as they are written.
    pub acting: FakeActuator,
    /// The bus.
    pub bus: MemoryBus,
    /// What people are told.
    pub topic: MemoryTopic,
    /// The view.
    pub view: MemoryView,
    /// Large event texts.
    pub payloads: MemoryPayloads,
    /// The operators.
    pub operators: FixedOperators,
    /// What every function is configured with.
    pub deployment: Deployment,
    /// The policy in force: the default one, with the default rules.
    pub policies: FixedPolicies,
    /// Who chooses the actions, where there are no models.
    pub reasoner: Arc<dyn Reasoner>,
    /// The models that are asked, if there are any.
    pub models: Vec<Box<dyn Model>>,
    /// How they are used.
    pub settings: Settings,
    /// Which of them failed lately.
    pub breakers: Breakers,
    /// The incidents that its processes have seen.
    pub incidents: KnownIncidents,
    /// What housekeeping does not look at any more.
    pub rested: Rested,
    /// Where their transcripts go.
    pub transcripts: MemoryPayloads,
    /// Who stands in for them.
    pub runbook: Runbook,
    /// What the template's `AgentEnabled` says.
    pub enabled: bool,
    /// Whether housekeeping runs every minute.
    pub housekeeping: bool,
    /// Whom the gateways speak for, as in the template's `EventSourceOrgs`; empty, and they speak for all.
    pub source_orgs: Vec<String>,
    /// Where people are asked; none, and nobody is told, until a test says so.
    pub routes: Option<Routes>,
    /// The Slack that they are asked in.
    pub slack: FakeSlack,
    told: AtomicUsize,
    noticed: AtomicUsize,
    queues: [Mailbox; 7],
    sources: deliver::Sources,
    at_first: Inventory,
    streamed: AtomicUsize,
    minute: Mutex<i64>,
    looked_at: Mutex<BTreeMap<ProposalId, (Version, Proposal)>>,
}

/// How many records a stream has, and the last one's digest.
type Version = (usize, Option<Digest>);

impl World {
    /// A world in which `inventory` is the gateway, with the trail in memory and the default policy.
    pub fn new(inventory: Inventory) -> Self {
        Self::over(Books::memory(), inventory)
    }

    /// The same over the real trail adapter and a DynamoDB.
    pub async fn on_dynamo(inventory: Inventory) -> Self {
        Self::over(Books::dynamo().await, inventory)
    }

    fn over(trail: Books, inventory: Inventory) -> Self {
        let clock = FrozenClock::default();
        // Not at the full hour, when housekeeping walks back through thirty days.
        clock.advance(Duration::from_secs(90));
        Self::at(clock, trail, inventory)
    }

    fn at(clock: FrozenClock, trail: Books, inventory: Inventory) -> Self {
        let gateway = testkit::Outside::new(inventory.clone(), &clock);
        let deployment = Deployment::default();
        let runbook = Runbook {
            break_s: BREAK_S,
            limits: deployment.limits.clone(),
        };
        Self {
            reading: FakeGateway::new(&gateway),
            acting: FakeActuator::new(&gateway),
            queues: Lane::QUEUES.map(|queue| Mailbox::new(queue, &clock, visibility_s(queue))),
            minute: Mutex::new(clock.now().as_seconds() / 60),
            clock,
            trail,
            gateway,
            bus: MemoryBus::default(),
            topic: MemoryTopic::default(),
            view: MemoryView::default(),
            payloads: MemoryPayloads::default(),
            operators: FixedOperators::default(),
            deployment: deployment.clone(),
            policies: FixedPolicies::new(Policy::default(), testkit::rules()),
            reasoner: Arc::new(runbook.clone()),
            models: Vec::new(),
            settings: settings(&deployment),
            breakers: Breakers::default(),
            incidents: KnownIncidents::default(),
            rested: Rested::default(),
            transcripts: MemoryPayloads::default(),
            runbook,
            enabled: true,
            housekeeping: true,
            source_orgs: Vec::new(),
            routes: None,
            slack: FakeSlack::default(),
            told: AtomicUsize::new(0),
            noticed: AtomicUsize::new(0),
            sources: deliver::Sources::default(),
            at_first: inventory,
            streamed: AtomicUsize::new(0),
            looked_at: Mutex::default(),
        }
    }

    /// A world like this one, which goes its own way from here. The trail must be in memory.
    pub fn fork(&self) -> Self {
        let clock = FrozenClock::at(self.clock.now());
        let mut fork = Self::at(clock, self.trail.fork(), self.gateway.inventory());
        fork.queues = std::array::from_fn(|at| self.queues[at].fork(&fork.clock));
        fork.streamed = AtomicUsize::new(self.streamed.load(Ordering::SeqCst));
        fork.deployment = self.deployment.clone();
        let in_force = self.policies.get();
        fork.policies.change(|policy| *policy = in_force);
        fork.reasoner = Arc::clone(&self.reasoner);
        fork.view = self.view.fork();
        fork.at_first = self.at_first.clone();
        fork
    }

    /// Every score is its baseline from now on: for tests of what comes after a score.
    pub fn weigh_nothing(&self) {
        self.policies.change(|in_force| in_force.policy = testkit::flat());
    }

    /// Models are asked from now on, in this order, at the prices of `claude-sonnet-4-6`.
    pub fn ask(&mut self, models: Vec<Box<dyn Model>>) {
        let price = Price {
            input: Micros(3_000_000),
            output: Micros(15_000_000),
        };
        self.settings.prices = models
            .iter()
            .map(|model| (model.name().to_owned(), price))
            .collect();
        self.models = models;
    }

    /// A queue.
    pub fn queue(&self, name: Lane) -> &Mailbox {
        &self.queues[name as usize]
    }

    /// Puts an event on the bus, as a sender does; returns the id of the first proposal about it.
    pub fn send(&self, text: &str) -> ProposalId {
        let id = sample::proposal_of(&sample::event(text));
        self.route(text);
        id
    }

    /// A proposal as the trail has it. Panics where there is none.
    pub async fn proposal(&self, id: &ProposalId) -> Proposal {
        let records = self.trail.seen(&StreamId::Proposal(id.clone())).await;
        Proposal::replay(&records).unwrap()
    }

    /// The same, not replayed again where nothing was added since. A record that was changed in its place is not seen.
    pub(crate) async fn glance(&self, id: &ProposalId) -> Proposal {
        let version = self.trail.version(&StreamId::Proposal(id.clone())).await;
        if let Some((seen, proposal)) = self.looked_at.lock().unwrap().get(id)
            && *seen == version
        {
            return proposal.clone();
        }
        let proposal = self.proposal(id).await;
        let seen = (version, proposal.clone());
        self.looked_at.lock().unwrap().insert(id.clone(), seen);
        proposal
    }

    /// The name of a proposal's state.
    pub async fn state(&self, id: &ProposalId) -> &'static str {
        self.proposal(id).await.state().name()
    }

    /// The proposals whose records have not expired, in the order of their ids.
    pub fn proposals(&self) -> Vec<ProposalId> {
        let now = u64::try_from(self.clock.now().as_seconds()).unwrap();
        let id = |stream| match stream {
            StreamId::Proposal(id) if !self.trail.is_expired(&StreamId::Proposal(id.clone()), now) => {
                Some(id)
            }
            _ => None,
        };
        self.trail.streams().into_iter().filter_map(id).collect()
    }

    /// The kinds of a proposal's records.
    pub async fn kinds(&self, id: &ProposalId) -> Vec<String> {
        let records = self.trail.seen(&StreamId::Proposal(id.clone())).await;
        records.into_iter().map(|record| record.kind).collect()
    }

    /// Every record that time to live has left, in the order of writing.
    pub async fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for (stream, seq) in self.trail.written() {
            let stream = self.trail.seen(&stream).await;
            records.extend(stream.into_iter().find(|record| record.seq == seq));
        }
        records
    }

    /// Pauses the agent, as `sre-agent pause` does.
    pub async fn pause(&self, reason: &str) {
        let control = load_control(&self.trail).await.unwrap();
        self.switch(control.pause(reason, self.clock.now()).unwrap())
            .await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        let control = load_control(&self.trail).await.unwrap();
        self.switch(control.resume(self.clock.now()).unwrap()).await;
    }

    /// Appends to `control`.
    pub async fn switch(&self, fact: ControlFact) {
        let last = self.trail.last(&StreamId::Control).await.unwrap();
        let entry = Entry::next(
            StreamId::Control,
            last.as_ref(),
            self.clock.now(),
            Actor::System,
            &fact,
            None,
        );
        self.trail.append(entry).await.unwrap();
    }
}

/// A reasoner that proposes what the test says.
pub struct Script(Box<dyn Fn(&Event) -> Value + Send + Sync>);

impl Script {
    /// Always one action, as JSON: `{"action": "disable_guardrail", "guardrail": "pii"}`.
    pub fn proposes(action: Value) -> Arc<dyn Reasoner> {
        Self::chooses(move |_| action.clone())
    }

    /// An action by the event.
    pub fn chooses(choice: impl Fn(&Event) -> Value + Send + Sync + 'static) -> Arc<dyn Reasoner> {
        Arc::new(Self(Box::new(choice)))
    }
}

#[async_trait]
impl Reasoner for Script {
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        Ok(Conclusion::Propose {
            action: serde_json::from_value((self.0)(&brief.received.event)).unwrap(),
            rationale: "The script says so.".to_owned(),
            proposer: Proposer::Runbook {
                version: 0,
                instead_of: None,
            },
        })
    }
}

/// The documented defaults.
fn settings(deployment: &Deployment) -> Settings {
    Settings {
        prices: Prices::new(),
        through_gateway: false,
        limits: Limits {
            turns: 8,
            tokens: 120_000,
            seconds: 90,
            cost: Micros(500_000),
        },
        daily_cap: Micros(20_000_000),
        runs_per_trouble: 6,
        tier: deployment.tier,
        bounds: deployment.limits.clone(),
    }
}

fn visibility_s(queue: Lane) -> u64 {
    let function = match queue {
        Lane::Ingest => "IngestAndPropose",
        Lane::Scoring => "Scoring",
        Lane::Execution | Lane::Restore | Lane::Verify => "Execution",
        Lane::Announce => "Outbox",
        Lane::Slack => "Notification",
        Lane::Outbox | Lane::Housekeeping | Lane::Strays => panic!("{queue} has no queue"),
    };
    rules::seconds(function, "Visibility")
}
