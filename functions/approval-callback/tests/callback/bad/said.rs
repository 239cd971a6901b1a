//! Bodies that say nothing, or more than is understood, to the door behind IAM.

use serde_json::{Value, json};

use super::Table;
use super::commands::{ALICE, UNREAD, approves, asks};
use crate::door::Door;

/// The text of Alice's approval.
fn approval() -> String {
    approves(ALICE).event["body"].as_str().unwrap().to_owned()
}

/// The fields of a body, one after the other.
fn listed(text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap();
    json!([body["seen"], body["request"]]).to_string()
}

pub(super) fn bodies(table: &mut Table) {
    let text = approval();
    for (name, body) in [
        ("nothing", String::new()),
        ("null", "null".to_owned()),
        ("a list", format!("[{text}]")),
        ("a text of itself", json!(text).to_string()),
        ("half of it", text[..text.len() / 2].to_owned()),
        ("all but its end", text[..text.len() - 1].to_owned()),
        ("itself twice", format!("{text}{text}")),
        ("itself after a mark of order", format!("\u{feff}{text}")),
        ("a form", "seen=x&request=approve".to_owned()),
        ("a list of its fields", listed(&text)),
        ("lists 5 000 deep", "[".repeat(5_000)),
        (
            "a request of lists 200 deep",
            text.replace("{\"ask\"", &format!("{}{{\"ask\"", "[".repeat(200))),
        ),
        ("a lone surrogate", text.replace("approve", r"\ud800")),
        (
            "a huge number as its request",
            text.replace("{\"ask\":\"approve\"}", "1e999"),
        ),
        ("a raw NUL", text.replace("approve", "approve\0")),
        (
            "the digest twice",
            text.replacen('{', &format!("{{\"seen\":\"{}\",", "0".repeat(64)), 1),
        ),
        (
            "the request twice",
            text.replacen('{', r#"{"request":{"ask":"revoke"},"#, 1),
        ),
        (
            "what is asked for twice",
            text.replace("{\"ask\"", r#"{"ask":"revoke","ask""#),
        ),
        (
            "what is asked for twice, once as an escape",
            text.replace("{\"ask\"", "{\"\\u0061sk\":\"revoke\",\"ask\""),
        ),
        (
            "a reason twice",
            text.replace(
                "{\"ask\":\"approve\"",
                r#"{"ask":"reject","reason":"a","reason":"b""#,
            ),
        ),
        (
            "a new value twice",
            text.replace(
                "{\"ask\":\"approve\"",
                r#"{"ask":"narrow","to":{"duration_s":"60","duration_s":"120"}"#,
            ),
        ),
    ] {
        assert_ne!(body, text, "{name}");
        table.said(&format!("a body: {name}"), 400, UNREAD, &body);
    }
    let large = json!({"seen": "0", "request": {"ask": "undo", "reason": "x".repeat(16 * 1024)}}).to_string();
    table.said("a body that is too large", 413, "the body is too large", &large);
    table.command("no body", 400, UNREAD, |event| event["body"] = Value::Null);
}

pub(super) fn fields(table: &mut Table) {
    let mut seen = |name: &str, change: fn(&mut Value)| {
        let mut body: Value = serde_json::from_str(&approval()).unwrap();
        change(&mut body);
        table.said(&format!("a digest {name}"), 400, UNREAD, &body.to_string());
    };
    seen("that is left out", |body| {
        drop(body.as_object_mut().unwrap().remove("seen"))
    });
    seen("that is null", |body| body["seen"] = Value::Null);
    seen("that is a number", |body| body["seen"] = json!(0));
    seen("that is short", |body| body["seen"] = json!("00"));
    seen("in capitals", |body| body["seen"] = json!("A".repeat(64)));
    seen("with a space", |body| {
        body["seen"] = json!(format!(" {}", "0".repeat(64)))
    });
    seen("and an operator beside it", |body| {
        body["operator"] = json!("bob")
    });
    seen("and another field beside it", |body| body["force"] = json!(true));
    for request in [
        json!(null),
        json!("approve"),
        json!(["approve"]),
        json!({}),
        json!({"ask": null}),
        json!({"ask": 1}),
        json!({"ask": "Approve"}),
        json!({"ask": "approve_all"}),
        json!({"ask": "approve "}),
        json!({"approve": {}}),
        json!({"ask": "undo"}),
        json!({"ask": "undo", "reason": ""}),
        json!({"ask": "undo", "reason": " \u{200b}"}),
        json!({"ask": "undo", "reason": 7}),
        json!({"ask": "undo", "reason": "x".repeat(1001)}),
        json!({"ask": "reject", "reason": ""}),
        json!({"ask": "reject", "reason": ["x"]}),
        json!({"ask": "narrow"}),
        json!({"ask": "narrow", "to": null}),
        json!({"ask": "narrow", "to": "60"}),
        json!({"ask": "narrow", "to": {"duration_s": 60}}),
        json!({"ask": "narrow", "to": {"duration_s": null}}),
        // What is asked for beside an approval would be lost.
        json!({"ask": "approve", "to": {"duration_s": "60"}}),
        json!({"ask": "approve", "reason": "only if it is safe"}),
        json!({"ask": "approve", "operator": "bob"}),
        json!({"ask": "approve", "dry_run": true}),
        json!({"ask": "revoke", "reason": "a mistake"}),
        json!({"ask": "reject", "raeson": "because"}),
        json!({"ask": "narrow", "to": {"duration_s": "60"}, "reason": "because"}),
    ] {
        let sent = asks(Door::new(), ALICE, &request);
        let shown: String = request.to_string().chars().take(80).collect();
        table.row(&format!("a request {shown}"), 400, UNREAD, sent);
    }
}
