//! What the person is told, over the wire: in Slack's shape, on Slack's host alone.

use std::time::{Duration, Instant};

use approval_callback::reply::{BOUNDS, Reply, SlackReply};
use domain::telling::Line;
use outbound::{Rotating, Token};
use serde_json::json;
use slack::api::WebApi;
use slack::button::{Does, Shown};
use slack::form::Modal;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Answers to URLs of an origin, whose Web API nobody calls.
fn replies(origin: &str) -> anyhow::Result<SlackReply> {
    SlackReply::new(origin, api("http://127.0.0.1:9"))
}

fn api(url: &str) -> WebApi {
    let token = Rotating::fixed(Token::new("slack-bot", "xoxb-test").unwrap());
    WebApi::new("SLACK_API_URL", url, token, BOUNDS).unwrap()
}

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
    let reply = replies(&slack.uri()).unwrap();
    reply
        .tell(
            &format!("{}/actions/T1/2/3", slack.uri()),
            &Line::of("Done \"so\"."),
        )
        .await;
}

#[tokio::test]
async fn another_host_is_never_told() {
    let (slack, other) = (MockServer::start().await, MockServer::start().await);
    let reply = replies(&slack.uri()).unwrap();
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
        reply.tell(&url, &Line::of("to nobody")).await;
    }
    assert_eq!((requests(&slack).await, requests(&other).await), (0, 0));
}

#[tokio::test]
async fn an_origin_without_an_origin_takes_nothing() {
    // Two opaque origins are never the same, not even with themselves.
    let reply = replies("file:///etc").unwrap();
    reply.tell("file:///etc/passwd", &Line::of("to nobody")).await;
    assert!(replies("hooks.slack.com").is_err());
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let (slack, other) = (MockServer::start().await, MockServer::start().await);
    let elsewhere = ResponseTemplate::new(307).insert_header("location", other.uri());
    Mock::given(method("POST"))
        .respond_with(elsewhere)
        .mount(&slack)
        .await;
    let reply = replies(&slack.uri()).unwrap();
    reply
        .tell(&format!("{}/actions", slack.uri()), &Line::of("once"))
        .await;
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
    let reply = replies(&slack.uri()).unwrap();
    let began = Instant::now();
    reply
        .tell(&format!("{}/refuses", slack.uri()), &Line::of("x"))
        .await;
    reply
        .tell(&format!("{}/hangs", slack.uri()), &Line::of("x"))
        .await;
    assert!(began.elapsed() < Duration::from_secs(10), "Slack waits 3 s");
    replies("http://127.0.0.1:9")
        .unwrap()
        .tell("http://127.0.0.1:9/", &Line::of("x"))
        .await;
}

#[tokio::test]
async fn a_form_opens_for_who_clicked_and_a_refusal_is_said() {
    let slack = MockServer::start().await;
    let shown = Shown::parse(&format!("gnr4sqzfryd4gg3mhvufxxmnmg-1.{}", "0".repeat(64))).unwrap();
    let modal = Modal::reason(Does::Reject, &shown, &Line::of("x"));
    Mock::given(method("POST"))
        .and(path("/api/views.open"))
        .and(header("authorization", "Bearer xoxb-test"))
        .and(body_json(json!({"trigger_id": "1.2.a", "view": modal.json()})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ok": true})))
        .expect(1)
        .mount(&slack)
        .await;
    let reply = SlackReply::new("https://hooks.slack.com", api(&slack.uri())).unwrap();
    reply.open("1.2.a", &modal).await.unwrap();
    let problem = reply.open("9.9.z", &modal).await.unwrap_err();
    assert!(problem.contains("404"), "{problem}");
}
