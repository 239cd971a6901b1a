//! A proposal's card as a Slack message, and the replies in its thread.

use domain::telling::{Ask, Card, Line, Notice, Section, What, story};
use domain::trail::{Fact as _, Record, Seq};
use domain::value::ProposalId;
use serde::Serialize;
use serde_json::{Value, json};

use crate::blocks::{
    Block, Button, Confirm, MAX_BLOCKS, MAX_CONFIRM, MAX_HEADER, MAX_LABEL, MAX_MESSAGE, MAX_TEXT, MAX_TITLE,
    MAX_URL, Text,
};
use crate::button::{Does, Shown};
use crate::text::{mrkdwn, spoken};

/// A message, but for where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// What notifications and screen readers have; of a reply, the whole.
    pub text: String,
    /// The blocks; none where the text is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
    /// By which it is found again.
    pub metadata: Metadata,
}

/// By what a message of ours is found again: <https://docs.slack.dev/messaging/message-metadata>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// What it is.
    pub event_type: &'static str,
    /// Of what.
    pub event_payload: Value,
}

/// The `event_type` of a card.
const CARD: &str = "sre_agent_proposal";

/// The `event_type` of a reply.
const REPLY: &str = "sre_agent_record";

/// The `event_type` of what is about no proposal.
const NOTICE: &str = "sre_agent_notice";

impl Metadata {
    /// Of the card of a proposal.
    pub fn of_card(proposal: &ProposalId) -> Self {
        Self {
            event_type: CARD,
            event_payload: json!({ "proposal": proposal }),
        }
    }

    /// Of the reply about a record.
    pub fn of_reply(proposal: &ProposalId, seq: Seq) -> Self {
        Self {
            event_type: REPLY,
            event_payload: json!({ "proposal": proposal, "seq": seq }),
        }
    }

    /// Of a notice.
    pub fn of_notice(notice: &Notice) -> Self {
        Self {
            event_type: NOTICE,
            event_payload: json!({ "kind": notice.fact.kind(), "at": notice.at }),
        }
    }

    /// The record that a message which Slack has tells of, where it is a reply about this proposal.
    pub fn record_of(message: &Value, proposal: &ProposalId) -> Option<Seq> {
        let seq = message.pointer("/metadata/event_payload/seq")?.as_u64()?;
        Self::of_reply(proposal, seq).is_of(message).then_some(seq)
    }

    /// Whether a message that Slack has carries it.
    pub fn is_of(&self, message: &Value) -> bool {
        message.pointer("/metadata/event_type") == Some(&json!(self.event_type))
            && message.pointer("/metadata/event_payload") == Some(&self.event_payload)
    }
}

/// The card of a proposal. `link` leads to its page, where there is one.
pub fn card(proposal: &ProposalId, card: &Card, link: Option<&str>) -> Message {
    let mut blocks = vec![
        Block::Header {
            text: Text::plain(std::slice::from_ref(&card.title), MAX_HEADER),
        },
        section(None, std::slice::from_ref(&card.standing)),
    ];
    let room = MAX_BLOCKS - blocks.len() - 2;
    let sections = card.sections.iter().take(room);
    blocks.extend(sections.map(|Section { heading, lines }| section(Some(heading), lines)));
    let about = Line::of("proposal ").ours(proposal.clone());
    blocks.push(Block::Context {
        elements: vec![Text::below(None, &[about], MAX_TEXT)],
    });
    blocks.extend(buttons(proposal, card, link));
    Message {
        text: spoken(
            &[card.title.clone().ours(". ").then(card.standing.clone())],
            MAX_MESSAGE,
        ),
        blocks,
        metadata: Metadata::of_card(proposal),
    }
}

fn section(heading: Option<&str>, lines: &[Line]) -> Block {
    Block::Section {
        text: Text::below(heading, lines, MAX_TEXT),
    }
}

fn buttons(proposal: &ProposalId, card: &Card, link: Option<&str>) -> Option<Block> {
    let mut elements: Vec<Button> = Vec::new();
    for button in card.asks.iter().map(|ask| button(proposal, card, ask)) {
        // Two of one name cannot be told apart when one is clicked.
        if elements.iter().all(|other| other.action_id != button.action_id) {
            elements.push(button);
        }
    }
    let link = link.filter(|link| !link.is_empty() && link.encode_utf16().count() <= MAX_URL);
    elements.extend(link.map(|link| Button::link("Details", "open", link.to_owned())));
    let about = card
        .asks
        .first()
        .map_or_else(|| "settled".to_owned(), |ask| ask.seen.to_string());
    (!elements.is_empty()).then(|| Block::Actions {
        block_id: format!("ask.{about}"),
        elements,
    })
}

fn button(proposal: &ProposalId, card: &Card, ask: &Ask) -> Button {
    let shown = Shown {
        proposal: proposal.clone(),
        seen: ask.seen,
    };
    let (label, does, style) = match &ask.what {
        What::Approve => ("Approve", Does::Approve, Some("primary")),
        What::Reject => ("Reject…", Does::Reject, Some("danger")),
        What::Narrow(_) => ("Less…", Does::Narrow, None),
        What::Revoke => ("Take the approval back", Does::Revoke, Some("danger")),
        What::Undo => ("Undo…", Does::Undo, None),
        What::ApproveUndo => ("Approve the undo", Does::Approve, Some("primary")),
        What::RejectUndo => ("Reject the undo…", Does::Reject, Some("danger")),
        What::Acknowledge => ("Acknowledge…", Does::Acknowledge, None),
    };
    let question = match &ask.what {
        What::Approve => Some(
            Line::of("The agent is to do this: ")
                .then(card.title.clone())
                .ours("."),
        ),
        What::ApproveUndo => Some(
            Line::of("The agent is to take this back: ")
                .then(card.title.clone())
                .ours("."),
        ),
        What::Reject | What::Narrow(_) | What::Revoke | What::Undo | What::RejectUndo | What::Acknowledge => {
            None
        }
    };
    let confirm = question.map(|question| Confirm {
        title: Text::words("Are you sure?", MAX_TITLE),
        text: Text::plain(&[question], MAX_CONFIRM),
        confirm: Text::words("Approve", MAX_LABEL),
        deny: Text::words("Cancel", MAX_LABEL),
    });
    Button {
        style,
        confirm,
        ..Button::new(label, does.name(), shown.text())
    }
}

/// The reply in a card's thread about one of the proposal's records.
pub fn reply(proposal: &ProposalId, record: &Record) -> Message {
    Message {
        text: mrkdwn(&story::in_short(record), MAX_TEXT),
        blocks: Vec::new(),
        metadata: Metadata::of_reply(proposal, record.seq),
    }
}

/// What people are told that is about no proposal.
pub fn notice(notice: &Notice) -> Message {
    Message {
        text: mrkdwn(&notice.lines(), MAX_TEXT),
        blocks: Vec::new(),
        metadata: Metadata::of_notice(notice),
    }
}
