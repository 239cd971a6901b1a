//! The threshold: at or below it, and with auto-approve on, nobody is asked.

use testkit::sample;
use tests::World;

/// A page, whose score is 35, under a threshold.
async fn page_under(threshold: u8, auto_approve: bool) -> (World, &'static str) {
    let mut world = World::new(sample::inventory_with_spent_budget("payments"));
    world.weigh_nothing();
    world.deployment.risk_threshold = threshold;
    world.deployment.auto_approve = auto_approve;
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.run_until_quiet().await;
    let state = world.state(&id).await;
    (world, state)
}

#[tokio::test]
async fn at_or_below_the_threshold_with_auto_approve_on_nobody_is_asked() {
    for threshold in [35, 36] {
        let (world, state) = page_under(threshold, true).await;
        assert_eq!(state, "succeeded", "{threshold}");
        assert_eq!(world.gateway.pages().len(), 1);
        assert_eq!(world.topic.urgent(), []);
    }
}

#[tokio::test]
async fn above_the_threshold_or_with_auto_approve_off_somebody_is_asked() {
    for (threshold, auto_approve) in [(34, true), (34, false), (35, false), (36, false)] {
        let (world, state) = page_under(threshold, auto_approve).await;
        assert_eq!(state, "awaiting_approval", "{threshold} {auto_approve}");
        assert_eq!(world.gateway.pages(), []);
        assert_eq!(world.topic.urgent().len(), 1);
    }
}

#[tokio::test]
async fn a_shadowed_action_is_scored_and_never_runs() {
    let mut world = World::new(sample::inventory_with_spent_budget("payments"));
    world.deployment.auto_approve = true;
    world.policies.change(|in_force| {
        in_force
            .policy
            .shadow
            .insert(domain::action::ActionKind::PageOncall);
    });
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.settle().await;
    assert_eq!(world.state(&id).await, "shadow");
    assert_eq!(world.gateway.pages(), []);
    world.assert_at_rest().await;
}
