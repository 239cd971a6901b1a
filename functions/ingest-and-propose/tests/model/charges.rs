//! What an attempt may cost of which nobody says what it cost.

use std::time::Duration;

use ingest_and_propose::model::anthropic::{self, Anthropic};
use ingest_and_propose::model::{Conversation, ToolResult, Turn, openai};
use serde_json::json;
use testkit::FrozenClock;
use testkit::blunt::{self, End};
use wiremock::ResponseTemplate;

use crate::anthropic::good;
use crate::common::{Asked, SHORT_ATTEMPT_MS, ask, endpoint, first, reply, serving};

/// Asks a hasty model that can pay this many attempts.
async fn asked(url: &str, attempts: u32) -> Asked {
    let clock = FrozenClock::default();
    let endpoint = endpoint(url, &clock).with_attempt_ms(SHORT_ATTEMPT_MS);
    let model = Anthropic::new(endpoint, "claude-sonnet-4-6");
    let conversation = Conversation { attempts, ..first() };
    ask(&model, &conversation, &clock, Duration::from_secs(60)).await
}

/// How many of how many attempts may have been charged without anybody saying how much.
fn lost(asked: &Asked) -> (u32, usize) {
    let lost = asked.transcript.lost_after(0, asked.outcome.is_ok());
    (lost, asked.transcript.attempts().len())
}

#[tokio::test]
async fn what_may_have_been_answered_is_lost_and_what_was_refused_is_not() {
    let said = |status, text: &str| ResponseTemplate::new(status).set_body_string(text);
    for (what, reply, expected) in [
        ("a gateway that gave up waiting", said(504, ""), (3, 3)),
        ("a gateway whose provider went away", said(502, ""), (3, 3)),
        ("a time-out that is said", said(408, ""), (3, 3)),
        ("a cache before it that gave up", said(524, ""), (3, 3)),
        ("a model that failed at it", said(424, ""), (1, 1)),
        (
            "LiteLLM's broken connection",
            reply(
                500,
                &json!({ "error": { "message": "litellm.APIConnectionError: Server disconnected" } }),
            ),
            (3, 3),
        ),
        ("a failure", said(500, "Internal server error"), (0, 3)),
        ("too much to do", said(529, "Overloaded"), (0, 3)),
        ("too many requests", said(429, "timeout"), (0, 3)),
        ("a bad key", said(401, ""), (0, 1)),
        ("a bad request", said(400, ""), (0, 1)),
        ("a success that is no message", said(200, "{}"), (1, 1)),
        (
            "a success that is an error",
            said(200, r#"{"error": "x"}"#),
            (1, 1),
        ),
        ("an answer", good(), (0, 1)),
    ] {
        let server = serving(vec![reply]).await;
        assert_eq!(lost(&asked(&server.uri(), 3).await), expected, "{what}");
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{";
    for (what, bytes, end) in [
        ("no reply in time", "", End::Hang),
        ("half a reply in time", head, End::Hang),
        ("half a reply", head, End::Close),
        ("no reply", "", End::Reset),
    ] {
        let url = blunt::answering(bytes, end).await;
        assert_eq!(lost(&asked(&url, 3).await), (3, 3), "{what}");
    }
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    assert_eq!(lost(&asked(&nobody, 3).await), (0, 3), "it was not sent");
}

#[tokio::test]
async fn no_more_attempts_are_made_than_can_be_paid() {
    let url = blunt::answering("", End::Hang).await;
    for (attempts, made) in [(1, 1), (2, 2), (9, 3)] {
        assert_eq!(lost(&asked(&url, attempts).await), (made, made as usize));
    }
    let told = asked(&url, 1).await.told();
    assert!(
        told.starts_with("unavailable: no whole reply within 250 ms; not tried again, as 1 attempts may have been charged and another cannot be paid\n"),
        "{told}"
    );
    // Those that cost nothing are tried as ever.
    let overloaded = ResponseTemplate::new(529);
    let server = serving(vec![overloaded.clone(), overloaded, good()]).await;
    let asked = asked(&server.uri(), 1).await;
    assert!(asked.outcome.is_ok());
    assert_eq!(lost(&asked), (0, 3));
}

#[tokio::test]
async fn a_lost_attempt_is_marked_in_the_transcript() {
    let server = serving(vec![ResponseTemplate::new(504), good()]).await;
    let asked = asked(&server.uri(), 3).await;
    let text = asked.transcript.text(&serde_json::Map::new());
    let marked: Vec<bool> = text
        .lines()
        .skip(1)
        .map(|line| line.contains(r#""lost":true"#))
        .collect();
    assert_eq!(marked, [true, false], "{text}");
}

#[test]
fn no_request_is_longer_than_the_most_that_its_conversation_can_have() {
    let texts = ["", "a", "\"\\\n\u{1}<&>", "ÄÖ😀\u{2028}", &"\u{7}".repeat(3_000)];
    for text in texts {
        for times in [0, 1, 40] {
            let result = ToolResult {
                call: text.to_owned(),
                name: text.to_owned(),
                text: text.to_owned(),
                is_error: true,
            };
            let mut conversation = first();
            conversation.system = text.to_owned();
            conversation.turns = vec![Turn::User(text.to_owned())];
            for _ in 0..times {
                let said = json!({ "role": "assistant", "content": [{ "type": "text", "text": text }] });
                conversation.turns.push(Turn::Assistant(said));
                conversation
                    .turns
                    .push(Turn::Results(vec![result.clone(); times]));
            }
            let most = conversation.most_tokens();
            let mut bodies = vec![
                anthropic::body("claude-sonnet-4-6", &conversation),
                openai::body("claude-sonnet-4-6", &conversation),
            ];
            #[cfg(feature = "bedrock")]
            bodies.push(ingest_and_propose::model::bedrock::body(
                "anthropic.claude-sonnet-4-6",
                &conversation,
            ));
            for body in bodies.drain(..) {
                assert!(body.len() as u64 <= most, "{} > {most}: {text:?}", body.len());
            }
            // And each turn adds at least as much as it is long.
            let whole = anthropic::body("claude-sonnet-4-6", &conversation).len() as u64;
            let last = conversation.turns.pop().map_or(0, |turn| turn.most_tokens());
            let shorter = anthropic::body("claude-sonnet-4-6", &conversation).len() as u64;
            assert!(whole <= shorter + last, "{text:?}");
        }
    }
}
