//! The audit trail in DynamoDB.
//!
//! Records are inserted with PartiQL, which fails on a key that is taken and has an IAM action of its own:
//! `PutItem` would overwrite, and no policy can demand its condition.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html>

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::execute_statement::ExecuteStatementError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::ports::{Signer, Trail, TrailError, Unavailable};
use domain::trail::author::signed_by;
use domain::trail::{Author, Entry, MAX_BODY_BYTES, NoKeys, Record, Seq, StreamId, Verifier};
use domain::value::{Timestamp, WriterId};

use crate::aws;
use crate::kms::PublicKeys;

use self::item::{Item, digits, insert, number, read, string, text};

mod item;

const SERVICE: &str = "the trail";

/// Index of the trail by hour and shard: [`Record::hour`], then `at`; keys only.
pub const HOUR_INDEX: &str = "by_hour";

/// About as many records as a proposal has in the hour in which it is opened: so much of the index is read at once for one.
const RECORDS_OF_ONE: usize = 8;

/// Keys of the index in one answer where all of an hour are wanted, some 250 KB: a megabyte from each of sixteen partitions that
/// are read side by side is more than comes within the time of a call.
const KEYS_AT_ONCE: i32 = 2_000;

/// The last position that a stream has: no stream ever comes near it.
const LAST_SEQ: u64 = 1 << 53;

/// The trail table.
#[derive(Clone)]
pub struct DynamoTrail {
    client: Client,
    table: String,
    author: Option<Author>,
    signer: Option<Arc<dyn Signer>>,
    keys: Keys,
}

/// What signatures are checked with.
#[derive(Clone)]
enum Keys {
    /// Asked for when they are needed.
    InKms(Arc<PublicKeys>),
    /// Known, or known not to be.
    Fixed(Arc<dyn Verifier>),
}

impl fmt::Debug for DynamoTrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoTrail")
            .field("table", &self.table)
            .field("author", &self.author)
            .finish_non_exhaustive()
    }
}

impl DynamoTrail {
    /// The trail in a table: to read, where no signature has to be known to be good. Who writes says so with
    /// [`DynamoTrail::written_by`].
    pub fn new(config: &SdkConfig, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            table: table.into(),
            author: None,
            signer: None,
            keys: Keys::Fixed(Arc::new(NoKeys)),
        }
    }

    /// Whatever is appended is appended as this part of the agent. Where nobody is named, records are written as their
    /// kind's usual author, which IAM takes from that one alone.
    pub fn written_by(self, author: Author) -> Self {
        Self {
            author: Some(author),
            ..self
        }
    }

    /// What needs a signature is signed with this key.
    pub fn signed_with(self, signer: Arc<dyn Signer>) -> Self {
        Self {
            signer: Some(signer),
            ..self
        }
    }

    /// Signatures are checked with these keys.
    pub fn trusting(self, keys: Arc<dyn Verifier>) -> Self {
        Self {
            keys: Keys::Fixed(keys),
            ..self
        }
    }

    /// Signatures are checked with keys from KMS.
    pub fn trusting_kms(self, keys: Arc<PublicKeys>) -> Self {
        Self {
            keys: Keys::InKms(keys),
            ..self
        }
    }

    async fn keys_known(&self) {
        match &self.keys {
            Keys::InKms(keys) => keys.ready().await,
            Keys::Fixed(_) => {}
        }
    }

    /// The record of an entry, signed where it has to be.
    async fn seal(&self, entry: Entry) -> Result<Record, TrailError> {
        // One token for all of the SDK's attempts: the statement is built once, and so is the signature.
        let writer = WriterId::new(&uuid::Uuid::new_v4().to_string())
            .map_err(|err| Unavailable::new(SERVICE, format_args!("the writer's token {err}")))?;
        let entry = match self.author {
            Some(author) => entry.by(author),
            None => entry,
        };
        let mut record = entry.seal(writer);
        let Some(by) = signed_by(&record.stream, &record.kind) else {
            return Ok(record);
        };
        let unsigned = |problem: String| TrailError::Unsigned {
            kind: record.kind.clone(),
            problem,
        };
        let Some(signer) = &self.signer else {
            return Err(unsigned("no key is here to sign with".to_owned()));
        };
        let signed = signer.sign(by, &record.digest).await;
        record.signature = Some(signed.map_err(|err| unsigned(err.to_string()))?);
        Ok(record)
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
        Ok(found.item.and_then(|item| read(&item)))
    }

    /// The records of a stream, strongly consistent. What lies before the first position or behind the last is none, and
    /// would freeze the stream: it is not asked for.
    fn query(&self, stream: &StreamId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#stream = :stream AND seq BETWEEN :first AND :last")
            .expression_attribute_names("#stream", "stream")
            .expression_attribute_values(":stream", text(stream))
            .expression_attribute_values(":first", number(1_u64))
            .expression_attribute_values(":last", number(LAST_SEQ))
            .consistent_read(true)
    }

    /// The keys filed under an hour and shard.
    fn filed_under(&self, hour: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(HOUR_INDEX)
            .key_condition_expression("#hour = :hour")
            .expression_attribute_names("#hour", "hour")
            .expression_attribute_values(":hour", text(hour))
    }
}

#[async_trait]
impl Trail for DynamoTrail {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        self.keys_known().await;
        let mut pages = self.query(stream).into_paginator().send();
        let mut records = Vec::new();
        while let Some(page) = pages.next().await {
            records.extend(page.map_err(unavailable)?.items().iter().filter_map(read));
        }
        Ok(records)
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.keys_known().await;
        Ok(self.newest(stream, 1).await?.pop())
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.keys_known().await;
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
            records.extend(page.map_err(unavailable)?.items().iter().filter_map(read));
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
        let record = self.seal(entry).await?;
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

    fn keys(&self) -> &dyn Verifier {
        match &self.keys {
            Keys::InKms(keys) => keys.as_ref(),
            Keys::Fixed(keys) => keys.as_ref(),
        }
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        let mut pages = self.filed_under(hour).limit(KEYS_AT_ONCE).into_paginator().send();
        let mut streams = BTreeMap::new();
        while let Some(page) = pages.next().await {
            for key in page.map_err(unavailable)?.items() {
                let Some(stream) = stream_of(key, hour) else {
                    continue;
                };
                // What lies between two positions was forged, and is looked at whenever somebody looks.
                let seq: Seq = digits(key, "seq")
                    .and_then(|seq| seq.parse().ok())
                    .unwrap_or(Seq::MAX);
                let last = streams.entry(stream).or_insert(seq);
                *last = seq.max(*last);
            }
        }
        Ok(streams.into_iter().collect())
    }

    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        let query = self
            .filed_under(hour)
            .key_condition_expression("#hour = :hour AND #at >= :since")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":since", text(since))
            .scan_index_forward(false)
            // Where all are wanted, a page is as large as it may be.
            .set_limit(i32::try_from(most.saturating_mul(RECORDS_OF_ONE)).ok());
        let mut pages = query.into_paginator().send();
        let mut opened = Vec::new();
        while opened.len() < most
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(unavailable)?;
            let first = page.items().iter().filter(|key| digits(key, "seq") == Some("1"));
            opened.extend(
                first.filter_map(|key| Some((stream_of(key, hour)?, string(key, "at")?.parse().ok()?))),
            );
        }
        opened.truncate(most);
        Ok(opened)
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

/// Whether the key is taken. DynamoDB says `DuplicateItemException`, DynamoDB Local `DuplicateItem`.
fn is_duplicate(err: &SdkError<ExecuteStatementError>) -> bool {
    err.as_service_error()
        .is_some_and(|err| err.is_duplicate_item_exception() || err.code() == Some("DuplicateItem"))
}

fn unavailable<E: ProvideErrorMetadata + Error + 'static>(err: SdkError<E>) -> TrailError {
    Unavailable::new(SERVICE, aws::told(&err)).into()
}
