//! Each action: its JSON, its bounds, what justifies it, what it would do, and what would be less of it.

mod bounds;
mod previews;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::incident::EventType;
use crate::inventory::Setting;
use crate::samples::*;
use crate::value::{Deployment, Micros, Ppm};

/// One of each, as in the documents, with an event that justifies it.
fn each() -> Vec<(Value, Event)> {
    vec![
        (
            json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}),
            unhealthy(),
        ),
        (
            json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
            event("latency.spike", json!({"model_group": "chat"})),
        ),
        (
            json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20, "tpm_percent": 20}),
            event("budget.exceeded", json!({})),
        ),
        (
            json!({"action": "page_oncall", "severity": "critical", "summary": "openai fails"}),
            unhealthy(),
        ),
        (
            json!({"action": "disable_guardrail", "guardrail": "pii"}),
            event("latency.spike", json!({"guardrail": "pii"})),
        ),
        (
            json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "1200.00"}),
            event("budget.exceeded", json!({})),
        ),
        (
            json!({"action": "disable_sla_contract", "sla_id": "gold"}),
            event("sla.violation", json!({})),
        ),
    ]
}

/// The forms of [`each`], in order.
fn forms() -> [Value; 7] {
    let forms: Vec<Value> = each().into_iter().map(|(form, _)| form).collect();
    forms.try_into().unwrap()
}

/// The form with one field set, or removed where it is null.
fn with(form: &Value, field: &str, value: Value) -> Action {
    let mut form = form.clone();
    if value.is_null() {
        form.as_object_mut().unwrap().remove(field);
    } else {
        form[field] = value;
    }
    action(form)
}

/// What an action would do on the sample gateway for an event, or the complaints.
fn check(action: &Action, event: &Event, inventory: &Inventory, expected: &Expect) {
    let text = match action.check(event, Some(inventory), &Deployment::default().limits) {
        Ok(preview) => {
            let mut lines = vec![action.to_string()];
            lines.extend(preview.plan.changes.iter().map(|change| format!("  {change}")));
            lines.extend(
                preview
                    .plan
                    .page
                    .iter()
                    .map(|page| format!("  page: {} {}", page.severity.name(), page.summary)),
            );
            let claims: Vec<String> = preview.plan.claims.iter().map(ToString::to_string).collect();
            if !claims.is_empty() {
                lines.push(format!("  holds: {}", claims.join(", ")));
            }
            lines.extend(preview.impact.iter().map(|impact| format!("  impact: {impact}")));
            lines.push(format!(
                "  undo: {}",
                serde_json::to_string(&preview.undo).unwrap()
            ));
            lines.join("\n")
        }
        Err(complaints) => {
            let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            complaints.join("; ")
        }
    };
    expected.assert_eq(&text);
}

/// The complaint about an action on the sample gateway, for the event that suits its kind.
fn complaint(form: Value, expected: &Expect) {
    let action = action(form);
    let (_, event) = each()
        .into_iter()
        .find(|(form, _)| form["action"] == action.kind().name())
        .unwrap();
    check(&action, &event, &inventory(), expected);
}

#[test]
fn the_table_of_actions() {
    let table: String = each()
        .iter()
        .map(|(form, event)| {
            let action = action(form.clone());
            let preview = action.preview(&inventory()).unwrap();
            assert!(
                action
                    .check(event, Some(&inventory()), &Deployment::default().limits)
                    .is_ok()
            );
            let undo = match preview.undo {
                Undo::Restore { .. } => "restored on time",
                Undo::OnDemand => "on demand",
                Undo::OneShot => "one-shot",
            };
            let kind = action.kind();
            format!(
                "{:23} baseline {:2}, floor {:2}, undo {undo}\n",
                kind.name(),
                kind.baseline(),
                kind.floor()
            )
        })
        .collect();
    expect![[r#"
        circuit_break_provider  baseline 15, floor  5, undo restored on time
        reroute_model_group     baseline 25, floor 10, undo on demand
        raise_rate_limit        baseline 30, floor 20, undo on demand
        page_oncall             baseline 35, floor 10, undo one-shot
        disable_guardrail       baseline 60, floor 50, undo on demand
        bump_budget_cap         baseline 75, floor 65, undo on demand
        disable_sla_contract    baseline 85, floor 75, undo on demand
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_json_of_each_action_is_as_documented_and_reads_back() {
    let kinds: Vec<ActionKind> = each()
        .into_iter()
        .map(|(form, _)| {
            let action = action(form.clone());
            assert_eq!(serde_json::to_value(&action).unwrap(), form);
            let preview = action.preview(&inventory()).unwrap();
            let stored = serde_json::to_string(&preview).unwrap();
            assert_eq!(serde_json::from_str::<Preview>(&stored).unwrap(), preview);
            assert_eq!(action.kind().name().parse(), Ok(action.kind()));
            action.kind()
        })
        .collect();
    assert_eq!(kinds, ActionKind::ALL);
    let half = json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20});
    assert_eq!(serde_json::to_value(action(half.clone())).unwrap(), half);
    let org =
        json!({"action": "bump_budget_cap", "scope": "org", "scope_id": "acme", "hard_cap": "0.000001"});
    assert_eq!(serde_json::to_value(action(org.clone())).unwrap(), org);
    for bad in [
        json!({"action": "drop_database"}),
        json!({"action": "circuit_break_provider", "provider": "openai"}),
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": -1}),
        json!({"action": "circuit_break_provider", "provider": "", "duration_s": 30}),
        json!({"action": "bump_budget_cap", "scope": "planet", "scope_id": "x", "hard_cap": "1"}),
        json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "x", "hard_cap": 1}),
    ] {
        assert!(serde_json::from_value::<Action>(bad.clone()).is_err(), "{bad}");
    }
    assert!("reboot".parse::<ActionKind>().is_err());
}
