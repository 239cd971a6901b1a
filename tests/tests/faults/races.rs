//! Deliveries and decisions in parallel: one of them counts.

use domain::message::Lane;
use domain::proposal::State;
use futures::future::join_all;
use slack::button::Does;
use slack::form::REASON;
use testkit::{Cutter, sample};
use tests::World;

use super::waiting;

/// Delivers one event many times at once.
async fn twenty_deliveries(world: &World, text: impl Fn(usize) -> String) {
    let cutter = Cutter::gives_way();
    for delivery in 0..20 {
        world.send(&text(delivery));
    }
    join_all((0..20).map(|_| world.deliver(Lane::Ingest, &cutter))).await;
    world.settle().await;
    assert_eq!(world.proposals().len(), 1);
    world.assert_at_rest().await;
}

async fn count(world: &World, kind: &str) -> usize {
    let kinds = world.kinds(&world.proposals()[0]).await;
    kinds.iter().filter(|one| *one == kind).count()
}

#[tokio::test]
async fn one_event_delivered_twenty_times_at_once_is_one_proposal() {
    for world in [
        World::new(sample::inventory_with_unhealthy("openai")),
        World::on_dynamo(sample::inventory_with_unhealthy("openai")).await,
    ] {
        twenty_deliveries(&world, |_| sample::provider_unhealthy_text("openai")).await;
        for (kind, times) in [("received", 1), ("proposed", 1), ("repeated", 0)] {
            assert_eq!(
                count(&world, kind).await,
                times,
                "{kind}\n{}",
                world.story().await
            );
        }
    }
}

#[tokio::test]
async fn twenty_events_of_one_trouble_at_once_are_one_proposal() {
    for world in [
        World::new(sample::inventory_with_unhealthy("openai")),
        World::on_dynamo(sample::inventory_with_unhealthy("openai")).await,
    ] {
        twenty_deliveries(&world, |delivery| {
            sample::with_event_id(
                &sample::provider_unhealthy_text("openai"),
                &format!("evt-{delivery}"),
            )
        })
        .await;
        for (kind, times) in [("received", 1), ("proposed", 1), ("repeated", 19)] {
            assert_eq!(
                count(&world, kind).await,
                times,
                "{kind}\n{}",
                world.story().await
            );
        }
    }
}

/// Fifty yes and fifty no at once.
async fn hundred_clicks(world: &World) {
    let cutter = Cutter::gives_way();
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    let shown = world.shown(&id).await;
    let (id_of, cutter_of) = (&id, &cutter);
    let clicks = (0..100).map(|click| async move {
        let (who, approves) = match click % 4 {
            0 => ("alice", true),
            1 => ("bob", false),
            2 => ("bob", true),
            _ => ("alice", false),
        };
        match approves {
            true => world.click(who, "approve", id_of, shown, cutter_of).await,
            false => {
                let why = [(REASON, "not now")];
                world.fills_in(who, Does::Reject, id_of, &why, cutter_of).await
            }
        }
    });
    let answers = join_all(clicks).await;
    let decided = answers
        .iter()
        .filter(|answer| answer.text().contains("is recorded"));
    assert!(decided.count() >= 1, "somebody was told so");
    world.settle().await;
    let kinds = world.kinds(&id).await;
    let decisions = kinds
        .iter()
        .filter(|kind| *kind == "approved" || *kind == "rejected");
    assert_eq!(decisions.count(), 1, "{}", world.story().await);
    let starts = kinds.iter().filter(|kind| *kind == "started").count();
    assert_eq!(starts, usize::from(kinds.contains(&"approved".to_owned())));
    assert_eq!(world.breaks("openai"), starts);
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn fifty_approvals_and_fifty_rejections_at_once_are_one_decision() {
    hundred_clicks(&World::new(sample::inventory_with_unhealthy("openai"))).await;
    hundred_clicks(&World::on_dynamo(sample::inventory_with_unhealthy("openai")).await).await;
}

#[tokio::test]
async fn an_approval_delivered_twenty_times_at_once_is_executed_once() {
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    world.turn_stream(&Cutter::never()).await;
    world.turn_bus();
    let message = domain::message::hint(&id);
    for _ in 0..19 {
        world
            .queue(Lane::Execution)
            .send(&message, std::time::Duration::ZERO);
    }
    let cutter = Cutter::gives_way();
    join_all((0..20).map(|_| world.deliver(Lane::Execution, &cutter))).await;
    world.assert_sound().await;
    assert!(matches!(world.proposal(&id).await.state(), State::Succeeded(_)));
    world.settle().await;
    let kinds = world.kinds(&id).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "started").count(), 1);
    assert_eq!(world.breaks("openai"), 1);
    world.assert_at_rest().await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_flapping_provider_is_one_proposal_until_it_has_been_quiet() {
    let (world, id) = super::in_force().await;
    world.settle().await;
    let text = |event: &str| sample::with_event_id(&sample::provider_unhealthy_text("openai"), event);
    world.send(&text("evt-2"));
    world.settle().await;
    assert_eq!(world.proposals(), std::slice::from_ref(&id));
    // Another one late in the window of fifteen minutes, and a redelivery of it when that has passed.
    world.advance(500).await;
    world.send(&text("evt-late"));
    world.settle().await;
    world.advance(301).await;
    world.send(&text("evt-late"));
    world.settle().await;
    assert_eq!(world.proposals().len(), 1);
    world.send(&text("evt-3"));
    world.run_until_quiet().await;
    assert_eq!(world.proposals().len(), 2, "{}", world.story().await);
    // One of the first outbreak's events, delivered once more while the second is under way.
    let records = world.records().await.len();
    world.send(&text("evt-late"));
    world.run_until_quiet().await;
    assert_eq!(world.proposals().len(), 2);
    assert_eq!(world.records().await.len(), records, "{}", world.story().await);
}
