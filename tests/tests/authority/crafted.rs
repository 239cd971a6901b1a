//! Records that their author may write, and that say what is not so.

use std::time::Duration;

use domain::message::{Hint, Lane};
use domain::proposal::Proposed;
use domain::trail::{ForgedRecord, Guard, GuardFact};
use serde_json::{Value, json};
use testkit::Cutter;

use super::*;

/// A proposal of which `ingest` wrote what it liked, scored and, where a person is asked, approved.
async fn proposed_as(world: World, spoil: impl Fn(&mut Value)) -> (World, ProposalId) {
    let honest = World::new(sample::inventory_with_unhealthy("openai"));
    let id = honest.send(&sample::provider_unhealthy_text("openai"));
    honest.run_until_quiet().await;
    let records = honest.trail.seen(&StreamId::Proposal(id.clone())).await;
    for record in records.into_iter().take(2) {
        let mut body: Value = serde_json::from_str(&record.body).unwrap();
        if record.kind == "proposed" {
            spoil(&mut body);
            let read: Result<Proposed, _> = serde_json::from_value(body.clone());
            read.unwrap();
        }
        let body = body.to_string();
        let mut forged = behind(&world, &record.stream, &record.kind, &body, Author::Ingest).await;
        forged.actor = Actor::Agent;
        forged.expires_at = record.expires_at;
        forged.digest = forged.computed_digest();
        world.trail.forge(forged);
    }
    world.run_until_quiet().await;
    world.advance(120).await;
    (world, id)
}

fn world() -> World {
    World::new(sample::inventory_with_unhealthy("openai"))
}

#[tokio::test]
async fn an_effect_is_taken_back_as_its_action_says_whatever_was_previewed() {
    let (honest, id) = proposed_as(world(), |_| {}).await;
    honest.approve("alice", &id).await.text();
    honest.run_until_quiet().await;
    assert_eq!(honest.breaks("openai"), 1, "or the rest would prove nothing");
    for undo in [
        json!({"undo": "restore", "after_s": 31_536_000}),
        json!({"undo": "on_demand"}),
    ] {
        let (world, id) = proposed_as(world(), |body| {
            let preview = body["preview"].as_object_mut().unwrap();
            preview.remove("after_s");
            preview.extend(undo.as_object().unwrap().clone());
        })
        .await;
        world.approve("alice", &id).await.text();
        world.run_until_quiet().await;
        assert_eq!(world.gateway.writes(), [], "{undo}");
        assert_eq!(world.state(&id).await, "refused", "{undo}");
    }
}

#[tokio::test]
async fn what_runs_by_itself_is_scored_on_what_gateway_and_trail_say_at_its_start() {
    let automatic = || {
        let mut world = world();
        world.deployment.auto_approve = true;
        world
    };
    let harmless = |body: &mut Value| {
        let evidence = body["evidence"].as_object_mut().unwrap();
        evidence.insert("teams_affected".to_owned(), json!(0));
        evidence.insert("teams".to_owned(), json!([]));
        evidence.insert("critical_team".to_owned(), json!(false));
        evidence.insert("traffic_share".to_owned(), json!(0));
    };
    let (honest, id) = proposed_as(automatic(), |_| {}).await;
    assert_eq!(
        honest.state(&id).await,
        "awaiting_approval",
        "its score is above the threshold"
    );
    let (world, id) = proposed_as(automatic(), harmless).await;
    let scored = world.proposal(&id).await.scored().unwrap().clone();
    assert_eq!(
        scored.decision,
        domain::proposal::Decision::Auto,
        "of what was recorded"
    );
    assert_eq!(world.gateway.writes(), [], "{}", world.story().await);
    assert_eq!(world.state(&id).await, "refused");
    let story = world.story().await;
    assert!(story.contains("not what gateway and trail give now"), "{story}");
}

#[tokio::test]
async fn what_is_said_to_have_been_taken_back_is_asked_of_the_target() {
    let (world, id) = in_force().await;
    let stream = StreamId::Proposal(id.clone());
    let garbage = behind(&world, &stream, "restored", "{}", Author::Scoring).await;
    let seq = garbage.seq;
    world.trail.forge(garbage);
    let guard = GuardFact::ForgedRecord(Guard {
        forged: vec![ForgedRecord {
            stream: stream.clone(),
            seq,
            kind: "restored".to_owned(),
            problem: "was seen".to_owned(),
            taken_back: true,
        }],
        ..Guard::default()
    });
    let named = behind(
        &world,
        &StreamId::Guard,
        guard.kind(),
        &guard.body(),
        Author::Housekeeping,
    )
    .await;
    world.trail.forge(named);
    world.advance(BREAK_S + 80).await;
    assert!(!is_blocked(&world, "openai"), "{}", world.story().await);
}

#[tokio::test]
async fn what_was_taken_back_behind_a_forgery_holds_its_targets_no_more() {
    let (world, id) = in_force().await;
    let forged = behind(&world, &StreamId::Proposal(id), "restored", "{}", Author::Scoring).await;
    world.trail.forge(forged);
    world.advance(BREAK_S + 80).await;
    assert!(!is_blocked(&world, "openai"));
    // The next outbreak is answered, though nobody has set the forgery aside.
    let event = sample::provider_unhealthy_text("openai");
    world.send(&sample::with_event_id(&event, "another"));
    world.run_until_quiet().await;
    let next = world.proposals().pop().unwrap();
    world.approve("alice", &next).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&next).await, "succeeded");
}

#[tokio::test]
async fn a_record_that_says_nothing_readable_freezes_nothing() {
    for (stream, kind, author) in [
        (StreamId::Guard, "automatic_failed", Author::Housekeeping),
        (StreamId::Guard, "agent_enabled", Author::Execution),
        (
            StreamId::Target(sample::target("provider", "openai")),
            "claimed",
            Author::Execution,
        ),
    ] {
        for body in [r#""x""#, "{}", r#"{"forged":7}"#] {
            let (world, id) = waiting().await;
            let record = behind(&world, &stream, kind, body, author).await;
            let (seq, harmless) = (record.seq, domain::trail::chain::problem_of(&record).is_none());
            world.trail.forge(record);
            world.advance(70).await;
            assert!(
                harmless || is_named(&world, &stream, seq).await,
                "{stream} {kind} {body}"
            );
            let told = world.reject("alice", &id).await;
            assert!(told.text().contains("rejection is recorded"), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_record_that_would_expire_from_a_stream_that_never_ends_does_not_hold() {
    let (world, _) = waiting().await;
    let mut record = behind(
        &world,
        &StreamId::Guard,
        "automatic_failed",
        "{}",
        Author::Execution,
    )
    .await;
    record.expires_at = Some(1);
    record.digest = record.computed_digest();
    let seq = record.seq;
    world.trail.forge(record);
    world.advance(70).await;
    assert!(is_named(&world, &StreamId::Guard, seq).await);
    let control = load_control(world.port()).await.unwrap();
    assert!(
        control
            .guard()
            .forged
            .iter()
            .any(|forged| forged.problem.contains("never ends"))
    );
}

#[tokio::test]
async fn a_verification_before_its_time_records_nothing() {
    let (world, id) = in_force().await;
    world
        .queue(Lane::Verify)
        .send(&Hint::of(&id).text(), Duration::ZERO);
    assert!(world.deliver(Lane::Verify, &Cutter::never()).await);
    assert!(world.proposal(&id).await.verified().is_none());
    world.advance(3600).await;
    assert!(world.proposal(&id).await.verified().is_some(), "in its time");
}
