//! An event that cannot be taken reaches a person, once per source and hour, and is a dead letter besides.

use std::time::Duration;

use domain::message::Lane;
use domain::trail::StreamId;
use domain::trail::refusal::{MOST_OTHERS, is_of_refusals};
use expect_test::expect;
use notification::routes::Routes;
use serde_json::{Value, json};
use testkit::{Cutter, hostile, sample};
use tests::World;
use tests::world::SlackTrouble;

use super::CHANNEL;

fn world() -> World {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    world
}

/// An event of a source that lacks its measure.
fn unreadable(source: &str, event_id: &str) -> String {
    let mut event: Value = serde_json::from_str(&sample::provider_unhealthy_text("openai")).unwrap();
    event["source"] = json!(source);
    event["detail"]["event_id"] = json!(event_id);
    event["detail"]["error_rate"] = json!("62 %");
    event.to_string()
}

async fn sends(world: &World, body: &str) {
    world.queue(Lane::Ingest).send(body, Duration::ZERO);
    world.run_until_quiet().await;
}

/// What was posted.
fn posted(world: &World) -> Vec<String> {
    let posted = world.slack.cards().into_iter();
    posted
        .map(|one| one.shows["text"].as_str().unwrap().to_owned())
        .collect()
}

fn refusals(world: &World) -> usize {
    let written = world.trail.written().into_iter();
    written.filter(|(stream, _)| is_of_refusals(stream)).count()
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_told_once_an_hour_and_each_is_a_dead_letter() {
    let world = world();
    for number in 0..30 {
        sends(&world, &unreadable("llm-gateway", &format!("e-{number}"))).await;
    }
    assert_eq!(world.queue(Lane::Ingest).dead().len(), 30);
    assert_eq!((posted(&world).len(), refusals(&world)), (1, 1));
    expect![[r#"
        what came from llm-gateway, event e-0 could not be taken: detail.error_rate "62 %" is not a number
        what it reports may be going on; it is in the dead-letter queue, which sre-agent redrive --list --queue ingest lists, and sre-agent redrive puts back what has been mended
        of the same source nothing more is told within this hour"#]]
    .assert_eq(&posted(&world)[0]);
    world.advance(3_600).await;
    sends(&world, &unreadable("llm-gateway", "e-30")).await;
    assert_eq!(posted(&world).len(), 2, "the next hour is another");
    assert_eq!(world.proposals(), []);
    world.assert_sound().await;
}

#[tokio::test]
async fn whatever_cannot_be_taken_is_told_whoever_sent_it() {
    let world = world();
    let mut foreign: Value = serde_json::from_str(&sample::provider_unhealthy_text("openai")).unwrap();
    foreign["source"] = json!("partner-gateway");
    for body in [
        foreign.to_string(),
        "<html>502</html>".to_owned(),
        json!({"TopicArn": "arn:x", "Message": unreadable("through-sns", "e-1")}).to_string(),
    ] {
        sends(&world, &body).await;
    }
    let told: Vec<String> = posted(&world)
        .iter()
        .map(|text| text.lines().next().unwrap().to_owned())
        .collect();
    expect![[r#"
        what came from partner-gateway, event evt-1 could not be taken: source "partner-gateway" is not among the allowed sources
        what came from nobody knows whom could not be taken: message is not JSON: expected value at line 1 column 1 in "&lt;html&gt;502&lt;/html&gt;"
        what came from through-sns, event e-1 could not be taken: detail.error_rate "62 %" is not a number"#]]
    .assert_eq(&told.join("\n"));
    // What the functions wake each other with is nobody's event.
    sends(&world, r#"{"hint": {"proposal": 7}}"#).await;
    assert_eq!(
        (posted(&world).len(), world.queue(Lane::Ingest).dead().len()),
        (3, 4)
    );
}

#[tokio::test]
async fn invented_sources_are_no_flood_and_hide_no_source_of_ours() {
    let world = world();
    for number in 0..200 {
        sends(&world, &unreadable(&format!("invented-{number}"), "e")).await;
    }
    assert_eq!(posted(&world).len(), MOST_OTHERS + 1);
    assert!(posted(&world)[MOST_OTHERS].contains("more than 20 sources"));
    sends(&world, &unreadable("llm-gateway", "e")).await;
    assert_eq!(posted(&world).len(), MOST_OTHERS + 2);
    assert_eq!(world.queue(Lane::Ingest).dead().len(), 201, "each is kept");
}

#[tokio::test]
async fn at_once_on_twenty_functions_it_is_told_once() {
    let world = world();
    let body = unreadable("llm-gateway", "e");
    for _ in 0..20 {
        world.queue(Lane::Ingest).send(&body, Duration::ZERO);
    }
    let cutter = Cutter::never();
    let all = (0..20).map(|_| world.deliver(Lane::Ingest, &cutter));
    futures::future::join_all(all).await;
    world.run_until_quiet().await;
    assert_eq!((posted(&world).len(), refusals(&world)), (1, 1));
    assert_eq!(world.queue(Lane::Ingest).dead().len(), 20);
}

#[tokio::test]
async fn without_the_trail_it_waits_and_is_told_when_that_is_back() {
    let world = world();
    world.trail.as_memory().outages.next(usize::MAX);
    sends(&world, &unreadable("llm-gateway", "e")).await;
    assert_eq!(
        world.queue(Lane::Ingest).dead().len(),
        0,
        "it is not given up untold"
    );
    world.trail.as_memory().outages.end();
    world.advance(600).await;
    assert_eq!(
        (posted(&world).len(), world.queue(Lane::Ingest).dead().len()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_slack_that_is_down_or_a_topic_that_fails_is_told_afterwards() {
    let world = world();
    world.slack.breaks(SlackTrouble::Down);
    world.topic.outages.next(2);
    sends(&world, &unreadable("llm-gateway", "e")).await;
    assert_eq!(posted(&world).len(), 0);
    world.slack.works();
    world.advance(120).await;
    assert_eq!(posted(&world).len(), 1);
}

#[tokio::test]
async fn a_pause_hides_no_event_that_cannot_be_read() {
    let world = world();
    world.pause("maintenance").await;
    sends(&world, &unreadable("llm-gateway", "e")).await;
    assert_eq!(posted(&world).len(), 1);
}

#[tokio::test]
async fn a_notice_holds_no_button_and_no_markup_of_whoever_sent_it() {
    let world = world();
    for (number, injection) in hostile::injections().into_iter().enumerate() {
        if number % 15 == 0 {
            world.advance(3_600).await;
        }
        let mut event: Value = serde_json::from_str(&unreadable("x", &injection.text)).unwrap();
        event["source"] = json!(injection.text);
        event["detail"]["error_rate"] = json!(injection.text);
        sends(&world, &event.to_string()).await;
    }
    let cards = world.slack.cards();
    assert!(cards.len() > 250, "{}", cards.len());
    for card in cards {
        let text = card.shows["text"].as_str().unwrap();
        assert!(text.lines().count() <= 3, "{text}");
        for markup in ["<!", "<@", "<http", "<#"] {
            assert!(!text.contains(markup), "{text}");
        }
        assert!(card.buttons().is_empty(), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
    for notice in world.topic.notices() {
        let text = notice.text();
        assert!(text.chars().count() < 2_500, "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}

/// Only ingest may say that an event was refused: what another function inserts there is told to nobody.
#[tokio::test]
async fn a_refusal_that_another_author_wrote_is_not_told() {
    let world = world();
    sends(&world, &unreadable("llm-gateway", "e")).await;
    let stream: StreamId = world.trail.streams().into_iter().find(is_of_refusals).unwrap();
    let mut forged = world.trail.seen(&stream).await.remove(0);
    forged.prev = Some(forged.digest);
    forged.seq = 2;
    forged.body = forged.body.replace("llm-gateway", "call 0900-12345");
    forged.author = Some(domain::trail::Author::Scoring);
    forged.digest = forged.computed_digest();
    world.trail.forge(forged);
    world.run_until_quiet().await;
    assert_eq!(posted(&world).len(), 1);
}
