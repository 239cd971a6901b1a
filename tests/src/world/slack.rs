//! A Slack in memory, which fails as the real one does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use ::slack::api::{Fault, Posted, Whose};
use ::slack::message::{Message, Metadata};
use async_trait::async_trait;
use domain::trail::Seq;
use domain::value::ProposalId;
use notification::slack::Slack;
use serde_json::{Value, json};
use testkit::Cutter;

/// A message that was posted.
#[derive(Debug, Clone)]
pub struct SlackMessage {
    /// The channel.
    pub channel: String,
    /// The message it replies to.
    pub thread: Option<String>,
    /// What it shows now.
    pub shows: Value,
    ts: String,
    frozen: bool,
}

impl SlackMessage {
    /// Everything that a person reads on it.
    pub fn text(&self) -> String {
        self.shows.to_string()
    }

    /// The buttons on it that do something.
    pub fn buttons(&self) -> Vec<String> {
        let blocks = self.shows["blocks"].as_array().cloned().unwrap_or_default();
        let elements = blocks.iter().filter_map(|block| block["elements"].as_array());
        let live = elements.flatten().filter(|element| element["value"].is_string());
        live.map(|button| button["action_id"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// What Slack does instead of what it is asked for.
#[derive(Debug, Clone)]
pub enum SlackTrouble {
    /// It does not answer, and does nothing.
    Down,
    /// It does what it is asked for, and its answer is lost.
    Lost,
    /// It asks to wait so many seconds.
    Throttles(u64),
    /// It says no: the token is revoked.
    Revoked,
}

/// The Slack.
#[derive(Debug, Default)]
pub struct FakeSlack {
    trouble: Mutex<Option<SlackTrouble>>,
    refused: Mutex<BTreeMap<String, &'static str>>,
    unposted: Mutex<Option<&'static str>>,
    messages: Mutex<Vec<SlackMessage>>,
    calls: Mutex<usize>,
}

impl FakeSlack {
    /// What goes wrong from now on.
    pub fn breaks(&self, trouble: SlackTrouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    /// Everything works again.
    pub fn works(&self) {
        *self.trouble.lock().unwrap() = None;
        self.refused.lock().unwrap().clear();
    }

    /// A channel says no to everything, with this word.
    pub fn refuses(&self, channel: &str, code: &'static str) {
        self.refused.lock().unwrap().insert(channel.to_owned(), code);
    }

    /// Nothing may be posted any more, and everything read.
    pub fn refuses_posts(&self, code: &'static str) {
        *self.unposted.lock().unwrap() = Some(code);
    }

    /// The cards so far cannot be changed any more: they are another app's.
    pub fn freeze_cards(&self) {
        for message in self.messages.lock().unwrap().iter_mut() {
            message.frozen = true;
        }
    }

    /// A person deletes the cards.
    pub fn delete_cards(&self) {
        self.messages
            .lock()
            .unwrap()
            .retain(|message| message.thread.is_some());
    }

    /// The cards, in the order of posting.
    pub fn cards(&self) -> Vec<SlackMessage> {
        let messages = self.messages.lock().unwrap();
        messages
            .iter()
            .filter(|message| message.thread.is_none())
            .cloned()
            .collect()
    }

    /// The only card.
    pub fn card(&self) -> SlackMessage {
        let mut cards = self.cards();
        assert_eq!(cards.len(), 1, "{cards:?}");
        cards.pop().unwrap()
    }

    /// The texts of the replies, in the order of posting.
    pub fn replies(&self) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        let replies = messages.iter().filter(|message| message.thread.is_some());
        replies
            .map(|reply| reply.shows["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// How often it was called.
    pub fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    fn asked(&self, channel: &str) -> Result<(), Fault> {
        *self.calls.lock().unwrap() += 1;
        if let Some(code) = self.refused.lock().unwrap().get(channel) {
            return Err(refused(code, Whose::Channel));
        }
        match self.trouble.lock().unwrap().clone() {
            Some(SlackTrouble::Down) => Err(Fault::Unclear("Slack: no answer".to_owned())),
            Some(SlackTrouble::Throttles(after_s)) => Err(Fault::Throttled { after_s }),
            Some(SlackTrouble::Revoked) => Err(refused("token_revoked", Whose::Token)),
            Some(SlackTrouble::Lost) | None => Ok(()),
        }
    }

    fn answers<T>(&self, value: T) -> Result<T, Fault> {
        match *self.trouble.lock().unwrap() {
            Some(SlackTrouble::Lost) => Err(Fault::Unclear("Slack: the answer is lost".to_owned())),
            _ => Ok(value),
        }
    }

    fn post(&self, channel: &str, thread: Option<&str>, message: &Message) -> Result<Posted, Fault> {
        self.asked(channel)?;
        if let Some(code) = *self.unposted.lock().unwrap() {
            return Err(refused(code, Whose::Channel));
        }
        let mut messages = self.messages.lock().unwrap();
        let ts = format!("1795341600.{:06}", messages.len() + 1);
        messages.push(SlackMessage {
            channel: channel.to_owned(),
            thread: thread.map(str::to_owned),
            shows: json!(message),
            ts: ts.clone(),
            frozen: false,
        });
        drop(messages);
        self.answers(Posted {
            channel: channel.to_owned(),
            ts,
        })
    }

    fn update(&self, posted: &Posted, message: &Message) -> Result<(), Fault> {
        self.asked(&posted.channel)?;
        let mut messages = self.messages.lock().unwrap();
        let known = messages
            .iter_mut()
            .find(|one| one.channel == posted.channel && one.ts == posted.ts);
        let known = known.ok_or_else(|| refused("message_not_found", Whose::Message))?;
        if known.frozen {
            return Err(refused("cant_update_message", Whose::Message));
        }
        known.shows = json!(message);
        drop(messages);
        self.answers(())
    }
}

fn refused(code: &str, whose: Whose) -> Fault {
    Fault::Refused {
        code: code.to_owned(),
        whose,
    }
}

/// The Slack, with points at which a handler may be cut.
pub(super) struct CutSlack<'a>(pub(super) &'a FakeSlack, pub(super) &'a Cutter);

impl CutSlack<'_> {
    async fn call<T>(
        &self,
        name: &str,
        call: impl FnOnce(&FakeSlack) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let lost = || Err(Fault::Unclear("Slack: no answer".to_owned()));
        if self.1.point("before", name).await {
            return lost();
        }
        let answer = call(self.0);
        if self.1.point("after", name).await {
            return lost();
        }
        answer
    }
}

#[async_trait]
impl Slack for CutSlack<'_> {
    async fn post(&self, channel: &str, thread: Option<&str>, message: &Message) -> Result<Posted, Fault> {
        self.call("Slack::post", |slack| slack.post(channel, thread, message))
            .await
    }

    async fn update(&self, posted: &Posted, message: &Message) -> Result<(), Fault> {
        self.call("Slack::update", |slack| slack.update(posted, message))
            .await
    }

    async fn find(&self, channel: &str, _: i64, proposal: &ProposalId) -> Result<Option<Posted>, Fault> {
        let card = Metadata::of_card(proposal);
        self.call("Slack::find", |slack| {
            slack.asked(channel)?;
            let cards = slack.cards();
            let found = cards
                .iter()
                .find(|one| one.channel == channel && card.is_of(&one.shows));
            slack.answers(found.map(|found| Posted {
                channel: channel.to_owned(),
                ts: found.ts.clone(),
            }))
        })
        .await
    }

    async fn replied(&self, card: &Posted, proposal: &ProposalId) -> Result<BTreeSet<Seq>, Fault> {
        self.call("Slack::replied", |slack| {
            slack.asked(&card.channel)?;
            let messages = slack.messages.lock().unwrap().clone();
            let replies = messages
                .iter()
                .filter(|one| one.thread.as_ref() == Some(&card.ts));
            slack.answers(
                replies
                    .filter_map(|one| Metadata::record_of(&one.shows, proposal))
                    .collect(),
            )
        })
        .await
    }

    async fn reaches(&self, channel: &str) -> Result<(), Fault> {
        self.call("Slack::reaches", |slack| {
            slack.asked(channel)?;
            slack.answers(())
        })
        .await
    }
}
