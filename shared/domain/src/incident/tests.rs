//! Events: their fields, and what they mean.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::samples::event;

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
    let event = Event::parse("provider.unhealthy", &with("requests", json!(50.0))).unwrap();
    assert_eq!(event, Event::parse("provider.unhealthy", &unhealthy()).unwrap());
    for (number, told) in [
        (
            json!(50.5),
            expect!["detail.requests: is not a whole number from 0"],
        ),
        (
            json!(-1.0),
            expect!["detail.requests: is not a whole number from 0"],
        ),
        (
            json!(1e300),
            expect!["detail.requests: is not a whole number from 0"],
        ),
    ] {
        refused(with("requests", number), told);
    }
}

#[test]
fn each_wrong_field_is_named_with_what_would_be_right() {
    refused(
        with("error_rate", json!(1.7)),
        expect!["detail.error_rate: 1.7 is not a fraction within 0–1"],
    );
    refused(
        with("error_rate", json!("0.4")),
        expect!["detail.error_rate: is not a number"],
    );
    refused(
        with("requests", json!(-1)),
        expect!["detail.requests: is not a whole number from 0"],
    );
    refused(
        with("window_s", json!(0)),
        expect!["detail.window_s: 0 is not within 1–86400"],
    );
    refused(
        with("provider", json!(null)),
        expect!["detail.provider: is missing"],
    );
    refused(
        with("provider", json!("a\u{7}")),
        expect!["detail.provider: holds a control character or surrounding white space"],
    );
    refused(
        with("version", json!(2)),
        expect!["detail.version: 2 is unknown: this agent reads version 1"],
    );
    refused(
        with("severity", json!("worst")),
        expect![[
            r#"detail.severity: "worst": unknown variant `worst`, expected one of `info`, `warning`, `critical`"#
        ]],
    );
    refused(
        with("severity", json!("worst\n\u{1b}[2J`bad`")),
        expect![[
            r#"detail.severity: "worst\n\u{1b}[2J`bad`": unknown variant `worst\n\u{1b}[2J`bad``, expected one of `info`, `warning`, `critical`"#
        ]],
    );
    let endless = Event::parse(
        "provider.unhealthy",
        &with("severity", json!("x".repeat(100_000))),
    );
    assert!(endless.unwrap_err().to_string().len() < 300);
    refused(
        with("occurred_at", json!("noon")),
        expect![
            "detail.occurred_at: is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z"
        ],
    );
    refused(json!([]), expect!["detail: is not a JSON object"]);
}

#[test]
fn money_is_a_string_and_a_budget_has_an_owner() {
    let mut detail = json!({"version": 1, "event_id": "e", "org_id": "acme", "scope": "team", "scope_id": "payments",
                            "kind": "hard", "spend": "100.00", "limit": "100", "period": "monthly"});
    let event = Event::parse("budget.exceeded", &detail).unwrap();
    assert_eq!(
        event.contradiction(),
        None,
        "a hard limit is crossed when it is reached"
    );
    assert_eq!(event.subject(), "team/payments/hard");
    detail["spend"] = json!(100.0);
    expect![[r#"detail.spend: is not a decimal string such as "120.50""#]]
        .assert_eq(&Event::parse("budget.exceeded", &detail).unwrap_err().to_string());
    detail["spend"] = json!("100");
    detail["scope"] = json!("planet");
    expect!["detail.scope: scope and scope_id name is not a budget's scope: team or org"]
        .assert_eq(&Event::parse("budget.exceeded", &detail).unwrap_err().to_string());
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
    for detail_type in [failing, spike, "sla.violation"] {
        assert_eq!(
            of(detail_type, json!({})),
            of(detail_type, other.clone()),
            "{detail_type}: whoever reports it"
        );
    }
    assert_ne!(
        of(budget, json!({})),
        of(budget, other),
        "a budget is an organisation's"
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
