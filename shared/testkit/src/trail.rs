//! A trail in memory, as strict as the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::ports::{Signer as _, Trail, TrailError};
use domain::trail::author::signed_by;
use domain::trail::{Actor, Entry, MAX_BODY_BYTES, Record, Seq, StreamId, Verifier};
use domain::value::{Digest, Timestamp, WriterId};

use crate::keys::{self, TestKeyring, TestKeys};
use crate::outages::Outages;

type Hook = Box<dyn FnOnce(&MemoryTrail) + Send>;

/// A trail in memory. It refuses a taken position and a body that is too large, as the table does, and one
/// thing more: a position that leaves a gap, which is always a mistake of the caller.
///
/// Writers are `w1`, `w2`, … so that digests are the same in every run. What an author has the key for is signed with it.
#[derive(Default)]
pub struct MemoryTrail {
    /// When calls fail. A lost reply of an append is `Unavailable` with the record in place.
    pub outages: Outages,
    /// What signs; it may be out of reach.
    pub signing: TestKeys,
    /// What signatures are checked with.
    pub keyring: TestKeyring,
    /// Partitions of the index that do not answer.
    hidden: Mutex<Vec<String>>,
    streams: Mutex<BTreeMap<StreamId, Vec<Record>>>,
    written: Mutex<Vec<(StreamId, u64)>>,
    writers: AtomicU64,
    rival: Mutex<Option<Hook>>,
}

impl MemoryTrail {
    /// An empty trail.
    pub fn new() -> Self {
        Self::default()
    }

    /// A trail with the same records, which goes its own way from here.
    pub fn fork(&self) -> Self {
        Self {
            streams: Mutex::new(self.streams.lock().unwrap().clone()),
            written: Mutex::new(self.written.lock().unwrap().clone()),
            writers: AtomicU64::new(self.writers.load(Ordering::SeqCst)),
            ..Self::default()
        }
    }

    /// Runs `rival` just before the next append: somebody else is quicker. It writes with
    /// [`MemoryTrail::insert`].
    pub fn before_next_append(&self, rival: impl FnOnce(&MemoryTrail) + Send + 'static) {
        *self.rival.lock().unwrap() = Some(Box::new(rival));
    }

    /// Appends without a port: no outage, no rival.
    pub fn insert(&self, entry: Entry) -> Result<Record, TrailError> {
        if entry.body.len() > MAX_BODY_BYTES {
            return Err(TrailError::TooLarge {
                kind: entry.kind,
                bytes: entry.body.len(),
                most: MAX_BODY_BYTES,
            });
        }
        let mut streams = self.streams.lock().unwrap();
        let records = streams.entry(entry.stream.clone()).or_default();
        let next = records.last().map_or(1, |last| last.seq + 1);
        assert!(
            entry.seq <= next,
            "an append to {} at {} leaves a gap: the next is {next}",
            entry.stream,
            entry.seq
        );
        if records.iter().any(|record| record.seq == entry.seq) {
            let (stream, seq) = (entry.stream, entry.seq);
            return Err(TrailError::Conflict { stream, seq });
        }
        let writer = self.writers.fetch_add(1, Ordering::SeqCst) + 1;
        let record = keys::sealed(entry, WriterId::new(&format!("w{writer}")).unwrap());
        records.push(record.clone());
        records.sort_by_key(|record| record.seq);
        self.written
            .lock()
            .unwrap()
            .push((record.stream.clone(), record.seq));
        Ok(record)
    }

    /// Puts a record in its place whatever is there: tampering.
    pub fn overwrite(&self, record: Record) {
        let mut streams = self.streams.lock().unwrap();
        let records = streams.entry(record.stream.clone()).or_default();
        let at = usize::try_from(record.seq).unwrap() - 1;
        records[at] = record;
    }

    /// Puts a record behind the last whatever it is: whoever may insert may insert anything.
    pub fn forge(&self, record: Record) {
        let place = (record.stream.clone(), record.seq);
        let mut streams = self.streams.lock().unwrap();
        let records = streams.entry(record.stream.clone()).or_default();
        assert_eq!(
            records.len() as u64 + 1,
            record.seq,
            "it is the next one of its stream"
        );
        records.push(record);
        self.written.lock().unwrap().push(place);
    }

    /// From now on a partition of the index does not answer.
    pub fn hide(&self, hour: impl Into<String>) {
        self.hidden.lock().unwrap().push(hour.into());
    }

    /// Removes a stream's records, as time to live does: at some time after they expired, one by one, in any order.
    pub fn expire(&self, stream: &StreamId, which: impl Fn(&Record) -> bool) {
        let mut streams = self.streams.lock().unwrap();
        if let Some(records) = streams.get_mut(stream) {
            records.retain(|record| !which(record));
            if records.is_empty() {
                streams.remove(stream);
            }
        }
    }

    /// Whether nothing is left of a stream, or its records have expired at a time, seconds since 1970.
    pub fn is_expired(&self, stream: &StreamId, now: u64) -> bool {
        let streams = self.streams.lock().unwrap();
        let over = |record: &Record| record.expires_at.is_some_and(|at| at <= now);
        streams.get(stream).is_none_or(|records| records.iter().any(over))
    }

    /// How many records there are of a stream, and the last one's digest.
    pub fn version(&self, stream: &StreamId) -> (usize, Option<Digest>) {
        let streams = self.streams.lock().unwrap();
        let records = streams.get(stream).map_or(&[][..], Vec::as_slice);
        (records.len(), records.last().map(|last| last.digest))
    }

    /// A stream's records.
    pub fn records(&self, stream: &StreamId) -> Vec<Record> {
        self.streams
            .lock()
            .unwrap()
            .get(stream)
            .cloned()
            .unwrap_or_default()
    }

    /// The streams, sorted.
    pub fn streams(&self) -> Vec<StreamId> {
        self.streams.lock().unwrap().keys().cloned().collect()
    }

    /// Every record that time to live has left, in the order of writing: what the table's stream would deliver.
    pub fn everything(&self) -> Vec<Record> {
        let written = self.written.lock().unwrap();
        let streams = self.streams.lock().unwrap();
        let record = |(stream, seq): &(StreamId, u64)| {
            let left = streams.get(stream)?;
            left.iter().find(|record| record.seq == *seq).cloned()
        };
        written.iter().filter_map(record).collect()
    }

    /// The records' kinds of one stream.
    pub fn kinds(&self, stream: &StreamId) -> Vec<String> {
        self.records(stream)
            .into_iter()
            .map(|record| record.kind)
            .collect()
    }

    /// The whole trail as a story, one line for each record in the order of writing, to be compared in
    /// tests: `proposal/…-1 2 declined by agent`.
    pub fn story(&self) -> String {
        let mut story = String::new();
        for record in self.everything() {
            let who = match &record.actor {
                Actor::Agent => "agent".to_owned(),
                Actor::System => "system".to_owned(),
                Actor::Operator { id, channel, .. } => format!("{id} ({channel})"),
            };
            writeln!(story, "{} {} {} by {who}", record.stream, record.seq, record.kind).unwrap();
        }
        story
    }
}

#[async_trait]
impl Trail for MemoryTrail {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        self.outages.before("the trail")?;
        Ok(self.records(stream))
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.outages.before("the trail")?;
        Ok(self.records(stream).pop())
    }

    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        self.outages.before("the trail")?;
        let rival = self.rival.lock().unwrap().take();
        if let Some(rival) = rival {
            rival(self);
        }
        if let Some(by) =
            signed_by(&entry.stream, &entry.kind).filter(|by| keys::key_of(entry.author) == Some(*by))
        {
            let signed = self.signing.sign(by, &Digest::of(b"whether it signs")).await;
            signed.map_err(|err| TrailError::Unsigned {
                kind: entry.kind.clone(),
                problem: err.to_string(),
            })?;
        }
        let record = self.insert(entry)?;
        self.outages.after("the trail")?;
        Ok(record)
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        self.outages.before("the trail")?;
        if self.hidden.lock().unwrap().iter().any(|hidden| hidden == hour) {
            return Err(
                domain::ports::Unavailable::new("the trail", "this part is down, as the test asked").into(),
            );
        }
        let streams = self.streams.lock().unwrap();
        let filed = streams.iter().filter_map(|(stream, records)| {
            let last = records.iter().rfind(|record| record.hour == hour)?;
            Some((stream.clone(), last.seq))
        });
        Ok(filed.collect())
    }

    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.outages.before("the trail")?;
        let streams = self.streams.lock().unwrap();
        let first = streams
            .iter()
            .filter_map(|(stream, records)| Some((stream, records.first()?)));
        let filed = first.filter(|(_, first)| first.hour == hour && first.at >= since);
        let mut opened: Vec<_> = filed.map(|(stream, first)| (stream.clone(), first.at)).collect();
        opened.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        opened.truncate(most);
        Ok(opened)
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.outages.before("the trail")?;
        Ok(self.records(stream).into_iter().rev().take(most).collect())
    }

    fn keys(&self) -> &dyn Verifier {
        &self.keyring
    }
}
