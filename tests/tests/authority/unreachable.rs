//! With KMS out of reach people can still say no, what is in force ends, and nothing is lost; and whoever decided is looked
//! up again before anything starts.

use domain::permission::Directory;

use super::*;

#[tokio::test]
async fn without_the_signing_key_a_yes_is_refused_with_the_reason_and_a_no_counts() {
    let (world, id) = waiting().await;
    world.trail.as_memory().signing.outages.next(usize::MAX);
    let told = world.approve("alice", &id).await;
    assert_eq!(
        told.text(),
        "The key that signs decisions does not answer, so nothing was recorded. Try again in a moment; a rejection needs \
         no signature and counts now."
    );
    assert_eq!(world.state(&id).await, "awaiting_approval");
    world.reject("alice", &id).await.text();
    assert_eq!(world.state(&id).await, "rejected");
    world.trail.as_memory().signing.outages.end();
    world.assert_verified().await;
}

#[tokio::test]
async fn without_the_public_keys_nothing_starts_what_is_in_force_ends_and_nothing_is_lost() {
    let (world, _) = in_force().await;
    let keyring = &world.trail.as_memory().keyring;
    keyring.unknown(Some("KMS is away"));
    until_after_the_end(&world).await;
    assert!(!is_blocked(&world, "openai"));

    keyring.unknown(None);
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    let keyring = &world.trail.as_memory().keyring;
    keyring.unknown(Some("KMS is away"));
    world.advance(180).await;
    assert_eq!((world.breaks("openai"), world.state(&id).await), (0, "approved"));
    let control = load_control(world.port()).await.unwrap();
    assert_eq!(control.guard().forged, [], "unknown is not forged");
    keyring.unknown(None);
    world.advance(120).await;
    assert_eq!(world.breaks("openai"), 1);
}

#[tokio::test]
async fn nothing_starts_once_whoever_approved_it_may_not_decide_any_more() {
    for change in ["gone", "inactive", "bot"] {
        let (world, id) = waiting().await;
        world.approve("alice", &id).await.text();
        let mut directory: serde_json::Value = serde_json::json!({"operators": [
            {"id": "alice", "name": "Alice", "bot": false, "active": true, "groups": ["sre"], "aws": [], "slack": []},
        ]});
        match change {
            "gone" => directory["operators"] = serde_json::json!([]),
            "inactive" => directory["operators"][0]["active"] = false.into(),
            _ => directory["operators"][0]["bot"] = true.into(),
        }
        world
            .operators
            .set(Directory::parse(&directory.to_string()).unwrap());
        world.run_until_quiet().await;
        assert_eq!(world.breaks("openai"), 0, "{change}");
        assert_eq!(world.state(&id).await, "refused", "{change}");
        let because = world.proposal(&id).await.because().unwrap().to_owned();
        assert!(because.starts_with("alice, who decided, is"), "{because}");
    }
}

#[tokio::test]
async fn what_would_be_removed_before_its_time_does_not_start() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.deployment.tier = domain::value::Tier::Business;
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    // Deployed for longer than its first record says.
    world.deployment.tier = domain::value::Tier::Enterprise;
    world.run_until_quiet().await;
    assert_eq!((world.breaks("openai"), world.state(&id).await), (0, "refused"));
}
