//! What is held while it is needed: through failed claims, lost replies, dead executors, late writes and outages.

use std::time::Duration;

use domain::inventory::{Route, Setting};
use domain::message::Lane;
use domain::ports::Clock;
use domain::trail::StreamId;
use domain::value::{Micros, Ppm, ProposalId};
use serde_json::json;
use testkit::{Cutter, WriteFault, sample};
use tests::World;
use tests::world::{BREAK_S, Script};

use super::approved;

/// `openai` and `anthropic` fail; `bedrock` is a third deployment of `chat`. The first proposal breaks `openai` for 60 s,
/// the second `anthropic` for 300 s. Both thin `chat`, and claim it.
async fn two_breaks() -> (World, ProposalId, ProposalId) {
    let mut inventory = sample::inventory_with_unhealthy("openai");
    for provider in &mut inventory.providers {
        if provider.id.as_str() == "anthropic" {
            provider.error_rate = Ppm(620_000);
        }
    }
    let bedrock = Route {
        provider: sample::provider_id("bedrock"),
        weight: 20,
    };
    inventory.model_groups[0].routes.insert(1, bedrock);
    let mut world = World::new(inventory);
    world.weigh_nothing();
    world.reasoner = Script::chooses(|event| {
        let provider = event.provider().unwrap();
        let seconds = if provider.as_str() == "openai" { 60 } else { 300 };
        json!({"action": "circuit_break_provider", "provider": provider, "duration_s": seconds})
    });
    let first = world.send(&sample::provider_unhealthy_text("openai"));
    let second = world.send(&sample::provider_unhealthy_text("anthropic"));
    world.run_until_quiet().await;
    (world, first, second)
}

fn is_blocked(world: &World, provider: &str) -> bool {
    world.gateway.setting(&sample::target("provider", provider)) == Setting::Blocked(true)
}

#[tokio::test]
async fn a_restorer_that_cannot_claim_keeps_what_protects_the_effect() {
    for misses in 0..4 {
        let (world, first, second) = two_breaks().await;
        for id in [&first, &second] {
            world.approve("alice", id).await.text();
            world.run_until_quiet().await;
        }
        assert_eq!(world.state(&first).await, "succeeded");
        assert_eq!(world.state(&second).await, "approved", "it waits for chat");
        world.clock.advance(Duration::from_secs(60));
        let end = world.clock.now();
        let trail = world.trail.as_memory();
        match misses {
            0 => trail.outages.next(1),
            _ => trail.before_next_append(move |trail| trail.outages.next(misses)),
        }
        assert!(world.deliver(Lane::Restore, &Cutter::never()).await);
        trail.outages.end();
        world.deliver(Lane::Execution, &Cutter::never()).await;
        world.assert_sound().await;
        while world.state(&first).await != "restored" {
            world.advance(1).await;
            let late_s = world.clock.now().millis_since(end) / 1000;
            assert!(late_s <= 80, "{misses}: {late_s} s late\n{}", world.story().await);
        }
    }
}

#[tokio::test]
async fn a_start_whose_reply_is_lost_keeps_its_claims() {
    let (world, first, second) = two_breaks().await;
    world.approve("alice", &first).await.text();
    world.turn_stream(&Cutter::never()).await;
    world.turn_bus();
    // Three claims, then `started`, which commits: its reply and the reading back are lost.
    world.trail.as_memory().before_next_append(|trail| {
        trail.before_next_append(|trail| {
            trail.before_next_append(|trail| {
                trail.before_next_append(|trail| trail.outages.next_replies(1));
            });
        });
    });
    world.deliver(Lane::Execution, &Cutter::never()).await;
    assert_eq!(world.state(&first).await, "executing");
    world.approve("alice", &second).await.text();
    world.turn_stream(&Cutter::never()).await;
    world.turn_bus();
    while world.deliver(Lane::Execution, &Cutter::never()).await {}
    world.assert_sound().await;
    assert_eq!(world.state(&second).await, "approved");
}

#[tokio::test]
async fn a_write_that_lands_late_is_taken_back_at_the_end_and_nobody_has_its_target_before() {
    let (world, id) = approved().await;
    let openai = sample::target("provider", "openai");
    world.acting.on(&openai, WriteFault::Late);
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "unknown");
    world.assert_sound().await;
    // The gateway was slow: it works the request that its client gave up.
    world.gateway.land_late_writes();
    assert!(is_blocked(&world, "openai"));
    world.advance(BREAK_S + 15).await;
    assert!(!is_blocked(&world, "openai"), "{}", world.story().await);
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_write_that_never_landed_has_failed_at_its_end() {
    let (world, id) = approved().await;
    world
        .acting
        .on(&sample::target("provider", "openai"), WriteFault::Late);
    world.run_until_quiet().await;
    world.advance(BREAK_S + 60).await;
    assert_eq!(world.state(&id).await, "failed");
    world.assert_at_rest().await;
}

#[tokio::test]
async fn an_undo_waits_for_the_break_of_what_it_would_go_back_to() {
    let mut inventory = sample::inventory_with_unhealthy("openai");
    for provider in &mut inventory.providers {
        if provider.id.as_str() == "openai" {
            provider.latency_p50_ms = Some(5_000);
        }
    }
    // chat is served by openai alone; anthropic stands by with weight 0.
    inventory.model_groups[0].routes[0].weight = 0;
    inventory.model_groups[0].routes[1].weight = 100;
    let mut world = World::new(inventory);
    world.weigh_nothing();
    world.reasoner = Script::chooses(|event| match event.event_type() {
        domain::incident::EventType::LatencySpike => {
            json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"})
        }
        _ => json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}),
    });
    let reroute = world.send(&sample::latency_spike_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &reroute).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&reroute).await, "succeeded");
    let breaks = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &breaks).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&breaks).await, "succeeded");
    world.assert_sound().await;
    world.undo(&reroute, "alice", "bob").await;
    world.run_until_quiet().await;
    world.assert_sound().await;
    world.advance(360).await;
    assert_eq!(world.state(&breaks).await, "restored");
    assert_eq!(world.state(&reroute).await, "restored", "{}", world.story().await);
    world.assert_sound().await;
}

/// Kills a delivery just after it appended `started`.
async fn killed_after_started(make: impl AsyncFn() -> (World, ProposalId)) -> (World, ProposalId) {
    for point in 0..100 {
        let (world, id) = make().await;
        let cutter = Cutter::at(point);
        cutter.run(world.deliver(Lane::Execution, &cutter)).await;
        if cutter
            .cut_at()
            .unwrap()
            .starts_with("after Trail::append of started")
        {
            return (world, id);
        }
    }
    panic!("nothing starts")
}

/// More of a team's rate limit, approved; its executor died right after `started`.
async fn raise_begun() -> (World, ProposalId) {
    killed_after_started(async || {
        let mut world = World::new(sample::inventory_with_spent_budget("payments"));
        world.reasoner =
            Script::proposes(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}));
        let id = world.send(&sample::budget_exceeded_text("payments"));
        world.run_until_quiet().await;
        world.approve("alice", &id).await.text();
        world.turn_stream(&Cutter::never()).await;
        world.turn_bus();
        (world, id)
    })
    .await
}

#[tokio::test]
async fn a_take_over_within_the_approval_does_what_was_approved() {
    let (world, id) = raise_begun().await;
    world.advance(240).await;
    assert_eq!(world.state(&id).await, "succeeded");
    assert_eq!(world.gateway.writes().len(), 1);
}

#[tokio::test]
async fn a_take_over_hours_later_looks_at_the_approval() {
    let (world, id) = raise_begun().await;
    world.clock.advance(Duration::from_secs(4 * 3600));
    world.advance(300).await;
    assert_eq!(world.gateway.writes(), [], "{}", world.story().await);
    assert_eq!(world.state(&id).await, "failed");
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_take_over_looks_at_the_condition() {
    let (world, id) = raise_begun().await;
    world.gateway.change(|inventory| {
        for budget in &mut inventory.budgets {
            budget.spend = Micros(0);
        }
    });
    world.advance(300).await;
    assert_eq!(world.gateway.writes(), [], "{}", world.story().await);
    assert_eq!(world.state(&id).await, "failed");
}

#[tokio::test]
async fn a_take_over_of_what_was_done_settles_it_though_the_approval_is_over() {
    let (world, id) = raise_begun().await;
    let plan = world
        .proposal(&id)
        .await
        .state()
        .execution()
        .unwrap()
        .plan
        .clone();
    world
        .gateway
        .set(&plan.changes[0].target, plan.changes[0].after.clone());
    world.clock.advance(Duration::from_secs(4 * 3600));
    world.advance(300).await;
    assert_eq!(world.state(&id).await, "succeeded");
}

#[tokio::test]
async fn waiting_for_a_target_leaves_neither_messages_nor_records() {
    let (world, first, second) = two_breaks().await;
    world.approve("alice", &first).await.text();
    world.run_until_quiet().await;
    // The gateway is down: the first break cannot be taken back, and holds chat.
    world.acting.outages.next(usize::MAX);
    world.approve("alice", &second).await.text();
    let anthropic = StreamId::Target(sample::target("provider", "anthropic"));
    let chat = StreamId::Target(sample::target("model_group", "chat"));
    let before = world.trail.seen(&chat).await.len();
    for _ in 1..=14 {
        world.advance(60).await;
        let lanes = [Lane::Execution, Lane::Restore].map(|lane| world.queue(lane).len());
        assert!(lanes.iter().all(|messages| *messages <= 5), "{lanes:?}");
        assert_eq!(world.trail.seen(&anthropic).await.len(), 0);
        assert_eq!(world.trail.seen(&chat).await.len(), before);
    }
    assert_eq!(world.state(&second).await, "approved");
    world.acting.outages.end();
    let back = world.clock.now();
    while is_blocked(&world, "openai") {
        world.advance(1).await;
        assert!(
            world.clock.now().millis_since(back) <= 25_000,
            "{}",
            world.story().await
        );
    }
}

#[tokio::test]
async fn an_hour_without_the_gateway_leaves_no_dead_letter_and_few_records() {
    let (world, id) = raise_begun().await;
    for outages in [&world.acting.outages, &world.reading.outages] {
        outages.next(usize::MAX);
    }
    world.advance(3600).await;
    let dead = [Lane::Execution, Lane::Restore].map(|lane| world.queue(lane).dead());
    assert_eq!(dead, [[], []]);
    let kinds = world.kinds(&id).await;
    let started = kinds.iter().filter(|kind| *kind == "started").count();
    assert!(started <= 2, "{kinds:?}");
}
