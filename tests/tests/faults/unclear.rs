//! Writes whose outcome is unclear, resolved by reading and never by believing.

use std::time::Duration;

use domain::inventory::Setting;
use domain::message::Lane;
use domain::ports::Clock;
use expect_test::expect;
use testkit::{Cutter, WriteFault, sample};
use tests::{World, walk};

use super::approved;

async fn start_with(fault: WriteFault) -> (World, domain::value::ProposalId) {
    let (world, id) = approved().await;
    world.acting.on(&sample::target("provider", "openai"), fault);
    world.run_until_quiet().await;
    (world, id)
}

/// The kinds from the start on, for as long as nobody restores.
async fn since_start(world: &World, id: &domain::value::ProposalId) -> String {
    let kinds = world.kinds(id).await;
    let at = kinds.iter().position(|kind| kind == "started").unwrap();
    kinds[at..].join(" ")
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_after_its_effect_has_succeeded() {
    let (world, id) = start_with(WriteFault::UnclearAfter).await;
    expect!["started unknown succeeded"].assert_eq(&since_start(&world, &id).await);
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_write_that_never_arrived_has_failed() {
    let (world, id) = start_with(WriteFault::UnclearBefore).await;
    expect!["started unknown"].assert_eq(&since_start(&world, &id).await);
    world.settle().await;
    expect!["started unknown failed"].assert_eq(&since_start(&world, &id).await);
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_write_that_was_refused_has_failed() {
    let (world, id) = start_with(WriteFault::Refuse).await;
    expect!["started failed"].assert_eq(&since_start(&world, &id).await);
    world.settle().await;
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_write_that_arrives_late_is_still_found() {
    let (world, id) = approved().await;
    world
        .acting
        .on(&sample::target("provider", "openai"), WriteFault::Late);
    let cutter = Cutter::gives_way();
    let began = world.clock.now();
    let mut task: walk::Task<'_> = Box::pin(async {
        world.deliver(Lane::Execution, &cutter).await;
    });
    let mut ended = false;
    while !ended {
        ended = walk::step(&mut task);
        if world.clock.now() > began {
            world.gateway.land_late_writes();
        }
    }
    drop(task);
    expect!["started unknown succeeded"].assert_eq(&since_start(&world, &id).await);
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_write_that_takes_nearly_as_long_as_it_may_succeeds() {
    let (world, id) = start_with(WriteFault::Slow(Duration::from_millis(4_900))).await;
    expect!["started succeeded"].assert_eq(&since_start(&world, &id).await);
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_target_that_somebody_else_sets_meanwhile_has_drifted_and_is_paged_about() {
    let (mut world, team) = (
        World::new(sample::inventory_with_spent_budget("payments")),
        sample::target("team", "payments"),
    );
    world.reasoner = tests::world::Script::proposes(
        serde_json::json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}),
    );
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.turn_stream(&Cutter::never()).await;
    world.turn_bus();
    let cutter = Cutter::gives_way();
    let mut task: walk::Task<'_> = Box::pin(async {
        world.deliver(Lane::Execution, &cutter).await;
    });
    let mut ended = false;
    while !ended {
        ended = walk::step(&mut task);
        if walk::now(world.state(&id)) == "executing" {
            world.gateway.set(&team, Setting::RateLimit { rpm: 7, tpm: 7 });
        }
    }
    drop(task);
    expect!["started failed"].assert_eq(&since_start(&world, &id).await);
    assert_eq!(
        world.gateway.setting(&team),
        Setting::RateLimit { rpm: 7, tpm: 7 }
    );
    let keys: Vec<String> = world.gateway.pages().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [format!("{id}/drift")]);
    world.settle().await;
    world.assert_at_rest().await;
}

async fn page_waiting() -> (World, domain::value::ProposalId) {
    let world = World::new(sample::inventory_with_spent_budget("payments"));
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.run_until_quiet().await;
    (world, id)
}

#[tokio::test]
async fn a_page_whose_reply_is_lost_is_sent_again_under_the_same_key() {
    for faults in [
        vec![WriteFault::UnclearAfter],
        vec![WriteFault::UnclearBefore, WriteFault::UnclearAfter],
        // More than one delivery tries: the lease has to end first.
        vec![WriteFault::UnclearAfter; 7],
        vec![WriteFault::UnclearBefore; 4],
    ] {
        let (world, id) = page_waiting().await;
        for fault in &faults {
            world.acting.next(*fault);
        }
        world.approve("alice", &id).await.text();
        world.settle().await;
        assert_eq!(world.state(&id).await, "succeeded", "{faults:?}");
        let keys: Vec<String> = world.gateway.pages().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [format!("{id}/page")], "{faults:?}");
        world.assert_at_rest().await;
    }
}

#[tokio::test]
async fn a_page_that_the_pager_refuses_has_failed_and_people_hear_of_it() {
    let (world, id) = page_waiting().await;
    world.acting.next(WriteFault::Refuse);
    world.approve("alice", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "failed");
    let (last, reason) = world.topic.urgent().pop().unwrap();
    assert_eq!(
        (last.kind.name(), reason.as_str()),
        ("failed", "an action failed")
    );
    world.assert_at_rest().await;
}
