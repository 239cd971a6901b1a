//! What people are told in Slack: one card for a proposal, which shows where it stands.
#![expect(clippy::unwrap_used, reason = "what these tests share panics as they do")]

mod meanwhile;
mod outages;
mod refused;
mod repeated;

use notification::routes::Routes;
use slack::button::Does;
use slack::form::REASON;
use testkit::{Cutter, sample};
use tests::World;

/// The channel of the sample.
const CHANNEL: &str = "C0SRE";

/// A world that asks people in Slack, in which `openai` fails and one proposal waits.
async fn asked() -> (World, domain::value::ProposalId) {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

/// The same, of a break of so many seconds.
async fn asked_for(seconds: u64) -> (World, domain::value::ProposalId) {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    world.reasoner = tests::world::Script::proposes(
        serde_json::json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": seconds}),
    );
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

/// Nothing is left to be told: the only card shows this, and has no button that decides.
fn ends(world: &World, words: &[&str]) {
    let card = world.slack.card();
    for word in words {
        assert!(card.text().contains(word), "{word}: {}", card.text());
    }
    let live: Vec<_> = card.buttons();
    assert!(live.is_empty(), "{live:?}");
}

#[tokio::test]
async fn a_proposal_is_asked_about_and_its_card_follows_it_to_its_end() {
    let (world, id) = asked().await;
    let card = world.slack.card();
    assert_eq!((card.channel.as_str(), card.buttons().len()), (CHANNEL, 3));
    for words in [
        "It waits for 1 approval until",
        "openai",
        "Who may approve",
        "Alice",
        "https://pages.example/proposals/",
    ] {
        assert!(card.text().contains(words), "{words}: {}", card.text());
    }
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    let card = world.slack.card();
    assert!(
        card.text().contains("It was approved by Alice"),
        "{}",
        card.text()
    );
    assert!(card.text().contains("ends by itself"), "{}", card.text());
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["It was approved by Alice", "Its effect was taken back"]);
    let replies = world.slack.replies();
    let told: Vec<_> = replies
        .iter()
        .map(|reply| reply.split(',').next().unwrap())
        .collect();
    assert_eq!(told, ["succeeded", "restored", "verified"]);
    let kinds = world.kinds(&id).await;
    let notified = kinds.iter().filter(|kind| *kind == "notified").count();
    assert_eq!(
        notified, 4,
        "claimed, posted, at its end, and once it was verified: {kinds:?}"
    );
    world.assert_sound().await;
}

#[tokio::test]
async fn a_decision_ends_the_buttons_and_says_whose_it_was() {
    let (world, id) = asked().await;
    world.reject("bob", &id).await.text();
    world.settle().await;
    ends(&world, &["It was rejected by Bob", "of the test"]);

    let (world, id) = asked().await;
    world.settle().await;
    assert_eq!(world.state(&id).await, "expired");
    ends(&world, &["It expired at"]);
}

#[tokio::test]
async fn a_change_is_scored_again_and_asked_again_on_the_same_card() {
    let (mut world, id) = asked().await;
    world.weigh_nothing();
    world.housekeeping = true;
    let before = world.shown(&id).await;
    let less = [("duration_s", "30")];
    // Thirty seconds are the least: the runbook of the sample asks for no more.
    let told = world
        .fills_in("alice", Does::Narrow, &id, &less, &Cutter::never())
        .await;
    assert_eq!(told.status, 200);
    world.run_until_quiet().await;
    assert_eq!(world.shown(&id).await, before, "thirty is not less than thirty");

    let (longer, id) = asked_for(300).await;
    let before = longer.shown(&id).await;
    longer
        .fills_in(
            "alice",
            Does::Narrow,
            &id,
            &[("duration_s", "60")],
            &Cutter::never(),
        )
        .await
        .text();
    longer.run_until_quiet().await;
    let card = longer.slack.card();
    assert!(card.text().contains("60 s"), "{}", card.text());
    assert!(
        !card.text().contains(&before.to_string()),
        "no button names the old score"
    );
    assert_eq!(longer.slack.replies().len(), 1, "{:?}", longer.slack.replies());
    // Whoever changed it may not approve it.
    longer.approve("alice", &id).await.text();
    assert_eq!(longer.state(&id).await, "awaiting_approval");
    longer.approve("bob", &id).await.text();
    longer.settle().await;
    longer.advance(200).await;
    ends(&longer, &["It was approved by Bob"]);
}

#[tokio::test]
async fn what_is_reported_again_is_told_in_the_thread_and_counted_on_the_card() {
    let (world, _) = asked().await;
    for delivery in 1..=2 {
        let again = sample::with_event_id(
            &sample::provider_unhealthy_text("openai"),
            &format!("evt-again-{delivery}"),
        );
        world.send(&again);
        world.run_until_quiet().await;
    }
    let replies = world.slack.replies();
    assert_eq!(replies.len(), 2, "{replies:?}");
    assert!(
        replies.iter().all(|reply| reply.starts_with("repeated")),
        "{replies:?}"
    );
    assert!(world.slack.card().text().contains("reported again 2 times since"));
    assert_eq!(world.slack.card().buttons().len(), 3, "it still waits");
}

#[tokio::test]
async fn an_approval_is_held_back_and_may_be_taken_back_until_it_starts() {
    let (mut world, id) = asked().await;
    world.deployment.approval_veto_s = 120;
    world.approve("alice", &id).await.text();
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "approved");
    assert_eq!(world.slack.card().buttons(), ["revoke"]);
    let shown = world.shown(&id).await;
    world
        .click("bob", "revoke", &id, shown, &Cutter::never())
        .await
        .text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.breaks("openai"), 0);
    world.approve("alice", &id).await.text();
    world.advance(121).await;
    assert_eq!(world.state(&id).await, "succeeded");
    let late = world.click("bob", "revoke", &id, shown, &Cutter::never()).await;
    assert!(late.text().contains("in force"), "{late:?}");
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["It was approved by Alice"]);
}

#[tokio::test]
async fn a_break_is_undone_before_its_end_with_an_approval_of_its_own() {
    let (world, id) = asked().await;
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.slack.card().buttons(), ["undo"]);
    let began = testkit::FrozenClock::at(domain::ports::Clock::now(&world.clock));
    world.undo(&id, "alice", "bob").await;
    world.run_until_quiet().await;
    world.advance(10).await;
    assert_eq!(world.state(&id).await, "restored");
    let restored = world.proposal(&id).await.moved().at;
    assert!(
        restored < domain::ports::Clock::now(&began).plus_seconds(25),
        "before the thirty seconds are over"
    );
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["Its effect was taken back"]);
    world.assert_as_before();
}

#[tokio::test]
async fn a_pause_and_its_end_are_on_the_card() {
    let (world, id) = asked().await;
    world.pause("a release").await;
    world.advance(61).await;
    assert!(
        world
            .slack
            .card()
            .text()
            .contains("The agent is paused (a release)")
    );
    world.resume().await;
    world.advance(61).await;
    let card = world.slack.card();
    assert!(!card.text().contains("paused ("), "{}", card.text());
    assert!(card.text().contains("A pause moved that to"), "{}", card.text());
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(200).await;
    ends(&world, &["It was approved by Alice"]);
}

#[tokio::test]
async fn where_slack_is_not_set_up_nobody_is_told_and_nothing_is_recorded() {
    let (mut world, id) = asked().await;
    world.routes = None;
    let kinds = world.kinds(&id).await;
    let message = domain::message::hint(&id);
    world
        .queue(domain::message::Lane::Slack)
        .send(&message, std::time::Duration::ZERO);
    let calls = world.slack.calls();
    world.run_until_quiet().await;
    assert_eq!((world.kinds(&id).await, world.slack.calls()), (kinds, calls));
}

#[tokio::test]
async fn what_people_were_asked_about_and_is_only_watched_now_has_no_buttons() {
    let (world, id) = asked_for(300).await;
    world.policies.change(|in_force| {
        in_force
            .policy
            .shadow
            .insert(domain::action::ActionKind::CircuitBreakProvider);
    });
    // Somebody lowers it, so that it is scored again: and goes nowhere now.
    world
        .fills_in(
            "alice",
            Does::Narrow,
            &id,
            &[("duration_s", "60")],
            &Cutter::never(),
        )
        .await
        .text();
    world.settle().await;
    assert_eq!(world.state(&id).await, "shadow");
    world.advance(200).await;
    ends(&world, &["the policy watches this action"]);
}

#[tokio::test]
async fn what_is_only_watched_is_told_to_nobody() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    world.policies.change(|in_force| {
        in_force
            .policy
            .shadow
            .insert(domain::action::ActionKind::CircuitBreakProvider);
    });
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.settle().await;
    world.advance(200).await;
    assert_eq!(world.state(&id).await, "shadow");
    assert_eq!(world.slack.calls(), 0);
}

#[tokio::test]
async fn a_form_without_a_reason_rejects_nothing() {
    let (world, id) = asked().await;
    let empty = world
        .fills_in("alice", Does::Reject, &id, &[(REASON, " ")], &Cutter::never())
        .await;
    assert_eq!((empty.status, empty.told.len()), (200, 0));
    assert_eq!(world.state(&id).await, "awaiting_approval");
}
