//! Slack fails: every card ends in its standing state, and the trail says what happened.

use domain::message::Lane;
use domain::proposal::{Notified, ProposalFact};
use domain::trail::{Fact as _, StreamId};
use domain::value::ProposalId;
use notification::routes::Routes;
use testkit::sample;
use tests::World;
use tests::world::SlackTrouble;

use super::{CHANNEL, asked, ends};

/// What the trail has of the messages, in order.
async fn notified(world: &World, id: &ProposalId) -> Vec<Notified> {
    let records = world.trail.seen(&StreamId::Proposal(id.clone())).await;
    let facts = records.iter().map(|record| ProposalFact::read(record).unwrap());
    facts
        .filter_map(|fact| match fact {
            ProposalFact::Notified(notified) => Some(notified),
            _ => None,
        })
        .collect()
}

async fn problems(world: &World, id: &ProposalId) -> Vec<String> {
    notified(world, id)
        .await
        .into_iter()
        .filter_map(|one| one.problem)
        .collect()
}

/// A world whose Slack is in trouble from the beginning.
async fn troubled(trouble: SlackTrouble) -> (World, ProposalId) {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    world.slack.breaks(trouble);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

#[tokio::test]
async fn a_slack_that_is_down_for_ten_minutes_is_asked_afterwards() {
    let (world, id) = troubled(SlackTrouble::Down).await;
    world.advance(600).await;
    assert!(world.slack.cards().is_empty());
    assert_eq!(problems(&world, &id).await, ["Slack: no answer"], "said once");
    world.slack.works();
    world.advance(120).await;
    assert_eq!(world.slack.card().buttons().len(), 3, "it still waits");
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["It was approved by Alice", "Its effect was taken back"]);
    assert!(notified(&world, &id).await.last().unwrap().problem.is_none());
    assert!(world.queue(Lane::Slack).dead().is_empty());
}

#[tokio::test]
async fn an_outage_over_a_whole_life_ends_in_a_card_of_how_it_ended() {
    let (world, id) = asked().await;
    world.slack.breaks(SlackTrouble::Down);
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(600).await;
    assert_eq!(world.slack.card().buttons().len(), 3, "nobody could change it");
    world.slack.works();
    world.advance(180).await;
    ends(&world, &["It was approved by Alice", "Its effect was taken back"]);
    let told = world.slack.replies();
    assert_eq!(told.len(), 3, "{told:?}");
}

#[tokio::test]
async fn a_slack_that_throttles_for_an_hour_gets_little_more_than_a_call_a_minute() {
    let (world, id) = troubled(SlackTrouble::Throttles(30)).await;
    let before = world.slack.calls();
    world.advance(3600).await;
    let calls = world.slack.calls() - before;
    assert!((10..90).contains(&calls), "{calls} calls in an hour");
    let problems = problems(&world, &id).await;
    assert_eq!(problems, ["throttled for 30 s"], "said once");
    world.slack.works();
    world.advance(660).await;
    ends(&world, &["It expired at"]);
    assert!(world.queue(Lane::Slack).dead().is_empty());
}

#[tokio::test]
async fn a_channel_that_refuses_is_said_and_the_default_one_is_asked() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "action=circuit_break_provider>C0GONE").unwrap());
    world.slack.refuses("C0GONE", "channel_not_found");
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.slack.card().channel, CHANNEL);
    assert_eq!(problems(&world, &id).await, ["channel_not_found"]);
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["It was approved by Alice"]);
    assert_eq!(problems(&world, &id).await, ["channel_not_found"]);
}

#[tokio::test]
async fn where_every_channel_refuses_a_person_must_act_and_is_waited_for() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "action=circuit_break_provider>C0GONE").unwrap());
    world.slack.refuses("C0GONE", "is_archived");
    world.slack.refuses(CHANNEL, "not_in_channel");
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.advance(300).await;
    assert_eq!(problems(&world, &id).await, ["is_archived", "not_in_channel"]);
    world.slack.works();
    world.advance(120).await;
    assert_eq!(world.slack.card().channel, "C0GONE");
}

#[tokio::test]
async fn a_revoked_token_is_said_once_and_mended_by_a_person() {
    let (world, id) = troubled(SlackTrouble::Revoked).await;
    world.advance(600).await;
    assert_eq!(problems(&world, &id).await, ["token_revoked"]);
    let calls = world.slack.calls();
    assert!(calls <= 13, "{calls} calls in ten minutes");
    world.slack.works();
    world.advance(120).await;
    assert_eq!(world.slack.card().buttons().len(), 3);
}

#[tokio::test]
async fn a_card_whose_posting_was_not_confirmed_is_found_again_and_not_posted_twice() {
    let (world, id) = troubled(SlackTrouble::Lost).await;
    world.advance(30).await;
    world.slack.works();
    world.advance(120).await;
    assert_eq!(world.slack.card().buttons().len(), 3);
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["It was approved by Alice"]);
}

#[tokio::test]
async fn a_card_that_somebody_deleted_is_asked_again_while_it_waits_and_left_alone_when_it_is_over() {
    let (world, id) = asked().await;
    world.slack.delete_cards();
    world.pause("to have it changed").await;
    world.advance(61).await;
    assert_eq!(world.slack.card().buttons().len(), 3);
    world.resume().await;
    world.reject("alice", &id).await.text();
    world.settle().await;
    ends(&world, &["It was rejected by Alice"]);

    let (world, id) = asked().await;
    world.slack.delete_cards();
    world.reject("alice", &id).await.text();
    world.settle().await;
    world.advance(300).await;
    assert!(world.slack.cards().is_empty());
    assert_eq!(problems(&world, &id).await, ["message_not_found"]);
}

#[tokio::test]
async fn a_card_that_cannot_be_changed_is_asked_again_once_and_records_do_not_pile_up() {
    let (world, id) = asked().await;
    world.slack.freeze_cards();
    world.pause("to have it changed").await;
    world.advance(61).await;
    world.resume().await;
    world.advance(600).await;
    let cards = world.slack.cards();
    assert_eq!(cards.len(), 2, "the old one, and one that can be changed");
    let records = notified(&world, &id).await.len();
    assert!(records <= 8, "{records} records");
    world.reject("alice", &id).await.text();
    world.settle().await;
    assert!(world.slack.cards()[1].buttons().is_empty());
}

#[tokio::test]
async fn a_card_whose_channel_is_archived_is_asked_in_the_default_one_while_it_waits() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "action=circuit_break_provider>C0OTHER").unwrap());
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.slack.card().channel, "C0OTHER");
    world.slack.refuses("C0OTHER", "is_inactive");
    world.pause("to have it changed").await;
    world.advance(61).await;
    let cards = world.slack.cards();
    assert_eq!(cards.len(), 2);
    assert_eq!(cards[1].channel, CHANNEL);
    world.resume().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(200).await;
    assert!(world.slack.cards()[1].text().contains("It was approved by Alice"));
}

#[tokio::test]
async fn what_slack_never_takes_is_tried_less_and_less() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    world.slack.refuses_posts("restricted_action");
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.settle().await;
    world.advance(7200).await;
    let records = notified(&world, &id).await.len();
    assert!(records <= 60, "{records} records in two hours and a half");
    let before = records;
    world.advance(26 * 3600).await;
    let after = notified(&world, &id).await.len();
    world.advance(4 * 3600).await;
    assert_eq!(
        notified(&world, &id).await.len(),
        after,
        "no more after a day: {before}"
    );
}
