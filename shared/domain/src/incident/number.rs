//! Decimal numbers as senders write them, read exactly: no float comes between the text and the unit.

/// A decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Its digits without leading zeros; none is zero.
    digits: Vec<u8>,
    /// The power of ten of the last digit.
    exponent: i64,
}

/// A number in some unit, rounded to a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    /// The nearest whole number, half away from zero.
    pub(super) units: i64,
    /// Whether nothing was rounded away.
    pub(super) exact: bool,
}

impl Decimal {
    /// The longest text that is read, characters: an `f64` prints in fewer, and money in far fewer.
    const MOST_CHARS: usize = 80;

    /// Reads `-12.50`, `3e-7`, `.5`. Not `+1`, `1,000`, `12 ms`, `NaN`: what those mean would be guessed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MOST_CHARS {
            return None;
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, power(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole.as_bytes(), fraction.as_bytes()].concat();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self {
            negative,
            digits: all.into_iter().skip_while(|digit| *digit == b'0').collect(),
            exponent: exponent - i64::try_from(fraction.len()).ok()?,
        })
    }

    /// Whether it is less than nothing, however little.
    pub(super) fn is_negative(&self) -> bool {
        self.negative && !self.digits.is_empty()
    }

    /// The number in units of ten to the power of `-places`, rounded; `None` from 10¹⁸ of them.
    pub(super) fn scaled(&self, places: i64) -> Option<Whole> {
        const MOST_DIGITS: i64 = 18;
        let length = i64::try_from(self.digits.len()).ok()?;
        let shift = self.exponent.checked_add(places)?;
        if length == 0 {
            return Some(Whole {
                units: 0,
                exact: true,
            });
        }
        let kept = length.checked_add(shift)?;
        if kept > MOST_DIGITS {
            return None;
        }
        let digit = |at: i64| {
            let at = usize::try_from(at).ok()?;
            self.digits.get(at).map(|digit| i64::from(digit - b'0'))
        };
        let mut units = 0_i64;
        for at in 0..kept {
            units = units * 10 + digit(at).unwrap_or(0);
        }
        let rounds_up = kept >= 0 && digit(kept).is_some_and(|next| next >= 5);
        let exact = (kept.max(0)..length).all(|at| digit(at) == Some(0));
        units += i64::from(rounds_up);
        Some(Whole {
            units: if self.negative { -units } else { units },
            exact,
        })
    }
}

/// The exponent's number, up to five digits: with more, no number of ours is meant.
fn power(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_short = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|_| is_short)?;
    Some(if text.starts_with('-') { -number } else { number })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(text: &str) -> Option<(i64, bool)> {
        let whole = Decimal::parse(text)?.scaled(6)?;
        Some((whole.units, whole.exact))
    }

    #[test]
    fn a_number_is_read_to_the_millionth_and_says_what_it_lost() {
        for (text, expected) in [
            ("0", (0, true)),
            ("-0", (0, true)),
            ("0.000", (0, true)),
            ("104.37", (104_370_000, true)),
            ("104.3700000000000001", (104_370_000, false)),
            ("104.3700000000000000", (104_370_000, true)),
            ("0.0000005", (1, false)),
            ("0.00000049", (0, false)),
            ("-0.0000005", (-1, false)),
            ("1e-12", (0, false)),
            ("1E3", (1_000_000_000, true)),
            ("1.5e+2", (150_000_000, true)),
            (".5", (500_000, true)),
            ("5.", (5_000_000, true)),
            ("00012", (12_000_000, true)),
            ("999999999999.999999", (999_999_999_999_999_999, true)),
            ("0e99999", (0, true)),
        ] {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_would_have_to_be_guessed_or_is_endless_is_no_number() {
        let long = "1".repeat(81);
        for text in [
            "", "-", ".", "e", "1e", "e1", "+1", "--1", "1,000", "1 000", "12 ms", "62%", "$5", "NaN", "inf",
            "0x10", "1e999999", "1_0", "1.2.3", "١", &long,
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        for text in ["1e13", "1e300", "1000000000000"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_is_no_number(text in "[-+0-9.eE]{0,90}", places in 0..7_i64) {
            if let Some(read) = Decimal::parse(&text) {
                let _ = read.scaled(places);
            }
        }

        #[test]
        fn whatever_a_float_prints_is_read_as_that_float(number in -1e9..1e9_f64) {
            let (units, _) = micros(&number.to_string()).unwrap();
            let float = (number * 1e6).round();
            prop_assert!((units as f64 - float).abs() <= 1.0, "{number}: {units}");
        }
    }
}
