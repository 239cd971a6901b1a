//! Units without floats: parts per million for rates, micro-dollars for money.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A fraction in parts per million: 250 000 is 25 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Ppm(pub u32);

impl Ppm {
    /// The whole.
    pub const ONE: Ppm = Ppm(1_000_000);

    /// The fraction 0–1 in parts per million, rounded; `None` outside 0–1 or not a number.
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&fraction) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 ..= 1 000 000 by the check above"
        )]
        Some(Self((fraction * 1e6).round() as u32))
    }

    /// `part` of `whole`, rounded down; 0 when `whole` is 0.
    pub fn ratio(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self(0);
        }
        let ppm = u128::from(part.min(whole)) * 1_000_000 / u128::from(whole);
        Self(u32::try_from(ppm).unwrap_or(1_000_000))
    }
}

impl fmt::Display for Ppm {
    /// As a percentage with one digit: `25.0 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} %", self.0 / 10_000, self.0 % 10_000 / 1_000)
    }
}

/// US dollars in millionths. In text, a decimal string: `1200.00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub u64);

/// The text is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an amount in USD such as \"120.50\" (digits, at most six after the point, below 10 billion)")]
pub struct BadAmount;

/// Ten billion dollars: no budget is larger, and sums stay far from overflow.
const MAX_MICROS: u64 = 10_000_000_000_000_000;

impl Micros {
    /// So many millionths of a dollar, below ten billion dollars.
    pub fn below_the_most(micros: u64) -> Option<Self> {
        (micros < MAX_MICROS).then_some(Self(micros))
    }
}

impl FromStr for Micros {
    type Err = BadAmount;
    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, most: usize| {
            !part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_digit())
        };
        if !digits(whole, 10) || !digits(fraction, 6) {
            return Err(BadAmount);
        }
        let dollars: u64 = whole.parse().map_err(|_| BadAmount)?;
        let micros: u64 = format!("{fraction:0<6}").parse().map_err(|_| BadAmount)?;
        let total = dollars * 1_000_000 + micros;
        Self::below_the_most(total).ok_or(BadAmount)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if micros.is_multiple_of(10_000) {
            write!(f, "{dollars}.{:02}", micros / 10_000)
        } else {
            write!(f, "{dollars}.{micros:06}")
        }
    }
}

impl schemars::JsonSchema for Micros {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Micros".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

impl Serialize for Micros {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|err| serde::de::Error::custom(format!("\"{text}\" {err}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_prints_exactly() {
        for (text, micros, printed) in [
            ("0", 0, "0.00"),
            ("1200.5", 1_200_500_000, "1200.50"),
            ("0.000001", 1, "0.000001"),
            ("9999999999.999999", 9_999_999_999_999_999, "9999999999.999999"),
        ] {
            assert_eq!(text.parse(), Ok(Micros(micros)));
            assert_eq!(Micros(micros).to_string(), printed);
        }
    }

    #[test]
    fn what_is_not_money_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            "1e3",
            "1.",
            ".5",
            "1.0000001",
            "NaN",
            "1,000",
            " 1",
            "99999999999",
        ] {
            assert_eq!(text.parse::<Micros>(), Err(BadAmount), "{text}");
        }
    }

    #[test]
    fn a_fraction_is_held_to_its_range() {
        assert_eq!(Ppm::from_fraction(0.25), Some(Ppm(250_000)));
        assert_eq!(Ppm::from_fraction(1.000_001), None);
        assert_eq!(Ppm::from_fraction(f64::NAN), None);
        assert_eq!(Ppm::ratio(1, 0), Ppm(0));
        assert_eq!(Ppm::ratio(u64::MAX, u64::MAX), Ppm::ONE);
        assert_eq!(Ppm(256_789).to_string(), "25.6 %");
    }
}
