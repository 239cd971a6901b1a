//! Text from outside: bounded, and made safe to look at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a person decides as they do, in their words: 1–1000 characters without white space around them, and not all of
/// them invisible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// The text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// Nothing to read.
    #[error("a reason is needed: say why in a sentence")]
    Empty,
    /// Too long.
    #[error("the reason is longer than {} characters", Reason::MAX_CHARS)]
    TooLong,
}

impl Reason {
    /// The longest reason, characters.
    pub const MAX_CHARS: usize = 1000;

    /// Takes a person's words, or says what is wrong with them.
    pub fn new(text: &str) -> Result<Self, BadReason> {
        let text = text.trim();
        let said = |c: char| !c.is_whitespace() && !is_dangerous(c);
        if !text.chars().any(said) {
            Err(BadReason::Empty)
        } else if text.chars().count() > Self::MAX_CHARS {
            Err(BadReason::TooLong)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Reason {
    type Error = BadReason;
    fn try_from(text: String) -> Result<Self, BadReason> {
        Self::new(&text)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        reason.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text with control characters, bidirectional marks and invisible characters written out, `\u{202e}`.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character steers a terminal, reorders what follows, or cannot be seen.
pub fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The beginning of a text from outside, printable, for messages.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}
