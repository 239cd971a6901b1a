//! Whether a request may decide at all: read again, in the plainest way, from the event.

use serde_json::Value;
use testkit::sample::{ALICE, BOB, SLACK_TEAM};
use testkit::slack;

use crate::bad::{signature, stamp};

/// Whether it came to its door as its sender must send it, from who may decide, about what was shown.
pub(super) fn is(event: &Value, values: &[String], public: bool) -> bool {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if !text("/requestContext/http/method").eq_ignore_ascii_case("POST") {
        return false;
    }
    let path = text("/rawPath").trim_end_matches('/');
    let Some(body) = body(event) else { return false };
    match public {
        true => path == "/slack/interactions" && is_interaction(event, &body, values),
        false => is_command(event, path, &body, values),
    }
}

fn body(event: &Value) -> Option<Vec<u8>> {
    let text = event.get("body").and_then(Value::as_str).unwrap_or_default();
    match event.get("isBase64Encoded") {
        Some(Value::Bool(true)) => data_encoding::BASE64.decode(text.as_bytes()).ok(),
        _ => Some(text.as_bytes().to_vec()),
    }
}

/// The only value of a header.
fn header<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    let all = event.get("headers")?.as_object()?;
    let mut found = all
        .iter()
        .filter(|(one, _)| one.eq_ignore_ascii_case(name))
        .filter_map(|(_, value)| value.as_str());
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn is_interaction(event: &Value, body: &[u8], values: &[String]) -> bool {
    let (Some(time), Some(signed)) = (
        header(event, "x-slack-request-timestamp"),
        header(event, "x-slack-signature"),
    ) else {
        return false;
    };
    let recent = time.parse::<i64>().is_ok_and(|at| (stamp() - at).abs() <= 300);
    if !recent || signature(time, body) != signed {
        return false;
    }
    let Ok(body) = std::str::from_utf8(body) else {
        return false;
    };
    let mut payloads = body
        .split('&')
        .filter(|pair| *pair == "payload" || pair.starts_with("payload="));
    let (Some(pair), None) = (payloads.next(), payloads.next()) else {
        return false;
    };
    let json = form_urlencoded::parse(pair.as_bytes()).next().unwrap().1;
    let Ok(payload) = serde_json::from_str::<Value>(&legible(&json)) else {
        return false;
    };
    let ours = |pointer: &str, one: &str| payload.pointer(pointer).and_then(Value::as_str) == Some(one);
    let places = ["/team/id", "/enterprise/id", "/user/team_id"];
    ours("/api_app_id", slack::APP)
        && places.iter().any(|place| ours(place, SLACK_TEAM))
        && [ALICE, BOB].iter().any(|user| ours("/user/id", user))
        && (is_click(&payload, values) || is_form(&payload, values))
}

/// The text with what `Value` cannot hold in other words: half of a character, and a number that is too large. Where such
/// a thing stands in a part of an interaction that nobody looks at, it does not matter; in any other, the text differs.
fn legible(json: &str) -> String {
    let json = json.replace("1e999", "1");
    let (mut text, mut rest) = (String::new(), json.as_str());
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at..at + 6).filter(|escape| is_half(escape));
        let length = escape.map_or_else(|| rest[at..].chars().take(2).map(char::len_utf8).sum(), str::len);
        text += &rest[..at];
        text += if escape.is_some() {
            "?"
        } else {
            &rest[at..at + length]
        };
        rest = &rest[at + length..];
    }
    text + rest
}

/// Whether an escape is of half a character.
fn is_half(escape: &str) -> bool {
    let digits = escape.strip_prefix("\\u");
    let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    unit.is_some_and(|unit| (0xd800..0xe000).contains(&unit))
}

#[test]
fn halves_of_characters_are_made_legible_and_nothing_else_is() {
    for (text, made) in [
        (r#"["a\\ud800b"]"#, r#"["a\\ud800b"]"#),
        (r#"["a\ud800b\uDC00"]"#, r#"["a?b?"]"#),
        (r#"["\\\ud8ffé\né"]"#, r#"["\\?é\né"]"#),
        (r#"["\u00e9\ué"#, r#"["\u00e9\ué"#),
        (r#"[1e999, "\"#, r#"[1, "\"#),
    ] {
        assert_eq!(legible(text), made);
    }
}

fn is_click(payload: &Value, values: &[String]) -> bool {
    let actions = payload.get("actions").and_then(Value::as_array);
    let mut ours = actions.into_iter().flatten().filter(|action| {
        let id = action.get("action_id").and_then(Value::as_str);
        id.is_some_and(|id| ["approve", "reject", "narrow", "revoke", "undo"].contains(&id))
    });
    let (Some(action), None) = (ours.next(), ours.next()) else {
        return false;
    };
    let value = action.get("value").and_then(Value::as_str);
    payload["type"] == "block_actions"
        && (action["action_id"] == "approve" || action["action_id"] == "revoke")
        && value.is_some_and(|value| values.iter().any(|one| one == value))
}

fn is_form(payload: &Value, values: &[String]) -> bool {
    let view = &payload["view"];
    let named = ["reject", "narrow", "undo"]
        .iter()
        .any(|name| view["callback_id"] == *name);
    payload["type"] == "view_submission"
        && named
        && values
            .iter()
            .any(|value| view["private_metadata"] == value.as_str())
}

fn is_command(event: &Value, path: &str, body: &[u8], values: &[String]) -> bool {
    let arn = event.pointer("/requestContext/authorizer/iam/userArn");
    let known = ["alice", "bob"]
        .iter()
        .any(|who| arn.is_some_and(|arn| *arn == format!("arn:aws:iam::123456789012:user/{who}")));
    let media = header(event, "content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let about = |value: &String| {
        let (id, seen) = value.split_once('.').unwrap();
        path == format!("/v1/proposals/{id}/requests") && body["seen"] == seen
    };
    known && media.starts_with("application/json") && values.iter().any(about)
}
