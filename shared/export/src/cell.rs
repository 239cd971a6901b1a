//! Cells: what they hold, and how a spreadsheet is kept from taking one for a formula.
//!
//! A spreadsheet evaluates a cell that begins with `=`, `+`, `-` or `@`, with a tab or a line break, or with the full-width
//! forms of those signs; and where it separates by other characters than the file does, what stands behind such a
//! separator or a quote inside a cell begins one, too: <https://owasp.org/www-community/attacks/CSV_Injection>.

use std::borrow::Cow;

use domain::value::is_dangerous;
use serde_json::Value;

/// What stands before a sign that would begin a formula, and before itself where it could be taken for that.
const GUARD: char = '\'';

/// What one cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing is known.
    Empty,
    /// A text, byte for byte.
    Text(String),
    /// A number.
    Number(u64),
    /// Anything that has parts, as JSON.
    Json(Value),
}

impl Cell {
    /// A text, or nothing.
    pub fn text(text: Option<impl ToString>) -> Self {
        text.map_or(Cell::Empty, |text| Cell::Text(text.to_string()))
    }

    /// What stands in a file of texts, before it is [`defused`].
    pub fn plain(&self) -> Cow<'_, str> {
        match self {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Number(number) => Cow::Owned(number.to_string()),
            Cell::Json(value) => Cow::Owned(value.to_string()),
        }
    }

    /// The same as JSON; an empty one is null.
    pub fn json(self) -> Value {
        match self {
            Cell::Empty => Value::Null,
            Cell::Text(text) => Value::String(text),
            Cell::Number(number) => number.into(),
            Cell::Json(value) => value,
        }
    }
}

/// Whether a formula could begin with it.
fn begins_a_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n')
        // Full-width, and small: some spreadsheets take them for the plain ones.
        || matches!(c, '＝' | '＋' | '－' | '＠' | '﹦' | '﹢' | '﹣' | '﹫')
}

/// Whether a cell could begin behind it, for a reader that separates or quotes otherwise.
fn begins_a_cell(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '\t' | '"' | GUARD | '\n' | '\r')
        || matches!(c, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Whether what stands behind this one is at the beginning of a cell. White space, and what cannot be seen, may be left out by
/// whoever reads.
fn at_a_beginning(before: bool, c: char) -> bool {
    begins_a_cell(c) || (before && (c.is_whitespace() || is_dangerous(c)))
}

/// The text with an apostrophe before every sign that would begin a formula, and before every apostrophe in such a place: so
/// it is told apart from one that was there, and [`plain`] gives the text back.
pub fn defused(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| begins_a_formula(c) || c == GUARD) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    let mut beginning = true;
    for c in text.chars() {
        if beginning && (begins_a_formula(c) || c == GUARD) {
            safe.push(GUARD);
        }
        safe.push(c);
        beginning = at_a_beginning(beginning, c);
    }
    Cow::Owned(safe)
}

/// The text that [`defused`] made this of; or what is wrong with it, in words that follow what it is.
pub fn plain(safe: &str) -> Result<String, &'static str> {
    let mut text = String::with_capacity(safe.len());
    let (mut beginning, mut chars) = (true, safe.chars());
    while let Some(mut c) = chars.next() {
        if beginning && c == GUARD {
            c = chars
                .next()
                .filter(|c| begins_a_formula(*c) || *c == GUARD)
                .ok_or("has an apostrophe that protects nothing")?;
        } else if beginning && begins_a_formula(c) {
            return Err("begins as a formula");
        }
        text.push(c);
        beginning = at_a_beginning(beginning, c);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_a_formula_is_kept_from_it_and_read_back() {
        for (text, safe) in [
            ("", ""),
            ("openai", "openai"),
            ("=1+1", "'=1+1"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("＝1", "'＝1"),
            ("\u{feff} =1", "\u{feff} '=1"),
            ("\t=1", "'\t'=1"),
            ("it's - fine", "it's - fine"),
            ("the teams' - fine", "the teams' '- fine"),
            ("'", "''"),
            ("'=1", "'''=1"),
            ("a;=1", "a;'=1"),
            ("a\", =1", "a\", '=1"),
            ("a\r\n- b", "a\r'\n'- b"),
            ("{\"a\":\"=1\",\"b\":-1}", "{\"a\":\"'=1\",\"b\":-1}"),
        ] {
            assert_eq!(defused(text), safe, "{text:?}");
            assert_eq!(plain(safe).as_deref(), Ok(text), "{safe:?}");
        }
    }

    #[test]
    fn what_was_not_written_like_this_is_not_read_back() {
        for text in ["=1", "a;=1", " -1", "'a", "a,'b", "'"] {
            assert!(plain(text).is_err(), "{text:?}");
        }
    }
}
