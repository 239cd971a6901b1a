//! The key: rotated, wrong, and echoed.

use std::sync::Arc;
use std::time::Duration;

use adapters::SystemClock;
use domain::ports::Clock;
use domain::value::Micros;
use expect_test::expect;
use ingest_and_propose::config::{Api, Models};
use ingest_and_propose::investigate::budget::{Limits, Prices};
use ingest_and_propose::model::anthropic::Anthropic;
use ingest_and_propose::model::http::Auth;
use ingest_and_propose::model::openai::OpenAi;
use ingest_and_propose::model::transcript::Transcript;
use ingest_and_propose::model::{Model, NoAnswer};
use ingest_and_propose::wiring;
use outbound::{Rotating, Token};
use serde_json::json;
use testkit::{FixedCredential, FrozenClock, Proxy};
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::common::{KEY, ask, ask_anthropic, ask_openai, endpoint, endpoint_with, first, reply, serving};
use crate::{anthropic, openai};

/// A server that knows one key, in this header.
async fn knowing(name: &'static str, value: &str, answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let echo = json!({ "error": { "message": format!("no such key: {KEY}") } });
    Mock::given(header(name, value))
        .respond_with(answer)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::any())
        .respond_with(reply(401, &echo))
        .with_priority(2)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn each_api_has_its_place_for_the_key() {
    let clock = &FrozenClock::default();
    let server = knowing("x-api-key", KEY, anthropic::good()).await;
    let bearer = format!("Bearer {KEY}");
    let gateway = knowing("authorization", &bearer, anthropic::good()).await;
    let completions = knowing("authorization", &bearer, openai::good()).await;
    let models: [Box<dyn Model>; 3] = [
        Box::new(Anthropic::new(endpoint(&server.uri(), clock), "m")),
        Box::new(Anthropic::new(endpoint(&gateway.uri(), clock), "m").with_auth(Auth::Bearer)),
        Box::new(OpenAi::new(endpoint(&completions.uri(), clock), "m")),
    ];
    for model in models {
        let asked = ask(&*model, &first(), clock, Duration::from_secs(60)).await;
        assert!(asked.outcome.is_ok(), "{:?}", asked.outcome);
    }
}

#[tokio::test]
async fn a_refused_key_is_read_again_once() {
    for (now, told) in [
        (
            "sk-new",
            expect![[r#"
            EndTurn "Fine."
              1 401
              2 200
        "#]],
        ),
        // Another one, which is not known either.
        (
            "sk-newer",
            expect![[r#"
            rejected: answered 401: no such key: … (the secret model)
              1 401
              2 401
        "#]],
        ),
        // The same: the request is not repeated.
        (
            KEY,
            expect![[r#"
            rejected: answered 401: no such key: … (the secret model)
              1 401
        "#]],
        ),
    ] {
        let clock = FrozenClock::default();
        let server = knowing("x-api-key", "sk-new", anthropic::good()).await;
        let key = Rotating::fixed(Token::new("model", KEY).unwrap())
            .renewed_by(Arc::new(FixedCredential::rotated(KEY, now)));
        let model = Anthropic::new(endpoint_with(&server.uri(), &clock, key), "claude-sonnet-4-6");
        let asked = ask(&model, &first(), &clock, Duration::from_secs(60)).await;
        told.assert_eq(&asked.told());
        assert_eq!(asked.waited_ms, 0);
    }
}

#[tokio::test]
async fn a_reply_that_echoes_the_key_brings_it_nowhere() {
    // `ask` looks for the key in the outcome and in the transcript.
    let echo = || {
        let text = format!("you sent {KEY}, {KEY}!");
        ResponseTemplate::new(400)
            .set_body_string(text)
            .insert_header("request-id", KEY)
            .insert_header("x-request-id", KEY)
    };
    let server = serving(vec![echo()]).await;
    for asked in [
        ask_anthropic(&server.uri()).await,
        ask_openai(&server.uri()).await,
    ] {
        let attempt = &asked.transcript.attempts()[0];
        assert_eq!(attempt.reply.as_deref(), Some("you sent …, …!"));
        assert_eq!(attempt.request_id.as_deref(), Some("…"));
    }
    let server = serving(vec![anthropic::saying(KEY)]).await;
    assert_eq!(ask_anthropic(&server.uri()).await.outcome.unwrap().text, "…");
}

/// A Secrets Manager that answers everything so.
async fn secrets(status: u16, body: serde_json::Value) -> (MockServer, Proxy) {
    let server = MockServer::start().await;
    let reply = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(wiremock::matchers::any())
        .respond_with(reply)
        .mount(&server)
        .await;
    let proxy = Proxy::to(&server.address().to_string()).await;
    (server, proxy)
}

#[tokio::test]
async fn a_key_that_cannot_be_used_leaves_models_that_refuse_and_stops_nothing() {
    let api = knowing("x-api-key", KEY, anthropic::good()).await;
    let missing = json!({"__type": "ResourceNotFoundException", "message": "there is none"});
    for (status, body) in [
        (200, json!({"SecretString": ""})),
        (200, json!({"SecretString": " \n"})),
        (200, json!({"SecretString": "hunter2\r\nx-admin: yes"})),
        (400, missing),
    ] {
        let (_server, proxy) = secrets(status, body.clone()).await;
        let configured = Models {
            api: Api::Anthropic,
            url: api.uri(),
            secret: "arn:x".to_owned(),
            transcript_bucket: "transcripts".to_owned(),
            names: vec!["m".to_owned()],
            prices: Prices::new(),
            limits: Limits {
                turns: 1,
                tokens: 1,
                seconds: 1,
                cost: Micros(1),
            },
            daily_cap: Micros(1),
            runs_per_trouble: 6,
        };
        let models = wiring::models(&configured, proxy.config()).await.unwrap();
        let mut transcript = Transcript::default();
        let deadline = SystemClock.now().plus_seconds(30);
        let answer = models[0].answer(&first(), deadline, &mut transcript).await;
        let refused = answer.unwrap_err();
        assert!(matches!(refused, NoAnswer::Rejected(_)), "{body}: {refused:?}");
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }
}
