//! Chat completions: what is sent, and what is read.

use std::time::Duration;

use expect_test::{expect, expect_file};
use ingest_and_propose::model::openai::{OpenAi, body};
use ingest_and_propose::model::{Answer, Stop, ToolCall, Usage};
use serde_json::{Value, json};
use testkit::FrozenClock;
use wiremock::ResponseTemplate;

use crate::common::{ask, ask_openai, endpoint, first, pretty, reply, second, serving};

/// A completion with this message.
fn completion(message: &Value, finish_reason: &str) -> ResponseTemplate {
    let body = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-5",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish_reason }],
        "usage": {
            "prompt_tokens": 60,
            "completion_tokens": 40,
            "total_tokens": 100,
            "prompt_tokens_details": { "cached_tokens": 20 },
        },
    });
    reply(200, &body).insert_header("x-litellm-call-id", "call-1")
}

/// A good answer of one word.
pub(crate) fn good() -> ResponseTemplate {
    completion(&json!({ "role": "assistant", "content": "Fine." }), "stop")
}

fn calling(arguments: &Value) -> Value {
    json!({
        "role": "assistant",
        "content": null,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": { "name": "provider_health", "arguments": arguments },
            },
            {
                "id": "call_2",
                "type": "function",
                "function": { "name": "provider_health", "arguments": "{\"provider\": \"x\"}" },
            },
        ],
    })
}

async fn answer(message: &Value, finish_reason: &str) -> Answer {
    let server = serving(vec![completion(message, finish_reason)]).await;
    ask_openai(&server.uri()).await.outcome.unwrap()
}

#[tokio::test]
async fn an_answer_is_read() {
    let message = calling(&json!("{\"provider\": \"openai\"}"));
    let call = |id: &str, provider: &str| ToolCall {
        id: id.to_owned(),
        name: "provider_health".to_owned(),
        input: Ok(json!({ "provider": provider })),
    };
    assert_eq!(
        answer(&message, "tool_calls").await,
        Answer {
            raw: message.clone(),
            text: String::new(),
            calls: vec![call("call_1", "openai"), call("call_2", "x")],
            stop: Stop::ToolUse,
            usage: Usage {
                input: 40,
                cache_read: 20,
                cache_write: 0,
                output: 40,
            },
        }
    );
}

#[tokio::test]
async fn every_reason_to_finish_has_its_word() {
    let message = json!({ "role": "assistant", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] });
    for (reason, stop) in [
        ("stop", Stop::EndTurn),
        ("length", Stop::MaxTokens),
        ("content_filter", Stop::Refusal),
        ("bored", Stop::Other("bored".to_owned())),
    ] {
        let answer = answer(&message, reason).await;
        assert_eq!((answer.stop, answer.text.as_str()), (stop, "ab"));
    }
    let calls = answer(&calling(&json!("{}")), "stop").await;
    assert_eq!(calls.stop, Stop::ToolUse, "whatever the gateway calls it");
    let refusal = json!({ "role": "assistant", "content": null, "refusal": "I will not." });
    let refusal = answer(&refusal, "stop").await;
    assert_eq!(
        (refusal.stop, refusal.text.as_str()),
        (Stop::Refusal, "I will not.")
    );
}

#[tokio::test]
async fn arguments_may_be_anything() {
    for (arguments, told) in [
        (
            json!("{\"provider\": "),
            expect!["its arguments are no JSON: EOF while parsing a value at line 1 column 13"],
        ),
        (
            json!("openai"),
            expect!["its arguments are no JSON: expected value at line 1 column 1"],
        ),
        (json!(""), expect!["{}"]),
        (json!("[1]"), expect!["[1]"]),
        (
            json!({ "provider": "openai" }),
            expect![[r#"{"provider":"openai"}"#]],
        ),
        (json!(null), expect!["it has no arguments"]),
        (json!(7), expect!["it has no arguments"]),
    ] {
        let answer = answer(&calling(&arguments), "tool_calls").await;
        let told_input = match &answer.calls[0].input {
            Ok(input) => input.to_string(),
            Err(why) => why.clone(),
        };
        told.assert_eq(&told_input);
        assert!(answer.calls[1].input.is_ok());
    }
}

#[tokio::test]
async fn cache_tokens_are_counted_apart() {
    let message = json!({ "role": "assistant", "content": "Fine." });
    for (usage, counted) in [
        (json!({}), [0, 0, 0, 0]),
        (json!(null), [0, 0, 0, 0]),
        (
            json!({ "prompt_tokens": -1, "completion_tokens": "many" }),
            [0, 0, 0, 0],
        ),
        (
            json!({ "prompt_tokens": 60, "prompt_tokens_details": null, "completion_tokens": 4 }),
            [60, 0, 0, 4],
        ),
        (
            json!({ "prompt_tokens": 60, "prompt_tokens_details": { "cached_tokens": 20 }, "cache_creation_input_tokens": 30 }),
            [10, 20, 30, 0],
        ),
        (
            json!({ "prompt_tokens": 60, "prompt_tokens_details": { "cached_tokens": 0, "cache_write_tokens": 50 } }),
            [10, 0, 50, 0],
        ),
    ] {
        let body = json!({ "choices": [{ "message": message, "finish_reason": "stop" }], "usage": usage });
        let server = serving(vec![reply(200, &body)]).await;
        let Usage {
            input,
            cache_read,
            cache_write,
            output,
        } = ask_openai(&server.uri()).await.outcome.unwrap().usage;
        assert_eq!([input, cache_read, cache_write, output], counted, "{usage}");
    }
}

#[tokio::test]
async fn a_gateway_tells_in_its_own_way_what_is_wrong() {
    let error = |status: u16, message: &str| {
        let error = json!({ "message": message, "type": null, "param": null, "code": status.to_string() });
        reply(status, &json!({ "error": error }))
    };
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let too_long = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 205668 tokens > 200000 maximum"}}"#;
    let not_found = r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#;
    for (replies, told) in [
        (
            vec![error(
                500,
                &format!(
                    "litellm.InternalServerError: AnthropicError - {overloaded}. Received Model Group=claude\nAvailable Model Group Fallbacks=None"
                ),
            )],
            expect![[r#"
                unavailable: answered 500: litellm.InternalServerError: AnthropicError - Overloaded; tried 3 times
                  1 500
                  2 500
                  3 500
            "#]],
        ),
        (
            vec![
                error(
                    500,
                    &format!("litellm.InternalServerError: AnthropicError - b'{overloaded}'"),
                ),
                good(),
            ],
            expect![[r#"
                EndTurn "Fine."
                  1 500
                  2 200
            "#]],
        ),
        (
            vec![error(
                400,
                "/chat/completions: Invalid model name passed in model=gpt-5. Call `/v1/models` to view available models for your key.",
            )],
            expect![[r#"
                missing: answered 400: /chat/completions: Invalid model name passed in model=gpt-5. Call `/v1/models` to view available models for your key.
                  1 400
            "#]],
        ),
        (
            vec![error(
                404,
                &format!("litellm.NotFoundError: AnthropicException - {not_found}"),
            )],
            expect![[r#"
                missing: answered 404: litellm.NotFoundError: AnthropicException - model: claude-x
                  1 404
            "#]],
        ),
        (
            vec![error(
                400,
                &format!(
                    "litellm.ContextWindowExceededError: litellm.BadRequestError: AnthropicError - b'{too_long}'"
                ),
            )],
            expect![[r#"
                context exceeded: answered 400: litellm.ContextWindowExceededError: litellm.BadRequestError: AnthropicError - prompt is too long: 205668 tokens > 200000 maximum
                  1 400
            "#]],
        ),
        (
            vec![error(
                400,
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
            )],
            expect![[r#"
                context exceeded: answered 400: This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.
                  1 400
            "#]],
        ),
        (
            vec![
                error(429, "litellm.RateLimitError: slow down").insert_header("retry-after", "2"),
                good(),
            ],
            expect![[r#"
                EndTurn "Fine."
                  1 429
                  2 200
            "#]],
        ),
        (
            vec![error(
                401,
                "Authentication Error, Invalid proxy server token passed",
            )],
            expect![[r#"
                rejected: answered 401: Authentication Error, Invalid proxy server token passed (the secret model)
                  1 401
            "#]],
        ),
        (
            vec![error(404, "Not Found")],
            expect![[r#"
            rejected: answered 404: Not Found
              1 404
        "#]],
        ),
    ] {
        let server = serving(replies).await;
        told.assert_eq(&ask_openai(&server.uri()).await.told());
    }
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    for (body, told) in [
        (
            "",
            expect![[r#"
            unavailable: its reply is no JSON: EOF while parsing a value at line 1 column 0
              1 200
        "#]],
        ),
        (
            "data: [DONE]",
            expect![[r#"
            unavailable: its reply is no JSON: expected value at line 1 column 1
              1 200
        "#]],
        ),
        (
            "{}",
            expect![[r#"
            unavailable: its reply is no completion: no choices
              1 200
        "#]],
        ),
        (
            "{\"choices\": []}",
            expect![[r#"
            unavailable: its reply is no completion: no choices
              1 200
        "#]],
        ),
        (
            "{\"choices\": [{}]}",
            expect![[r#"
            unavailable: its reply is no completion: no message
              1 200
        "#]],
        ),
        (
            "{\"choices\": [{\"message\": {}}]}",
            expect![[r#"
            unavailable: its reply is no completion: no finish_reason
              1 200
        "#]],
        ),
        (
            "{\"choices\": [{\"message\": {\"tool_calls\": [{\"id\": \"1\"}]}, \"finish_reason\": \"tool_calls\"}]}",
            expect![[r#"
                unavailable: its reply is no completion: a tool call without id or name
                  1 200
            "#]],
        ),
        (
            "{\"error\": {\"message\": \"upstream is down\"}}",
            expect![[r#"
            unavailable: answered with an error: upstream is down
              1 200
        "#]],
        ),
    ] {
        let server = serving(vec![ResponseTemplate::new(200).set_body_string(body)]).await;
        told.assert_eq(&ask_openai(&server.uri()).await.told());
    }
}

/// As in the test of the same name for the Messages API. The message is one of LiteLLM's, with a model that thinks
/// behind it.
#[tokio::test]
async fn a_request_is_exactly_this() {
    let mut message = calling(&json!("{\"provider\": \"openai\"}"));
    message["reasoning_content"] = json!("Hm.");
    message["thinking_blocks"] = json!([{ "type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk" }]);
    let server = serving(vec![completion(&message, "tool_calls"), good()]).await;
    let clock = FrozenClock::default();
    let model = OpenAi::new(endpoint(&server.uri(), &clock), "gpt-5");
    let minute = Duration::from_secs(60);
    let one = ask(&model, &first(), &clock, minute).await;
    let conversation = second(&one.outcome.unwrap());
    let two = ask(&model, &conversation, &clock, minute).await;

    let sent = server.received_requests().await.unwrap();
    let texts: Vec<String> = sent
        .iter()
        .map(|request| String::from_utf8(request.body.clone()).unwrap())
        .collect();
    expect_file!["../../../../events/model/openai.first.json"].assert_eq(&pretty(&texts[0]));
    expect_file!["../../../../events/model/openai.second.json"].assert_eq(&pretty(&texts[1]));
    assert_eq!(texts[1], body("gpt-5", &conversation));
    assert_eq!(sent[0].url.path(), "/v1/chat/completions");

    let attempt = &two.transcript.attempts()[0];
    assert_eq!(attempt.request, texts[1]);
    assert_eq!(attempt.request_id.as_deref(), Some("call-1"));
}

#[test]
fn without_tools_none_are_spoken_of() {
    let mut conversation = first();
    conversation.tools.clear();
    let body: Value = serde_json::from_str(&body("m", &conversation)).unwrap();
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
}
