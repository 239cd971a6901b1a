//! Meeting others who write to the same stream at the same time.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use domain::ports::Clock;
use domain::value::Timestamp;

/// How long a writer tries to get a word in, ms: two hundred who write to one stream at once take some seconds, and the
/// function with the shortest timeout has 15 s.
const PATIENCE_MS: u64 = 10_000;

/// So many lost tries are followed by another one at once: a loss or two is a coincidence.
const AT_ONCE: u32 = 2;

/// The longest wait before another try, ms.
const LONGEST_WAIT_MS: u64 = 500;

/// One writer's tries. Bounded in time, not in number: however many write at once, each try that is lost is one that
/// somebody else has won.
pub struct Race<'a> {
    clock: &'a dyn Clock,
    began: Timestamp,
    lost: u32,
}

impl<'a> Race<'a> {
    /// Begins now.
    pub fn begin(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            began: clock.now(),
            lost: 0,
        }
    }

    /// Somebody else was quicker. Whether to try again, after a wait that grows and differs from everybody else's.
    pub async fn goes_on(&mut self) -> bool {
        self.lost += 1;
        if self.lost <= AT_ONCE {
            return true;
        }
        if self.clock.now().millis_since(self.began) >= PATIENCE_MS {
            return false;
        }
        let most = (2_u64 << self.lost.min(10)).min(LONGEST_WAIT_MS);
        let wait = 1 + random() % most;
        self.clock.sleep(Duration::from_millis(wait)).await;
        true
    }
}

/// A number that differs between tries and processes: the standard library keys each of its hashers at random.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
