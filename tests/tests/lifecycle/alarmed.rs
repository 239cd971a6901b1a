//! What happens to a proposal and is an alarm, or a metric, is logged as the template's filters read it.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::inventory::Setting;
use serde_json::{Value, json};
use testkit::sample;
use tests::World;
use tests::world::Script;

use crate::hostile::keep_logs;

/// The lines logged since [`keep_logs`], which comes first in a test, whose field says this.
fn lines(field: &str, says: &str) -> Vec<Value> {
    let log = testkit::logs::kept();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line[field] == says).collect()
}

#[tokio::test]
async fn what_nobody_answers_is_an_alarm_once() {
    keep_logs();
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.settle().await;
    assert_eq!(world.state(&id).await, "expired");
    let rung = lines("alarm", "expired_unanswered");
    let [line] = rung.as_slice() else {
        panic!("{rung:#?}");
    };
    assert_eq!(line["proposal.id"], id.to_string());
    assert_eq!(line["level"], "ERROR");
}

#[tokio::test]
async fn an_approval_that_ran_out_is_asked_for_again_and_no_alarm() {
    keep_logs();
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.pause("a look at something").await;
    world.advance(1200).await;
    assert_eq!(world.kinds(&id).await.last().unwrap(), "expired");
    assert_eq!(world.state(&id).await, "proposed");
    let rung = lines("alarm", "expired_unanswered");
    assert!(rung.is_empty(), "{rung:#?}");
}

#[tokio::test]
async fn what_people_approved_and_never_started_is_not_what_nobody_answered() {
    keep_logs();
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    for _ in 0..3 {
        assert_eq!(world.state(&id).await, "awaiting_approval");
        world.approve("alice", &id).await.text();
        world.pause("a look at something").await;
        world.advance(1200).await;
        assert_eq!(world.kinds(&id).await.last().unwrap(), "expired");
        world.resume().await;
        world.advance(200).await;
    }
    assert_eq!(world.state(&id).await, "expired");
    let rung = lines("alarm", "expired_unanswered");
    assert!(rung.is_empty(), "{rung:#?}");
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_an_alarm() {
    keep_logs();
    let mut world = World::new(sample::inventory_with_spent_budget("payments"));
    world.reasoner =
        Script::proposes(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}));
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    let theirs = Setting::RateLimit { rpm: 7, tpm: 7 };
    world.gateway.set(&sample::target("team", "payments"), theirs);
    world.undo(&id, "alice", "bob").await;
    world.settle().await;
    let rung = lines("alarm", "restore_failed");
    assert!(!rung.is_empty());
    assert!(
        rung.iter().all(|line| line["proposal.id"] == id.to_string()),
        "{rung:#?}"
    );
}

#[tokio::test]
async fn each_record_of_a_proposal_is_counted_by_its_kind() {
    keep_logs();
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    let counted = lines("metric", "proposals");
    let kinds: Vec<&str> = counted.iter().filter_map(|line| line["kind"].as_str()).collect();
    assert_eq!(kinds, world.kinds(&id).await);
}
