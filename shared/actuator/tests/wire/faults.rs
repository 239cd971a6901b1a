//! When a write goes wrong: "refused" only where it certainly had no effect.

use std::time::{Duration, Instant};

use actuator::{AdminActuator, PagerDuty};
use domain::inventory::Change;
use domain::ports::{ActError, Actuator, Gateway};
use domain::proposal::Permit;
use sandbox::{CallFault, CallFaultMode, Injection, Options};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::permits::{Begun, action};
use testkit::blunt::{End, answering};

const TOKEN: &str = "sandbox-write-token";

fn at(url: &str) -> AdminActuator {
    let pager = PagerDuty::new(url, &"k".repeat(32)).unwrap();
    AdminActuator::new(url, TOKEN, pager).unwrap()
}

/// A sandbox, with leave to break `openai` on it.
async fn breaking() -> (sandbox::Running, Permit, Change) {
    let sandbox = sandbox::spawn(Options::default()).await.unwrap();
    let inventory = at(&sandbox.url()).reader().inventory().await.unwrap();
    let breaks = json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300});
    let permit = Begun::started(&action(breaks), &inventory).permit_apply();
    let change = permit.plan().changes[0].clone();
    (sandbox, permit, change)
}

/// How the write ends at a URL, in bounded time and without the token.
async fn outcome(url: &str, permit: &Permit, change: &Change) -> Result<(), ActError> {
    let actuator = at(url);
    let begun = Instant::now();
    let outcome = actuator.apply(permit, change).await;
    assert_eq!(actuator.request_ms(), 2_000);
    // Far from that bound, for a busy machine, and as far from the server's patience.
    assert!(begun.elapsed() < Duration::from_secs(15), "a request has 2 s");
    if let Err(err) = &outcome {
        let told = err.to_string();
        assert!(!told.contains(TOKEN) && !told.contains("http:"), "{told}");
    }
    outcome
}

fn unclear(outcome: &Result<(), ActError>) -> bool {
    matches!(outcome, Err(ActError::Unclear(_)))
}

#[tokio::test]
async fn the_request_is_the_absolute_value_under_the_token() {
    let (sandbox, permit, change) = breaking().await;
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/base/admin/v1/providers/openai/breaker"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .and(header("content-type", "application/json"))
        .and(body_json(json!({"blocked": true})))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"blocked":true,"since":"now"}"#))
        .expect(1)
        .mount(&server)
        .await;
    outcome(&format!("{}/base/", server.uri()), &permit, &change)
        .await
        .unwrap();
    sandbox.stop().await;
}

#[tokio::test]
async fn only_a_4xx_says_that_nothing_happened() {
    let (sandbox, permit, change) = breaking().await;
    for (status, refused) in [
        (400, true),
        (401, true),
        (403, true),
        (404, true),
        (408, false),
        (409, true),
        (422, true),
        (429, false),
        (500, false),
        (502, false),
        (503, false),
        (302, false),
        (307, false),
    ] {
        let server = MockServer::start().await;
        // What a redirect names would take the request: it is the very server.
        let reply = ResponseTemplate::new(status).insert_header("location", "/again");
        let reply = reply.set_body_string(format!(r#"{{"error":{{"code":"x","message":"with {TOKEN}"}}}}"#));
        Mock::given(method("PUT"))
            .respond_with(reply)
            .expect(1)
            .mount(&server)
            .await;
        let outcome = outcome(&server.uri(), &permit, &change).await;
        assert_eq!(
            matches!(outcome, Err(ActError::Refused(_))),
            refused,
            "{status}: {outcome:?}"
        );
        assert_eq!(unclear(&outcome), !refused, "{status}: {outcome:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_success_that_does_not_show_the_value_is_unclear() {
    let (sandbox, permit, change) = breaking().await;
    for (status, body) in [
        (200, r#"{"blocked":false}"#),
        (200, r#"{"enabled":true}"#),
        (200, r#"{"blocked":true"#),
        (200, ""),
        (202, r#"{"status":"accepted"}"#),
        (204, ""),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("PUT"))
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .mount(&server)
            .await;
        let outcome = outcome(&server.uri(), &permit, &change).await;
        assert!(unclear(&outcome), "{status} {body}: {outcome:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn silence_is_unclear() {
    let (sandbox, permit, change) = breaking().await;
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"blocked\":true";
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(endless.len() + gateway::BOUNDS.reply_bytes + 1, b' ');
    for (bytes, end) in [
        (Vec::new(), End::Close),
        (Vec::new(), End::Reset),
        (Vec::new(), End::Hang),
        (half.into(), End::Close),
        (half.into(), End::Reset),
        (half.into(), End::Hang),
        (endless, End::Close),
    ] {
        let outcome = outcome(&answering(bytes, end).await, &permit, &change).await;
        assert!(unclear(&outcome), "{end:?}: {outcome:?}");
    }
    let url = sandbox.url();
    sandbox.stop().await;
    assert!(unclear(&outcome(&url, &permit, &change).await), "nobody listens");
}

#[tokio::test]
async fn a_reply_lost_after_the_commit_is_found_by_reading() {
    let (sandbox, permit, change) = breaking().await;
    let actuator = at(&sandbox.url());
    let fault = |mode, method: &str| {
        Injection::Admin(CallFault {
            mode,
            times: 1,
            delay_ms: None,
            method: Some(method.to_owned()),
            path: "/admin/v1/".to_owned(),
        })
    };
    sandbox.inject(fault(CallFaultMode::Unavailable, "PUT")).unwrap();
    assert!(unclear(&actuator.apply(&permit, &change).await));
    assert_eq!(actuator.read(&change.target).await.unwrap(), change.before);

    sandbox
        .inject(fault(CallFaultMode::DropReplyAfterCommit, "PUT"))
        .unwrap();
    assert!(unclear(&actuator.apply(&permit, &change).await));
    assert_eq!(actuator.read(&change.target).await.unwrap(), change.after);

    sandbox.inject(fault(CallFaultMode::Error, "GET")).unwrap();
    let unread = actuator.read(&change.target).await.unwrap_err().to_string();
    assert_eq!(
        unread,
        "the gateway is unavailable: answered 500: a fault was asked for"
    );
    sandbox.stop().await;
}
