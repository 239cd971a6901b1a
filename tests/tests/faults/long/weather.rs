//! Which calls fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::ports::Clock;
use domain::value::Timestamp;
use testkit::{Cutter, FrozenClock};
use tests::walk::Random;

use super::visits::{self, MUST_FAIL};

/// Calls that are seldom made, by a function or by any, and fail the more often.
const SELDOM: [(Option<&str>, &str); 8] = [
    (None, "Actuator::apply"),
    (None, "Actuator::page"),
    (None, "Actuator::revert"),
    (None, "Payloads::put"),
    (None, "Slack::find"),
    (None, "Trail::newest"),
    (Some("execution"), "Trail::opened_in"),
    (Some("housekeeping"), "Trail::append"),
];

/// A call of a function: `before` or `after` its effect.
type Point = (&'static str, String, String);

/// How often each call was made, and how often it failed.
pub(super) type Calls = BTreeMap<Point, (usize, usize)>;

/// The weather, which all functions of a world share.
#[derive(Clone)]
pub(super) struct Weather(Arc<Mutex<Inner>>);

struct Inner {
    dice: Random,
    clock: FrozenClock,
    /// One call in so many fails; 0: none.
    one_in: usize,
    /// The calls that fail more often than others.
    focus: [(&'static str, &'static str); 2],
    /// A service that is away until then.
    away: Option<(&'static str, Timestamp)>,
    calm: bool,
    calls: Calls,
}

impl Weather {
    /// The weather of a seed.
    pub(super) fn of(seed: u64, clock: &FrozenClock) -> Self {
        let nth = |number: u64| MUST_FAIL[usize::try_from(number).unwrap() % MUST_FAIL.len()];
        Self(Arc::new(Mutex::new(Inner {
            dice: Random::seeded(!seed),
            clock: clock.clone(),
            one_in: [0, 150, 60, 30][usize::try_from(seed % 4).unwrap()],
            focus: [nth(seed), nth(7 * seed + 3)],
            away: None,
            calm: false,
            calls: Calls::new(),
        })))
    }

    /// A function's points.
    pub(super) fn over(&self, function: &'static str) -> Cutter {
        let weather = self.clone();
        Cutter::failing(move |when, call| weather.0.lock().unwrap().fails(function, when, call))
    }

    /// A service goes away for a while.
    pub(super) fn loses(&self, service: &'static str, seconds: u64) {
        let mut inner = self.0.lock().unwrap();
        let until = inner.clock.now().plus_seconds(seconds);
        inner.away = Some((service, until));
    }

    /// From now on everything works, or not.
    pub(super) fn is_calm(&self, calm: bool) {
        let mut inner = self.0.lock().unwrap();
        inner.calm = calm;
        inner.away = None;
    }

    /// How many sends to a queue have failed, whose hints may have arrived and are sent again.
    pub(super) fn failed_sends(&self) -> usize {
        let inner = self.0.lock().unwrap();
        let sends = inner
            .calls
            .iter()
            .filter(|((_, call, _), _)| call == "Queue::send");
        sends.map(|(_, (_, failed))| failed).sum()
    }

    /// The calls so far.
    pub(super) fn calls(&self) -> Calls {
        self.0.lock().unwrap().calls.clone()
    }
}

impl Inner {
    fn fails(&mut self, function: &'static str, when: &str, call: &str) -> bool {
        let call = visits::short(call);
        // It cannot fail.
        if call == "Clock::sleep" {
            return false;
        }
        let now = self.clock.now();
        let away = self
            .away
            .is_some_and(|(service, until)| when == "before" && call.starts_with(service) && now < until);
        let is_seldom = SELDOM
            .iter()
            .any(|(by, seldom)| *seldom == call && by.is_none_or(|by| by == function));
        let one_in = if is_seldom {
            self.one_in.min(10)
        } else {
            self.one_in
        };
        let unlucky = one_in > 0 && self.dice.below(one_in) == 0;
        let focused = self.focus.contains(&(function, call)) && self.dice.below(4) == 0;
        let fails = !self.calm && (away || unlucky || focused);
        let point = (function, call.to_owned(), when.to_owned());
        let (made, failed) = self.calls.entry(point).or_default();
        *made += 1;
        *failed += usize::from(fails);
        fails
    }
}
