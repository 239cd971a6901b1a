//! Events that somebody else had a hand in: a corpus of injection texts, and every place of an event that can
//! hold one.
//!
//! Whatever shows an event to somebody, or hands it to a model, is tested with these: no text may have a meaning
//! there, and none may change what can be executed.

use std::fmt;

use domain::incident::EventType;
use domain::inventory::Inventory;
use serde_json::{Value, json};

use crate::sample;

/// One text that wants to be more than a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injection {
    /// What it counts on: `role-spoofing`, `csv`, `terminal`, …
    pub family: String,
    /// Its name, unique in its family.
    pub name: String,
    /// The text itself.
    pub text: String,
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.family, self.name)
    }
}

/// The corpus, `events/hostile/injections.json`. All of it is our own, and harmless to whom reads it.
pub fn injections() -> Vec<Injection> {
    let corpus: Vec<Value> =
        serde_json::from_str(include_str!("../../../events/hostile/injections.json")).unwrap();
    let injection = |entry: Value| {
        let text = |field: &str| entry[field].as_str().unwrap().to_owned();
        // Long texts are written down once.
        let times = entry.get("repeat").map_or(1, |times| times.as_u64().unwrap());
        Injection {
            family: text("family"),
            name: text("name"),
            text: text("text").repeat(usize::try_from(times).unwrap()),
        }
    };
    corpus.into_iter().map(injection).collect()
}

/// Where in a bus event a text can stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The value of a field, as a JSON pointer: `/detail/provider`.
    Value(String),
    /// The name of a field that nobody knows, in the object at a JSON pointer.
    Name(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Value(pointer) => f.write_str(pointer),
            Place::Name(pointer) => write!(f, "{pointer}/<name>"),
        }
    }
}

/// Every place of an event that can hold a text: each field of the envelope and of `detail`, be it a number, free text
/// that this version does not read, at the top and deep inside, and the name of an unknown field.
pub fn places(event_type: EventType) -> Vec<Place> {
    let mut places = Vec::new();
    strings(&event(event_type), String::new(), &mut places);
    places.push(Place::Name("/detail".to_owned()));
    places.push(Place::Name("/detail/labels".to_owned()));
    places
}

fn strings(value: &Value, pointer: String, places: &mut Vec<Place>) {
    match value {
        // A sender that is not what it should be writes text where a number belongs.
        Value::String(_) | Value::Bool(_) | Value::Number(_) => places.push(Place::Value(pointer)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                strings(item, format!("{pointer}/{at}"), places);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                strings(field, format!("{pointer}/{name}"), places);
            }
        }
        Value::Null => {}
    }
}

/// An event as a queue delivers it, with a text in one place. In any other respect it is the sample event of
/// its type, with every optional field.
pub fn event_with(event_type: EventType, place: &Place, text: &str) -> String {
    let mut event = event(event_type);
    match place {
        Place::Value(pointer) => *event.pointer_mut(pointer).unwrap() = json!(text),
        Place::Name(pointer) => event.pointer_mut(pointer).unwrap()[text] = json!("x"),
    }
    event.to_string()
}

/// The gateway that confirms the sample event of a type.
pub fn inventory(event_type: EventType) -> Inventory {
    match event_type {
        EventType::ProviderUnhealthy => sample::inventory_with_unhealthy("openai"),
        EventType::BudgetExceeded => sample::inventory_with_spent_budget("payments"),
        EventType::SlaViolation => sample::inventory_with_violation("gold"),
        EventType::LatencySpike => sample::inventory_with_spike("openai"),
    }
}

fn event(event_type: EventType) -> Value {
    let text = match event_type {
        EventType::ProviderUnhealthy => sample::provider_unhealthy_text("openai"),
        EventType::BudgetExceeded => sample::budget_exceeded_text("payments"),
        EventType::SlaViolation => sample::sla_violation_text("gold"),
        EventType::LatencySpike => sample::latency_spike_text("openai"),
    };
    let mut event: Value = serde_json::from_str(&text).unwrap();
    event["resources"] = json!(["arn:aws:llm-gateway:acme"]);
    let detail = &mut event["detail"];
    detail["team_id"] = json!("payments");
    if matches!(event_type, EventType::SlaViolation | EventType::LatencySpike) {
        detail["guardrail"] = json!("pii");
    }
    detail["note"] = json!("seen by the gateway");
    detail["message"] = json!("the gateway says so");
    detail["summary"] = json!("something is wrong");
    detail["labels"] = json!({"reason": "unknown", "runbook": "see the wiki"});
    detail["history"] = json!([{"comment": "it was worse yesterday", "by": {"name": "someone"}}]);
    event
}
