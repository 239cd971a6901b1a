//! What is wrong with a policy, and where.

use std::fmt;

use domain::value::visible;

/// The longest reason, characters: it is logged, recorded and shown to people, and quotes from files.
const MAX_REASON: usize = 400;

/// The most faults that are told of one policy.
pub(crate) const MAX_FAULTS: usize = 100;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a text.
    pub(crate) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(byte)).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

/// One thing that is wrong: `risk.toml:12:9: 101 is not within 0–100`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyFault {
    /// The file's name.
    pub file: String,
    /// Where in it; none where the file as a whole is meant.
    pub at: Option<Place>,
    /// What is wrong. One line, safe to print.
    pub reason: String,
}

impl PolicyFault {
    /// A fault of a whole file.
    pub(crate) fn of_file(file: &str, reason: impl fmt::Display) -> Self {
        let reason = visible(&reason.to_string().replace('\n', " "));
        let cut = reason.char_indices().nth(MAX_REASON).map(|(byte, _)| byte);
        Self {
            file: visible(file),
            at: None,
            reason: match cut {
                Some(byte) => format!("{}…", &reason[..byte]),
                None => reason,
            },
        }
    }

    /// A fault at a byte of a file's text.
    pub(crate) fn at(file: &str, text: &str, byte: usize, reason: impl fmt::Display) -> Self {
        Self {
            at: Some(Place::of(text, byte)),
            ..Self::of_file(file, reason)
        }
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(Place { line, column }) => write!(f, "{}:{line}:{column}: {}", self.file, self.reason),
            None => write!(f, "{}: {}", self.file, self.reason),
        }
    }
}

/// Everything that is wrong with a policy, in the order of files and lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<PolicyFault>);

impl Faults {
    /// The faults, if there are any.
    pub(crate) fn of(mut faults: Vec<PolicyFault>) -> Option<Self> {
        faults.sort();
        faults.dedup();
        faults.truncate(MAX_FAULTS);
        (!faults.is_empty()).then_some(Self(faults))
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyFault> {
        self.0.iter()
    }
}

impl From<PolicyFault> for Faults {
    fn from(fault: PolicyFault) -> Self {
        Self(vec![fault])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_first() {
            Some((first, [])) => first.fmt(f),
            Some((first, others)) => write!(f, "{first} (and {} more)", others.len()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "a\näö = 1\n";
        let place = |byte| {
            let Place { line, column } = Place::of(text, byte);
            (line, column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(2), (2, 1));
        assert_eq!(place(4), (2, 2));
        assert_eq!(place(3), (2, 1), "within a character");
        assert_eq!(place(usize::MAX), (3, 1));
    }

    #[test]
    fn a_reason_is_one_safe_line_of_bounded_length() {
        let fault = PolicyFault::at("a.cedar", "x", 0, format!("\u{1b}[31m\n{}", "é".repeat(1000)));
        let told = fault.to_string();
        assert!(told.starts_with(r"a.cedar:1:1: \u{1b}[31m é"), "{told}");
        assert!(told.chars().count() < 420 && told.ends_with('…'), "{told}");
    }
}
