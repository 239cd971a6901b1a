//! A proposal that moves on while its card is being posted.

use domain::message::Lane;
use domain::trail::StreamId;
use notification::routes::Routes;
use testkit::cut::every_moment;
use testkit::{Cutter, sample};
use tests::World;

use super::CHANNEL;

/// A proposal waits, and its card is to be posted.
async fn about_to_ask() -> (World, domain::value::ProposalId) {
    let never = Cutter::never();
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.routes = Some(Routes::read(CHANNEL, "").unwrap());
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.deliver(Lane::Ingest, &never).await;
    world.turn_stream(&never).await;
    world.turn_bus();
    world.deliver(Lane::Scoring, &never).await;
    world.turn_stream(&never).await;
    world.turn_topic();
    (world, id)
}

#[tokio::test]
async fn what_a_card_is_recorded_to_show_it_shows_whenever_somebody_approves_meanwhile() {
    let (mut current, mut behind) = (0, 0);
    every_moment(async |cutter| {
        let (world, id) = about_to_ask().await;
        let approves = async || assert_eq!(world.approve("alice", &id).await.status, 200);
        cutter
            .run_with(world.deliver(Lane::Slack, cutter), approves)
            .await;
        if cutter.cut_at().is_none() {
            return;
        }
        let records = world.trail.seen(&StreamId::Proposal(id.clone())).await;
        let approved = records.iter().find(|record| record.kind == "approved").unwrap();
        let proposal = world.proposal(&id).await;
        let mut messages = proposal.messages().of(Lane::Slack.name());
        let shows = messages.find_map(|message| message.shows);
        let card = world.slack.card();
        let says = card.text().contains("It was approved by Alice");
        assert!(
            says || shows.is_none_or(|shows| shows < approved.seq),
            "it is recorded to show {shows:?}, and says\n{}",
            card.text()
        );
        *(if says { &mut current } else { &mut behind }) += 1;
    })
    .await;
    // At the last points it was looked at for the last time already: the approval's own message changes the card.
    assert!(current > 4 && behind > 0, "{current} {behind}");
}
