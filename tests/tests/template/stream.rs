//! The trail's stream reaches outbox: for a while again and again, and of it what is told and what was tampered with.

use domain::trail::StreamId;
use serde_json::{Value, json};
use testkit::sample;

use super::delivery::SOURCE;
use super::tree::{Template, target, texts};
use super::{notices, passes};

fn the_stream_retries(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut readers = 0;
    for (id, source) in template.of_type(SOURCE) {
        let source = &source["Properties"];
        if source["EventSourceArn"] != json!({"Fn::GetAtt": ["Trail", "StreamArn"]}) {
            continue;
        }
        readers += 1;
        // -1, the default of both, is for ever: one bad record would stop the shard.
        if !source["MaximumRetryAttempts"]
            .as_u64()
            .is_some_and(|n| (5..=10_000).contains(&n))
        {
            wrong.push(format!("{id} has no finite number of retries"));
        }
        if !source["MaximumRecordAgeInSeconds"]
            .as_u64()
            .is_some_and(|s| (60..86_400).contains(&s))
        {
            wrong.push(format!(
                "{id} keeps on with a record until the stream has lost it"
            ));
        }
        if source["BisectBatchOnFunctionError"] != true {
            wrong.push(format!("{id} does not bisect a batch that fails"));
        }
        if !texts(&source["FunctionResponseTypes"]).contains(&"ReportBatchItemFailures") {
            wrong.push(format!("{id} does not report partial failures"));
        }
        if source["StartingPosition"] != "TRIM_HORIZON" {
            wrong.push(format!("{id} skips what was recorded before it was there"));
        }
        let destination = target(&source["DestinationConfig"]["OnFailure"]["Destination"]);
        if destination.as_deref() != Some("OutboxDeadLetterQueue") {
            wrong.push(format!("{id} has no on-failure destination"));
        }
    }
    if readers == 0 || readers > 2 {
        wrong.push(format!(
            "the trail's stream has {readers} readers; DynamoDB serves two"
        ));
    }
    wrong
}

#[test]
fn the_trails_stream_retries_for_a_while_and_keeps_what_failed() {
    passes(the_stream_retries);
    for (field, value) in [
        ("MaximumRetryAttempts", json!(-1)),
        ("MaximumRecordAgeInSeconds", json!(-1)),
        ("BisectBatchOnFunctionError", json!(false)),
        ("FunctionResponseTypes", json!([])),
        ("DestinationConfig", Value::Null),
    ] {
        notices(the_stream_retries, "OutboxSource", |root| {
            root["Resources"]["OutboxSource"]["Properties"][field] = value;
        });
    }
}

#[test]
fn the_streams_filter_lets_through_what_is_told_and_nothing_else() {
    let template = Template::read();
    let filters = &template.properties("OutboxSource")["FilterCriteria"]["Filters"];
    let pattern: Value = serde_json::from_str(filters[0]["Pattern"].as_str().unwrap()).unwrap();
    // What was changed or removed, of any stream: nobody may, and the function says so.
    let tampering: Value = serde_json::from_str(filters[1]["Pattern"].as_str().unwrap()).unwrap();
    assert_eq!(tampering, json!({"eventName": ["MODIFY", "REMOVE"]}));
    assert_eq!(filters.as_array().unwrap().len(), 2);
    assert_eq!(pattern["eventName"], json!(["INSERT"]));
    let prefixes = pattern["dynamodb"]["Keys"]["stream"]["S"].as_array().unwrap();
    let passes = |stream: &StreamId| {
        let stream = stream.to_string();
        let mut prefixes = prefixes.iter().map(|one| one["prefix"].as_str().unwrap());
        prefixes.any(|prefix| stream.starts_with(prefix))
    };
    let event = sample::provider_unhealthy("openai");
    assert!(passes(&sample::stream_of(&event)));
    assert!(passes(&domain::trail::refusal::stream(sample::now())));
    let others = [
        StreamId::Incident(event.fingerprint()),
        StreamId::Control,
        domain::trail::spend::stream(sample::now()),
    ];
    for other in others {
        assert!(!passes(&other), "{other}");
    }
}
