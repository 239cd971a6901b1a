//! Queues as SQS has them: at least once, invisible while worked, a dead-letter queue in the end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::message::{Hint, Lane};
use domain::ports::{Clock, Queue, Unavailable};
use domain::value::Timestamp;
use runtime::queue::DeadLetters;
use testkit::FrozenClock;

/// A message being worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Unique in its queue.
    pub id: u64,
    /// The text.
    pub body: String,
    /// How often it was received.
    pub receives: u32,
    due: Timestamp,
}

/// A message given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// The text.
    pub body: String,
    /// Why; absent where the queue itself gave it up.
    pub reason: Option<String>,
}

/// One queue with its dead-letter queue.
#[derive(Debug)]
pub struct Mailbox {
    lane: Lane,
    clock: FrozenClock,
    visibility: Duration,
    on: AtomicBool,
    last_id: AtomicU64,
    mail: Mutex<Vec<Mail>>,
    dead: Mutex<Vec<Dead>>,
}

impl Mailbox {
    pub(super) fn new(lane: Lane, clock: &FrozenClock, visibility_s: u64) -> Self {
        Self {
            lane,
            clock: clock.clone(),
            visibility: Duration::from_secs(visibility_s),
            on: AtomicBool::new(true),
            last_id: AtomicU64::new(0),
            mail: Mutex::default(),
            dead: Mutex::default(),
        }
    }

    pub(super) fn fork(&self, clock: &FrozenClock) -> Self {
        Self {
            lane: self.lane,
            clock: clock.clone(),
            visibility: self.visibility,
            on: AtomicBool::new(self.is_on()),
            last_id: AtomicU64::new(self.last_id.load(Ordering::SeqCst)),
            mail: Mutex::new(self.mail.lock().unwrap().clone()),
            dead: Mutex::new(self.dead()),
        }
    }

    /// Puts a message there.
    pub fn send(&self, body: &str, delay: Duration) {
        self.mail.lock().unwrap().push(Mail {
            id: self.last_id.fetch_add(1, Ordering::SeqCst) + 1,
            body: body.to_owned(),
            receives: 0,
            due: after(self.clock.now(), delay),
        });
    }

    /// Receives a message that is due; it is invisible for a while then.
    pub fn receive(&self) -> Option<Mail> {
        if !self.is_on() {
            return None;
        }
        let now = self.clock.now();
        let mut mail = self.mail.lock().unwrap();
        loop {
            let at = mail.iter().position(|one| one.due <= now)?;
            if mail[at].receives >= self.lane.most_receives() {
                let body = mail.remove(at).body;
                self.dead.lock().unwrap().push(Dead { body, reason: None });
                continue;
            }
            let mut received = mail.remove(at);
            received.receives += 1;
            received.due = after(now, self.visibility);
            mail.push(received.clone());
            return Some(received);
        }
    }

    /// Deletes a message that was worked.
    pub fn acknowledge(&self, id: u64) {
        self.mail.lock().unwrap().retain(|one| one.id != id);
    }

    /// Loses every message.
    pub fn lose(&self) {
        self.mail.lock().unwrap().clear();
    }

    /// When the next message can be received, if one ever can.
    pub fn next_due(&self) -> Option<Timestamp> {
        let mail = self.mail.lock().unwrap();
        mail.iter().map(|one| one.due).min().filter(|_| self.is_on())
    }

    /// Every message, visible or not.
    pub fn contents(&self) -> Vec<Mail> {
        self.mail.lock().unwrap().clone()
    }

    /// How many messages there are, visible or not.
    pub fn len(&self) -> usize {
        self.mail.lock().unwrap().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was given up.
    pub fn dead(&self) -> Vec<Dead> {
        self.dead.lock().unwrap().clone()
    }

    /// Whether its function is woken.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }

    pub(super) fn switch(&self, on: bool) {
        self.on.store(on, Ordering::SeqCst);
    }
}

fn after(now: Timestamp, delay: Duration) -> Timestamp {
    now.plus_millis(u64::try_from(delay.as_millis()).unwrap())
}

#[async_trait]
impl Queue for Mailbox {
    async fn send(&self, hint: &Hint, delay: Duration) -> Result<(), Unavailable> {
        assert!(
            delay <= Duration::from_secs(900),
            "SQS waits at most 900 s, not {delay:?}"
        );
        // The queue counts whole seconds.
        let seconds = delay.as_millis().div_ceil(1000);
        self.send(&hint.text(), Duration::from_secs(u64::try_from(seconds).unwrap()));
        Ok(())
    }
}

#[async_trait]
impl DeadLetters for Mailbox {
    async fn put(&self, body: &str, reason: &str) -> Result<(), Unavailable> {
        self.dead.lock().unwrap().push(Dead {
            body: body.to_owned(),
            reason: Some(reason.to_owned()),
        });
        Ok(())
    }
}
