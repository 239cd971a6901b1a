//! A trail that counts what is read of it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::ports::{Trail, TrailError};
use domain::trail::{Entry, Record, Seq, StreamId, Verifier};
use domain::value::Timestamp;

/// A trail that counts how often each stream is loaded as a whole.
pub struct CountedTrail<'a> {
    inner: &'a dyn Trail,
    loads: Mutex<BTreeMap<StreamId, usize>>,
}

impl<'a> CountedTrail<'a> {
    /// Of this trail, from now on.
    pub fn of(inner: &'a dyn Trail) -> Self {
        Self {
            inner,
            loads: Mutex::default(),
        }
    }

    /// How often a stream was loaded.
    pub fn loads_of(&self, stream: &StreamId) -> usize {
        self.loads
            .lock()
            .unwrap()
            .get(stream)
            .copied()
            .unwrap_or_default()
    }

    /// How often any stream was.
    pub fn loads(&self) -> usize {
        self.loads.lock().unwrap().values().sum()
    }
}

#[async_trait]
impl Trail for CountedTrail<'_> {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        *self.loads.lock().unwrap().entry(stream.clone()).or_default() += 1;
        self.inner.load(stream).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.inner.last(stream).await
    }

    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        self.inner.append(entry).await
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        self.inner.streams_of(hour).await
    }

    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.inner.opened_in(hour, since, most).await
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.inner.newest(stream, most).await
    }

    fn keys(&self) -> &dyn Verifier {
        self.inner.keys()
    }
}
