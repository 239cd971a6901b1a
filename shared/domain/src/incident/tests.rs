//! Events: their fields, and what they mean.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::samples::event;

mod tolerated;

fn unhealthy() -> Value {
    json!({"version": 1, "event_id": "e-1", "occurred_at": "2026-11-22T10:00:00Z", "org_id": "acme",
           "provider": "openai", "error_rate": 0.42, "requests": 50, "window_s": 300, "future_field": {}})
}

fn with(field: &str, value: Value) -> Value {
    let mut detail = unhealthy();
    detail[field] = value;
    detail
}

fn refused(detail: Value, expected: Expect) {
    expected.assert_eq(
        &Event::parse("provider.unhealthy", &detail)
            .unwrap_err()
            .to_string(),
    );
}

#[test]
fn an_event_is_read_in_its_units() {
    let event = Event::parse("provider.unhealthy", &unhealthy()).unwrap();
    assert_eq!(event.contradiction(), None);
    assert_eq!(event.severity, Severity::Warning);
    expect!["provider openai fails 42.0 % of 50 requests in 300 s"].assert_eq(&event.to_string());
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let reading = Event::read("provider.unhealthy", &with("requests", json!(50.0)), None).unwrap();
    assert_eq!(reading.complaints, []);
    assert_eq!(
        reading.event,
        Event::parse("provider.unhealthy", &unhealthy()).unwrap()
    );
}

#[test]
fn what_is_no_event_is_refused() {
    refused(json!([]), expect!["detail: is not a JSON object"]);
    refused(
        with("error_rate", json!("x".repeat(100_000))),
        expect![[
            r#"detail.error_rate: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" is not a number"#
        ]],
    );
    refused(
        with("error_rate", json!("worst\n\u{1b}[2J`bad`")),
        expect![[r#"detail.error_rate: "worst\n\u{1b}[2J`bad`" is not a number"#]],
    );
}

#[test]
fn a_hard_limit_is_crossed_when_it_is_reached() {
    let detail = json!({"version": 1, "event_id": "e", "org_id": "acme", "scope": "team", "scope_id": "payments",
                        "kind": "hard", "spend": "100.00", "limit": "100", "period": "monthly"});
    let event = Event::parse("budget.exceeded", &detail).unwrap();
    assert_eq!(event.contradiction(), None);
    assert_eq!(event.subject(), "team/payments/hard");
}

#[test]
fn the_boundary_itself_is_not_above_it() {
    let rate = |rate: f64, requests: u64| {
        let mut detail = with("error_rate", json!(rate));
        detail["requests"] = json!(requests);
        Event::parse("provider.unhealthy", &detail)
            .unwrap()
            .contradiction()
            .is_some()
    };
    assert!(rate(0.25, 5) && rate(0.9, 4) && rate(0.0, 500));
    assert!(!rate(0.250_001, 5));
}

#[test]
fn a_trouble_is_its_subject_and_whose_that_is() {
    let of = |detail_type: &str, more: Value| event(detail_type, more).fingerprint();
    let (failing, spike, budget) = ("provider.unhealthy", "latency.spike", "budget.exceeded");
    let chat = json!({"model_group": "chat"});
    let other = json!({"org_id": "invented"});
    assert_eq!(
        of(failing, json!({})),
        of(failing, chat.clone()),
        "it fails for every group"
    );
    assert_ne!(of(spike, json!({})), of(spike, chat), "its remedy is the group's");
    for detail_type in [failing, spike, "sla.violation", budget] {
        assert_eq!(
            of(detail_type, json!({})),
            of(detail_type, other.clone()),
            "{detail_type}: whoever reports it"
        );
    }
    let alice = |org: &str| {
        of(
            budget,
            json!({"scope": "user", "scope_id": "alice", "org_id": org}),
        )
    };
    assert_ne!(alice("acme"), alice("globex"), "the gateway knows neither");
    let formerly = |org: &str| {
        let detail = json!({"scope": "user", "scope_id": "alice", "org_id": org});
        event(budget, detail).former_fingerprints()
    };
    assert_eq!(
        formerly("acme")[1],
        formerly("globex")[1],
        "records of then name both so"
    );
    let joined = json!({"provider": "a/b"});
    let split = json!({"provider": "a", "model_group": "b"});
    assert_ne!(of(spike, joined), of(spike, split));
}

#[test]
fn the_senders_clock_is_held_to_the_hour_before_receipt() {
    let received: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let at = |text: &str| {
        Event::parse("provider.unhealthy", &with("occurred_at", json!(text)))
            .unwrap()
            .occurred_at(received)
    };
    assert_eq!(at("2026-11-22T11:30:00Z").to_string(), "2026-11-22T11:30:00.000Z");
    assert_eq!(at("2020-01-01T00:00:00Z").to_string(), "2026-11-22T11:00:00.000Z");
    assert_eq!(at("2030-01-01T00:00:00Z"), received);
}
