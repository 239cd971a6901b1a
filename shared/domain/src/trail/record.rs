//! Records: what one item of the trail is, its digest, and the chain of a stream.

mod tagged;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::tagged::Tagged;
use crate::trail::author::{Author, authors_of};
use crate::trail::{Seq, Signature, StreamId};
use crate::value::{Digest, OperatorId, Timestamp, WriterId};

/// The `source` attribute of every record.
pub const SOURCE: &str = "sre-agent";

/// Version of the record format described here.
pub const SCHEMA: u32 = 2;

/// The format of before records had authors and signatures: read, told and exported, and nothing starts from it.
pub const UNSIGNED_SCHEMA: u32 = 1;

/// The kind under which an item is shown that is not a record.
pub const UNREADABLE: &str = "unreadable";

/// The longest body, in bytes of JSON text. Larger event payloads go to the payload bucket.
pub const MAX_BODY_BYTES: usize = 32 * 1024;

/// Shards of the `by_hour` index: an hour's records spread over this many partitions.
pub const HOUR_SHARDS: u8 = 4;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// The agent: it reasoned, scored or acted.
    Agent,
    /// The platform around it: deadlines, leases, deployments.
    System,
    /// A person of the operator directory.
    Operator {
        /// Id in the company's directory.
        id: OperatorId,
        /// Name at that time.
        name: String,
        /// Where the decision was made: `slack`, `console`, `cli`, …
        channel: String,
    },
}

impl Actor {
    /// The operator's id, if it is one.
    pub fn operator(&self) -> Option<&OperatorId> {
        match self {
            Actor::Operator { id, .. } => Some(id),
            Actor::Agent | Actor::System => None,
        }
    }
}

/// What happened, with its typed body. Implemented by one enum per sort of stream, serialised as
/// `{"kind": …, "body": …}`.
pub trait Fact: Serialize + DeserializeOwned {
    /// The record's `kind`.
    fn kind(&self) -> &'static str;

    /// The body as JSON text, as it will be stored.
    fn body(&self) -> String {
        // Facts are plain data with string keys: serialising them cannot fail.
        let tagged = serde_json::to_string(self).unwrap_or_default();
        let head = format!("{{\"kind\":\"{}\",\"body\":", self.kind());
        let body = tagged.strip_prefix(&head).and_then(|rest| rest.strip_suffix('}'));
        body.unwrap_or("{}").to_owned()
    }

    /// The fact of a stored record.
    fn read(record: &Record) -> Result<Self, BadBody> {
        let mut body = serde_json::Deserializer::from_str(&record.body);
        let tagged = Tagged::new(&record.kind, &mut body);
        Self::deserialize(tagged)
            .and_then(|fact| body.end().map(|()| fact))
            .map_err(|problem| BadBody {
                stream: record.stream.clone(),
                seq: record.seq,
                kind: record.kind.clone(),
                problem: problem.to_string(),
            })
    }
}

/// A record's kind or body is not one this version knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} of {stream} ({kind}) cannot be read: {problem}")]
pub struct BadBody {
    /// Its stream.
    pub stream: StreamId,
    /// Its position.
    pub seq: Seq,
    /// Its kind.
    pub kind: String,
    /// What is wrong.
    pub problem: String,
}

/// A record about to be written: all but the writer's token and the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The stream it extends.
    pub stream: StreamId,
    /// The position it takes.
    pub seq: Seq,
    /// Digest of the record before it; `None` for the first.
    pub prev: Option<Digest>,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub kind: String,
    /// The fact's JSON text.
    pub body: String,
    /// When the stream's records may be removed, in seconds since 1970; on streams that expire.
    pub expires_at: Option<u64>,
    /// Which part of the agent writes it: the usual one for its kind, until whoever does says otherwise.
    pub author: Author,
}

impl Entry {
    /// The first record of a stream.
    pub fn first(
        stream: StreamId,
        at: Timestamp,
        actor: Actor,
        fact: &impl Fact,
        expires_at: Option<u64>,
    ) -> Self {
        let (kind, body) = (fact.kind().to_owned(), fact.body());
        Self {
            author: usual(&stream, &kind),
            stream,
            seq: 1,
            prev: None,
            at,
            actor,
            kind,
            body,
            expires_at,
        }
    }

    /// The record after `last`, of which it takes the expiry: one value for a whole stream. Its time is never before
    /// its predecessor's: a slow clock makes no illegal record.
    pub fn after(last: &Record, at: Timestamp, actor: Actor, fact: &impl Fact) -> Self {
        Self {
            author: usual(&last.stream, fact.kind()),
            stream: last.stream.clone(),
            seq: last.seq + 1,
            prev: Some(last.digest),
            at: at.max(last.at),
            actor,
            kind: fact.kind().to_owned(),
            body: fact.body(),
            expires_at: last.expires_at,
        }
    }

    /// The first record where there is none, else the one after the last. `expires_at` is for the first record of a
    /// stream that expires.
    pub fn next(
        stream: StreamId,
        last: Option<&Record>,
        at: Timestamp,
        actor: Actor,
        fact: &impl Fact,
        expires_at: Option<u64>,
    ) -> Self {
        match last {
            Some(last) => Self::after(last, at, actor, fact),
            None => Self::first(stream, at, actor, fact, expires_at),
        }
    }

    /// Written by this part of the agent.
    pub fn by(self, author: Author) -> Self {
        Self { author, ..self }
    }

    /// The record as it will be stored, but for its signature.
    pub fn seal(self, writer: WriterId) -> Record {
        let mut record = Record {
            hour: hour_key(&self.stream, self.at),
            stream: self.stream,
            seq: self.seq,
            kind: self.kind,
            at: self.at,
            actor: self.actor,
            body: self.body,
            prev: self.prev,
            digest: Digest::of(b""),
            writer,
            source: SOURCE.to_owned(),
            schema: SCHEMA,
            expires_at: self.expires_at,
            author: Some(self.author),
            signature: None,
        };
        record.digest = record.computed_digest();
        record
    }
}

/// The author that a kind of record usually has.
fn usual(stream: &StreamId, kind: &str) -> Author {
    // Of no kind of its stream: it does not hold, whoever writes it.
    authors_of(stream, kind)
        .first()
        .copied()
        .unwrap_or(Author::Ingest)
}

/// One item of the trail. It is inserted once and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Partition key.
    pub stream: StreamId,
    /// Sort key, from 1.
    pub seq: Seq,
    /// What happened.
    pub kind: String,
    /// When it happened; never before the record before it.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// JSON text, stored and hashed byte for byte.
    pub body: String,
    /// Digest of the stream's previous record.
    pub prev: Option<Digest>,
    /// Digest of this record: [`Record::computed_digest`].
    pub digest: Digest,
    /// Token of the append that wrote it.
    pub writer: WriterId,
    /// Always [`SOURCE`].
    pub source: String,
    /// Version of the format: [`SCHEMA`].
    pub schema: u32,
    /// UTC hour and shard, `2026-11-22T10/3`: the key of the `by_hour` index.
    pub hour: String,
    /// TTL in seconds since 1970.
    pub expires_at: Option<u64>,
    /// Which part of the agent wrote it; none before [`SCHEMA`] 2. Stored as an attribute of that part's own:
    /// [`Author::attribute`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// Over the digest, where its kind is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

impl Record {
    /// SHA-256 over every other attribute but the signature, in this order: `stream`, `seq`, `kind`, `at`, `actor`,
    /// `body`, `prev`, `writer`, `source`, `schema`, `hour`, `expires_at`, and from schema 2 on the name of the author's
    /// attribute, `by_…`.
    ///
    /// Each is preceded by its length in bytes (8 bytes, big-endian), and the whole by the text `sre-agent/record/` and
    /// the schema in the same way. Numbers are decimal, `actor` is its JSON text, an absent `prev` or `expires_at` is
    /// empty. `body` is taken as stored, never re-serialised.
    pub fn computed_digest(&self) -> Digest {
        let actor = actor_text(&self.actor);
        let mut fields = vec![
            self.stream.to_string(),
            self.seq.to_string(),
            self.kind.clone(),
            self.at.to_string(),
            actor,
            self.body.clone(),
            self.prev.map(|prev| prev.to_string()).unwrap_or_default(),
            self.writer.to_string(),
            self.source.clone(),
            self.schema.to_string(),
            self.hour.clone(),
            self.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        ];
        let domain = match self.schema {
            UNSIGNED_SCHEMA => "sre-agent/record/1",
            _ => {
                fields.push(self.author.map_or("", Author::attribute).to_owned());
                "sre-agent/record/2"
            }
        };
        Digest::of_fields(domain, fields.iter().map(String::as_bytes))
    }

    /// What lies at a position and cannot be read: it never holds, and a record may follow it all the same.
    pub fn unreadable(stream: StreamId, seq: Seq, digest: Option<Digest>, problem: &str) -> Self {
        let at = Timestamp::from_millis(0);
        Self {
            hour: hour_key(&stream, at),
            stream,
            seq,
            kind: UNREADABLE.to_owned(),
            at,
            actor: Actor::System,
            body: serde_json::Value::from(problem).to_string(),
            prev: None,
            digest: digest.unwrap_or_else(|| Digest::of(b"")),
            writer: WriterId::unknown(),
            source: String::new(),
            schema: 0,
            expires_at: None,
            author: None,
            signature: None,
        }
    }
}

/// The actor as it is stored and hashed.
pub fn actor_text(actor: &Actor) -> String {
    // Plain data with string keys: serialising it cannot fail.
    serde_json::to_string(actor).unwrap_or_default()
}

/// The `by_hour` partition of a record: its UTC hour and a shard that its stream chooses.
pub fn hour_key(stream: &StreamId, at: Timestamp) -> String {
    let shard = Digest::of(stream.to_string().as_bytes()).as_bytes()[0] % HOUR_SHARDS;
    format!("{}/{shard}", at.hour())
}

#[cfg(test)]
mod tests;
