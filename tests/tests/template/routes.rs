//! The rules' patterns against what is sent and what is announced: each detail-type matched is emitted, and real
//! events take the way that they should.

use std::collections::BTreeSet;

use domain::incident::EventType;
use domain::proposal::{Decision, Kind};
use domain::trail::SOURCE;
use serde_json::{Value, json};

use super::tree::{Template, entries, items, target, texts};
use super::{notices, passes};
use crate::contracts::samples::{bus, outgoing};

const RULE: &str = "AWS::Events::Rule";

/// The rules with a pattern; a schedule has none.
fn patterns(template: &Template) -> Vec<(&str, &Value)> {
    let rules = template.of_type(RULE).into_iter();
    rules
        .map(|(id, rule)| (id, &rule["Properties"]["EventPattern"]))
        .filter(|(_, pattern)| !pattern.is_null())
        .collect()
}

/// The rules for what looks like an incident and no other rule takes.
const STRAYS: [&str; 2] = ["StrayTypeRule", "StraySourceRule"];

/// A known source with an unknown detail-type, or an unknown source with a known one; the agent itself is known.
fn strays_are_the_rest(
    id: &str,
    pattern: &Value,
    incoming: &BTreeSet<String>,
    senders: &Value,
) -> Vec<String> {
    let known: Vec<&str> = EventType::ALL.map(EventType::name).into();
    let sources = json!({"Ref": "EventSources"});
    let and_ours = json!({"Fn::Join": [",", [SOURCE, {"Fn::Join": [",", sources]}]]});
    let others = json!([{"anything-but": {"Fn::Split": [",", and_ours]}}]);
    let (source, detail_type) = match id {
        "StrayTypeRule" => (sources, json!([{ "anything-but": known }])),
        // The bus is for incidents alone: whatever it is called.
        _ => (others, Value::Null),
    };
    let mut wrong = Vec::new();
    for (field, expected) in [
        ("source", &source),
        ("detail-type", &detail_type),
        ("account", senders),
    ] {
        if pattern[field] != *expected {
            wrong.push(format!("{id} does not match what is left over by its {field}"));
        }
    }
    assert_eq!(known.len(), incoming.len());
    wrong
}

fn rules_match_what_is_emitted(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let incoming: BTreeSet<String> = EventType::ALL.map(|one| one.name().to_owned()).into();
    let outgoing: BTreeSet<String> = Kind::ALL.map(|kind| format!("proposal.{kind}")).into();
    let ours = json!([{"Ref": "AWS::AccountId"}]);
    let all = json!({"Fn::Join": [",", [{"Ref": "AWS::AccountId"}, {"Ref": "SenderAccounts"}]]});
    let senders = json!({"Fn::If": ["HasSenderAccounts", {"Fn::Split": [",", all]}, ours]});
    for (id, pattern) in patterns(template) {
        if STRAYS.contains(&id) {
            wrong.extend(strays_are_the_rest(id, pattern, &incoming, &senders));
            continue;
        }
        let matched: BTreeSet<String> = texts(&pattern["detail-type"])
            .into_iter()
            .map(str::to_owned)
            .collect();
        if target(&template.properties(id)["EventBusName"]).as_deref() != Some("IncidentBus") {
            wrong.push(format!("{id} listens to another bus"));
        }
        if pattern["source"] == json!([SOURCE]) {
            wrong.extend(
                matched
                    .difference(&outgoing)
                    .map(|kind| format!("{id} matches {kind}, which nobody emits")),
            );
            if pattern["account"] != ours {
                wrong.push(format!("{id} takes the agent's events from other accounts"));
            }
        } else {
            wrong.extend(
                matched
                    .symmetric_difference(&incoming)
                    .map(|kind| format!("{id}: {kind} is matched or known, but not both")),
            );
            if pattern["source"] != json!({"Ref": "EventSources"}) || pattern["account"] != senders {
                wrong.push(format!("{id} does not match the allowed sources and accounts"));
            }
        }
        if matched.is_empty() {
            wrong.push(format!("{id} matches every detail-type"));
        }
        let decisions = texts(&pattern["detail"]["summary"]["decision"]);
        let known = [Decision::Gate, Decision::Auto, Decision::Shadow].map(Decision::name);
        if decisions.iter().any(|decision| !known.contains(decision)) {
            wrong.push(format!("{id} matches a decision that does not exist"));
        }
    }
    wrong
}

#[test]
fn each_detail_type_that_a_rule_matches_is_emitted() {
    passes(rules_match_what_is_emitted);
    let pattern = |root: &mut Value, rule: &str, field: &str, value: Value| {
        root["Resources"][rule]["Properties"]["EventPattern"][field] = value;
    };
    notices(rules_match_what_is_emitted, "proposal.scheduled", |root| {
        pattern(root, "ScoringRule", "detail-type", json!(["proposal.scheduled"]));
    });
    notices(rules_match_what_is_emitted, "latency.spike", |root| {
        pattern(root, "IncidentRule", "detail-type", json!(["provider.unhealthy"]));
    });
    notices(rules_match_what_is_emitted, "IncidentRule", |root| {
        pattern(root, "IncidentRule", "source", json!(["sre_agent"]));
    });
    notices(rules_match_what_is_emitted, "StraySourceRule", |root| {
        pattern(
            root,
            "StraySourceRule",
            "source",
            json!([{"anything-but": {"Ref": "EventSources"}}]),
        );
    });
    notices(rules_match_what_is_emitted, "StrayTypeRule", |root| {
        pattern(
            root,
            "StrayTypeRule",
            "detail-type",
            json!([{"anything-but": ["latency.spike"]}]),
        );
    });
    notices(rules_match_what_is_emitted, "ExecutionApprovedRule", |root| {
        pattern(root, "ExecutionApprovedRule", "account", json!(["123456789012"]));
    });
    notices(rules_match_what_is_emitted, "ExecutionAutomaticRule", |root| {
        pattern(
            root,
            "ExecutionAutomaticRule",
            "detail",
            json!({"summary": {"decision": ["automatic"]}}),
        );
    });
}

/// EventBridge's matching, as much of it as the rules use: nested objects, lists of texts, and anything but some.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>
fn matches(pattern: &Value, event: &Value) -> bool {
    let fits = |wanted: &Value, value: &Value| match wanted.get("anything-but") {
        Some(but) => !value.is_null() && !items(but).contains(&value),
        None => wanted == value,
    };
    entries(pattern).all(|(name, wanted)| match wanted {
        Value::Array(values) => values.iter().any(|one| fits(one, &event[name])),
        nested => event[name].is_object() && matches(nested, &event[name]),
    })
}

/// The queues to which an event goes, parameters at their defaults, in its own account.
fn queues_for(template: &Template, event: &Value) -> BTreeSet<String> {
    let mut queues = BTreeSet::new();
    for (id, pattern) in patterns(template) {
        let mut pattern = pattern.clone();
        pattern["account"] = json!([event["account"]]);
        let sources = template.text(&json!({"Ref": "EventSources"})).unwrap();
        if pattern["source"].is_object() {
            pattern["source"] = json!([sources]);
        }
        if !pattern["source"][0]["anything-but"].is_null() {
            pattern["source"] = json!([{"anything-but": [SOURCE, sources]}]);
        }
        if matches(&pattern, event) {
            queues.extend(
                items(&template.properties(id)["Targets"])
                    .into_iter()
                    .filter_map(|one| target(&one["Arn"])),
            );
        }
    }
    queues
}

#[test]
fn every_sample_incident_goes_to_ingest_and_nowhere_else() {
    let template = Template::read();
    for (name, event) in bus() {
        assert_eq!(
            queues_for(&template, &event),
            BTreeSet::from(["IngestQueue".to_owned()]),
            "{name}"
        );
        let mut foreign = event.clone();
        foreign["source"] = json!("somebody");
        let strays = BTreeSet::from(["StraysDeadLetterQueue".to_owned()]);
        assert_eq!(
            queues_for(&template, &foreign),
            strays,
            "{name} of another source"
        );
        let mut unknown = event.clone();
        unknown["detail-type"] = json!("provider.unhealty");
        assert_eq!(queues_for(&template, &unknown), strays, "{name} misspelt");
        foreign["detail-type"] = json!("order.placed");
        assert_eq!(
            queues_for(&template, &foreign),
            strays,
            "neither source nor type is known"
        );
    }
}

#[test]
fn announcements_wake_the_function_whose_turn_it_is() {
    let template = Template::read();
    let (_, sample) = outgoing().pop().unwrap();
    for kind in Kind::ALL {
        let decisions = [
            None,
            Some(Decision::Gate),
            Some(Decision::Auto),
            Some(Decision::Shadow),
        ];
        let states = ["proposed", "awaiting_approval"];
        for (decision, state) in decisions.iter().flat_map(|one| states.map(|state| (*one, state))) {
            let mut event = sample.clone();
            event["detail-type"] = json!(format!("proposal.{kind}"));
            event["detail"]["kind"] = json!(kind);
            event["detail"]["summary"]["decision"] = json!(decision);
            event["detail"]["summary"]["state"] = json!(state);
            let expected = match (kind, decision) {
                (Kind::Proposed | Kind::Amended | Kind::Expired | Kind::Repeated, _) => {
                    (state == "proposed").then_some("ScoringQueue")
                }
                (Kind::Approved | Kind::UndoApproved, _) => Some("ExecutionQueue"),
                (Kind::Scored, Some(Decision::Auto)) => Some("ExecutionQueue"),
                _ => None,
            };
            let woken: Vec<String> = queues_for(&template, &event).into_iter().collect();
            assert_eq!(
                woken,
                expected.into_iter().collect::<Vec<_>>(),
                "{kind} {decision:?}"
            );
        }
    }
}
