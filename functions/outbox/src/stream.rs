//! The event of a DynamoDB stream, as much of it as is used, and the answer that reports partial failure.
//!
//! Facts: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>.

use anyhow::{Context, anyhow, bail};
use domain::trail::refusal::is_of_refusals;
use domain::trail::{Seq, StreamId};
use domain::value::{BadId, ProposalId, shorten, visible};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A batch of stream records, in order.
///
/// Each record is read by itself: one that cannot be read is a failure of that record alone, whatever its shape, and is
/// named by its sequence number. It is so too where its stream is a proposal's: what is announced of that one is what
/// the table holds.
///
/// Only a record *without* a sequence number is an error of the whole batch, and so of the invocation: no answer could
/// name it, and one that leaves it out would say that it was announced. Lambda splits a batch whose invocation failed
/// (`BisectBatchOnFunctionError`) until that record is alone, and so the others are announced.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html>
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Batch {
    /// The records.
    #[serde(rename = "Records", default)]
    records: Vec<Item>,
}

/// One record: what names it, and what is not read yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
struct Item {
    sequence_number: String,
    event_name: Value,
    keys: Value,
    by: Value,
}

/// A record that somebody changed or removed. Nothing of the agent can, and time to live, which may, says who it is:
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html>.
pub(crate) struct Tampered<'b> {
    /// `MODIFY` or `REMOVE`.
    pub(crate) event: &'b str,
    /// The key of its stream on the trail, for people, as [`Part::stream`] is.
    pub(crate) stream: String,
    /// Its position, as far as it can be read.
    pub(crate) seq: Option<&'b str>,
}

/// What of a batch is announced, or fails, together: all that it brought of one proposal, or one record that cannot be
/// read.
pub(crate) struct Part<'b> {
    /// The sequence number of its first record in the batch.
    pub(crate) first: &'b str,
    /// The key of its stream on the trail, for people: it is text from outside, made visible and cut.
    pub(crate) stream: String,
    /// The records, or why there is none to be read.
    pub(crate) brought: anyhow::Result<Brought>,
}

impl Part<'_> {
    /// Whether it is about no proposal.
    pub(crate) fn is_notice(&self) -> bool {
        matches!(self.brought, Ok(Brought::Notice { .. }))
    }
}

/// What a part of a batch brought.
pub(crate) enum Brought {
    /// The records of one proposal.
    Proposal {
        proposal: ProposalId,
        positions: Vec<Seq>,
    },
    /// A record of what people are told that is about no proposal.
    Notice { stream: StreamId, seq: Seq },
}

impl Batch {
    /// What was done to records that nobody may do, in the batch's order.
    pub(crate) fn tampered(&self) -> impl Iterator<Item = Tampered<'_>> {
        self.records.iter().filter_map(|item| {
            let event = item.event_name.as_str()?;
            let tampered = event == "MODIFY" || (event == "REMOVE" && !item.is_by_time_to_live());
            tampered.then(|| Tampered {
                event,
                stream: item.stream(),
                seq: item.key("/seq/N"),
            })
        })
    }

    /// What there is to announce, in the order of the parts' first records. Removals and other streams are not
    /// announced, and no part of it.
    pub(crate) fn parts(&self) -> Vec<Part<'_>> {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for item in &self.records {
            let brought = match item.inserted() {
                Ok(None) => continue,
                Ok(Some((StreamId::Proposal(proposal), seq))) => {
                    let mut known = parts.iter_mut().filter_map(|part| match &mut part.brought {
                        Ok(Brought::Proposal { proposal, positions }) => Some((&*proposal, positions)),
                        Ok(Brought::Notice { .. }) | Err(_) => None,
                    });
                    if let Some((_, positions)) = known.find(|(known, _)| **known == proposal) {
                        positions.push(seq);
                        continue;
                    }
                    let positions = vec![seq];
                    Ok(Brought::Proposal { proposal, positions })
                }
                Ok(Some((stream, seq))) => Ok(Brought::Notice { stream, seq }),
                Err(problem) => Err(problem),
            };
            parts.push(Part {
                first: &item.sequence_number,
                stream: item.stream(),
                brought,
            });
        }
        parts
    }
}

impl TryFrom<Value> for Item {
    type Error = &'static str;

    fn try_from(mut item: Value) -> Result<Self, Self::Error> {
        let mut take = |pointer| item.pointer_mut(pointer).map(Value::take).unwrap_or_default();
        let number = take("/dynamodb/SequenceNumber");
        // Digits and nothing else: Lambda compares them, and an empty one would give the whole batch back.
        let number = number
            .as_str()
            .filter(|text| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()))
            .ok_or("a record has no sequence number, and nothing else names it")?;
        Ok(Self {
            sequence_number: number.to_owned(),
            event_name: take("/eventName"),
            keys: take("/dynamodb/Keys"),
            by: take("/userIdentity"),
        })
    }
}

impl Item {
    /// The record that was inserted, of a proposal or of an hour's refusals; `None` where it is none that is told.
    fn inserted(&self) -> anyhow::Result<Option<(StreamId, Seq)>> {
        match self.event_name.as_str() {
            Some("INSERT") => {}
            Some("MODIFY" | "REMOVE") => return Ok(None),
            _ => bail!("eventName is none of INSERT, MODIFY and REMOVE"),
        }
        let stream = self.key("/stream/S").context("the key has no stream")?;
        let stream: StreamId = stream.parse().map_err(|bad: BadId| anyhow!("the stream {bad}"))?;
        if !matches!(stream, StreamId::Proposal(_)) && !is_of_refusals(&stream) {
            return Ok(None);
        }
        let seq = self.key("/seq/N").context("the key has no position")?;
        let seq = seq.parse().context("the position is not a whole number")?;
        Ok(Some((stream, seq)))
    }

    fn is_by_time_to_live(&self) -> bool {
        self.by["type"] == "Service" && self.by["principalId"] == "dynamodb.amazonaws.com"
    }

    fn key(&self, pointer: &str) -> Option<&str> {
        self.keys.pointer(pointer)?.as_str()
    }

    /// The key of its stream, for people; all its keys where they have another shape.
    fn stream(&self) -> String {
        let stream = self.key("/stream/S").map(shorten);
        visible(&stream.unwrap_or_else(|| shorten(&self.keys.to_string())))
    }
}

/// The records that failed, by their sequence numbers: each that could not be read, and of a proposal that could not be
/// announced its first in the batch. Lambda takes the lowest as its checkpoint and delivers everything from there on
/// again, also what was announced beside it: that is known from its proposal's row in the view, and is not announced
/// again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failures {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    sequence_number: String,
}

impl Failures {
    /// Everything was announced.
    pub fn none() -> Self {
        Self { failures: Vec::new() }
    }

    /// This record is to be delivered again.
    pub(crate) fn add(&mut self, sequence_number: &str) {
        self.failures.push(Failure {
            sequence_number: sequence_number.to_owned(),
        });
    }

    /// Whether everything was announced.
    pub fn is_none(&self) -> bool {
        self.failures.is_empty()
    }
}
