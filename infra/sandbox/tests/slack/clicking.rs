//! Clicks, and the answers to them.

use std::time::Duration;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sandbox::Options;
use serde_json::{Value, json};
use sha2::Sha256;
use wiremock::{MockServer, ResponseTemplate};

use crate::bench::{ADA, Bench, SRE};

/// The payload that the app got last, whose signature holds.
async fn received(app: &MockServer, secret: &str) -> Value {
    let request = app.received_requests().await.unwrap().pop().unwrap();
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap();
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header("x-slack-request-timestamp"), "1795341600");
    let body = std::str::from_utf8(&request.body).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:1795341600:{body}").as_bytes());
    let expected = format!("v0={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    assert_eq!(header("x-slack-signature"), expected);
    let fields: Vec<_> = form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!(fields.len(), 1);
    assert_eq!(fields[0].0, "payload");
    serde_json::from_str(&fields[0].1).unwrap()
}

#[tokio::test]
async fn a_click_reaches_the_app_signed_and_in_slacks_shape() {
    let bench = Bench::new().await;
    let app = bench.app(ResponseTemplate::new(200)).await;
    let ts = bench.card().await;
    let delivered = bench.click(&ts, "approve").await;
    assert_eq!(
        (&delivered["status"], &delivered["body"]),
        (&json!(200), &json!(""))
    );
    assert_eq!(
        (&delivered["timed_out"], &delivered["problem"], &delivered["view"]),
        (&json!(false), &json!(null), &json!(null))
    );

    let mut payload = received(&app, &Options::default().slack_signing_secret).await;
    assert_eq!(payload, delivered["payload"]);
    let trigger = payload["trigger_id"].take();
    assert_eq!(trigger.as_str().unwrap().split('.').count(), 3);
    let url = payload["response_url"].take();
    let prefix = bench.url("/actions/T0123456789/");
    assert!(url.as_str().unwrap().starts_with(&prefix), "{url}");
    let message = payload["message"].take();
    assert_eq!(
        (&message["ts"], &message["bot_id"]),
        (&json!(ts), &json!("B0123456789"))
    );
    assert_eq!(message["blocks"][1]["elements"][0]["value"], "p.1");
    let words = |text: &str| json!({"type": "plain_text", "text": text, "emoji": true});
    let expected = json!({
        "type": "block_actions",
        "user": {"id": ADA, "username": "ada", "name": "ada", "team_id": "T0123456789"},
        "api_app_id": "A0123456789", "token": "sandboxVerificationToken",
        "container": {"type": "message", "message_ts": ts, "channel_id": SRE, "is_ephemeral": false},
        "trigger_id": null, "team": {"id": "T0123456789", "domain": "sandbox"}, "enterprise": null,
        "is_enterprise_install": false, "channel": {"id": SRE, "name": "sre"}, "message": null,
        "state": {"values": {}}, "response_url": null,
        "actions": [{
            "type": "button", "action_id": "approve", "block_id": "ask", "text": words("Approve"), "value": "p.1",
            "style": "primary", "action_ts": "1795341600.000001",
            "confirm": {"title": words("Sure?"), "text": words("It acts."), "confirm": words("Yes"), "deny": words("No")},
        }],
    });
    assert_eq!(payload, expected);
}

#[tokio::test]
async fn a_button_with_a_url_is_told_too() {
    let bench = Bench::new().await;
    let app = bench.app(ResponseTemplate::new(200)).await;
    let ts = bench.card().await;
    bench.click(&ts, "open").await;
    let payload = received(&app, &Options::default().slack_signing_secret).await;
    let action = &payload["actions"][0];
    assert_eq!(
        (&action["url"], action.get("value")),
        (&json!("https://example.com/p"), None)
    );
}

#[tokio::test]
async fn only_what_stands_there_now_can_be_clicked() {
    let bench = Bench::new().await;
    let ts = bench.card().await;
    let click = |action: &str| json!({"user": ADA, "channel": SRE, "ts": ts, "action_id": action});
    let refused = async |click: Value| {
        let (status, body) = bench.control("POST", "click", click).await;
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        refused(click("approve")).await,
        (409, "no_request_url".to_owned())
    );
    let app = bench.app(ResponseTemplate::new(200)).await;
    assert_eq!(refused(click("undo")).await, (409, "no_such_action".to_owned()));
    let mut other = click("approve");
    other["value"] = json!("p.2");
    assert_eq!(refused(other).await, (409, "no_such_action".to_owned()));
    let bare = json!({"channel": SRE, "ts": ts, "text": "done", "blocks": []});
    bench.done("chat.update", bare).await;
    assert_eq!(
        refused(click("approve")).await,
        (409, "no_such_action".to_owned())
    );
    for (name, value) in [
        ("user", "U0NOBODY00"),
        ("channel", "C0NOWHERE0"),
        ("ts", "1.000000"),
    ] {
        let mut click = click("approve");
        click[name] = json!(value);
        assert_eq!(refused(click).await, (404, "not_found".to_owned()), "{name}");
    }
    assert_eq!(refused(json!({"user": ADA})).await, (422, "invalid".to_owned()));
    assert!(app.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_menu_is_clicked_with_the_value_of_an_option() {
    let bench = Bench::new().await;
    let app = bench.app(ResponseTemplate::new(200)).await;
    let option = |value: &str| json!({"text": {"type": "plain_text", "text": value}, "value": value});
    let menu = json!({"type": "static_select", "action_id": "pick", "options": [option("a"), option("b")]});
    let blocks = json!([{"type": "actions", "block_id": "m", "elements": [menu]}]);
    let posted = bench
        .done(
            "chat.postMessage",
            json!({"channel": SRE, "text": "x", "blocks": blocks}),
        )
        .await;
    let click = |value: Value| json!({"user": ADA, "channel": SRE, "ts": posted["ts"], "action_id": "pick", "value": value});
    assert_eq!(bench.control("POST", "click", click(json!("b"))).await.0, 200);
    let payload = received(&app, &Options::default().slack_signing_secret).await;
    assert_eq!(payload["actions"][0]["selected_option"]["value"], "b");
    assert_eq!(
        payload["state"]["values"]["m"]["pick"]["selected_option"]["value"],
        "b"
    );
    assert_eq!(bench.control("POST", "click", click(json!("c"))).await.0, 409);
    assert_eq!(bench.control("POST", "click", click(json!(null))).await.0, 422);
}

#[tokio::test]
async fn a_forged_click_is_signed_with_another_secret() {
    let bench = Bench::new().await;
    let app = bench.app(ResponseTemplate::new(401)).await;
    let ts = bench.card().await;
    let click = json!({"user": ADA, "channel": SRE, "ts": ts, "action_id": "approve", "secret": "guess"});
    let (_, delivered) = bench.control("POST", "click", click).await;
    assert_eq!(
        (&delivered["status"], &delivered["problem"]),
        (&json!(401), &json!("the app answered 401"))
    );
    received(&app, "guess").await;
}

#[tokio::test]
async fn an_app_that_takes_longer_than_three_seconds_or_is_not_there_is_said_to() {
    let bench = Bench::new().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(6));
    let _app = bench.app(slow).await;
    let ts = bench.card().await;
    let delivered = bench.click(&ts, "approve").await;
    assert_eq!(
        (
            &delivered["status"],
            &delivered["timed_out"],
            &delivered["problem"]
        ),
        (
            &json!(null),
            &json!(true),
            &json!("the app did not answer within 3 s")
        )
    );
    assert!(delivered["took_ms"].as_u64().unwrap() >= 3000);
    bench
        .sandbox
        .set_slack_request_url("http://127.0.0.1:1/slack")
        .unwrap();
    let delivered = bench.click(&ts, "approve").await;
    let problem = delivered["problem"].as_str().unwrap();
    assert!(problem.starts_with("the app cannot be reached"), "{problem}");
    assert_eq!(delivered["timed_out"], false);
    assert!(bench.sandbox.set_slack_request_url("slack").is_err());
}

/// Posts an answer to a `response_url`.
async fn respond(bench: &Bench, url: &Value, body: Value) -> (u16, String) {
    let request = bench.http.post(url.as_str().unwrap()).json(&body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_response_url_is_good_for_five_answers() {
    let bench = Bench::new().await;
    let _app = bench.app(ResponseTemplate::new(200)).await;
    let ts = bench.card().await;
    let url = bench.click(&ts, "approve").await["payload"]["response_url"].take();
    let bad = respond(&bench, &url, json!({"response_type": "ephemeral"})).await;
    assert_eq!(bad, (400, r#"{"ok":false,"error":"no_text"}"#.to_owned()));
    for nth in 1..=5 {
        let answer =
            json!({"text": format!("no {nth}"), "response_type": "ephemeral", "replace_original": false});
        assert_eq!(respond(&bench, &url, answer).await, (200, "ok".to_owned()));
    }
    let spent = (404, r#"{"ok":false,"error":"used_url"}"#.to_owned());
    assert_eq!(respond(&bench, &url, json!({"text": "more"})).await, spent);
    let unknown = json!(bench.url("/actions/T0123456789/1/guess"));
    let refused = (404, r#"{"ok":false,"error":"expired_url"}"#.to_owned());
    assert_eq!(respond(&bench, &unknown, json!({"text": "x"})).await, refused);

    let (_, told) = bench.control("GET", "ephemeral", json!(null)).await;
    assert_eq!(told["ephemeral"].as_array().unwrap().len(), 5);
    let first = json!({
        "at": "2026-11-22T10:00:00.000Z", "user": ADA, "by": "U0SREAGENT", "channel": SRE, "about": ts,
        "text": "no 1", "blocks": [], "thread_ts": null,
    });
    assert_eq!(told["ephemeral"][0], first);
    assert_eq!(bench.sandbox.slack_told().len(), 5);
    assert_eq!(bench.sandbox.slack_replies().len(), 5);
    let history = bench.done("conversations.history", json!({"channel": SRE})).await;
    assert_eq!(history["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_can_replace_delete_or_add_to_what_everybody_sees() {
    let bench = Bench::new().await;
    let _app = bench.app(ResponseTemplate::new(200)).await;
    let ts = bench.card().await;
    let url = bench.click(&ts, "approve").await["payload"]["response_url"].take();
    let texts = async || {
        let messages = bench.sandbox.slack_messages(SRE).unwrap();
        let texts = messages
            .iter()
            .map(|one| one["text"].as_str().unwrap().to_owned());
        texts.collect::<Vec<_>>()
    };
    let ok = (200, "ok".to_owned());
    let public = json!({"text": "seen", "response_type": "in_channel"});
    assert_eq!(respond(&bench, &url, public).await, ok);
    let instead = json!({"text": "approved", "replace_original": true});
    assert_eq!(respond(&bench, &url, instead).await, ok);
    assert_eq!(texts().await, ["approved", "seen"]);
    let gone = json!({"delete_original": true});
    assert_eq!(respond(&bench, &url, gone).await, ok);
    assert_eq!(texts().await, ["seen"]);
    let (status, body) = respond(&bench, &url, json!({"text": "x", "replace_original": true})).await;
    assert_eq!(
        (status, body.as_str()),
        (400, r#"{"ok":false,"error":"message_not_found"}"#)
    );
    let blocks = json!({"text": "x", "blocks": [{"type": "header"}]});
    let (status, body) = respond(&bench, &url, blocks).await;
    assert_eq!(status, 400);
    assert!(body.contains("missing required field: text"), "{body}");
}
