//! Large gateways: what is proposed for a provider of hundreds of model groups fits a record, and what does not reaches a
//! person instead of being reasoned about for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use domain::message::Lane;
use domain::ports::{Brief, Conclusion, Reasoner, Unavailable};
use domain::telling::Urgency;
use serde_json::json;
use testkit::sample;
use tests::World;
use tests::world::Script;

/// `openai` fails, and serves so many groups more. How often somebody reasons about it is counted.
fn large(groups: usize) -> (World, Arc<AtomicUsize>) {
    let mut inventory = sample::inventory_with_unhealthy("openai");
    let chat = inventory.model_groups[0].clone();
    inventory.model_groups.extend((0..groups).map(|number| {
        let id = format!("azure/eu/gpt-4o-mini-2024-07-18-{number:03}")
            .parse()
            .unwrap();
        domain::inventory::ModelGroup { id, ..chat.clone() }
    }));
    let mut world = World::new(inventory);
    world.weigh_nothing();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    world.reasoner = Script::chooses(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 60})
    });
    (world, asked)
}

#[tokio::test]
async fn a_provider_of_hundreds_of_groups_is_broken_and_restored() {
    for groups in [120, 200, 240] {
        let (world, asked) = large(groups);
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        world.run_until_quiet().await;
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{groups}");
        world.approve("alice", &id).await.text();
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "succeeded", "{groups}");
        world.advance(80).await;
        assert_eq!(world.state(&id).await, "restored", "{groups}");
        world.advance(120).await;
        world.assert_at_rest().await;
    }
}

#[tokio::test]
async fn what_no_record_holds_reaches_a_person_and_is_reasoned_about_once() {
    let (world, asked) = large(900);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.advance(3600).await;
    assert_eq!(world.state(&id).await, "declined");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(world.queue(Lane::Ingest).dead(), []);
    let told = world.topic.told();
    let pages = told
        .iter()
        .filter(|(_, concern)| concern.urgency == Urgency::Page);
    assert_eq!(pages.count(), 1, "{told:?}");
    let story = world.story().await;
    assert!(story.contains("a person has to look"), "{story}");
}

/// Never comes to an end.
struct Lost(Arc<AtomicUsize>);

#[async_trait]
impl Reasoner for Lost {
    async fn reason(&self, _: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(Unavailable::new("the reasoner", "it came to no end"))
    }
}

#[tokio::test]
async fn one_that_no_reasoner_comes_to_an_end_of_is_given_up_and_reaches_a_person() {
    let (mut world, asked) = large(0);
    world.reasoner = Arc::new(Lost(Arc::clone(&asked)));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.advance(3600).await;
    assert_eq!(world.state(&id).await, "declined", "{}", world.story().await);
    assert_eq!(asked.load(Ordering::SeqCst), 5);
    let told = world.topic.told();
    assert!(told.iter().any(|(_, concern)| concern.urgency == Urgency::Page));
}
