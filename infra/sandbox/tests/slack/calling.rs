//! The way of a call: token, scope, encoding.

use sandbox::Options;
use serde_json::{Value, json};

use crate::bench::{Bench, SRE};

#[tokio::test]
async fn a_token_says_who_it_is_and_others_are_refused() {
    let bench = Bench::new().await;
    let me = bench.done("auth.test", json!({})).await;
    assert_eq!(
        (&me["team_id"], &me["user_id"], &me["bot_id"]),
        (&json!("T0123456789"), &json!("U0SREAGENT"), &json!("B0123456789"))
    );
    let url = bench.url("/api/auth.test");
    let of = async |request: reqwest::RequestBuilder| -> Value {
        request.send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(
        of(bench.http.post(&url)).await,
        json!({"ok": false, "error": "not_authed"})
    );
    let other = bench.http.post(&url).bearer_auth("xoxb-other");
    assert_eq!(of(other).await, json!({"ok": false, "error": "invalid_auth"}));
    let token = Options::default().slack_bot_token;
    let form = format!("token={token}");
    let form = bench
        .http
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    assert_eq!(of(form).await["ok"], true);
    let body = json!({"token": token});
    let unheard = bench.http.post(&url).json(&body);
    assert_eq!(of(unheard).await["error"], "not_authed");
}

#[tokio::test]
async fn a_revoked_token_works_again_once_there_is_another() {
    let bench = Bench::new().await;
    let (_, app) = bench.control("POST", "revoke_token", json!({})).await;
    assert_eq!(app["token_revoked"], true);
    assert_eq!(bench.refused("auth.test", json!({})).await, "token_revoked");
    bench
        .control("PUT", "app", json!({"bot_token": "xoxb-new"}))
        .await;
    assert_eq!(bench.refused("auth.test", json!({})).await, "token_revoked");
    let url = bench.url("/api/auth.test");
    let new = bench.http.post(url).bearer_auth("xoxb-new").send().await.unwrap();
    assert_eq!(new.json::<Value>().await.unwrap()["ok"], true);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let bench = Bench::new().await;
    let scopes = json!({"scopes": ["channels:read"]});
    bench.control("PUT", "app", scopes).await;
    let reply = bench
        .call("chat.postMessage", json!({"channel": SRE, "text": "x"}))
        .await;
    let expected =
        json!({"ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "channels:read"});
    assert_eq!(reply, expected);
    bench.done("conversations.info", json!({"channel": SRE})).await;
}

#[tokio::test]
async fn every_reply_has_an_id_and_an_unknown_method_is_said_to_be_one() {
    let bench = Bench::new().await;
    let response = bench.send("auth.test", &json!({})).await.unwrap();
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("x-slack-req-id").len(), 32);
    assert_eq!(header("content-type"), "application/json; charset=utf-8");
    assert!(header("x-oauth-scopes").contains("chat:write"));
    assert_eq!(bench.refused("chat.shout", json!({})).await, "unknown_method");
}

#[tokio::test]
async fn api_test_says_what_it_was_sent() {
    let bench = Bench::new().await;
    assert_eq!(bench.call("api.test", json!({})).await, json!({"ok": true}));
    assert_eq!(
        bench.call("api.test", json!({"foo": "bar"})).await,
        json!({"ok": true, "args": {"foo": "bar"}})
    );
    assert_eq!(
        bench.call("api.test", json!({"error": "oh"})).await,
        json!({"ok": false, "error": "oh", "args": {"error": "oh"}})
    );
}

#[tokio::test]
async fn a_form_carries_structures_as_text_and_a_query_reads() {
    let bench = Bench::new().await;
    let blocks = json!([{"type": "header", "text": {"type": "plain_text", "text": "Hello"}}]);
    let metadata = json!({"event_type": "card", "event_payload": {"proposal": "p"}});
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("channel", "#sre")
        .append_pair("blocks", &blocks.to_string())
        .append_pair("metadata", &metadata.to_string())
        .finish();
    let reply: Value = bench
        .http
        .post(bench.url("/api/chat.postMessage"))
        .bearer_auth(Options::default().slack_bot_token)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&reply["ok"], &reply["channel"]),
        (&json!(true), &json!(SRE)),
        "{reply}"
    );
    let path = format!("/api/conversations.history?channel={SRE}&include_all_metadata=1");
    let read: Value = bench
        .http
        .get(bench.url(&path))
        .bearer_auth(Options::default().slack_bot_token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(read["messages"][0]["metadata"], metadata);
    assert_eq!(read["messages"][0]["blocks"][0]["text"]["text"], "Hello");
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_in_slacks_words() {
    let bench = Bench::new().await;
    let url = bench.url("/api/chat.postMessage");
    for (kind, body, error) in [
        (Some("application/json"), "{", "invalid_json"),
        (Some("application/json"), "[]", "json_not_object"),
        (Some("application/json; charset=klingon"), "{}", "invalid_charset"),
        (Some("application/xml"), "<a/>", "invalid_post_type"),
        (None, "a", "missing_post_type"),
    ] {
        let request = bench
            .http
            .post(&url)
            .bearer_auth(Options::default().slack_bot_token)
            .body(body);
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        let reply: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(reply["error"], error, "{body}");
    }
    let uncharted = bench
        .http
        .post(bench.url("/api/auth.test"))
        .bearer_auth(Options::default().slack_bot_token)
        .header("content-type", "application/json")
        .body("{}");
    let reply: Value = uncharted.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&reply["warning"], &reply["response_metadata"]["warnings"]),
        (&json!("missing_charset"), &json!(["missing_charset"]))
    );
}
