//! What the person who clicked is told, at the interaction's `response_url`.

use std::time::Duration;

use async_trait::async_trait;
use url::Url;

/// Tells the person who clicked. Best effort: the decision stands whether or not they hear of it.
#[async_trait]
pub trait Reply: Send + Sync {
    /// Sends one sentence to a response URL.
    async fn tell(&self, response_url: &str, text: &str);
}

/// Slack's `response_url`. Facts: <https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>.
pub struct SlackReply {
    http: reqwest::Client,
    origin: url::Origin,
}

impl SlackReply {
    /// Replies only to URLs of this origin: anything else in a payload is not Slack's.
    pub fn new(origin: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(400))
            // Slack waits 3 s for our own answer.
            .timeout(Duration::from_millis(700))
            .build()?;
        Ok(Self {
            http,
            origin: Url::parse(origin)?.origin(),
        })
    }
}

#[async_trait]
impl Reply for SlackReply {
    async fn tell(&self, response_url: &str, text: &str) {
        let url = match Url::parse(response_url) {
            Ok(url) if url.origin() == self.origin => url,
            Ok(_) | Err(_) => {
                tracing::warn!("did not reply: the response_url is not on Slack's host");
                return;
            }
        };
        let message =
            serde_json::json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        // The URL is a credential: it never gets into the log, so neither does the error with it.
        match self
            .http
            .post(url)
            .json(&message)
            .send()
            .await
            .map_err(reqwest::Error::without_url)
        {
            Ok(reply) if reply.status().is_success() => {}
            Ok(reply) => tracing::warn!(http.status = reply.status().as_u16(), "the reply was refused"),
            Err(err) => tracing::warn!(error = %err, "the reply was not delivered"),
        }
    }
}
