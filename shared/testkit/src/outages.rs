//! Services that fail on demand.

use std::sync::atomic::{AtomicUsize, Ordering};

use domain::ports::Unavailable;

/// When a fake's next calls fail. Every fake has one, as `outages`.
#[derive(Debug, Default)]
pub struct Outages {
    before: AtomicUsize,
    after: AtomicUsize,
}

impl Outages {
    /// The next `calls` calls fail without effect. `usize::MAX` is for good, until [`Outages::end`].
    pub fn next(&self, calls: usize) {
        self.before.store(calls, Ordering::SeqCst);
    }

    /// The next `calls` calls that reach the service have their effect, and then fail: the reply is lost.
    pub fn next_replies(&self, calls: usize) {
        self.after.store(calls, Ordering::SeqCst);
    }

    /// From now on everything works.
    pub fn end(&self) {
        self.next(0);
        self.next_replies(0);
    }

    /// Asked by a fake before its effect.
    pub(crate) fn before(&self, service: &'static str) -> Result<(), Unavailable> {
        take(&self.before, service, "it is down, as the test asked")
    }

    /// Asked by a fake after its effect.
    pub(crate) fn after(&self, service: &'static str) -> Result<(), Unavailable> {
        take(&self.after, service, "its reply is lost, as the test asked")
    }
}

fn take(left: &AtomicUsize, service: &'static str, problem: &str) -> Result<(), Unavailable> {
    let took = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
        0 => None,
        usize::MAX => Some(usize::MAX),
        left => Some(left - 1),
    });
    match took {
        Ok(_) => Err(Unavailable::new(service, problem)),
        Err(_) => Ok(()),
    }
}
