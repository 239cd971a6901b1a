//! Time that moves when told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::Clock;
use domain::value::Timestamp;

use crate::sample;

/// A clock that stands still. Sleeping moves it and returns at once. Clones show the same time.
#[derive(Debug, Clone)]
pub struct FrozenClock {
    ms: Arc<AtomicI64>,
}

impl FrozenClock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self {
            ms: Arc::new(AtomicI64::new(now.as_millis())),
        }
    }

    /// Shows another time from now on.
    pub fn set(&self, now: Timestamp) {
        self.ms.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves forward.
    pub fn advance(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap();
        self.ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Default for FrozenClock {
    /// At [`sample::now`].
    fn default() -> Self {
        Self::at(sample::now())
    }
}

#[async_trait]
impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.ms.load(Ordering::SeqCst))
    }

    async fn sleep(&self, time: Duration) {
        self.advance(time);
        tokio::task::yield_now().await;
    }
}
