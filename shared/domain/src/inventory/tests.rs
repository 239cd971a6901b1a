//! What the gateway says of the four conditions, at their boundaries.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::incident::Event;
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
    let by_rate = event(
        "sla.violation",
        json!({"metric": "success_rate", "target": 0.9, "actual": 0.8}),
    );
    let latency = |actual| SlaMetric::P95 { target: 800, actual };
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
        let (of_it, of_another) = match measured.is_latency() {
            true => (&violation, &by_rate),
            false => (&by_rate, &violation),
        };
        assert_eq!(confirmed(of_it, set), holds, "{measured:?}");
        let mut inventory = inventory();
        set(&mut inventory);
        let unknown = inventory.condition(of_another);
        assert!(
            matches!(unknown, Condition::Unreadable(_)),
            "of another metric: {unknown:?}"
        );
        assert_eq!(inventory.measured(of_another), None);
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
        &expect![[r#"{"status":"unreadable","observed":"contract silver has no traffic to measure"}"#]],
    );
    check(
        &contract("old"),
        &expect![[r#"{"status":"refuted","observed":"contract old is not in force"}"#]],
    );
    let quiet = |inventory: &mut Inventory| inventory.providers[3].latency_p50_ms = None;
    check(
        &says(&event("latency.spike", json!({})), quiet),
        &expect![[
            r#"{"status":"unreadable","observed":"openai takes unknown ms, 400 ms is its one-hour median"}"#
        ]],
    );
}

#[test]
fn what_cannot_be_told_is_neither_so_nor_not() {
    let unknown = |event: &Event, change: &dyn Fn(&mut Inventory)| match says(event, change) {
        Condition::Unreadable(why) => why,
        other @ (Condition::Confirmed(_) | Condition::Refuted(_)) => panic!("{other:?}"),
    };
    let spike = event("latency.spike", json!({}));
    let (hard, sla) = (
        event("budget.exceeded", json!({})),
        event("sla.violation", json!({})),
    );
    let few = |inventory: &mut Inventory| inventory.providers[3].requests = 4;
    expect!["openai had 4 requests in 300 s: too few to tell"].assert_eq(&unknown(&unhealthy(), &few));
    let none = |inventory: &mut Inventory| inventory.providers.clear();
    expect!["the gateway tells of no provider at all"].assert_eq(&unknown(&unhealthy(), &none));
    expect!["the gateway tells of no provider at all"].assert_eq(&unknown(&spike, &none));
    let no_budgets = |inventory: &mut Inventory| inventory.budgets.clear();
    expect!["the gateway tells of no budget at all"].assert_eq(&unknown(&hard, &no_budgets));
    let no_contracts = |inventory: &mut Inventory| inventory.contracts.clear();
    expect!["the gateway tells of no contract at all"].assert_eq(&unknown(&sla, &no_contracts));
}

#[test]
fn of_some_things_the_gateway_never_tells() {
    for (detail_type, more, could) in [
        ("provider.unhealthy", json!({}), true),
        ("budget.exceeded", json!({}), true),
        (
            "budget.exceeded",
            json!({"scope": "user", "scope_id": "alice"}),
            false,
        ),
        ("latency.spike", json!({"model_group": "chat"}), true),
        ("latency.spike", json!({"model_group": "no-such-group"}), false),
        ("sla.violation", json!({}), true),
    ] {
        let event = event(detail_type, more);
        assert_eq!(inventory().could_tell(&event), could, "{event}");
    }
    let by_another = event(
        "sla.violation",
        json!({"metric": "success_rate", "target": 0.99, "actual": 0.9}),
    );
    let by_latency = event(
        "sla.violation",
        json!({"metric": "p95", "target": 1000, "actual": 2000}),
    );
    let told = [&by_another, &by_latency].map(|event| inventory().could_tell(event));
    assert_ne!(told[0], told[1], "its contract is measured by one of them");
}

#[test]
fn a_spike_that_has_become_the_median_is_not_over() {
    let spike = event("latency.spike", json!({"median_1h_ms": 400}));
    for (now, median, said) in [
        (1900, 1900, "unreadable"),
        (1201, 500, "unreadable"),
        (1200, 500, "refuted"),
        (1900, 400, "confirmed"),
    ] {
        let set = |inventory: &mut Inventory| {
            inventory.providers[3].latency_p50_ms = Some(now);
            inventory.providers[3].median_1h_ms = Some(median);
        };
        let told = serde_json::to_value(says(&spike, set)).unwrap();
        assert_eq!(told["status"], said, "{now} {median}: {told}");
    }
    let claims_much = event("latency.spike", json!({"median_1h_ms": 1}));
    let healthy = |inventory: &mut Inventory| inventory.providers[3].latency_p50_ms = Some(410);
    assert!(
        !confirmed(&claims_much, healthy),
        "a claim alone confirms nothing"
    );
}

#[test]
fn what_is_not_there_any_more_has_not_recovered() {
    let afterwards = |event: &Event| match inventory().condition_afterwards(event) {
        Condition::Unreadable(why) => why,
        other @ (Condition::Confirmed(_) | Condition::Refuted(_)) => panic!("{other:?}"),
    };
    let gone = event("provider.unhealthy", json!({"provider": "nobody"}));
    assert_eq!(afterwards(&gone), "the gateway knows no provider nobody");
    let off = event("sla.violation", json!({"sla_id": "old"}));
    assert_eq!(afterwards(&off), "contract old is not in force");
    let well = event("provider.unhealthy", json!({"provider": "mistral"}));
    assert!(matches!(
        inventory().condition_afterwards(&well),
        Condition::Refuted(_)
    ));
}

#[test]
fn an_empty_or_a_stale_reading_is_none() {
    assert!(inventory().of_now(at(5)).is_ok());
    assert!(inventory().of_now(at(305)).is_ok());
    let old = inventory().of_now(at(305).plus_millis(1)).unwrap_err();
    expect!["its inventory is of 2026-11-22T10:00:05.000Z, more than 300 s from now"].assert_eq(&old);
    assert!(
        inventory().of_now(at(5).minus_seconds(301)).is_err(),
        "nor one of later"
    );
    let empty = Inventory {
        providers: Vec::new(),
        ..inventory()
    };
    let said = empty.of_now(at(5)).unwrap_err();
    expect!["its inventory names no provider: that is no reading"].assert_eq(&said);
}

#[test]
fn what_does_not_belong_together_is_evidence_for_nothing() {
    let believe = |detail_type: &str, more: Value| {
        let believed = inventory().believe(&event(detail_type, more));
        let event = believed.event;
        let kept = [
            event.provider().map(ToString::to_string),
            event.model_group().map(ToString::to_string),
            event.team.as_ref().map(ToString::to_string),
            event.guardrail().map(ToString::to_string),
        ];
        let kept: Vec<String> = kept
            .into_iter()
            .map(|one| one.unwrap_or("–".to_owned()))
            .collect();
        format!("{}; {}", kept.join(" "), believed.left_out.join(", "))
    };
    for (detail_type, more, expected) in [
        (
            "provider.unhealthy",
            json!({"model_group": "chat", "team_id": "payments"}),
            expect!["openai chat payments –; "],
        ),
        (
            "provider.unhealthy",
            json!({"model_group": "ocr", "team_id": "archive"}),
            expect![
                "openai – – –; model group ocr has no route to openai, team archive does not use what it is about"
            ],
        ),
        (
            "latency.spike",
            json!({"model_group": "nothing", "guardrail": "none", "team_id": "nobody"}),
            expect![
                "openai – – –; model group nothing has no route to openai, guardrail none is not on the gateway, team nobody does not use what it is about"
            ],
        ),
        (
            "latency.spike",
            json!({"guardrail": "pii", "team_id": "research"}),
            expect!["openai – research pii; "],
        ),
        (
            "sla.violation",
            json!({"provider": "anthropic", "model_group": "code"}),
            expect![
                "openai chat – –; contract gold is not about anthropic, contract gold is not about model group code"
            ],
        ),
        (
            "sla.violation",
            json!({"sla_id": "silver", "provider": "openai", "model_group": "chat", "guardrail": "pii"}),
            expect![
                "– – – pii; contract silver is not about one provider, so not about openai, contract silver is not about one model group, so not about chat"
            ],
        ),
        (
            "budget.exceeded",
            json!({"team_id": "research"}),
            expect!["– – – –; team research does not use what it is about"],
        ),
        (
            "budget.exceeded",
            json!({"scope": "org", "scope_id": "acme", "team_id": "research"}),
            expect!["– – research –; "],
        ),
    ] {
        expected.assert_eq(&believe(detail_type, more));
    }
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

#[test]
fn one_request_tells_neither_of_a_spike_nor_of_its_end() {
    let event = event("latency.spike", json!({}));
    for latency_ms in [1, 1_000_000] {
        let mut inventory = inventory();
        let provider = event.provider().unwrap().clone();
        let found = inventory
            .providers
            .iter_mut()
            .find(|one| one.id == provider)
            .unwrap();
        (found.requests, found.latency_p50_ms, found.median_1h_ms) = (4, Some(latency_ms), Some(400));
        let told = |condition| matches!(condition, Condition::Unreadable(_));
        assert!(told(inventory.condition(&event)) && told(inventory.condition_afterwards(&event)));
        assert_eq!(
            (inventory.measured(&event), inventory.borne_out(&event)),
            (None, None)
        );
    }
}
