//! How many tokens a conversation can have at most, before anybody has counted them.
//!
//! A token is at least one byte of what is sent: the vocabularies in use are made of bytes. What is sent is JSON, a
//! little longer than what is said; so its length, with room for whatever words an API puts around a thing, is a bound
//! for each API. It is some three times what is counted in the end, and needed for a first question alone: after an answer
//! its own count goes before it.

use serde_json::Value;

use super::{Conversation, Tool, Turn};

/// Tokens that a provider puts before a conversation by itself: what a model is told of tools, up to some 800, see
/// <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing>, and the fields of the request.
const PREAMBLE: u64 = 2_048;

/// Bytes of an API's own words around a message, a tool, a result.
const AROUND: u64 = Conversation::AROUND;

impl Conversation {
    /// Bytes of an API's own words around anything said.
    pub const AROUND: u64 = 128;

    /// The most tokens that a model can read of it.
    pub fn most_tokens(&self) -> u64 {
        let tools = self.tools.iter().map(Tool::most_tokens);
        let turns = self.turns.iter().map(Turn::most_tokens);
        let said = tools.chain(turns).fold(0, u64::saturating_add);
        (PREAMBLE + AROUND)
            .saturating_add(written(&self.system))
            .saturating_add(said)
    }
}

impl Turn {
    /// The most tokens that this adds to what was said before.
    pub fn most_tokens(&self) -> u64 {
        match self {
            Turn::User(text) => AROUND + written(text),
            Turn::Assistant(raw) => AROUND + json(raw),
            Turn::Results(results) => results
                .iter()
                .map(|result| AROUND + written(&result.call) + written(&result.name) + written(&result.text))
                .fold(AROUND, u64::saturating_add),
        }
    }
}

impl Tool {
    fn most_tokens(&self) -> u64 {
        AROUND + written(&self.name) + written(&self.description) + json(&self.schema)
    }
}

/// Bytes of a text as JSON, with its quotation marks.
fn written(text: &str) -> u64 {
    // Writing a text cannot fail.
    serde_json::to_string(text).map_or(u64::MAX / 4, |json| json.len() as u64)
}

fn json(value: &Value) -> u64 {
    value.to_string().len() as u64
}
