//! What a person sees while a long step runs: its start, a sign of life, its end with the time it took.
//!
//! All of it goes to standard error, so that standard output holds what a task was asked for and nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

/// A quiet step says every so often that it is still alive.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A step under way.
pub(crate) struct Step {
    label: String,
    began: Instant,
    spoke: Instant,
}

impl Step {
    pub(crate) fn begin(label: impl Into<String>) -> Self {
        let label = label.into();
        eprintln!("▸ {label}");
        Self {
            label,
            began: Instant::now(),
            spoke: Instant::now(),
        }
    }

    /// Prints a line if the step has been quiet for a while; `detail` says what it is at.
    pub(crate) fn heartbeat(&mut self, detail: impl FnOnce() -> Option<String>) {
        if self.spoke.elapsed() < HEARTBEAT {
            return;
        }
        self.spoke = Instant::now();
        let detail = detail().unwrap_or_default();
        eprintln!("  {:>4} s  {detail}", self.began.elapsed().as_secs());
    }

    /// Prints that the step is done, and how long it took.
    pub(crate) fn done(self) -> Duration {
        self.done_with("")
    }

    /// As [`Step::done`], with what came of it.
    pub(crate) fn done_with(self, outcome: &str) -> Duration {
        let took = self.began.elapsed();
        let outcome = if outcome.is_empty() {
            String::new()
        } else {
            format!(": {outcome}")
        };
        eprintln!("✓ {}{outcome} ({})", self.label, seconds(took));
        took
    }

    /// Prints that the step failed.
    pub(crate) fn failed(self) -> Duration {
        let took = self.began.elapsed();
        eprintln!("✗ {} ({})", self.label, seconds(took));
        took
    }
}

/// `12.3 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// The last lines of a log that are not empty.
pub(crate) fn last_lines(log: &Path, count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(count))
        .map(|&line| line.to_owned())
        .collect()
}
