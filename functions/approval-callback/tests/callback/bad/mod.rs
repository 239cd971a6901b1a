//! Bad requests, row by row: how each is made, what it is answered, and that nothing came of it.

mod commands;
mod people;
mod replays;
mod said;
mod senders;
mod shapes;
mod states;
mod transport;
mod values;

use domain::telling::Answered;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::sample::ALICE;
use testkit::story::second;

use crate::door::{Answer, Door, SECRET, interaction, shown};
use crate::hostile::{form, signed};

/// A request and the function that it comes to.
pub(crate) struct Sent {
    pub(crate) door: Door,
    pub(crate) event: Value,
}

/// One bad request.
pub(crate) struct Row {
    /// What is bad about it.
    pub(crate) name: String,
    /// How it is made.
    pub(crate) sent: Sent,
    /// The answer's status.
    pub(crate) status: u16,
    /// What is said, in the answer or to the person; nothing at all where it is empty.
    pub(crate) words: &'static str,
}

/// The rows of a table.
#[derive(Default)]
pub(crate) struct Table(pub(crate) Vec<Row>);

impl Table {
    fn row(&mut self, name: &str, status: u16, words: &'static str, sent: Sent) {
        let name = name.to_owned();
        self.0.push(Row {
            name,
            sent,
            status,
            words,
        });
    }

    /// A genuine click whose payload was changed before it was signed.
    fn payload(&mut self, name: &str, status: u16, words: &'static str, change: impl FnOnce(&mut Value)) {
        let sent = Sent::payload(change);
        self.row(name, status, words, sent);
    }

    /// A genuine click whose event was changed after it was signed.
    fn event(&mut self, name: &str, status: u16, words: &'static str, change: impl FnOnce(&mut Value)) {
        let sent = Sent::event(change);
        self.row(name, status, words, sent);
    }

    /// A body, signed as it is.
    fn body(&mut self, name: &str, status: u16, words: &'static str, body: &str) {
        let (door, event) = (Door::new(), interaction(&signed(body)));
        self.row(name, status, words, Sent { door, event });
    }

    /// The text of a payload, signed in its form.
    fn text(&mut self, name: &str, status: u16, words: &'static str, text: &str) {
        self.body(name, status, words, &form(text));
    }
}

impl Sent {
    /// Alice approves, at a function with one proposal that waits for her.
    pub(crate) fn click() -> Self {
        Self::to(Door::new(), ALICE, "approve")
    }

    /// Somebody clicks.
    pub(crate) fn to(door: Door, user: &str, action: &str) -> Self {
        let event = interaction(&door.signed(&door.payload(user, action)));
        Self { door, event }
    }

    fn payload(change: impl FnOnce(&mut Value)) -> Self {
        Self::payload_to(Door::new(), "approve", change)
    }

    fn payload_to(door: Door, action: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut payload = door.payload(ALICE, action);
        change(&mut payload);
        let event = interaction(&door.signed(&payload));
        Self { door, event }
    }

    fn event(change: impl FnOnce(&mut Value)) -> Self {
        let mut sent = Self::click();
        change(&mut sent.event);
        sent
    }
}

/// The second of the story in which requests are signed, since 1970.
pub(crate) fn stamp() -> i64 {
    second(50).as_seconds()
}

/// The signature over bytes that need not be text.
pub(crate) fn signature(stamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    for part in [b"v0:", stamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    format!(
        "v0={}",
        data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
    )
}

/// Bytes as Lambda delivers them where they are no text.
fn bytes(body: &[u8]) -> Sent {
    let mut sent = Sent::click();
    sent.event["body"] = json!(data_encoding::BASE64.encode(body));
    sent.event["isBase64Encoded"] = json!(true);
    sent.event["headers"]["x-slack-signature"] = json!(signature(&stamp().to_string(), body));
    sent
}

/// Whether a row is answered as it says, and nothing came of it.
fn judged(row: &Row, answer: &Answer, before: &str) -> Result<(), String> {
    let answered = serde_json::from_str::<Answered>(&answer.body);
    let told = answered.map_or_else(|_| answer.body.clone(), |answered| shown(&answered.told));
    let said = format!("{told}\n{}", row.sent.door.told().join("\n"));
    let expected = match row.words {
        "" => said.trim().is_empty(),
        words => said.contains(words),
    };
    let door = &row.sent.door;
    let quiet = door.trail.story() == before && door.opened().is_empty();
    match answer.status == row.status && expected && quiet {
        true => Ok(()),
        false => Err(format!(
            "{}: {} and not {}, {said:?} and not {:?}, quiet: {quiet}",
            row.name, answer.status, row.status, row.words
        )),
    }
}

/// Every row of a table, through the public door or the other one.
async fn all_are_refused(table: Table, at_least: usize, public: bool) {
    let mut wrong = Vec::new();
    let mut names: Vec<&String> = table.0.iter().map(|row| &row.name).collect();
    names.sort();
    let rows = names.len();
    names.dedup();
    assert_eq!(names.len(), rows, "each row is another one");
    assert!(rows >= at_least, "{rows} rows are too few");
    for row in &table.0 {
        let before = row.sent.door.trail.story();
        let answer = match public {
            true => row.sent.door.send(&row.sent.event).await,
            false => row.sent.door.command(&row.sent.event).await,
        };
        wrong.extend(judged(row, &answer, &before).err());
    }
    assert!(
        wrong.is_empty(),
        "{} of {rows}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn every_bad_request_through_the_public_door_is_refused_and_nothing_comes_of_it() {
    let mut table = Table::default();
    transport::signatures(&mut table);
    transport::requests(&mut table);
    shapes::forms(&mut table);
    shapes::json(&mut table);
    values::rows(&mut table);
    senders::rows(&mut table);
    people::rows(&mut table);
    replays::rows(&mut table);
    all_are_refused(table, 600, true).await;
}

#[tokio::test]
async fn every_bad_request_through_the_door_behind_iam_is_refused_and_nothing_comes_of_it() {
    let mut table = Table::default();
    commands::rows(&mut table);
    said::bodies(&mut table);
    said::fields(&mut table);
    all_are_refused(table, 130, false).await;
}

#[tokio::test]
async fn what_the_rows_are_made_of_is_taken_as_it_is() {
    let sent = Sent::click();
    assert_eq!(sent.door.send(&sent.event).await.status, 200);
    assert_eq!(sent.door.since(), ["approved"]);
    let sent = bytes(form(&Door::new().payload(ALICE, "approve").to_string()).as_bytes());
    assert_eq!(sent.door.send(&sent.event).await.status, 200);
    assert_eq!(sent.door.since(), ["approved"]);
}
