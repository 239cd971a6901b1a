//! The fakes are as strict as what they stand for.

use std::slice::from_ref;
use std::time::Duration;

use domain::action::{Action, CircuitBreakProvider};
use domain::incident::Event;
use domain::inventory::{Condition, Setting};
use domain::message::hint;
use domain::ports::{ActError, Actuator, Clock, Gateway, Operators, Queue, Trail, TrailError, View};
use domain::proposal::{
    Decision, Evidence, Held, Permit, Proposal, ProposalFact, Proposed, Proposer, Received, Scored, Started,
    Verbatim,
};
use domain::telling::Row;
use domain::trail::{Actor, Entry, StreamId, verify_chain};
use domain::value::{Deployment, Digest, Tier};
use expect_test::expect;

use crate::cut::every_point;
use crate::{
    Cut, Cutter, Dynamo, FakeActuator, FakeGateway, FixedOperators, FrozenClock, MemoryBus, MemoryQueue,
    MemoryTrail, MemoryView, Outside, Proxy, Ran, Trouble, WriteFault, sample,
};

fn first(event: &Event) -> Entry {
    let received = Received {
        course: domain::trail::generation::Course::default(),
        source: None,
        event: event.clone(),
        verbatim: Verbatim::Inline(sample::provider_unhealthy_text("openai")),
        occurred_at: sample::now(),
        lease_until: sample::now().plus_seconds(70),
        requested_by: None,
        complaints: Vec::new(),
    };
    Proposal::first_entry(
        sample::proposal_of(event),
        received,
        sample::now(),
        Actor::Agent,
        Tier::Enterprise,
    )
}

/// A break of `openai` that has started, and leave to apply it.
async fn started(trail: &MemoryTrail) -> (Proposal, Permit) {
    let event = sample::provider_unhealthy("openai");
    let inventory = sample::inventory_with_unhealthy("openai");
    let action = Action::CircuitBreakProvider(CircuitBreakProvider {
        provider: sample::provider_id("openai"),
        duration_s: 300,
    });
    let preview = action
        .check(&event, Some(&inventory), &Deployment::default().limits)
        .unwrap();
    let plan = preview.plan.clone();
    let held = plan.claims.iter().map(|target| Held {
        target: target.clone(),
        fence: 1,
    });
    let facts = [
        ProposalFact::Proposed(Box::new(Proposed {
            evidence: Evidence::gather(&event, &plan, &inventory),
            action,
            preview,
            proposer: Proposer::Runbook {
                version: 1,
                instead_of: None,
            },
            rationale: "it fails".to_owned(),
        })),
        ProposalFact::Scored(Scored {
            score: 15,
            baseline: 15,
            floor: 5,
            factors: Vec::new(),
            threshold: 40,
            auto_approve: true,
            decision: Decision::Auto,
            because: "the score is below the threshold".to_owned(),
            rules: Vec::new(),
            limit: None,
            switched_off: None,
            sampled: false,
            automatic: Some(domain::policy::Policy::default().automatic),
            policy: Digest::of(b"policy"),
            policy_instead_because: None,
            approvals_needed: 0,
            deadline: None,
            valid_until: Some(sample::now().plus_seconds(900)),
            not_before: None,
            paused_before_ms: 0,
        }),
        ProposalFact::Started(Started {
            held: held.collect(),
            plan,
            lease_until: sample::now().plus_seconds(70),
            restore_at: Some(sample::now().plus_seconds(300)),
            extension: None,
        }),
    ];
    trail.append(first(&event)).await.unwrap();
    for fact in facts {
        let proposal = Proposal::replay(&trail.records(&sample::stream_of(&event))).unwrap();
        let entry = proposal.entry(sample::now(), Actor::Agent, &fact).unwrap();
        trail.append(entry).await.unwrap();
    }
    let proposal = Proposal::replay(&trail.records(&sample::stream_of(&event))).unwrap();
    let permit = proposal.permit_apply(proposal.last()).unwrap();
    (proposal, permit)
}

#[tokio::test]
async fn the_memory_trail_is_as_strict_as_the_table() {
    let event = sample::provider_unhealthy("openai");
    let dynamo = Dynamo::start().await;
    let memory = MemoryTrail::new();
    let table = dynamo.trail();
    for trail in [&memory as &dyn Trail, &table] {
        let record = trail.append(first(&event)).await.unwrap();
        let taken = trail.append(first(&event)).await.unwrap_err();
        assert!(matches!(taken, TrailError::Conflict { seq: 1, .. }), "{taken}");
        let large = Entry {
            body: " ".repeat(40_000),
            ..first(&event)
        };
        let large = trail.append(large).await.unwrap_err();
        assert!(matches!(large, TrailError::TooLarge { .. }), "{large}");
        assert_eq!(trail.load(&record.stream).await.unwrap(), from_ref(&record));
        assert_eq!(trail.last(&record.stream).await.unwrap(), Some(record.clone()));
        assert_eq!(
            trail.streams_of(&record.hour).await.unwrap(),
            [(record.stream.clone(), record.seq)]
        );
        assert_eq!(trail.load(&StreamId::Control).await.unwrap(), []);
    }
}

#[tokio::test]
async fn the_trail_tells_its_story() {
    let trail = MemoryTrail::new();
    let (proposal, _) = started(&trail).await;
    expect![[r#"
        proposal/ID 1 received by agent
        proposal/ID 2 proposed by agent
        proposal/ID 3 scored by agent
        proposal/ID 4 started by agent
    "#]]
    .assert_eq(&trail.story().replace(&proposal.id().to_string(), "ID"));
    assert_eq!(verify_chain(&trail.everything()), Ok(()));
}

#[tokio::test]
async fn a_rival_is_quicker_once() {
    let trail = MemoryTrail::new();
    let event = sample::provider_unhealthy("openai");
    let theirs = first(&event);
    trail.before_next_append(move |trail| _ = trail.insert(theirs).unwrap());
    assert!(matches!(
        trail.append(first(&event)).await,
        Err(TrailError::Conflict { .. })
    ));
}

#[tokio::test]
async fn a_lost_reply_leaves_the_record_in_place() {
    let trail = MemoryTrail::new();
    let event = sample::provider_unhealthy("openai");
    trail.outages.next(1);
    assert!(trail.append(first(&event)).await.is_err());
    assert_eq!(trail.records(&sample::stream_of(&event)), []);
    trail.outages.next_replies(1);
    assert!(trail.append(first(&event)).await.is_err());
    assert_eq!(trail.records(&sample::stream_of(&event)).len(), 1);
}

#[tokio::test]
async fn the_actuator_does_what_the_permit_covers_and_nothing_else() {
    let clock = FrozenClock::default();
    let world = Outside::new(sample::inventory_with_unhealthy("openai"), &clock);
    let actuator = FakeActuator::new(&world);
    let (_, permit) = started(&MemoryTrail::new()).await;
    let change = permit.plan().changes[0].clone();
    let mut other = change.clone();
    other.target = sample::target("provider", "anthropic");

    for refused in [
        actuator.apply(&permit, &other).await,
        actuator.revert(&permit, &other).await,
    ] {
        assert!(matches!(refused, Err(ActError::Refused(_))), "{refused:?}");
    }
    assert_eq!(world.writes(), []);
    actuator.apply(&permit, &change).await.unwrap();
    assert_eq!(
        actuator.read(&change.target).await.unwrap(),
        Setting::Blocked(true)
    );
    let read = FakeGateway::new(&world).inventory().await.unwrap();
    assert_eq!(read.setting(&change.target), Some(Setting::Blocked(true)));
    actuator.revert(&permit, &change).await.unwrap();
    assert_eq!(world.setting(&change.target), Setting::Blocked(false));
}

#[tokio::test]
async fn the_actuator_fails_in_every_way_a_network_can() {
    let (_, permit) = started(&MemoryTrail::new()).await;
    let change = permit.plan().changes[0].clone();
    for (fault, refused, at_once, at_last) in [
        (WriteFault::Refuse, true, false, false),
        (WriteFault::UnclearBefore, false, false, false),
        (WriteFault::UnclearAfter, false, true, true),
        (WriteFault::Late, false, false, true),
    ] {
        let world = Outside::sample(&FrozenClock::default());
        let actuator = FakeActuator::new(&world);
        actuator.on(&change.target, fault);
        let failed = actuator.apply(&permit, &change).await.unwrap_err();
        assert_eq!(matches!(failed, ActError::Refused(_)), refused, "{fault:?}");
        assert_eq!(
            world.setting(&change.target),
            Setting::Blocked(at_once),
            "{fault:?}"
        );
        world.land_late_writes();
        assert_eq!(
            world.setting(&change.target),
            Setting::Blocked(at_last),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn every_sample_event_is_true_of_its_inventory_and_of_no_other() {
    let samples = [
        (
            sample::provider_unhealthy("openai"),
            sample::inventory_with_unhealthy("openai"),
        ),
        (
            sample::latency_spike("openai"),
            sample::inventory_with_spike("openai"),
        ),
        (
            sample::budget_exceeded("payments"),
            sample::inventory_with_spent_budget("payments"),
        ),
        (
            sample::sla_violation("gold"),
            sample::inventory_with_violation("gold"),
        ),
    ];
    for (event, inventory) in samples {
        assert_eq!(event.contradiction(), None);
        assert!(
            matches!(inventory.condition(&event), Condition::Confirmed(_)),
            "{event:?}"
        );
        let at_rest = sample::inventory().condition(&event);
        assert!(matches!(at_rest, Condition::Refuted(_)), "{event:?}: {at_rest:?}");
    }
}

#[tokio::test]
async fn a_hint_is_due_when_its_delay_has_passed() {
    let clock = FrozenClock::default();
    let queue = MemoryQueue::new(&clock);
    let proposal = sample::proposal_of(&sample::provider_unhealthy("openai"));
    queue.hint(&proposal, Duration::from_secs(60)).await.unwrap();
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(queue.take_due(), []);
    clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(queue.take_due(), from_ref(&proposal));
    assert_eq!(queue.take_due(), []);
    assert!(hint(&proposal).contains(&proposal.to_string()));
}

#[tokio::test]
async fn a_view_keeps_the_newer_row() {
    let (proposal, _) = started(&MemoryTrail::new()).await;
    let view = MemoryView::default();
    let newer = Row::of(&proposal);
    view.put(&newer).await.unwrap();
    view.put(&Row {
        seq: newer.seq - 1,
        open: false,
        ..newer.clone()
    })
    .await
    .unwrap();
    assert_eq!(view.rows(), from_ref(&newer));
    assert_eq!(view.open().await.unwrap(), [newer.proposal]);
}

#[tokio::test]
async fn the_sample_operators_are_two_people_a_bot_and_one_who_left() {
    let directory = FixedOperators::default().directory().await.unwrap();
    let who = |user: &str| {
        let found = directory.by_slack(sample::SLACK_TEAM, user).unwrap();
        (found.id.as_str(), found.bot, found.active)
    };
    assert_eq!(who(sample::ALICE), ("alice", false, true));
    assert_eq!(who(sample::BOB), ("bob", false, true));
    assert!(who(sample::BOT).1);
    assert!(!who(sample::FORMER).2);
}

/// Loads, decides, appends, and says so: what every handler does.
async fn announce(trail: &dyn Trail, queue: &dyn Queue) {
    let event = sample::provider_unhealthy("openai");
    if trail.load(&sample::stream_of(&event)).await.unwrap().is_empty() {
        trail.append(first(&event)).await.unwrap();
    }
    queue
        .hint(&sample::proposal_of(&event), Duration::ZERO)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_handler_dies_at_every_point_and_its_message_comes_again() {
    let mut cuts = Vec::new();
    let points = every_point(async |cutter: &Cutter| {
        let (trail, queue) = (MemoryTrail::new(), MemoryQueue::new(&FrozenClock::default()));
        let (cut_trail, cut_queue) = (Cut::new(&trail, cutter), Cut::new(&queue, cutter));
        let ran = cutter.run(announce(&cut_trail, &cut_queue)).await;
        assert_eq!(ran == Ran::Cut, cutter.cut_at().is_some());
        cuts.push((cutter.cut_at(), trail.everything().len(), queue.waiting().len()));
        // A cutter cuts once.
        announce(&cut_trail, &cut_queue).await;
        assert_eq!(trail.everything().len(), 1);
        assert!(!queue.waiting().is_empty());
    })
    .await;
    assert_eq!(points, 6);
    let id = sample::proposal_of(&sample::provider_unhealthy("openai")).to_string();
    let story: Vec<String> = cuts
        .into_iter()
        .map(|(at, records, hints)| {
            let at = at.unwrap_or("not".to_owned()).replace(&id, "ID");
            format!("cut {at}: {records} records, {hints} hints\n")
        })
        .collect();
    expect![[r#"
        cut before Trail::load: 0 records, 0 hints
        cut after Trail::load: 0 records, 0 hints
        cut before Trail::append of received to proposal/ID: 0 records, 0 hints
        cut after Trail::append of received to proposal/ID: 1 records, 0 hints
        cut before Queue::send: 1 records, 0 hints
        cut after Queue::send: 1 records, 1 hints
        cut not: 1 records, 1 hints
    "#]]
    .assert_eq(&story.concat());
}

#[tokio::test]
async fn an_outage_ends_after_its_calls() {
    let bus = MemoryBus::default();
    let publish = async || domain::ports::Bus::publish(&bus, &[]).await.is_ok();
    bus.outages.next(2);
    assert_eq!(
        [publish().await, publish().await, publish().await],
        [false, false, true]
    );
    bus.outages.next(usize::MAX);
    assert!(!publish().await);
    bus.outages.end();
    assert!(publish().await);
}

#[tokio::test]
async fn the_proxy_passes_on_what_it_was_not_asked_to_lose() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    proxy.nth(1, Trouble::Hang);
    let trail = proxy.trail();
    trail.load(&StreamId::Control).await.unwrap();
    assert_eq!(proxy.seen(), ["Query"]);
    trail.load(&StreamId::Control).await.unwrap();
    assert_eq!(
        proxy.seen(),
        ["Query", "Query", "Query"],
        "the second one was sent again"
    );
}
