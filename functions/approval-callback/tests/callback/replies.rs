//! What the person is told, over the wire: in Slack's shape, on Slack's host alone.

use std::time::{Duration, Instant};

use approval_callback::reply::{Reply, SlackReply};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_person_is_told_alone_and_the_message_stays() {
    let slack = MockServer::start().await;
    // https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
    Mock::given(method("POST"))
        .and(path("/actions/T1/2/3"))
        .and(header("content-type", "application/json"))
        .and(body_json(
            json!({"response_type": "ephemeral", "replace_original": false, "text": "Done \"so\"."}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .expect(1)
        .mount(&slack)
        .await;
    let reply = SlackReply::new(&slack.uri()).unwrap();
    reply
        .tell(&format!("{}/actions/T1/2/3", slack.uri()), "Done \"so\".")
        .await;
}

#[tokio::test]
async fn another_host_is_never_told() {
    let (slack, other) = (MockServer::start().await, MockServer::start().await);
    let reply = SlackReply::new(&slack.uri()).unwrap();
    let port = other.address().port();
    for url in [
        format!("{}/actions", other.uri()),
        format!("http://{}@127.0.0.1:{port}/", slack.address()),
        format!("http://localhost:{}/", slack.address().port()),
        format!("https://127.0.0.1:{}/", slack.address().port()),
        "file:///etc/passwd".to_owned(),
        "data:text/plain,x".to_owned(),
        String::new(),
        "/actions".to_owned(),
    ] {
        reply.tell(&url, "to nobody").await;
    }
    assert_eq!((requests(&slack).await, requests(&other).await), (0, 0));
}

#[tokio::test]
async fn an_origin_without_an_origin_takes_nothing() {
    // Two opaque origins are never the same, not even with themselves.
    let reply = SlackReply::new("file:///etc").unwrap();
    reply.tell("file:///etc/passwd", "to nobody").await;
    assert!(SlackReply::new("hooks.slack.com").is_err());
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let (slack, other) = (MockServer::start().await, MockServer::start().await);
    let elsewhere = ResponseTemplate::new(307).insert_header("location", other.uri());
    Mock::given(method("POST"))
        .respond_with(elsewhere)
        .mount(&slack)
        .await;
    let reply = SlackReply::new(&slack.uri()).unwrap();
    reply.tell(&format!("{}/actions", slack.uri()), "once").await;
    assert_eq!((requests(&slack).await, requests(&other).await), (1, 0));
}

#[tokio::test]
async fn a_reply_that_fails_or_hangs_holds_nobody_up() {
    let slack = MockServer::start().await;
    Mock::given(path("/refuses"))
        .respond_with(ResponseTemplate::new(500))
        .mount(&slack)
        .await;
    let hangs = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    Mock::given(path("/hangs"))
        .respond_with(hangs)
        .mount(&slack)
        .await;
    let reply = SlackReply::new(&slack.uri()).unwrap();
    let began = Instant::now();
    reply.tell(&format!("{}/refuses", slack.uri()), "x").await;
    reply.tell(&format!("{}/hangs", slack.uri()), "x").await;
    assert!(began.elapsed() < Duration::from_secs(10), "Slack waits 3 s");
    SlackReply::new("http://127.0.0.1:9")
        .unwrap()
        .tell("http://127.0.0.1:9/", "x")
        .await;
}
