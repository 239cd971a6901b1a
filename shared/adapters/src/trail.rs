//! The audit trail in DynamoDB.
//!
//! Records are inserted with PartiQL, which fails on a key that is taken and has an IAM action of its own:
//! `PutItem` would overwrite, and no policy can demand its condition.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html>

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::execute_statement::ExecuteStatementError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::ports::{Trail, TrailError, Unavailable};
use domain::trail::{Entry, MAX_BODY_BYTES, Record, Seq, StreamId, actor_text};
use domain::value::{Timestamp, WriterId};

use crate::aws;

const SERVICE: &str = "the trail";

/// Index of the trail by hour and shard: [`Record::hour`], then `at`; keys only.
pub const HOUR_INDEX: &str = "by_hour";

type Item = HashMap<String, AttributeValue>;

/// The trail table.
#[derive(Debug, Clone)]
pub struct DynamoTrail {
    client: Client,
    table: String,
}

impl DynamoTrail {
    /// The trail in a table.
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
        }
    }

    /// What lies at a position now, whoever wrote it.
    async fn at(&self, stream: &StreamId, seq: Seq) -> Result<Option<Record>, TrailError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("stream", text(stream))
            .key("seq", number(seq))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable)?;
        found.item.map(|item| read(&item)).transpose()
    }

    /// The records of a stream, strongly consistent.
    fn query(&self, stream: &StreamId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#stream = :stream")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":stream", text(stream))
            .consistent_read(true)
    }

    /// The keys filed under an hour and shard.
    async fn filed_under(&self, hour: &str) -> Result<Vec<Item>, TrailError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(HOUR_INDEX)
            .key_condition_expression("#hour = :hour")
            .expression_attribute_names("#hour", "hour")
            .expression_attribute_values(":hour", AttributeValue::S(hour.to_owned()))
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(page.map_err(unavailable)?.items.unwrap_or_default());
        }
        Ok(keys)
    }
}

#[async_trait]
impl Trail for DynamoTrail {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        let mut pages = self.query(stream).into_paginator().send();
        let mut records = Vec::new();
        while let Some(page) = pages.next().await {
            for item in page.map_err(unavailable)?.items() {
                records.push(read(item)?);
            }
        }
        Ok(records)
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        let page = self
            .query(stream)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(unavailable)?;
        page.items().first().map(read).transpose()
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        let mut pages = self
            .query(stream)
            .scan_index_forward(false)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .into_paginator()
            .send();
        let mut records = Vec::new();
        // A page ends at a megabyte, too.
        while records.len() < most
            && let Some(page) = pages.next().await
        {
            for item in page.map_err(unavailable)?.items() {
                records.push(read(item)?);
            }
        }
        records.truncate(most);
        Ok(records)
    }

    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        if entry.body.len() > MAX_BODY_BYTES {
            return Err(TrailError::TooLarge {
                kind: entry.kind,
                bytes: entry.body.len(),
                most: MAX_BODY_BYTES,
            });
        }
        // One token for all of the SDK's attempts: the statement is built once.
        let writer = WriterId::new(&uuid::Uuid::new_v4().to_string())
            .map_err(|err| Unavailable::new(SERVICE, format_args!("the writer's token {err}")))?;
        let record = entry.seal(writer);
        let (statement, parameters) = insert(&self.table, &record);
        let sent = self
            .client
            .execute_statement()
            .statement(statement)
            .set_parameters(Some(parameters))
            .send()
            .await;
        let Err(err) = sent else { return Ok(record) };

        // The position is taken, or it is not known what became of the attempts: an earlier one may have
        // committed and lost its reply. What lies there tells.
        let taken = is_duplicate(&err);
        let found = match self.at(&record.stream, record.seq).await {
            Ok(found) => found,
            Err(TrailError::Unavailable(_)) if !taken => return Err(unavailable(err)),
            Err(read_back) => return Err(read_back),
        };
        match found {
            Some(found) if found.writer == record.writer => Ok(found),
            Some(_) => Err(TrailError::Conflict {
                stream: record.stream,
                seq: record.seq,
            }),
            None => Err(unavailable(err)),
        }
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<StreamId>, TrailError> {
        let keys = self.filed_under(hour).await?;
        let streams: BTreeSet<StreamId> = keys.iter().filter_map(|key| stream_of(key, hour)).collect();
        Ok(streams.into_iter().collect())
    }

    async fn opened_in(&self, hour: &str) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        let keys = self.filed_under(hour).await?;
        let first = keys.iter().filter(|key| digits(key, "seq") == Some("1"));
        Ok(first
            .filter_map(|key| Some((stream_of(key, hour)?, string(key, "at")?.parse().ok()?)))
            .collect())
    }
}

/// The stream of an item of the index. One stray item must not stop the sweep of all the others.
fn stream_of(key: &Item, hour: &str) -> Option<StreamId> {
    let name = string(key, "stream").unwrap_or_default();
    match name.parse() {
        Ok(stream) => Some(stream),
        Err(err) => {
            tracing::error!(stream = name, hour, "the trail holds a stream that {err}");
            None
        }
    }
}

/// A record's attributes, in the order of the statement; absent ones are left out, never NULL.
fn attributes(record: &Record) -> Vec<(&'static str, AttributeValue)> {
    let optional = [
        ("prev", record.prev.map(text)),
        ("expires_at", record.expires_at.map(number)),
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
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    attributes
}

fn insert(table: &str, record: &Record) -> (String, Vec<AttributeValue>) {
    let (names, values): (Vec<&str>, Vec<AttributeValue>) = attributes(record).into_iter().unzip();
    let fields: Vec<String> = names.iter().map(|name| format!("'{name}':?")).collect();
    let statement = format!("INSERT INTO \"{table}\" VALUE {{{}}}", fields.join(", "));
    (statement, values)
}

/// A record from its item, or what is wrong with it.
fn read(item: &Item) -> Result<Record, TrailError> {
    let corrupt = |name: &str, problem: &dyn std::fmt::Display| {
        let stream = string(item, "stream").unwrap_or("?");
        let seq = digits(item, "seq").unwrap_or("?");
        TrailError::Corrupt(format!("record {seq} of {stream}: its `{name}` {problem}"))
    };
    let has =
        |name: &'static str| string(item, name).ok_or_else(|| corrupt(name, &"is missing or not a string"));
    let counts = |name: &'static str| {
        digits(item, name)
            .and_then(|digits| digits.parse::<u64>().ok())
            .ok_or_else(|| corrupt(name, &"is missing or not a whole number"))
    };
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
    })
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

fn string<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn digits<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_n().ok().map(String::as_str)
}

/// Whether the key is taken. DynamoDB says `DuplicateItemException`, DynamoDB Local `DuplicateItem`.
fn is_duplicate(err: &SdkError<ExecuteStatementError>) -> bool {
    err.as_service_error()
        .is_some_and(|err| err.is_duplicate_item_exception() || err.code() == Some("DuplicateItem"))
}

fn unavailable(err: impl std::error::Error) -> TrailError {
    Unavailable::new(SERVICE, aws::text(&err)).into()
}
