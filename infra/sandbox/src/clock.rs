//! Where the sandbox gets its time from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::core::time::Millis;

/// The system's clock, or one that a test moves.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands at `start`, in milliseconds since the Unix epoch, until it is moved. Its clones
    /// are the same clock.
    #[must_use]
    pub fn manual(start: Millis) -> Clock {
        Clock(Source::Manual(Arc::new(AtomicI64::new(start))))
    }

    /// Moves a manual clock on; the system's does not listen.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(
                Millis::try_from(by.as_millis()).unwrap_or(Millis::MAX),
                Ordering::SeqCst,
            );
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn now(&self) -> Millis {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(now) => now.load(Ordering::SeqCst),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the sandbox reads the clock"
)]
fn system_now() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}
