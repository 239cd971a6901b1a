//! What is wrong before a body is read: the signature, the headers, the path.

use serde_json::{Value, json};
use testkit::sample::ALICE;
use testkit::slack;

use super::{Sent, Table, bytes, signature, stamp};
use crate::door::{Door, interaction, request};
use crate::hostile::{form, signed};

const UNSIGNED: &str = "the request carries no Slack signature";
const FORGED: &str = "the signature does not match";
const SKEWED: &str = "the signature's timestamp is more than 300 s from now";
const STAMP: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";
const NOTHING: &str = "there is nothing at this path";
const METHOD: &str = "this path takes another method";
const TYPE: &str = "the body is neither a form nor JSON";

/// Something done to a text of a genuine request.
type Change = fn(&str) -> String;

pub(super) fn signatures(table: &mut Table) {
    for header in [STAMP, SIGNATURE] {
        table.event(&format!("without {header}"), 401, UNSIGNED, |event| {
            event["headers"].as_object_mut().unwrap().remove(header);
        });
        let odd = [
            json!(""),
            json!(1),
            json!(null),
            json!(["x"]),
            json!({}),
            json!(true),
        ];
        for (nth, value) in odd.into_iter().enumerate() {
            let name = format!("{header} is odd, {nth}");
            table.event(&name, 401, UNSIGNED, |event| event["headers"][header] = value);
        }
        table.event(&format!("{header} twice"), 401, UNSIGNED, |event| {
            let value = event["headers"][header].clone();
            event["headers"][header.to_uppercase()] = value;
        });
        table.event(&format!("{header} twice in one"), 401, UNSIGNED, |event| {
            let value = event["headers"][header].as_str().unwrap();
            event["headers"][header] = json!(format!("{value},{value}"));
        });
    }
    table.event("no headers", 401, UNSIGNED, |event| {
        event["headers"] = json!(null)
    });
    table.event("headers as a list", 401, UNSIGNED, |event| {
        event["headers"] = json!([]);
    });
    let forms: [(&str, &str, Change); 11] = [
        ("in capitals", UNSIGNED, |hex| {
            format!("v0={}", hex.to_uppercase())
        }),
        ("without its version", UNSIGNED, str::to_owned),
        ("of version 1", UNSIGNED, |hex| format!("v1={hex}")),
        ("of version V0", UNSIGNED, |hex| format!("V0={hex}")),
        ("with a space at its end", UNSIGNED, |hex| format!("v0={hex} ")),
        ("with a space before it", UNSIGNED, |hex| format!(" v0={hex}")),
        ("with half a byte less", UNSIGNED, |hex| {
            format!("v0={}", &hex[1..])
        }),
        ("with a NUL", UNSIGNED, |hex| format!("v0={hex}\0")),
        ("with a byte less", FORGED, |hex| format!("v0={}", &hex[2..])),
        ("with a byte more", FORGED, |hex| format!("v0={hex}00")),
        ("of nothing", FORGED, |_| "v0=".to_owned()),
    ];
    for (name, words, form) in forms {
        table.event(&format!("a signature {name}"), 401, words, |event| {
            let whole = event["headers"][SIGNATURE].as_str().unwrap();
            event["headers"][SIGNATURE] = json!(form(whole.strip_prefix("v0=").unwrap()));
        });
    }
    for secret in ["", "another", "sign-with-thi", "Sign-with-this"] {
        let door = Door::new();
        let seconds = u64::try_from(stamp()).unwrap();
        let event = interaction(&slack::sign(&door.payload(ALICE, "approve"), secret, seconds));
        let name = format!("signed with the secret {secret:?}");
        table.row(&name, 401, FORGED, Sent { door, event });
    }
    let bodies: [(&str, Change); 7] = [
        ("of another button", |body| body.replace("approve", "reject")),
        ("with a field more", |body| format!("{body}&x=y")),
        ("with a space before it", |body| format!(" {body}")),
        ("with a line's end", |body| format!("{body}\n")),
        ("that is empty", |_| String::new()),
        ("that is half of it", |body| body[..body.len() / 2].to_owned()),
        ("whose escapes are in small letters", str::to_lowercase),
    ];
    for (name, change) in bodies {
        table.event(&format!("signed, and a body {name}"), 401, FORGED, |event| {
            event["body"] = json!(change(event["body"].as_str().unwrap()));
        });
    }
    table.event("a signature of the body alone", 401, FORGED, |event| {
        let mac = signature("", event["body"].as_str().unwrap().as_bytes());
        event["headers"][SIGNATURE] = json!(mac);
    });
    for (name, body) in [("null", json!(null)), ("an object", json!({"payload": "{}"}))] {
        table.event(&format!("a body that is {name}"), 401, FORGED, |event| {
            event["body"] = body;
        });
    }
    stamps(table);
}

/// Timestamps, each of which was signed in the form in which it comes.
fn stamps(table: &mut Table) {
    let now = stamp();
    let forms = [
        format!("+{now}"),
        format!("0{now}"),
        format!(" {now}"),
        format!("{now} "),
        format!("{now}\0"),
        format!("{now}\n"),
        format!("{now}.0"),
        format!("{now}000"),
        format!("-{now}"),
        format!("{now:#x}"),
        format!("{now:e}"),
        format!("{now},{now}"),
        "1_795_341_650".to_owned(),
        "١٧٩٥٣٤١٦٥٠".to_owned(),
        "１７９５３４１６５０".to_owned(),
        "18446744073709551616".to_owned(),
        "99999999999999999999999999".to_owned(),
        "NaN".to_owned(),
        "now".to_owned(),
        "0".to_owned(),
    ];
    for form in forms {
        resigned(table, &format!("a timestamp {form:?}"), UNSIGNED, &form);
    }
    for (name, seconds) in [
        ("too old", now - 301),
        ("of yesterday", now - 86_400),
        ("of the future", now + 301),
        ("of tomorrow", now + 86_400),
        ("of 1970", 1),
        ("of 2286", 9_999_999_999),
    ] {
        resigned(
            table,
            &format!("a timestamp {name}"),
            SKEWED,
            &seconds.to_string(),
        );
    }
    table.event("a timestamp that is another one's", 401, FORGED, |event| {
        event["headers"][STAMP] = json!((now + 1).to_string());
    });
}

/// A click that was signed with any text as its timestamp.
fn resigned(table: &mut Table, name: &str, words: &'static str, stamp: &str) {
    table.event(name, 401, words, |event| {
        let mac = signature(stamp, event["body"].as_str().unwrap().as_bytes());
        event["headers"][STAMP] = json!(stamp);
        event["headers"][SIGNATURE] = json!(mac);
    });
}

pub(super) fn requests(table: &mut Table) {
    for (name, value) in [
        ("none", Value::Null),
        ("text", json!("text/plain")),
        ("parts", json!("multipart/form-data; boundary=x")),
        ("almost a form", json!("application/x-www-form-urlencodedx")),
        ("two in one", json!("text/plain, application/json")),
    ] {
        table.event(&format!("a content type: {name}"), 415, TYPE, |event| {
            event["headers"]["content-type"] = value;
        });
    }
    table.event("a content type twice", 415, TYPE, |event| {
        event["headers"]["Content-Type"] = json!("application/json");
    });
    let json_type = |event: &mut Value| event["headers"]["content-type"] = json!("application/json");
    table.event(
        "a form that says it is JSON",
        400,
        "the event cannot be read",
        json_type,
    );
    base64(table);
    let large = "x".repeat(256 * 1024 + 1);
    table.body("a body that is too large", 413, "the body is too large", &large);
    table.row(
        "bytes that are too many",
        413,
        "the body is too large",
        bytes(large.as_bytes()),
    );
    for method in [
        "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "POST ", "",
    ] {
        let words = if method == "HEAD" { "" } else { METHOD };
        table.event(&format!("the method {method:?}"), 405, words, |event| {
            event["requestContext"]["http"]["method"] = json!(method);
        });
    }
    table.event("a method that a header overrides", 405, METHOD, |event| {
        event["requestContext"]["http"]["method"] = json!("GET");
        event["headers"]["x-http-method-override"] = json!("POST");
    });
    let id = Door::new().story.proposal().id().clone();
    for path in [
        "",
        "/",
        "/slack",
        "//slack/interactions",
        "slack/interactions",
        "x/slack/interactions",
        "https://x/slack/interactions",
        "/slack//interactions",
        "/slack/interactions/..",
        "/slack/./interactions",
        "/SLACK/INTERACTIONS",
        "/slack%2Finteractions",
        "/slack/interactions;x=1",
        "/slack/interactions?x=1",
        "/slack/interactions%00",
        "/slack/interactions ",
        "/slack/interactionſ",
        &format!("/v1/proposals/{id}/requests"),
        "/v1/proposals",
        "\\slack\\interactions",
    ] {
        table.event(&format!("the path {path:?}"), 404, NOTHING, |event| {
            event["rawPath"] = json!(path);
        });
    }
    for path in ["/healthz", &format!("/proposals/{id}")] {
        table.event(&format!("a POST to {path}"), 405, METHOD, |event| {
            event["rawPath"] = json!(path)
        });
    }
    for (name, words, pointer) in [
        (
            "no method",
            "the event names no method",
            "/requestContext/http/method",
        ),
        ("no context", "the event names no method", "/requestContext"),
        ("no path", "the event names no path", "/rawPath"),
    ] {
        table.event(&format!("an event with {name}"), 400, words, |event| {
            *event.pointer_mut(pointer).unwrap() = Value::Null;
        });
    }
    let mut event = request("POST", "/slack/interactions");
    event["body"] = json!("payload={}");
    let door = Door::new();
    table.row("a POST from anybody", 401, UNSIGNED, Sent { door, event });
    let mut event = interaction(&signed("[]"));
    json_type(&mut event);
    let door = Door::new();
    table.row(
        "an event that is a list",
        400,
        "the event cannot be read",
        Sent { door, event },
    );
    for (name, text) in [
        ("without a type", r#"{"challenge":"x"}"#),
        ("with a type twice", r#"{"type":"url_verification","type":"x"}"#),
        (
            "with a number as its challenge",
            r#"{"type":"url_verification","challenge":7}"#,
        ),
        ("that breaks off", r#"{"type":"url_verification","challenge":"x"#),
    ] {
        let mut event = interaction(&signed(text));
        json_type(&mut event);
        let door = Door::new();
        table.row(
            &format!("an event {name}"),
            400,
            "the event cannot be read",
            Sent { door, event },
        );
    }
}

fn base64(table: &mut Table) {
    let no = "the body is not base64";
    table.event("a text that says it is base64", 400, no, |event| {
        event["isBase64Encoded"] = json!(true);
    });
    let body = form(&Door::new().payload(ALICE, "approve").to_string());
    // Three bytes in the other alphabet's letters, and one that needs padding.
    for (name, text) in [
        ("of the other alphabet", "_-_-"),
        ("without padding", "YQ"),
        ("with a line's end", "YWJj\n"),
        ("with too much padding", "YWJj===="),
        ("whose last bits are not zero", "YR=="),
    ] {
        table.event(&format!("base64 {name}"), 400, no, |event| {
            event["body"] = json!(text);
            event["isBase64Encoded"] = json!(true);
        });
    }
    let encoded = data_encoding::BASE64.encode(body.as_bytes());
    for (name, flag, text) in [
        ("that nobody mentions", json!(null), encoded.clone()),
        ("that a word mentions", json!("true"), encoded.clone()),
        ("that a number mentions", json!(1), encoded.clone()),
        (
            "twice",
            json!(true),
            data_encoding::BASE64.encode(encoded.as_bytes()),
        ),
    ] {
        table.event(&format!("base64 {name}"), 401, FORGED, |event| {
            event["body"] = json!(text);
            event["isBase64Encoded"] = flag;
        });
    }
}
