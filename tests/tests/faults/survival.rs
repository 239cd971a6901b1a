//! What outlives outages, expiry and what cannot be used.

use std::time::Duration;

use domain::message::Lane;
use domain::ports::Clock;
use domain::trail::{HOUR_SHARDS, Record, StreamId};
use domain::value::ProposalId;
use testkit::{Cutter, sample};
use tests::World;
use tests::world::BREAK_S;

use super::{approved, in_force};

#[tokio::test]
async fn an_incident_outlives_hours_without_the_trail() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    world.trail.as_memory().outages.next(usize::MAX);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    for _ in 0..3 * 360 {
        world.clock.advance(Duration::from_secs(10));
        world.deliver(Lane::Ingest, &Cutter::never()).await;
    }
    assert_eq!(world.queue(Lane::Ingest).dead(), []);
    world.trail.as_memory().outages.end();
    world.advance(300).await;
    assert_eq!(world.proposals(), [id]);
}

/// A break of long ago, of whose records time to live has removed these.
async fn of_long_ago(removed: fn(&Record) -> bool) -> World {
    let (world, id) = in_force().await;
    world.settle().await;
    world.advance(900).await;
    assert_eq!(world.state(&id).await, "restored");
    let stream = StreamId::Proposal(id);
    let expires_at = world.trail.seen(&stream).await[0].expires_at.unwrap();
    let now = u64::try_from(world.clock.now().as_seconds()).unwrap();
    world.clock.advance(Duration::from_secs(expires_at - now + 3600));
    world.trail.as_memory().expire(&stream, removed);
    world
}

#[tokio::test]
async fn a_trouble_that_comes_back_when_its_trail_expired_is_another_and_people_are_told() {
    let removals: [fn(&Record) -> bool; 5] = [
        |_| true,
        |record| record.seq == 1,
        |record| record.seq > 3,
        |record| record.seq % 2 == 0,
        |_| false,
    ];
    for (nth, removed) in removals.into_iter().enumerate() {
        let world = of_long_ago(removed).await;
        let told = world.topic.told().len();
        let event = sample::provider_unhealthy_text("openai");
        let id = world.send(&sample::with_event_id(&event, "years-later"));
        world.run_until_quiet().await;
        let next = ProposalId::new(id.fingerprint().clone(), 2);
        assert!(
            world.proposals().contains(&next),
            "{nth}: {:?}",
            world.queue(Lane::Ingest).dead()
        );
        assert_eq!(world.state(&next).await, "awaiting_approval", "{nth}");
        assert!(world.topic.told().len() > told, "{nth}");
        // The target that it held is free.
        world.approve("alice", &next).await.text();
        world.run_until_quiet().await;
        assert_eq!(world.state(&next).await, "succeeded", "{nth}");
    }
}

/// An id that was used years ago is another event's now, whichever outbreak of then had it.
#[tokio::test]
async fn an_event_whose_id_is_that_of_an_expired_one_is_not_swallowed() {
    let event = sample::provider_unhealthy_text("openai");
    for removed in [|record: &Record| record.seq.is_multiple_of(2), |_: &Record| false] {
        let world = of_long_ago(removed).await;
        let first = world.send(&sample::with_event_id(&event, "years-later"));
        world.run_until_quiet().await;
        // The id of the expired outbreak's own event, while the next one is under way.
        world.send(&event);
        world.run_until_quiet().await;
        let next = ProposalId::new(first.fingerprint().clone(), 2);
        let kinds = world.kinds(&next).await;
        assert_eq!(
            kinds.iter().filter(|kind| *kind == "repeated").count(),
            1,
            "{kinds:?}"
        );
    }
}

#[tokio::test]
async fn an_incident_that_was_opened_and_not_recorded_yet_is_no_expired_one() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    for point in 0.. {
        let fork = world.fork();
        let cutter = Cutter::at(point);
        cutter.run(fork.deliver(Lane::Ingest, &cutter)).await;
        let Some(at) = cutter.cut_at() else { break };
        if at.starts_with("after Trail::append of opened") {
            // The message comes back, days later.
            fork.clock.advance(Duration::from_secs(10 * 86_400));
            fork.run_until_quiet().await;
            assert_eq!(fork.proposals(), std::slice::from_ref(&id));
            return;
        }
    }
    panic!("nothing was opened");
}

#[tokio::test]
async fn what_is_in_force_ends_though_neither_lambda_nor_a_part_of_the_index_answers() {
    let (mut world, id) = approved().await;
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded");
    world.housekeeping = false;
    world.queue(Lane::Restore).lose();
    world.view.outages.next(usize::MAX);
    world.lose_event_sources();
    let own = world
        .trail
        .seen(&StreamId::Proposal(id.clone()))
        .await
        .pop()
        .unwrap()
        .hour;
    let hour = own.split('/').next().unwrap();
    for hidden in (0..HOUR_SHARDS).map(|shard| format!("{hour}/{shard}")) {
        if hidden != own {
            world.trail.as_memory().hide(hidden);
        }
    }
    world.clock.advance(Duration::from_secs(BREAK_S + 10));
    let told = world.keep_house(&Cutter::never()).await.unwrap_err();
    assert!(told.contains("not everything could be looked at"), "{told}");
    world.view.outages.end();
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "restored", "{}", world.story().await);
}
