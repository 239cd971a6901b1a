//! What is done to a genuine request: to its JSON, to its text, to its form, to its headers.

use serde_json::{Value, json};

use super::draw::Draw;

/// The pointers to every value below one, itself first.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{nth}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One change somewhere in JSON.
pub(super) fn json(draw: &mut Draw, root: &mut Value) {
    let mut found = Vec::new();
    places(root, "", &mut found);
    let from = draw.one(&found).clone();
    let other = draw.one(&found).clone();
    let copied = root.pointer(&other).cloned().unwrap_or_default();
    let (name, value) = (draw.text(), draw.value(3));
    let changes = draw.below(9);
    let Some(place) = root.pointer_mut(&from) else {
        return;
    };
    match (changes, place) {
        (0, place) => *place = value,
        (1, place) => *place = copied,
        (2, place) => *place = json!([place.take()]),
        (3, place) => *place = json!({ name: place.take() }),
        (_, Value::Object(fields)) if !fields.is_empty() => {
            let key = fields.keys().nth(draw.below(fields.len())).cloned().unwrap();
            match changes {
                4 => drop(fields.remove(&key)),
                5 => drop(fields.insert(key, value)),
                6 => drop(fields.insert(name, copied)),
                _ => {
                    let held = fields.remove(&key).unwrap_or_default();
                    fields.insert(name, held);
                }
            }
        }
        (_, Value::Array(items)) if !items.is_empty() => {
            let nth = draw.below(items.len());
            match changes {
                4 => drop(items.remove(nth)),
                5 => items.push(items[nth].clone()),
                6 => items.insert(nth, copied),
                _ => items[nth] = value,
            }
        }
        (_, Value::String(held)) => text(draw, held),
        (_, place) => *place = value,
    }
}

/// One change somewhere in a text.
pub(super) fn text(draw: &mut Draw, held: &mut String) {
    let (one, other) = (draw.place(held), draw.place(held));
    let (from, to) = (one.min(other), one.max(other));
    match draw.below(7) {
        0 => held.truncate(from),
        1 => held.insert_str(from, &draw.text()),
        2 => held.replace_range(from..to, ""),
        3 => held.replace_range(from..to, &draw.text()),
        4 => {
            let again = held[from..to].to_owned();
            held.insert_str(to, &again);
        }
        5 => *held = swapped_case(held),
        _ => {
            const PARTS: [&str; 16] = [
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "\"",
                "\\",
                "\\u0000",
                "\\ud800",
                "\\u0061",
                "&payload=",
                "%00",
                "%ff",
                "+",
                "=",
            ];
            held.insert_str(from, draw.word(&PARTS));
        }
    }
    // Nothing grows without end.
    if held.len() > 300_000 {
        held.clear();
    }
}

fn swapped_case(text: &str) -> String {
    let swapped = text.chars().map(|c| match c.is_ascii_uppercase() {
        true => c.to_ascii_lowercase(),
        false => c.to_ascii_uppercase(),
    });
    swapped.collect()
}

/// A key of JSON text, once more before its object's other keys, with another value.
pub(super) fn key_twice(draw: &mut Draw, held: &mut String) {
    let opens: Vec<usize> = held.match_indices("{\"").map(|(at, _)| at).collect();
    if opens.is_empty() {
        return;
    }
    let at = *draw.one(&opens) + 1;
    let rest = &held[at + 1..];
    let Some(key) = rest.split('"').next().map(str::to_owned) else {
        return;
    };
    let value = draw.value(1);
    held.insert_str(at, &format!("\"{key}\":{value},"));
}

/// The form around a payload, as a browser, a proxy or nobody would write it.
pub(super) fn form(draw: &mut Draw, payload: &str) -> String {
    let mut plain = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", payload)
        .finish();
    match draw.below(12) {
        0 => format!("{plain}&{plain}"),
        1 => format!("{plain}&{}={}", draw.number(), draw.number()),
        2 => format!("token=x&{plain}&trailing"),
        3 => plain.replace('+', "%20"),
        4 => plain.to_lowercase(),
        5 => format!("payload={payload}"),
        6 => format!("&&{plain}&&"),
        7 => plain.replacen("payload", "%70ayload", 1),
        8 => {
            text(draw, &mut plain);
            plain
        }
        _ => plain,
    }
}

/// One change to the event after it was signed.
pub(super) fn event(draw: &mut Draw, event: &mut Value) {
    const HEADERS: [&str; 4] = [
        "x-slack-request-timestamp",
        "x-slack-signature",
        "content-type",
        "user-agent",
    ];
    let header = draw.word(&HEADERS);
    let whole = event["headers"].is_object() && event["requestContext"]["http"].is_object();
    match draw.below(12) {
        _ if !whole => self::json(draw, event),
        0 => drop(event["headers"].as_object_mut().map(|all| all.remove(header))),
        1 => event["headers"][header] = draw.value(1),
        2 => event["headers"][header.to_uppercase()] = json!(draw.text()),
        3 | 4 => {
            if let Some(Value::String(held)) = event.pointer_mut(&format!("/headers/{header}")) {
                text(draw, held);
            }
        }
        5 => {
            if let Some(Value::String(held)) = event.pointer_mut("/body") {
                text(draw, held);
            }
        }
        6 => event["isBase64Encoded"] = draw.value(1),
        7 => {
            event["requestContext"]["http"]["method"] = json!(draw.word(&["GET", "post", "HEAD", "PUT", ""]))
        }
        8 => {
            if let Some(Value::String(held)) = event.pointer_mut("/rawPath") {
                text(draw, held);
            }
        }
        9 => {
            // A proxy's names of headers, and its base64.
            let body = event["body"].as_str().unwrap_or_default().to_owned();
            event["body"] = json!(data_encoding::BASE64.encode(body.as_bytes()));
            event["isBase64Encoded"] = json!(true);
        }
        _ => self::json(draw, event),
    }
}
