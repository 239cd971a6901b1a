//! Many people at once: one of them decides, and each is told the truth.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::slack::form::Modal;
use approval_callback::reply::Reply;
use approval_callback::slack::{Slack, Trust};
use approval_callback::{self as callback, Deps, handle};
use async_trait::async_trait;
use domain::permission::Directory;
use domain::ports::Trail;
use domain::proposal::{Proposal, ProposalFact};
use domain::telling::Line;
use domain::trail::{Fact as _, Record, StreamId};
use domain::value::Deployment;
use futures::future::join_all;
use runtime::http::HttpRequest;
use runtime::link::LinkKey;
use serde_json::{Value, json};
use testkit::slack::{self, Signed};
use testkit::story::{Story, breaks, second};
use testkit::{Dynamo, FixedCredential, FixedOperators, FixedPolicies, FrozenClock, MemoryTrail, sample};

use crate::door::{RESPONSE_URL, SECRET, interaction, shown};

/// How many click.
const CROWD: usize = 64;

/// How long they may take in all. Nobody waits for it: it ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The operators `p0`, `p1`, …, who are called so, too.
fn directory() -> Directory {
    let operators = (0..CROWD).map(|nth| {
        json!({"id": format!("p{nth}"), "name": format!("Person {nth}"), "active": true, "groups": ["sre"],
               "slack": [{"team": sample::SLACK_TEAM, "user": format!("U{nth}")}]})
    });
    let operators: Vec<Value> = operators.collect();
    Directory::parse(&json!({ "operators": operators }).to_string()).unwrap()
}

/// What one person is told.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>);

#[async_trait]
impl Reply for Ear {
    async fn tell(&self, _: &str, told: &Line) {
        self.0.lock().unwrap().push(shown(told));
    }

    async fn open(&self, _: &str, _: &Modal) -> Result<(), String> {
        Err("nothing opens here".to_owned())
    }
}

/// What the crowd shares.
struct Place {
    trail: Box<dyn Trail>,
    operators: FixedOperators,
    policies: FixedPolicies,
    clock: FrozenClock,
    story: Story,
}

impl Place {
    fn new(trail: Box<dyn Trail>, story: Story) -> Self {
        Self {
            trail,
            operators: FixedOperators::new(directory()),
            policies: FixedPolicies::default(),
            clock: FrozenClock::at(second(50)),
            story,
        }
    }

    fn in_memory() -> Self {
        let (trail, story) = (MemoryTrail::new(), Story::awaiting(breaks()));
        story.write_to(&trail);
        Self::new(Box::new(trail), story)
    }

    /// Over the real adapter. What is written there has other digests than the story: it is told anew.
    async fn on_dynamo(dynamo: &Dynamo) -> Self {
        let (trail, story) = (dynamo.trail(), Story::awaiting(breaks()));
        write(&trail, &story).await;
        Self::new(Box::new(trail), story)
    }

    async fn records(&self) -> Vec<Record> {
        let stream = StreamId::Proposal(self.story.proposal().id().clone());
        self.trail.load(&stream).await.unwrap()
    }

    /// What the buttons hold.
    async fn value(&self) -> String {
        let records = self.records().await;
        let scored = records.iter().rfind(|record| record.kind == "scored").unwrap();
        format!("{}.{}", self.story.proposal().id(), scored.digest)
    }

    /// One person's request, and what they are told in the end.
    async fn asks(&self, event: &Value) -> String {
        let (ear, deployment) = (Ear::default(), Deployment::default());
        let secret = FixedCredential::new(SECRET);
        let trust = Trust {
            secret: &secret,
            app: slack::APP.to_owned(),
            teams: vec![sample::SLACK_TEAM.to_owned()],
        };
        let links = LinkKey::new("the key of the links".to_owned()).unwrap();
        let deps = Deps {
            trail: self.trail.as_ref(),
            policies: &self.policies,
            deployment: &deployment,
            operators: &self.operators,
            clock: &self.clock,
            door: callback::Door::Public {
                slack: Slack {
                    trust: &trust,
                    reply: &ear,
                },
                links: &links,
            },
        };
        let answer = handle(&deps, &HttpRequest::read(event).unwrap()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut told = ear.0.lock().unwrap().clone();
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let said = body.pointer("/view/blocks/0/text/text").and_then(Value::as_str);
        told.extend(said.map(str::to_owned));
        assert_eq!(told.len(), 1, "each is told once: {told:?}");
        told.remove(0)
    }
}

/// Writes the records of a story through the port.
async fn write(trail: &dyn Trail, story: &Story) {
    let first = trail.append(story.entries()[0].clone()).await.unwrap();
    let mut proposal = Proposal::replay(&[first]).unwrap();
    for record in &story.records()[1..] {
        let fact = ProposalFact::read(record).unwrap();
        let entry = proposal.entry(record.at, record.actor.clone(), &fact).unwrap();
        proposal = proposal.apply(&trail.append(entry).await.unwrap()).unwrap();
    }
}

/// The `nth` person's click, or their form.
fn request(nth: usize, value: &str, approves: bool) -> Value {
    let user = format!("U{nth}");
    let mut payload = match approves {
        true => slack::payload(&user, "approve", value, RESPONSE_URL),
        false => slack::submission(&user, "reject", value, &[("reason", "not now")]),
    };
    payload["team"]["id"] = json!(sample::SLACK_TEAM);
    payload["user"]["team_id"] = json!(sample::SLACK_TEAM);
    let seconds = u64::try_from(second(50).as_seconds()).unwrap();
    let signed: Signed = slack::sign(&payload, SECRET, seconds);
    interaction(&signed)
}

/// All ask at the same time, each in a task of its own. One decides, and everybody hears who it was.
async fn one_decides(place: Place, approves: fn(usize) -> bool) {
    let place = Arc::new(place);
    let value = place.value().await;
    let before = place.records().await.len();
    let barrier = Arc::new(tokio::sync::Barrier::new(CROWD));
    let asking = (0..CROWD).map(|nth| {
        let (place, barrier) = (Arc::clone(&place), Arc::clone(&barrier));
        let event = request(nth, &value, approves(nth));
        tokio::spawn(async move {
            barrier.wait().await;
            place.asks(&event).await
        })
    });
    let asking: Vec<_> = asking.collect();
    let answers = tokio::time::timeout(PATIENCE, join_all(asking)).await.unwrap();
    let answers: Vec<String> = answers.into_iter().map(|answer| answer.unwrap()).collect();

    let records = place.records().await.split_off(before);
    assert_eq!(records.len(), 1, "one decision: {records:?}");
    let decided = &records[0];
    let id = decided.actor.operator().unwrap().to_string();
    let winner: usize = id.strip_prefix('p').unwrap().parse().unwrap();
    let (kind, done, to_others) = match approves(winner) {
        true => ("approved", "Your approval is recorded.", "It was approved by"),
        false => ("rejected", "Your rejection is recorded.", "It was rejected by"),
    };
    assert_eq!(decided.kind, kind);
    let recorded: BTreeSet<usize> = (0..CROWD)
        .filter(|nth| answers[*nth].contains("recorded"))
        .collect();
    assert_eq!(recorded, BTreeSet::from([winner]), "{answers:#?}");
    assert!(answers[winner].starts_with(done), "{}", answers[winner]);
    let named = format!("{to_others} Person {winner} at ");
    for (nth, answer) in answers.iter().enumerate() {
        assert!(nth == winner || answer.starts_with(&named), "{nth}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_approvals_at_once_are_one_decision_of_which_all_hear() {
    for _ in 0..5 {
        one_decides(Place::in_memory(), |_| true).await;
    }
    let dynamo = Dynamo::start().await;
    one_decides(Place::on_dynamo(&dynamo).await, |_| true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_approvals_and_as_many_rejections_at_once_are_one_decision() {
    for _ in 0..5 {
        one_decides(Place::in_memory(), |nth| nth % 2 == 0).await;
    }
    let dynamo = Dynamo::start().await;
    one_decides(Place::on_dynamo(&dynamo).await, |nth| nth % 2 == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_person_who_clicks_sixty_four_times_at_once_decides_once_and_hears_it_each_time() {
    let place = Arc::new(Place::in_memory());
    let event = request(7, &place.value().await, true);
    let clicks = (0..CROWD).map(|_| {
        let (place, event) = (Arc::clone(&place), event.clone());
        tokio::spawn(async move { place.asks(&event).await })
    });
    let clicks: Vec<_> = clicks.collect();
    for answer in tokio::time::timeout(PATIENCE, join_all(clicks)).await.unwrap() {
        assert!(answer.unwrap().starts_with("Your approval is recorded."));
    }
    assert_eq!(place.records().await.last().unwrap().kind, "approved");
    assert_eq!(place.records().await.len(), place.story.records().len() + 1);
}
