//! The Web API: posting, updating, looking for what was posted, opening a modal.
//!
//! Facts: <https://docs.slack.dev/apis/web-api>, <https://docs.slack.dev/apis/web-api/rate-limits>,
//! <https://docs.slack.dev/reference/methods/chat.postMessage>, <https://docs.slack.dev/reference/methods/chat.update>,
//! <https://docs.slack.dev/reference/methods/conversations.history>,
//! <https://docs.slack.dev/reference/methods/conversations.replies>,
//! <https://docs.slack.dev/reference/methods/conversations.info>, <https://docs.slack.dev/reference/methods/views.open>.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use domain::ports::Credential;
use domain::trail::Seq;
use domain::value::{ProposalId, shorten};
use outbound::{BadSettings, BaseUrl, Bounds, Client, Reply, Rotating, Token};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};

use crate::form::Modal;
use crate::message::{Message, Metadata};

/// How long to wait where Slack throttles and does not say, seconds.
const THROTTLED_S: u64 = 30;

/// Messages of one look.
const PAGE: usize = 200;

/// The most looks for one message: a channel with more messages since is not searched further.
const MOST_PAGES: usize = 5;

/// Slack, with one app's bot token.
#[derive(Debug)]
pub struct WebApi {
    client: Client,
    base: BaseUrl,
    token: Rotating,
}

/// Where a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The channel, `C…`.
    pub channel: String,
    /// The message in it, `1732270000.000100`.
    pub ts: String,
}

impl Posted {
    /// Reads `C…/1732270000.000100`.
    pub fn parse(text: &str) -> Option<Self> {
        let (channel, ts) = text.split_once('/')?;
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (seconds, rest) = ts.split_once('.')?;
        (!channel.is_empty() && digits(seconds) && digits(rest)).then(|| Self {
            channel: channel.to_owned(),
            ts: ts.to_owned(),
        })
    }
}

impl fmt::Display for Posted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.ts)
    }
}

/// Why Slack did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Too many requests: again after so many seconds. Nothing happened.
    Throttled {
        /// Seconds.
        after_s: u64,
    },
    /// Slack said no. Nothing happened.
    Refused {
        /// Its word for it, and what it says besides.
        code: String,
        /// What is at fault.
        whose: Whose,
    },
    /// Whether it happened is not known.
    Unclear(String),
}

/// What is at fault where Slack says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The token: nothing works until a person mends it.
    Token,
    /// The channel: another one may do.
    Channel,
    /// The message: it is not there any more, or cannot be changed.
    Message,
    /// What was sent.
    Ours,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Throttled { after_s } => write!(f, "throttled for {after_s} s"),
            Fault::Refused { code, .. } => f.write_str(code),
            Fault::Unclear(problem) => f.write_str(problem),
        }
    }
}

/// What a word of Slack's puts at fault. `None`: Slack's own trouble, after which nobody knows what happened.
fn whose(code: &str) -> Option<Whose> {
    Some(match code {
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org" => {
            return None;
        }
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_expired"
        | "token_revoked"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "org_login_required"
        | "ekm_access_denied"
        | "access_denied"
        | "accesslimited"
        | "two_factor_setup_required"
        | "enterprise_is_restricted"
        | "team_access_not_granted"
        | "token_rotation_enabled" => Whose::Token,
        "channel_not_found"
        | "not_in_channel"
        | "is_archived"
        | "is_inactive"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_thread_locked"
        | "restricted_action_non_threadable_channel"
        | "channel_type_not_supported"
        | "method_not_supported_for_channel_type"
        | "slack_connect_file_link_sharing_blocked"
        | "external_channel_migrating"
        | "team_not_found" => Whose::Channel,
        "message_not_found"
        | "cant_update_message"
        | "edit_window_closed"
        | "thread_not_found"
        | "cannot_reply_to_message"
        | "expired_trigger_id"
        | "exchanged_trigger_id"
        | "trigger_expired"
        | "invalid_trigger_id" => Whose::Message,
        _ => Whose::Ours,
    })
}

impl WebApi {
    /// Slack at a base URL, with the token of the secret `slack-bot`. Nothing is sent yet.
    pub fn new(
        setting: &'static str,
        base_url: &str,
        token: Rotating,
        bounds: Bounds,
    ) -> Result<Self, BadSettings> {
        Ok(Self {
            client: Client::within(bounds)?,
            base: BaseUrl::new(setting, base_url)?,
            token,
        })
    }

    /// The same with the bot's token as it is now, which is read again after it was refused; and connected, before the first
    /// call.
    pub async fn connected(
        setting: &'static str,
        base_url: &str,
        bot: Arc<dyn Credential>,
        bounds: Bounds,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let token = Token::new("slack-bot", &bot.current().await?)?;
        let slack = Self::new(setting, base_url, Rotating::fixed(token).renewed_by(bot), bounds)?;
        slack.client.connect(&slack.base).await;
        Ok(slack)
    }

    /// Posts a message into a channel, or into a thread of it.
    pub async fn post(
        &self,
        channel: &str,
        thread: Option<&str>,
        message: &Message,
    ) -> Result<Posted, Fault> {
        let mut body = json!(message);
        body["channel"] = json!(channel);
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        // A text from outside makes no link, not even of a bare address.
        body["parse"] = json!("none");
        if let Some(thread) = thread {
            body["thread_ts"] = json!(thread);
        }
        let reply = self.call("chat.postMessage", Sent::Json(&body)).await?;
        posted(&reply, channel)
    }

    /// Makes a posted message this one.
    pub async fn update(&self, posted: &Posted, message: &Message) -> Result<(), Fault> {
        let mut body = json!(message);
        body["channel"] = json!(posted.channel);
        body["ts"] = json!(posted.ts);
        self.call("chat.update", Sent::Json(&body)).await.map(drop)
    }

    /// The message with this metadata that was posted into a channel since `oldest`, seconds since 1970.
    pub async fn find(
        &self,
        channel: &str,
        oldest: i64,
        metadata: &Metadata,
    ) -> Result<Option<Posted>, Fault> {
        let fields = [("channel", channel.to_owned()), ("oldest", oldest.to_string())];
        let found = |message: &Value| metadata.is_of(message).then(|| posted(message, channel));
        let found = self.look("conversations.history", &fields, found).await?;
        found.transpose()
    }

    /// The records of a proposal that replies in the thread of its card tell of.
    pub async fn replied(&self, card: &Posted, proposal: &ProposalId) -> Result<BTreeSet<Seq>, Fault> {
        let fields = [("channel", card.channel.clone()), ("ts", card.ts.clone())];
        let mut told = BTreeSet::new();
        self.look("conversations.replies", &fields, |message| {
            told.extend(Metadata::record_of(message, proposal));
            None::<()>
        })
        .await?;
        Ok(told)
    }

    /// That the bot may post into a channel, as far as Slack says without posting.
    pub async fn reaches(&self, channel: &str) -> Result<(), Fault> {
        let refused = |code: &str| {
            Err(Fault::Refused {
                code: code.to_owned(),
                whose: Whose::Channel,
            })
        };
        let reply = self
            .call(
                "conversations.info",
                Sent::Form(&[("channel", channel.to_owned())]),
            )
            .await?;
        let about = |name: &str| {
            reply
                .pointer(&format!("/channel/{name}"))
                .and_then(Value::as_bool)
        };
        if about("is_archived") == Some(true) {
            refused("is_archived")
        } else if about("is_member") != Some(true) {
            refused("not_in_channel")
        } else {
            Ok(())
        }
    }

    /// Opens a modal for whoever triggered an interaction, which is good for three seconds.
    pub async fn open(&self, trigger_id: &str, modal: &Modal) -> Result<(), Fault> {
        let body = json!({ "trigger_id": trigger_id, "view": modal });
        self.call("views.open", Sent::Json(&body)).await.map(drop)
    }

    /// Looks through messages, the newest first in a channel, until one is what is looked for.
    async fn look<T>(
        &self,
        method: &str,
        fields: &[(&str, String)],
        mut finds: impl FnMut(&Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut cursor = String::new();
        for _ in 0..MOST_PAGES {
            let mut all = fields.to_vec();
            all.push(("include_all_metadata", "true".to_owned()));
            all.push(("limit", PAGE.to_string()));
            if !cursor.is_empty() {
                all.push(("cursor", cursor));
            }
            let reply = self.call(method, Sent::Form(&all)).await?;
            let messages = reply.get("messages").and_then(Value::as_array);
            if let Some(found) = messages.into_iter().flatten().find_map(&mut finds) {
                return Ok(Some(found));
            }
            let next = reply
                .pointer("/response_metadata/next_cursor")
                .and_then(Value::as_str);
            cursor = next.unwrap_or_default().to_owned();
            if cursor.is_empty() {
                break;
            }
        }
        Ok(None)
    }

    async fn call(&self, method: &str, sent: Sent<'_>) -> Result<Value, Fault> {
        match self.once(method, &sent).await {
            Err(Fault::Refused {
                whose: Whose::Token, ..
            }) if self.token.renew().await => self.once(method, &sent).await,
            answered => answered,
        }
    }

    async fn once(&self, method: &str, sent: &Sent<'_>) -> Result<Value, Fault> {
        let token = self.token.current();
        let request = self
            .client
            .request(Method::POST, self.base.join(&format!("/api/{method}")))
            .header(reqwest::header::AUTHORIZATION, token.bearer());
        let request = match sent {
            Sent::Json(body) => request
                .header(CONTENT_TYPE, "application/json; charset=utf-8")
                .body(body.to_string()),
            Sent::Form(fields) => request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(
                    form_urlencoded::Serializer::new(String::new())
                        .extend_pairs(*fields)
                        .finish(),
                ),
        };
        let reply = self
            .client
            .exchange(request)
            .await
            .map_err(|problem| Fault::Unclear(format!("Slack: {problem}")))?;
        understood(&reply)
    }
}

enum Sent<'a> {
    Json(&'a Value),
    Form(&'a [(&'a str, String)]),
}

fn posted(message: &Value, channel: &str) -> Result<Posted, Fault> {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let ts = text("ts").ok_or_else(|| Fault::Unclear("Slack says yes and names no message".to_owned()))?;
    Ok(Posted {
        channel: text("channel").unwrap_or(channel).to_owned(),
        ts: ts.to_owned(),
    })
}

/// The reply to a call, where it was done.
fn understood(reply: &Reply) -> Result<Value, Fault> {
    if reply.status.as_u16() == 429 {
        let after = reply
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let after_s = after
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(THROTTLED_S);
        return Err(Fault::Throttled { after_s });
    }
    if !reply.status.is_success() {
        return Err(Fault::Unclear(format!(
            "Slack answered {}",
            reply.status.as_u16()
        )));
    }
    let body: Value = serde_json::from_slice(&reply.body)
        .map_err(|_| Fault::Unclear("Slack answered with something that is no JSON".to_owned()))?;
    if body.get("ok") == Some(&json!(true)) {
        return Ok(body);
    }
    let Some(code) = body.get("error").and_then(Value::as_str) else {
        return Err(Fault::Unclear("Slack answered neither yes nor no".to_owned()));
    };
    if matches!(code, "ratelimited" | "rate_limited") {
        return Err(Fault::Throttled { after_s: THROTTLED_S });
    }
    match whose(code) {
        Some(whose) => Err(Fault::Refused {
            code: said(code, &body),
            whose,
        }),
        None => Err(Fault::Unclear(format!("Slack answered {code}"))),
    }
}

/// Slack's word with what it says besides: the scope that is needed, what is wrong with the arguments.
fn said(code: &str, body: &Value) -> String {
    let mut said = shorten(code);
    if let Some(needed) = body.get("needed").and_then(Value::as_str) {
        said += &format!(" (needs {})", shorten(needed));
    }
    let messages = body
        .pointer("/response_metadata/messages")
        .and_then(Value::as_array);
    for message in messages.into_iter().flatten().filter_map(Value::as_str).take(3) {
        said += &format!("; {}", shorten(message));
    }
    said
}
