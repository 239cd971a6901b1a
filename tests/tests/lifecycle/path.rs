//! From the event to the verified end.

use expect_test::expect;
use testkit::sample;
use tests::World;

use super::tells;

async fn break_path(world: World) -> World {
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(
        world.approve("alice", &id).await.text(),
        "Your approval is recorded. It is to start before 2026-11-22T10:16:30.000Z."
    );
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded");
    assert_eq!(world.breaks("openai"), 1);
    world.settle().await;
    world.assert_at_rest().await;
    world.assert_as_before();
    world
}

#[tokio::test]
async fn a_failing_provider_is_broken_and_restored() {
    let world = break_path(World::new(sample::inventory_with_unhealthy("openai"))).await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
        0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
        0s    alice  #1 approved until 900s
        0s    agent  provider openai claimed for #1 (1)
        0s    agent  model group chat claimed for #1 (1)
        0s    agent  model group embeddings claimed for #1 (1)
        0s    agent  #1 started provider openai: open → blocked, until 30s, holds provider openai (1), model group chat (1), model group embeddings (1)
        0s    agent  #1 succeeded provider openai reads blocked
        30s   agent  provider openai claimed for #1 (2) to take it back
        35s   agent  #1 restored provider openai reads open
        35s   agent  provider openai released by #1 (2)
        35s   agent  model group chat released by #1 (1)
        35s   agent  model group embeddings released by #1 (1)
        335s  agent  #1 verified still: openai fails 62.0 % of 200 requests in 300 s
    "#]]).await;
}

#[tokio::test]
async fn the_real_trail_adapter_tells_the_same_story() {
    let dynamo = World::on_dynamo(sample::inventory_with_unhealthy("openai")).await;
    // On the heap: two of them are larger than a test's stack.
    let world = Box::pin(break_path(dynamo)).await;
    let memory = World::new(sample::inventory_with_unhealthy("openai"));
    let in_memory = Box::pin(break_path(memory)).await;
    assert_eq!(world.story().await, in_memory.story().await);
}
