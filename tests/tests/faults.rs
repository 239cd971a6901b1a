//! What goes wrong: functions die, race, lose replies and get nonsense.
#![expect(clippy::unwrap_used, reason = "what these tests share panics as they do")]

mod forged_scores;
mod held;
mod interleavings;
mod killed;
mod nonsense;
mod races;
mod restores;
mod size;
mod storm;
mod survival;
mod unclear;

use domain::ports::Clock;
use domain::value::ProposalId;
use testkit::sample;
use tests::World;

/// A break of openai that waits for a person.
pub(crate) async fn waiting() -> (World, ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

/// The same, approved; its message lies on the queue.
pub(crate) async fn approved() -> (World, ProposalId) {
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    world.turn_stream(&testkit::Cutter::never()).await;
    world.turn_bus();
    (world, id)
}

/// The same, in force.
pub(crate) async fn in_force() -> (World, ProposalId) {
    let (world, id) = approved().await;
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded");
    (world, id)
}

/// Seconds since an instant.
pub(crate) fn seconds_since(world: &World, then: domain::value::Timestamp) -> u64 {
    world.clock.now().millis_since(then) / 1000
}
