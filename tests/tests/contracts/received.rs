//! Incidents: what the schemas say of them and what the domain takes.

use std::collections::BTreeSet;

use domain::incident::{Event, EventType, Severity};
use domain::message::Message;
use domain::permission::Directory;
use serde_json::{Value, json};

use super::samples::{bus, files, json as read, malformed, text};
use super::{choices, names, schema, validator};

/// The detail-type at the beginning of a file's name.
fn detail_type(file: &str) -> EventType {
    EventType::ALL
        .into_iter()
        .find(|one| file.starts_with(one.name()))
        .unwrap_or_else(|| panic!("{file} begins with no detail-type"))
}

fn parse(envelope: &Value) -> Result<Event, String> {
    let body = envelope.to_string();
    match Message::parse(&body).map_err(|err| err.to_string())? {
        Message::Incident(delivery) => {
            assert_eq!(delivery.text, body, "an event is kept byte for byte");
            Ok(delivery.event)
        }
        Message::Hint(id) => panic!("{id} is a hint"),
    }
}

#[test]
fn every_sample_passes_its_schema_and_is_read_without_contradiction() {
    let mut seen = BTreeSet::new();
    for (file, envelope) in bus() {
        let expected = detail_type(&file);
        assert_eq!(envelope["detail-type"], expected.name(), "{file}");
        let problems: Vec<String> = validator(expected.name())
            .iter_errors(&envelope["detail"])
            .map(|err| err.to_string())
            .collect();
        assert!(problems.is_empty(), "{file}: {problems:?}");
        let event = parse(&envelope).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        assert_eq!(event.event_type(), expected, "{file}");
        assert_eq!(event.contradiction(), None, "{file}");
        seen.insert(expected);
    }
    assert_eq!(seen.len(), EventType::ALL.len(), "every event has a sample");
}

#[test]
fn every_sample_is_an_event_of_its_own() {
    let ids: BTreeSet<String> = bus()
        .iter()
        .map(|(_, envelope)| envelope["detail"]["event_id"].to_string())
        .collect();
    assert_eq!(ids.len(), bus().len());
}

#[test]
fn every_malformed_sample_is_wrong_in_the_way_that_its_name_says() {
    let mut ways: BTreeSet<(EventType, String)> = BTreeSet::new();
    for (file, envelope) in malformed() {
        let expected = detail_type(&file);
        let way = file.trim_start_matches(expected.name()).trim_start_matches('.');
        let way = way.trim_end_matches(".json").to_owned();
        let valid = validator(expected.name()).is_valid(&envelope["detail"]);
        let parsed = parse(&envelope);
        if way.starts_with("contradiction") {
            assert!(valid, "{file} is well formed");
            let event = parsed.unwrap_or_else(|problem| panic!("{file}: {problem}"));
            assert!(
                event.contradiction().is_some(),
                "{file} says something that is no incident"
            );
        } else {
            assert!(!valid, "{file} passes its schema");
            let problem = parsed.expect_err(&file);
            assert!(
                problem.starts_with("detail."),
                "{file}: the complaint names the field: {problem}"
            );
            let says = match way.as_str() {
                "missing-field" => "is missing",
                "unknown-version" => "is unknown",
                "wrong-type" => " is not a",
                "out-of-range" => "not",
                "unknown-metric" | "unknown-scope" => "not",
                other => panic!("{file}: {other} is a new way to be wrong: say here how it is told"),
            };
            assert!(problem.contains(says), "{file}: {problem}");
        }
        ways.insert((expected, way));
    }
    for event_type in EventType::ALL {
        for way in [
            "missing-field",
            "wrong-type",
            "out-of-range",
            "contradiction",
            "unknown-version",
        ] {
            assert!(
                ways.contains(&(event_type, way.to_owned())),
                "no sample of {} {way}",
                event_type.name()
            );
        }
    }
}

#[test]
fn a_body_that_is_no_json_is_refused_with_a_reason() {
    let body = text("events/bus/malformed/not-json.txt");
    let problem = Message::parse(&body).unwrap_err().to_string();
    assert!(problem.starts_with("message: is not JSON"), "{problem}");
    assert!(files("events/bus/malformed").contains(&"not-json.txt".to_owned()));
}

/// Values that are wrong, odd or at a bound for some field.
fn oddities() -> Vec<Value> {
    let long = |bytes: usize| json!("x".repeat(bytes));
    vec![
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!(" "),
        json!(" x"),
        json!("x\n"),
        json!("a\u{1}b"),
        json!("x"),
        json!("gpt 4o"),
        json!("ünïcode"),
        json!("ü".repeat(128)),
        json!("ü".repeat(129)),
        json!("x\u{a0}"),
        json!("\u{3000}x"),
        json!("x\u{85}y"),
        long(256),
        long(257),
        json!("info"),
        json!("Critical"),
        json!("soft"),
        json!("org"),
        json!("p99"),
        json!("success_rate"),
        json!("yearly"),
        json!("12"),
        json!("12.5"),
        json!("12.1234567"),
        json!("-1.00"),
        json!("1e3"),
        json!("9999999999.999999"),
        json!("10000000000"),
        json!("2026-11-22T10:00:00Z"),
        json!("2026-11-22T10:00:00+02:00"),
        json!("2026-11-22T10:00:00"),
        json!("2026-13-22T10:00:00Z"),
        json!("yesterday"),
        json!(-1),
        json!(0),
        json!(1),
        json!(2),
        json!(0.25),
        json!(1.5),
        json!(300.0),
        json!(1e300),
        json!(86_400),
        json!(86_401),
        json!(86_400_000),
        json!(86_400_001),
        json!(1_000_000_000_000_u64),
        json!(1_000_000_000_001_u64),
        json!(u64::MAX),
    ]
}

/// What JSON Schema has no word for: bytes (it counts characters), and 300.0, which it calls an integer.
fn schema_cannot_say(value: &Value) -> bool {
    let too_long = |text: &str| text.len() > 256 && text.chars().count() <= 256;
    value.as_str().is_some_and(too_long) || *value == json!(300.0)
}

/// What is no complaint though no gateway of ours sends it: budgets of others than teams and organisations.
fn is_taken_silently(field: &str, detail: &Value) -> bool {
    let is_word = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    field == "scope" && detail["scope"].as_str().is_some_and(is_word)
}

#[test]
fn what_the_schemas_take_is_read_without_complaint_and_nothing_else_is() {
    let mut compared = 0;
    let mut differ = Vec::new();
    for (file, envelope) in bus() {
        let event_type = detail_type(&file);
        let validator = validator(event_type.name());
        let mut judge = |what: String, detail: &Value, stricter: bool| {
            compared += 1;
            let (valid, taken) = (
                validator.is_valid(detail),
                Event::read(event_type.name(), detail, None),
            );
            let silent = taken.as_ref().is_ok_and(|reading| reading.complaints.is_empty());
            let agree = valid == silent || (stricter && valid);
            if !agree {
                differ.push(format!(
                    "{file} {what}: the schema says {valid}, the domain {taken:?}"
                ));
            }
        };
        let fields = schema(event_type.name())["properties"]
            .as_object()
            .unwrap()
            .clone();
        for field in fields.keys().map(String::as_str).chain(["unknown"]) {
            let mut without = envelope["detail"].clone();
            without.as_object_mut().unwrap().remove(field);
            judge(format!("without {field}"), &without, false);
            for oddity in oddities() {
                let mut odd = envelope["detail"].clone();
                odd[field] = oddity.clone();
                if !is_taken_silently(field, &odd) {
                    judge(format!("with {field} {oddity}"), &odd, schema_cannot_say(&oddity));
                }
            }
        }
    }
    assert!(compared > 3000, "{compared}");
    assert!(
        differ.is_empty(),
        "{} of {compared}:\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[test]
fn the_choices_of_the_schemas_are_those_of_the_domain() {
    for event_type in EventType::ALL {
        let properties = &schema(event_type.name())["properties"];
        let severities = [Severity::Info, Severity::Warning, Severity::Critical].map(Severity::name);
        assert_eq!(
            choices(&properties["severity"]),
            names(severities),
            "{}",
            event_type.name()
        );
        assert_eq!(properties["version"]["const"], domain::incident::VERSION);
    }
    let budget = &schema("budget.exceeded")["properties"];
    assert_eq!(choices(&budget["kind"]), names(["soft", "hard"]));
    assert_eq!(choices(&budget["scope"]), names(["team", "org"]));
    assert_eq!(choices(&budget["period"]), names(["daily", "weekly", "monthly"]));
    let metrics = &schema("sla.violation")["properties"]["metric"];
    assert_eq!(choices(metrics), names(["p95", "p99", "success_rate"]));
    // The descriptions tell senders when an event fires.
    let says = |name: &str, what: &str| {
        let description = schema(name)["description"].as_str().unwrap().to_owned();
        assert!(description.contains(what), "{name}: {description}");
    };
    assert_eq!(domain::incident::UNHEALTHY_ABOVE.0, 250_000);
    says("provider.unhealthy", "above an error rate of 0.25");
    says(
        "provider.unhealthy",
        &format!("at least {} requests", domain::incident::UNHEALTHY_REQUESTS),
    );
    assert_eq!(domain::incident::SPIKE_FACTOR, 3);
    says("latency.spike", "above three times");
}

#[test]
fn the_sample_directory_passes_its_schema_and_is_read() {
    let text = text("events/operators.json");
    assert!(validator("operators").is_valid(&read("events/operators.json")));
    let directory = Directory::parse(&text).unwrap();
    let ada = directory
        .by_slack(testkit::slack::TEAM, testkit::slack::ADA)
        .unwrap();
    assert!(ada.active && !ada.bot);
    assert!(directory.by_slack("T0000000000", testkit::slack::ADA).is_none());
}

#[test]
fn what_the_directory_cannot_be_read_without_the_schema_asks_for() {
    let sample = read("events/operators.json");
    let validator = validator("operators");
    for field in ["id", "name", "active", "bot", "groups", "slack", "email"] {
        for change in [None, Some(json!(7)), Some(Value::Null)] {
            let mut directory = sample.clone();
            let operator = directory["operators"][0].as_object_mut().unwrap();
            match &change {
                None => operator.remove(field),
                Some(value) => operator.insert(field.to_owned(), value.clone()),
            };
            let (valid, read) = (
                validator.is_valid(&directory),
                Directory::parse(&directory.to_string()),
            );
            assert_eq!(valid, read.is_ok(), "{field} {change:?}: {read:?}");
        }
    }
}
