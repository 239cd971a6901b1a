//! Posting, updating and deleting messages.
//!
//! Facts: <https://docs.slack.dev/reference/methods/chat.postMessage>,
//! <https://docs.slack.dev/reference/methods/chat.update>, <https://docs.slack.dev/reference/methods/chat.delete>,
//! <https://api.slack.com/changelog/2018-04-truncating-really-long-messages>.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::messages::{Content, Message, Ts};
use super::metadata::{self, Metadata};
use super::{Done, PEOPLE, Refused, Workspace, blocks};
use crate::core::error::ApiError;
use crate::core::time::Millis;

/// Characters of a posted text: what is beyond is cut off.
const MOST_POSTED: usize = 40_000;

/// Characters of an updated text: one with more is `msg_too_long`.
const MOST_UPDATED: usize = 4_000;

/// The structures and the text of a call, where they are good. What is absent is `None`.
pub(super) struct Said {
    pub(super) text: Option<String>,
    pub(super) blocks: Option<Vec<Value>>,
    pub(super) attachments: Option<Vec<Value>>,
}

impl Workspace {
    pub(super) fn said(&self, arguments: &Arguments) -> Result<Said, Refused> {
        let objects = |name: &str, error: &'static str| match arguments.structure(name) {
            Ok(None) => Ok(None),
            Ok(Some(Value::Array(items))) if items.iter().all(Value::is_object) => Ok(Some(items)),
            Ok(Some(_)) | Err(_) => Err(Refused::from(error)),
        };
        let given = objects("blocks", "invalid_blocks_format")?.map(Value::Array);
        if let Some(given) = &given {
            let wrong = blocks::wrong_in_message(given);
            if !wrong.is_empty() {
                return Err(Refused::blocks(&wrong));
            }
        }
        Ok(Said {
            text: arguments.text("text")?,
            blocks: given.map(|given| blocks::kept(&given, || self.digits(5))),
            attachments: objects("attachments", "invalid_attachments")?,
        })
    }

    pub(super) fn chat_post_message(&mut self, now: Millis, arguments: &Arguments) -> Done {
        let to = self.addressed(&arguments.required("channel")?);
        let said = self.said(arguments)?;
        let metadata = metadata::of(arguments)?;
        let channel = self.channel(&to)?;
        if channel.is_archived() {
            return Err("is_archived".into());
        }
        channel.entered()?;
        let content = said.whole()?;
        let thread = match arguments.text("thread_ts")?.filter(|ts| !ts.is_empty()) {
            None => None,
            Some(ts) => {
                let parent = Ts::parse(&ts).and_then(|ts| channel.message(ts));
                let parent = parent.ok_or(Refused::from("thread_not_found"))?;
                if parent.thread.is_some() {
                    return Err("cannot_reply_to_message".into());
                }
                Some(parent.ts)
            }
        };
        let ignored = metadata == Metadata::Ignored;
        let ts = self.tick(now);
        let message = Message {
            thread,
            broadcast: thread.is_some() && arguments.flag("reply_broadcast"),
            metadata: match metadata {
                Metadata::Given(metadata) => Some(metadata),
                Metadata::Unsaid | Metadata::Removed | Metadata::Ignored => None,
            },
            ..Message::of_bot(ts, content)
        };
        let channel = self.channel(&to)?;
        let mut done = json!({"channel": to, "ts": ts.to_string(), "message": message.json(channel, true)});
        channel.add(message);
        if ignored {
            warn(&mut done, metadata::WARNING);
        }
        Ok(done)
    }

    pub(super) fn chat_update(&mut self, now: Millis, arguments: &Arguments) -> Done {
        let to = arguments.required("channel")?;
        let ts = arguments.required("ts")?;
        let said = self.said(arguments)?;
        let metadata = metadata::of(arguments)?;
        if said
            .text
            .as_ref()
            .is_some_and(|text| text.chars().count() > MOST_UPDATED)
        {
            return Err("msg_too_long".into());
        }
        let channel = self.channel(&to)?;
        channel.entered()?;
        if channel.is_archived() {
            return Err("is_inactive".into());
        }
        let ts = Ts::parse(&ts).ok_or(Refused::from("message_not_found"))?;
        let message = channel.message(ts).filter(|message| !message.tombstone);
        let message = message.ok_or(Refused::from("message_not_found"))?;
        if !message.is_bots() {
            return Err("cant_update_message".into());
        }
        let content = said.over(&message.content)?;
        let at = self.tick(now);
        let channel = self.channel(&to)?;
        let message = channel
            .message_mut(ts)
            .ok_or(Refused::from("message_not_found"))?;
        message.edit(at, content);
        let ignored = metadata == Metadata::Ignored;
        match metadata {
            Metadata::Given(metadata) => message.metadata = Some(metadata),
            Metadata::Removed => message.metadata = None,
            Metadata::Unsaid | Metadata::Ignored => {}
        }
        let message = message.clone();
        let mut done = json!({
            "channel": to, "ts": ts.to_string(), "text": message.content.text,
            "message": message.json(channel, true),
        });
        if ignored {
            warn(&mut done, metadata::WARNING);
        }
        Ok(done)
    }

    pub(super) fn chat_delete(&mut self, arguments: &Arguments) -> Done {
        let to = arguments.required("channel")?;
        let ts = arguments.required("ts")?;
        let channel = self.channel(&to)?;
        channel.entered()?;
        let message = Ts::parse(&ts).and_then(|ts| channel.message(ts));
        let message = message
            .filter(|message| !message.tombstone)
            .ok_or(Refused::from("message_not_found"))?;
        if !message.is_bots() {
            return Err("cant_delete_message".into());
        }
        let at = message.ts;
        channel.remove(at);
        Ok(json!({"channel": to, "ts": ts}))
    }

    /// A person writes something; the `ts` of it.
    pub(crate) fn person_writes(
        &mut self,
        now: Millis,
        channel: &str,
        (user, text, thread): (&str, &str, Option<&str>),
    ) -> Result<String, ApiError> {
        if !PEOPLE.iter().any(|(id, _, _)| *id == user) {
            return Err(ApiError::not_found("user", user));
        }
        let parent = match thread {
            None => None,
            Some(ts) => Some(self.shown_message(channel, ts)?.ts),
        };
        let ts = self.tick(now);
        let content = Content {
            text: text.to_owned(),
            ..Content::default()
        };
        self.any_channel(channel)?.add(Message {
            person: Some(user.to_owned()),
            thread: parent,
            ..Message::of_bot(ts, content)
        });
        Ok(ts.to_string())
    }

    /// A person deletes a message, whoever wrote it.
    pub(crate) fn person_deletes(&mut self, channel: &str, ts: &str) -> Result<(), ApiError> {
        let at = self.shown_message(channel, ts)?.ts;
        self.any_channel(channel)?.remove(at);
        Ok(())
    }

    /// A message that a person sees in a channel.
    pub(super) fn shown_message(&mut self, channel: &str, ts: &str) -> Result<&Message, ApiError> {
        let channel = self.any_channel(channel)?;
        Ts::parse(ts)
            .and_then(|ts| channel.message(ts))
            .filter(|message| !message.tombstone)
            .ok_or_else(|| ApiError::not_found("message", ts))
    }
}

impl Said {
    /// As a message of its own.
    pub(super) fn whole(self) -> Result<Content, Refused> {
        let content = Content {
            text: self.text.unwrap_or_default().chars().take(MOST_POSTED).collect(),
            blocks: self.blocks.unwrap_or_default(),
            attachments: self.attachments.unwrap_or_default(),
        };
        if content.text.is_empty() && content.blocks.is_empty() && content.attachments.is_empty() {
            return Err("no_text".into());
        }
        Ok(content)
    }

    /// Instead of what a message said. A text alone also takes the blocks away; blocks alone leave the text.
    fn over(self, before: &Content) -> Result<Content, Refused> {
        if self.text.is_none() && self.blocks.is_none() && self.attachments.is_none() {
            return Err("no_text".into());
        }
        let kept = self.text.is_none().then(|| before.blocks.clone());
        Said {
            text: self.text.or_else(|| Some(before.text.clone())),
            blocks: self.blocks.or(kept),
            attachments: self.attachments.or_else(|| Some(before.attachments.clone())),
        }
        .whole()
    }
}

/// Adds a warning to a reply: <https://docs.slack.dev/apis/web-api>.
pub(crate) fn warn(reply: &mut Value, warning: &str) {
    let warnings = reply.pointer("/response_metadata/warnings").cloned();
    let mut warnings: Vec<Value> = warnings
        .and_then(|list| list.as_array().cloned())
        .unwrap_or_default();
    warnings.push(json!(warning));
    let all: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
    reply["warning"] = json!(all.join(","));
    reply["response_metadata"]["warnings"] = json!(warnings);
}
