//! What is declined before it is proposed, and refused before it starts.

use domain::inventory::Setting;
use domain::ports::Clock;
use domain::trail::StreamId;
use domain::value::{Ppm, Tier};
use expect_test::{Expect, expect};
use serde_json::json;
use testkit::sample;
use tests::World;
use tests::world::Script;

use super::tells;

/// An event that comes to nothing.
async fn declined(world: World, event: &str, story: Expect) {
    world.send(event);
    world.settle().await;
    tells(&world, story).await;
    assert_eq!(world.gateway.writes(), []);
    assert_eq!(world.gateway.pages(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn an_event_that_the_gateway_does_not_confirm_is_declined() {
    declined(
        World::new(sample::inventory()),
        &sample::provider_unhealthy_text("openai"),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
            0s    agent  #1 declined (unconfirmed) the gateway does not confirm it: openai fails 0.4 % of 200 requests in 300 s
        "#]],
    )
    .await;
}

#[tokio::test]
async fn an_event_that_contradicts_its_definition_is_declined() {
    let event = sample::envelope(
        "provider.unhealthy",
        json!({"provider": "openai", "error_rate": 0.04, "requests": 180, "window_s": 300}),
    );
    declined(
        World::new(sample::inventory_with_unhealthy("openai")),
        &event,
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai fails 4.0 % of 180 requests in 300 s
            0s    agent  #1 declined (contradiction) an error rate of 4.0 % is not above 25.0 %
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_tier_without_the_agent_declines_everything() {
    for (tier, story) in [
        (
            Tier::Trial,
            expect![[r#"
                0s    agent  opened, generation 1
                0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
                0s    agent  #1 declined (unlicensed) the trial tier does not run the agent: business and enterprise do
            "#]],
        ),
        (
            Tier::Team,
            expect![[r#"
                0s    agent  opened, generation 1
                0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
                0s    agent  #1 declined (unlicensed) the team tier does not run the agent: business and enterprise do
            "#]],
        ),
    ] {
        let mut world = World::new(sample::inventory_with_unhealthy("openai"));
        world.deployment.tier = tier;
        declined(world, &sample::provider_unhealthy_text("openai"), story).await;
    }
}

#[tokio::test]
async fn a_soft_limit_is_declined() {
    let event = sample::envelope(
        "budget.exceeded",
        json!({"scope": "team", "scope_id": "payments", "kind": "soft", "spend": "104.37", "limit": "80.00",
               "period": "monthly"}),
    );
    declined(
        World::new(sample::inventory_with_spent_budget("payments")),
        &event,
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received team payments spent 104.37 USD of its soft limit of 80.00 USD
            0s    agent  #1 declined (nothing_to_do) a soft limit only warns: the gateway refuses nothing yet
        "#]],
    )
    .await;
}

#[tokio::test]
async fn an_action_on_something_else_than_the_event_is_about_is_declined() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.reasoner = Script::proposes(
        json!({"action": "circuit_break_provider", "provider": "anthropic", "duration_s": 60}),
    );
    declined(world, &sample::provider_unhealthy_text("openai"), expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 declined (out_of_scope) the action is not possible: provider anthropic is not the one the event is about
    "#]]).await;
}

#[tokio::test]
async fn an_action_out_of_its_bounds_is_declined() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.reasoner = Script::proposes(
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 301}),
    );
    declined(world, &sample::provider_unhealthy_text("openai"), expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 declined (out_of_scope) the action is not possible: duration_s is 301 seconds, not within 30–300
    "#]]).await;
}

#[tokio::test]
async fn the_last_deployment_of_a_group_is_not_broken_but_paged_about() {
    let world = World::new(sample::inventory_with_unhealthy("mistral"));
    let event = sample::envelope(
        "provider.unhealthy",
        json!({"provider": "mistral", "error_rate": 0.62, "requests": 180, "window_s": 300}),
    );
    let id = world.send(&event);
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.settle().await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider mistral fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed page the on-call engineer (warning): provider mistral fails 62.0 % of 180 requests in 300 s [one page to the on-call engineer]
        0s    agent  #1 scored 40: gate, automatic approval is off
        0s    alice  #1 approved until 900s
        0s    agent  #1 started page
        0s    agent  #1 succeeded #1/page
        300s  agent  #1 verified still: mistral fails 62.0 % of 200 requests in 300 s
    "#]]).await;
    world.assert_as_before();
}

#[tokio::test]
async fn without_the_gateway_a_page_is_proposed_and_never_sent_by_itself() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.deployment.auto_approve = true;
    world.reading.outages.next(usize::MAX);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.gateway.pages(), []);
    // A person who approved the page is not kept waiting by the gateway that they are paged about.
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
        0s    agent  #1 proposed page the on-call engineer (critical): provider openai fails 62.0 % of 180 requests in 300 s [one page to the on-call engineer]
        0s    agent  #1 scored 65: gate, the score of 65 is above the threshold of 40
        0s    alice  #1 approved until 900s
        0s    agent  #1 started page
        0s    agent  #1 succeeded #1/page
    "#]]).await;
    assert_eq!(world.gateway.pages().len(), 1);
}

/// A reading that is none: of a gateway that names no providers, and one that was read five minutes ago.
fn none_of_now() -> [fn(&World); 2] {
    [
        |world| world.gateway.change(|inventory| inventory.providers.clear()),
        |world| world.gateway.ages(301),
    ]
}

#[tokio::test]
async fn an_empty_or_a_stale_reading_starts_nothing_by_itself() {
    for happens in none_of_now() {
        let mut world = World::new(sample::inventory_with_unhealthy("openai"));
        world.deployment.auto_approve = true;
        happens(&world);
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "awaiting_approval");
        let proposal = world.proposal(&id).await;
        assert_eq!(proposal.proposed().unwrap().action.kind().name(), "page_oncall");
        assert_eq!(proposal.proposed().unwrap().evidence.read_at, None);
    }
}

#[tokio::test]
async fn on_an_empty_or_a_stale_reading_nothing_that_was_approved_starts() {
    for happens in none_of_now() {
        let world = World::new(sample::inventory_with_unhealthy("openai"));
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        world.run_until_quiet().await;
        world.approve("alice", &id).await.text();
        happens(&world);
        world.settle().await;
        assert_eq!(world.gateway.writes(), []);
        assert_ne!(world.state(&id).await, "succeeded");
        world.assert_nothing_held().await;
    }
}

#[tokio::test]
async fn on_an_empty_or_a_stale_reading_nothing_is_said_to_have_helped() {
    for happens in none_of_now() {
        let world = World::new(sample::inventory_with_unhealthy("openai"));
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        world.run_until_quiet().await;
        world.approve("alice", &id).await.text();
        world.advance(60).await;
        assert_eq!(world.state(&id).await, "restored");
        happens(&world);
        world.settle().await;
        assert_eq!(world.proposal(&id).await.verified(), None);
    }
}

/// A break that was approved; something happens before it starts.
async fn refused(happens: impl FnOnce(&World), story: Expect) {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    happens(&world);
    world.settle().await;
    tells(&world, story).await;
    assert_eq!(world.state(&id).await, "refused");
    assert_eq!(world.gateway.writes(), []);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn what_is_over_when_it_would_start_is_refused() {
    refused(
        |world| world.gateway.change(|inventory| inventory.providers[0].error_rate = Ppm(0)),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
            0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
            0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
            0s    alice  #1 approved until 900s
            0s    agent  provider openai claimed for #1 (1)
            0s    agent  model group chat claimed for #1 (1)
            0s    agent  model group embeddings claimed for #1 (1)
            0s    agent  #1 refused the condition is gone: openai fails 0.0 % of 200 requests in 300 s
            0s    agent  provider openai released by #1 (1)
            0s    agent  model group chat released by #1 (1)
            0s    agent  model group embeddings released by #1 (1)
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_would_take_the_last_deployment_by_now_is_refused() {
    refused(
        |world| {
            let anthropic = sample::target("provider", "anthropic");
            world.gateway.set(&anthropic, Setting::Blocked(true));
        },
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
            0s    agent  #1 proposed block provider openai for 30 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
            0s    agent  #1 scored 44: gate, the score of 44 is above the threshold of 40
            0s    alice  #1 approved until 900s
            0s    agent  provider openai claimed for #1 (1)
            0s    agent  model group chat claimed for #1 (1)
            0s    agent  model group embeddings claimed for #1 (1)
            0s    agent  #1 refused provider openai is the last deployment of model group chat
            0s    agent  provider openai released by #1 (1)
            0s    agent  model group chat released by #1 (1)
            0s    agent  model group embeddings released by #1 (1)
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_reads_otherwise_than_it_was_previewed_is_refused() {
    let mut world = World::new(sample::inventory_with_spent_budget("payments"));
    world.reasoner =
        Script::proposes(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}));
    let id = world.send(&sample::budget_exceeded_text("payments"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    let team = sample::target("team", "payments");
    world.gateway.set(
        &team,
        Setting::RateLimit {
            rpm: 600,
            tpm: 1_000_000,
        },
    );
    world.settle().await;
    tells(&world, expect![[r#"
        0s    agent  opened, generation 1
        0s    agent  #1 received team payments spent 104.37 USD of its hard limit of 100.00 USD
        0s    agent  #1 proposed raise team payments's requests a minute by 20 % [team payments may send more until somebody takes it back]
        0s    agent  #1 scored 41: gate, the score of 41 is above the threshold of 40
        0s    alice  #1 approved until 900s
        0s    agent  team payments claimed for #1 (1)
        0s    agent  #1 refused the gateway is not as it was when this was previewed
        0s    agent  team payments released by #1 (1)
    "#]]).await;
    assert_eq!(world.state(&id).await, "refused");
    world.assert_at_rest().await;
}

/// Minutes of events about openai, one a minute, from now on.
async fn minutes_of(world: &World, minutes: std::ops::Range<u64>) {
    let event = sample::provider_unhealthy_text("openai");
    for minute in minutes {
        world.send(&sample::with_event_id(&event, &format!("minute-{minute}")));
        world.run_until_quiet().await;
        world.advance(60).await;
    }
}

#[tokio::test]
async fn a_worthless_or_early_event_silences_nothing() {
    // Early: the gateway's window does not show it yet. Worthless: it contradicts its own definition.
    let worthless = json!({"provider": "openai", "error_rate": 0.04, "requests": 180, "window_s": 300});
    for first in [
        sample::provider_unhealthy_text("openai"),
        sample::envelope("provider.unhealthy", worthless),
    ] {
        let world = World::new(sample::inventory());
        let id = world.send(&first);
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "declined");
        world
            .gateway
            .change(|inventory| inventory.providers[0].error_rate = Ppm(900_000));
        // What came before comes again, and is no other event.
        world.send(&first);
        world.run_until_quiet().await;
        assert_eq!(world.state(&id).await, "declined");
        minutes_of(&world, 0..1).await;
        assert_eq!(world.proposals(), std::slice::from_ref(&id), "the same trouble");
        assert_eq!(world.state(&id).await, "awaiting_approval");
        assert_eq!(world.topic.urgent().len(), 1, "{}", world.story().await);
    }
}

#[tokio::test]
async fn a_flood_of_worthless_events_costs_little_and_still_silences_nothing() {
    let world = World::new(sample::inventory());
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    minutes_of(&world, 0..180).await;
    let kinds = world.kinds(&id).await;
    let judged = kinds.iter().filter(|kind| *kind == "received").count();
    // Fifty, and one an hour in the two hours after that.
    assert_eq!(judged, 52, "{kinds:?}");
    assert_eq!(world.proposals(), std::slice::from_ref(&id));
    assert_eq!(world.topic.told(), []);
    world
        .gateway
        .change(|inventory| inventory.providers[0].error_rate = Ppm(900_000));
    // What the gateway bears out does not wait for the hour.
    minutes_of(&world, 180..182).await;
    assert_eq!(world.state(&id).await, "awaiting_approval");
    assert_eq!(world.topic.urgent().len(), 1, "{}", world.story().await);
}

/// When a break that was approved at once is verified, on a gateway whose readings are so old and reach so far back.
async fn verified_at(window_s: u64, age_s: u64) -> Option<u64> {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let began = world.clock.now();
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    world.approve("alice", &id).await.text();
    world.advance(60).await;
    assert_eq!(world.state(&id).await, "restored");
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.window_s = window_s;
        }
    });
    world.gateway.ages(age_s);
    world.settle().await;
    let records = world.trail.seen(&StreamId::Proposal(id)).await;
    let verified = records.iter().find(|record| record.kind == "verified")?;
    Some(verified.at.millis_since(began) / 1000)
}

#[tokio::test]
async fn a_verification_waits_for_the_window_by_the_readings_own_time_and_not_for_ever() {
    for (window_s, age_s, seconds) in [(300, 0, 330..360), (300, 60, 390..420), (1_000_000, 0, 930..960)] {
        let verified = verified_at(window_s, age_s).await;
        assert!(verified.is_some_and(|at| seconds.contains(&at)), "{verified:?}");
    }
}
