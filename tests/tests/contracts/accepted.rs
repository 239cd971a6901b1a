//! What the page about events says is taken, against the reader; and the samples of what is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use domain::incident::{Event, EventType, Malformed, Reading};
use domain::message::Message;
use expect_test::expect;
use serde_json::{Value, json};

use super::samples::{bus, tolerated};
use super::{schema, validator};

const PAGE: &str = include_str!("../../../infra/docs/events.md");

/// One example of the page: a value in a field, and what is said of it.
#[derive(Debug)]
struct Example {
    event_type: EventType,
    field: String,
    metric: Option<Value>,
    /// `null` stands for a field that is absent.
    value: Value,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Usual,
    Taken,
    Refused,
}

/// The code in a text.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn value(code: &str) -> Value {
    match code {
        "absent" => Value::Null,
        json => serde_json::from_str(json).unwrap_or_else(|err| panic!("{json} is no JSON: {err}")),
    }
}

/// Every example of the page. What it says of every event is tried with each.
fn examples() -> Vec<Example> {
    let mut examples = Vec::new();
    for section in PAGE.split("\n## ").skip(1) {
        let heading = section.lines().next().unwrap();
        let about = match heading {
            "Every event" => EventType::ALL.to_vec(),
            name => vec![name.parse::<EventType>().unwrap()],
        };
        for row in section.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
            let [first, cells @ ..] = cells.as_slice() else {
                panic!("{row}")
            };
            assert_eq!(cells.len(), 3, "{row}");
            let named = code(first);
            let metric = named.get(2).map(|metric| value(metric));
            for (cell, fate) in cells.iter().zip([Fate::Usual, Fate::Taken, Fate::Refused]) {
                for (event_type, code) in about
                    .iter()
                    .flat_map(|one| code(cell).into_iter().map(|code| (*one, code)))
                {
                    examples.push(Example {
                        event_type,
                        field: named[0].to_owned(),
                        metric: metric.clone(),
                        value: value(code),
                        fate,
                    });
                }
            }
        }
    }
    examples
}

/// The sample of a type with the example in it.
fn with(example: &Example) -> Value {
    let (_, sample) = bus()
        .into_iter()
        .find(|(file, _)| file.starts_with(example.event_type.name()) && !file.contains("success-rate"))
        .unwrap();
    let mut detail = sample["detail"].clone();
    if let Some(metric) = &example.metric {
        detail["metric"] = metric.clone();
        detail["target"] = json!(0.99);
    }
    let fields = detail.as_object_mut().unwrap();
    match &example.value {
        Value::Null => fields.remove(&example.field),
        value => fields.insert(example.field.clone(), value.clone()),
    };
    detail
}

fn read(event_type: EventType, detail: &Value) -> Result<Reading, Malformed> {
    Event::read(event_type.name(), detail, Some("bus-1"))
}

#[test]
fn every_row_of_the_page_is_what_the_reader_does() {
    let mut wrong = Vec::new();
    let examples = examples();
    assert!(examples.len() > 200, "{}", examples.len());
    for example in &examples {
        let detail = with(example);
        let field = format!("detail.{}", example.field);
        let fate = match read(example.event_type, &detail) {
            Ok(reading) => match reading.complaints.as_slice() {
                [] => Some(Fate::Usual),
                [only] if only.field == field => Some(Fate::Taken),
                _ => None,
            },
            Err(refused) if refused.field == field => Some(Fate::Refused),
            Err(_) => None,
        };
        if fate != Some(example.fate) {
            wrong.push(format!("{example:?}: {:?}", read(example.event_type, &detail)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_page_has_a_row_for_each_field_of_the_schemas() {
    let mut named: BTreeMap<EventType, BTreeSet<String>> = BTreeMap::new();
    for example in examples() {
        named.entry(example.event_type).or_default().insert(example.field);
    }
    for event_type in EventType::ALL {
        let schema = schema(event_type.name());
        let fields = schema["properties"].as_object().unwrap().keys().cloned();
        assert_eq!(named[&event_type], fields.collect(), "{}", event_type.name());
    }
}

#[test]
fn every_tolerated_sample_is_read_and_says_how() {
    let mut table = String::new();
    for (file, envelope) in tolerated() {
        let Ok(Message::Incident(reported)) = Message::parse(&envelope.to_string()) else {
            panic!("{file} is refused")
        };
        let name = reported.event.event_type().name();
        assert!(file.starts_with(name), "{file}");
        assert!(
            !validator(name).is_valid(&envelope["detail"]),
            "{file} passes its schema"
        );
        assert_eq!(reported.event.contradiction(), None, "{file}");
        writeln!(table, "{file}: {}", reported.event).unwrap();
        for complaint in &reported.complaints {
            writeln!(table, "    {complaint}").unwrap();
        }
    }
    expect![[r#"
        budget.exceeded.float-dust.json: team payments spent 104.37 USD of its hard limit of 100.00 USD
            detail.spend: "104.3700000000000001" is taken as 104.37 USD
        budget.exceeded.key.json: key 88dc28d0f030c55e of team payments spent 11.20 USD of its hard limit of 10.00 USD
        budget.exceeded.negative-limit.json: team payments spent 0.42 USD of its hard limit of 0.00 USD
            detail.spend: 0.42 is taken as 0.42 USD
            detail.limit: -1 is taken as 0.00 USD
        budget.exceeded.no-period.json: team payments spent 104.37 USD of its hard limit of 100.00 USD
            detail.period: is missing: left out
        budget.exceeded.numbers.json: team payments spent 104.37 USD of its hard limit of 100.00 USD
            detail.spend: 104.37 is taken as 104.37 USD
            detail.limit: 100 is taken as 100.00 USD
        budget.exceeded.period-as-days.json: team payments spent 104.37 USD of its hard limit of 100.00 USD
            detail.period: "30d" is taken as monthly
        latency.spike.fractions.json: provider openai takes 731205 ms, 413 ms is its one-hour median
            detail.current_ms: 731204.61 is taken as 731205
            detail.median_1h_ms: 412.7 is taken as 413
        provider.unhealthy.float-dust.json: provider openai fails 100.0 % of 180 requests in 300 s
            detail.error_rate: 1.0000000000000002 is taken as 1
            detail.requests: 179.99999999999997 is taken as 180
        provider.unhealthy.long-group.json: provider openai fails 62.0 % of 180 requests in 300 s
            detail.model_group: is longer than 256 bytes: left out
        provider.unhealthy.no-version.json: provider openai fails 62.0 % of 180 requests in 300 s
            detail.version: is missing: read as version 1
            detail.event_id: is missing: taken as "6a7e8feb-b491-4cf7-a9f1-000000000211"
        provider.unhealthy.no-window.json: provider openai fails 62.0 % of 180 requests
            detail.window_s: is missing: left out
        provider.unhealthy.other-severity.json: provider openai fails 62.0 % of 180 requests in 300 s
            detail.severity: "P1" is taken as critical
        provider.unhealthy.time-without-offset.json: provider openai fails 62.0 % of 180 requests in 300 s
            detail.occurred_at: "2026-11-22T09:59:58.250123" is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z: left out
        sla.violation.as-text.json: contract gold: p95 is 3401 ms, target 2000 ms
            detail.target: "2000" is taken as 2000
            detail.actual: "3400.5" is taken as 3401
            detail.window_s: "5m" is not a whole number from 0: left out
    "#]].assert_eq(&table);
}
