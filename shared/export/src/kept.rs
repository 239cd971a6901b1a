//! Streams that never end, read once for all their hours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ports::TrailError;
use domain::trail::StreamId;
use futures::lock::Mutex as Turn;

use crate::records::Told;

/// What is kept at most, bytes of bodies. A stream that is larger by itself is read and not kept.
const MOST_BYTES: usize = 32 << 20;

/// A stream's records with what is known of them; one at a time reads them.
type Slot = Arc<Turn<Option<Arc<Vec<Told>>>>>;

/// The streams that were read, as far as there is room: without it, a stream with a record in each of a thousand hours is
/// read a thousand times.
pub(crate) struct Kept {
    room: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    slots: BTreeMap<StreamId, Slot>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self::with_room(MOST_BYTES)
    }
}

impl Kept {
    fn with_room(room: usize) -> Self {
        Self {
            room,
            held: Mutex::default(),
        }
    }

    /// The records of a stream: those that are kept where they are `enough`, else as `read` gives them.
    pub(crate) async fn get(
        &self,
        stream: &StreamId,
        enough: impl Fn(&[Told]) -> bool,
        read: impl Future<Output = Result<Vec<Told>, TrailError>>,
    ) -> Result<Arc<Vec<Told>>, TrailError> {
        let slot = Arc::clone(self.held().slots.entry(stream.clone()).or_default());
        let mut turn = slot.lock().await;
        if let Some(kept) = turn.as_ref().filter(|kept| enough(kept)) {
            return Ok(Arc::clone(kept));
        }
        let read = Arc::new(read.await?);
        let bytes: usize = read.iter().map(|told| told.record.body.len()).sum();
        let mut held = self.held();
        if held.bytes + bytes > self.room {
            // Whoever reads one of them now goes on; the others are read again.
            *held = Held::default();
        }
        if bytes <= self.room {
            held.bytes += bytes;
            *turn = Some(Arc::clone(&read));
            held.slots.insert(stream.clone(), Arc::clone(&slot));
        }
        Ok(read)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::trail::{Actor, Control, Entry};
    use testkit::{MemoryTrail, sample};

    use super::*;

    fn told(bytes: usize) -> Vec<Told> {
        let trail = MemoryTrail::new();
        let fact = Control::default().pause("a test", sample::now()).unwrap();
        let entry = Entry::first(StreamId::Control, sample::now(), Actor::System, &fact, None);
        let mut record = trail.insert(entry).unwrap();
        record.body = "x".repeat(bytes);
        vec![Told {
            record,
            holds: "yes".to_owned(),
        }]
    }

    #[tokio::test]
    async fn a_stream_is_read_once_while_there_is_room_and_what_is_kept_is_enough() {
        let kept = Kept::with_room(100);
        let reads = std::cell::Cell::new(0);
        let get = async |stream: &StreamId, bytes, enough| {
            let read = async {
                reads.set(reads.get() + 1);
                Ok(told(bytes))
            };
            kept.get(stream, |_| enough, read).await.unwrap()
        };
        let (one, other) = (StreamId::Control, StreamId::Guard);
        get(&one, 60, true).await;
        get(&one, 60, true).await;
        assert_eq!(reads.get(), 1);
        // It has grown since.
        get(&one, 60, false).await;
        assert_eq!(reads.get(), 2);
        // There is no room for both, and none at all for a larger one.
        get(&other, 60, true).await;
        get(&one, 60, true).await;
        assert_eq!(reads.get(), 4);
        let kept = Kept::with_room(10);
        assert_eq!(
            kept.get(&one, |_| true, async { Ok(told(60)) })
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(kept.held().bytes, 0);
    }
}
