//! What the gateway says of the four conditions, at their boundaries.

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::samples::*;

/// What the sample gateway says of an event, after a change.
fn says(event: &Event, change: impl Fn(&mut Inventory)) -> Condition {
    let mut inventory = inventory();
    change(&mut inventory);
    inventory.condition(event)
}

fn confirmed(event: &Event, change: impl Fn(&mut Inventory)) -> bool {
    matches!(says(event, change), Condition::Confirmed(_))
}

fn check(condition: &Condition, expected: &Expect) {
    expected.assert_eq(&serde_json::to_string(condition).unwrap());
}

#[test]
fn a_provider_is_unhealthy_above_a_quarter_over_at_least_five_requests() {
    for (requests, rate, holds) in [
        (5, 250_001, true),
        (5, 250_000, false),
        (4, 1_000_000, false),
        (1_000_000, 250_001, true),
    ] {
        let set = |inventory: &mut Inventory| {
            inventory.providers[3].requests = requests;
            inventory.providers[3].error_rate = Ppm(rate);
        };
        assert_eq!(confirmed(&unhealthy(), set), holds, "{requests} {rate}");
    }
}

#[test]
fn latency_spikes_above_three_times_its_median() {
    let spike = event("latency.spike", json!({}));
    for (now, median, holds) in [
        (Some(1201), Some(400), true),
        (Some(1200), Some(400), false),
        (None, Some(400), false),
        (Some(1201), None, false),
        (Some(u64::MAX), Some(u64::MAX / 2), false),
    ] {
        let set = |inventory: &mut Inventory| {
            inventory.providers[3].latency_p50_ms = now;
            inventory.providers[3].median_1h_ms = median;
        };
        assert_eq!(confirmed(&spike, set), holds, "{now:?} {median:?}");
    }
}

#[test]
fn a_hard_budget_is_exceeded_when_it_is_reached_and_a_soft_one_above_it() {
    let hard = event("budget.exceeded", json!({}));
    let soft = event("budget.exceeded", json!({"kind": "soft"}));
    for (spend, cap, hard_holds, soft_holds) in [
        (100_000_001, 100_000_000, true, true),
        (100_000_000, 100_000_000, true, false),
        (99_999_999, 100_000_000, false, false),
    ] {
        let set = |inventory: &mut Inventory| {
            inventory.budgets[0].spend = Micros(spend);
            inventory.budgets[0].hard_cap = Micros(cap);
            inventory.budgets[0].soft_cap = Some(Micros(cap));
        };
        assert_eq!(confirmed(&hard, set), hard_holds, "hard {spend}");
        assert_eq!(confirmed(&soft, set), soft_holds, "soft {spend}");
    }
    assert!(!confirmed(&soft, |inventory| inventory.budgets[0].soft_cap = None));
}

#[test]
fn a_contract_is_violated_above_its_latency_or_below_its_rate() {
    let violation = event("sla.violation", json!({}));
    let latency = |actual| SlaMetric::P99 { target: 800, actual };
    let rate = |actual| SlaMetric::SuccessRate {
        target: Ppm(900_000),
        actual: Ppm(actual),
    };
    for (measured, holds) in [
        (latency(801), true),
        (latency(800), false),
        (rate(899_999), true),
        (rate(900_000), false),
    ] {
        let set = |inventory: &mut Inventory| inventory.contracts[0].measured = Some(measured);
        assert_eq!(confirmed(&violation, set), holds, "{measured:?}");
    }
    assert!(!confirmed(&violation, |inventory| {
        inventory.contracts[0].enabled = false;
    }));
}

#[test]
fn what_is_observed_is_said_in_a_sentence() {
    let same = |_: &mut Inventory| {};
    check(
        &says(&unhealthy(), same),
        &expect![[r#"{"status":"confirmed","observed":"openai fails 62.0 % of 180 requests in 300 s"}"#]],
    );
    check(
        &says(&event("latency.spike", json!({})), same),
        &expect![[
            r#"{"status":"confirmed","observed":"openai takes 1900 ms, 400 ms is its one-hour median"}"#
        ]],
    );
    check(
        &says(&event("budget.exceeded", json!({})), same),
        &expect![[
            r#"{"status":"confirmed","observed":"team/payments spent 104.00 USD, its cap is 100.00"}"#
        ]],
    );
    check(
        &says(&event("sla.violation", json!({})), same),
        &expect![[r#"{"status":"confirmed","observed":"contract gold: p95 misses its target"}"#]],
    );
    let nobody = |kind: &str, field: &str| says(&event(kind, json!({ field: "nobody" })), same);
    check(
        &nobody("provider.unhealthy", "provider"),
        &expect![[r#"{"status":"refuted","observed":"the gateway knows no provider nobody"}"#]],
    );
    check(
        &nobody("latency.spike", "provider"),
        &expect![[r#"{"status":"refuted","observed":"the gateway knows no provider nobody"}"#]],
    );
    check(
        &nobody("budget.exceeded", "scope_id"),
        &expect![[r#"{"status":"refuted","observed":"the gateway knows no budget team/nobody"}"#]],
    );
    check(
        &nobody("sla.violation", "sla_id"),
        &expect![[r#"{"status":"refuted","observed":"the gateway knows no contract nobody"}"#]],
    );
    let contract = |id: &str| says(&event("sla.violation", json!({"sla_id": id})), same);
    check(
        &contract("silver"),
        &expect![[r#"{"status":"refuted","observed":"contract silver has no traffic to measure"}"#]],
    );
    check(
        &contract("old"),
        &expect![[r#"{"status":"refuted","observed":"contract old is not in force"}"#]],
    );
    let quiet = |inventory: &mut Inventory| inventory.providers[3].latency_p50_ms = None;
    check(
        &says(&event("latency.spike", json!({})), quiet),
        &expect![[
            r#"{"status":"refuted","observed":"openai takes unknown ms, 400 ms is its one-hour median"}"#
        ]],
    );
}

#[test]
fn a_setting_is_what_the_gateway_reads_and_nothing_where_it_has_no_such_thing() {
    let inventory = inventory();
    let reads = |kind: &str, id: &str| {
        let setting = inventory.setting(&Target::parse(kind, id).unwrap());
        setting.map(|setting| setting.to_string())
    };
    for (kind, id, expected) in [
        ("provider", "azure", "blocked"),
        ("provider", "openai", "open"),
        ("model_group", "chat", "anthropic 30, openai 70"),
        ("team", "payments", "600 rpm, 100000 tpm"),
        ("guardrail", "toxicity", "disabled"),
        ("budget", "team/payments", "100.00 USD"),
        ("contract", "gold", "enabled"),
    ] {
        assert_eq!(reads(kind, id).as_deref(), Some(expected));
    }
    for kind in ["provider", "model_group", "team", "guardrail", "contract"] {
        assert_eq!(reads(kind, "nobody"), None);
    }
    assert_eq!(reads("budget", "org/payments"), None, "it is a team's");
}

#[test]
fn traffic_flows_where_a_weight_is_positive_and_the_provider_not_blocked() {
    let inventory = inventory();
    let live = |group: &str| {
        let group = inventory.model_group(&id(group)).unwrap();
        let routes = inventory.live_routes(group);
        routes.map(|route| route.provider.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(live("chat"), ["anthropic", "openai"]);
    assert_eq!(live("code"), ["anthropic"]);
    assert_eq!(live("ocr"), ["mistral"]);
    let openai = id("openai");
    let groups: Vec<String> = inventory
        .groups_of(&openai)
        .map(|group| group.id.to_string())
        .collect();
    assert_eq!(groups, ["chat"]);
}
