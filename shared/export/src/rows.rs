//! The rows of a span of time, hour by hour as the trail's index has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ports::{Trail, TrailError};
use domain::trail::chain::{Chain, verify_signature};
use domain::trail::{BrokenChain, Doubt, HOUR_SHARDS, Record, Seq, StreamId, Verifier};
use domain::value::Timestamp;
use futures::future::try_join_all;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use trail::verify::Judge;

use crate::Filter;
use crate::cell::Cell;
use crate::kept::Kept;
use crate::proposals::{self, Case};
use crate::records::{self, Told};

/// Hours of the index that are read at once, each of [`HOUR_SHARDS`] partitions.
const HOURS_AT_ONCE: usize = 16;

/// Streams that are read at once.
const STREAMS_AT_ONCE: usize = 32;

/// Of what there is one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Of each proposal that was opened in the time.
    Proposals,
    /// Of each record that was written in it, of every stream.
    Records,
}

impl Table {
    /// The names of its columns.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Table::Proposals => proposals::COLUMNS.iter().map(|column| column.name).collect(),
            Table::Records => records::COLUMNS.iter().map(|column| column.name).collect(),
        }
    }
}

/// What comes while the trail is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This UTC hour is begun, `2026-11-22T10`; all before it were read.
    Hour(String),
    /// A stream with something in that hour was read, of so many records.
    Read(usize),
    /// A row.
    Row(Vec<Cell>),
    /// Something of a stream in this time does not hold, whether the filter takes it or not. It may come more than once.
    Fault(String),
}

/// The rows that a filter takes: proposals by the time they were opened, records by hour, and within one by stream and
/// position. What is appended meanwhile may be among them.
///
/// Which streams there are is read from an index that follows the trail within a second or so. An error ends it: what came
/// until then is not complete.
pub async fn rows<'a>(
    trail: &'a dyn Trail,
    table: Table,
    filter: &'a Filter,
) -> Result<impl Stream<Item = Result<Found, TrailError>> + 'a, TrailError> {
    let control = trail.load(&StreamId::Control).await?;
    let mut judge = Judge::new(trail.keys());
    let broken = judge.passed_over(&control).err();
    let broken = stream::iter(broken.map(|fault| Ok(Found::Fault(fault.to_string()))));
    let reader = Arc::new(Reader {
        trail,
        table,
        filter,
        judge,
        kept: Kept::default(),
    });
    let hours = stream::iter(filter.window.hours());
    let indexed = hours
        .map({
            let reader = Arc::clone(&reader);
            move |hour| Arc::clone(&reader).streams_of(hour)
        })
        .buffered(HOURS_AT_ONCE);
    let to_read = indexed.flat_map(|hour| {
        stream::iter(match hour {
            Ok((hour, streams)) => {
                let streams = streams.into_iter().map({
                    let hour = hour.clone();
                    move |stream| Ok((hour.clone(), Some(stream)))
                });
                std::iter::once(Ok((hour, None))).chain(streams).collect()
            }
            Err(err) => vec![Err(err)],
        })
    });
    let found = to_read
        .map(move |to_read| Arc::clone(&reader).found(to_read))
        .buffered(STREAMS_AT_ONCE)
        .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
        .try_flatten();
    Ok(broken.chain(found))
}

struct Reader<'a> {
    trail: &'a dyn Trail,
    table: Table,
    filter: &'a Filter,
    judge: Judge<'a>,
    /// The streams that never end.
    kept: Kept,
}

impl Reader<'_> {
    /// The streams of an hour of which there may be rows, in their order.
    async fn streams_of(self: Arc<Self>, hour: String) -> Result<(String, Vec<StreamId>), TrailError> {
        let partitions: Vec<String> = (0..HOUR_SHARDS).map(|shard| format!("{hour}/{shard}")).collect();
        let streams = match self.table {
            Table::Records => {
                let reads = partitions
                    .iter()
                    .map(|partition| self.trail.streams_of(partition));
                let found: BTreeSet<StreamId> = try_join_all(reads)
                    .await?
                    .into_iter()
                    .flatten()
                    .map(|(stream, _)| stream)
                    .collect();
                found.into_iter().collect()
            }
            Table::Proposals => {
                let since = self.filter.window.since;
                let reads = partitions
                    .iter()
                    .map(|partition| self.trail.opened_in(partition, since, usize::MAX));
                let found = try_join_all(reads).await?.into_iter().flatten();
                let mut opened: Vec<(Timestamp, StreamId)> = found
                    .filter(|(stream, _)| matches!(stream, StreamId::Proposal(_)))
                    .map(|(stream, at)| (at, stream))
                    .collect();
                opened.sort_unstable();
                opened.into_iter().map(|(_, stream)| stream).collect()
            }
        };
        Ok((hour, streams))
    }

    /// What there is in an hour of one stream.
    async fn found(
        self: Arc<Self>,
        to_read: Result<(String, Option<StreamId>), TrailError>,
    ) -> Result<Vec<Found>, TrailError> {
        let (hour, stream) = match to_read? {
            (hour, None) => return Ok(vec![Found::Hour(hour)]),
            (hour, Some(stream)) => (hour, stream),
        };
        let (keys, aside) = (self.trail.keys(), self.judge.aside_of(&stream));
        if !stream.expires() {
            let mut found = Vec::new();
            let of_hour = |kept: &[Told]| kept.iter().any(|told| is_of(&hour, &told.record));
            let read = async {
                let records = self.trail.load(&stream).await?;
                found.push(Found::Read(records.len()));
                Ok(told(records, keys, &aside))
            };
            // What was appended after it was read is not in it: an hour of which nothing is kept is read again.
            let all = self.kept.get(&stream, of_hour, read).await?;
            self.collect(&hour, &stream, &all, &mut found);
            return Ok(found);
        }
        let records = self.trail.load(&stream).await?;
        let mut found = vec![Found::Read(records.len())];
        if !matches!(stream, StreamId::Proposal(_)) {
            self.collect(&hour, &stream, &told(records, keys, &aside), &mut found);
            return Ok(found);
        }
        let Some(case) = Case::of(records, keys, &aside) else {
            return Ok(found);
        };
        found.extend(case.fault().map(|fault| Found::Fault(fault.to_owned())));
        match self.table {
            Table::Proposals if self.filter.takes(&case) => found.push(Found::Row(proposals::row(&case))),
            Table::Proposals => {}
            Table::Records => {
                let wanted = case
                    .records()
                    .iter()
                    .filter(|record| is_of(&hour, record) && self.filter.takes_record(record, Some(&case)));
                found.extend(wanted.map(|record| {
                    Found::Row(records::row(&Told {
                        record: record.clone(),
                        holds: case.holds(record),
                    }))
                }));
            }
        }
        Ok(found)
    }

    /// The rows of an hour of a stream that is no proposal's, and what of it does not hold.
    fn collect(&self, hour: &str, stream: &StreamId, all: &[Told], found: &mut Vec<Found>) {
        for told in all {
            // One of `control` that does not hold may be overruled by a later one; that was asked at the beginning.
            if let Some(fault) = told.holds.strip_prefix("no: ")
                && *stream != StreamId::Control
            {
                found.push(Found::Fault(fault.to_owned()));
            }
            if is_of(hour, &told.record) && self.filter.takes_record(&told.record, None) {
                found.push(Found::Row(records::row(told)));
            }
        }
    }
}

/// Whether a record is filed under an hour: so that it is found once.
fn is_of(hour: &str, record: &Record) -> bool {
    let filed = record.hour.split_once('/');
    filed.is_some_and(|(filed, _)| filed == hour)
}

/// Each record of a stream that is no proposal's, and whether it holds.
fn told(records: Vec<Record>, keys: &dyn Verifier, aside: &[Seq]) -> Vec<Told> {
    let mut chain = Chain::new();
    let held: Vec<String> = records
        .iter()
        .map(
            |record| match chain.next(record).map(|()| verify_signature(record, keys)) {
                Ok(Ok(())) => "yes".to_owned(),
                Ok(Err(Doubt::Unknown(because))) => format!("unknown: {because}"),
                Ok(Err(Doubt::Forged(_))) | Err(_) if aside.contains(&record.seq) => "set aside".to_owned(),
                Ok(Err(Doubt::Forged(problem))) => format!("no: {}", BrokenChain::of(record, problem)),
                Err(broken) => format!("no: {broken}"),
            },
        )
        .collect();
    let told = records.into_iter().zip(held);
    told.map(|(record, holds)| Told { record, holds }).collect()
}

#[cfg(test)]
mod tests;
