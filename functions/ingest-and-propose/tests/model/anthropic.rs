//! The Messages API: what is sent, and what is read.

use std::time::Duration;

use expect_test::expect_file;
use ingest_and_propose::model::anthropic::{Anthropic, body};
use ingest_and_propose::model::{Answer, Stop, ToolCall, Usage};
use serde_json::{Value, json};
use testkit::FrozenClock;
use wiremock::ResponseTemplate;

use crate::common::{ask, ask_anthropic, endpoint, first, pretty, reply, second, serving};

/// A message with these blocks.
fn message(content: &Value, stop_reason: &str) -> ResponseTemplate {
    let body = json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 30,
            "cache_read_input_tokens": 20,
            "output_tokens": 40,
        },
    });
    reply(200, &body).insert_header("request-id", "req_1")
}

/// A good answer of one word.
pub(crate) fn good() -> ResponseTemplate {
    saying("Fine.")
}

/// A good answer.
pub(crate) fn saying(text: &str) -> ResponseTemplate {
    message(&json!([{ "type": "text", "text": text }]), "end_turn")
}

/// One with all that a model that thinks may write, and something that nobody knows yet.
fn thinking() -> Value {
    json!([
        { "type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk" },
        { "type": "redacted_thinking", "data": "ZW5jcnlwdGVk" },
        { "type": "text", "text": "I look at two." },
        { "type": "tool_use", "id": "toolu_1", "name": "provider_health", "input": { "provider": "openai" } },
        { "type": "tool_use", "id": "toolu_2", "name": "provider_health", "input": { "provider": "x" } },
    ])
}

async fn answer(content: &Value, stop_reason: &str) -> Answer {
    let server = serving(vec![message(content, stop_reason)]).await;
    ask_anthropic(&server.uri()).await.outcome.unwrap()
}

#[tokio::test]
async fn an_answer_is_read() {
    let answer = answer(&thinking(), "tool_use").await;
    let call = |id: &str, provider: &str| ToolCall {
        id: id.to_owned(),
        name: "provider_health".to_owned(),
        input: Ok(json!({ "provider": provider })),
    };
    assert_eq!(
        answer,
        Answer {
            raw: json!({ "role": "assistant", "content": thinking() }),
            text: "I look at two.".to_owned(),
            calls: vec![call("toolu_1", "openai"), call("toolu_2", "x")],
            stop: Stop::ToolUse,
            usage: Usage {
                input: 10,
                cache_read: 20,
                cache_write: 30,
                output: 40,
            },
        }
    );
}

#[tokio::test]
async fn every_reason_to_stop_has_its_word() {
    let content = json!([{ "type": "text", "text": "…" }]);
    for (reason, stop) in [
        ("end_turn", Stop::EndTurn),
        ("stop_sequence", Stop::EndTurn),
        ("max_tokens", Stop::MaxTokens),
        ("refusal", Stop::Refusal),
        ("pause_turn", Stop::PauseTurn),
        ("model_context_window_exceeded", Stop::ContextExceeded),
        ("bored", Stop::Other("bored".to_owned())),
    ] {
        let answer = answer(&content, reason).await;
        assert_eq!((answer.stop, answer.calls), (stop, vec![]));
    }
}

#[tokio::test]
async fn an_answer_may_be_empty_and_a_call_without_input() {
    assert_eq!(answer(&json!([]), "refusal").await.text, "");
    let call = json!([{ "type": "tool_use", "id": "1", "name": "x" }]);
    let answer = answer(&call, "tool_use").await;
    assert_eq!(answer.calls[0].input, Err("it has no input".to_owned()));
}

/// The bodies in `events/model/` are what is sent: `infra/model/check_requests.py` holds them against the types of the
/// official SDK.
#[tokio::test]
async fn a_request_is_exactly_this() {
    let server = serving(vec![message(&thinking(), "tool_use"), good()]).await;
    let clock = FrozenClock::default();
    let model = Anthropic::new(endpoint(&server.uri(), &clock), "claude-sonnet-4-6");
    let minute = Duration::from_secs(60);
    let one = ask(&model, &first(), &clock, minute).await;
    let conversation = second(&one.outcome.unwrap());
    let two = ask(&model, &conversation, &clock, minute).await;

    let sent = server.received_requests().await.unwrap();
    let texts: Vec<String> = sent
        .iter()
        .map(|request| String::from_utf8(request.body.clone()).unwrap())
        .collect();
    expect_file!["../../../../events/model/anthropic.first.json"].assert_eq(&pretty(&texts[0]));
    expect_file!["../../../../events/model/anthropic.second.json"].assert_eq(&pretty(&texts[1]));
    assert_eq!(texts[1], body("claude-sonnet-4-6", &conversation));
    assert_eq!(sent[0].url.path(), "/v1/messages");
    assert_eq!(sent[0].headers["anthropic-version"], "2023-06-01");
    assert_eq!(sent[0].headers["content-type"], "application/json");
    assert!(!sent[0].headers.contains_key("anthropic-beta"));

    let attempt = &two.transcript.attempts()[0];
    assert_eq!(attempt.request, texts[1]);
    assert_eq!(attempt.path, "/v1/messages");
    assert_eq!(attempt.model, "claude-sonnet-4-6");
    assert_eq!(attempt.status, Some(200));
    assert_eq!(attempt.request_id.as_deref(), Some("req_1"));
    let reply: Value = serde_json::from_str(attempt.reply.as_deref().unwrap()).unwrap();
    assert_eq!(reply["id"], "msg_1");
}

#[test]
fn without_tools_none_are_spoken_of() {
    let mut conversation = first();
    conversation.tools.clear();
    let body: Value = serde_json::from_str(&body("m", &conversation)).unwrap();
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
}
