//! What Lambda hands to the functions: the samples for `cargo lambda invoke`.

use aws_lambda_events::event::sqs::SqsEvent;
use domain::message::Message;
use domain::value::Timestamp;
use runtime::http::HttpRequest;
use serde_json::Value;
use testkit::sample;

use super::samples::{bus, json, lambda};

/// The secret that signs the sample clicks, as `events/README.md` says.
const SIGNING_SECRET: &str = "sample-signing-secret";

fn function(file: &str) -> &str {
    file.split('.').next().unwrap()
}

#[test]
fn every_function_has_a_sample_and_every_sample_its_function() {
    let mut sampled: Vec<String> = lambda()
        .iter()
        .map(|(file, _)| function(file).to_owned())
        .collect();
    sampled.dedup();
    assert_eq!(
        sampled,
        [
            "approval-callback",
            "execution",
            "housekeeping",
            "ingest-and-propose",
            "notification",
            "outbox",
            "scoring"
        ]
    );
}

#[test]
fn queue_samples_hold_messages_that_are_read() {
    let opened = sample::proposal_of(&sample::event(
        &json("events/bus/provider.unhealthy.json").to_string(),
    ));
    let mut read = 0;
    for (file, event) in lambda() {
        if event["Records"][0]["eventSource"] != "aws:sqs" {
            continue;
        }
        let event: SqsEvent = serde_json::from_value(event).unwrap();
        assert!(!event.records.is_empty(), "{file}");
        for message in event.records {
            let body = message.body.unwrap();
            let of_queue = message.event_source_arn.unwrap();
            match Message::parse(&body) {
                Ok(Message::Hint(id)) => assert_eq!(id, opened, "{file}"),
                Ok(Message::Incident(_)) => assert!(of_queue.ends_with("-ingest"), "{file}"),
                Err(problem) => assert!(file.contains(".batch."), "{file}: {problem}"),
            }
            if let Some(queue) = file
                .strip_prefix("execution.")
                .and_then(|rest| rest.strip_suffix(".json"))
            {
                let queue = if queue == "hint" { "execution" } else { queue };
                assert!(of_queue.ends_with(&format!("-{queue}")), "{file}: {of_queue}");
            }
        }
        read += 1;
    }
    assert_eq!(read, 12, "samples of queues");
}

#[test]
fn the_ingest_sample_is_the_bus_sample() {
    let event: SqsEvent = serde_json::from_value(json("events/lambda/ingest-and-propose.json")).unwrap();
    let body: Value = serde_json::from_str(event.records[0].body.as_deref().unwrap()).unwrap();
    assert!(
        bus()
            .iter()
            .any(|(file, sample)| file == "provider.unhealthy.json" && *sample == body)
    );
}

#[test]
fn the_stream_sample_is_a_batch_of_the_outbox() {
    let batch: outbox::stream::Batch = serde_json::from_value(json("events/lambda/outbox.json")).unwrap();
    let shown = format!("{batch:?}");
    assert!(shown.contains("proposal/gnr4sqzfryd4gg3mhvufxxmnmg-1"), "{shown}");
}

/// A request as the function reads it.
fn request(file: &str) -> HttpRequest {
    HttpRequest::read(&json(&format!("events/lambda/{file}"))).unwrap()
}

#[tokio::test]
async fn the_sample_clicks_are_signed_plain_and_in_base64() {
    use approval_callback::slack::{Distrust, Interaction, Trust};

    let trust = Trust {
        secret: &testkit::FixedCredential::new(SIGNING_SECRET),
        app: testkit::slack::APP.to_owned(),
        teams: vec![testkit::slack::TEAM.to_owned()],
    };
    let signed_at: Timestamp = "2026-11-22T10:00:10Z".parse().unwrap();
    for file in [
        "approval-callback.slack.json",
        "approval-callback.slack-plain.json",
    ] {
        let request = request(file);
        assert_eq!(trust.verify(&request, signed_at).await, Ok(()), "{file}");
        let later = signed_at.plus_seconds(301);
        assert_eq!(
            trust.verify(&request, later).await,
            Err(Distrust::Skewed),
            "{file}"
        );
        let Interaction::Clicked(click) = Interaction::parse(&request.body).unwrap() else {
            panic!("{file} is no click");
        };
        assert_eq!(trust.knows(&click.sender), Ok(()), "{file}");
        assert_eq!(click.sender.user, testkit::slack::ADA, "{file}");
    }
}
