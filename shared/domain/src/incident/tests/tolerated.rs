//! What is not as the schemas say, field by field: read without complaint, read with exactly this complaint, or refused
//! with exactly this text.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use serde_json::{Map, Value, json};

use super::*;

mod any;
mod numbers;
mod subjects;

/// A detail as its schema describes it.
fn detail(event_type: EventType) -> Value {
    let mut detail = json!({"version": 1, "event_id": "e-1", "occurred_at": "2026-11-22T10:00:00Z", "org_id": "acme",
                            "team_id": "payments", "severity": "warning"});
    let more = match event_type {
        EventType::ProviderUnhealthy => {
            json!({"provider": "openai", "model_group": "chat", "error_rate": 0.62,
                                               "requests": 180, "window_s": 300})
        }
        EventType::BudgetExceeded => json!({"scope": "team", "scope_id": "payments", "kind": "hard",
                                            "spend": "104.37", "limit": "100.00", "period": "monthly"}),
        EventType::SlaViolation => json!({"sla_id": "gold", "metric": "p95", "target": 2000, "actual": 3400,
                                          "window_s": 300, "provider": "anthropic", "model_group": "chat"}),
        EventType::LatencySpike => json!({"provider": "openai", "model_group": "chat", "current_ms": 1900,
                                          "median_1h_ms": 400}),
    };
    detail
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    detail
}

fn read(event_type: EventType, detail: &Value) -> Result<Reading, Malformed> {
    Event::read(event_type.name(), detail, Some("bus-1"))
}

/// What is another in an event than in the one as its schema describes it.
fn difference(of: &Map<String, Value>, than: &Map<String, Value>) -> Vec<String> {
    let mut differ = Vec::new();
    for (name, usual) in than {
        match (of.get(name), usual) {
            (Some(Value::Object(inner)), Value::Object(usual)) => differ.extend(difference(inner, usual)),
            (Some(value), usual) if value != usual => differ.push(format!("{name} {value}")),
            (Some(_), _) => {}
            (None, _) => differ.push(format!("no {name}")),
        }
    }
    differ
}

fn object(event: &Event) -> Map<String, Value> {
    serde_json::to_value(event).unwrap().as_object().unwrap().clone()
}

/// One line for each value in the field of an otherwise usual event: what became of it.
fn check(event_type: EventType, field: &str, values: &[Value], expected: Expect) {
    let usual = read(event_type, &detail(event_type)).unwrap();
    assert_eq!(usual.complaints, []);
    let mut table = String::new();
    for value in values {
        let mut detail = detail(event_type);
        detail[field] = value.clone();
        let became = match read(event_type, &detail) {
            Ok(Reading { event, complaints }) => {
                let differ = difference(&object(&event), &object(&usual.event)).join(", ");
                let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
                assert!(complaints.len() <= 1, "{field} {value}: {complaints:?}");
                format!("{differ} | {}", complaints.join("; "))
            }
            Err(refused) => format!("refused | {refused}"),
        };
        let value = value.to_string();
        let shown: String = value.chars().take(40).collect();
        writeln!(table, "{shown} → {}", became.trim()).unwrap();
    }
    expected.assert_eq(&table);
}

use EventType::{BudgetExceeded, LatencySpike, ProviderUnhealthy, SlaViolation};

#[test]
fn a_time_that_cannot_be_read_is_left_out() {
    check(
        ProviderUnhealthy,
        "occurred_at",
        &[
            json!("2026-11-22T10:00:00+00:00"),
            json!("2026-11-22T09:59:58.250123"),
            json!("2026-11-22 10:00:00"),
            json!("22/11/2026 10:00"),
            json!("noon\u{1b}[2J"),
            json!(1_763_805_598),
            json!({"$date": 1}),
            json!(null),
        ],
        expect![[r#"
            "2026-11-22T10:00:00+00:00" → |
            "2026-11-22T09:59:58.250123" → occurred_at null | detail.occurred_at: "2026-11-22T09:59:58.250123" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
            "2026-11-22 10:00:00" → occurred_at null | detail.occurred_at: "2026-11-22 10:00:00" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
            "22/11/2026 10:00" → occurred_at null | detail.occurred_at: "22/11/2026 10:00" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
            "noon\u001b[2J" → occurred_at null | detail.occurred_at: "noon\u{1b}[2J" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
            1763805598 → occurred_at null | detail.occurred_at: is not a string: left out
            {"$date":1} → occurred_at null | detail.occurred_at: is not a string: left out
            null → occurred_at null |
        "#]],
    );
}

#[test]
fn a_severity_of_another_vocabulary_is_mapped_or_a_warning() {
    check(
        ProviderUnhealthy,
        "severity",
        &[
            json!("critical"),
            json!("Critical"),
            json!("HIGH"),
            json!("error"),
            json!("fatal"),
            json!("emergency"),
            json!("P1"),
            json!("page"),
            json!(" warn "),
            json!("medium"),
            json!("minor"),
            json!("low"),
            json!("notice"),
            json!("ok"),
            json!("informational"),
            json!(1),
            json!(2.0),
            json!(3),
            json!("4"),
            json!(5),
            json!("spicy"),
            json!(""),
            json!(true),
            json!(["critical"]),
            json!(null),
        ],
        expect![[r#"
            "critical" → severity "critical" |
            "Critical" → severity "critical" | detail.severity: "Critical" is taken as critical
            "HIGH" → severity "critical" | detail.severity: "HIGH" is taken as critical
            "error" → severity "critical" | detail.severity: "error" is taken as critical
            "fatal" → severity "critical" | detail.severity: "fatal" is taken as critical
            "emergency" → severity "critical" | detail.severity: "emergency" is taken as critical
            "P1" → severity "critical" | detail.severity: "P1" is taken as critical
            "page" → severity "critical" | detail.severity: "page" is taken as critical
            " warn " → | detail.severity: " warn " is taken as warning
            "medium" → | detail.severity: "medium" is taken as warning
            "minor" → | detail.severity: "minor" is taken as warning
            "low" → severity "info" | detail.severity: "low" is taken as info
            "notice" → severity "info" | detail.severity: "notice" is taken as info
            "ok" → severity "info" | detail.severity: "ok" is taken as info
            "informational" → severity "info" | detail.severity: "informational" is taken as info
            1 → severity "critical" | detail.severity: 1 is taken as critical
            2.0 → severity "critical" | detail.severity: 2.0 is taken as critical
            3 → | detail.severity: 3 is not info, warning or critical: taken as warning
            "4" → | detail.severity: "4" is not info, warning or critical: taken as warning
            5 → severity "info" | detail.severity: 5 is taken as info
            "spicy" → | detail.severity: "spicy" is not info, warning or critical: taken as warning
            "" → | detail.severity: "" is not info, warning or critical: taken as warning
            true → | detail.severity: true is not info, warning or critical: taken as warning
            ["critical"] → | detail.severity: a list is not info, warning or critical: taken as warning
            null → |
        "#]],
    );
}

#[test]
fn a_period_is_normalised_or_left_out() {
    check(
        BudgetExceeded,
        "period",
        &[
            json!("daily"),
            json!("30d"),
            json!("1mo"),
            json!("7d"),
            json!("24h"),
            json!("1D"),
            json!("Monthly"),
            json!("yearly"),
            json!("1h"),
            json!("none"),
            json!(30),
            json!(null),
        ],
        expect![[r#"
            "daily" → period "daily" |
            "30d" → | detail.period: "30d" is taken as monthly
            "1mo" → | detail.period: "1mo" is taken as monthly
            "7d" → period "weekly" | detail.period: "7d" is taken as weekly
            "24h" → period "daily" | detail.period: "24h" is taken as daily
            "1D" → period "daily" | detail.period: "1D" is taken as daily
            "Monthly" → | detail.period: "Monthly" is taken as monthly
            "yearly" → no period | detail.period: "yearly" is not daily, weekly or monthly: left out
            "1h" → no period | detail.period: "1h" is not daily, weekly or monthly: left out
            "none" → no period | detail.period: "none" is not daily, weekly or monthly: left out
            30 → no period | detail.period: 30 is not daily, weekly or monthly: left out
            null → no period | detail.period: is missing: left out
        "#]],
    );
}

#[test]
fn a_key_s_budget_names_the_key_and_its_team() {
    let mut detail = detail(BudgetExceeded);
    detail["scope"] = json!("key");
    detail["scope_id"] = json!("88dc28d0f030c55e");
    let event = read(BudgetExceeded, &detail).unwrap().event;
    assert_eq!(event.subject(), "key/88dc28d0f030c55e/hard");
    expect!["key 88dc28d0f030c55e of team payments spent 104.37 USD of its hard limit of 100.00 USD"]
        .assert_eq(&event.to_string());
    detail["team_id"] = json!(null);
    expect!["key 88dc28d0f030c55e spent 104.37 USD of its hard limit of 100.00 USD"]
        .assert_eq(&read(BudgetExceeded, &detail).unwrap().event.to_string());
}

#[test]
fn an_event_in_which_nothing_is_usual_is_read_with_a_complaint_for_each_field() {
    let detail = json!({"version": "1", "event_id": [], "occurred_at": "noon", "org_id": 1, "team_id": {},
                        "severity": "P1", "provider": "openai", "model_group": "", "error_rate": "0.9",
                        "requests": 12.5, "window_s": "5m"});
    let reading = read(ProviderUnhealthy, &detail).unwrap();
    let complaints: Vec<String> = reading.complaints.iter().map(ToString::to_string).collect();
    expect![[r#"
        detail.version: "1" is read as version 1
        detail.event_id: is not a string: taken as "bus-1"
        detail.occurred_at: "noon" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
        detail.org_id: 1 is taken as "1"
        detail.team_id: is not a string: left out
        detail.severity: "P1" is taken as critical
        detail.model_group: is empty: left out
        detail.error_rate: "0.9" is taken as 0.9
        detail.requests: 12.5 is taken as 13
        detail.window_s: "5m" is not a whole number from 0: left out"#]].assert_eq(&complaints.join("\n"));
    expect!["provider openai fails 90.0 % of 13 requests"].assert_eq(&reading.event.to_string());
}
