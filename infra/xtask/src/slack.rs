//! The sandbox's Slack, as a person in it sees and uses it.

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox;

/// The Slack app, its workspace and a person in it, as in `events/operators.json`, which the local stack deploys.
pub(crate) const APP_ID: &str = "A0123456789";
pub(crate) const TEAM_ID: &str = "T0123456789";
pub(crate) const ADA: &str = "U0123456789";

/// The channel in which the local stack asks: the sandbox's `#sre`.
pub(crate) const CHANNEL: &str = "C0SRE00001";

/// A message as it stands in the channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Posted(Value);

/// What the app answered to a click.
#[derive(Deserialize)]
pub(crate) struct Delivered {
    pub(crate) status: Option<u16>,
    pub(crate) body: String,
    pub(crate) took_ms: u64,
}

impl Posted {
    /// The card of a proposal, if it was posted.
    pub(crate) async fn card(sandbox: &str, proposal: &str) -> Result<Option<Self>> {
        let channel: Value = sandbox::get(sandbox, &format!("slack/channels/{CHANNEL}")).await?;
        let messages = channel["messages"]
            .as_array()
            .context("the channel has no messages")?;
        let card = messages.iter().find(|message| {
            message["metadata"]["event_type"] == "sre_agent_proposal"
                && message["metadata"]["event_payload"]["proposal"] == proposal
        });
        Ok(card.cloned().map(Self))
    }

    /// The texts of its replies.
    pub(crate) async fn replies(&self, sandbox: &str) -> Result<Vec<String>> {
        let channel: Value = sandbox::get(sandbox, &format!("slack/channels/{CHANNEL}")).await?;
        let messages = channel["messages"]
            .as_array()
            .context("the channel has no messages")?;
        let of_thread =
            |message: &&Value| message["thread_ts"] == self.0["ts"] && message["ts"] != self.0["ts"];
        let replies = messages.iter().filter(of_thread);
        Ok(replies
            .filter_map(|reply| reply["text"].as_str().map(str::to_owned))
            .collect())
    }

    /// Its texts, block by block.
    pub(crate) fn texts(&self) -> Vec<String> {
        let blocks = self.0["blocks"].as_array().into_iter().flatten();
        blocks
            .filter_map(|block| block["text"]["text"].as_str())
            .map(str::to_owned)
            .collect()
    }

    /// Whether one of its texts holds these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.texts().iter().any(|text| text.contains(words))
    }

    /// The buttons on it: what is written on each, what it does, and where it leads.
    pub(crate) fn buttons(&self) -> Vec<(String, String, Option<String>)> {
        let blocks = self.0["blocks"].as_array().into_iter().flatten();
        let elements = blocks.filter_map(|block| block["elements"].as_array()).flatten();
        let buttons = elements.filter(|element| element["type"] == "button");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        buttons
            .map(|button| {
                let leads_to = button["url"].as_str().map(str::to_owned);
                (
                    text(&button["text"]["text"]),
                    text(&button["action_id"]),
                    leads_to,
                )
            })
            .collect()
    }

    /// A person clicks one of its buttons. Signed by another secret, it is a forgery.
    pub(crate) async fn click(
        &self,
        sandbox: &str,
        user: &str,
        action_id: &str,
        secret: Option<&str>,
    ) -> Result<Delivered> {
        let mut click =
            json!({ "user": user, "channel": CHANNEL, "ts": self.0["ts"], "action_id": action_id });
        if let Some(secret) = secret {
            click["secret"] = json!(secret);
        }
        sandbox::ask(sandbox, "slack/click", &click).await
    }
}

/// What people were told for their eyes only, in order.
pub(crate) async fn whispered(sandbox: &str) -> Result<Vec<String>> {
    let told: Value = sandbox::get(sandbox, "slack/ephemeral").await?;
    let Some(told) = told["ephemeral"].as_array() else {
        bail!("the sandbox's Slack does not say what people were told");
    };
    let texts = told.iter().filter_map(|told| told["text"].as_str());
    Ok(texts.map(str::to_owned).collect())
}

/// A text of a message as a terminal shows it: without Slack's escapes, and times as UTC.
pub(crate) fn readable(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!date^") {
        shown.push_str(before);
        let (date, after) = after.split_once('>').unwrap_or((after, ""));
        shown.push_str(date.rsplit('|').next().unwrap_or_default());
        rest = after;
    }
    shown.push_str(rest);
    shown
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
        .replace('\u{200b}', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_without_slacks_marks() {
        let text = "until <!date^1795341690^{date_short_pretty} {time}|2026-11-22 10:01 UTC>, a &lt;b&gt; \u{200b}*c*";
        assert_eq!(readable(text), "until 2026-11-22 10:01 UTC, a <b> *c*");
    }

    #[test]
    fn a_message_tells_its_buttons() {
        let posted = Posted(json!({"ts": "1.2", "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "It waits."}},
            {"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve", "value": "x"},
                {"type": "button", "text": {"type": "plain_text", "text": "Details"}, "action_id": "open", "url": "https://x/y"}]},
        ]}));
        assert!(posted.says("waits") && !posted.says("over"));
        let buttons = posted.buttons();
        assert_eq!(buttons[0], ("Approve".to_owned(), "approve".to_owned(), None));
        assert_eq!(buttons[1].2.as_deref(), Some("https://x/y"));
    }
}
