//! Records of before decisions were signed: an export of a stack of that time.

use domain::trail::{NoKeys, SCHEMA, UNSIGNED_SCHEMA};
use trail::history;

use super::*;

/// What `sre-agent trail export` wrote then: a break that was restored, one in force, a proposal that waits, one that was
/// approved and did not start, and `control` with a pause.
const EXPORT: &str = include_str!("../../data/schema-1.jsonl");

fn records() -> Vec<Record> {
    EXPORT
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The stack after the upgrade, a few minutes after the export.
fn upgraded() -> World {
    let world = World::new(sample::inventory_with_unhealthy("anthropic"));
    for record in records() {
        world.trail.forge(record);
    }
    world.clock.advance(std::time::Duration::from_secs(300));
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.blocked = provider.id.as_str() == "anthropic";
        }
    });
    world
}

fn id_of(kind: &str) -> ProposalId {
    let last = records()
        .into_iter()
        .rfind(|record| matches!(record.stream, StreamId::Proposal(_)) && record.kind == kind);
    match last.unwrap().stream {
        StreamId::Proposal(id) => id,
        other => panic!("{other}"),
    }
}

#[test]
fn it_is_read_and_exported_as_it_was() {
    let records = records();
    assert!(
        records
            .iter()
            .all(|record| record.schema == UNSIGNED_SCHEMA && record.author.is_none())
    );
    for record in &records {
        assert_eq!(record.computed_digest(), record.digest);
    }
    let read: Vec<_> = history::read(EXPORT.as_bytes(), &NoKeys)
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(read.len() > 8);
    let again: Vec<String> = records
        .iter()
        .map(|one| serde_json::to_string(one).unwrap())
        .collect();
    assert_eq!(again.join("\n"), EXPORT.trim_end());
}

#[tokio::test]
async fn what_was_in_force_is_taken_back_and_nothing_starts_and_nobody_is_alarmed() {
    let world = upgraded();
    assert!(is_blocked(&world, "anthropic"));
    world.advance(120).await;
    assert!(!is_blocked(&world, "anthropic"), "{}", world.story().await);
    let restores = world.gateway.writes().len();
    // What was approved is refused, and says why.
    let approved = id_of("approved");
    assert_eq!(world.state(&approved).await, "refused");
    let because = world.proposal(&approved).await.because().unwrap().to_owned();
    assert_eq!(because, "it was begun before decisions were signed");
    // What waited expires.
    let [named_then, _] = sample::budget_exceeded("payments").former_fingerprints();
    let waited = StreamId::Proposal(ProposalId::new(named_then, 1));
    world.advance(2_000).await;
    let kinds: Vec<String> = world
        .trail
        .seen(&waited)
        .await
        .into_iter()
        .map(|one| one.kind)
        .collect();
    assert!(kinds.contains(&"expired".to_owned()), "{kinds:?}");
    assert_eq!(world.gateway.writes().len(), restores, "nothing started");
    let control = load_control(world.port()).await.unwrap();
    assert_eq!(control.guard().forged, []);
    assert!(control.switches.unverified.is_some() && control.switches.automatic_off.is_some());
}

#[tokio::test]
async fn a_record_of_then_in_a_stream_of_now_is_a_forgery() {
    let (world, id) = waiting().await;
    let scored = world.shown(&id).await;
    let fact = ProposalFact::Approved(domain::proposal::Approved {
        scored,
        policy: domain::value::Digest::of(b"policy"),
        valid_until: world_now(&world).plus_seconds(600),
        not_before: None,
        paused_before_ms: 0,
        extension: None,
        decider: None,
    });
    let mut record = fact_behind(&world, &id, &fact, Author::Callback).await;
    assert_eq!(record.schema, SCHEMA);
    (record.schema, record.author) = (UNSIGNED_SCHEMA, None);
    record.digest = record.computed_digest();
    let (stream, seq) = (record.stream.clone(), record.seq);
    world.trail.forge(record);
    world.run_until_quiet().await;
    world.advance(120).await;
    assert_eq!(world.gateway.writes().len(), 0);
    assert!(is_named(&world, &stream, seq).await);
    // Nor does one of `control` end a pause.
    world.pause("a release").await;
    let control = load_control(world.port()).await.unwrap();
    let resumed = control.resume(world_now(&world)).unwrap();
    let mut record = behind(
        &world,
        &StreamId::Control,
        "resumed",
        &resumed.body(),
        Author::Operator,
    )
    .await;
    (record.schema, record.author, record.actor) = (UNSIGNED_SCHEMA, None, NOBODY);
    record.digest = record.computed_digest();
    world.trail.forge(record);
    assert!(
        load_control(world.port())
            .await
            .unwrap()
            .switches
            .paused
            .is_some()
    );
}
