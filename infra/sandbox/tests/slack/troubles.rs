//! Faults.

use sandbox::{SlackFault, SlackFaultKind};
use serde_json::{Value, json};

use crate::bench::{Bench, SRE};

async fn broken(bench: &Bench, fault: Value) {
    let (status, reply) = bench.control("POST", "faults", fault).await;
    assert_eq!(status, 200, "{reply}");
}

fn post() -> Value {
    json!({"channel": SRE, "text": "x"})
}

#[tokio::test]
async fn a_throttled_call_says_when_to_come_back() {
    let bench = Bench::new().await;
    broken(
        &bench,
        json!({"method": "chat.postMessage", "fault": {"throttle": {"retry_after_s": 7}}, "times": 1}),
    )
    .await;
    let response = bench.send("chat.postMessage", &post()).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers().get("retry-after").unwrap(), "7");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"ok": false, "error": "ratelimited"}));
    bench.done("chat.postMessage", post()).await;
    assert_eq!(bench.sandbox.slack_messages(SRE).unwrap().len(), 1);
}

#[tokio::test]
async fn an_error_lasts_until_it_is_cleared() {
    let bench = Bench::new().await;
    broken(
        &bench,
        json!({"method": "*", "fault": {"error": "token_revoked"}}),
    )
    .await;
    for method in ["auth.test", "chat.postMessage", "conversations.history"] {
        assert_eq!(bench.refused(method, post()).await, "token_revoked");
    }
    let (_, listed) = bench.control("GET", "faults", json!(null)).await;
    let expected = json!([{"method": "*", "fault": {"error": "token_revoked"}, "times": null}]);
    assert_eq!(listed["faults"], expected);
    let (_, listed) = bench.control("DELETE", "faults", json!(null)).await;
    assert_eq!(listed["faults"], json!([]));
    bench.done("auth.test", json!({})).await;
    broken(
        &bench,
        json!({"method": "chat.update", "fault": {"error": "missing_scope"}, "times": 1}),
    )
    .await;
    let reply = bench.call("chat.update", json!({})).await;
    assert_eq!(reply["needed"], "chat:write");
}

#[tokio::test]
async fn a_status_is_no_json_and_strikes_its_channel_alone() {
    let bench = Bench::new().await;
    broken(
        &bench,
        json!({"method": "chat.postMessage", "channel": SRE, "fault": {"status": 503}, "times": null}),
    )
    .await;
    let other = json!({"channel": "C0ONCALL01", "text": "x"});
    bench.done("chat.postMessage", other).await;
    for channel in [SRE, "#sre"] {
        let body = json!({"channel": channel, "text": "x"});
        let response = bench.send("chat.postMessage", &body).await.unwrap();
        assert_eq!(response.status(), 503);
        assert!(response.json::<Value>().await.is_err());
    }
}

#[tokio::test]
async fn a_message_whose_reply_is_lost_is_posted_all_the_same() {
    let bench = Bench::new().await;
    let fault = SlackFault {
        method: "chat.postMessage".to_owned(),
        channel: None,
        fault: SlackFaultKind::DropReply,
        times: Some(1),
    };
    bench.sandbox.break_slack(fault).unwrap();
    assert!(bench.send("chat.postMessage", &post()).await.is_err());
    assert_eq!(bench.sandbox.slack_messages(SRE).unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_that_hangs_is_neither_answered_nor_carried_out() {
    let bench = Bench::new().await;
    broken(
        &bench,
        json!({"method": "chat.postMessage", "fault": "hang", "times": 1}),
    )
    .await;
    let short = std::time::Duration::from_millis(300);
    let sent = bench
        .http
        .post(bench.url("/api/chat.postMessage"))
        .bearer_auth("xoxb-sandbox-bot-token")
        .timeout(short)
        .json(&post())
        .send()
        .await;
    assert!(sent.unwrap_err().is_timeout());
    assert!(bench.sandbox.slack_messages(SRE).unwrap().is_empty());
    bench.done("chat.postMessage", post()).await;
}

#[tokio::test]
async fn an_answer_to_an_interaction_can_be_lost_too() {
    let bench = Bench::new().await;
    let _app = bench.app(wiremock::ResponseTemplate::new(200)).await;
    let ts = bench.card().await;
    let url = bench.click(&ts, "approve").await["payload"]["response_url"].take();
    let answer = async || {
        let request = bench.http.post(url.as_str().unwrap()).json(&json!({"text": "x"}));
        request.send().await.map(|response| response.status().as_u16())
    };
    broken(
        &bench,
        json!({"method": "response_url", "fault": {"status": 500}, "times": 1}),
    )
    .await;
    assert_eq!(answer().await.unwrap(), 500);
    broken(&bench, json!({"method": "*", "fault": "drop_reply"})).await;
    assert_eq!(answer().await.unwrap(), 200);
    broken(
        &bench,
        json!({"method": "response_url", "fault": "drop_reply", "times": 1}),
    )
    .await;
    assert!(answer().await.is_err());
    assert_eq!(bench.sandbox.slack_told().len(), 2);
}

#[tokio::test]
async fn a_fault_that_makes_no_sense_is_refused() {
    let bench = Bench::new().await;
    for fault in [
        json!({"method": "chat.shout", "fault": "hang"}),
        json!({"method": "*", "fault": "explode"}),
        json!({"method": "*", "fault": {"status": 200}}),
        json!({"method": "*", "fault": {"error": ""}}),
        json!({"method": "*", "fault": "hang", "times": 0}),
        json!({"method": "response_url", "channel": SRE, "fault": "hang"}),
    ] {
        let (status, _) = bench.control("POST", "faults", fault.clone()).await;
        assert_eq!(status, 422, "{fault}");
    }
    let nowhere = json!({"method": "*", "channel": "C0NOWHERE0", "fault": "hang"});
    assert_eq!(bench.control("POST", "faults", nowhere).await.0, 404);
    let (_, listed) = bench.control("GET", "faults", json!(null)).await;
    assert_eq!(listed["faults"], json!([]));
}
