//! The switches of the whole agent: a pause holds what would begin, and never what must end.

use domain::message::Lane;
use expect_test::expect;
use testkit::sample;
use tests::World;
use tests::world::BREAK_S;

use super::tells;

async fn waiting() -> (World, domain::value::ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

#[tokio::test]
async fn a_pause_takes_a_no_and_no_yes() {
    let (world, id) = waiting().await;
    world.pause("a release").await;
    expect!["The agent is paused (a release). Approvals are not taken until it resumes; rejections are."]
        .assert_eq(world.approve("alice", &id).await.text());
    world.reject("alice", &id).await.text();
    assert_eq!(world.state(&id).await, "rejected");
}

#[tokio::test]
async fn a_pause_holds_a_start_and_who_approved_is_asked_again_after_it() {
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    world.pause("a release").await;
    world.advance(3600).await;
    assert_eq!(world.state(&id).await, "proposed", "the approval ran out");
    assert_eq!(world.gateway.writes(), []);
    world.resume().await;
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    world.approve("bob", &id).await.text();
    world.settle().await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
        0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
        0s    alice  #1 approved until 900s
        0s    system control paused a release
        930s  system #1 expired at 900s
        3600s system control resumed
        3630s agent  #1 scored 54: gate, the score of 54 is above the threshold of 40
        3660s bob    #1 approved until 4560s
        3660s agent  provider openai claimed for #1 (1)
        3660s agent  model group chat claimed for #1 (1)
        3660s agent  model group embeddings claimed for #1 (1)
        3660s agent  #1 started provider openai: open → blocked, until 3690s, holds provider openai (1), model group chat (1), model group embeddings (1)
        3660s agent  #1 succeeded provider openai reads blocked
        3690s agent  provider openai claimed for #1 (2) to take it back
        3695s agent  #1 restored provider openai reads open
        3695s agent  provider openai released by #1 (2)
        3695s agent  model group chat released by #1 (1)
        3695s agent  model group embeddings released by #1 (1)
        3995s agent  #1 verified still: openai fails 62.0 % of 200 requests in 300 s
    "#]]).await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_pause_does_not_keep_a_provider_blocked() {
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    world.pause("a release").await;
    world.advance(BREAK_S + 5).await;
    assert_eq!(world.state(&id).await, "restored");
    world.assert_as_before();
    world.advance(300).await;
    let verified = world.proposal(&id).await.verified().is_some();
    assert!(verified, "verification goes on, too");
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_pause_by_the_template_records_events_and_loses_none() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.enabled = false;
    world.advance(60).await;
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.advance(3600).await;
    assert_eq!(world.kinds(&id).await, ["received"]);
    let queued = [Lane::Ingest, Lane::Scoring, Lane::Execution].map(|name| world.queue(name));
    assert_eq!(
        queued.map(|queue| (queue.is_on(), queue.len())),
        [(true, 0), (false, 0), (false, 0)]
    );
    world.enabled = true;
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.sources_switched(), 2);
}

#[tokio::test]
async fn a_deadline_does_not_pass_while_the_agent_is_paused() {
    let (world, id) = waiting().await;
    world.advance(1000).await;
    world.pause("a release").await;
    world.advance(7200).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    world.resume().await;
    world.advance(700).await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "restored");
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
        0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
        1000s system control paused a release
        8200s system control resumed
        8900s alice  #1 approved until 9800s, 7200 s longer for a pause
        8900s agent  provider openai claimed for #1 (1)
        8900s agent  model group chat claimed for #1 (1)
        8900s agent  model group embeddings claimed for #1 (1)
        8900s agent  #1 started provider openai: open → blocked, until 8930s, holds provider openai (1), model group chat (1), model group embeddings (1)
        8900s agent  #1 succeeded provider openai reads blocked
        8930s agent  provider openai claimed for #1 (2) to take it back
        8935s agent  #1 restored provider openai reads open
        8935s agent  provider openai released by #1 (2)
        8935s agent  model group chat released by #1 (1)
        8935s agent  model group embeddings released by #1 (1)
        9235s agent  #1 verified still: openai fails 62.0 % of 200 requests in 300 s
    "#]]).await;
}

#[tokio::test]
async fn without_the_trail_nothing_is_done_and_nothing_is_lost() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.trail.as_memory().outages.next(1);
    world.run_until_quiet().await;
    assert_eq!(world.proposals(), []);
    world.advance(130).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    world.trail.as_memory().outages.next(usize::MAX);
    let answer = world.approve("alice", &id).await;
    assert_eq!(answer.status, 503);
    expect!["The agent cannot tell now whether this was recorded. Look again in a moment; asking for the same once more is harmless."]
        .assert_eq(&answer.told.concat());
    world.trail.as_memory().outages.end();
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.assert_at_rest().await;
}
