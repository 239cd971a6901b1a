//! Converse: what is sent, and what is read.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_bedrockruntime::config::{Credentials, SharedCredentialsProvider};
use expect_test::{Expect, expect, expect_file};
use ingest_and_propose::model::bedrock::{Bedrock, body};
use ingest_and_propose::model::{Answer, Stop, ToolCall, Usage};
use serde_json::{Value, json};
use testkit::FrozenClock;
use testkit::blunt::{self, End};
use wiremock::ResponseTemplate;

use crate::common::{ATTEMPT_MS, Asked, KEY, SHORT_ATTEMPT_MS, ask, first, pretty, reply, second, serving};

const MODEL: &str = "eu.anthropic.claude-sonnet-4-6";

fn model(url: &str, clock: &FrozenClock) -> Bedrock {
    let credentials = Credentials::new("AKIDEXAMPLE", KEY, None, None, "test");
    let aws = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Bedrock::new(&aws, MODEL, Arc::new(clock.clone())).with_attempt_ms(ATTEMPT_MS)
}

async fn ask_bedrock(url: &str) -> Asked {
    let clock = FrozenClock::default();
    ask(&model(url, &clock), &first(), &clock, Duration::from_secs(60)).await
}

async fn check(replies: Vec<ResponseTemplate>, told: Expect) {
    let server = serving(replies).await;
    told.assert_eq(&ask_bedrock(&server.uri()).await.told());
}

fn message(content: &Value, stop_reason: &str) -> ResponseTemplate {
    let body = json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop_reason,
        "usage": {
            "inputTokens": 10,
            "cacheReadInputTokens": 20,
            "cacheWriteInputTokens": 30,
            "outputTokens": 40,
            "totalTokens": 100,
        },
        "metrics": { "latencyMs": 1 },
    });
    reply(200, &body).insert_header("x-amzn-requestid", "req-1")
}

fn good() -> ResponseTemplate {
    message(&json!([{ "text": "Fine." }]), "end_turn")
}

fn error(status: u16, kind: &str, words: &str) -> ResponseTemplate {
    reply(status, &json!({ "message": words })).insert_header("x-amzn-errortype", kind)
}

fn thinking() -> Value {
    json!([
        { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "c2lnbmVk" } } },
        { "reasoningContent": { "redactedContent": "ZW5jcnlwdGVk" } },
        { "text": "I look at two." },
        { "toolUse": { "toolUseId": "tooluse_1", "name": "provider_health", "input": { "provider": "openai" } } },
        { "toolUse": { "toolUseId": "tooluse_2", "name": "provider_health", "input": { "provider": "x" } } },
    ])
}

#[tokio::test]
async fn a_request_is_exactly_this_and_its_reply_is_read() {
    let server = serving(vec![message(&thinking(), "tool_use"), good()]).await;
    let clock = FrozenClock::default();
    let model = model(&server.uri(), &clock);
    let minute = Duration::from_secs(60);
    let answer = ask(&model, &first(), &clock, minute).await.outcome.unwrap();
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
            calls: vec![call("tooluse_1", "openai"), call("tooluse_2", "x")],
            stop: Stop::ToolUse,
            usage: Usage {
                input: 10,
                cache_read: 20,
                cache_write: 30,
                output: 40,
            },
        }
    );
    let two = ask(&model, &second(&answer), &clock, minute).await;

    let sent = server.received_requests().await.unwrap();
    let text = String::from_utf8(sent[1].body.clone()).unwrap();
    expect_file!["../../../../events/model/bedrock.second.json"].assert_eq(&pretty(&text));
    assert_eq!(
        sent[1].url.path(),
        "/model/eu.anthropic.claude-sonnet-4-6/converse"
    );
    let attempt = &two.transcript.attempts()[0];
    assert_eq!(attempt.request, text);
    assert_eq!(attempt.request_id.as_deref(), Some("req-1"));
    assert!(attempt.reply.as_deref().unwrap().contains("\"latencyMs\":1"));
}

#[tokio::test]
async fn what_the_sdk_does_not_know_is_given_back_unchanged() {
    let content = json!([{ "somethingNew": { "a": 1 } }, { "text": "Fine." }]);
    let server = serving(vec![message(&content, "bored")]).await;
    let answer = ask_bedrock(&server.uri()).await.outcome.unwrap();
    assert_eq!(answer.raw["content"], content);
    assert_eq!(answer.stop, Stop::Other("bored".to_owned()));
    let body: Value = serde_json::from_str(&body(MODEL, &second(&answer))).unwrap();
    assert_eq!(body["messages"][1]["content"], content);
}

#[test]
fn other_models_are_asked_for_neither_thinking_nor_caching() {
    let body = body("eu.amazon.nova-pro-v1:0", &first());
    assert!(
        !body.contains("cachePoint") && !body.contains("thinking"),
        "{body}"
    );
}

#[tokio::test]
async fn faults_are_those_of_every_api() {
    check(
        vec![error(429, "ThrottlingException", "Too many requests"), good()],
        expect![[r#"
            EndTurn "Fine."
              1 429
              2 200
        "#]],
    )
    .await;
    check(
        vec![error(503, "ServiceUnavailableException", "busy")],
        expect![[r#"
        unavailable: answered 503: busy; tried 3 times
          1 503
          2 503
          3 503
    "#]],
    )
    .await;
    check(
        vec![error(
            400,
            "ValidationException",
            "Input is too long for requested model.",
        )],
        expect![[r#"
            context exceeded: answered 400: Input is too long for requested model.
              1 400
        "#]],
    )
    .await;
    check(
        vec![error(
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
        )],
        expect![[r#"
            missing: answered 400: The provided model identifier is invalid.
              1 400
        "#]],
    )
    .await;
    check(
        vec![error(400, "ValidationException", "bad")],
        expect![[r#"
        rejected: answered 400: bad
          1 400
    "#]],
    )
    .await;
    check(
        vec![error(
            403,
            "AccessDeniedException",
            "You don't have access to the model",
        )],
        expect![[r#"
            rejected: answered 403: You don't have access to the model (the function's role)
              1 403
        "#]],
    )
    .await;
    check(
        vec![error(424, "ModelErrorException", "The model failed")],
        expect![[r#"
            unavailable: answered 424: The model failed
              1 424
        "#]],
    )
    .await;
    check(
        vec![ResponseTemplate::new(200).set_body_string("nonsense")],
        expect![[r#"
            unavailable: its reply is no JSON: expected ident at line 1 column 2
              1 200
        "#]],
    )
    .await;
    let server = serving(vec![good().set_delay(Duration::from_secs(10))]).await;
    let clock = FrozenClock::default();
    let hasty = model(&server.uri(), &clock).with_attempt_ms(SHORT_ATTEMPT_MS);
    let asked = ask(&hasty, &first(), &clock, Duration::from_secs(60)).await;
    expect![[r#"
        unavailable: no whole reply within 250 ms; tried 3 times
          1 - no whole reply within 250 ms
          2 - no whole reply within 250 ms
          3 - no whole reply within 250 ms
    "#]]
    .assert_eq(&asked.told());
}

#[tokio::test]
async fn a_reply_that_is_cut_is_asked_for_again() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"output\": ";
    let url = blunt::answering(head, End::Close).await;
    let told = ask_bedrock(&url).await.told();
    assert!(told.starts_with("unavailable: "), "{told}");
    assert_eq!(told.lines().count(), 1 + 3, "{told}");
}
