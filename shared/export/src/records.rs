//! One row a record: everything that the trail has of it, and whether it holds.

use domain::trail::Actor;
use domain::trail::Record;

use crate::Column;
use crate::cell::Cell;

/// A record, and whether it holds.
#[derive(Debug, Clone)]
pub struct Told {
    /// The record.
    pub record: Record,
    /// `yes`, `set aside`, or `no` or `unknown` with the reason.
    pub holds: String,
}

fn person(told: &Told) -> Option<(String, &str, &str)> {
    match &told.record.actor {
        Actor::Operator { id, name, channel } => Some((id.to_string(), name, channel)),
        Actor::Agent | Actor::System => None,
    }
}

/// What stands in a record's row.
pub const COLUMNS: [Column<Told>; 20] = [
    Column::new("stream", "the stream it belongs to", |told| {
        Cell::text(Some(&told.record.stream))
    }),
    Column::new("seq", "its position in there, from 1", |told| {
        Cell::Number(told.record.seq)
    }),
    Column::new("kind", "what happened", |told| {
        Cell::text(Some(&told.record.kind))
    }),
    Column::new("at", "when, UTC", |told| Cell::text(Some(told.record.at))),
    Column::new("actor", "who did it: `agent`, `system` or `operator`", |told| {
        Cell::text(Some(match told.record.actor {
            Actor::Agent => "agent",
            Actor::System => "system",
            Actor::Operator { .. } => "operator",
        }))
    }),
    Column::new("operator", "the person's id in the company's directory", |told| {
        Cell::text(person(told).map(|one| one.0))
    }),
    Column::new("operator_name", "their name at that time", |told| {
        Cell::text(person(told).map(|one| one.1))
    }),
    Column::new("channel", "where they did it: `slack`, `cli`", |told| {
        Cell::text(person(told).map(|one| one.2))
    }),
    Column::new("author", "which part of the agent wrote it", |told| {
        Cell::text(told.record.author)
    }),
    Column::new("source", "always `sre-agent`", |told| {
        Cell::text(Some(&told.record.source))
    }),
    Column::new("schema", "the version of the record's format", |told| {
        Cell::Number(told.record.schema.into())
    }),
    Column::new(
        "body",
        "what happened in full, JSON byte for byte as stored and hashed",
        |told| Cell::text(Some(&told.record.body)),
    ),
    Column::new("prev", "the digest of the record before it", |told| {
        Cell::text(told.record.prev)
    }),
    Column::new("digest", "its own digest", |told| {
        Cell::text(Some(told.record.digest))
    }),
    Column::new("writer", "the token of the append that wrote it", |told| {
        Cell::text(Some(&told.record.writer))
    }),
    Column::new("hour", "the hour and shard under which it is filed", |told| {
        Cell::text(Some(&told.record.hour))
    }),
    Column::new(
        "expires_at",
        "when it may be removed, seconds since 1970",
        |told| told.record.expires_at.map_or(Cell::Empty, Cell::Number),
    ),
    Column::new(
        "signature_key",
        "the key that signed it, where its kind is signed",
        |told| Cell::text(told.record.signature.as_ref().map(|signature| &signature.key)),
    ),
    Column::new("signature", "the signature over its digest, base64", |told| {
        Cell::text(told.record.signature.as_ref().map(|signature| &signature.value))
    }),
    Column::new(
        "holds",
        "`yes`, `set aside`, or `no` or `unknown` with the reason",
        |told| Cell::text(Some(&told.holds)),
    ),
];

/// A record's row.
pub fn row(told: &Told) -> Vec<Cell> {
    COLUMNS.iter().map(|column| (column.of)(told)).collect()
}
