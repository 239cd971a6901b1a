//! The event of a DynamoDB stream, as much of it as is used, and the answer that reports partial failure.
//!
//! Facts: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>.

use anyhow::Context;
use domain::trail::{Seq, StreamId};
use domain::value::ProposalId;
use serde::{Deserialize, Serialize};

/// A batch of stream records, in order.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Batch {
    /// The records.
    #[serde(rename = "Records", default)]
    records: Vec<Item>,
}

#[derive(Debug, Clone, Deserialize)]
struct Item {
    #[serde(rename = "eventName", default)]
    event_name: String,
    dynamodb: Change,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    keys: Keys,
}

#[derive(Debug, Clone, Deserialize)]
struct Keys {
    stream: Text,
    seq: Number,
}

#[derive(Debug, Clone, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    value: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Number {
    #[serde(rename = "N")]
    value: String,
}

impl Batch {
    /// The stream's sequence number of the first record.
    pub(crate) fn first(&self) -> Option<&str> {
        self.records
            .first()
            .map(|item| item.dynamodb.sequence_number.as_str())
    }

    /// The proposal records that were inserted. Removals and other streams are not announced.
    pub(crate) fn inserted(&self) -> anyhow::Result<Vec<(ProposalId, Seq)>> {
        let mut inserted = Vec::new();
        for item in self.records.iter().filter(|item| item.event_name == "INSERT") {
            let Keys { stream, seq } = &item.dynamodb.keys;
            let stream: StreamId = stream
                .value
                .parse()
                .with_context(|| format!("the stream \"{}\"", stream.value))?;
            if let StreamId::Proposal(id) = stream {
                let seq = seq
                    .value
                    .parse()
                    .with_context(|| format!("the position \"{}\" of {id}", seq.value))?;
                inserted.push((id, seq));
            }
        }
        Ok(inserted)
    }
}

/// The records to be delivered again: from the first of these on.
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

    /// Everything from this sequence number on is to be delivered again.
    pub fn from(sequence_number: &str) -> Self {
        Self {
            failures: vec![Failure {
                sequence_number: sequence_number.to_owned(),
            }],
        }
    }

    /// Whether everything was announced.
    pub fn is_none(&self) -> bool {
        self.failures.is_empty()
    }
}
