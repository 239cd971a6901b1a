//! What was before is recorded with a proposal, and weighs in its score.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::action::ActionKind;
use domain::ports::Clock;
use domain::proposal::{Came, History};
use domain::value::{Ppm, ProposalId};
use serde_json::json;
use testkit::sample;
use tests::World;
use tests::world::Script;

/// A failing openai, of which a break was approved, made, ended and verified: by then it does well.
async fn helped(world: &World) -> ProposalId {
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    approved_by_all(world, &id).await;
    world.gateway.change(|inventory| heal(inventory, Ppm(0)));
    world.advance(600).await;
    assert_eq!(world.state(&id).await, "restored");
    world.gateway.change(|inventory| heal(inventory, Ppm(620_000)));
    id
}

fn heal(inventory: &mut domain::inventory::Inventory, error_rate: Ppm) {
    for provider in &mut inventory.providers {
        if provider.id.as_str() == "openai" {
            provider.error_rate = error_rate;
        }
    }
}

async fn approved_by_all(world: &World, id: &ProposalId) {
    world.approve("alice", id).await.text();
    if world.state(id).await == "awaiting_approval" {
        world.approve("bob", id).await.text();
    }
    world.run_until_quiet().await;
    assert_eq!(world.state(id).await, "succeeded");
}

fn breaking() -> World {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.deployment.correlation_window_s = 60;
    world.reasoner =
        Script::proposes(json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 60}));
    world
}

async fn history(world: &World, id: &ProposalId) -> History {
    world
        .proposal(id)
        .await
        .proposed()
        .unwrap()
        .evidence
        .history
        .clone()
        .unwrap()
}

async fn points(world: &World, id: &ProposalId, factor: &str) -> i32 {
    let proposal = world.proposal(id).await;
    let scored = proposal.scored().unwrap();
    let found = scored.factors.iter().find(|found| found.name == factor);
    found.map_or(0, |found| found.points)
}

#[tokio::test]
async fn an_action_that_helped_is_remembered_and_lowers_the_next_score() {
    let world = breaking();
    let first = helped(&world).await;
    assert_eq!(history(&world, &first).await, History::default());
    let event = sample::with_event_id(&sample::provider_unhealthy_text("openai"), "again");
    world.send(&event);
    world.run_until_quiet().await;
    let second = ProposalId::new(first.fingerprint().clone(), 2);
    let [past] = &history(&world, &second).await.actions[..] else {
        panic!("one action was before")
    };
    assert_eq!(
        (&past.proposal, past.action),
        (&first, ActionKind::CircuitBreakProvider)
    );
    assert_eq!((past.came, past.helped), (Came::Ended, Some(true)));
    assert_eq!(points(&world, &second, "proven").await, -5);
    assert_eq!(points(&world, &second, "repeat").await, 10);
}

#[tokio::test]
async fn an_action_that_was_taken_back_or_failed_raises_the_next_score() {
    let world = breaking();
    world.acting.next(testkit::WriteFault::Refuse);
    let first = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &first).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&first).await, "failed");
    world.advance(120).await;
    let event = sample::with_event_id(&sample::provider_unhealthy_text("openai"), "again");
    world.send(&event);
    world.run_until_quiet().await;
    let second = ProposalId::new(first.fingerprint().clone(), 2);
    assert_eq!(history(&world, &second).await.actions[0].came, Came::Failed);
    assert_eq!(points(&world, &second, "reverted").await, 20);
}

#[tokio::test]
async fn incidents_at_the_same_time_are_counted_and_the_own_one_is_not() {
    let world = breaking();
    let first = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(history(&world, &first).await.incidents, []);
    // What the gateway does not bear out is no incident, however often it is reported.
    for provider in ["anthropic", "invented", "invented-too"] {
        let id = world.send(&sample::provider_unhealthy_text(provider));
        world.send(&sample::provider_unhealthy_text(provider));
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "declined");
    }
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.latency_p50_ms = Some(5_000);
        }
    });
    let third = world.send(&sample::latency_spike_text("openai"));
    world.run_until_quiet().await;
    let incidents = history(&world, &third).await.incidents;
    assert_eq!(incidents.len(), 1);
    assert!(incidents.iter().all(|opened| *opened <= world.clock.now()));
    assert_eq!(points(&world, &third, "cascade").await, 3);
}

#[tokio::test]
async fn worthless_events_do_not_push_real_incidents_out_of_sight() {
    let world = breaking();
    world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    for number in 0..60 {
        world.send(&sample::provider_unhealthy_text(&format!("invented-{number}")));
        world.run_until_quiet().await;
    }
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.latency_p50_ms = Some(5_000);
        }
    });
    let last = world.send(&sample::latency_spike_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(history(&world, &last).await.incidents.len(), 1);
    assert_eq!(points(&world, &last, "cascade").await, 3);
}
