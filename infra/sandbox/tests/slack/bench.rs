//! A sandbox with its clock in the test's hand, and an app that answers what it is told to.

use std::time::Duration;

use reqwest::{Client, Response};
use sandbox::{Clock, Options, Running};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// 2026-11-22T10:00:00Z.
pub(crate) const START: i64 = 1_795_341_600_000;

pub(crate) const SRE: &str = "C0SRE00001";
pub(crate) const ADA: &str = "U0123456789";

pub(crate) struct Bench {
    pub(crate) sandbox: Running,
    pub(crate) clock: Clock,
    pub(crate) http: Client,
}

impl Bench {
    pub(crate) async fn new() -> Bench {
        let clock = Clock::manual(START);
        let options = Options {
            clock: clock.clone(),
            ..Options::default()
        };
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Bench {
            sandbox: sandbox::spawn(options).await.unwrap(),
            clock,
            http,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.url())
    }

    /// One call as it comes back, with the bot token and a JSON body.
    pub(crate) async fn send(&self, method: &str, body: &Value) -> reqwest::Result<Response> {
        self.http
            .post(self.url(&format!("/api/{method}")))
            .bearer_auth(Options::default().slack_bot_token)
            .header("content-type", "application/json; charset=utf-8")
            .body(body.to_string())
            .send()
            .await
    }

    /// The reply to one call, whose status is 200.
    pub(crate) async fn call(&self, method: &str, body: Value) -> Value {
        let response = self.send(method, &body).await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// The reply to a call that is done.
    pub(crate) async fn done(&self, method: &str, body: Value) -> Value {
        let reply = self.call(method, body).await;
        assert_eq!(reply["ok"], true, "{reply}");
        reply
    }

    /// The error of a call that is not.
    pub(crate) async fn refused(&self, method: &str, body: Value) -> String {
        let reply = self.call(method, body).await;
        assert_eq!(reply["ok"], false, "{reply}");
        reply["error"].as_str().unwrap().to_owned()
    }

    /// Posts a text into the channel of the SREs.
    pub(crate) async fn post(&self, text: &str) -> String {
        let reply = self
            .done("chat.postMessage", json!({"channel": SRE, "text": text}))
            .await;
        reply["ts"].as_str().unwrap().to_owned()
    }

    /// A call of the control routes: its status and its body.
    pub(crate) async fn control(&self, verb: &str, path: &str, body: Value) -> (u16, Value) {
        let url = self.url(&format!("/sandbox/v1/slack/{path}"));
        let request = self.http.request(verb.parse().unwrap(), url);
        let request = if verb == "GET" {
            request
        } else {
            request.json(&body)
        };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A card with two buttons and a link.
    pub(crate) async fn card(&self) -> String {
        let words = |text: &str| json!({"type": "plain_text", "text": text});
        let confirm = json!({
            "title": words("Sure?"), "text": words("It acts."), "confirm": words("Yes"), "deny": words("No"),
        });
        let blocks = json!([
            {"type": "section", "text": {"type": "mrkdwn", "text": "*openai* is failing"}},
            {"type": "actions", "block_id": "ask", "elements": [
                {"type": "button", "text": words("Approve"), "action_id": "approve", "value": "p.1",
                 "style": "primary", "confirm": confirm},
                {"type": "button", "text": words("Reject…"), "action_id": "reject", "value": "p.1"},
                {"type": "button", "text": words("Details"), "action_id": "open", "url": "https://example.com/p"},
            ]},
        ]);
        let body = json!({"channel": SRE, "text": "openai is failing", "blocks": blocks});
        let reply = self.done("chat.postMessage", body).await;
        reply["ts"].as_str().unwrap().to_owned()
    }

    /// Ada clicks a button of a card.
    pub(crate) async fn click(&self, ts: &str, action_id: &str) -> Value {
        let click = json!({"user": ADA, "channel": SRE, "ts": ts, "action_id": action_id});
        let (status, delivered) = self.control("POST", "click", click).await;
        assert_eq!(status, 200, "{delivered}");
        delivered
    }

    /// An app that answers every interaction so.
    pub(crate) async fn app(&self, answer: ResponseTemplate) -> MockServer {
        let app = MockServer::start().await;
        Mock::given(method("POST")).respond_with(answer).mount(&app).await;
        let url = format!("{}/slack/interactions", app.uri());
        let (status, reply) = self.control("PUT", "app", json!({"request_url": url})).await;
        assert_eq!((status, &reply["request_url"]), (200, &json!(url)));
        app
    }
}
