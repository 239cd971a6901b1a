//! Messages as they are kept and shown.
//!
//! Facts: <https://docs.slack.dev/reference/methods/conversations.history>,
//! <https://docs.slack.dev/reference/methods/conversations.replies> (what a thread adds to its parent).

use std::fmt;

use serde_json::{Value, json};

use super::channels::Channel;
use super::{APP, BOT, BOT_USER, TEAM, keep};
use crate::core::time::{Millis, rfc3339};

/// An instant by which a message is known: microseconds since 1970, written `1732270000.000100`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ts(pub(super) i64);

impl Ts {
    /// Now, or right after this one where that is not yet over.
    pub(super) fn next(self, now: Millis) -> Ts {
        Ts(now.saturating_mul(1000).max(self.0 + 1))
    }

    /// Reads the whole form, and nothing else.
    pub(super) fn parse(text: &str) -> Option<Ts> {
        let (seconds, micros) = text.split_once('.')?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !(1..=12).contains(&seconds.len()) || micros.len() != 6 || !digits(seconds) || !digits(micros) {
            return None;
        }
        Some(Ts(
            seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?
        ))
    }

    /// Reads a bound of a range, which may have fewer decimals or none.
    pub(super) fn bound(text: &str) -> Option<Ts> {
        let (seconds, micros) = text.split_once('.').unwrap_or((text, "0"));
        Ts::parse(&format!("{seconds}.{micros:0<6}"))
    }

    /// When that is, for a person.
    pub(super) fn at(self) -> String {
        rfc3339(self.0 / 1000)
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
    pub(super) attachments: Vec<Value>,
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) ts: Ts,
    /// A person's id; the bot's where there is none.
    pub(super) person: Option<String>,
    pub(super) content: Content,
    pub(super) metadata: Option<Value>,
    /// The message that it replies to.
    pub(super) thread: Option<Ts>,
    /// Whether a reply also stands in the channel.
    pub(super) broadcast: bool,
    pub(super) edited: Option<Ts>,
    /// Deleted, but kept as the head of its thread.
    pub(super) tombstone: bool,
    /// What it said before each edit.
    pub(super) before: Vec<(Ts, Content)>,
}

impl Message {
    pub(super) fn of_bot(ts: Ts, content: Content) -> Message {
        Message {
            ts,
            person: None,
            content,
            metadata: None,
            thread: None,
            broadcast: false,
            edited: None,
            tombstone: false,
            before: Vec::new(),
        }
    }

    /// Whether the bot wrote it, and it still says what the bot wrote.
    pub(super) fn is_bots(&self) -> bool {
        self.person.is_none() && !self.tombstone
    }

    fn author(&self) -> &str {
        if self.tombstone {
            "USLACKBOT"
        } else {
            self.person.as_deref().unwrap_or(BOT_USER)
        }
    }

    /// Makes it say something else.
    pub(super) fn edit(&mut self, at: Ts, content: Content) {
        let before = std::mem::replace(&mut self.content, content);
        self.before.push((at, before));
        self.edited = Some(at);
    }

    /// The message object.
    pub(super) fn json(&self, channel: &Channel, metadata: bool) -> Value {
        let mut message = json!({
            "type": "message", "user": self.author(), "ts": self.ts.to_string(), "text": self.content.text,
            "team": TEAM,
        });
        if self.tombstone {
            message["subtype"] = json!("tombstone");
            message["hidden"] = json!(true);
        } else if self.person.is_none() {
            message["bot_id"] = json!(BOT);
            message["app_id"] = json!(APP);
            message["bot_profile"] = json!({
                "id": BOT, "app_id": APP, "user_id": BOT_USER, "name": "sre-agent", "icons": {},
                "deleted": false, "updated": 1_730_000_000, "team_id": TEAM,
            });
        }
        if !self.content.blocks.is_empty() {
            message["blocks"] = json!(self.content.blocks);
        }
        if !self.content.attachments.is_empty() {
            message["attachments"] = json!(self.content.attachments);
        }
        if let Some(at) = self.edited {
            message["edited"] = json!({"user": self.author(), "ts": at.to_string()});
        }
        if let (true, Some(of)) = (metadata, &self.metadata) {
            message["metadata"] = of.clone();
        }
        self.thread_fields(channel, &mut message);
        message
    }

    fn thread_fields(&self, channel: &Channel, message: &mut Value) {
        if let Some(thread) = self.thread {
            message["thread_ts"] = json!(thread.to_string());
            if let Some(parent) = channel.message(thread) {
                message["parent_user_id"] = json!(parent.author());
            }
            if self.broadcast {
                message["subtype"] = json!("thread_broadcast");
            }
            return;
        }
        let replies: Vec<&Message> = channel.replies(self.ts).collect();
        let Some(latest) = replies.last() else { return };
        let mut users: Vec<&str> = replies.iter().map(|reply| reply.author()).collect();
        users.sort_unstable();
        users.dedup();
        message["thread_ts"] = json!(self.ts.to_string());
        message["reply_count"] = json!(replies.len());
        message["reply_users_count"] = json!(users.len());
        message["latest_reply"] = json!(latest.ts.to_string());
        message["reply_users"] = json!(users);
        message["is_locked"] = json!(false);
        message["subscribed"] = json!(self.person.is_none());
    }

    /// The message object with everything that the workspace knows of it.
    pub(super) fn shown(&self, channel: &Channel) -> Value {
        let before: Vec<Value> = self
            .before
            .iter()
            .map(|(until, content)| {
                json!({"until": until.at(), "text": content.text, "blocks": content.blocks})
            })
            .collect();
        let mut shown = self.json(channel, true);
        shown["posted_at"] = json!(self.ts.at());
        shown["before"] = json!(before);
        shown
    }
}

impl Channel {
    /// The message of a `ts`, a tombstone too.
    pub(super) fn message(&self, ts: Ts) -> Option<&Message> {
        self.position(ts).map(|at| &self.messages[at])
    }

    pub(super) fn message_mut(&mut self, ts: Ts) -> Option<&mut Message> {
        self.position(ts).map(|at| &mut self.messages[at])
    }

    fn position(&self, ts: Ts) -> Option<usize> {
        self.messages.binary_search_by_key(&ts, |message| message.ts).ok()
    }

    /// The replies to a message, in order.
    pub(super) fn replies(&self, thread: Ts) -> impl Iterator<Item = &Message> {
        self.messages
            .iter()
            .filter(move |message| message.thread == Some(thread))
    }

    /// Adds the newest message; the oldest goes where there are too many.
    pub(super) fn add(&mut self, message: Message) {
        keep(&mut self.messages, message);
    }

    /// Takes a message away; the head of a thread leaves a tombstone.
    pub(super) fn remove(&mut self, ts: Ts) {
        let Some(at) = self.position(ts) else { return };
        if self.replies(ts).next().is_none() {
            self.messages.remove(at);
            return;
        }
        let message = &mut self.messages[at];
        message.tombstone = true;
        message.metadata = None;
        message.content = Content {
            text: "This message was deleted.".to_owned(),
            ..Content::default()
        };
    }
}
