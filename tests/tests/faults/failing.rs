//! Functions of which one call fails, whichever it is: a read or a write, without its effect or with one that nobody hears
//! of. The message comes again, and it ends as if nothing had been.

use std::time::Duration;

use domain::message::Lane;
use domain::value::ProposalId;
use testkit::Cutter;
use testkit::cut::every_failure;
use tests::World;

use super::{
    STAGES, STEPS, approved, due, ends, ends_well, just_recorded, proposed, sent, waiting, without_messages,
};

/// The world goes on, and it ends as what failed allows: the break is over, if it came in time to begin; or it never was,
/// which people hear of; or, where nobody could look at the gateway, a person was paged in its place. Where the history could
/// not be read, two people have to agree.
async fn ends_truly(world: &World, id: &ProposalId) {
    for _ in 0..8 {
        world.run_until_quiet().await;
        world.assert_sound().await;
        if world.proposals().contains(id) && world.state(id).await == "awaiting_approval" {
            world.approve("alice", id).await.text();
            if world.state(id).await == "awaiting_approval" {
                world.approve("bob", id).await.text();
            }
        }
        world.advance(60).await;
        world.assert_sound().await;
    }
    world.settle().await;
    let story = world.story().await;
    assert_eq!(world.proposals().as_slice(), std::slice::from_ref(id), "{story}");
    let told = |reason: &str| world.topic.urgent().iter().any(|(_, told)| told == reason);
    match (world.state(id).await, world.breaks("openai")) {
        ("restored", 0 | 1) => {}
        ("failed", 0) => assert!(told("an action failed"), "{story}"),
        ("succeeded", 0) => assert_eq!(world.gateway.pages().len(), 1, "{story}"),
        (state, breaks) => panic!("{state} after {breaks} breaks\n{story}"),
    }
    world.assert_at_rest().await;
    world.assert_as_before();
}

/// Lets every call of one delivery fail in turn.
async fn fails(
    from: Lane,
    prepare: impl AsyncFn() -> (World, ProposalId),
    then: impl AsyncFn(&World, &ProposalId),
) -> usize {
    every_failure(async |cutter: &Cutter| {
        let (world, id) = prepare().await;
        assert!(cutter.run(world.deliver(from, cutter)).await.unwrap());
        then(&world, &id).await;
    })
    .await
}

#[tokio::test]
async fn any_call_of_ingest_fails() {
    let points = fails(Lane::Ingest, sent, ends_truly).await;
    assert!(points >= 12, "{points}");
}

#[tokio::test]
async fn any_call_of_scoring_fails() {
    let points = fails(Lane::Scoring, proposed, ends_well).await;
    assert!(points >= 6, "{points}");
}

#[tokio::test]
async fn any_call_of_a_start_fails() {
    let points = fails(Lane::Execution, approved, ends_truly).await;
    assert!(points >= 30, "{points}");
}

#[tokio::test]
async fn any_call_of_a_restore_fails() {
    let points = fails(Lane::Restore, due, ends_well).await;
    assert!(points >= 30, "{points}");
}

#[tokio::test]
async fn any_call_of_a_verification_fails() {
    let prepare = async || {
        let (world, id) = due().await;
        world.run_until_quiet().await;
        world.clock.advance(Duration::from_secs(120));
        (world, id)
    };
    let points = fails(Lane::Verify, prepare, ends_well).await;
    assert!(points >= 6, "{points}");
}

#[tokio::test]
async fn any_call_of_the_callback_fails() {
    let points = every_failure(async |cutter: &Cutter| {
        let (world, id) = waiting().await;
        let shown = world.shown(&id).await;
        let click = world.click("alice", "approve", &id, shown, cutter);
        let answer = cutter.run(click).await.unwrap();
        // Whoever is told that it is recorded can rely on it.
        let recorded = world.kinds(&id).await.contains(&"approved".to_owned());
        if answer
            .told
            .iter()
            .any(|told| told.starts_with("Your approval is recorded."))
        {
            assert!(recorded, "{answer:?}");
        }
        if !recorded {
            assert_ne!((answer.status, answer.told.len()), (200, 0), "nothing was said");
            world.approve("alice", &id).await.text();
        }
        ends_well(&world, &id).await;
    })
    .await;
    assert!(points >= 10, "{points}");
}

#[tokio::test]
async fn any_call_of_the_outbox_fails_after_every_step() {
    for kind in STEPS {
        let points = every_failure(async |cutter: &Cutter| {
            let (world, id) = just_recorded(kind).await;
            cutter.run(world.turn_stream(cutter)).await.unwrap();
            ends_well(&world, &id).await;
        })
        .await;
        assert!(points >= 6, "{points} after {kind}");
    }
}

/// What housekeeping does not come to in a run, it does in the next.
#[tokio::test]
async fn any_call_of_housekeeping_fails_with_every_message_lost() {
    for stage in 0..STAGES {
        let points = every_failure(async |cutter: &Cutter| {
            let (world, id) = without_messages(stage).await;
            // It may fail, but never silently: then nothing failed.
            let report = cutter.run(world.keep_house(cutter)).await.unwrap();
            assert!(report.is_ok() || cutter.cut_at().is_some(), "{report:?}");
            ends(&world, &id).await;
        })
        .await;
        assert!(points >= 20, "{points} in stage {stage}");
    }
}

/// One call fails anywhere in a whole life: any function's, in whichever order they come.
#[tokio::test]
async fn any_call_of_a_whole_life_fails() {
    let points = every_failure(async |cutter: &Cutter| {
        let (world, id) = sent().await;
        cutter
            .run(world.pass_by(Duration::from_secs(30), cutter))
            .await
            .unwrap();
        if world.proposals().contains(&id) && world.state(&id).await == "awaiting_approval" {
            world.approve("alice", &id).await.text();
        }
        cutter
            .run(world.pass_by(Duration::from_secs(330), cutter))
            .await
            .unwrap();
        ends_truly(&world, &id).await;
    })
    .await;
    assert!(points >= 150, "{points}");
}
