//! A record of the trail as an item of its table, and back.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::trail::{Author, Record, Signature, StreamId, actor_text};
use domain::value::WriterId;

/// What the table holds at one key.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A record's attributes, in the order of the statement; absent ones are left out, never NULL.
fn attributes(record: &Record) -> Vec<(&'static str, AttributeValue)> {
    let optional = [
        ("prev", record.prev.map(text)),
        ("expires_at", record.expires_at.map(number)),
        (
            "signature",
            record.signature.as_ref().map(|signature| text(&signature.value)),
        ),
        (
            "key",
            record.signature.as_ref().map(|signature| text(&signature.key)),
        ),
    ];
    let mut attributes = vec![
        ("stream", text(&record.stream)),
        ("seq", number(record.seq)),
        ("kind", text(&record.kind)),
        ("at", text(record.at)),
        ("actor", AttributeValue::S(actor_text(&record.actor))),
        ("body", text(&record.body)),
        ("digest", text(record.digest)),
        ("writer", text(&record.writer)),
        ("source", text(&record.source)),
        ("schema", number(record.schema)),
        ("hour", text(&record.hour)),
    ];
    attributes.extend(
        record
            .author
            .map(|author| (author.attribute(), AttributeValue::Bool(true))),
    );
    attributes.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    attributes
}

/// The statement that inserts a record, and its parameters.
pub(super) fn insert(table: &str, record: &Record) -> (String, Vec<AttributeValue>) {
    let (names, values): (Vec<&str>, Vec<AttributeValue>) = attributes(record).into_iter().unzip();
    let fields: Vec<String> = names.iter().map(|name| format!("'{name}':?")).collect();
    let statement = format!("INSERT INTO \"{table}\" VALUE {{{}}}", fields.join(", "));
    (statement, values)
}

/// A record from its item. What is no record is one that never holds: the others of its stream are read all the same. What
/// lies between two positions is at none, and only told.
pub(super) fn read(item: &Item) -> Option<Record> {
    let seq = digits(item, "seq").and_then(|seq| seq.parse().ok());
    // Its key was asked for by these: they can be read.
    let stream = string(item, "stream").and_then(|name| name.parse().ok());
    let stream = stream.unwrap_or(StreamId::Control);
    let Some(seq) = seq else {
        tracing::error!(
            alarm = "forged_record", trail.stream = %stream, trail.seq = digits(item, "seq"),
            problem = "lies between two positions: it counts for nothing", "a record of the trail does not hold"
        );
        return None;
    };
    Some(read_strictly(item).unwrap_or_else(|problem| {
        let digest = string(item, "digest").and_then(|digest| digest.parse().ok());
        Record::unreadable(stream, seq, digest, &problem)
    }))
}

/// A record from its item, or what is wrong with it.
fn read_strictly(item: &Item) -> Result<Record, String> {
    let corrupt = |name: &str, problem: &dyn fmt::Display| format!("its `{name}` {problem}");
    let has =
        |name: &'static str| string(item, name).ok_or_else(|| corrupt(name, &"is missing or not a string"));
    let counts = |name: &'static str| {
        digits(item, name)
            .and_then(|digits| digits.parse::<u64>().ok())
            .ok_or_else(|| corrupt(name, &"is missing or not a whole number"))
    };
    let mut authors = Author::ALL
        .into_iter()
        .filter(|author| item.contains_key(author.attribute()));
    let author = authors.next();
    if let Some(second) = authors.next() {
        return Err(corrupt(second.attribute(), &"is there beside another author's"));
    }
    Ok(Record {
        stream: has("stream")?.parse().map_err(|err| corrupt("stream", &err))?,
        seq: counts("seq")?,
        kind: has("kind")?.to_owned(),
        at: has("at")?.parse().map_err(|err| corrupt("at", &err))?,
        actor: serde_json::from_str(has("actor")?)
            .map_err(|err| corrupt("actor", &format_args!("is not an actor: {err}")))?,
        body: has("body")?.to_owned(),
        prev: match item.contains_key("prev") {
            true => Some(has("prev")?.parse().map_err(|err| corrupt("prev", &err))?),
            false => None,
        },
        digest: has("digest")?.parse().map_err(|err| corrupt("digest", &err))?,
        writer: WriterId::new(has("writer")?).map_err(|err| corrupt("writer", &err))?,
        source: has("source")?.to_owned(),
        schema: u32::try_from(counts("schema")?).map_err(|err| corrupt("schema", &err))?,
        hour: has("hour")?.to_owned(),
        expires_at: match item.contains_key("expires_at") {
            true => Some(counts("expires_at")?),
            false => None,
        },
        author,
        signature: match item.contains_key("signature") || item.contains_key("key") {
            true => Some(Signature {
                key: has("key")?.to_owned(),
                value: has("signature")?.to_owned(),
            }),
            false => None,
        },
    })
}

pub(super) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(super) fn number(value: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

pub(super) fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn digits<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_n().ok().map(String::as_str)
}
