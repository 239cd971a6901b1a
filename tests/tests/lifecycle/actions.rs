//! Each of the seven actions, from its event to its end.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use testkit::sample;
use tests::World;
use tests::world::Script;

use super::tells;

/// The action as the only proposal about an event, approved by as many as it needs.
async fn lives(mut world: World, event: &str, action: Option<Value>, story: Expect) -> World {
    if let Some(action) = action {
        world.reasoner = Script::proposes(action);
    }
    let id = world.send(event);
    world.run_until_quiet().await;
    for who in ["alice", "bob"] {
        if world.state(&id).await == "awaiting_approval" {
            world.approve(who, &id).await.text();
        }
    }
    world.settle().await;
    world.advance(180).await;
    tells(&world, story).await;
    world.assert_at_rest().await;
    world
}

#[tokio::test]
async fn a_break_of_the_longest_time_ends_on_time() {
    let world = lives(
        World::new(sample::inventory_with_unhealthy("openai")),
        &sample::provider_unhealthy_text("openai"),
        Some(json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300})),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai fails 62.0 % of 180 requests in 300 s
            0s    agent  #1 proposed block provider openai for 300 s [model group chat: anthropic 40 % → 100 %, openai 60 % → 0 %; model group embeddings: bedrock 30 % → 100 %, openai 70 % → 0 %]
            0s    agent  #1 scored 59: gate, the score of 59 is above the threshold of 40
            0s    alice  #1 approved until 900s
            0s    agent  provider openai claimed for #1 (1)
            0s    agent  model group chat claimed for #1 (1)
            0s    agent  model group embeddings claimed for #1 (1)
            0s    agent  #1 started provider openai: open → blocked, until 300s, holds provider openai (1), model group chat (1), model group embeddings (1)
            0s    agent  #1 succeeded provider openai reads blocked
            300s  agent  provider openai claimed for #1 (2) to take it back
            305s  agent  #1 restored provider openai reads open
            305s  agent  provider openai released by #1 (2)
            305s  agent  model group chat released by #1 (1)
            305s  agent  model group embeddings released by #1 (1)
            605s  agent  #1 verified still: openai fails 62.0 % of 200 requests in 300 s
        "#]],
    )
    .await;
    world.assert_as_before();
}

#[tokio::test]
async fn a_reroute_moves_the_traffic_and_stays() {
    let world = lives(
        World::new(sample::inventory_with_spike("openai")),
        &sample::latency_spike_text("openai"),
        None,
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai takes 2000 ms, 400 ms is its one-hour median
            0s    agent  #1 proposed re-route model group chat from openai to anthropic [model group chat: openai's traffic goes to anthropic]
            0s    agent  #1 scored 59: gate, the score of 59 is above the threshold of 40
            0s    alice  #1 approved until 900s
            0s    agent  provider anthropic claimed for #1 (1)
            0s    agent  model group chat claimed for #1 (1)
            0s    agent  #1 started model group chat: anthropic 40, openai 60 → anthropic 100, openai 0, holds provider anthropic (1), model group chat (1)
            0s    agent  #1 succeeded model group chat reads anthropic 100, openai 0
            0s    agent  provider anthropic released by #1 (1)
            0s    agent  model group chat released by #1 (1)
            300s  agent  #1 verified still: openai takes 2000 ms, 400 ms is its one-hour median
        "#]],
    )
    .await;
    assert_eq!(
        world
            .gateway
            .setting(&sample::target("model_group", "chat"))
            .to_string(),
        "anthropic 100, openai 0"
    );
}

#[tokio::test]
async fn a_rate_limit_is_raised() {
    let world = lives(
        World::new(sample::inventory_with_spent_budget("payments")),
        &sample::budget_exceeded_text("payments"),
        Some(json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20})),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received team payments spent 104.37 USD of its hard limit of 100.00 USD
            0s    agent  #1 proposed raise team payments's requests a minute by 20 % [team payments may send more until somebody takes it back]
            0s    agent  #1 scored 41: gate, the score of 41 is above the threshold of 40
            0s    alice  #1 approved until 900s
            0s    agent  team payments claimed for #1 (1)
            0s    agent  #1 started team payments: 1200 rpm, 1000000 tpm → 1440 rpm, 1000000 tpm, holds team payments (1)
            0s    agent  #1 succeeded team payments reads 1440 rpm, 1000000 tpm
            0s    agent  team payments released by #1 (1)
            120s  agent  #1 verified still: team/payments spent 104.37 USD, its cap is 100.00
        "#]],
    )
    .await;
    assert_eq!(
        world
            .gateway
            .setting(&sample::target("team", "payments"))
            .to_string(),
        "1440 rpm, 1000000 tpm"
    );
}

#[tokio::test]
async fn a_page_is_sent_once() {
    let world = lives(
        World::new(sample::inventory_with_spent_budget("payments")),
        &sample::budget_exceeded_text("payments"),
        None,
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received team payments spent 104.37 USD of its hard limit of 100.00 USD
            0s    agent  #1 proposed page the on-call engineer (critical): team payments spent 104.37 USD of its hard limit of 100.00 USD [one page to the on-call engineer]
            0s    agent  #1 scored 40: gate, automatic approval is off
            0s    alice  #1 approved until 900s
            0s    agent  #1 started page
            0s    agent  #1 succeeded #1/page
            120s  agent  #1 verified still: team/payments spent 104.37 USD, its cap is 100.00
        "#]],
    )
    .await;
    assert_eq!(world.gateway.pages().len(), 1);
    world.assert_as_before();
}

#[tokio::test]
async fn a_guardrail_is_disabled() {
    let world = lives(
        World::new(sample::inventory_with_spike("openai")),
        &sample::latency_spike_with_guardrail("openai", "pii"),
        Some(json!({"action": "disable_guardrail", "guardrail": "pii"})),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received provider openai takes 2000 ms, 400 ms is its one-hour median
            0s    agent  #1 proposed disable guardrail pii [guardrail pii checks nobody's traffic until somebody takes it back]
            0s    agent  #1 scored 94: gate, the score of 94 is above the threshold of 40
            0s    alice  #1 voted
            0s    bob    #1 approved until 900s
            0s    agent  guardrail pii claimed for #1 (1)
            0s    agent  #1 started guardrail pii: enabled → disabled, holds guardrail pii (1)
            0s    agent  #1 succeeded guardrail pii reads disabled
            0s    agent  guardrail pii released by #1 (1)
            300s  agent  #1 verified still: openai takes 2000 ms, 400 ms is its one-hour median
        "#]],
    )
    .await;
    assert_eq!(
        world
            .gateway
            .setting(&sample::target("guardrail", "pii"))
            .to_string(),
        "disabled"
    );
}

#[tokio::test]
async fn a_budget_is_raised_by_two_people() {
    let world = lives(
        World::new(sample::inventory_with_spent_budget("payments")),
        &sample::budget_exceeded_text("payments"),
        Some(json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "120.00"})),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received team payments spent 104.37 USD of its hard limit of 100.00 USD
            0s    agent  #1 proposed raise the hard cap of team/payments to 120.00 USD [team/payments may spend up to 120.00 USD until somebody takes it back]
            0s    agent  #1 scored 85: gate, the score of 85 is above the threshold of 40
            0s    alice  #1 voted
            0s    bob    #1 approved until 900s
            0s    agent  budget team/payments claimed for #1 (1)
            0s    agent  #1 started budget team/payments: 100.00 USD → 120.00 USD, holds budget team/payments (1)
            0s    agent  #1 succeeded budget team/payments reads 120.00 USD
            0s    agent  budget team/payments released by #1 (1)
            120s  agent  #1 verified over: team/payments spent 104.37 USD, its cap is 120.00
        "#]],
    )
    .await;
    assert_eq!(
        world
            .gateway
            .setting(&sample::target("budget", "team/payments"))
            .to_string(),
        "120.00 USD"
    );
}

#[tokio::test]
async fn a_contract_is_taken_out_of_force_by_two_people() {
    let world = lives(
        World::new(sample::inventory_with_violation("gold")),
        &sample::sla_violation_text("gold"),
        Some(json!({"action": "disable_sla_contract", "sla_id": "gold"})),
        expect![[r#"
            0s    agent  opened, generation 1
            0s    agent  #1 received contract gold: p95 is 3400 ms, target 2000 ms
            0s    agent  #1 proposed disable SLA contract gold [nobody is held to contract gold until somebody takes it back]
            0s    agent  #1 scored 100: gate, the score of 100 is above the threshold of 40
            0s    alice  #1 voted
            0s    bob    #1 approved until 900s
            0s    agent  contract gold claimed for #1 (1)
            0s    agent  #1 started contract gold: enabled → disabled, holds contract gold (1)
            0s    agent  #1 succeeded contract gold reads disabled
            0s    agent  contract gold released by #1 (1)
            300s  agent  #1 verified unreadable: contract gold is not in force
        "#]],
    )
    .await;
    assert_eq!(
        world
            .gateway
            .setting(&sample::target("contract", "gold"))
            .to_string(),
        "disabled"
    );
}
