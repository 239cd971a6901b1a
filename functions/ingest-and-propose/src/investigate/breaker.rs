//! A breaker for each model: one that does not answer must not cost every incident its full timeout.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use domain::value::Timestamp;

/// Failures in a row after which a model is left alone.
const FAILURES: u32 = 2;

/// For how long, seconds. Then one incident tries it again.
const REST_S: u64 = 120;

/// Which models failed lately, as far as this process has seen.
#[derive(Debug, Default)]
pub struct Breakers(Mutex<BTreeMap<String, Breaker>>);

#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    until: Option<Timestamp>,
}

impl Breakers {
    /// Until when a model is left alone.
    pub fn open_until(&self, model: &str, now: Timestamp) -> Option<Timestamp> {
        let breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.get(model)?.until.filter(|until| now < *until)
    }

    /// It did not answer.
    pub fn failed(&self, model: &str, now: Timestamp) {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let breaker = breakers.entry(model.to_owned()).or_default();
        breaker.failures += 1;
        if breaker.failures >= FAILURES {
            breaker.until = Some(now.plus_seconds(REST_S));
            tracing::warn!(model, "does not answer: left alone for {REST_S} s");
        }
    }

    /// It answered.
    pub fn answered(&self, model: &str) {
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        breakers.remove(model);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_fails_twice_rests_and_one_try_more_opens_it_again() {
        let at = |seconds| Timestamp::from_millis(0).plus_seconds(seconds);
        let breakers = Breakers::default();
        breakers.failed("a", at(0));
        assert_eq!(breakers.open_until("a", at(0)), None);
        breakers.failed("a", at(1));
        assert_eq!(breakers.open_until("a", at(2)), Some(at(121)));
        assert_eq!(breakers.open_until("b", at(2)), None);
        assert_eq!(breakers.open_until("a", at(121)), None, "one try");
        breakers.failed("a", at(122));
        assert_eq!(breakers.open_until("a", at(123)), Some(at(242)));
        breakers.answered("a");
        breakers.failed("a", at(250));
        assert_eq!(breakers.open_until("a", at(250)), None);
    }
}
