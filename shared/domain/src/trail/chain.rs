//! Whether records hold: each by itself, one after the other, and under the keys of those who may decide.

use std::fmt;

use super::author::{Authority, authors_of, signed_by};
use super::record::{SCHEMA, SOURCE, UNREADABLE, UNSIGNED_SCHEMA, hour_key};
use super::{ControlFact, Fact as _, GuardFact, IncidentFact, Record, Seq, Signature, StreamId, TargetFact};
use crate::value::Digest;

/// How a stream's records do not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {seq} of {stream} {problem}")]
pub struct BrokenChain {
    /// The stream.
    pub stream: StreamId,
    /// The first record that does not hold.
    pub seq: Seq,
    /// Its kind, as it says itself.
    pub kind: String,
    /// Why, in words after "record N of S".
    pub problem: String,
}

impl BrokenChain {
    /// What is wrong with a record.
    pub fn of(record: &Record, problem: impl fmt::Display) -> Self {
        Self {
            stream: record.stream.clone(),
            seq: record.seq,
            kind: record.kind.clone(),
            problem: problem.to_string(),
        }
    }
}

/// The bytes that a key signs for a record: `sre-agent/decision/1`, the stack's name, the key's name and the record's
/// digest in lower-case hexadecimal, each preceded by its length in bytes (8 bytes, big-endian).
///
/// The digest covers stream, position, predecessor and writer, so that a signature is good at one place only.
pub fn signed_text(stack: &str, key: &str, digest: &Digest) -> Vec<u8> {
    let mut text = Vec::new();
    for field in ["sre-agent/decision/1", stack, key, &digest.to_string()] {
        text.extend_from_slice(&(field.len() as u64).to_be_bytes());
        text.extend_from_slice(field.as_bytes());
    }
    text
}

/// Why a signature is not known to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It is not good, and why, in words after "record N of S".
    Forged(String),
    /// It cannot be told now, and why: the keys are not known. No alarm, and nothing starts.
    Unknown(String),
}

/// The public keys, and what they say of a signature.
pub trait Verifier: Send + Sync {
    /// Whether the key of `by` signed this record.
    fn verify(&self, by: Authority, record: &Record, signature: &Signature) -> Result<(), Doubt>;
}

/// No keys at all: nothing can be told of any signature.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeys;

impl Verifier for NoKeys {
    fn verify(&self, _: Authority, _: &Record, _: &Signature) -> Result<(), Doubt> {
        Err(Doubt::Unknown("the public keys are not known here".to_owned()))
    }
}

/// What is wrong with a record by itself, its signature aside, in words after "record N of S".
pub fn problem_of(record: &Record) -> Option<String> {
    let fixed = |problem: &str| Some(problem.to_owned());
    if record.schema == 0 && record.kind == UNREADABLE {
        return Some(format!("is not a record: {}", record.body.trim_matches('"')));
    }
    if record.source != SOURCE || ![UNSIGNED_SCHEMA, SCHEMA].contains(&record.schema) {
        return fixed("has an unknown source or record format");
    }
    if record.computed_digest() != record.digest {
        return fixed("does not match its digest: it was changed after it was written");
    }
    if record.hour != hour_key(&record.stream, record.at) {
        return fixed("is filed under another hour than its own");
    }
    match record.author {
        None if record.schema == UNSIGNED_SCHEMA && record.signature.is_none() => None,
        None if record.schema == UNSIGNED_SCHEMA => fixed("has a signature, which its format does not know"),
        Some(_) if record.schema == UNSIGNED_SCHEMA => fixed("has an author, which its format does not know"),
        None => fixed("does not say which part of the agent wrote it"),
        Some(author) => match authors_of(&record.stream, &record.kind) {
            [] => Some(format!(
                "is a {:?}, which its stream does not know",
                shown(&record.kind)
            )),
            authors if authors.contains(&author) => unlike_its_stream(record),
            _ => Some(format!(
                "was written by {author}, which may not say {}",
                record.kind
            )),
        },
    }
}

/// What a record of a stream that never ends says or lacks that none of it does. Of a proposal's, its life tells.
fn unlike_its_stream(record: &Record) -> Option<String> {
    if record.expires_at.is_some() && !record.stream.expires() {
        return Some("would expire, and its stream never ends".to_owned());
    }
    let read = match record.stream {
        StreamId::Control => ControlFact::read(record).map(drop),
        StreamId::Guard => GuardFact::read(record).map(drop),
        StreamId::Target(_) => TargetFact::read(record).map(drop),
        StreamId::Incident(_) => IncidentFact::read(record).map(drop),
        StreamId::Proposal(_) | StreamId::Limit { .. } => Ok(()),
    };
    read.err().map(|bad| format!("cannot be read: {}", bad.problem))
}

fn shown(kind: &str) -> String {
    crate::value::shorten(kind)
}

/// What is wrong with a record after another, or as the first, in words after "record N of S". `before` is whatever lies
/// there, `format` the newest format so far and `expires_at` the stream's.
fn misplaced(before: Option<&Record>, record: &Record) -> Option<&'static str> {
    let expected = before.map_or(1, |before| before.seq + 1);
    if before.is_some_and(|before| before.stream != record.stream) {
        Some("belongs to another stream")
    } else if record.seq != expected {
        Some("is not the next one: a record is missing or out of order")
    } else {
        None
    }
}

/// The records of a stream, each asked whether it holds after those before it.
#[derive(Debug, Default)]
pub struct Chain<'a> {
    /// Whatever lies before the next one.
    before: Option<&'a Record>,
    /// The last that held.
    held: Option<&'a Record>,
}

impl<'a> Chain<'a> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next record of the stream, whether it holds or not. What does not hold is still what the next one must name.
    pub fn next(&mut self, record: &'a Record) -> Result<(), BrokenChain> {
        let problem = self.problem(record);
        self.before = Some(record);
        match problem {
            Some(problem) => Err(BrokenChain::of(record, problem)),
            None => {
                self.held = Some(record);
                Ok(())
            }
        }
    }

    fn problem(&self, record: &Record) -> Option<String> {
        if let Some(problem) = misplaced(self.before, record) {
            return Some(problem.to_owned());
        }
        if let Some(problem) = problem_of(record) {
            return Some(problem);
        }
        let problem = if record.prev != self.before.map(|before| before.digest) {
            "does not follow the record before it: its `prev` names another"
        } else if self.held.is_some_and(|held| held.expires_at != record.expires_at) {
            "expires at another time than its stream"
        } else if self.held.is_some_and(|held| held.schema > record.schema) {
            "is of an older format than the record before it"
        } else {
            return None;
        };
        Some(problem.to_owned())
    }
}

/// Whether a record is signed where its kind must be, by the key that must have. One of the format that knew no
/// signatures is not asked for one: nothing starts from it.
pub fn verify_signature(record: &Record, keys: &dyn Verifier) -> Result<(), Doubt> {
    let signs = signed_by(&record.stream, &record.kind).filter(|_| record.schema != UNSIGNED_SCHEMA);
    match (signs, &record.signature) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Doubt::Forged("is not signed".to_owned())),
        (Some(by), Some(signature)) => keys.verify(by, record, signature),
    }
}

/// Checks that the records are a stream from its first on: positions 1, 2, 3…, each digest right, each naming the one
/// before and written by who may, one expiry. Names the first record that does not fit. Signatures are not asked for.
pub fn verify_chain(records: &[Record]) -> Result<(), BrokenChain> {
    let mut chain = Chain::new();
    records.iter().try_for_each(|record| chain.next(record))
}
