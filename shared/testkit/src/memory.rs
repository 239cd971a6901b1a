//! Queues, bus, topic, view, payloads and operators in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::message::Hint;
use domain::permission::Directory;
use domain::ports::{Bus, Clock, Operators, Payloads, Queue, Topic, Unavailable, View};
use domain::telling::{Announcement, Concern, Notice, Row, Urgency};
use domain::trail::Seq;
use domain::value::{Digest, ProposalId, Timestamp};

use crate::clock::FrozenClock;
use crate::outages::Outages;
use crate::sample;

/// One hint on a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hinted {
    /// About which proposal.
    pub proposal: ProposalId,
    /// How long it was to wait.
    pub delay: Duration,
    /// When it is delivered.
    pub due: Timestamp,
}

/// A queue of hints, which become due by the clock.
#[derive(Debug)]
pub struct MemoryQueue {
    /// When sending fails.
    pub outages: Outages,
    clock: FrozenClock,
    waiting: Mutex<Vec<Hinted>>,
}

impl MemoryQueue {
    /// An empty queue.
    pub fn new(clock: &FrozenClock) -> Self {
        Self {
            outages: Outages::default(),
            clock: clock.clone(),
            waiting: Mutex::default(),
        }
    }

    /// What waits, in the order of sending.
    pub fn waiting(&self) -> Vec<Hinted> {
        self.waiting.lock().unwrap().clone()
    }

    /// Takes what is due now off the queue, in the order of sending.
    pub fn take_due(&self) -> Vec<ProposalId> {
        let now = self.clock.now();
        let mut waiting = self.waiting.lock().unwrap();
        let (due, later) = std::mem::take(&mut *waiting)
            .into_iter()
            .partition(|hinted| hinted.due <= now);
        *waiting = later;
        let due: Vec<Hinted> = due;
        due.into_iter().map(|hinted| hinted.proposal).collect()
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, hint: &Hint, delay: Duration) -> Result<(), Unavailable> {
        self.outages.before("the queue")?;
        assert!(
            delay <= Duration::from_secs(900),
            "SQS waits at most 900 s, not {delay:?}"
        );
        let due = self
            .clock
            .now()
            .plus_millis(u64::try_from(delay.as_millis()).unwrap());
        let proposal = hint.proposal.clone();
        self.waiting.lock().unwrap().push(Hinted { proposal, delay, due });
        self.outages.after("the queue")
    }
}

/// A bus that remembers.
#[derive(Debug, Default)]
pub struct MemoryBus {
    /// When publishing fails.
    pub outages: Outages,
    published: Mutex<Vec<Announcement>>,
}

impl MemoryBus {
    /// What was published, in order.
    pub fn published(&self) -> Vec<Announcement> {
        self.published.lock().unwrap().clone()
    }

    /// Takes what was published.
    pub fn take(&self) -> Vec<Announcement> {
        std::mem::take(&mut *self.published.lock().unwrap())
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, announcements: &[Announcement]) -> Result<(), Unavailable> {
        self.outages.before("the bus")?;
        self.published.lock().unwrap().extend_from_slice(announcements);
        self.outages.after("the bus")
    }
}

/// A topic that remembers.
#[derive(Debug, Default)]
pub struct MemoryTopic {
    /// When publishing fails.
    pub outages: Outages,
    told: Mutex<Vec<(Announcement, Concern)>>,
    notices: Mutex<Vec<Notice>>,
}

impl MemoryTopic {
    /// What was told, with the reasons, in order.
    pub fn told(&self) -> Vec<(Announcement, Concern)> {
        self.told.lock().unwrap().clone()
    }

    /// What was told that is about no proposal, in order.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap().clone()
    }

    /// What was told that asks people for something, with the reasons, in order.
    pub fn urgent(&self) -> Vec<(Announcement, String)> {
        let told = self.told().into_iter();
        let urgent = told.filter(|(_, concern)| concern.urgency != Urgency::Inform);
        urgent
            .map(|(announcement, concern)| (announcement, concern.reason.to_owned()))
            .collect()
    }
}

#[async_trait]
impl Topic for MemoryTopic {
    async fn tell(&self, announcement: &Announcement, concern: Concern) -> Result<(), Unavailable> {
        self.outages.before("the topic")?;
        self.told.lock().unwrap().push((announcement.clone(), concern));
        self.outages.after("the topic")
    }

    async fn tell_of(&self, notice: &Notice) -> Result<(), Unavailable> {
        self.outages.before("the topic")?;
        self.notices.lock().unwrap().push(notice.clone());
        self.outages.after("the topic")
    }
}

/// The view in memory: a row gives way to a newer one only.
#[derive(Debug, Default)]
pub struct MemoryView {
    /// When calls fail.
    pub outages: Outages,
    rows: Mutex<BTreeMap<ProposalId, Row>>,
}

impl MemoryView {
    /// A proposal's row.
    pub fn row(&self, proposal: &ProposalId) -> Option<Row> {
        self.rows.lock().unwrap().get(proposal).cloned()
    }

    /// All rows, by proposal.
    pub fn rows(&self) -> Vec<Row> {
        self.rows.lock().unwrap().values().cloned().collect()
    }

    /// Another view with the same rows.
    pub fn fork(&self) -> Self {
        Self {
            outages: Outages::default(),
            rows: Mutex::new(self.rows.lock().unwrap().clone()),
        }
    }

    /// Loses everything: nothing may depend on the view.
    pub fn clear(&self) {
        self.rows.lock().unwrap().clear();
    }

    fn those(&self, are: impl Fn(&Row) -> bool) -> Result<Vec<ProposalId>, Unavailable> {
        self.outages.before("the view")?;
        let rows = self.rows.lock().unwrap();
        let those = rows.values().filter(|row| are(row));
        Ok(those.map(|row| row.proposal.clone()).collect())
    }
}

#[async_trait]
impl View for MemoryView {
    async fn put(&self, row: &Row) -> Result<(), Unavailable> {
        self.outages.before("the view")?;
        let mut rows = self.rows.lock().unwrap();
        if rows.get(&row.proposal).is_none_or(|old| old.seq < row.seq) {
            rows.insert(row.proposal.clone(), row.clone());
        }
        drop(rows);
        self.outages.after("the view")
    }

    async fn announced(&self, proposal: &ProposalId) -> Result<Seq, Unavailable> {
        self.outages.before("the view")?;
        Ok(self.row(proposal).map_or(0, |row| row.seq))
    }

    async fn open(&self) -> Result<Vec<ProposalId>, Unavailable> {
        self.those(|row| row.open)
    }

    async fn in_force(&self) -> Result<Vec<ProposalId>, Unavailable> {
        self.those(|row| row.in_force)
    }
}

/// Payloads in memory.
#[derive(Debug, Default)]
pub struct MemoryPayloads {
    /// When calls fail.
    pub outages: Outages,
    stored: Mutex<BTreeMap<Digest, Vec<u8>>>,
}

impl MemoryPayloads {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.stored.lock().unwrap().len()
    }
}

#[async_trait]
impl Payloads for MemoryPayloads {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Unavailable> {
        self.outages.before("the payload bucket")?;
        let digest = Digest::of(bytes);
        self.stored.lock().unwrap().insert(digest, bytes.to_vec());
        self.outages.after("the payload bucket")?;
        Ok(digest)
    }

    async fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Unavailable> {
        self.outages.before("the payload bucket")?;
        Ok(self.stored.lock().unwrap().get(digest).cloned())
    }
}

/// An operator directory that the test sets.
#[derive(Debug)]
pub struct FixedOperators {
    /// When it cannot be read.
    pub outages: Outages,
    directory: Mutex<Directory>,
}

impl FixedOperators {
    /// This directory.
    pub fn new(directory: Directory) -> Self {
        Self {
            outages: Outages::default(),
            directory: Mutex::new(directory),
        }
    }

    /// Another one from now on.
    pub fn set(&self, directory: Directory) {
        *self.directory.lock().unwrap() = directory;
    }
}

impl Default for FixedOperators {
    /// [`sample::operators`].
    fn default() -> Self {
        Self::new(sample::operators())
    }
}

#[async_trait]
impl Operators for FixedOperators {
    async fn directory(&self) -> Result<Directory, Unavailable> {
        self.outages.before("the operator directory")?;
        Ok(self.directory.lock().unwrap().clone())
    }
}
