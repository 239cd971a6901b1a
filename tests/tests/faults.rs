//! What goes wrong: functions die, race, lose replies and get nonsense.
#![expect(clippy::unwrap_used, reason = "what these tests share panics as they do")]

mod failing;
mod forged_scores;
mod held;
mod interleavings;
mod killed;
mod long;
mod meanwhile;
mod nonsense;
mod races;
mod restores;
mod size;

mod survival;
mod unclear;

use std::time::Duration;

use domain::message::Lane;
use domain::ports::Clock;
use domain::value::ProposalId;
use testkit::{Cutter, sample};
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
    world.turn_stream(&Cutter::never()).await;
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

pub(crate) async fn sent() -> (World, ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    (world, id)
}

pub(crate) async fn proposed() -> (World, ProposalId) {
    let (world, id) = sent().await;
    world.deliver(Lane::Ingest, &Cutter::never()).await;
    world.turn_stream(&Cutter::never()).await;
    world.turn_bus();
    (world, id)
}

/// In force, at the moment of its end, before anything is done about it.
pub(crate) async fn due() -> (World, ProposalId) {
    let (world, id) = in_force().await;
    world.clock.advance(Duration::from_secs(30));
    (world, id)
}

/// The world goes on: messages come again, people click, time passes. One proposal, one effect, all over.
pub(crate) async fn ends_well(world: &World, id: &ProposalId) {
    ends(world, id).await;
    assert_eq!(world.breaks("openai"), 1, "{}", world.story().await);
}

/// The same, with an effect at most: a function that dies just before it, for longer than the break lasts,
/// leaves nothing to be done but to say that it is over.
pub(crate) async fn ends(world: &World, id: &ProposalId) {
    world.assert_sound().await;
    for _ in 0..8 {
        world.run_until_quiet().await;
        world.assert_sound().await;
        if world.proposals().contains(id) && world.state(id).await == "awaiting_approval" {
            world.approve("alice", id).await;
        }
        world.advance(60).await;
        world.assert_sound().await;
    }
    world.settle().await;
    let story = world.story().await;
    assert_eq!(world.proposals().as_slice(), std::slice::from_ref(id), "{story}");
    assert_eq!(world.state(id).await, "restored", "{story}");
    let kinds = world.kinds(id).await;
    let of = |kind: &str| kinds.iter().filter(|one| *one == kind).count();
    assert_eq!(
        (of("proposed"), of("approved"), of("restored")),
        (1, 1, 1),
        "{story}"
    );
    assert!(world.breaks("openai") <= 1, "{story}");
    world.assert_at_rest().await;
    world.assert_as_before();
}

/// Kills one delivery just after it appended a record of this kind.
pub(crate) async fn killed_after(
    world: impl AsyncFn() -> (World, ProposalId),
    from: Lane,
    kind: &str,
) -> (World, ProposalId) {
    for point in 0..100 {
        let (world, id) = world().await;
        let cutter = Cutter::at(point);
        cutter.run(world.deliver(from, &cutter)).await;
        let at = cutter.cut_at().unwrap();
        if at.starts_with(&format!("after Trail::append of {kind}")) {
            return (world, id);
        }
    }
    panic!("{from:?} appends no {kind}");
}

/// The records that people hear of, or that somebody waits for.
pub(crate) const STEPS: [&str; 4] = ["proposed", "scored", "approved", "succeeded"];

/// A record of this kind, of [`STEPS`], was just written, and the stream has not brought it yet.
pub(crate) async fn just_recorded(kind: &str) -> (World, ProposalId) {
    let never = Cutter::never();
    let (world, id) = match kind {
        "proposed" => sent().await,
        "scored" => proposed().await,
        "approved" => waiting().await,
        _ => approved().await,
    };
    match kind {
        "proposed" => world.deliver(Lane::Ingest, &never).await,
        "scored" => world.deliver(Lane::Scoring, &never).await,
        "approved" => world.approve("alice", &id).await.status == 200,
        _ => world.deliver(Lane::Execution, &never).await,
    };
    assert!(world.kinds(&id).await.contains(&kind.to_owned()), "{kind}");
    (world, id)
}

/// How many stages [`without_messages`] knows.
pub(crate) const STAGES: usize = 5;

/// A world in which every message is lost, and every lease is over: only housekeeping can help.
pub(crate) async fn without_messages(stage: usize) -> (World, ProposalId) {
    let (world, id) = match stage {
        // The reasoner died when it had the lease.
        0 => killed_after(sent, Lane::Ingest, "received").await,
        1 => proposed().await,
        2 => approved().await,
        // The executor died when it had started.
        3 => killed_after(approved, Lane::Execution, "started").await,
        _ => in_force().await,
    };
    for queue in Lane::QUEUES {
        world.queue(queue).lose();
    }
    // Longer than the longest lease.
    world.clock.advance(Duration::from_secs(130));
    (world, id)
}
