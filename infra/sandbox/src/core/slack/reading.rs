//! Reading what was posted.
//!
//! Facts: <https://docs.slack.dev/reference/methods/conversations.history>,
//! <https://docs.slack.dev/reference/methods/conversations.replies>,
//! <https://docs.slack.dev/reference/methods/chat.getPermalink>, <https://docs.slack.dev/apis/web-api/pagination>.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::channels::{Channel, opened, sealed};
use super::messages::{Message, Ts};
use super::{DOMAIN, Done, Refused, Workspace};

/// What a cursor's text begins with, as Slack's do: `next_ts:1512085861000543`.
const CURSOR: &str = "next_ts:";

/// The part of a channel or of a thread that is asked for.
struct Range {
    oldest: Option<Ts>,
    latest: Option<Ts>,
    inclusive: bool,
    /// The first message of this page.
    from: Option<Ts>,
    limit: usize,
    metadata: bool,
}

impl Range {
    fn of(arguments: &Arguments, usual: usize, most: usize) -> Result<Range, Refused> {
        let bound = |name: &str, error: &'static str| match arguments.text(name)?.filter(|ts| !ts.is_empty())
        {
            None => Ok(None),
            Some(text) => Ts::bound(&text).map(Some).ok_or(Refused::from(error)),
        };
        let from = match arguments.text("cursor")?.filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => {
                let micros = opened(&cursor, CURSOR).and_then(|micros| micros.parse().ok());
                Some(Ts(micros.ok_or(Refused::from("invalid_cursor"))?))
            }
        };
        Ok(Range {
            oldest: bound("oldest", "invalid_ts_oldest")?,
            latest: bound("latest", "invalid_ts_latest")?,
            inclusive: arguments.flag("inclusive"),
            from,
            limit: arguments
                .limit(usual, most)
                .ok_or(Refused::from("invalid_limit"))?,
            metadata: arguments.flag("include_all_metadata"),
        })
    }

    fn has(&self, ts: Ts) -> bool {
        let after = self
            .oldest
            .is_none_or(|oldest| ts > oldest || (self.inclusive && ts == oldest));
        let before = self
            .latest
            .is_none_or(|latest| ts < latest || (self.inclusive && ts == latest));
        after && before
    }

    /// One page of messages that are in their order, from where the cursor says.
    fn page(&self, messages: &[&Message], channel: &Channel) -> Result<Value, Refused> {
        let from = match self.from {
            None => 0,
            Some(ts) => messages
                .iter()
                .position(|message| message.ts == ts)
                .ok_or(Refused::from("invalid_cursor"))?,
        };
        let page: Vec<Value> = messages[from..]
            .iter()
            .take(self.limit)
            .map(|message| message.json(channel, self.metadata))
            .collect();
        let next = messages.get(from + self.limit);
        let cursor = next.map_or_else(String::new, |message| sealed(CURSOR, &message.ts.0.to_string()));
        Ok(json!({
            "messages": page, "has_more": next.is_some(),
            "response_metadata": {"next_cursor": cursor},
        }))
    }
}

impl Workspace {
    /// The channel's messages, the newest first, without the replies.
    pub(super) fn conversations_history(&mut self, arguments: &Arguments) -> Done {
        let id = arguments.required("channel")?;
        let range = Range::of(arguments, 100, 999)?;
        let channel = self.channel(&id)?;
        channel.entered()?;
        let channel = &*channel;
        let messages: Vec<&Message> = channel
            .messages
            .iter()
            .rev()
            .filter(|message| (message.thread.is_none() || message.broadcast) && range.has(message.ts))
            .collect();
        let mut done = range.page(&messages, channel)?;
        done["pin_count"] = json!(0);
        Ok(done)
    }

    /// A message and its replies, the oldest first; of a reply, itself alone.
    pub(super) fn conversations_replies(&mut self, arguments: &Arguments) -> Done {
        let id = arguments.required("channel")?;
        let ts = arguments.required("ts")?;
        let range = Range::of(arguments, 1000, 1000)?;
        let channel = self.channel(&id)?;
        channel.entered()?;
        let channel = &*channel;
        let head = Ts::parse(&ts)
            .and_then(|ts| channel.message(ts))
            .ok_or(Refused::from("thread_not_found"))?;
        let replies = channel.replies(head.ts).filter(|reply| range.has(reply.ts));
        let messages: Vec<&Message> = [head].into_iter().chain(replies).collect();
        range.page(&messages, channel)
    }

    pub(super) fn chat_get_permalink(&mut self, arguments: &Arguments) -> Done {
        let id = arguments.required("channel")?;
        let ts = arguments.required("message_ts")?;
        let channel = self.channel(&id)?;
        channel.entered()?;
        let message = Ts::parse(&ts).and_then(|ts| channel.message(ts));
        let message = message.ok_or(Refused::from("message_not_found"))?;
        let short = ts.replace('.', "");
        let thread = message
            .thread
            .map_or_else(String::new, |thread| format!("?thread_ts={thread}&cid={id}"));
        let permalink = format!("https://{DOMAIN}.slack.com/archives/{id}/p{short}{thread}");
        Ok(json!({"channel": id, "permalink": permalink}))
    }
}
