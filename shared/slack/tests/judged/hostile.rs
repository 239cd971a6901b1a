//! Texts that try the limits, or want to be more than text.

use domain::telling::Line;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Texts that try the limits, or want to be more than text, by name.
pub(crate) fn texts() -> Vec<(String, String)> {
    let own = [
        (
            "mentions",
            "<!channel> <!here> <!everyone> <@U0123456789> <#C0SRE00001> <!subteam^S1>".to_owned(),
        ),
        (
            "links",
            "<https://evil.example|the card> https://evil.example mailto:a@evil.example".to_owned(),
        ),
        (
            "formats",
            "*bold* _it_ ~no~ `code` ```block``` > quote &lt;!channel&gt; :boom:".to_owned(),
        ),
        ("backticks", "`".repeat(2999)),
        (
            "hidden",
            "a\u{202e}b\u{200b}c\u{2066}d\u{feff}e\u{0}f\u{7}\r\n\tg\u{e0041}".to_owned(),
        ),
        ("emoji", "👩‍👩‍👧‍👦🏳️‍🌈".repeat(400)),
        ("accents", format!("z{}", "\u{301}".repeat(5000))),
        ("long", "x".repeat(10_000)),
        ("escaped", "&<>".repeat(4000)),
        ("lines", "\n".repeat(3001)),
        ("dates", "<!date^0^{date}|now>".repeat(200)),
        ("json", r#""}],"blocks":[{"type":"divider"}]"#.repeat(50)),
        ("empty", String::new()),
        ("blank", " ".repeat(40)),
    ];
    let own = own.map(|(name, text)| (name.to_owned(), text));
    let injections = testkit::hostile::injections()
        .into_iter()
        .map(|one| (one.to_string().replace('/', "."), one.text));
    own.into_iter().chain(injections).collect()
}

/// So many texts of ours: what every sort of message is tried with.
pub(crate) fn worst() -> Vec<(String, String)> {
    texts()
        .into_iter()
        .take_while(|(name, _)| !name.contains('.'))
        .collect()
}

/// The same card, or line, with these words for everything that is not ours.
pub(crate) fn with<T: Serialize + DeserializeOwned>(told: &T, words: &str) -> T {
    let mut json = serde_json::to_value(told).unwrap();
    replace(&mut json, words);
    serde_json::from_value(json).unwrap()
}

fn replace(json: &mut Value, words: &str) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "theirs" => *value = Value::from(words),
                    _ => replace(value, words),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn their_words_are_replaced_and_ours_stay() {
    let line = Line::of("by ").theirs("ada").ours(".");
    assert_eq!(with(&line, "<eve>"), Line::of("by ").theirs("<eve>").ours("."));
}
