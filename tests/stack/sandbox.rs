//! The sandbox gateway, through its workshop API.

use serde_json::{Value, json};

use crate::world::variable;

/// The gateway that the stack watches.
pub(crate) struct Sandbox {
    http: reqwest::Client,
    url: String,
}

impl Sandbox {
    pub(crate) fn new(http: reqwest::Client) -> Self {
        Self {
            http,
            url: variable("SANDBOX_URL"),
        }
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self
            .http
            .get(format!("{}/sandbox/v1/{path}", self.url))
            .send()
            .await
            .unwrap();
        reply.error_for_status().unwrap().json().await.unwrap()
    }

    pub(crate) async fn fault(&self, fault: &Value) {
        let reply = self
            .http
            .post(format!("{}/sandbox/v1/faults", self.url))
            .json(fault)
            .send()
            .await
            .unwrap();
        assert!(
            reply.status().is_success(),
            "{fault}: {}",
            reply.text().await.unwrap()
        );
    }

    /// Everything works again, and the window remembers nothing.
    pub(crate) async fn clear(&self) {
        self.fault(&json!({ "fault": "clear", "forget_window": true }))
            .await;
    }

    /// Writes that the gateway accepted at a path, oldest first.
    pub(crate) async fn writes(&self, path: &str) -> Vec<Value> {
        let log = self.get("writes").await;
        let writes = log["writes"].as_array().unwrap().iter();
        writes.filter(|write| write["path"] == path).cloned().collect()
    }

    /// Dedup keys of the incidents that the pager opened for a proposal.
    pub(crate) async fn pages(&self, proposal: &str) -> Vec<String> {
        let pages = self.get("pages").await;
        let keys = pages["pages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|page| page["dedup_key"].as_str().unwrap().to_owned());
        keys.filter(|key| key.starts_with(proposal)).collect()
    }

    /// Whether the card of a proposal in Slack holds these words.
    pub(crate) async fn card_says(&self, proposal: &str, words: &str) -> bool {
        let channel = self.get("slack/channels/C0SRE00001").await;
        let messages = channel["messages"].as_array().unwrap();
        let card = messages
            .iter()
            .find(|message| message["metadata"]["event_payload"] == json!({ "proposal": proposal }));
        card.is_some_and(|card| card["blocks"].to_string().contains(words))
    }

    pub(crate) async fn slack_replies(&self) -> Vec<Value> {
        self.get("slack/responses").await["responses"]
            .as_array()
            .unwrap()
            .clone()
    }
}
