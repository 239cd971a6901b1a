use std::time::Duration;

use adapters::{DeadLetter, EventBus, PayloadBucket, SnsTopic, SqsQueue};
use domain::action::ActionKind;
use domain::incident::{EventType, Severity};
use domain::message::Message;
use domain::ports::{Bus, Payloads, Queue, Topic};
use domain::proposal::Kind;
use domain::telling::{Announcement, Concern, Summary, Urgency};
use domain::value::{Digest, OrgId, TeamId};
use serde_json::{Value, json};
use testkit::{Proxy, sample};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A server that answers everything alike, behind the functions' own configuration.
pub(crate) async fn answering(reply: ResponseTemplate) -> (MockServer, Proxy) {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(reply)
        .mount(&server)
        .await;
    let proxy = Proxy::to(&server.address().to_string()).await;
    (server, proxy)
}

pub(crate) async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| request.body_json().unwrap())
        .collect()
}

fn announcement(seq: u64) -> Announcement {
    Announcement {
        version: 1,
        proposal: sample::proposal_of(&sample::budget_exceeded("payments")),
        seq,
        kind: Kind::Scored,
        digest: Digest::of(b"record"),
        at: sample::now(),
        summary: Summary {
            worse: false,
            state: "awaiting_approval".to_owned(),
            event_type: EventType::BudgetExceeded,
            org_id: OrgId::new("acme").unwrap(),
            team_id: Some(TeamId::new("payments").unwrap()),
            severity: Severity::Critical,
            action: Some(ActionKind::BumpBudgetCap),
            risk_score: Some(75),
            decision: None,
            declined: None,
            verified: None,
        },
    }
}

#[tokio::test]
async fn announcements_go_to_the_bus_in_tens() {
    let reply = ResponseTemplate::new(200).set_body_json(json!({"FailedEntryCount": 0, "Entries": []}));
    let (server, proxy) = answering(reply).await;
    let announcements: Vec<Announcement> = (1..=21).map(announcement).collect();
    EventBus::new(proxy.config(), "incidents")
        .publish(&announcements)
        .await
        .unwrap();
    let bodies = bodies(&server).await;
    let entries = |body: &Value| body["Entries"].as_array().unwrap().len();
    assert_eq!(bodies.iter().map(entries).collect::<Vec<_>>(), [10, 10, 1]);
    let first = &bodies[0]["Entries"][0];
    assert_eq!(first["Source"], "sre-agent");
    assert_eq!(first["DetailType"], "proposal.scored");
    assert_eq!(first["EventBusName"], "incidents");
    let detail: Announcement = serde_json::from_str(first["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail, announcements[0]);
}

#[tokio::test]
async fn an_event_that_the_bus_refuses_is_an_error() {
    let reply =
        json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}, {"EventId": "1"}]});
    let (_server, proxy) = answering(ResponseTemplate::new(200).set_body_json(reply)).await;
    let bus = EventBus::new(proxy.config(), "incidents");
    let refused = bus
        .publish(&[announcement(1), announcement(2)])
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "EventBridge is unavailable: 1 of 2 events were refused: ThrottlingException"
    );
}

#[tokio::test]
async fn a_hint_is_a_message_that_waits() {
    let (server, proxy) =
        answering(ResponseTemplate::new(200).set_body_json(json!({"MessageId": "1"}))).await;
    let proposal = announcement(1).proposal;
    let queue = SqsQueue::new(proxy.config(), "http://sqs/1/restore");
    queue
        .hint(&proposal, Duration::from_millis(299_001))
        .await
        .unwrap();
    let sent = &bodies(&server).await[0];
    assert_eq!(sent["QueueUrl"], "http://sqs/1/restore");
    assert_eq!(sent["DelaySeconds"], 300);
    assert_eq!(
        Message::parse(sent["MessageBody"].as_str().unwrap()).unwrap(),
        Message::Hint(proposal)
    );
}

#[tokio::test]
async fn a_dead_letter_says_why() {
    let (server, proxy) =
        answering(ResponseTemplate::new(200).set_body_json(json!({"MessageId": "1"}))).await;
    let letter = DeadLetter {
        body: "<not json>",
        reason: "message: is not JSON\n",
        function: "scoring",
        failed_at: sample::now(),
    };
    SqsQueue::new(proxy.config(), "http://sqs/1/scoring-dlq")
        .dead_letter(letter)
        .await
        .unwrap();
    let sent = &bodies(&server).await[0];
    assert_eq!(sent["MessageBody"], "<not json>");
    let string = |value: &str| json!({"DataType": "String", "StringValue": value});
    assert_eq!(
        sent["MessageAttributes"],
        json!({"reason": string("message: is not JSON"), "function": string("scoring"),
               "failed_at": string("2026-11-22T10:00:00.000Z")})
    );
}

#[tokio::test]
async fn the_topic_gets_what_filters_need_and_nothing_empty() {
    let reply = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
    let (server, proxy) = answering(ResponseTemplate::new(200).set_body_raw(reply, "text/xml")).await;
    let topic = SnsTopic::new(proxy.config(), "arn:aws:sns:us-east-1:1:approvals");
    let concern = Concern {
        urgency: Urgency::Decide,
        reason: "a proposal waits for approval",
        text: "openai fails".to_owned(),
        link: Some("https://pages.example/p".to_owned()),
    };
    topic.tell(&announcement(3), concern.clone()).await.unwrap();
    let mut anonymous = announcement(3);
    anonymous.summary.team_id = None;
    topic.tell(&anonymous, concern.with_link(None)).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let form = |at: usize| String::from_utf8(requests[at].body.clone()).unwrap();
    let links = [0, 1].map(|at| form(at).contains("link%22%3A%22https%3A%2F%2Fpages.example%2Fp%22"));
    assert_eq!(links, [true, false], "{}", form(0));
    for attribute in ["urgency", "kind", "action", "team", "severity"] {
        assert!(form(0).contains(&format!(".Name={attribute}")), "{}", form(0));
    }
    assert!(
        form(0).contains("reason%22%3A%22a%20proposal%20waits"),
        "{}",
        form(0)
    );
    assert!(!form(1).contains(".Name=team"), "{}", form(1));
}

#[tokio::test]
async fn a_payload_is_stored_once_under_its_digest() {
    let (server, proxy) = answering(ResponseTemplate::new(412)).await;
    let digest = PayloadBucket::new(proxy.config(), "payloads")
        .put(b"large")
        .await
        .unwrap();
    assert_eq!(digest, Digest::of(b"large"));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), format!("/payloads/payloads/{digest}"));
    assert_eq!(request.headers.get("if-none-match").unwrap(), "*");
    assert_eq!(
        request
            .headers
            .get("x-amz-checksum-sha256")
            .unwrap()
            .to_str()
            .unwrap(),
        data_encoding::BASE64.encode(digest.as_bytes())
    );
    assert_eq!(request.body, b"large");
}

#[tokio::test]
async fn a_payload_that_does_not_match_its_digest_is_an_error() {
    let server = MockServer::start().await;
    let digest = Digest::of(b"large");
    let object = format!("/payloads/payloads/{digest}");
    Mock::given(method("GET"))
        .and(path(object))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(b"large"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(b"forged"))
        .mount(&server)
        .await;
    let proxy = Proxy::to(&server.address().to_string()).await;
    let payloads = PayloadBucket::new(proxy.config(), "payloads");
    let found = payloads.get(&digest).await.unwrap();
    assert_eq!(found.as_deref(), Some(&b"large"[..]));
    assert!(payloads.get(&digest).await.is_err());
}
