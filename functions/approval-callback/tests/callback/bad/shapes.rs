//! Signed bodies that are no interaction, or two at once.

use serde_json::{Value, json};
use testkit::sample::{ALICE, SLACK_TEAM};
use testkit::slack;

use super::{Sent, Table, bytes};
use crate::door::{Door, interaction};
use crate::hostile::form;

const NO_FIELD: &str = "the form has no field `payload`";
const TWICE: &str = "the form has the field `payload` twice";
const UTF8: &str = "`payload` cannot be read: it is not UTF-8";
const UNREAD: &str = "`payload` cannot be read";

/// The text of Alice's approval.
fn approval() -> String {
    Door::new().payload(ALICE, "approve").to_string()
}

pub(super) fn forms(table: &mut Table) {
    let genuine = form(&approval());
    for (name, body) in [
        ("nothing", String::new()),
        ("JSON", approval()),
        (
            "a slash command",
            "command=%2Fsre-agent&text=approve&user_id=U1".to_owned(),
        ),
        ("a field in capitals", genuine.replacen("payload", "PAYLOAD", 1)),
        ("a field in brackets", genuine.replacen("payload", "payload[]", 1)),
        (
            "a field whose name is escaped",
            genuine.replacen("payload", "%70ayload", 1),
        ),
        ("a field with a space before it", format!("+{genuine}")),
        ("a field after a semicolon", format!("x=y;{genuine}")),
    ] {
        table.body(&format!("a form that is {name}"), 400, NO_FIELD, &body);
    }
    for (name, body) in [
        ("the same twice", format!("{genuine}&{genuine}")),
        ("an empty one before it", format!("payload=&{genuine}")),
        ("an empty one after it", format!("{genuine}&payload")),
        (
            "another button after it",
            format!("{genuine}&{}", genuine.replace("approve", "reject")),
        ),
        ("something between the two", format!("{genuine}&x=y&{genuine}")),
    ] {
        table.body(&format!("two payloads: {name}"), 400, TWICE, &body);
    }
    for (name, body) in [
        ("bytes that are escaped", "payload=%ff%fe"),
        ("a slash in two bytes", "payload=%c0%af"),
        ("a surrogate", "payload=%ed%a0%80"),
        ("half of a character", "payload=%7B%22%c3"),
        ("UTF-16", "payload=%fe%ff%00%7b"),
    ] {
        table.body(&format!("a payload that is not UTF-8: {name}"), 400, UTF8, body);
    }
    for (name, body) in [
        ("at its end", [genuine.as_bytes(), b"\xff"].concat()),
        ("at its beginning", b"payload=\x80\x81".to_vec()),
        (
            "in the middle",
            [b"payload=%7B", &[0xc3, 0x28][..], b"%7D"].concat(),
        ),
    ] {
        table.row(
            &format!("bytes that are not UTF-8 {name}"),
            400,
            UTF8,
            bytes(&body),
        );
    }
    let unnamed = bytes(&[0; 64]);
    table.row("bytes that are no form", 400, NO_FIELD, unnamed);
    for at in [
        genuine.len() / 4,
        genuine.len() / 2,
        genuine.len() - 1,
        genuine.len() - 2,
        "payload=%7".len(),
    ] {
        let name = format!("a form that breaks off after {at} bytes");
        table.body(&name, 400, UNREAD, &genuine[..at]);
    }
    table.body("an escape of other digits", 400, UNREAD, "payload=%zz");
    table.body("a payload that is escaped twice", 400, UNREAD, &form(&genuine));
}

pub(super) fn json(table: &mut Table) {
    let text = approval();
    for (name, text) in [
        ("nothing", String::new()),
        ("a space", " ".to_owned()),
        ("XML", "<xml/>".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("null", "null".to_owned()),
        ("a list of nothing", "[]".to_owned()),
        ("a list of itself", format!("[{text}]")),
        ("a number", "1".to_owned()),
        ("a huge number", "1e999".to_owned()),
        ("a text of itself", json!(text).to_string()),
        ("half of it", text[..text.len() / 2].to_owned()),
        ("all but its end", text[..text.len() - 1].to_owned()),
        ("more than it", format!("{text}}}")),
        ("itself twice", format!("{text}{text}")),
        ("itself, and a NUL", format!("{text}\0")),
        ("itself after a mark of order", format!("\u{feff}{text}")),
        ("with a comma too many", text.replacen("]}", "],}", 1)),
        ("with a comment", text.replacen('{', "{/**/", 1)),
        ("in single quotes", text.replace('"', "'")),
        ("with a raw NUL", text.replace("somebody", "some\0body")),
        ("with a raw line's end", text.replace("\"U1\"", "\"U1\n\"")),
        (
            "with a lone surrogate as the user",
            text.replace("\"U1\"", r#""\ud800""#),
        ),
        (
            "with a lone surrogate in its value",
            text.replace(r#""value":""#, r#""value":"\udc00"#),
        ),
        (
            "with surrogates in the wrong order",
            text.replace("\"U1\"", r#""\udc00\ud800""#),
        ),
        ("with an escape of nothing", text.replace("\"U1\"", r#""U1\x""#)),
        ("with a number that is none", text.replace("\"U1\"", "NaN")),
        (
            "with a huge number as its value",
            replaced(&text, "value", "1e999"),
        ),
        ("with lists 50 000 deep", "[".repeat(50_000)),
        ("with objects 5 000 deep", r#"{"a":"#.repeat(5_000)),
        (
            "with a value of lists 200 deep",
            replaced(&text, "value", &nested(200)),
        ),
        ("with users 200 deep", replaced(&text, "user", &nested(200))),
    ] {
        table.text(&format!("a payload: {name}"), 400, UNREAD, &text);
    }
    doubled(table, &text);
    let change =
        |payload: &mut Value| payload["message"] = json!({"text": "\u{0}", "n": [1e300, -1e300, u64::MAX]});
    let mut sent = Sent::payload(change);
    sent.event["body"] = json!("x");
    table.row(
        "odd numbers, and a body of another signature",
        401,
        "does not match",
        sent,
    );
}

/// The text with another value of a field, wherever it stands.
fn replaced(text: &str, field: &str, value: &str) -> String {
    let (before, after) = text.split_once(&format!("\"{field}\":")).unwrap();
    format!("{before}\"{field}\":{value},\"instead_of\":{after}")
}

fn nested(deep: usize) -> String {
    format!("{}{}", "[".repeat(deep), "]".repeat(deep))
}

/// Keys that come twice. Each reader would choose its own.
fn doubled(table: &mut Table, text: &str) {
    for (name, field, first) in [
        ("its type", "type", "\"view_closed\""),
        ("its app", "api_app_id", "\"A9\""),
        ("its team", "team", r#"{"id":"T1"}"#),
        ("its user", "user", r#"{"id":"U2"}"#),
        ("its actions", "actions", "[]"),
        ("the trigger", "trigger_id", "\"x\""),
        ("where to reply", "response_url", "\"https://hooks.slack.com/\""),
    ] {
        let text = text.replacen('{', &format!("{{\"{field}\":{first},"), 1);
        table.text(&format!("{name} twice"), 400, "duplicate field", &text);
    }
    for (name, before, first) in [
        ("the team's id", r#""team":{"#, r#""id":"T1""#),
        ("the user's id", r#""user":{"#, r#""id":"U2""#),
        ("the user's team", r#""user":{"#, r#""team_id":"T1""#),
        ("the button", r#""actions":[{"#, r#""action_id":"reject""#),
        ("the button's value", r#""actions":[{"#, r#""value":"x""#),
        (
            "the button's value, once as an escape",
            r#""actions":[{"#,
            "\"v\\u0061lue\":\"x\"",
        ),
    ] {
        let text = text.replacen(before, &format!("{before}{first},"), 1);
        table.text(&format!("{name} twice"), 400, "duplicate field", &text);
    }
    let filled = filled_in("narrow", &[("duration_s", "60")]);
    for (name, before, first) in [
        (
            "a form's field",
            r#""values":{"#,
            r#""duration_s":{"value":{"value":"299"}}"#,
        ),
        (
            "what a form's field holds",
            r#""duration_s":{"#,
            r#""value":{"value":"299"}"#,
        ),
        (
            "what stands in a form's field",
            r#""value":{"#,
            r#""value":"299""#,
        ),
        ("a form's values", r#""state":{"#, r#""values":{}"#),
        ("a form's name", r#""view":{"#, r#""callback_id":"reject""#),
        (
            "what a form was opened for",
            r#""view":{"#,
            r#""private_metadata":"x""#,
        ),
    ] {
        let text = filled.replacen(before, &format!("{before}{first},"), 1);
        assert_ne!(text, filled, "{name}");
        table.text(&format!("{name} twice"), 400, "duplicate field", &text);
    }
}

/// A form that Alice has filled in.
pub(super) fn filled_in(form: &str, values: &[(&str, &str)]) -> String {
    submission(&Door::new(), form, values).to_string()
}

fn submission(door: &Door, form: &str, values: &[(&str, &str)]) -> Value {
    let mut payload = slack::submission(ALICE, form, &door.value(), values);
    payload["team"]["id"] = json!(SLACK_TEAM);
    payload["user"]["team_id"] = json!(SLACK_TEAM);
    payload
}

/// A form that comes back to a function, after something was done to it.
pub(super) fn filled(
    door: Door,
    form: &str,
    values: &[(&str, &str)],
    change: impl FnOnce(&mut Value),
) -> Sent {
    let mut payload = submission(&door, form, values);
    change(&mut payload);
    let event = interaction(&door.signed(&payload));
    Sent { door, event }
}
