//! When a condition becomes an event: at its onset, and again now and then while it lasts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::condition::Condition;
use super::time::{Millis, rfc3339};

/// Events kept, sent or waiting; the oldest go first.
const MAX_EVENTS: usize = 10_000;

/// An event for the bus.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Event {
    /// Its id, also in the detail; the same through every attempt to send it.
    pub event_id: String,
    /// The EventBridge detail-type.
    pub detail_type: String,
    /// The detail.
    pub detail: Value,
    /// When the bus took it (RFC 3339); `None` while it waits for that.
    pub sent_at: Option<String>,
}

/// Turns conditions into events and remembers which have been sent.
#[derive(Debug)]
pub(crate) struct Announcer {
    org_id: String,
    repeat_ms: Millis,
    /// When each lasting condition was announced last.
    announced: BTreeMap<String, Millis>,
    waiting: VecDeque<Event>,
    sent: VecDeque<Event>,
}

impl Announcer {
    pub(crate) fn new(org_id: String, repeat_ms: Millis) -> Announcer {
        Announcer {
            org_id,
            repeat_ms,
            announced: BTreeMap::new(),
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    /// Takes what is wrong at `now`; new and long-lasting trouble becomes an event that waits to be sent.
    pub(crate) fn observe(
        &mut self,
        now: Millis,
        conditions: &[Condition],
        new_id: &mut dyn FnMut() -> String,
    ) {
        let mut announced = BTreeMap::new();
        for condition in conditions {
            let key = condition.key();
            let last = self.announced.get(&key).copied();
            if last.is_some_and(|last| now - last < self.repeat_ms) {
                announced.insert(key, last.unwrap_or(now));
                continue;
            }
            announced.insert(key, now);
            let event_id = new_id();
            let detail = condition.detail(&self.org_id, &event_id, now);
            let detail_type = condition.detail_type().to_owned();
            push_bounded(
                &mut self.waiting,
                Event {
                    event_id,
                    detail_type,
                    detail,
                    sent_at: None,
                },
            );
        }
        // What is over is forgotten: its next onset is a new one.
        self.announced = announced;
    }

    /// Forgets what is not among these any more: its next onset is a new one.
    pub(crate) fn over(&mut self, conditions: &[Condition]) {
        let lasting: BTreeSet<String> = conditions.iter().map(Condition::key).collect();
        self.announced.retain(|key, _| lasting.contains(key));
    }

    /// The events to send next, at most as many as one `PutEvents` takes.
    pub(crate) fn waiting(&self) -> Vec<Event> {
        self.waiting.iter().take(10).cloned().collect()
    }

    /// The bus took these.
    pub(crate) fn mark_sent(&mut self, now: Millis, ids: &[String]) {
        for id in ids {
            let position = self.waiting.iter().position(|event| event.event_id == *id);
            if let Some(mut event) = position.and_then(|index| self.waiting.remove(index)) {
                event.sent_at = Some(rfc3339(now));
                push_bounded(&mut self.sent, event);
            }
        }
    }

    /// Every event, those sent first.
    pub(crate) fn all(&self) -> Vec<Event> {
        self.sent.iter().chain(&self.waiting).cloned().collect()
    }
}

fn push_bounded(events: &mut VecDeque<Event>, event: Event) {
    if events.len() == MAX_EVENTS {
        events.pop_front();
    }
    events.push_back(event);
}

#[cfg(test)]
mod tests {
    use super::super::world::fixture::START;
    use super::*;

    fn unhealthy(provider: &str) -> Condition {
        Condition::ProviderUnhealthy {
            provider: provider.to_owned(),
            model_group: None,
            error_rate_ppm: 300_000,
            requests: 10,
            window_s: 300,
        }
    }

    fn observe(announcer: &mut Announcer, at_s: i64, providers: &[&str]) -> usize {
        let conditions: Vec<_> = providers.iter().map(|provider| unhealthy(provider)).collect();
        let before = announcer.all().len();
        let mut id = before;
        announcer.observe(START + at_s * 1000, &conditions, &mut || {
            id += 1;
            format!("e-{id}")
        });
        announcer.all().len() - before
    }

    #[test]
    fn what_ends_and_begins_again_between_two_looks_is_announced_again() {
        let mut announcer = Announcer::new("acme".to_owned(), 60_000);
        assert_eq!(observe(&mut announcer, 0, &["openai", "bedrock"]), 2);
        announcer.over(&[unhealthy("bedrock")]);
        assert_eq!(observe(&mut announcer, 1, &["openai", "bedrock"]), 1);
    }

    #[test]
    fn a_condition_is_announced_at_its_onset_and_once_a_minute() {
        let mut announcer = Announcer::new("acme".to_owned(), 60_000);
        let told: Vec<_> = [0, 1, 59, 60, 61, 119, 120]
            .into_iter()
            .map(|at| observe(&mut announcer, at, &["openai"]))
            .collect();
        assert_eq!(told, [1, 0, 0, 1, 0, 0, 1]);
        assert_eq!(
            observe(&mut announcer, 121, &["openai", "bedrock"]),
            1,
            "each trouble by itself"
        );
        assert_eq!(observe(&mut announcer, 122, &[]), 0);
        assert_eq!(observe(&mut announcer, 123, &["openai"]), 1, "a new onset");
    }

    #[test]
    fn an_event_waits_under_its_id_until_the_bus_took_it() {
        let mut announcer = Announcer::new("acme".to_owned(), 60_000);
        observe(&mut announcer, 0, &["openai", "bedrock"]);
        assert_eq!(announcer.waiting().len(), 2);
        announcer.mark_sent(START, &["e-2".to_owned()]);
        let waiting: Vec<_> = announcer
            .waiting()
            .into_iter()
            .map(|event| event.event_id)
            .collect();
        assert_eq!(waiting, ["e-1"]);
        let all: Vec<_> = announcer
            .all()
            .into_iter()
            .map(|e| (e.event_id, e.sent_at.is_some()))
            .collect();
        assert_eq!(all, [("e-2".to_owned(), true), ("e-1".to_owned(), false)]);
    }
}
