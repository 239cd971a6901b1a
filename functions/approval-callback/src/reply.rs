//! What the person who clicked is told, at the interaction's `response_url`, and the form they are asked to fill in.

use ::slack::api::{Fault, WebApi};
use ::slack::form::Modal;
use ::slack::text::mrkdwn;
use async_trait::async_trait;
use domain::telling::Line;
use outbound::{Bounds, Client};
use reqwest::Method;
use url::Url;

/// Tells and asks the person who clicked.
#[async_trait]
pub trait Reply: Send + Sync {
    /// Sends one sentence to a response URL. Best effort: the decision stands whether or not they hear of it.
    async fn tell(&self, response_url: &str, told: &Line);

    /// Opens a form for whoever triggered an interaction, or says why it did not.
    async fn open(&self, trigger_id: &str, modal: &Modal) -> Result<(), String>;
}

/// Slack waits 3 s for our own answer.
pub const BOUNDS: Bounds = Bounds {
    connect_ms: 400,
    request_ms: 700,
    reply_bytes: 64 * 1024,
};

/// The longest sentence, characters.
const MAX_TOLD: usize = 3000;

/// Slack's `response_url`. Facts: <https://docs.slack.dev/interactivity/handling-user-interaction#message_responses>.
pub struct SlackReply {
    client: Client,
    origin: url::Origin,
    api: WebApi,
}

impl SlackReply {
    /// Replies only to URLs of this origin: anything else in a payload is not Slack's.
    pub fn new(origin: &str, api: WebApi) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::within(BOUNDS)?,
            origin: Url::parse(origin)?.origin(),
            api,
        })
    }
}

#[async_trait]
impl Reply for SlackReply {
    async fn tell(&self, response_url: &str, told: &Line) {
        let url = match Url::parse(response_url) {
            Ok(url) if url.origin() == self.origin => url,
            Ok(_) | Err(_) => {
                tracing::warn!("did not reply: the response_url is not on Slack's host");
                return;
            }
        };
        let text = mrkdwn(std::slice::from_ref(told), MAX_TOLD);
        let message =
            serde_json::json!({ "response_type": "ephemeral", "replace_original": false, "text": text });
        // The URL is a credential: no error of this client holds it, so that it never gets into the log.
        let sent = self.client.request(Method::POST, url).json(&message);
        match self.client.exchange(sent).await {
            Ok(reply) if reply.status.is_success() => {}
            // Used up: five answers within 30 minutes.
            Ok(reply) => tracing::warn!(http.status = reply.status.as_u16(), "the reply was refused"),
            Err(problem) => tracing::warn!(problem, "the reply was not delivered"),
        }
    }

    async fn open(&self, trigger_id: &str, modal: &Modal) -> Result<(), String> {
        self.api
            .open(trigger_id, modal)
            .await
            .map_err(|fault: Fault| fault.to_string())
    }
}
