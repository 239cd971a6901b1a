//! Block Kit, as much of it as is used. Every text is cut to its limit here, so that no message is refused for its
//! length.
//!
//! Facts: <https://docs.slack.dev/reference/block-kit/blocks>, <https://docs.slack.dev/reference/block-kit/block-elements>,
//! <https://docs.slack.dev/reference/block-kit/composition-objects>.

use domain::telling::Line;
use serde::Serialize;

use crate::text::{mrkdwn, plain, shortened, within};

/// Blocks of one message.
pub const MAX_BLOCKS: usize = 50;
/// Characters of a section's or a context's text.
pub const MAX_TEXT: usize = 3000;
/// Characters of a header.
pub const MAX_HEADER: usize = 150;
/// Characters of a button's label.
pub const MAX_LABEL: usize = 75;
/// Characters of the address that a button leads to.
pub const MAX_URL: usize = 3000;
/// Characters of the text of a confirmation.
pub const MAX_CONFIRM: usize = 300;
/// Characters of an id.
pub const MAX_ID: usize = 255;
/// Characters of a button's value.
pub const MAX_VALUE: usize = 2000;
/// Characters of a modal's title and of its buttons.
pub const MAX_TITLE: usize = 24;
/// Characters of a message's own text, which notifications and screen readers have.
pub const MAX_MESSAGE: usize = 4000;
/// Characters of a hint or a label in a form.
pub const MAX_INPUT_LABEL: usize = 2000;

/// One block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// A large line.
    Header {
        /// Plain text.
        text: Text,
    },
    /// Text.
    Section {
        /// mrkdwn.
        text: Text,
    },
    /// Small text.
    Context {
        /// Texts.
        elements: Vec<Text>,
    },
    /// Buttons.
    Actions {
        /// Names the record that the buttons are about, so that Slack keeps no state of older ones.
        block_id: String,
        /// The buttons.
        elements: Vec<Button>,
    },
    /// A field of a form.
    Input {
        /// Its name.
        block_id: String,
        /// What it asks for.
        label: Text,
        /// The field.
        element: TextInput,
        /// More about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<Text>,
    },
}

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Text {
    /// Without markup.
    PlainText {
        /// The text.
        text: String,
        /// Whether `:smile:` is a picture.
        emoji: bool,
    },
    /// Slack's markup.
    Mrkdwn {
        /// The text.
        text: String,
        /// Whether links and names are left as they are.
        verbatim: bool,
    },
}

impl Text {
    /// Lines as plain text.
    pub fn plain(lines: &[Line], most: usize) -> Self {
        Self::words(&plain(lines, most), most)
    }

    /// Words of ours as plain text.
    pub fn words(text: &str, most: usize) -> Self {
        let text = within(text, most);
        Text::PlainText { text, emoji: false }
    }

    /// Lines as mrkdwn, below a heading of ours in bold.
    pub fn below(heading: Option<&str>, lines: &[Line], most: usize) -> Self {
        let heading = heading
            .filter(|heading| !heading.trim().is_empty())
            .map(|heading| format!("*{}*\n", within(heading, MAX_HEADER)))
            .unwrap_or_default();
        let room = most.saturating_sub(heading.encode_utf16().count());
        Text::Mrkdwn {
            text: heading + &mrkdwn(lines, room),
            verbatim: true,
        }
    }
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Button {
    pub(crate) r#type: &'static str,
    /// Its label.
    pub text: Text,
    /// What it does.
    pub action_id: String,
    /// On what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `primary` or `danger`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<&'static str>,
    /// What is asked before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
}

impl Button {
    /// A button with a value.
    pub fn new(label: &str, action_id: &str, value: String) -> Self {
        Self {
            value: Some(value),
            ..Self::bare(label, action_id)
        }
    }

    /// A button that leads somewhere.
    pub fn link(label: &str, action_id: &str, url: String) -> Self {
        Self {
            url: Some(url),
            ..Self::bare(label, action_id)
        }
    }

    fn bare(label: &str, action_id: &str) -> Self {
        Self {
            r#type: "button",
            text: Text::words(label, MAX_LABEL),
            action_id: shortened(action_id, MAX_ID),
            value: None,
            url: None,
            style: None,
            confirm: None,
        }
    }
}

/// A question before a button does what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirm {
    /// Its title.
    pub title: Text,
    /// The question.
    pub text: Text,
    /// Yes.
    pub confirm: Text,
    /// No.
    pub deny: Text,
}

/// A text field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextInput {
    pub(crate) r#type: &'static str,
    /// Its name.
    pub action_id: &'static str,
    /// Whether it takes several lines.
    pub multiline: bool,
    /// The longest text it takes.
    pub max_length: usize,
    /// What stands in it at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_value: Option<String>,
}

impl TextInput {
    /// A field.
    pub fn new(action_id: &'static str, multiline: bool, max_length: usize) -> Self {
        Self {
            r#type: "plain_text_input",
            action_id,
            multiline,
            max_length,
            initial_value: None,
        }
    }
}
