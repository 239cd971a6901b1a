//! Hostile events: whatever a sender writes into a field is data. It has no effect on what can be executed, and it
//! is inert wherever it is shown.
//!
//! The texts are `testkit::hostile::injections`, the places `testkit::hostile::places`. A surface that shows an
//! event to somebody belongs here, or with its own crate's tests over the same two.
#![expect(clippy::unwrap_used, reason = "what these tests share panics as they do")]

mod events;
mod obedient;
mod paged;
mod surfaces;

use std::sync::Once;
use std::time::Duration;

use domain::action::{Action, Preview};
use domain::message::Lane;
use domain::ports::Clock;
use domain::proposal::{Decision, DeclineReason};
use domain::risk;
use domain::risk::Subject;
use domain::telling::{Announcement, Notice};
use testkit::Cutter;
use tests::World;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use trail::load_control;

/// What a text stands for that means nothing to anybody.
pub(crate) const HARMLESS: &str = "harmless";

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the dead-letter queue, with this reason.
    GivenUp(String),
    /// It was declined.
    Declined(DeclineReason, String),
    /// Something may be executed, if a person or the policy says so.
    Proposed(Box<Executable>),
}

/// Everything that decides what is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Executable {
    pub(crate) action: Action,
    pub(crate) preview: Preview,
    pub(crate) score: u8,
    pub(crate) decision: Decision,
    pub(crate) approvals_needed: u8,
}

impl Outcome {
    /// In a word or two, for tables.
    pub(crate) fn name(&self) -> String {
        match self {
            Outcome::GivenUp(_) => "given up".to_owned(),
            Outcome::Declined(reason, _) => format!("declined ({})", reason.name()),
            Outcome::Proposed(executable) => executable.action.kind().to_string(),
        }
    }
}

/// What an event left behind.
pub(crate) struct Traces {
    pub(crate) outcome: Outcome,
    /// What is on the bus, as the bus carries it.
    pub(crate) announced: Vec<String>,
    /// What people are told of it that is about no proposal.
    pub(crate) told: Vec<String>,
    /// What was logged.
    pub(crate) log: String,
}

/// How far an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through its own function; the score is computed here.
    Ingest,
    /// Through outbox, bus and scoring as well, as far as it goes without a person.
    Whole,
}

/// From now on what this test logs is kept, as [`testkit::logs::kept`] gives it back.
pub(crate) fn keep_logs() {
    static LOGGING: Once = Once::new();
    LOGGING.call_once(|| {
        let logs = runtime::logs(testkit::logs::here, Targets::new().with_default(Level::INFO));
        tracing::subscriber::set_global_default(logs).unwrap();
    });
    testkit::logs::keep();
}

/// Lets the agent work one message of the ingest queue.
pub(crate) async fn work(world: &World, body: &str, way: Way) -> Traces {
    keep_logs();
    let mut announced = drive(world, body, way).await;
    let log = testkit::logs::kept();
    assert_eq!(world.gateway.writes(), [], "nothing is executed: {body}");
    let dead = world.queue(Lane::Ingest).dead();
    world.turn_stream(&Cutter::never()).await;
    let told: Vec<String> = world.topic.notices().iter().map(Notice::text).collect();
    let outcome = match (world.proposals().as_slice(), dead.as_slice()) {
        ([], [dead]) => Outcome::GivenUp(dead.reason.clone().unwrap()),
        ([id], []) => {
            let proposal = world.proposal(id).await;
            announced.push(world.envelope(&Announcement::of(&proposal)));
            match (proposal.declined(), proposal.proposed()) {
                (Some(declined), None) => Outcome::Declined(declined.reason, declined.explanation.clone()),
                (None, Some(proposed)) => {
                    let control = load_control(world.port()).await.unwrap();
                    let subject = Subject::of(&proposal).unwrap();
                    let in_force = world.policies.get();
                    let scored = risk::score(
                        &subject,
                        &in_force,
                        &world.deployment,
                        &control,
                        world.clock.now(),
                    );
                    if way == Way::Whole {
                        assert_eq!(proposal.scored(), Some(&scored), "{body}");
                    }
                    Outcome::Proposed(Box::new(Executable {
                        action: proposed.action.clone(),
                        preview: proposed.preview.clone(),
                        score: scored.score,
                        decision: scored.decision,
                        approvals_needed: scored.approvals_needed,
                    }))
                }
                other => panic!("{body}: {other:?}"),
            }
        }
        other => panic!("{body}: {other:?}"),
    };
    let is_about_nothing =
        matches!(&outcome, Outcome::Declined(_, why) if why.contains("the gateway knows no "));
    let expected = dead.len() + usize::from(is_about_nothing);
    assert_eq!(
        told.len(),
        expected,
        "what is given up, or about nothing, is told: {body}"
    );
    Traces {
        outcome,
        announced,
        told,
        log,
    }
}

async fn drive(world: &World, body: &str, way: Way) -> Vec<String> {
    let cutter = Cutter::never();
    let mut announced = Vec::new();
    world.queue(Lane::Ingest).send(body, Duration::ZERO);
    assert!(world.deliver(Lane::Ingest, &cutter).await);
    let mut moved = way == Way::Whole;
    while moved {
        moved = world.turn_stream(&cutter).await;
        let published = world.bus.published();
        announced.extend(published.iter().map(|one| world.envelope(one)));
        moved |= world.turn_bus();
        for queue in Lane::QUEUES {
            moved |= world.deliver(queue, &cutter).await;
        }
    }
    announced
}
