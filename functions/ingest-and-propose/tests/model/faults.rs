//! Whatever comes back instead of an answer, and what becomes of it.

mod nonsense;

use std::time::Duration;

use expect_test::{Expect, expect};
use ingest_and_propose::model::anthropic::Anthropic;
use ingest_and_propose::model::http::BOUNDS;
use serde_json::json;
use testkit::FrozenClock;
use testkit::blunt::{self, End};
use wiremock::ResponseTemplate;

use crate::anthropic::good;
use crate::common::{ask, ask_anthropic, ask_anthropic_hastily, endpoint, first, reply, serving};

async fn check(replies: Vec<ResponseTemplate>, told: Expect) {
    let server = serving(replies).await;
    told.assert_eq(&ask_anthropic(&server.uri()).await.told());
}

async fn check_blunt(bytes: impl Into<Vec<u8>>, end: End, told: Expect) {
    let url = blunt::answering(bytes, end).await;
    told.assert_eq(&ask_anthropic(&url).await.told());
}

async fn check_slow(bytes: &str, end: End, told: Expect) {
    let url = blunt::answering(bytes, end).await;
    told.assert_eq(&ask_anthropic_hastily(&url).await.told());
}

fn error(status: u16, kind: &str, message: &str) -> ResponseTemplate {
    reply(
        status,
        &json!({ "type": "error", "error": { "type": kind, "message": message } }),
    )
}

fn limited() -> ResponseTemplate {
    error(429, "rate_limit_error", "slow down")
}

fn overloaded() -> ResponseTemplate {
    error(529, "overloaded_error", "Overloaded")
}

#[tokio::test]
async fn an_answer_needs_one_attempt() {
    check(
        vec![good()],
        expect![[r#"
        EndTurn "Fine."
          1 200
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let broken = error(500, "api_error", "Internal server error");
    check(
        vec![limited(), good()],
        expect![[r#"
        EndTurn "Fine."
          1 429
          2 200
    "#]],
    )
    .await;
    check(
        vec![broken, overloaded(), good()],
        expect![[r#"
        EndTurn "Fine."
          1 500
          2 529
          3 200
    "#]],
    )
    .await;
    check(
        vec![ResponseTemplate::new(408), good()],
        expect![[r#"
        EndTurn "Fine."
          1 408
          2 200
    "#]],
    )
    .await;
    check(
        vec![ResponseTemplate::new(409), good()],
        expect![[r#"
        EndTurn "Fine."
          1 409
          2 200
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_stays_is_given_up() {
    check(
        vec![limited()],
        expect![[r#"
        unavailable: answered 429: slow down; tried 3 times
          1 429
          2 429
          3 429
    "#]],
    )
    .await;
    check(
        vec![overloaded()],
        expect![[r#"
        unavailable: answered 529: Overloaded; tried 3 times
          1 529
          2 529
          3 529
    "#]],
    )
    .await;
    let html = ResponseTemplate::new(502).set_body_string("<html>Bad\nGateway</html>");
    check(
        vec![html],
        expect![[r#"
        unavailable: answered 502: <html>Bad Gateway</html>; tried 3 times
          1 502
          2 502
          3 502
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_api_may_say_itself_whether_to_try_again() {
    let no = error(500, "api_error", "broken for good").insert_header("x-should-retry", "false");
    check(
        vec![no],
        expect![[r#"
        unavailable: answered 500: broken for good
          1 500
    "#]],
    )
    .await;
    let yes = error(400, "invalid_request_error", "odd").insert_header("x-should-retry", "true");
    check(
        vec![yes.clone(), good()],
        expect![[r#"
        EndTurn "Fine."
          1 400
          2 200
    "#]],
    )
    .await;
    check(
        vec![yes],
        expect![[r#"
        rejected: answered 400: odd
          1 400
          2 400
          3 400
    "#]],
    )
    .await;
    let unclear = good().insert_header("x-should-retry", "true");
    check(
        vec![unclear],
        expect![[r#"
        EndTurn "Fine."
          1 200
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_reply_that_is_cut_is_asked_for_again() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"content\": [";
    check_blunt(head, End::Close, expect![[r#"
        unavailable: no whole reply: request or response body error: error reading a body from connection: end of file before message length reached; tried 3 times
          1 200 no whole reply: request or response body error: error reading a body from connection: end of file before message length reached
          2 200 no whole reply: request or response body error: error reading a body from connection: end of file before message length reached
          3 200 no whole reply: request or response body error: error reading a body from connection: end of file before message length reached
    "#]]).await;
    check_blunt(head, End::Reset, expect![[r#"
        unavailable: no whole reply: request or response body error: error reading a body from connection: Connection reset by peer (os error 104); tried 3 times
          1 200 no whole reply: request or response body error: error reading a body from connection: Connection reset by peer (os error 104)
          2 200 no whole reply: request or response body error: error reading a body from connection: Connection reset by peer (os error 104)
          3 200 no whole reply: request or response body error: error reading a body from connection: Connection reset by peer (os error 104)
    "#]]).await;
    check_blunt("", End::Close, expect![[r#"
        unavailable: no whole reply: client error (SendRequest): connection closed before message completed; tried 3 times
          1 - no whole reply: client error (SendRequest): connection closed before message completed
          2 - no whole reply: client error (SendRequest): connection closed before message completed
          3 - no whole reply: client error (SendRequest): connection closed before message completed
    "#]]).await;
    check_blunt(
        "nonsense\r\n\r\n",
        End::Close,
        expect![[r#"
        unavailable: no whole reply: client error (SendRequest): invalid HTTP version parsed; tried 3 times
          1 - no whole reply: client error (SendRequest): invalid HTTP version parsed
          2 - no whole reply: client error (SendRequest): invalid HTTP version parsed
          3 - no whole reply: client error (SendRequest): invalid HTTP version parsed
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_came_of_a_reply_that_was_cut_is_kept() {
    let head = "HTTP/1.1 200 OK\r\nrequest-id: req_1\r\ncontent-length: 9\r\n\r\n{\"a\":";
    let url = blunt::answering(head, End::Close).await;
    let asked = ask_anthropic(&url).await;
    let attempt = &asked.transcript.attempts()[0];
    assert_eq!(attempt.reply.as_deref(), Some("{\"a\":"));
    assert_eq!(attempt.request_id.as_deref(), Some("req_1"));
}

#[tokio::test]
async fn a_slow_reply_ends_at_the_bound_of_its_attempt() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{";
    check_slow(
        "",
        End::Hang,
        expect![[r#"
        unavailable: no whole reply within 250 ms; tried 3 times
          1 - no whole reply within 250 ms
          2 - no whole reply within 250 ms
          3 - no whole reply within 250 ms
    "#]],
    )
    .await;
    check_slow(
        head,
        End::Hang,
        expect![[r#"
        unavailable: no whole reply within 250 ms; tried 3 times
          1 200 no whole reply within 250 ms
          2 200 no whole reply within 250 ms
          3 200 no whole reply within 250 ms
    "#]],
    )
    .await;
    check_slow(
        head,
        End::Drip,
        expect![[r#"
        unavailable: no whole reply within 250 ms; tried 3 times
          1 200 no whole reply within 250 ms
          2 200 no whole reply within 250 ms
          3 200 no whole reply within 250 ms
    "#]],
    )
    .await;
}

#[tokio::test]
async fn nobody_there_is_asked_again() {
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let told = ask_anthropic(&url).await.told();
    assert!(told.starts_with("unavailable: no connection: "), "{told}");
    assert_eq!(told.lines().count(), 1 + 3, "{told}");
}

#[tokio::test]
async fn no_answer_comes_after_the_deadline() {
    let clock = FrozenClock::default();
    for (delay_ms, within_ms, told) in [
        (
            0,
            0,
            expect![[r#"
            too late: the time is over
        "#]],
        ),
        // Less than the bound of one attempt.
        (
            10_000,
            100,
            expect![[r#"
            too late: the time is over: no whole reply
              1 - no whole reply within 100 ms
        "#]],
        ),
    ] {
        let server = serving(vec![good().set_delay(Duration::from_millis(delay_ms))]).await;
        let model = Anthropic::new(endpoint(&server.uri(), &clock), "claude-sonnet-4-6");
        let asked = ask(&model, &first(), &clock, Duration::from_millis(within_ms)).await;
        told.assert_eq(&asked.told());
    }
}
