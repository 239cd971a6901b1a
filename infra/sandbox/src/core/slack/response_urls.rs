//! `response_url`s: where an app answers an interaction without a token.
//!
//! Facts: <https://docs.slack.dev/interactivity/handling-user-interaction>: five uses within 30 minutes, ephemeral
//! unless said otherwise, `replace_original`, `delete_original`, `thread_ts`, and `ok` for an answer. Slack does not
//! document the words for a URL that is spent or old; `used_url` and `expired_url` with a 404 stand for them here.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arguments::Arguments;
use super::messages::{Message, Ts};
use super::{BOT_USER, Refused, TEAM, Workspace, keep};
use crate::core::time::{Millis, rfc3339};

/// How long one is good, ms.
const GOOD_FOR: Millis = 30 * 60 * 1000;

/// How often one is good.
const USES: u32 = 5;

#[derive(Debug)]
pub(super) struct ResponseUrl {
    id: String,
    secret: String,
    user: String,
    channel: String,
    message: Ts,
    made: Millis,
    uses: u32,
}

/// What a person was told that nobody else sees.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Told {
    /// When (RFC 3339).
    pub at: String,
    /// Who was told, `U…`.
    pub user: String,
    /// Who told them, `U…`.
    pub by: String,
    /// In which channel, `C…`.
    pub channel: String,
    /// The message whose element they had used.
    pub about: String,
    /// The text.
    pub text: String,
    /// The blocks.
    pub blocks: Vec<Value>,
    /// The thread that it shows in.
    pub thread_ts: Option<String>,
}

/// Why an answer is not taken, with its HTTP status.
pub(crate) type Declined = (u16, Refused);

impl Workspace {
    /// A URL for the answer to what a person did with a message.
    pub(super) fn response_url(&mut self, now: Millis, user: &str, channel: &str, message: Ts) -> String {
        let id = self.tick(now).0.to_string();
        let secret = self.digits(24);
        let url = format!("{}/actions/{TEAM}/{id}/{secret}", self.base_url);
        let made = ResponseUrl {
            id,
            secret,
            user: user.to_owned(),
            channel: channel.to_owned(),
            message,
            made: now,
            uses: 0,
        };
        keep(&mut self.response_urls, made);
        url
    }

    /// Takes an answer.
    pub(crate) fn respond(
        &mut self,
        now: Millis,
        (team, id, secret): (&str, &str, &str),
        body: &[u8],
    ) -> Result<(), Declined> {
        let at = self
            .response_urls
            .iter()
            .position(|url| team == TEAM && url.id == id && url.secret == secret);
        let at = at.ok_or((404, Refused::from("expired_url")))?;
        let url = &self.response_urls[at];
        if now - url.made > GOOD_FOR {
            return Err((404, "expired_url".into()));
        }
        if url.uses >= USES {
            return Err((404, "used_url".into()));
        }
        let (user, channel, message) = (url.user.clone(), url.channel.clone(), url.message);
        self.take(now, (&user, &channel, message), body)
            .map_err(|refused| (400, refused))?;
        self.response_urls[at].uses += 1;
        Ok(())
    }

    fn take(&mut self, now: Millis, (user, id, about): (&str, &str, Ts), body: &[u8]) -> Result<(), Refused> {
        let arguments = Arguments::from_json(body)?;
        let said = self.said(&arguments)?;
        let kind = arguments.text("response_type")?;
        if kind
            .as_ref()
            .is_some_and(|kind| kind != "ephemeral" && kind != "in_channel")
        {
            return Err("invalid_arguments".into());
        }
        let ts = self.tick(now);
        let no_channel = || Refused::from("channel_not_found");
        let channel = self
            .channels
            .iter_mut()
            .find(|channel| channel.id == id)
            .ok_or_else(no_channel)?;
        if arguments.flag("delete_original") {
            channel.remove(about);
            return Ok(());
        }
        let content = said.whole()?;
        if arguments.flag("replace_original") {
            let message = channel
                .message_mut(about)
                .filter(|message| message.is_bots())
                .ok_or(Refused::from("message_not_found"))?;
            message.edit(ts, content);
            return Ok(());
        }
        let thread = arguments.text("thread_ts")?;
        if kind.as_deref() == Some("in_channel") {
            let thread = thread.as_deref().and_then(Ts::parse);
            let thread = thread.filter(|thread| channel.message(*thread).is_some());
            channel.add(Message {
                thread,
                ..Message::of_bot(ts, content)
            });
            return Ok(());
        }
        let told = Told {
            at: rfc3339(now),
            user: user.to_owned(),
            by: BOT_USER.to_owned(),
            channel: id.to_owned(),
            about: about.to_string(),
            text: content.text,
            blocks: content.blocks,
            thread_ts: thread,
        };
        keep(&mut self.told, told);
        Ok(())
    }

    /// What people were told, oldest first.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.clone()
    }
}
