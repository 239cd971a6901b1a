//! Channels, and what the bot may do in them.
//!
//! Facts: <https://docs.slack.dev/reference/methods/conversations.info>,
//! <https://docs.slack.dev/reference/methods/conversations.list>.

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::messages::Message;
use super::{BOT_USER, Done, PEOPLE, Refused, TEAM, Workspace};
use crate::core::error::ApiError;

/// When the channels were made, seconds since 1970.
const CREATED: i64 = 1_730_000_000;

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    private: bool,
    archived: bool,
    bot_is_member: bool,
    /// By `ts`, ascending; replies among them.
    pub(super) messages: Vec<Message>,
}

/// A change of a channel by a person; what is absent stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelChange {
    /// Invites the bot, or removes it.
    pub(crate) bot_is_member: Option<bool>,
    /// Archives the channel, or takes it out of the archive.
    pub(crate) archived: Option<bool>,
}

/// The channels at first.
pub(super) fn first() -> Vec<Channel> {
    let channel = |id, name, private, archived, bot_is_member| Channel {
        id,
        name,
        private,
        archived,
        bot_is_member,
        messages: Vec::new(),
    };
    vec![
        channel("C0SRE00001", "sre", false, false, true),
        channel("C0ONCALL01", "oncall", false, false, true),
        channel("C0GENERAL1", "general", false, false, false),
        channel("C0PRIVATE1", "board", true, false, false),
        channel("C0ARCHIVED", "archived", false, true, true),
    ]
}

impl Channel {
    pub(super) fn is_archived(&self) -> bool {
        self.archived
    }

    /// Whether the bot may know that it is there.
    pub(super) fn visible(&self) -> bool {
        self.bot_is_member || !self.private
    }

    /// Refused where the bot is no member: `channel_not_found` of a private channel, which must not be told apart
    /// from none.
    pub(super) fn entered(&self) -> Result<(), Refused> {
        match (self.bot_is_member, self.private) {
            (true, _) => Ok(()),
            (false, true) => Err("channel_not_found".into()),
            (false, false) => Err("not_in_channel".into()),
        }
    }

    /// The channel of an interaction.
    pub(super) fn short(&self) -> Value {
        let name = if self.private { "privategroup" } else { self.name };
        json!({"id": self.id, "name": name})
    }

    fn json(&self, members: bool) -> Value {
        let mut channel = json!({
            "id": self.id, "name": self.name, "name_normalized": self.name,
            "is_channel": !self.private, "is_group": self.private, "is_im": false, "is_mpim": false,
            "is_private": self.private, "created": CREATED, "is_archived": self.archived,
            "is_general": self.name == "general", "unlinked": 0, "is_shared": false, "is_frozen": false,
            "is_org_shared": false, "is_pending_ext_shared": false, "pending_shared": [],
            "context_team_id": TEAM, "updated": CREATED * 1000, "parent_conversation": null,
            "creator": PEOPLE[0].0, "is_ext_shared": false, "shared_team_ids": [TEAM],
            "pending_connected_team_ids": [], "is_member": self.bot_is_member,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0}, "previous_names": [],
        });
        if members {
            channel["num_members"] = json!(PEOPLE.len() + usize::from(self.bot_is_member));
        }
        channel
    }
}

impl Workspace {
    /// The channel of an id, if the bot may know of it.
    pub(super) fn channel(&mut self, id: &str) -> Result<&mut Channel, Refused> {
        let mut channels = self.channels.iter_mut();
        channels
            .find(|channel| channel.id == id && channel.visible())
            .ok_or(Refused::from("channel_not_found"))
    }

    /// The channel of an id, as a person sees it, who is in every one.
    pub(super) fn any_channel(&mut self, id: &str) -> Result<&mut Channel, ApiError> {
        let mut channels = self.channels.iter_mut();
        channels
            .find(|channel| channel.id == id)
            .ok_or_else(|| ApiError::not_found("channel", id))
    }

    /// The id of what `chat.postMessage` is given, an id or `#name`.
    pub(super) fn addressed(&self, channel: &str) -> String {
        let named = channel
            .strip_prefix('#')
            .and_then(|name| self.channels.iter().find(|one| one.name == name));
        named.map_or(channel, |one| one.id).to_owned()
    }

    /// Invites or removes the bot, archives or restores.
    pub(crate) fn change_channel(&mut self, id: &str, change: &ChannelChange) -> Result<(), ApiError> {
        let channel = self.any_channel(id)?;
        channel.bot_is_member = change.bot_is_member.unwrap_or(channel.bot_is_member);
        channel.archived = change.archived.unwrap_or(channel.archived);
        Ok(())
    }

    /// A channel as a person sees it: every message with its thread, its metadata and what it said before.
    pub(crate) fn shown(&mut self, id: &str) -> Result<Value, ApiError> {
        let channel = self.any_channel(id)?;
        let messages: Vec<Value> = channel
            .messages
            .iter()
            .map(|message| message.shown(channel))
            .collect();
        let mut shown = channel.json(true);
        shown["bot_user_id"] = json!(BOT_USER);
        Ok(json!({"channel": shown, "messages": messages}))
    }

    pub(super) fn conversations_info(&mut self, arguments: &Arguments) -> Done {
        let members = arguments.flag("include_num_members");
        let channel = self.channel(&arguments.required("channel")?)?;
        Ok(json!({"channel": channel.json(members)}))
    }

    /// Lists what the bot may know of, by id, each page from the channel that its cursor names.
    pub(super) fn conversations_list(&mut self, arguments: &Arguments) -> Done {
        let types = arguments
            .text("types")?
            .filter(|types| !types.is_empty())
            .unwrap_or_else(|| "public_channel".to_owned());
        let types: Vec<&str> = types.split(',').map(str::trim).collect();
        let known = ["public_channel", "private_channel", "mpim", "im"];
        if types.iter().any(|one| !known.contains(one)) {
            return Err("invalid_types".into());
        }
        let limit = arguments.limit(100, 1000).ok_or(Refused::from("invalid_limit"))?;
        let unarchived = arguments.flag("exclude_archived");
        let wanted = |channel: &&Channel| {
            let kind = if channel.private {
                "private_channel"
            } else {
                "public_channel"
            };
            channel.visible() && types.contains(&kind) && !(unarchived && channel.archived)
        };
        let mut found: Vec<&Channel> = self.channels.iter().filter(wanted).collect();
        found.sort_by_key(|channel| channel.id);
        let cursor = arguments.text("cursor")?.filter(|cursor| !cursor.is_empty());
        let from = match cursor {
            None => 0,
            Some(cursor) => {
                let id = opened(&cursor, "team:").ok_or(Refused::from("invalid_cursor"))?;
                let mut ids = found.iter().map(|channel| channel.id);
                ids.position(|one| one == id)
                    .ok_or(Refused::from("invalid_cursor"))?
            }
        };
        let page: Vec<Value> = found[from..]
            .iter()
            .take(limit)
            .map(|channel| channel.json(true))
            .collect();
        let next = found
            .get(from + limit)
            .map_or_else(String::new, |channel| sealed("team:", channel.id));
        Ok(json!({"channels": page, "response_metadata": {"next_cursor": next}}))
    }
}

/// A cursor as Slack's are: base64 of what stands next
/// (<https://docs.slack.dev/apis/web-api/pagination>).
pub(super) fn sealed(kind: &str, next: &str) -> String {
    BASE64.encode(format!("{kind}{next}").as_bytes())
}

/// What stands next, by a cursor of this kind.
pub(super) fn opened(cursor: &str, kind: &str) -> Option<String> {
    let text = String::from_utf8(BASE64.decode(cursor.as_bytes()).ok()?).ok()?;
    text.strip_prefix(kind).map(str::to_owned)
}
