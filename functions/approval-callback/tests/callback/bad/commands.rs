//! Bad requests through the door behind IAM: who sent them is known, and what they say is not believed.

use domain::proposal::Decision;
use domain::value::Digest;
use serde_json::{Value, json};
use testkit::story::{Story, breaks, pages, second};

use super::states::{also_waits, narrowed, pause};
use super::{Sent, Table};
use crate::door::{Door, command};

pub(super) const ALICE: &str = "arn:aws:iam::123456789012:user/alice";
const BOB: &str = "arn:aws:iam::123456789012:user/bob";
pub(super) const UNREAD: &str = "the body cannot be read";
const NO_ID: &str = "the path has no proposal's id";
const NOTHING: &str = "there is nothing at this path";
const METHOD: &str = "this path takes another method";
const STALE: &str = "This proposal changed since you saw it.";

/// A request on the proposal of a function, with the digest that its card shows.
pub(super) fn asks(door: Door, arn: &str, request: &Value) -> Sent {
    let path = format!("/v1/proposals/{}/requests", door.story.proposal().id());
    let scored = door
        .story
        .records()
        .iter()
        .rfind(|record| record.kind == "scored");
    let seen = scored.map_or_else(|| Digest::of(b"nothing"), |record| record.digest);
    let event = command(arn, "POST", &path, &json!({"seen": seen, "request": request}));
    Sent { door, event }
}

pub(super) fn approves(arn: &str) -> Sent {
    asks(Door::new(), arn, &json!({"ask": "approve"}))
}

impl Table {
    /// An approval whose event was changed.
    pub(super) fn command(
        &mut self,
        name: &str,
        status: u16,
        words: &'static str,
        change: impl FnOnce(&mut Value),
    ) {
        let mut sent = approves(ALICE);
        change(&mut sent.event);
        self.row(name, status, words, sent);
    }

    /// An approval with another body.
    pub(super) fn said(&mut self, name: &str, status: u16, words: &'static str, body: &str) {
        self.command(name, status, words, |event| event["body"] = json!(body));
    }
}

pub(super) fn rows(table: &mut Table) {
    callers(table);
    requests(table);
    decisions(table);
}

fn callers(table: &mut Table) {
    let nobody = "You are not in the operator directory";
    for arn in [
        "arn:aws:iam::123456789012:user/mallory",
        "arn:aws:iam::999999999999:user/alice",
        "arn:aws:iam::123456789012:user/Alice",
        "arn:aws:iam::123456789012:user/alice ",
        "arn:aws:iam::123456789012:user/alice\u{0}",
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:assumed-role/Admin/alice",
        "arn:aws-cn:iam::123456789012:user/alice",
        "alice",
        "*",
        "",
    ] {
        table.row(&format!("a caller {arn:?}"), 403, nobody, approves(arn));
    }
    let unsaid = "IAM does not say who sent this";
    for (name, authorizer) in [
        ("nobody", Value::Null),
        ("an empty one", json!({})),
        ("none of IAM's", json!({"jwt": {"claims": {"userArn": ALICE}}})),
        ("a list", json!({"iam": {"userArn": [ALICE]}})),
        (
            "a user's id alone",
            json!({"iam": {"userId": "alice", "accountId": "123456789012"}}),
        ),
        ("one beside IAM's", json!({"userArn": ALICE})),
    ] {
        table.command(&format!("authorised as {name}"), 403, unsaid, |event| {
            event["requestContext"]["authorizer"] = authorizer;
        });
    }
    table.command("a caller in a header", 403, unsaid, |event| {
        event["requestContext"]["authorizer"] = Value::Null;
        event["headers"]["x-amzn-iam-user-arn"] = json!(ALICE);
        event["headers"]["authorization"] = json!("AWS4-HMAC-SHA256 Credential=x");
    });
    let (bot, former) = ("deploy-bot", "carol");
    for (who, words) in [
        (bot, "A bot cannot decide."),
        (former, "Your operator account is not active."),
    ] {
        let arn = format!("arn:aws:iam::123456789012:user/{who}");
        for ask in ["approve", "reject", "revoke"] {
            let sent = asks(Door::new(), &arn, &json!({ "ask": ask }));
            table.row(&format!("{ask} as {who}"), 409, words, sent);
        }
    }
}

fn requests(table: &mut Table) {
    let no_json = "the body is not JSON";
    for (name, value) in [
        ("none", Value::Null),
        ("text", json!("text/plain")),
        ("a form", json!("application/x-www-form-urlencoded")),
        ("almost JSON", json!("application/jsonp")),
    ] {
        table.command(&format!("a content type: {name}"), 415, no_json, |event| {
            event["headers"]["content-type"] = value;
        });
    }
    table.command("a content type twice", 415, no_json, |event| {
        event["headers"]["Content-Type"] = json!("application/json");
    });
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"] {
        let words = if method == "HEAD" { "" } else { METHOD };
        table.command(&format!("the method {method}"), 405, words, |event| {
            event["requestContext"]["http"]["method"] = json!(method);
        });
    }
    let id = Door::new().story.proposal().id().to_string();
    for (path, status, words) in [
        ("/v1/proposals/x/requests".to_owned(), 400, NO_ID),
        ("/v1/proposals//requests".to_owned(), 400, NO_ID),
        (format!("/v1/proposals/{}/requests", &id[..8]), 400, NO_ID),
        (
            format!("/v1/proposals/{}/requests", id.to_uppercase()),
            400,
            NO_ID,
        ),
        (format!("/v1/proposals/{id}%00/requests"), 400, NO_ID),
        (
            format!("/v1/proposals/{}-9/requests", &id[..26]),
            404,
            "there is no such proposal",
        ),
        (format!("/v1/proposals/{id}"), 405, METHOD),
        ("/v1/proposals".to_owned(), 405, METHOD),
        (format!("/v1/proposals/{id}/requests/x"), 404, NOTHING),
        (format!("v1/proposals/{id}/requests"), 404, NOTHING),
        (format!("x/v1/proposals/{id}/requests"), 404, NOTHING),
        (format!("//v1/proposals/{id}/requests"), 404, NOTHING),
        (format!("/v1/Proposals/{id}/requests"), 404, NOTHING),
        ("/slack/interactions".to_owned(), 404, NOTHING),
        (format!("/proposals/{id}"), 404, NOTHING),
    ] {
        table.command(&format!("a POST to {path}"), status, words, |event| {
            event["rawPath"] = json!(path)
        });
    }
    table.command(
        "a text that says it is base64",
        400,
        "the body is not base64",
        |event| {
            event["isBase64Encoded"] = json!(true);
        },
    );
    table.command("bytes that are not UTF-8", 400, UNREAD, |event| {
        event["body"] = json!(data_encoding::BASE64.encode(b"{\"seen\":\"\xff\"}"));
        event["isBase64Encoded"] = json!(true);
    });
}

fn decisions(table: &mut Table) {
    for (name, story, words) in [
        (
            "was approved",
            Story::approved(breaks()),
            "It was approved by alice",
        ),
        (
            "was rejected",
            Story::rejected(breaks()),
            "It was rejected by alice",
        ),
        ("has expired", Story::expired(breaks()), "It expired at"),
        ("is executed", Story::executing(breaks()), "is being executed"),
        (
            "is watched",
            Story::scored(breaks(), Decision::Shadow),
            "It was only recorded",
        ),
        ("is reasoned about", Story::begins(), "It is being reasoned about"),
        ("is scored", Story::proposed(breaks()), STALE),
    ] {
        for ask in ["approve", "reject"] {
            let sent = asks(Door::with(story.clone()), BOB, &json!({ "ask": ask }));
            table.row(&format!("{ask} what {name}"), 409, words, sent);
        }
    }
    let mut late = approves(ALICE);
    late.door.clock.set(second(1801));
    table.row(
        "approve too late",
        409,
        "It is too late",
        std::mem::replace(&mut late, approves(ALICE)),
    );
    pause(&late.door);
    table.row("approve while paused", 409, "The agent is paused", late);
    table.row(
        "approve one's own change",
        409,
        "You requested or edited this proposal",
        asks(Door::with(narrowed()), ALICE, &json!({"ask": "approve"})),
    );
    table.row(
        "revoke what nobody approved",
        409,
        "There is no approval of yours",
        asks(Door::new(), ALICE, &json!({"ask": "revoke"})),
    );
    let because = json!({"ask": "undo", "reason": "because"});
    table.row(
        "undo a page",
        409,
        "cannot be taken back",
        asks(Door::with(Story::succeeded(pages())), ALICE, &because),
    );
    table.row(
        "undo what waits",
        409,
        "It waits for 1 approval",
        asks(Door::new(), ALICE, &because),
    );
    let wider = json!({"ask": "narrow", "to": {"duration_s": "301"}});
    table.row(
        "more of it",
        409,
        "Nothing was changed",
        asks(Door::new(), ALICE, &wider),
    );
    let nothing = json!({"ask": "narrow", "to": {}});
    table.row(
        "less of nothing",
        409,
        "Nothing was changed",
        asks(Door::new(), ALICE, &nothing),
    );
    let mut sent = approves(ALICE);
    let body = json!({"seen": Digest::of(b"another"), "request": {"ask": "approve"}});
    sent.event["body"] = json!(body.to_string());
    table.row("approve another digest", 409, STALE, sent);
    let mut sent = approves(ALICE);
    let other = also_waits(&sent.door);
    sent.event["rawPath"] = json!(format!("/v1/proposals/{}/requests", other.id()));
    table.row("approve another proposal with this digest", 409, STALE, sent);
}
