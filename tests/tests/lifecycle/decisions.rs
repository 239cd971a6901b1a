//! People decide: with a yes, a no, too late, or not at all.

use expect_test::expect;
use serde_json::json;
use testkit::{Cutter, sample, slack};
use tests::World;
use tests::world::Script;

use super::tells;

/// A break of openai that waits for a person.
async fn waiting() -> (World, domain::value::ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

/// The same with an action that two people must approve.
async fn waiting_for_two() -> (World, domain::value::ProposalId) {
    let mut world = World::new(sample::inventory_with_violation("gold"));
    world.reasoner = Script::proposes(json!({"action": "disable_sla_contract", "sla_id": "gold"}));
    let id = world.send(&sample::sla_violation_text("gold"));
    world.run_until_quiet().await;
    (world, id)
}

#[tokio::test]
async fn a_rejected_proposal_does_nothing() {
    let (world, id) = waiting().await;
    expect!["Your rejection is recorded. Nothing will be executed."]
        .assert_eq(world.reject("bob", &id).await.text());
    world.settle().await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
        0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
        0s    bob    #1 rejected because of the test
    "#]]).await;
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn what_nobody_decides_expires() {
    let (world, id) = waiting().await;
    world.settle().await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
        0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
        1830s system #1 expired at 1800s
    "#]]).await;
    assert_eq!(world.state(&id).await, "expired");
    assert_eq!(world.gateway.writes(), []);
    expect!["It expired at 2026-11-22T10:32:00.000Z."].assert_eq(world.approve("alice", &id).await.text());
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_decision_after_the_deadline_does_not_count_although_nothing_has_expired() {
    let (mut world, id) = waiting().await;
    world.housekeeping = false;
    world.advance(1801).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    expect!["It is too late: the deadline for this decision was 2026-11-22T10:31:30.000Z."]
        .assert_eq(world.approve("alice", &id).await.text());
    let rejected = world.reject("alice", &id).await;
    assert!(rejected.text().starts_with("It is too late"), "{rejected:?}");
    assert_eq!(world.state(&id).await, "awaiting_approval");
}

#[tokio::test]
async fn an_approval_that_was_not_used_in_time_is_scored_and_asked_again() {
    let (world, id) = waiting().await;
    let before = world.shown(&id).await;
    world.approve("alice", &id).await.text();
    // The gateway cannot be read, so that it does not start.
    world.reading.outages.next(usize::MAX);
    world.advance(901).await;
    world.reading.outages.end();
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    let after = world.shown(&id).await;
    assert_ne!(before, after);
    let stale = world.click("bob", "approve", &id, before, &Cutter::never()).await;
    expect!["This proposal changed since you saw it. Look at it again and decide on what it is now."]
        .assert_eq(stale.text());
    world.approve("bob", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    assert_eq!(world.breaks("openai"), 1);
    world.assert_verified().await;
    expect!["received proposed scored approved expired scored approved started succeeded restored verified"]
        .assert_eq(&world.kinds(&id).await.join(" "));
}

#[tokio::test]
async fn two_people_approve_what_is_dangerous_and_one_of_them_has_one_vote() {
    let (world, id) = waiting_for_two().await;
    expect!["Your approval is recorded. 1 more must approve."]
        .assert_eq(world.approve("alice", &id).await.text());
    world.run_until_quiet().await;
    expect!["Your approval is recorded already; it waits for another person."]
        .assert_eq(world.approve("alice", &id).await.text());
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.gateway.writes(), []);
    expect!["Your approval is recorded. It is to start before 2026-11-22T10:16:30.000Z."]
        .assert_eq(world.approve("bob", &id).await.text());
    world.settle().await;
    assert_eq!(world.state(&id).await, "succeeded");
}

#[tokio::test]
async fn one_no_stops_a_quorum() {
    let (world, id) = waiting_for_two().await;
    world.approve("alice", &id).await.text();
    world.reject("bob", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "rejected");
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn only_active_people_of_the_directory_decide() {
    let (world, id) = waiting().await;
    for (who, told) in [
        ("deploy-bot", expect!["A bot cannot decide."]),
        ("carol", expect!["Your operator account is not active."]),
        (
            "U999",
            expect!["You are not in the operator directory, so your decision does not count: T1/U999."],
        ),
    ] {
        told.assert_eq(world.approve(who, &id).await.text());
        told.assert_eq(world.reject(who, &id).await.text());
    }
    assert_eq!(world.state(&id).await, "awaiting_approval");
}

#[tokio::test]
async fn an_empty_directory_approves_nothing() {
    let (world, id) = waiting().await;
    world
        .operators
        .set(domain::permission::Directory::parse(r#"{"operators": []}"#).unwrap());
    expect!["You are not in the operator directory, so your decision does not count: T1/U1."]
        .assert_eq(world.approve("alice", &id).await.text());
    world.settle().await;
    assert_eq!(world.state(&id).await, "expired");
}

#[tokio::test]
async fn a_forged_or_replayed_click_is_no_decision() {
    let (world, id) = waiting().await;
    let value = format!("{id}.{}", world.shown(&id).await);
    let payload = slack::payload(sample::ALICE, "approve", &value, "https://hooks.slack.com/x");
    let now = sample::now().as_seconds().unsigned_abs() + 90;
    for (secret, at) in [
        ("somebody else's", now),
        ("8f742231b10e8888abcd99yyyzzz85a5", now - 301),
    ] {
        let answer = world
            .request(slack::sign(&payload, secret, at), &Cutter::never())
            .await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.told, Vec::<String>::new());
    }
    assert_eq!(world.state(&id).await, "awaiting_approval");
}

#[tokio::test]
async fn people_hear_of_what_waits_for_them_once_for_each_asking() {
    let (world, id) = waiting().await;
    let told = world.topic.urgent();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].1, "a proposal waits for approval");
    assert_eq!(told[0].0.digest, world.shown(&id).await);
}
