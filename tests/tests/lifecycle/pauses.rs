//! A pause loses nothing, however long it is: what arrives is recorded, and the trail keeps what no queue does.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use domain::inventory::Inventory;
use domain::message::Lane;
use domain::ports::Clock;
use domain::proposal::{Kind, State};
use domain::value::ProposalId;
use testkit::cut::every_point;
use testkit::{Cutter, sample};
use tests::world::BREAK_S;
use tests::{ScriptedModel, World};

/// Longer than SQS keeps a message, and longer than the proposals' longest life.
const DAYS: u64 = 40;

/// Who pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Operator,
    Template,
}

impl By {
    async fn pauses(self, world: &mut World) {
        match self {
            By::Operator => world.pause("a migration").await,
            By::Template => world.enabled = false,
        }
        // Housekeeping follows within a minute.
        keep_house(world).await;
        assert!(!world.queue(Lane::Scoring).is_on());
    }

    async fn resumes(self, world: &mut World) {
        match self {
            By::Operator => world.resume().await,
            By::Template => world.enabled = true,
        }
    }
}

async fn keep_house(world: &World) {
    world.keep_house(&Cutter::never()).await.unwrap();
}

/// A gateway on which twenty providers fail, each of them a trouble of its own, with a healthy one beside each.
fn failing() -> Inventory {
    let mut inventory = sample::inventory_with_unhealthy("openai");
    for number in 0..20 {
        let mut provider = inventory.providers[0].clone();
        provider.id = sample::provider_id(&name(number));
        let mut group = inventory.model_groups[0].clone();
        group.id = format!("group-{number:02}").parse().unwrap();
        group.routes[1].provider = provider.id.clone();
        inventory.providers.push(provider);
        inventory.model_groups.push(group);
    }
    inventory
}

fn name(number: usize) -> String {
    format!("openai-{number:02}")
}

fn send(world: &World, numbers: std::ops::Range<usize>) -> Vec<ProposalId> {
    numbers
        .map(|number| world.send(&sample::provider_unhealthy_text(&name(number))))
        .collect()
}

/// How often any of them was blocked.
fn breaks(world: &World) -> usize {
    (0..20).map(|number| world.breaks(&name(number))).sum()
}

/// The messages of a queue that are due, and no other step.
async fn work_all(world: &World, queue: Lane) {
    while world.deliver(queue, &Cutter::never()).await {}
}

async fn announce_all(world: &World) {
    while world.turn_stream(&Cutter::never()).await {}
    while world.turn_bus() {}
}

/// How often each was asked about.
fn asked(world: &World, id: &ProposalId) -> usize {
    let told = world.topic.urgent();
    let about = |told: &&(domain::telling::Announcement, String)| {
        told.0.proposal == *id && told.0.kind == Kind::Scored
    };
    told.iter().filter(about).count()
}

/// A burst of incidents, a pause in its middle, forty days in which every queue forgets what it held, and the end of
/// the pause: each incident is proposed and asked about once, whatever the pause met it at.
async fn a_burst_is_paused_for_forty_days(by: By, view_is_lost: bool) {
    let mut world = World::new(failing());
    let waiting = send(&world, 0..5);
    let under_way = waiting[4].clone();
    let approved = waiting[3].clone();
    world.run_until_quiet().await;
    // Proposed, and to be scored.
    let proposed = send(&world, 5..10);
    work_all(&world, Lane::Ingest).await;
    announce_all(&world).await;
    assert_eq!(world.queue(Lane::Scoring).len(), proposed.len());
    // Approved and executing; approved and to be executed.
    world.approve("alice", &under_way).await.text();
    announce_all(&world).await;
    work_all(&world, Lane::Execution).await;
    let State::Succeeded(done) = world.proposal(&under_way).await.state().clone() else {
        panic!("the break is in force");
    };
    world.approve("alice", &approved).await.text();
    announce_all(&world).await;
    // On its way when the pause begins, and arriving during it.
    let mut recorded = send(&world, 10..15);
    by.pauses(&mut world).await;
    recorded.extend(send(&world, 15..20));

    // What must end ends on time, and what waits for a person may be rejected, not approved.
    world.advance(BREAK_S + 5).await;
    assert_eq!(world.state(&under_way).await, "restored");
    let restored = world.proposal(&under_way).await.settled_at().unwrap();
    assert!(restored.millis_since(done.execution.restore_at.unwrap()) <= 5_000);
    world.assert_as_before();
    let refusal = world.approve("alice", &waiting[0]).await;
    assert!(refusal.text().contains("Approvals are not taken"), "{refusal:?}");
    world.reject("alice", &waiting[1]).await.text();

    world.clock.advance(Duration::from_secs(DAYS * 86_400));
    for queue in Lane::QUEUES {
        world.queue(queue).lose();
    }
    keep_house(&world).await;
    world.run_until_quiet().await;
    for (ids, state) in [
        (&waiting[..1], "awaiting_approval"),
        (&[waiting[1].clone()], "rejected"),
        (&waiting[2..3], "awaiting_approval"),
        // Its approval ran out: it is scored and asked about again.
        (std::slice::from_ref(&approved), "proposed"),
        (&proposed, "proposed"),
        (&recorded, "reasoning"),
    ] {
        for id in ids {
            assert_eq!(world.state(id).await, state, "{by:?}, after {DAYS} days");
        }
    }

    if view_is_lost {
        world.view.clear();
        // At the full hour housekeeping walks back as far as a proposal lives.
        let second = u64::try_from(world.clock.now().as_seconds()).unwrap() % 3_600;
        world.advance(3_600 - 30 - second).await;
    }
    by.resumes(&mut world).await;
    world.advance(120).await;
    let everyone: Vec<&ProposalId> = waiting.iter().chain(&proposed).chain(&recorded).collect();
    assert_eq!(world.proposals().len(), everyone.len(), "one proposal each");
    for id in everyone {
        let kinds = world.kinds(id).await;
        let scored = if *id == approved { 2 } else { 1 };
        for (kind, expected) in [("proposed", 1), ("scored", scored)] {
            let times = kinds.iter().filter(|one| *one == kind).count();
            assert_eq!(times, expected, "{by:?}: {kind} of {id}: {kinds:?}");
        }
        // A view that is lost is filled by announcing again.
        if !view_is_lost {
            assert_eq!(asked(&world, id), scored, "{by:?}: {id}: {kinds:?}");
        }
    }
    assert_eq!(breaks(&world), 1, "a yes of forty days ago starts nothing");
    world.approve("bob", &approved).await.text();
    world.advance(BREAK_S + 30).await;
    assert_eq!(breaks(&world), 2, "one of now does, once");
    // A deadline that had half an hour left has it still.
    if !view_is_lost {
        world.approve("bob", &waiting[0]).await.text();
        world.run_until_quiet().await;
        assert_eq!(world.state(&waiting[0]).await, "succeeded");
    }
    world.advance(4_000).await;
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_pause_of_forty_days_in_a_burst_loses_none_and_doubles_none() {
    a_burst_is_paused_for_forty_days(By::Operator, false).await;
}

#[tokio::test]
async fn so_does_one_by_the_template() {
    a_burst_is_paused_for_forty_days(By::Template, false).await;
}

#[tokio::test]
async fn without_the_view_the_trail_alone_brings_everything_back() {
    a_burst_is_paused_for_forty_days(By::Operator, true).await;
}

#[tokio::test]
async fn an_event_during_a_pause_is_recorded_and_nobody_is_asked_about_it() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    let model = ScriptedModel::down("claude-sonnet-4-6");
    world.ask(vec![Box::new(model.clone())]);
    // Whoever asks the gateway now fails, and comes again.
    world.reading.outages.next(usize::MAX);
    world.pause("a migration").await;
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.route(&sample::with_event_id(
        &sample::provider_unhealthy_text("openai"),
        "evt-again",
    ));
    world.advance(600).await;
    assert_eq!(world.kinds(&id).await, ["received", "repeated"]);
    assert_eq!(world.state(&id).await, "reasoning");
    assert!(
        world.queue(Lane::Ingest).is_empty(),
        "nothing is left to be delivered"
    );
    assert_eq!((model.asked(), world.topic.urgent().len()), (0, 0));

    world.reading.outages.end();
    world.resume().await;
    world.advance(60).await;
    assert_eq!(model.asked(), 1, "and now the model is");
    let kinds = world.kinds(&id).await;
    assert_eq!(kinds, ["received", "repeated", "received", "proposed", "scored"]);
}

/// Whatever `ingest-and-propose` dies at, before the pause or in it, is made up for after it, once.
async fn ingest_dies_around_a_pause(in_it: bool) -> usize {
    every_point(async |cutter: &Cutter| {
        let world = World::new(sample::inventory_with_unhealthy("openai"));
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        if in_it {
            world.pause("a migration").await;
        }
        let mail = world.queue(Lane::Ingest).receive().unwrap();
        cutter.run(world.work(Lane::Ingest, &mail, cutter)).await;
        if !in_it {
            world.pause("a migration").await;
        }
        let proposed = async || {
            world
                .records()
                .await
                .iter()
                .any(|record| record.kind == "proposed")
        };
        let before = proposed().await;
        world.advance(3_600).await;
        assert_eq!(proposed().await, before, "nothing is proposed during the pause");
        assert!(
            world.queue(Lane::Ingest).is_empty(),
            "and the message is not needed any more"
        );
        world.resume().await;
        world.advance(120).await;
        let kinds = world.kinds(&id).await;
        let times = |kind| kinds.iter().filter(|one| *one == kind).count();
        assert_eq!((times("proposed"), times("scored")), (1, 1), "{kinds:?}");
        assert_eq!((world.proposals().len(), asked(&world, &id)), (1, 1));
    })
    .await
}

#[tokio::test]
async fn a_reasoner_that_dies_before_a_pause_is_followed_after_it() {
    let points = ingest_dies_around_a_pause(false).await;
    assert!(points > 12, "it has {points} points");
}

#[tokio::test]
async fn whatever_dies_while_it_records_during_a_pause_is_made_up_for() {
    let points = ingest_dies_around_a_pause(true).await;
    assert!(points > 6, "it has {points} points");
}
