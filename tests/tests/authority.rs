//! Inserting a record is no authority: whatever is forged starts nothing, keeps nothing in force, and is named.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod crafted;
mod forged;
mod schema_one;
mod unreachable;

use domain::inventory::Setting;
use domain::proposal::{Proposal, ProposalFact};
use domain::trail::{Actor, Author, Entry, Fact, Record, Seq, StreamId};
use domain::value::{ProposalId, Timestamp};
use testkit::{keys, sample};
use tests::World;
use tests::world::BREAK_S;
use trail::load_control;

/// The break of `openai` waits for a person.
async fn waiting() -> (World, ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    (world, id)
}

/// The break of `openai` is in force.
async fn in_force() -> (World, ProposalId) {
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.breaks("openai"), 1);
    (world, id)
}

/// A record behind the last of a stream, with this kind and body, as this part of the agent writes it: its chain and its
/// digest are right.
async fn behind(world: &World, stream: &StreamId, kind: &str, body: &str, author: Author) -> Record {
    let records = world.trail.seen(stream).await;
    let last = records.last();
    let entry = Entry {
        stream: stream.clone(),
        seq: last.map_or(1, |last| last.seq + 1),
        prev: last.map(|last| last.digest),
        at: world_now(world).max(last.map_or(world_now(world), |last| last.at)),
        actor: testkit::story::person("alice"),
        kind: kind.to_owned(),
        body: body.to_owned(),
        expires_at: last.and_then(|last| last.expires_at),
        author,
    };
    entry.seal(keys::writer(999))
}

fn world_now(world: &World) -> Timestamp {
    domain::ports::Clock::now(&world.clock)
}

/// The same of a fact, by the actor who would say it.
async fn fact_behind(world: &World, id: &ProposalId, fact: &ProposalFact, author: Author) -> Record {
    let stream = StreamId::Proposal(id.clone());
    behind(world, &stream, fact.kind(), &fact.body(), author).await
}

/// `guard` names a record.
async fn is_named(world: &World, stream: &StreamId, seq: Seq) -> bool {
    let control = load_control(world.port()).await.unwrap();
    let mut forged = control.guard().forged.iter();
    forged.any(|forged| forged.stream == *stream && forged.seq == seq)
}

fn is_blocked(world: &World, provider: &str) -> bool {
    world.gateway.setting(&sample::target("provider", provider)) == Setting::Blocked(true)
}

/// Waits until what is in force has ended, and was asked for.
async fn until_after_the_end(world: &World) {
    world.advance(BREAK_S + 120).await;
}

/// The proposal as far as it holds.
async fn as_far_as_it_holds(world: &World, id: &ProposalId) -> Proposal {
    let records = world.trail.seen(&StreamId::Proposal(id.clone())).await;
    Proposal::read(&records, world.port().keys(), &[]).unwrap()
}

/// Somebody who is no part of the agent.
const NOBODY: Actor = Actor::System;
