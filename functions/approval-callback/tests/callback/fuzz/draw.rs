//! What is drawn: numbers from a seed, and values that are hard to read.

use serde_json::{Value, json};

/// Numbers from a seed, the same in every run: SplitMix64.
///
/// Facts: <https://doi.org/10.1145/2714064.2660195>.
#[derive(Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another, which is not 0.
    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.number() % most as u64).unwrap()
    }

    /// Whether something of so many in a hundred happens.
    pub(super) fn percent(&mut self, of: u64) -> bool {
        self.number() % 100 < of
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of some words.
    pub(super) fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len())]
    }

    /// A place in a text where it may be cut.
    pub(super) fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// A text that is hard to read.
    pub(super) fn text(&mut self) -> String {
        const TEXTS: [&str; 36] = [
            "",
            " ",
            "\0",
            "\u{feff}",
            "\u{202e}",
            "\u{200b}",
            "null",
            "true",
            "0",
            "-1",
            "1e999",
            "NaN",
            "٣",
            "Ｕ１",
            "ſ",
            "approve",
            "reject",
            "narrow",
            "revoke",
            "undo",
            "block_actions",
            "view_submission",
            "view_closed",
            "url_verification",
            "U1",
            "U2",
            "U3",
            "U4",
            "T1",
            "T9",
            "E1",
            "A0123456789",
            "../../x",
            "<!channel>",
            "'\"\\",
            "https://hooks.slack.com/actions",
        ];
        match self.below(10) {
            0 => "x".repeat(1 << self.below(16)),
            1 => {
                let mut any = String::new();
                for _ in 0..self.below(12) {
                    let point = u32::try_from(self.below(0x11_0000)).unwrap();
                    any.extend(char::from_u32(point));
                }
                any
            }
            2 => self.number().to_string(),
            _ => self.word(&TEXTS).to_owned(),
        }
    }

    /// A value of any type.
    pub(super) fn value(&mut self, deep: usize) -> Value {
        match self.below(if deep == 0 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.percent(50)),
            2 => json!(self.number()),
            3 => json!(i64::MIN),
            4 => json!(1e300),
            5 | 6 => json!(self.text()),
            7 => (0..self.below(4)).map(|_| self.value(deep - 1)).collect(),
            _ => {
                let fields = (0..self.below(4)).map(|_| (self.text(), self.value(deep - 1)));
                Value::Object(fields.collect())
            }
        }
    }
}
