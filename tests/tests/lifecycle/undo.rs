//! Taking an effect back on demand: one person asks, another agrees.

use domain::inventory::Setting;
use domain::value::ProposalId;
use serde_json::json;
use testkit::sample;
use tests::World;
use tests::world::Script;

/// A raised rate limit in force.
async fn raised() -> (World, ProposalId) {
    let mut world = World::new(sample::inventory_with_spent_budget("payments"));
    world.reasoner =
        Script::proposes(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}));
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    (world, id)
}

#[tokio::test]
async fn an_approved_undo_takes_the_effect_back() {
    let (world, id) = raised().await;
    world.undo(&id, "alice", "bob").await;
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn an_approved_undo_does_not_overwrite_what_somebody_else_set_and_settles() {
    let (world, id) = raised().await;
    let theirs = Setting::RateLimit { rpm: 7, tpm: 7 };
    let team = sample::target("team", "payments");
    world.gateway.set(&team, theirs.clone());
    world.undo(&id, "alice", "bob").await;
    world.settle().await;
    let kinds = world.kinds(&id).await;
    assert_eq!(kinds[kinds.len() - 2..], ["restore_failed", "undo_rejected"]);
    assert_eq!(world.gateway.setting(&team), theirs);
    let keys: Vec<String> = world.gateway.pages().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [format!("{id}/drift")], "somebody is told");
    world.assert_at_rest().await;
    // The trouble is open for a next proposal, and the undo may be asked for again.
    assert!(world.proposal(&id).await.settled_at().is_some());
    world.gateway.set(
        &team,
        Setting::RateLimit {
            rpm: 1440,
            tpm: 1_000_000,
        },
    );
    world.undo(&id, "bob", "alice").await;
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_as_before();
}
