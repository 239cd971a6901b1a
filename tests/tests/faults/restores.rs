//! The end of a break: whatever happens to its message, the provider is not left blocked.

use std::time::Duration;

use domain::inventory::Setting;
use domain::message::Lane;
use domain::message::hint;
use domain::ports::Clock;
use expect_test::expect;
use testkit::cut::every_point;
use testkit::{Cutter, sample};
use tests::world::BREAK_S;
use tests::{World, walk};

use super::{approved, in_force, seconds_since};

#[tokio::test]
async fn a_break_ends_within_five_seconds_of_its_end() {
    let (world, id) = in_force().await;
    let began = world.clock.now();
    world.advance(BREAK_S - 1).await;
    assert_eq!(world.state(&id).await, "succeeded");
    world.advance(1).await;
    assert_eq!(world.state(&id).await, "restored");
    assert!(seconds_since(&world, began) <= BREAK_S + 5);
    world.assert_as_before();
}

#[tokio::test]
async fn a_lost_restore_is_made_up_for_by_housekeeping() {
    let (world, id) = in_force().await;
    world.queue(Lane::Restore).lose();
    let began = world.clock.now();
    while world.state(&id).await != "restored" {
        world.advance(1).await;
        assert!(
            seconds_since(&world, began) < BREAK_S + 3 + 60 + 10,
            "{}",
            world.story().await
        );
    }
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_restore_that_fires_while_the_outcome_is_unknown_restores() {
    let mut met_unknown = 0;
    every_point(async |cutter: &Cutter| {
        let (world, id) = approved().await;
        world.acting.on(
            &sample::target("provider", "openai"),
            testkit::WriteFault::UnclearAfter,
        );
        cutter.run(world.deliver(Lane::Execution, cutter)).await;
        if world.state(&id).await != "unknown" {
            return;
        }
        met_unknown += 1;
        assert_eq!(
            world.gateway.setting(&sample::target("provider", "openai")),
            Setting::Blocked(true)
        );
        // Its executor's lease holds for longer than the break lasts.
        world.advance(BREAK_S).await;
        assert_eq!(world.state(&id).await, "restored");
        world.assert_as_before();
        world.settle().await;
        world.assert_at_rest().await;
    })
    .await;
    assert!(met_unknown > 0, "some point left it unknown");
}

#[tokio::test]
async fn a_restore_delivered_early_waits_and_one_delivered_often_restores_once() {
    let (world, id) = in_force().await;
    for delay in [0, 10, 29, 30, 30, 31] {
        world
            .queue(Lane::Restore)
            .send(&hint(&id), Duration::from_secs(delay));
    }
    world.advance(BREAK_S - 1).await;
    assert_eq!(world.state(&id).await, "succeeded");
    assert_eq!(world.breaks("openai"), 1);
    world.settle().await;
    let kinds = world.kinds(&id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "restored").count(), 1);
    assert_eq!(world.gateway.writes().len(), 2, "one write there and one back");
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_restore_goes_on_until_the_gateway_is_back() {
    let (world, id) = in_force().await;
    world.acting.outages.next(usize::MAX);
    world.reading.outages.next(usize::MAX);
    world.advance(400).await;
    assert_eq!(world.state(&id).await, "succeeded");
    let openai = sample::target("provider", "openai");
    assert_eq!(world.gateway.setting(&openai), Setting::Blocked(true));
    world.acting.outages.end();
    world.reading.outages.end();
    let back = world.clock.now();
    while world.state(&id).await != "restored" {
        world.advance(1).await;
        assert!(seconds_since(&world, back) < 60, "{}", world.story().await);
    }
    // It is judged after its end, and not after the end that it should have had.
    assert_eq!(world.proposal(&id).await.verified(), None);
    world.advance(600).await;
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
    let told: Vec<String> = world
        .topic
        .urgent()
        .into_iter()
        .map(|(_, reason)| reason)
        .collect();
    assert_eq!(
        told,
        [
            "a proposal waits for approval",
            "an effect could not be taken back",
            "the trouble is still there after the action",
        ]
    );
}

#[tokio::test]
async fn a_write_back_whose_reply_is_lost_is_found_by_reading() {
    for fault in [
        testkit::WriteFault::UnclearAfter,
        testkit::WriteFault::UnclearBefore,
        testkit::WriteFault::Refuse,
        testkit::WriteFault::Slow(Duration::from_secs(4)),
    ] {
        let (world, id) = in_force().await;
        world.acting.next(fault);
        world.settle().await;
        assert_eq!(world.state(&id).await, "restored", "{fault:?}");
        world.assert_at_rest().await;
        world.assert_as_before();
    }
}

#[tokio::test]
async fn a_break_that_somebody_else_ended_is_restored_without_a_write() {
    let (world, id) = in_force().await;
    let openai = sample::target("provider", "openai");
    world.gateway.set(&openai, Setting::Blocked(false));
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    assert_eq!(world.gateway.writes().len(), 1);
    world.assert_verified().await;
}

#[tokio::test]
async fn an_executor_too_slow_for_its_break_does_not_begin_it() {
    let (world, id) = approved().await;
    let cutter = Cutter::gives_way();
    let mut task: walk::Task<'_> = Box::pin(async {
        world.deliver(Lane::Execution, &cutter).await;
    });
    let mut slow = false;
    while !walk::step(&mut task) {
        if !slow && walk::now(world.state(&id)) == "executing" {
            // Its request, which may take five seconds, would not end within the break.
            world.clock.advance(Duration::from_millis(25_001));
            slow = true;
        }
    }
    drop(task);
    assert!(slow);
    assert_eq!(world.gateway.writes(), []);
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_restorer_too_slow_for_its_lease_leaves_it_to_the_next() {
    let (world, id) = in_force().await;
    world.clock.advance(Duration::from_secs(BREAK_S));
    let cutter = Cutter::gives_way();
    let claims = || world.trail.written().iter().filter(|(_, seq)| *seq == 2).count();
    let before = claims();
    let mut task: walk::Task<'_> = Box::pin(async {
        world.deliver(Lane::Restore, &cutter).await;
    });
    let mut slow = false;
    while !walk::step(&mut task) {
        if !slow && claims() == before + 1 {
            world.clock.advance(Duration::from_millis(15_001));
            slow = true;
        }
    }
    drop(task);
    assert!(slow);
    assert_eq!(world.gateway.writes().len(), 1, "only the break itself");
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_write_that_arrives_when_the_restore_has_begun_is_taken_back() {
    let (world, id) = killed_after_a_late_write().await;
    let openai = sample::target("provider", "openai");
    world.clock.advance(Duration::from_secs(BREAK_S));
    let began = world.clock.now();
    let cutter = Cutter::gives_way();
    let mut task: walk::Task<'_> = Box::pin(async {
        world.deliver(Lane::Restore, &cutter).await;
    });
    let mut arrived = false;
    while !walk::step(&mut task) {
        if !arrived && world.clock.now() > began {
            assert_eq!(world.gateway.setting(&openai), Setting::Blocked(false));
            world.gateway.land_late_writes();
            assert_eq!(world.gateway.setting(&openai), Setting::Blocked(true));
            arrived = true;
        }
    }
    drop(task);
    assert!(arrived);
    assert_eq!(world.state(&id).await, "restored");
    world.assert_as_before();
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
}

/// A world whose executor died in its write, which is still on its way.
async fn killed_after_a_late_write() -> (World, domain::value::ProposalId) {
    for point in 0..100 {
        let (world, id) = approved().await;
        world
            .acting
            .on(&sample::target("provider", "openai"), testkit::WriteFault::Late);
        let cutter = Cutter::at(point);
        cutter.run(world.deliver(Lane::Execution, &cutter)).await;
        let at = cutter.cut_at().unwrap();
        if at.starts_with("after Actuator::apply") {
            return (world, id);
        }
    }
    panic!("the executor does not write");
}

#[tokio::test]
async fn the_trail_down_at_the_end_only_delays_it() {
    let (world, id) = in_force().await;
    let trail = world.trail.as_memory();
    for failing in 0..12 {
        let fork = world.fork();
        fork.gateway
            .set(&sample::target("provider", "openai"), Setting::Blocked(true));
        fork.clock.advance(Duration::from_secs(BREAK_S));
        let trail = fork.trail.as_memory();
        // Every call in turn fails, with and without its effect.
        trail.outages.next(failing);
        trail.outages.next_replies(failing);
        fork.deliver(Lane::Restore, &Cutter::never()).await;
        trail.outages.end();
        fork.settle().await;
        assert_eq!(fork.state(&id).await, "restored", "{failing}");
        fork.assert_at_rest().await;
    }
    assert_eq!(trail.records(&domain::trail::StreamId::Control), []);
    expect!["succeeded"].assert_eq(world.state(&id).await);
}
