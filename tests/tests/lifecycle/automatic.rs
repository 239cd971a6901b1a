//! Automatic execution: its limits, which hold whatever the policy allows, and its switch.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use domain::message::Lane;
use domain::message::hint;
use domain::policy::{Ranged, SafetyLimit};
use domain::ports::Clock;
use domain::proposal::Scored;
use domain::trail::Control;
use domain::value::ProposalId;
use serde_json::json;
use slack::button::Does;
use testkit::{Cutter, WriteFault, sample};
use tests::World;
use tests::world::Script;
use trail::load_control;

/// A world in which every action runs by itself, as far as the limits go.
fn automatic(inventory: domain::inventory::Inventory) -> World {
    let mut world = World::new(inventory);
    world.weigh_nothing();
    world.deployment.auto_approve = true;
    world.deployment.risk_threshold = 40;
    world
}

/// Pages about the budgets of so many teams.
fn pages(teams: usize) -> (World, Vec<String>) {
    let names: Vec<String> = (0..teams).map(|number| format!("team-{number}")).collect();
    let mut inventory = sample::inventory_with_spent_budget("payments");
    let budget = inventory
        .budgets
        .iter()
        .find(|budget| budget.owner.id() == "payments");
    let (budget, team) = (budget.unwrap().clone(), inventory.teams[0].clone());
    for name in &names {
        inventory.teams.push(domain::inventory::Team {
            id: name.parse().unwrap(),
            ..team.clone()
        });
        inventory.budgets.push(domain::inventory::Budget {
            owner: domain::value::BudgetOwner::Team(name.parse().unwrap()),
            ..budget.clone()
        });
    }
    let mut world = automatic(inventory);
    world.reasoner = Script::proposes(
        json!({"action": "page_oncall", "severity": "critical", "summary": "the budget is spent"}),
    );
    let events = names
        .iter()
        .map(|name| sample::budget_exceeded_text(name))
        .collect();
    (world, events)
}

async fn scored(world: &World, id: &ProposalId) -> Scored {
    world.proposal(id).await.scored().unwrap().clone()
}

async fn control(world: &World) -> Control {
    load_control(&world.trail).await.unwrap()
}

/// How many of the proposals stand so.
async fn count(world: &World, state: &str) -> usize {
    let mut found = 0;
    for id in world.proposals() {
        found += usize::from(world.state(&id).await == state);
    }
    found
}

#[tokio::test]
async fn so_many_run_by_themselves_in_an_hour_and_the_rest_is_asked_about() {
    let (world, events) = pages(14);
    for event in &events {
        world.send(event);
    }
    world.run_until_quiet().await;
    assert_eq!(world.gateway.pages().len(), 10);
    assert_eq!(count(&world, "succeeded").await, 10);
    assert_eq!(count(&world, "awaiting_approval").await, 4);
    let mut held = Vec::new();
    for id in world.proposals() {
        let scored = scored(&world, &id).await;
        if let Some(limit) = scored.limit {
            held.push((limit, scored.because));
        }
    }
    let because = "10 of 10 automatic executions in the hour 2026-11-22T10Z are used".to_owned();
    assert_eq!(held, vec![(SafetyLimit::PerHour, because); 4]);
    // People decide on what is left, and the next hour has its own slots.
    for id in world.proposals() {
        if world.state(&id).await == "awaiting_approval" {
            world.approve("alice", &id).await.text();
        }
    }
    world.settle().await;
    assert_eq!(world.gateway.pages().len(), 14);
    world.assert_at_rest().await;
}

/// Everything but execution gets its messages.
async fn until_scored(world: &World) {
    let cutter = Cutter::never();
    let mut moved = true;
    while moved {
        moved = world.turn_stream(&cutter).await;
        moved |= world.turn_bus();
        moved |= world.deliver(Lane::Ingest, &cutter).await;
        moved |= world.deliver(Lane::Scoring, &cutter).await;
    }
}

#[tokio::test]
async fn what_starts_in_the_next_hour_takes_a_slot_there() {
    let (world, events) = pages(2);
    world.policies.change(|in_force| {
        in_force.policy.automatic.per_hour = Ranged::new(1);
        in_force.policy.automatic.per_target_per_hour = Ranged::new(1);
    });
    // Decided in the last minute of an hour, and started in the next.
    let minutes_left = 59 - (world.clock.now().as_seconds() / 60 % 60);
    world
        .clock
        .advance(Duration::from_secs(60 * u64::try_from(minutes_left).unwrap()));
    let first = world.send(&events[0]);
    until_scored(&world).await;
    world.clock.advance(Duration::from_secs(120));
    let second = world.send(&events[1]);
    until_scored(&world).await;
    assert_eq!(scored(&world, &first).await.limit, None);
    assert_eq!(scored(&world, &second).await.limit, None);
    world.settle().await;
    // Both were decided in an hour with a slot, and one slot is left in the hour in which both start.
    assert_eq!(world.gateway.pages().len(), 1);
    assert_eq!(count(&world, "refused").await, 1);
    world.assert_at_rest().await;
}

/// A failing openai; a break of it runs by itself.
fn failing() -> World {
    let mut world = automatic(sample::inventory_with_unhealthy("openai"));
    world.deployment.correlation_window_s = 60;
    world.reasoner =
        Script::proposes(json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 60}));
    world
}

/// It fails no more until the metric was asked again, and then it does.
async fn helps(world: &World) {
    let fails = |ppm| {
        world.gateway.change(|inventory| {
            let openai = inventory
                .providers
                .iter_mut()
                .find(|one| one.id.as_str() == "openai");
            openai.unwrap().error_rate = domain::value::Ppm(ppm);
        });
    };
    world.run_until_quiet().await;
    fails(4_000);
    world.advance(300).await;
    fails(620_000);
}

/// The trouble is reported once more, as a new outbreak.
async fn again(world: &World, number: usize) -> ProposalId {
    let event = sample::with_event_id(
        &sample::provider_unhealthy_text("openai"),
        &format!("again-{number}"),
    );
    let before = world.proposals();
    world.send(&event);
    world.advance(150).await;
    let mut new = world.proposals();
    new.retain(|id| !before.contains(id));
    assert_eq!(new.len(), 1, "a new outbreak");
    new.remove(0)
}

#[tokio::test]
async fn so_many_run_by_themselves_on_one_target() {
    let world = failing();
    let first = world.send(&sample::provider_unhealthy_text("openai"));
    helps(&world).await;
    assert_eq!(world.state(&first).await, "restored");
    let second = again(&world, 2).await;
    assert_eq!(scored(&world, &second).await.limit, None);
    helps(&world).await;
    let third = again(&world, 3).await;
    let scored = scored(&world, &third).await;
    assert_eq!(scored.limit, Some(SafetyLimit::PerTarget));
    assert!(
        scored
            .because
            .starts_with("2 of 2 automatic executions on this target"),
        "{}",
        scored.because
    );
}

#[tokio::test]
async fn what_failed_does_not_run_by_itself_again_for_a_while() {
    let fails = async || {
        let world = failing();
        world.acting.next(WriteFault::Refuse);
        let first = world.send(&sample::provider_unhealthy_text("openai"));
        world.advance(150).await;
        assert_eq!(world.state(&first).await, "failed");
        world
    };
    let world = fails().await;
    let second = again(&world, 2).await;
    let held = scored(&world, &second).await;
    assert_eq!(held.limit, Some(SafetyLimit::Cooldown));
    assert!(
        held.because.contains("within the cooldown of 3600 s"),
        "{}",
        held.because
    );
    // An hour later it may.
    let world = fails().await;
    world.advance(3600).await;
    let later = again(&world, 2).await;
    assert_eq!(scored(&world, &later).await.limit, None);
}

#[tokio::test]
async fn a_success_of_before_does_not_end_a_row_of_failures_when_its_effect_ends() {
    let (mut world, events) = pages(2);
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            if provider.id.as_str() == "openai" {
                provider.error_rate = domain::value::Ppm(620_000);
            }
        }
    });
    world.reasoner = Script::chooses(|event| match event.provider() {
        Some(provider) => json!({"action": "circuit_break_provider", "provider": provider, "duration_s": 60}),
        None => json!({"action": "page_oncall", "severity": "critical", "summary": "the budget is spent"}),
    });
    let good = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.state(&good).await, "succeeded");
    for event in &events {
        world.clock.advance(Duration::from_secs(1));
        world.acting.next(WriteFault::Refuse);
        let id = world.send(event);
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "failed");
    }
    // The break ends, and housekeeping looks at it once more.
    world.advance(300).await;
    assert_eq!(world.state(&good).await, "restored");
    assert_eq!(control(&world).await.switches.automatic_failures.len(), 2);
}

#[tokio::test]
async fn what_finds_no_slot_of_the_hour_uses_none_of_its_target() {
    let mut world = failing();
    world
        .policies
        .change(|in_force| in_force.policy.automatic.per_hour = Ranged::new(0));
    world.deployment.risk_threshold = 40;
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(scored(&world, &id).await.limit, Some(SafetyLimit::PerHour));
    let limits = world.trail.streams();
    assert!(
        limits
            .iter()
            .all(|stream| !stream.to_string().starts_with("limit/automatic")),
        "{limits:?}"
    );
}

#[tokio::test]
async fn so_many_failures_in_a_row_switch_it_off_until_a_person_switches_it_on() {
    let (world, events) = pages(8);
    let refused = async |event: &str| {
        world.acting.next(WriteFault::Refuse);
        let id = world.send(event);
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "failed");
        world.clock.advance(Duration::from_secs(1));
    };
    refused(&events[0]).await;
    refused(&events[1]).await;
    assert_eq!(control(&world).await.switches.automatic_failures.len(), 2);
    // One that succeeds ends the row.
    let good = world.send(&events[2]);
    world.run_until_quiet().await;
    assert_eq!(world.state(&good).await, "succeeded");
    assert!(control(&world).await.switches.automatic_failures.is_empty());
    for event in &events[3..6] {
        assert_eq!(control(&world).await.switches.automatic_off, None);
        refused(event).await;
    }
    let off = control(&world).await.switches.automatic_off.unwrap();
    assert!(
        off.starts_with("3 automatic executions failed one after the other"),
        "{off}"
    );
    let held = world.send(&events[6]);
    world.advance(240).await;
    assert_eq!(world.state(&held).await, "awaiting_approval");
    assert!(
        scored(&world, &held)
            .await
            .because
            .starts_with("automatic execution was switched off: 3 ")
    );
    // Housekeeping and late duplicates count nothing twice, also after a person allowed it again.
    let fact = control(&world).await.automatic_on(world.clock.now()).unwrap();
    world.switch(fact).await;
    for id in world.proposals() {
        world.queue(Lane::Restore).send(&hint(&id), Duration::ZERO);
    }
    world.advance(240).await;
    assert_eq!(control(&world).await.switches.automatic_off, None);
    assert!(control(&world).await.switches.automatic_failures.is_empty());
    let runs = world.send(&events[7]);
    world.advance(240).await;
    assert_eq!(world.state(&runs).await, "succeeded");
}

/// A break of 300 s that the policy approved, and that is held back for two minutes.
async fn held_back() -> (World, ProposalId) {
    let mut world = automatic(sample::inventory_with_unhealthy("openai"));
    world.deployment.approval_veto_s = 120;
    world.reasoner = Script::proposes(
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}),
    );
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "approved");
    let shown = world.shown(&id).await;
    world
        .click("alice", "revoke", &id, shown, &Cutter::never())
        .await
        .text();
    assert_eq!(world.state(&id).await, "awaiting_approval");
    (world, id)
}

#[tokio::test]
async fn what_a_person_objected_to_or_changed_never_runs_by_itself_again() {
    let (world, id) = held_back().await;
    let less = [("duration_s", "299")];
    world
        .fills_in("alice", Does::Narrow, &id, &less, &Cutter::never())
        .await
        .text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    let scored = scored(&world, &id).await;
    assert!(
        scored.because.contains("a person changed it"),
        "{}",
        scored.because
    );
    world.settle().await;
    assert_eq!(world.breaks("openai"), 0, "nobody approved it");
}

#[tokio::test]
async fn what_people_approved_after_an_objection_is_theirs_and_not_automatic() {
    let (world, id) = held_back().await;
    let control = control(&world).await;
    let off = control.automatic_off("a bad week").unwrap();
    world.switch(off).await;
    world.approve("bob", &id).await.text();
    world.advance(125).await;
    assert_eq!(
        world.state(&id).await,
        "succeeded",
        "only what runs by itself is off"
    );
}
