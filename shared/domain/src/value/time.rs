//! Instants, to the millisecond, and always printed the same way.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant in UTC, to the millisecond. Its text is RFC 3339 with three digits, `2026-11-22T10:00:00.000Z`:
/// one form only, so that text can be compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 instant between the years 2000 and 2200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z")]
pub struct BadTimestamp;

const YEAR_2000_MS: i64 = 946_684_800_000;
const YEAR_2200_MS: i64 = 7_258_118_400_000;

impl Timestamp {
    /// The instant this many milliseconds after 1970-01-01T00:00:00Z, held between the years 2000 and 2200.
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(YEAR_2000_MS, YEAR_2200_MS))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant `seconds` later.
    pub fn plus_seconds(self, seconds: u64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// The instant `ms` milliseconds later.
    pub fn plus_millis(self, ms: u64) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
    }

    /// The instant `seconds` earlier.
    pub fn minus_seconds(self, seconds: u64) -> Self {
        let ms = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to this instant; 0 when it lies in the future.
    pub fn millis_since(self, earlier: Timestamp) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The UTC hour, as `2026-11-22T10`.
    pub fn hour(self) -> String {
        let mut text = self.to_string();
        text.truncate("2026-11-22T10".len());
        text
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl FromStr for Timestamp {
    type Err = BadTimestamp;
    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| BadTimestamp)?;
        let ms = instant.as_millisecond();
        if (YEAR_2000_MS..=YEAR_2200_MS).contains(&ms) {
            Ok(Self(ms))
        } else {
            Err(BadTimestamp)
        }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = BadTimestamp;
    fn try_from(text: String) -> Result<Self, BadTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> String {
        at.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_one_text() {
        for text in [
            "2026-11-22T10:00:00Z",
            "2026-11-22T11:00:00.0004+01:00",
            "2026-11-22T10:00:00.000Z",
        ] {
            assert_eq!(
                text.parse::<Timestamp>().map(|at| at.to_string()),
                Ok("2026-11-22T10:00:00.000Z".to_owned())
            );
        }
    }

    #[test]
    fn nonsense_is_no_instant() {
        for text in [
            "",
            "yesterday",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "1970-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(BadTimestamp), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let at = Timestamp::from_millis(i64::MAX);
        assert_eq!(at.plus_seconds(u64::MAX), at);
        assert_eq!(at.minus_seconds(u64::MAX), Timestamp::from_millis(0));
    }
}
