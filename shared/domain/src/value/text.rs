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

/// What two texts have in common that a person takes for the same: without case, white space and whatever cannot be seen.
pub fn lookalike(text: &str) -> String {
    let unseen = |c: &char| {
        c.is_whitespace()
            || is_dangerous(*c)
            || matches!(c, '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}')
    };
    // Up and down again: some letters of another case, such as ſ and ς, have only the one way.
    let seen = text.chars().filter(|c| !unseen(c));
    seen.flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_takes_for_the_same_has_one_lookalike() {
        for (one, other) in [
            ("ada", "ADA"),
            ("ada", "a\u{200b}da"),
            ("ada", "ada\u{fe0f}"),
            ("ada", "\u{feff}ada\u{202e}"),
            ("ada", "ada\u{2800}"),
            ("ada l", "ada\u{a0}l"),
            ("ada l", "ada\u{200a}\u{2009}l"),
            ("straße", "STRASSE"),
            ("κόσμος", "ΚΌΣΜΟΣ"),
            ("\u{212a}arl", "karl"),
        ] {
            assert_eq!(lookalike(one), lookalike(other), "{one:?} {other:?}");
        }
        for (one, other) in [("ada", "ada2"), ("ada", "adä"), ("ada-1", "ada_1"), ("ada", "")] {
            assert_ne!(lookalike(one), lookalike(other), "{one:?} {other:?}");
        }
    }
}
