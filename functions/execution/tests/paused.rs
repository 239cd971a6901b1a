//! What a pause leaves behind when an executor dies: it is found out, and nothing is done again.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::inventory::Setting;
use domain::message::Lane;
use domain::message::hint;
use domain::trail::{Actor, Control, Entry, StreamId};
use domain::value::Deployment;
use execution::{Deps, handle};
use runtime::queue::Delivery;
use testkit::story::{Story, breaks, inventory, pages, reroutes, second};
use testkit::{
    FakeActuator, FakeGateway, FixedOperators, FixedPolicies, FrozenClock, MemoryQueue, MemoryTrail, Outside,
};
use trail::KnownIncidents;

/// What came of a proposal whose executor died, where the agent has been paused since, once the queue that no
/// pause switches off is worked at second 101. `happened` tells whether the effect had been brought about.
async fn found_out(story: &Story, happened: bool) -> (Vec<String>, usize) {
    let trail = MemoryTrail::new();
    story.write_to(&trail);
    let fact = Control::default().pause("a release", second(60)).unwrap();
    let entry = Entry::next(StreamId::Control, None, second(60), Actor::System, &fact, None);
    trail.insert(entry).unwrap();
    let clock = FrozenClock::at(second(101));
    let world = Outside::new(inventory(), &clock);
    if happened {
        for change in &story.proposal().proposed().unwrap().preview.plan.changes {
            if let Setting::Routes(routes) = &change.after {
                let moved = routes.clone();
                world.change(|inventory| inventory.model_groups[0].routes = moved);
            }
        }
    }
    let queue = MemoryQueue::new(&clock);
    let deps = Deps {
        trail: &trail,
        incidents: &KnownIncidents::default(),
        gateway: &FakeGateway::new(&world),
        actuator: &FakeActuator::new(&world),
        again: &queue,
        restores: &queue,
        verifications: &queue,
        policies: &FixedPolicies::default(),
        deployment: &Deployment::default(),
        operators: &FixedOperators::default(),
        clock: &clock,
        lease_s: 67,
        verify_after_s: 120,
    };
    let body = hint(story.proposal().id());
    handle(
        &deps,
        Lane::Restore,
        Delivery {
            body: &body,
            receives: 1,
        },
    )
    .await
    .unwrap();
    let kinds = trail.kinds(&story.last().stream).split_off(story.records().len());
    (kinds, world.writes().len() + world.pages().len())
}

#[tokio::test]
async fn an_effect_that_came_about_is_recorded_as_such() {
    let (kinds, writes) = found_out(&Story::executing(reroutes()), true).await;
    assert_eq!(kinds, ["unknown", "succeeded"]);
    assert_eq!(writes, 0);
    let (kinds, writes) = found_out(&Story::unknown(reroutes()), true).await;
    assert_eq!(kinds, ["succeeded"]);
    assert_eq!(writes, 0);
}

#[tokio::test]
async fn one_that_did_not_is_not_brought_about_in_the_pause() {
    // What ends by itself may still come about until its end: it keeps its targets until then.
    for (story, came) in [
        (Story::executing(reroutes()), &["unknown", "failed"][..]),
        (Story::executing(breaks()), &["unknown"]),
    ] {
        let (kinds, writes) = found_out(&story, false).await;
        assert_eq!(kinds, came);
        assert_eq!(writes, 0);
    }
}

#[tokio::test]
async fn a_page_that_may_have_been_sent_waits_for_the_end_of_the_pause() {
    let (kinds, writes) = found_out(&Story::executing(pages()), false).await;
    assert!(kinds.is_empty());
    assert_eq!(writes, 0);
}
