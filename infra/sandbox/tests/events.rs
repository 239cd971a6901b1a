//! Events on the bus, with the real SDK against an endpoint that answers as EventBridge does.

#![expect(clippy::unwrap_used, reason = "the tests' helpers are tests too")]

use std::time::Duration;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryConfig;
use aws_sdk_eventbridge::config::{BehaviorVersion, Credentials, Region};
use sandbox::{Bus, Clock, Injection, Options, Running};
use serde_json::{Value, json};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// 2026-11-22T10:00:00Z.
const START: i64 = 1_795_341_600_000;

/// A sandbox whose openai fails, on a bus at that endpoint. Its clock stands, so its own ticks find
/// nothing that [`Running::detect`] would not.
async fn failing(endpoint: &MockServer, clock: &Clock) -> Running {
    let config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(endpoint.uri())
        .build();
    let (name, source) = ("sre-agent".to_owned(), "llm-gateway".to_owned());
    let bus = Some(Bus {
        client: Client::from_conf(config),
        name,
        source,
    });
    let sandbox = sandbox::spawn(Options {
        clock: clock.clone(),
        bus,
        ..Options::default()
    })
    .await
    .unwrap();
    let provider = "openai".to_owned();
    sandbox
        .inject(Injection::FailProvider {
            provider,
            error_rate: 1.0,
            burst: 100,
        })
        .unwrap();
    sandbox
}

async fn sent(endpoint: &MockServer) -> Vec<Value> {
    let requests = endpoint.received_requests().await.unwrap();
    let bodies = requests
        .iter()
        .map(|request| request.body_json::<Value>().unwrap());
    bodies
        .flat_map(|body| body["Entries"].as_array().unwrap().clone())
        .collect()
}

fn put_events() -> wiremock::MockBuilder {
    Mock::given(method("POST")).and(header("x-amz-target", "AWSEvents.PutEvents"))
}

fn accepted() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}))
}

async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), met).await.unwrap();
}

#[tokio::test]
async fn an_onset_is_one_event_and_a_lasting_condition_another_each_minute() {
    let endpoint = MockServer::start().await;
    put_events().respond_with(accepted()).mount(&endpoint).await;
    let clock = Clock::manual(START);
    let sandbox = failing(&endpoint, &clock).await;
    sandbox.detect().await;
    sandbox.detect().await;
    until(|| sandbox.events().iter().all(|event| event.sent_at.is_some())).await;

    let entries = sent(&endpoint).await;
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = &entries[0];
    let fields = ["EventBusName", "Source", "DetailType"].map(|field| entry[field].as_str().unwrap());
    assert_eq!(fields, ["sre-agent", "llm-gateway", "provider.unhealthy"]);
    let mut detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    let id = detail["event_id"].take();
    assert_eq!(id.as_str().unwrap().len(), 36);
    let requests = detail["requests"].take().as_u64().unwrap();
    assert!((40..100).contains(&requests));
    let expected = json!({
        "version": 1, "event_id": null, "occurred_at": "2026-11-22T10:00:00.000Z", "org_id": "acme",
        "severity": "critical", "provider": "openai", "model_group": "chat", "error_rate": 1.0, "requests": null,
        "window_s": 300,
    });
    assert_eq!(detail, expected);

    clock.advance(Duration::from_secs(60));
    sandbox.detect().await;
    until(|| sandbox.events().len() == 2).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn an_event_the_bus_did_not_take_is_sent_again_under_its_id() {
    let endpoint = MockServer::start().await;
    put_events()
        .respond_with(ResponseTemplate::new(500))
        .up_to_n_times(1)
        .mount(&endpoint)
        .await;
    let throttled = json!({
        "FailedEntryCount": 1,
        "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}],
    });
    put_events()
        .respond_with(ResponseTemplate::new(200).set_body_json(throttled))
        .up_to_n_times(1)
        .mount(&endpoint)
        .await;
    put_events().respond_with(accepted()).mount(&endpoint).await;
    let sandbox = failing(&endpoint, &Clock::manual(START)).await;
    until(|| {
        sandbox
            .events()
            .first()
            .is_some_and(|event| event.sent_at.is_some())
    })
    .await;

    let ids: Vec<_> = sent(&endpoint)
        .await
        .iter()
        .map(|entry| {
            serde_json::from_str::<Value>(entry["Detail"].as_str().unwrap()).unwrap()["event_id"].clone()
        })
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(sandbox.events().len(), 1);
}
