//! Bounds on the shape of rules, checked before they are parsed.
//!
//! Cedar's parser and the expressions that it builds recurse without a limit: a text of 200 KB that opens brackets
//! would overflow the stack, which no process survives. Cedar's own limit holds later, in its validator and evaluator
//! (<https://docs.rs/cedar-policy-core>, `evaluator.rs`, `stacker::remaining_stack`).

/// The deepest that brackets and `if` may nest in a rule.
const MAX_NESTING: usize = 32;

/// The longest rule, in words, texts, numbers and signs.
const MAX_TOKENS: usize = 2000;

/// The most text of rules in one file, bytes.
const MAX_TEXT: usize = 128 * 1024;

/// What is beyond the bounds, and the byte where.
pub(crate) fn beyond_bounds(text: &str) -> Option<(usize, String)> {
    if text.len() > MAX_TEXT {
        let reason = format!(
            "has {} bytes, more than the {MAX_TEXT} of a file of rules",
            text.len()
        );
        return Some((0, reason));
    }
    let bytes = text.as_bytes();
    let (mut at, mut brackets, mut ifs, mut tokens) = (0, 0_usize, 0, 0);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += until(&bytes[at..], |byte| matches!(byte, b'\n' | b'\r'));
                continue;
            }
            b'"' => at += quoted(&bytes[at..]),
            byte if is_word(*byte) => {
                at += until(&bytes[at..], |byte| !is_word(byte));
                ifs += usize::from(&bytes[start..at] == b"if");
            }
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            sign => {
                at += 1;
                match sign {
                    b'(' | b'[' | b'{' => brackets += 1,
                    b')' | b']' | b'}' => brackets = brackets.saturating_sub(1),
                    b';' if brackets == 0 => (ifs, tokens) = (0, 0),
                    _ => {}
                }
            }
        }
        tokens += 1;
        if brackets + ifs > MAX_NESTING {
            let reason = format!("brackets and ifs nest deeper than {MAX_NESTING} in one rule");
            return Some((start, reason));
        }
        if tokens > MAX_TOKENS {
            let reason = format!("the rule has more than {MAX_TOKENS} words and signs: make several of it");
            return Some((start, reason));
        }
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes go before the first that is meant; all where there is none.
fn until(bytes: &[u8], meant: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| meant(*byte)).unwrap_or(bytes.len())
}

/// How many bytes a text has that begins here, both quotes included.
fn quoted(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond(text: &str) -> Option<usize> {
        beyond_bounds(text).map(|(byte, _)| byte)
    }

    #[test]
    fn texts_and_comments_are_not_counted_and_every_rule_begins_anew() {
        let deep = "(".repeat(100);
        assert_eq!(beyond(&format!("// {deep}\n\"{deep}\\\"{deep}\"")), None);
        assert_eq!(beyond(&format!("{}{}", "(".repeat(32), ")".repeat(32))), None);
        assert_eq!(beyond(&"if;".repeat(100)), None);
        assert_eq!(beyond(&"a.b;".repeat(1000)), None);
    }

    #[test]
    fn what_nests_too_deep_or_is_too_long_is_found_where_it_is() {
        assert_eq!(beyond(&"(".repeat(33)), Some(32));
        assert_eq!(beyond(&format!("//\r{}", "[".repeat(33))), Some(35));
        assert_eq!(beyond(&"if ".repeat(33)), Some(96));
        assert_eq!(beyond(&".".repeat(2001)), Some(2000));
        assert_eq!(beyond(&" ".repeat(MAX_TEXT + 1)), Some(0));
    }

    #[test]
    fn a_text_without_an_end_ends_with_the_file() {
        for text in ["\"", "\"\\", "\"abc\\\"", "// no end", "é\""] {
            assert_eq!(beyond(text), None, "{text}");
        }
    }
}
