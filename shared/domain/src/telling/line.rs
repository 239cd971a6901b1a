//! Lines of spans: a text in which our words and theirs stay apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::ActionKind;
use crate::proposal::Kind;
use crate::trail::Seq;
use crate::value::{Digest, Fingerprint, Micros, Ppm, ProposalId, Timestamp};

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Our own words and numbers.
    Ours(String),
    /// Words from outside: of an event, a gateway, a model, a person. Whoever shows them makes them inert.
    Theirs(String),
    /// An instant, for each reader to show in their own way.
    At(Timestamp),
}

/// One line, without its line break.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Line(Vec<Span>);

/// What may stand in a line as our own words: texts of this program, and types whose text nobody outside chooses.
pub trait Ours: fmt::Display {}

macro_rules! ours {
    ($($type:ty),*) => {$(impl Ours for $type {})*};
}

ours!(
    &'static str,
    u8,
    u32,
    u64,
    usize,
    i32,
    Digest,
    Fingerprint,
    ProposalId,
    Ppm,
    Micros,
    ActionKind,
    Kind
);

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line that begins with our own words.
    pub fn of(text: &'static str) -> Self {
        Self::new().ours(text)
    }

    /// With our own words, or a number, at its end.
    pub fn ours(self, text: impl Ours) -> Self {
        self.push_ours(text.to_string())
    }

    /// With words from outside at its end.
    pub fn theirs(mut self, text: impl fmt::Display) -> Self {
        self.0.push(Span::Theirs(text.to_string()));
        self
    }

    /// With an instant at its end.
    pub fn at(mut self, instant: Timestamp) -> Self {
        self.0.push(Span::At(instant));
        self
    }

    /// With another line at its end.
    pub fn then(mut self, other: Line) -> Self {
        self.0.extend(other.0);
        self
    }

    /// With other lines at its end, and our own words between each two.
    pub fn joined(self, lines: impl IntoIterator<Item = Line>, between: &'static str) -> Self {
        let mut first = true;
        lines.into_iter().fold(self, |line, one| {
            let line = if first { line } else { line.ours(between) };
            first = false;
            line.then(one)
        })
    }

    /// With a number and its noun at its end: `1 record`, `2 records`.
    pub fn count(self, number: usize, noun: &'static str) -> Self {
        self.push_ours(count(number, noun))
    }

    /// With a length of time at its end: `45 s`, `12 min`.
    pub fn duration(self, ms: u64) -> Self {
        self.push_ours(duration(ms))
    }

    /// With a number and its sign at its end: `+10`.
    pub fn signed(self, number: i32) -> Self {
        self.push_ours(format!("{number:+}"))
    }

    /// With the beginning of a digest at its end: enough to find the record that another one names.
    pub fn short(self, digest: &Digest) -> Self {
        self.push_ours(digest.to_string().chars().take(12).collect())
    }

    /// With a record's position at its end, in a column of its own.
    pub fn position(self, seq: Seq) -> Self {
        self.push_ours(format!("{seq:>4}"))
    }

    /// Its parts.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn push_ours(mut self, text: String) -> Self {
        match self.0.last_mut() {
            Some(Span::Ours(last)) => last.push_str(&text),
            Some(Span::Theirs(_) | Span::At(_)) | None => self.0.push(Span::Ours(text)),
        }
        self
    }

    /// Its text, with each span shown in a reader's way.
    pub fn render(&self, theirs: impl Fn(&str) -> String, at: impl Fn(Timestamp) -> String) -> String {
        self.0
            .iter()
            .map(|span| match span {
                Span::Ours(text) => text.clone(),
                Span::Theirs(text) => theirs(text),
                Span::At(instant) => at(*instant),
            })
            .collect()
    }
}

/// `1 record`, `2 records`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A length of time in its largest sensible unit: `45 s`, `12 min`, `3 h`, `5 d`.
pub fn duration(ms: u64) -> String {
    match ms / 1000 {
        s if s < 120 => format!("{s} s"),
        s if s < 2 * 3600 => format!("{} min", s / 60),
        s if s < 2 * 86_400 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_words_run_together_and_theirs_stay_apart() {
        let line = Line::of("waits for ")
            .ours(2_u64)
            .ours(" of ")
            .theirs("<b>")
            .ours("!");
        assert_eq!(
            line.spans(),
            [
                Span::Ours("waits for 2 of ".to_owned()),
                Span::Theirs("<b>".to_owned()),
                Span::Ours("!".to_owned()),
            ]
        );
        let shown = line.render(|theirs| theirs.replace('<', "&lt;"), |at| at.to_string());
        assert_eq!(shown, "waits for 2 of &lt;b>!");
    }

    #[test]
    fn lines_are_joined_with_nothing_before_the_first() {
        let three = ["a", "b", "c"].map(|text| Line::new().theirs(text));
        let shown = Line::of("(").joined(three, ", ").ours(")");
        assert_eq!(shown.render(str::to_owned, |at| at.to_string()), "(a, b, c)");
        assert_eq!(Line::of("(").joined([], ", "), Line::of("("));
    }

    #[test]
    fn a_length_of_time_has_one_unit() {
        for (ms, text) in [
            (999, "0 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (7_200_000, "2 h"),
            (200_000_000, "2 d"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }
}
