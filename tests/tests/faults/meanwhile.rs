//! Things that happen while a function works, between any two of its calls: the clock jumps, an abandoned write has its
//! effect, an outage begins, time to live removes what has expired.

use std::time::Duration;

use domain::inventory::{Setting, Target};
use domain::message::Lane;
use domain::ports::Clock;
use domain::trail::StreamId;
use domain::value::ProposalId;
use testkit::cut::every_moment;
use testkit::{Cutter, WriteFault, sample};
use tests::World;
use tests::world::BREAK_S;

use super::{approved, due, ends, proposed, sent, waiting};

/// Lets something happen at every moment of one delivery.
async fn at_every_moment(
    from: Lane,
    prepare: impl AsyncFn() -> (World, ProposalId),
    happens: impl AsyncFn(&World),
    then: impl AsyncFn(&World, &ProposalId),
) {
    let points = every_moment(async |cutter: &Cutter| {
        let (world, id) = prepare().await;
        let delivered = cutter
            .run_with(world.deliver(from, cutter), async || happens(&world).await)
            .await;
        assert!(delivered, "there was a message");
        then(&world, &id).await;
    })
    .await;
    assert!(points >= 4, "{points}");
}

/// Approves whatever asks, and lets time pass until everything has ended and the break was taken back. An approval may have
/// lapsed, and the question been asked anew; or nobody could decide in time, which people hear of; or, where nobody could look
/// at the gateway, a person was paged in its place.
async fn comes_to_an_end(world: &World, id: &ProposalId) {
    world.assert_sound().await;
    for _ in 0..10 {
        world.run_until_quiet().await;
        world.assert_sound().await;
        for id in world.proposals() {
            if world.state(&id).await == "awaiting_approval" {
                world.approve("alice", &id).await.text();
            }
        }
        world.advance(60).await;
        world.assert_sound().await;
    }
    world.settle().await;
    let story = world.story().await;
    let told = |reason: &str| world.topic.urgent().iter().any(|(_, told)| told == reason);
    match (world.state(id).await, world.breaks("openai")) {
        ("restored", 0 | 1) => {}
        ("succeeded", 0) => assert_eq!(world.gateway.pages().len(), 1, "{story}"),
        ("expired", 0) => assert!(told("nobody decided in time"), "{story}"),
        (state, breaks) => panic!("{state} after {breaks} breaks\n{story}"),
    }
    world.assert_verified().await;
    world.assert_nothing_held().await;
    world.assert_as_before();
}

/// Every function with a message that it works.
async fn in_every_function(happens: impl AsyncFn(&World), then: impl AsyncFn(&World, &ProposalId)) {
    at_every_moment(Lane::Ingest, sent, &happens, &then).await;
    at_every_moment(Lane::Scoring, proposed, &happens, &then).await;
    at_every_moment(Lane::Execution, approved, &happens, &then).await;
    at_every_moment(Lane::Restore, due, &happens, &then).await;
}

#[tokio::test]
async fn the_clock_jumps_ahead() {
    // Past every lease; past every approval.
    for seconds in [130, 3_600] {
        let jumps = async |world: &World| world.clock.advance(Duration::from_secs(seconds));
        in_every_function(jumps, comes_to_an_end).await;
    }
}

#[tokio::test]
async fn the_clock_jumps_back() {
    let jumps = async |world: &World| {
        let earlier = world.clock.now().minus_seconds(45);
        world.clock.set(earlier);
    };
    at_every_moment(Lane::Ingest, sent, &jumps, ends).await;
    at_every_moment(Lane::Scoring, proposed, &jumps, ends).await;
    at_every_moment(Lane::Execution, approved, &jumps, ends).await;
    // A break that was over, and is not yet again: it may end early, and is recorded as ended when its end has come.
    let is_over = async |world: &World, id: &ProposalId| {
        world.advance(60).await;
        ends(world, id).await;
    };
    at_every_moment(Lane::Restore, due, &jumps, is_over).await;
}

#[tokio::test]
async fn an_outage_begins() {
    for away in ["trail", "gateway"] {
        let begins = async |world: &World| match away {
            "trail" => world.trail.as_memory().outages.next(usize::MAX),
            _ => {
                world.reading.outages.next(usize::MAX);
                world.acting.outages.next(usize::MAX);
            }
        };
        let over = async |world: &World, id: &ProposalId| {
            // Ten minutes of it: nothing can be recorded, or nothing be read.
            for _ in 0..60 {
                world.clock.advance(Duration::from_secs(10));
                for queue in Lane::QUEUES {
                    world.deliver(queue, &Cutter::never()).await;
                }
                _ = world.turn_stream(&Cutter::never()).await;
                _ = world.keep_house(&Cutter::never()).await;
                world.assert_sound().await;
            }
            world.trail.as_memory().outages.end();
            world.reading.outages.end();
            world.acting.outages.end();
            comes_to_an_end(world, id).await;
        };
        in_every_function(begins, over).await;
    }
}

/// The write of a start gets no answer, and has its effect at any later moment before the break's end.
#[tokio::test]
async fn an_abandoned_write_has_its_effect() {
    let points = every_moment(async |cutter: &Cutter| {
        let (world, id) = approved().await;
        world.acting.next(WriteFault::Late);
        let life = world.pass_by(Duration::from_secs(BREAK_S - 1), cutter);
        cutter
            .run_with(life, async || world.gateway.land_late_writes())
            .await;
        world.gateway.land_late_writes();
        ends(&world, &id).await;
    })
    .await;
    assert!(points >= 50, "{points}");
}

/// The same of the write that takes a break back: it lands when the provider is as before already.
#[tokio::test]
async fn an_abandoned_restore_has_its_effect() {
    let points = every_moment(async |cutter: &Cutter| {
        let (world, id) = due().await;
        world.acting.next(WriteFault::Late);
        let life = world.pass_by(Duration::from_secs(60), cutter);
        cutter
            .run_with(life, async || world.gateway.land_late_writes())
            .await;
        world.gateway.land_late_writes();
        ends(&world, &id).await;
        let openai = Target::Provider(sample::provider_id("openai"));
        assert_eq!(world.gateway.setting(&openai), Setting::Blocked(false));
    })
    .await;
    assert!(points >= 40, "{points}");
}

/// The trail of a break of long ago, whose records have all expired and not been removed yet; and its trouble is back.
async fn back_after_years() -> (World, ProposalId) {
    let (world, id) = super::in_force().await;
    world.settle().await;
    world.advance(900).await;
    let kept = world.trail.seen(&StreamId::Proposal(id.clone())).await;
    let expires_at = kept.iter().filter_map(|record| record.expires_at).max().unwrap();
    let now = u64::try_from(world.clock.now().as_seconds()).unwrap();
    world.clock.advance(Duration::from_secs(expires_at - now + 60));
    let event = sample::provider_unhealthy_text("openai");
    world.send(&sample::with_event_id(&event, "years-later"));
    (world, ProposalId::new(id.fingerprint().clone(), 2))
}

#[tokio::test]
async fn time_to_live_removes_what_has_expired() {
    let moved = async |lanes: &[Lane]| {
        let (world, id) = back_after_years().await;
        for lane in lanes {
            assert!(world.deliver(*lane, &Cutter::never()).await);
            world.turn_stream(&Cutter::never()).await;
            world.turn_bus();
        }
        if lanes.contains(&Lane::Scoring) {
            world.approve("alice", &id).await.text();
            world.turn_stream(&Cutter::never()).await;
            world.turn_bus();
        }
        (world, id)
    };
    // All of it at once, every second record, or all but the last: it removes one by one, in any order.
    let removals: [fn(u64, u64) -> bool; 3] = [|_, _| true, |seq, _| seq % 2 == 1, |seq, last| seq < last];
    for removes in removals {
        let removes = async |world: &World| {
            let now = u64::try_from(world.clock.now().as_seconds()).unwrap();
            for stream in world.trail.streams() {
                let last = world.trail.seen(&stream).await.pop().map_or(0, |last| last.seq);
                world.trail.as_memory().expire(&stream, |record| {
                    record.expires_at.is_some_and(|at| at <= now) && removes(record.seq, last)
                });
            }
        };
        let then = async |world: &World, id: &ProposalId| {
            let breaks = world.breaks("openai");
            assert!(breaks <= 2, "{breaks}");
            for _ in 0..10 {
                world.run_until_quiet().await;
                world.assert_sound().await;
                if world.proposals().contains(id) && world.state(id).await == "awaiting_approval" {
                    world.approve("alice", id).await.text();
                }
                world.advance(60).await;
            }
            world.settle().await;
            let story = world.story().await;
            assert_eq!(world.proposals().as_slice(), std::slice::from_ref(id), "{story}");
            assert_eq!(world.state(id).await, "restored", "{story}");
            assert_eq!(
                world.breaks("openai"),
                2,
                "one of long ago, and this one\n{story}"
            );
            world.assert_at_rest().await;
            world.assert_as_before();
        };
        at_every_moment(Lane::Ingest, async || moved(&[]).await, &removes, &then).await;
        at_every_moment(
            Lane::Scoring,
            async || moved(&[Lane::Ingest]).await,
            &removes,
            &then,
        )
        .await;
        at_every_moment(
            Lane::Execution,
            async || moved(&[Lane::Ingest, Lane::Scoring]).await,
            &removes,
            &then,
        )
        .await;
    }
}

/// People decide while the clock jumps and time to live works: what they are told is what is recorded.
#[tokio::test]
async fn the_clock_jumps_while_somebody_decides() {
    for seconds in [130, 3_600] {
        let points = every_moment(async |cutter: &Cutter| {
            let (world, id) = waiting().await;
            let shown = world.shown(&id).await;
            let click = world.click("alice", "approve", &id, shown, cutter);
            let answer = cutter
                .run_with(click, async || world.clock.advance(Duration::from_secs(seconds)))
                .await;
            let recorded = world.kinds(&id).await.contains(&"approved".to_owned());
            let told = answer.text().starts_with("Your approval is recorded.");
            assert_eq!(told, recorded, "{answer:?}");
            world.run_until_quiet().await;
            world.assert_sound().await;
            world.settle().await;
            world.assert_at_rest().await;
        })
        .await;
        assert!(points >= 10, "{points}");
    }
}
