//! Functions killed anywhere: before and after every call that they make. Nothing is lost, nothing happens twice.

use domain::message::Lane;
use domain::value::ProposalId;
use serde_json::json;
use testkit::cut::every_point;
use testkit::{Cutter, Ran, sample};
use tests::World;
use tests::world::Script;

use super::{
    STAGES, STEPS, approved, due, ends, ends_well, just_recorded, proposed, sent, waiting, without_messages,
};

/// Kills one delivery of a queue at every point.
async fn killed(from: Lane, prepare: impl AsyncFn() -> (World, ProposalId)) -> usize {
    killed_and(from, prepare, ends_well).await
}

async fn killed_and(
    from: Lane,
    prepare: impl AsyncFn() -> (World, ProposalId),
    then: impl AsyncFn(&World, &ProposalId),
) -> usize {
    every_point(async |cutter: &Cutter| {
        let (world, id) = prepare().await;
        if let Ran::Done(delivered) = cutter.run(world.deliver(from, cutter)).await {
            assert!(delivered, "there was a message");
        }
        then(&world, &id).await;
    })
    .await
}

#[tokio::test]
async fn ingest_is_killed_anywhere() {
    let points = killed(Lane::Ingest, sent).await;
    assert!(points >= 12, "{points}");
}

#[tokio::test]
async fn scoring_is_killed_anywhere() {
    let points = killed(Lane::Scoring, proposed).await;
    assert!(points >= 6, "{points}");
}

#[tokio::test]
async fn execution_is_killed_anywhere_in_a_start() {
    let points = killed_and(Lane::Execution, approved, ends).await;
    assert!(points >= 30, "{points}");
}

#[tokio::test]
async fn execution_that_is_killed_before_the_effect_of_a_long_break_still_has_it() {
    let prepare = async || {
        let mut world = World::new(sample::inventory_with_unhealthy("openai"));
        world.reasoner = Script::proposes(
            json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}),
        );
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        world.run_until_quiet().await;
        world.approve("alice", &id).await.text();
        world.turn_stream(&Cutter::never()).await;
        world.turn_bus();
        (world, id)
    };
    killed(Lane::Execution, prepare).await;
}

#[tokio::test]
async fn execution_is_killed_anywhere_in_a_restore() {
    let points = killed(Lane::Restore, due).await;
    assert!(points >= 30, "{points}");
}

#[tokio::test]
async fn execution_is_killed_anywhere_in_a_verification() {
    let prepare = async || {
        let (world, id) = due().await;
        world.run_until_quiet().await;
        world.clock.advance(std::time::Duration::from_secs(120));
        (world, id)
    };
    let points = killed(Lane::Verify, prepare).await;
    assert!(points >= 6, "{points}");
}

#[tokio::test]
async fn the_callback_is_killed_anywhere() {
    let points = every_point(async |cutter: &Cutter| {
        let (world, id) = waiting().await;
        let shown = world.shown(&id).await;
        cutter
            .run(world.click("alice", "approve", &id, shown, cutter))
            .await;
        // Slack showed an error, and Alice clicks again.
        let again = world
            .click("alice", "approve", &id, shown, &Cutter::never())
            .await;
        assert!(
            again.text().starts_with("Your approval is recorded."),
            "{again:?}"
        );
        ends_well(&world, &id).await;
    })
    .await;
    assert!(points >= 10, "{points}");
}

#[tokio::test]
async fn the_outbox_is_killed_anywhere_after_every_step() {
    for kind in STEPS {
        let points = every_point(async |cutter: &Cutter| {
            let (world, id) = just_recorded(kind).await;
            cutter.run(world.turn_stream(cutter)).await;
            ends_well(&world, &id).await;
        })
        .await;
        assert!(points >= 6, "{points} after {kind}");
    }
}

/// Worlds in which only housekeeping can help, as every message is lost.
#[tokio::test]
async fn housekeeping_is_killed_anywhere_with_every_message_lost() {
    for stage in 0..STAGES {
        let points = every_point(async |cutter: &Cutter| {
            let (world, id) = without_messages(stage).await;
            if let Ran::Done(report) = cutter.run(world.keep_house(cutter)).await {
                // Whoever is to act next; and the outbox, where the stream has not woken it either.
                let unannounced = matches!(stage, 0 | 3);
                assert_eq!(
                    report.unwrap().woken,
                    1 + usize::from(unannounced),
                    "stage {stage}"
                );
            }
            ends(&world, &id).await;
        })
        .await;
        assert!(points >= 20, "{points} in stage {stage}");
    }
}

#[tokio::test]
async fn execution_is_killed_twice() {
    // Every point of the first try, with a few of the second.
    for second in (1..40).step_by(8) {
        every_point(async |cutter: &Cutter| {
            let (world, id) = approved().await;
            cutter.run(world.deliver(Lane::Execution, cutter)).await;
            world.clock.advance(world.visibility());
            let again = Cutter::at(second);
            again.run(world.deliver(Lane::Execution, &again)).await;
            let restore = Cutter::at(second);
            restore.run(world.deliver(Lane::Restore, &restore)).await;
            ends(&world, &id).await;
        })
        .await;
    }
}

/// Every batch of the stream is given up, after every step.
#[tokio::test]
async fn people_are_asked_even_where_the_stream_brings_nothing() {
    let (world, id) = sent().await;
    let minutes = async |count: usize, kind: &str| {
        for _ in 0..count {
            world.lose_stream();
            world.advance(60).await;
            world.lose_stream();
        }
        assert!(world.kinds(&id).await.contains(&kind.to_owned()), "{kind}");
    };
    world.deliver(Lane::Ingest, &Cutter::never()).await;
    minutes(3, "scored").await;
    minutes(3, "scored").await;
    let told: Vec<String> = world
        .topic
        .urgent()
        .into_iter()
        .map(|(_, reason)| reason)
        .collect();
    assert_eq!(told, ["a proposal waits for approval"]);
    world.approve("alice", &id).await.text();
    minutes(3, "started").await;
    ends(&world, &id).await;
    // The row is written after everything up to its record was announced.
    let records = world.kinds(&id).await.len();
    assert_eq!(world.view.row(&id).unwrap().seq, u64::try_from(records).unwrap());
}
