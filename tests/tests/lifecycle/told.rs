//! Whoever could not be helped hears of it once, on the topic, with what it was about.

use domain::incident::Severity;
use domain::telling::{Concern, Urgency};
use domain::value::Ppm;
use testkit::sample;
use tests::World;

/// A failing provider, and a break that waits.
async fn waiting() -> (World, domain::value::ProposalId) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    (world, id)
}

/// What asks people for something, apart from the question itself.
fn pages(world: &World) -> Vec<Concern> {
    let told = world.topic.told().into_iter().map(|(_, concern)| concern);
    told.filter(|concern| concern.urgency == Urgency::Page).collect()
}

fn heals(world: &World) {
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.error_rate = Ppm(0);
        }
    });
}

#[tokio::test]
async fn a_question_says_what_is_asked() {
    let (world, _) = waiting().await;
    let (announcement, question) = world.topic.told().pop().unwrap();
    assert_eq!(question.urgency, Urgency::Decide);
    assert_eq!(announcement.summary.severity, Severity::Critical);
    for part in [
        "block provider openai for 30 s",
        "provider openai: open → blocked",
        "model group chat: anthropic 40 % → 100 %",
        "needs 1 approval by 2026-",
    ] {
        assert!(question.text.contains(part), "{part}: {}", question.text);
    }
}

#[tokio::test]
async fn what_is_told_links_to_the_page_of_its_proposal_and_to_no_other() {
    let (world, id) = waiting().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    world.advance(3600).await;
    let other = world.send(&sample::provider_unhealthy_text("mistral"));
    world.run_until_quiet().await;
    let told = world.topic.told();
    assert!(told.len() > 4, "{}", told.len());
    for (announcement, concern) in told {
        let link = concern.link.unwrap();
        assert!(concern.text.ends_with(&link), "{}", concern.text);
        let (status, page) = world.opens(&link).await;
        assert_eq!(status, 200, "{link}");
        assert!(page.contains(&announcement.proposal.to_string()), "{link}");
        let (this, that) = if announcement.proposal == id {
            (&id, &other)
        } else {
            (&other, &id)
        };
        let elsewhere = link.replace(&this.to_string(), &that.to_string());
        assert_eq!(world.opens(&elsewhere).await.0, 404, "{elsewhere}");
    }
}

#[tokio::test]
async fn what_nobody_decided_on_pages_once() {
    let (world, id) = waiting().await;
    heals(&world);
    world.advance(7200).await;
    assert_eq!(world.state(&id).await, "expired");
    let pages = pages(&world);
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert_eq!(pages[0].reason, "nobody decided in time");
    assert!(
        pages[0].text.contains("block provider openai"),
        "{}",
        pages[0].text
    );
}

#[tokio::test]
async fn an_approval_that_lapses_and_is_asked_again_pages_nobody() {
    let (world, id) = waiting().await;
    world.pause("a release").await;
    world.resume().await;
    world.approve("alice", &id).await.text();
    world.pause("a release").await;
    world.advance(1800).await;
    world.resume().await;
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(pages(&world), []);
}

#[tokio::test]
async fn what_was_refused_at_its_start_pages_once() {
    let (world, id) = waiting().await;
    heals(&world);
    world.approve("alice", &id).await.text();
    world.advance(600).await;
    assert_eq!(world.state(&id).await, "refused");
    let pages = pages(&world);
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert!(
        pages[0].text.contains("the condition is gone"),
        "{}",
        pages[0].text
    );
}

#[tokio::test]
async fn what_did_not_help_pages_once_and_what_helped_does_not() {
    for helps in [false, true] {
        let (world, id) = waiting().await;
        world.approve("alice", &id).await.text();
        world.run_until_quiet().await;
        if helps {
            heals(&world);
        }
        world.advance(600).await;
        assert_eq!(world.state(&id).await, "restored");
        let reasons: Vec<&str> = pages(&world).iter().map(|page| page.reason).collect();
        match helps {
            true => assert_eq!(reasons, [""; 0]),
            false => assert_eq!(reasons, ["the trouble is still there after the action"]),
        }
    }
}
