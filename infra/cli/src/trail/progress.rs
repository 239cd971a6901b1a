//! How far a long reading of the trail is, on standard error.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

/// Said now and then.
pub(super) struct Progress {
    said: Instant,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(5);

    /// From now on.
    pub(super) fn begin(now: Instant) -> Self {
        Self { said: now }
    }

    /// Whether it is time to say something, which is then taken to be said.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let due = now.duration_since(self.said) >= Self::EVERY;
        if due {
            self.said = now;
        }
        due
    }

    /// Says it, if it is time.
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if self.is_due(Instant::now()) {
            // Nobody may be there to read it.
            _ = writeln!(io::stderr(), "{}", line());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_is_said_every_five_seconds() {
        let began = Instant::now();
        let mut progress = Progress::begin(began);
        let due = [4, 5, 9, 10, 30, 31].map(|second| progress.is_due(began + Duration::from_secs(second)));
        assert_eq!(due, [false, true, false, true, true, false]);
    }
}
