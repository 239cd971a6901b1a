//! Lines as Slack shows them. What is theirs is inert: it makes no link, no mention, no format and no line of its own.
//!
//! Facts: <https://docs.slack.dev/messaging/formatting-message-text>.

use domain::telling::{Line, Span};
use domain::value::{Timestamp, visible};

/// The most of one text from outside that is shown, characters: more of it is on the trail.
const MAX_THEIRS: usize = 600;

/// What stands where more was.
const MORE: char = '…';

/// Stands before a character that would format what follows: invisible, and no part of a word.
const INERT: char = '\u{200b}';

/// Lines as mrkdwn, within so many UTF-16 units, which is how Slack counts characters at most.
pub fn mrkdwn(lines: &[Line], most: usize) -> String {
    laid_out(lines, most, theirs, |at| {
        format!(
            "<!date^{}^{{date_short_pretty}} {{time}}|{}>",
            at.as_seconds(),
            utc(at)
        )
    })
}

/// Lines as a message's own text, within so many UTF-16 units: Slack reads it as mrkdwn, and a screen reader reads it out.
pub fn spoken(lines: &[Line], most: usize) -> String {
    laid_out(lines, most, theirs, utc)
}

/// Lines as plain text, within so many UTF-16 units.
pub fn plain(lines: &[Line], most: usize) -> String {
    let shown = lines
        .iter()
        .map(|line| line.render(|text| shortened(&visible(text), MAX_THEIRS), utc));
    within(&shown.collect::<Vec<_>>().join("\n"), most)
}

/// An instant as everybody understands it.
fn utc(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} {} UTC", &text[..10], &text[11..16])
}

/// Words from outside as mrkdwn.
pub fn theirs(text: &str) -> String {
    let mut shown = String::new();
    let mut word = false;
    for c in shortened(&visible(text), MAX_THEIRS).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            // Only at the edge of a word does one of them format: inside a name it stays what it is.
            '*' | '_' | '~' | '`' if !word => shown.extend([INERT, c]),
            '`' => shown.extend([INERT, c]),
            _ => shown.push(c),
        }
        word = c.is_alphanumeric();
    }
    shown
}

/// A text cut after so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain([MORE]).collect()
}

/// A text that Slack takes: cut after so many UTF-16 units, and not empty.
pub fn within(text: &str, most: usize) -> String {
    if text.trim().is_empty() {
        return MORE.to_string();
    }
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(MORE.len_utf16());
    let fits = text.chars().take_while(|c| {
        let left = room.checked_sub(c.len_utf16());
        room = left.unwrap_or_default();
        left.is_some()
    });
    fits.chain([MORE]).collect()
}

/// Lines one below the other. What does not fit is left out by whole spans, so that nothing is cut within an entity.
fn laid_out(
    lines: &[Line],
    most: usize,
    theirs: impl Fn(&str) -> String,
    at: impl Fn(Timestamp) -> String,
) -> String {
    let length = |text: &str| text.encode_utf16().count();
    let mut shown = String::new();
    let mut room = most.saturating_sub(1);
    for (nth, line) in lines.iter().enumerate() {
        let lead = (nth > 0).then(|| "\n".to_owned());
        let spans = line.spans().iter().map(|span| match span {
            Span::Ours(text) => text.clone(),
            Span::Theirs(text) => theirs(text),
            Span::At(instant) => at(*instant),
        });
        for text in lead.into_iter().chain(spans) {
            let Some(left) = room.checked_sub(length(&text)) else {
                shown.push(MORE);
                return shown;
            };
            room = left;
            shown.push_str(&text);
        }
    }
    within(&shown, most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn their_words_make_no_link_no_mention_and_no_format() {
        for (text, shown) in [
            (
                "<!channel> <@U1> <https://evil.example|x>",
                "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|x&gt;",
            ),
            (
                "*bold* _it_ ~gone~ `code`",
                "\u{200b}*bold* \u{200b}_it_ \u{200b}~gone~ \u{200b}`code\u{200b}`",
            ),
            ("gpt_4_turbo", "gpt_4_turbo"),
            ("a\nb\u{202e}c", "a\\u{a}b\\u{202e}c"),
            ("&lt;", "&amp;lt;"),
        ] {
            assert_eq!(theirs(text), shown);
        }
    }

    #[test]
    fn an_instant_is_shown_in_the_readers_zone_and_to_others_in_utc() {
        let at = Timestamp::from_millis(1_795_341_600_000);
        let line = [Line::of("at ").at(at)];
        assert_eq!(
            mrkdwn(&line, 3000),
            "at <!date^1795341600^{date_short_pretty} {time}|2026-11-22 10:00 UTC>"
        );
        assert_eq!(plain(&line, 150), "at 2026-11-22 10:00 UTC");
    }

    #[test]
    fn a_text_is_cut_between_two_characters_and_never_empty() {
        for (text, most, cut) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("a😀b", 3, "a…"),
            ("😀😀", 4, "😀😀"),
            ("", 3, "…"),
            (" \n", 3, "…"),
        ] {
            assert_eq!(within(text, most), cut, "{text}");
        }
        let line = [Line::of("It is ").theirs("x".repeat(20)).ours(".")];
        assert_eq!(plain(&line, 10), "It is xxx…");
        assert_eq!(plain(&[], 10), "…");
        assert_eq!(mrkdwn(&[Line::new()], 10), "…");
    }

    #[test]
    fn a_messages_own_text_mentions_nobody() {
        let line = [Line::new()
            .theirs("<!channel>")
            .ours(" at ")
            .at(Timestamp::from_millis(1_795_341_600_000))];
        assert_eq!(spoken(&line, 4000), "&lt;!channel&gt; at 2026-11-22 10:00 UTC");
    }

    proptest! {
        #[test]
        fn no_text_gets_past_the_limit_or_out_of_its_span(parts in prop::collection::vec(".{0,700}", 0..8), most in 1_usize..3000) {
            let lines: Vec<Line> = parts.iter().map(|part| Line::of("ours ").theirs(part)).collect();
            for text in [mrkdwn(&lines, most), plain(&lines, most)] {
                prop_assert!(text.encode_utf16().count() <= most, "{text}");
            }
            let text = mrkdwn(&lines, most);
            prop_assert!(!text.contains('<') && !text.contains('>'), "{text}");
            // An ampersand begins an entity, and each is whole.
            for rest in text.split('&').skip(1) {
                prop_assert!(["amp;", "lt;", "gt;"].iter().any(|entity| rest.starts_with(entity)), "{text}");
            }
            prop_assert!(text.lines().count() <= lines.len().max(1));
        }
    }
}
