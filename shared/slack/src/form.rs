//! The modals that ask for a reason or for less, and the one that says what became of it.
//!
//! Facts: <https://docs.slack.dev/reference/views/modal-views>.

use std::collections::BTreeSet;

use domain::action::Lowers;
use domain::telling::Line;
use domain::value::Reason;
use serde::Serialize;
use serde_json::Value;

use crate::blocks::{Block, MAX_ID, MAX_INPUT_LABEL, MAX_TEXT, MAX_TITLE, Text, TextInput};
use crate::button::{Does, Shown};
use crate::text::{shortened, within};

/// The name of the field for a reason, and of every field's element.
pub const REASON: &str = "reason";

/// The `action_id` of every field.
pub const FIELD: &str = "value";

/// Characters of a parameter's value in a form.
const MAX_PARAMETER: usize = 100;

/// A modal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Modal {
    r#type: &'static str,
    callback_id: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    private_metadata: String,
    title: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit: Option<Text>,
    close: Text,
    blocks: Vec<Block>,
}

impl Modal {
    /// Asks why.
    pub fn reason(does: Does, shown: &Shown, title: &Line) -> Self {
        let (heading, submit) = match does {
            Does::Undo => ("Take it back", "Ask for the undo"),
            Does::Acknowledge => ("Acknowledge", "Acknowledge"),
            Does::Approve | Does::Reject | Does::Narrow | Does::Revoke => ("Reject", "Reject"),
        };
        let label = match does {
            Does::Acknowledge => "What was done",
            Does::Approve | Does::Reject | Does::Narrow | Does::Revoke | Does::Undo => "Why",
        };
        let why = Block::Input {
            block_id: REASON.to_owned(),
            label: Text::words(label, MAX_INPUT_LABEL),
            element: TextInput::new(FIELD, true, Reason::MAX_CHARS),
            hint: Some(Text::words("It is recorded with your decision.", MAX_INPUT_LABEL)),
        };
        Self::asks(does, shown, heading, submit, vec![about(title), why])
    }

    /// Asks for lower values.
    pub fn narrow(shown: &Shown, title: &Line, lowers: &[Lowers]) -> Self {
        let mut names = BTreeSet::new();
        let new = lowers.iter().filter(|one| names.insert(&one.parameter));
        let fields = new.map(|one| Block::Input {
            block_id: shortened(&one.parameter, MAX_ID),
            label: Text::words(&one.label, MAX_INPUT_LABEL),
            element: TextInput {
                initial_value: Some(within(&one.value, MAX_PARAMETER)),
                ..TextInput::new(FIELD, false, MAX_PARAMETER)
            },
            hint: None,
        });
        let note = Line::of("It is scored again, votes are void, and somebody else must approve it.");
        let blocks = [about(title)]
            .into_iter()
            .chain(fields)
            .chain([about(&note)])
            .collect();
        Self::asks(Does::Narrow, shown, "Do less of it", "Change", blocks)
    }

    /// Says what became of it.
    pub fn says(told: &Line) -> Self {
        Self {
            r#type: "modal",
            callback_id: "said",
            private_metadata: String::new(),
            title: Text::words("SRE agent", MAX_TITLE),
            submit: None,
            close: Text::words("Close", MAX_TITLE),
            blocks: vec![about(told)],
        }
    }

    fn asks(does: Does, shown: &Shown, title: &str, submit: &str, blocks: Vec<Block>) -> Self {
        Self {
            r#type: "modal",
            callback_id: does.name(),
            private_metadata: shown.text(),
            title: Text::words(title, MAX_TITLE),
            submit: Some(Text::words(submit, MAX_TITLE)),
            close: Text::words("Cancel", MAX_TITLE),
            blocks,
        }
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        // Plain data with string keys: serialising it cannot fail.
        serde_json::to_value(self).unwrap_or_default()
    }
}

fn about(line: &Line) -> Block {
    Block::Section {
        text: Text::below(None, std::slice::from_ref(line), MAX_TEXT),
    }
}
