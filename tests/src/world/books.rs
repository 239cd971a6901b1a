//! The trail of a world: in memory, or the real adapter over a DynamoDB in this process.

use std::sync::Mutex;

use adapters::DynamoTrail;
use async_trait::async_trait;
use domain::ports::{Trail, TrailError};
use domain::trail::{Entry, Record, Seq, StreamId, Verifier};
use domain::value::{Digest, Timestamp};
use testkit::{Dynamo, MemoryTrail};

/// The trail, which remembers the order of its records as the table's stream does.
pub struct Books {
    kept: Kept,
    written: Mutex<Vec<(StreamId, Seq)>>,
}

enum Kept {
    Memory(MemoryTrail),
    Dynamo(
        DynamoTrail,
        #[expect(dead_code, reason = "it serves until it is dropped")] Box<Dynamo>,
    ),
}

impl Books {
    pub(super) fn memory() -> Self {
        Self {
            kept: Kept::Memory(MemoryTrail::new()),
            written: Mutex::default(),
        }
    }

    pub(super) async fn dynamo() -> Self {
        let dynamo = Dynamo::start().await;
        Self {
            kept: Kept::Dynamo(dynamo.trail(), Box::new(dynamo)),
            written: Mutex::default(),
        }
    }

    pub(super) fn fork(&self) -> Self {
        Self {
            kept: Kept::Memory(self.as_memory().fork()),
            written: Mutex::new(self.written()),
        }
    }

    /// The trail in memory, to break it. Panics where it is another.
    pub fn as_memory(&self) -> &MemoryTrail {
        match &self.kept {
            Kept::Memory(trail) => trail,
            Kept::Dynamo(..) => panic!("the trail is not in memory"),
        }
    }

    /// Where records were written, in order.
    pub fn written(&self) -> Vec<(StreamId, Seq)> {
        self.written.lock().unwrap().clone()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.written.lock().unwrap().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The streams, each once.
    pub fn streams(&self) -> Vec<StreamId> {
        if let Kept::Memory(trail) = &self.kept {
            return trail.streams();
        }
        let mut streams: Vec<_> = self.written().into_iter().map(|(stream, _)| stream).collect();
        streams.sort();
        streams.dedup();
        streams
    }

    /// Whether a stream's records may be removed at a time, seconds since 1970. In DynamoDB the tests let nothing expire.
    pub(super) fn is_expired(&self, stream: &StreamId, now: u64) -> bool {
        match &self.kept {
            Kept::Memory(trail) => trail.is_expired(stream, now),
            Kept::Dynamo(..) => false,
        }
    }

    /// How many records there are of a stream, and the last one's digest: changed, where the stream is.
    pub(super) async fn version(&self, stream: &StreamId) -> (usize, Option<Digest>) {
        match &self.kept {
            Kept::Memory(trail) => trail.version(stream),
            Kept::Dynamo(..) => {
                let records = self.seen(stream).await;
                (records.len(), records.last().map(|last| last.digest))
            }
        }
    }

    /// A stream's records, as the test sees them: without any outage.
    pub async fn seen(&self, stream: &StreamId) -> Vec<Record> {
        match &self.kept {
            Kept::Memory(trail) => trail.records(stream),
            Kept::Dynamo(trail, _) => trail.load(stream).await.unwrap(),
        }
    }

    /// Puts a record behind the last of its stream, as it is: whoever may insert may insert anything. The trail must be in
    /// memory.
    pub fn forge(&self, record: Record) {
        let (stream, seq) = (record.stream.clone(), record.seq);
        self.as_memory().forge(record);
        self.note(&stream, seq);
    }

    fn port(&self) -> &dyn Trail {
        match &self.kept {
            Kept::Memory(trail) => trail,
            Kept::Dynamo(trail, _) => trail,
        }
    }

    fn note(&self, stream: &StreamId, seq: Seq) {
        self.written.lock().unwrap().push((stream.clone(), seq));
    }
}

#[async_trait]
impl Trail for Books {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        self.port().load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.port().last(stream).await
    }

    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        let (stream, seq) = (entry.stream.clone(), entry.seq);
        let before = match &self.kept {
            Kept::Memory(trail) => trail.records(&stream).len(),
            Kept::Dynamo(..) => 0,
        };
        let appended = self.port().append(entry).await;
        match (&appended, &self.kept) {
            (Ok(_), _) => self.note(&stream, seq),
            // A reply that was lost: the record is there all the same.
            (Err(_), Kept::Memory(trail)) if trail.records(&stream).len() > before => {
                self.note(&stream, seq);
            }
            (Err(_), _) => {}
        }
        appended
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        self.port().streams_of(hour).await
    }

    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.port().opened_in(hour, since, most).await
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.port().newest(stream, most).await
    }

    fn keys(&self) -> &dyn Verifier {
        self.port().keys()
    }
}
