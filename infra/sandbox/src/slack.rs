//! Interactions on their way to the app: signed as Slack signs them, sent, and applied when they are answered.
//!
//! Facts: <https://docs.slack.dev/authentication/verifying-requests-from-slack>,
//! <https://docs.slack.dev/interactivity/handling-user-interaction> (a form with `payload`, three seconds).

use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::core::error::ApiError;
use crate::core::slack::clicks::Click;
use crate::core::slack::faults::SlackFault;
use crate::core::slack::response_urls::Told;
use crate::core::slack::submissions::{Outcome, Submission};
use crate::core::slack::{AppChange, ChannelChange};
use crate::gateway::Gateway;
use crate::running::Running;

/// How long Slack waits for an app's answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What came of an interaction.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Delivered {
    /// The HTTP status of the app's answer, where there was one.
    pub status: Option<u16>,
    /// The body of it.
    pub body: String,
    /// How long it took.
    pub took_ms: u64,
    /// Whether the app took longer than the three seconds that Slack waits.
    pub timed_out: bool,
    /// What the person would be told went wrong.
    pub problem: Option<String>,
    /// The modal that is shown now, where one was opened or changed by it.
    pub view: Option<Value>,
    /// What was sent.
    pub payload: Value,
}

impl Gateway {
    /// A person clicks something.
    pub(crate) async fn click(&self, click: &Click) -> Result<Delivered, ApiError> {
        let now = self.clock.now();
        let (url, secret, payload) = {
            let mut workspace = self.workspace();
            let (url, secret) = workspace.destination()?;
            (url, secret, workspace.clicked(now, click)?)
        };
        let secret = click.secret.clone().unwrap_or(secret);
        let mut delivered = self.deliver(&url, &secret, payload).await?;
        let trigger = delivered.payload["trigger_id"].as_str().unwrap_or_default();
        delivered.view = self.workspace().opened_by(trigger);
        Ok(delivered)
    }

    /// A person submits a modal.
    pub(crate) async fn submit(&self, submission: &Submission) -> Result<Delivered, ApiError> {
        let now = self.clock.now();
        let (url, secret, payload) = {
            let mut workspace = self.workspace();
            let (url, secret) = workspace.destination()?;
            (url, secret, workspace.submitted(now, submission)?)
        };
        let secret = submission.secret.clone().unwrap_or(secret);
        let mut delivered = self.deliver(&url, &secret, payload).await?;
        let Some(status) = delivered.status else {
            return Ok(delivered);
        };
        let outcome =
            self.workspace()
                .answered(self.clock.now(), &submission.view_id, status, &delivered.body);
        match outcome {
            Outcome::Closed => {}
            Outcome::Shows(view) => delivered.view = Some(view),
            Outcome::Trouble(problem) => delivered.problem = Some(problem),
        }
        Ok(delivered)
    }

    async fn deliver(&self, url: &str, secret: &str, payload: Value) -> Result<Delivered, ApiError> {
        let failed = |error: &dyn std::fmt::Display| ApiError::new(500, "cannot_send", error.to_string());
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| failed(&error))?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("payload", &payload.to_string())
            .finish()
            // As RFC 3986 encodes: LocalStack reads a form and writes it anew in that way before the function sees it,
            // and the signature is over what arrives there.
            .replace('*', "%2A")
            .replace("%7E", "~");
        let timestamp = (self.clock.now() / 1000).to_string();
        let signature = signature(secret, &timestamp, &body).map_err(|error| failed(&error))?;
        let request = client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("x-slack-request-timestamp", timestamp)
            .header("x-slack-signature", signature)
            .body(body);
        let started = Instant::now();
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            Ok::<_, reqwest::Error>((status, answer.text().await?))
        };
        let answer = answer.await;
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let timed_out = matches!(&answer, Err(error) if error.is_timeout());
        let (status, body, problem) = match answer {
            Ok((200, body)) => (Some(200), body, None),
            Ok((status, body)) => (Some(status), body, Some(format!("the app answered {status}"))),
            Err(_) if timed_out => {
                let problem = format!("the app did not answer within {} s", PATIENCE.as_secs());
                (None, String::new(), Some(problem))
            }
            Err(error) => (
                None,
                String::new(),
                Some(format!("the app cannot be reached: {error}")),
            ),
        };
        Ok(Delivered {
            status,
            body,
            took_ms,
            timed_out,
            problem,
            view: None,
            payload,
        })
    }
}

/// `v0=` and the digest of `v0:<timestamp>:<body>`.
fn signature(secret: &str, timestamp: &str, body: &str) -> Result<String, hmac::digest::InvalidLength> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    Ok(format!("v0={}", HEXLOWER.encode(&mac.finalize().into_bytes())))
}

impl Running {
    /// Sets where Slack sends interactions, as `PUT /sandbox/v1/slack/app` does.
    ///
    /// # Errors
    /// Where it is no URL.
    pub fn set_slack_request_url(&self, url: &str) -> Result<(), ApiError> {
        self.gateway.workspace().change_app(AppChange {
            request_url: Some(url.to_owned()),
            ..AppChange::default()
        })
    }

    /// Revokes the bot token, as `POST /sandbox/v1/slack/revoke_token` does.
    pub fn revoke_slack_token(&self) {
        self.gateway.workspace().revoke_token();
    }

    /// Makes this the bot token, as `PUT /sandbox/v1/slack/app` does.
    ///
    /// # Errors
    /// Where it is empty.
    pub fn set_slack_bot_token(&self, token: &str) -> Result<(), ApiError> {
        self.gateway.workspace().change_app(AppChange {
            bot_token: Some(token.to_owned()),
            ..AppChange::default()
        })
    }

    /// Invites the bot to a channel or removes it, as `PUT /sandbox/v1/slack/channels/{id}` does.
    ///
    /// # Errors
    /// Where there is no such channel.
    pub fn set_slack_membership(&self, channel: &str, bot_is_member: bool) -> Result<(), ApiError> {
        let change = ChannelChange {
            bot_is_member: Some(bot_is_member),
            archived: None,
        };
        self.gateway.workspace().change_channel(channel, &change)
    }

    /// The messages of a channel, oldest first, as `GET /sandbox/v1/slack/channels/{id}` shows them.
    ///
    /// # Errors
    /// Where there is no such channel.
    pub fn slack_messages(&self, channel: &str) -> Result<Vec<Value>, ApiError> {
        let mut shown = self.gateway.workspace().shown(channel)?;
        match shown["messages"].take() {
            Value::Array(messages) => Ok(messages),
            other => Ok(vec![json!(other)]),
        }
    }

    /// A person deletes a message.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn delete_slack_message(&self, channel: &str, ts: &str) -> Result<(), ApiError> {
        self.gateway.workspace().person_deletes(channel, ts)
    }

    /// What people were told that nobody else sees, oldest first.
    #[must_use]
    pub fn slack_told(&self) -> Vec<Told> {
        self.gateway.workspace().told()
    }

    /// The open modals.
    #[must_use]
    pub fn slack_views(&self) -> Vec<Value> {
        self.gateway.workspace().views()
    }

    /// Breaks Slack, as `POST /sandbox/v1/slack/faults` does.
    ///
    /// # Errors
    /// Where the fault makes no sense.
    pub fn break_slack(&self, fault: SlackFault) -> Result<(), ApiError> {
        self.gateway.workspace().break_it(fault)
    }

    /// Ends every fault of Slack's.
    pub fn mend_slack(&self) {
        self.gateway.workspace().mend();
    }

    /// A person clicks something, as `POST /sandbox/v1/slack/click` does.
    ///
    /// # Errors
    /// Where there is nothing to click, or nowhere to send it.
    pub async fn slack_click(&self, click: &Click) -> Result<Delivered, ApiError> {
        self.gateway.click(click).await
    }

    /// A person submits a modal, as `POST /sandbox/v1/slack/submit` does.
    ///
    /// # Errors
    /// Where there is nothing to submit, or nowhere to send it.
    pub async fn slack_submit(&self, submission: &Submission) -> Result<Delivered, ApiError> {
        self.gateway.submit(submission).await
    }
}
