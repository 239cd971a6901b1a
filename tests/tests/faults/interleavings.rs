//! Functions that run at once, interrupted by each other between any two of their calls.
//!
//! Every order with up to two interruptions is walked, and many random ones beyond. After every step: no two
//! effects overlap, no effect that is in force was taken back by another, no model group is without a
//! deployment. In the end: everything is settled, and nothing is left blocked or claimed.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use domain::incident::EventType;
use domain::inventory::Inventory;
use domain::message::Lane;
use domain::value::{Ppm, ProposalId};
use serde_json::json;
use testkit::{Cutter, sample};
use tests::World;
use tests::walk::{self, Chooser, Exhaustive, Random, Task};
use tests::world::{BREAK_S, Script};

use super::in_force;

/// Random orders walked of each scene.
const RANDOM_WALKS: u64 = 60;

/// Walks a scene: functions that run at once in a world.
fn walks(world: &World, scene: &[Lane], interruptions: usize, ends: impl Fn(&World)) {
    let mut seen = HashSet::new();
    let mut orders = 0;
    let mut exhaustive = Exhaustive::with_interruptions(interruptions);
    loop {
        walk_once(world, scene, &mut exhaustive, &mut seen, &ends);
        orders += 1;
        if !exhaustive.advance() {
            break;
        }
    }
    for seed in 0..RANDOM_WALKS {
        walk_once(world, scene, &mut Random::seeded(seed), &mut seen, &ends);
    }
    eprintln!(
        "{orders} orders, {RANDOM_WALKS} random ones, {} different ends",
        seen.len()
    );
    assert!(orders > 10, "{orders} orders: nothing was interrupted");
}

fn walk_once(
    base: &World,
    scene: &[Lane],
    chooser: &mut dyn Chooser,
    seen: &mut HashSet<String>,
    ends: &impl Fn(&World),
) {
    let world = base.fork();
    let cutter = Cutter::gives_way();
    let tasks: Vec<Task<'_>> = scene
        .iter()
        .map(|queue| -> Task<'_> {
            Box::pin(async {
                world.deliver(*queue, &cutter).await;
            })
        })
        .collect();
    let looked_at = Cell::new((0, 0));
    walk::run(&world.clock, tasks, chooser, || {
        let now = (world.trail.len(), world.gateway.writes().len());
        if looked_at.replace(now) != now {
            walk::now(world.assert_sound());
        }
    });
    // What lies ahead of two worlds that are alike is alike.
    let left: Vec<_> = Lane::QUEUES
        .iter()
        .map(|queue| world.queue(*queue).contents())
        .collect();
    let picture = format!(
        "{} {left:?} {:?}",
        walk::now(world.story()),
        world.gateway.inventory()
    );
    if seen.insert(picture) {
        walk::now(world.settle());
        walk::now(world.assert_at_rest());
        ends(&world);
    }
}

/// How a world's proposals ended, sorted.
fn ended(world: &World) -> Vec<&'static str> {
    let ids = world.proposals();
    let mut states: Vec<_> = ids.iter().map(|id| walk::now(world.state(id))).collect();
    states.sort_unstable();
    states
}

/// Events whose proposals are approved; their messages lie on the queue.
fn approved(
    mut inventory: Inventory,
    events: &[String],
    change: impl FnOnce(&mut World),
) -> (World, Vec<ProposalId>) {
    for provider in &mut inventory.providers {
        let failing = events
            .iter()
            .any(|event| event.contains(&format!("\"{}\"", provider.id)));
        if failing {
            provider.error_rate = Ppm(620_000);
            provider.latency_p50_ms = Some(5_000);
        }
    }
    let mut world = World::new(inventory);
    world.weigh_nothing();
    change(&mut world);
    let ids = walk::now(async {
        let ids: Vec<_> = events.iter().map(|event| world.send(event)).collect();
        world.run_until_quiet().await;
        for id in &ids {
            world.approve("alice", id).await.text();
        }
        world.turn_stream(&Cutter::never()).await;
        world.turn_bus();
        ids
    });
    assert_eq!(world.queue(Lane::Execution).len(), events.len());
    (world, ids)
}

/// A failing and a slow openai, for each of which a break of openai was approved.
fn two_breaks_of_one_provider() -> World {
    let events = [
        sample::provider_unhealthy_text("openai"),
        sample::latency_spike_text("openai"),
    ];
    let (world, _) = approved(sample::inventory(), &events, |world| {
        world.reasoner = Script::proposes(
            json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 30}),
        );
    });
    world
}

/// A break of openai, and a re-route of its traffic in one group.
fn a_break_and_a_reroute() -> World {
    let events = [
        sample::provider_unhealthy_text("openai"),
        sample::latency_spike_text("openai"),
    ];
    let (world, _) = approved(sample::inventory(), &events, |world| {
        world.reasoner = Script::chooses(|event| match event.event_type() {
            EventType::LatencySpike => {
                json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"})
            }
            _ => json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 30}),
        });
    });
    world
}

/// Breaks of both providers of one model group.
fn breaks_of_both_providers_of_a_group() -> World {
    let events = ["openai", "anthropic"].map(sample::provider_unhealthy_text);
    let (world, _) = approved(sample::inventory(), &events, |world| {
        // The runbook pages where the other one fails, too; a person's or a model's break comes all the same.
        world.reasoner = Script::chooses(
            |event| json!({"action": "circuit_break_provider", "provider": event.provider(), "duration_s": 30}),
        );
    });
    world
}

/// A break that is over now, and whose restore is due; `others` lie on the execution queue.
fn at_its_end(world: World) -> World {
    walk::now(async {
        world.deliver(Lane::Execution, &Cutter::never()).await;
    });
    assert_eq!(world.breaks("openai"), 1);
    let world = world.fork();
    world.clock.advance(Duration::from_secs(BREAK_S));
    world
}

#[test]
fn two_starts_on_one_provider() {
    let world = two_breaks_of_one_provider();
    walks(&world, &[Lane::Execution; 2], 2, |world| {
        assert_eq!(ended(world), ["restored", "restored"]);
        assert_eq!(world.breaks("openai"), 2, "one after the other");
        world.assert_as_before();
    });
}

#[test]
fn a_break_and_a_reroute_of_one_group() {
    let world = a_break_and_a_reroute();
    let ends = std::cell::RefCell::new(HashSet::new());
    walks(&world, &[Lane::Execution; 2], 2, |world| {
        ends.borrow_mut().insert(ended(world));
    });
    // The re-route waits for the break's end, or comes first: then the break is not what was previewed.
    let ends = ends.into_inner();
    let expected = [vec!["restored", "succeeded"], vec!["refused", "succeeded"]];
    assert_eq!(ends, expected.into());
}

#[test]
fn two_starts_on_the_providers_of_one_group() {
    let world = breaks_of_both_providers_of_a_group();
    walks(&world, &[Lane::Execution; 2], 2, |world| {
        assert_eq!(ended(world), ["restored", "restored"]);
        assert_eq!((world.breaks("openai"), world.breaks("anthropic")), (1, 1));
        world.assert_as_before();
    });
}

#[test]
fn a_restore_and_the_start_that_waits_for_it() {
    for world in [
        two_breaks_of_one_provider(),
        breaks_of_both_providers_of_a_group(),
    ] {
        let world = at_its_end(world);
        walks(&world, &[Lane::Restore, Lane::Execution], 2, |world| {
            assert_eq!(ended(world), ["restored", "restored"]);
        });
    }
}

#[test]
fn two_restores_and_a_start() {
    let world = at_its_end(two_breaks_of_one_provider());
    let first = world.proposals().into_iter();
    for id in first.filter(|id| walk::now(world.state(id)) == "succeeded") {
        world
            .queue(Lane::Restore)
            .send(&domain::message::hint(&id), Duration::ZERO);
    }
    let scene = [Lane::Restore, Lane::Restore, Lane::Execution];
    walks(&world, &scene, 1, |world| {
        assert_eq!(ended(world), ["restored", "restored"]);
        assert_eq!(world.breaks("openai"), 1, "the second one's, once");
    });
}

#[test]
fn one_approval_delivered_twice() {
    let (world, ids) = approved(
        sample::inventory(),
        &[sample::provider_unhealthy_text("openai")],
        |_| {},
    );
    world
        .queue(Lane::Execution)
        .send(&domain::message::hint(&ids[0]), Duration::ZERO);
    walks(&world, &[Lane::Execution; 2], 2, |world| {
        assert_eq!(ended(world), ["restored"]);
        world.assert_as_before();
        assert_eq!(world.breaks("openai"), 1);
    });
}

#[test]
fn a_start_so_late_that_its_restore_overtakes_it() {
    // The executor died after its start, and its message comes back when the break should be over.
    let (world, ids) = approved(
        sample::inventory(),
        &[sample::provider_unhealthy_text("openai")],
        |_| {},
    );
    walk::now(async {
        // As if dead just after the restore was scheduled and before the write.
        let mut dead = None;
        for point in 0..100 {
            let fork = world.fork();
            let cutter = Cutter::at(point);
            cutter.run(fork.deliver(Lane::Execution, &cutter)).await;
            if cutter.cut_at().unwrap() == "after Queue::send" {
                dead = Some(fork);
                break;
            }
        }
        let world = dead.unwrap();
        world.clock.advance(world.visibility());
        assert_eq!(world.state(&ids[0]).await, "executing");
        walks(&world, &[Lane::Execution, Lane::Restore], 2, |world| {
            assert_eq!(ended(world), ["restored"]);
            assert_eq!(world.breaks("openai"), 0);
        });
    });
}

#[test]
fn two_deliveries_of_one_event() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    for event in ["evt-1", "evt-2"] {
        world.send(&sample::with_event_id(
            &sample::provider_unhealthy_text("openai"),
            event,
        ));
    }
    walks(&world, &[Lane::Ingest; 2], 3, |world| {
        assert_eq!(world.proposals().len(), 1);
    });
}

#[test]
fn two_restores_of_one_break() {
    let world = walk::now(async {
        let (world, id) = in_force().await;
        world.clock.advance(Duration::from_secs(BREAK_S));
        world
            .queue(Lane::Restore)
            .send(&domain::message::hint(&id), Duration::ZERO);
        world
    });
    walks(&world, &[Lane::Restore; 2], 2, |world| {
        assert_eq!(ended(world), ["restored"]);
        assert_eq!(world.gateway.writes().len(), 1, "one write back");
    });
}
