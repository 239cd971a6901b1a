//! Slack waits three seconds: whatever it does itself, a person's request is answered before.

use std::time::Duration;

use approval_callback::reply::{BOUNDS, SlackReply};
use outbound::{Rotating, Token};
use serde_json::{Value, json};
use slack::api::WebApi;
use testkit::blunt::{self, End};
use testkit::sample::ALICE;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::door::{Answer, Door, interaction};

/// How long a test may take. Nobody waits for it: it ends a test in which nothing is bounded.
const PATIENCE: Duration = Duration::from_secs(60);

/// What Slack waits, ms: <https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response>.
const SLACK_WAITS_MS: u64 = 3000;

/// The longest call to AWS, ms, of which a decision is up to three.
const AWS_MS: u64 = 700;

const _: () = assert!(
    3 * AWS_MS + BOUNDS.request_ms < SLACK_WAITS_MS,
    "a decision, and then telling of it, is within what Slack waits"
);

const _: () = assert!(
    AWS_MS + 2 * BOUNDS.request_ms < SLACK_WAITS_MS,
    "a form that does not open, and then telling of it, is within what Slack waits"
);

/// A server that takes requests and never answers. It says when a caller gave up.
async fn silent() -> (String, UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (gave_up, given_up) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let gave_up = gave_up.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                // To its end: the caller's, since nothing is sent back.
                let _ = connection.read_to_end(&mut request).await;
                let _ = gave_up.send(request);
            });
        }
    });
    (url, given_up)
}

fn reply(origin: &str) -> SlackReply {
    let token = Rotating::fixed(Token::new("slack-bot", "xoxb-test").unwrap());
    let api = WebApi::new("SLACK_API_URL", origin, token, BOUNDS).unwrap();
    SlackReply::new(origin, api).unwrap()
}

/// A click of Alice, of which she is told at a server.
async fn clicks(door: &Door, origin: &str, action: &str, change: fn(&mut Value)) -> Answer {
    let mut payload = door.payload(ALICE, action);
    payload["response_url"] = json!(format!("{origin}/actions/T1/2/3"));
    change(&mut payload);
    let event = interaction(&door.signed(&payload));
    let reply = reply(origin);
    tokio::time::timeout(PATIENCE, door.send_with(&reply, &event))
        .await
        .unwrap()
}

/// The request that a caller of the silent server gave up.
async fn given_up(by: &mut UnboundedReceiver<Vec<u8>>) -> String {
    let request = tokio::time::timeout(PATIENCE, by.recv()).await.unwrap().unwrap();
    String::from_utf8_lossy(&request).into_owned()
}

#[tokio::test]
async fn an_approval_is_answered_though_nobody_answers_at_the_response_url() {
    let door = Door::new();
    let (slack, mut gave_up) = silent().await;
    let answer = clicks(&door, &slack, "approve", |_| {}).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(door.since(), ["approved"]);
    // It was asked, said nothing, and the bound ended it.
    let request = given_up(&mut gave_up).await;
    assert!(request.starts_with("POST /actions/T1/2/3 "), "{request}");
    assert!(request.contains("Your approval is recorded"), "{request}");
}

#[tokio::test]
async fn a_form_that_nobody_opens_is_given_up_and_so_is_telling_of_it() {
    for action in ["reject", "narrow"] {
        let door = Door::new();
        let (slack, mut gave_up) = silent().await;
        let answer = clicks(&door, &slack, action, |_| {}).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert!(door.since().is_empty());
        let opens = given_up(&mut gave_up).await;
        assert!(opens.starts_with("POST /api/views.open "), "{opens}");
        let tells = given_up(&mut gave_up).await;
        assert!(
            tells.contains("Nothing was recorded: Slack did not open the form"),
            "{tells}"
        );
    }
}

#[tokio::test]
async fn a_click_that_does_not_count_is_refused_though_nobody_listens() {
    let door = Door::new();
    let (slack, mut gave_up) = silent().await;
    let answer = clicks(&door, &slack, "approve", |payload| {
        payload["api_app_id"] = json!("A9")
    })
    .await;
    assert_eq!(answer.status, 403);
    assert!(door.since().is_empty());
    assert!(given_up(&mut gave_up).await.contains("This does not count"));
}

#[tokio::test]
async fn a_reply_that_never_ends_is_given_up_as_well() {
    for (head, end) in [
        ("HTTP/1.1 200 OK\r\n\r\n", End::Drip),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", End::Hang),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n", End::Reset),
        ("HTTP/1.1 200", End::Hang),
        ("", End::Close),
        ("nonsense", End::Close),
    ] {
        let door = Door::new();
        let slack = blunt::answering(head, end).await;
        let answer = clicks(&door, &slack, "approve", |_| {}).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, ""),
            "{head:?} {end:?}"
        );
        assert_eq!(door.since(), ["approved"], "{head:?} {end:?}");
    }
}
