//! At least once, late, out of order, and killed half-way: one card, and each reply once.

use std::time::Duration;

use domain::message::{Hint, Lane};
use domain::telling::Announcement;
use futures::future::join_all;
use notification::routes::Routes;
use testkit::cut::every_point;
use testkit::{Cutter, sample};
use tests::World;

use super::{CHANNEL, asked, ends};

fn tell_again(world: &World, announcement: &Announcement) {
    let hint = Hint {
        seq: Some(announcement.seq),
        ..Hint::of(&announcement.proposal)
    };
    world.queue(Lane::Slack).send(&hint.text(), Duration::ZERO);
}

#[tokio::test]
async fn everything_told_three_times_backwards_is_one_card_and_each_reply_once() {
    let (world, id) = asked().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(200).await;
    let told = world.topic.told();
    for _ in 0..3 {
        for (announcement, _) in told.iter().rev() {
            tell_again(&world, announcement);
        }
    }
    let kinds = world.kinds(&id).await;
    world.run_until_quiet().await;
    assert_eq!(world.slack.replies().len(), 3, "{:?}", world.slack.replies());
    ends(&world, &["Its effect was taken back"]);
    assert_eq!(world.kinds(&id).await, kinds, "nothing new was recorded");
}

#[tokio::test]
async fn twenty_at_once_post_one_card() {
    for world in [
        World::new(sample::inventory_with_unhealthy("openai")),
        World::on_dynamo(sample::inventory_with_unhealthy("openai")).await,
    ] {
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        world.run_until_quiet().await;
        let mut world = world;
        world.routes = Some(Routes::read(CHANNEL, "").unwrap());
        for _ in 0..20 {
            world
                .queue(Lane::Slack)
                .send(&Hint::of(&id).text(), Duration::ZERO);
        }
        let cutter = Cutter::gives_way();
        join_all((0..20).map(|_| world.deliver(Lane::Slack, &cutter))).await;
        world.advance(120).await;
        assert_eq!(world.slack.card().buttons().len(), 3);
    }
}

#[tokio::test]
async fn the_teller_is_killed_anywhere() {
    let points = every_point(async |cutter: &Cutter| {
        let mut world = World::new(sample::inventory_with_unhealthy("openai"));
        world.routes = Some(Routes::read(CHANNEL, "").unwrap());
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        // Up to the score, and not yet told.
        while !world.kinds(&id).await.contains(&"scored".to_owned()) {
            world.turn_stream(&Cutter::never()).await;
            world.turn_bus();
            world.deliver(Lane::Ingest, &Cutter::never()).await;
            world.deliver(Lane::Scoring, &Cutter::never()).await;
        }
        world.turn_stream(&Cutter::never()).await;
        world.turn_topic();
        cutter.run(world.deliver(Lane::Slack, cutter)).await;
        world.advance(240).await;
        assert_eq!(world.slack.card().buttons().len(), 3);
        world.approve("alice", &id).await.text();
        world.settle().await;
        world.advance(300).await;
        ends(&world, &["Its effect was taken back"]);
        assert_eq!(world.slack.replies().len(), 3, "{:?}", world.slack.replies());
    })
    .await;
    assert!(points >= 15, "{points}");
}

#[tokio::test]
async fn killed_while_it_tells_the_end_it_still_tells_it_once() {
    every_point(async |cutter: &Cutter| {
        let (world, id) = asked().await;
        world.reject("alice", &id).await.text();
        world.turn_stream(&Cutter::never()).await;
        world.turn_topic();
        cutter.run(world.deliver(Lane::Slack, cutter)).await;
        world.advance(300).await;
        ends(&world, &["It was rejected by Alice"]);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_says_nothing_is_poison() {
    let (world, _) = asked().await;
    for body in ["", "{}", "nonsense", r#"{"hint":{"proposal":"x"}}"#] {
        world.queue(Lane::Slack).send(body, Duration::ZERO);
    }
    let nobody = Hint::of(&sample::proposal_of(&sample::budget_exceeded("payments")));
    world.queue(Lane::Slack).send(&nobody.text(), Duration::ZERO);
    world.run_until_quiet().await;
    let dead = world.queue(Lane::Slack).dead();
    assert_eq!(dead.len(), 5, "{dead:?}");
    assert!(dead.iter().all(|dead| dead.reason.is_some()));
}
