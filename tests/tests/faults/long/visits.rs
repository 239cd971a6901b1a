//! Where the histories have been: which records met which states, and which calls failed.

use std::collections::BTreeMap;
use std::fmt;

use domain::proposal::{Proposal, State};
use domain::trail::Record;

use super::weather::Calls;

/// Each function with the calls that it makes. Each of them must fail at some time, before its effect and after it.
pub(super) const MUST_FAIL: &[(&str, &str)] = &[
    ("callback", "Operators::directory"),
    ("callback", "Reply::tell"),
    ("callback", "Trail::append"),
    ("callback", "Trail::last"),
    ("callback", "Trail::load"),
    ("execution", "Actuator::apply"),
    ("execution", "Actuator::page"),
    ("execution", "Actuator::read"),
    ("execution", "Actuator::revert"),
    ("execution", "Gateway::inventory"),
    ("execution", "Operators::directory"),
    ("execution", "Queue::send"),
    ("execution", "Trail::append"),
    ("execution", "Trail::last"),
    ("execution", "Trail::load"),
    ("execution", "Trail::newest"),
    ("execution", "Trail::opened_in"),
    ("housekeeping", "EventSources::set"),
    ("housekeeping", "Queue::send"),
    ("housekeeping", "Trail::append"),
    ("housekeeping", "Trail::last"),
    ("housekeeping", "Trail::load"),
    ("housekeeping", "Trail::streams_of"),
    ("housekeeping", "View::announced"),
    ("housekeeping", "View::open"),
    ("ingest", "Gateway::inventory"),
    ("ingest", "Payloads::put"),
    ("ingest", "Reasoner::reason"),
    ("ingest", "Trail::append"),
    ("ingest", "Trail::last"),
    ("ingest", "Trail::load"),
    ("ingest", "Trail::newest"),
    ("ingest", "Trail::opened_in"),
    ("outbox", "Bus::publish"),
    ("outbox", "Topic::tell"),
    ("outbox", "Trail::load"),
    ("outbox", "View::announced"),
    ("outbox", "View::put"),
    ("scoring", "Trail::append"),
    ("scoring", "Trail::last"),
    ("scoring", "Trail::load"),
    ("scoring", "Trail::newest"),
    ("slack", "Operators::directory"),
    ("slack", "Queue::send"),
    ("slack", "Slack::find"),
    ("slack", "Slack::post"),
    ("slack", "Slack::replied"),
    ("slack", "Slack::update"),
    ("slack", "Trail::append"),
    ("slack", "Trail::last"),
    ("slack", "Trail::load"),
];

/// Each kind of record with the states that it must meet at some time. `escalated` and `commented` are written by nobody yet.
const MUST_MEET: &[(&str, &[&str])] = &[
    ("received", &["–", "reasoning", "declined"]),
    ("declined", &["reasoning"]),
    ("proposed", &["reasoning"]),
    ("scored: gate", &["proposed"]),
    ("scored: auto", &["proposed"]),
    ("scored: shadow", &["proposed"]),
    ("amended", &["awaiting_approval"]),
    ("voted", &["awaiting_approval"]),
    ("approved", &["awaiting_approval"]),
    ("revoked", &["approved"]),
    ("rejected", &["awaiting_approval"]),
    ("expired", &["awaiting_approval", "approved"]),
    ("refused", &["approved"]),
    ("started", &["approved", "executing"]),
    ("succeeded", &["executing", "unknown"]),
    ("failed", &["executing", "unknown"]),
    ("unknown", &["executing"]),
    ("restored", &["executing", "unknown", "succeeded"]),
    ("restore_failed", &["executing", "unknown", "succeeded"]),
    ("undo_requested", &["succeeded"]),
    ("undo_approved", &["succeeded"]),
    ("undo_rejected", &["succeeded"]),
    ("verified", &["succeeded", "restored"]),
    ("repeated", &State::NAMES),
    (
        "notified",
        &[
            "proposed",
            "awaiting_approval",
            "approved",
            "executing",
            "unknown",
            "succeeded",
            "rejected",
            "expired",
            "refused",
            "failed",
            "restored",
        ],
    ),
];

/// A call's name without what it was about.
pub(super) fn short(call: &str) -> &str {
    call.split_once(" of ").map_or(call, |(name, _)| name)
}

/// Where histories have been.
#[derive(Default)]
pub(super) struct Visits {
    met: BTreeMap<(String, &'static str), usize>,
    calls: Calls,
}

impl Visits {
    /// Notes a proposal's records.
    pub(super) fn note(&mut self, records: &[Record]) {
        let mut before: Option<Proposal> = None;
        for (at, record) in records.iter().enumerate() {
            let state = before.as_ref().map_or("–", |proposal| proposal.state().name());
            let after = match before {
                None => Proposal::replay(&records[..=at]).unwrap(),
                Some(proposal) => proposal.apply(record).unwrap(),
            };
            let kind = match after.scored().filter(|_| record.kind == "scored") {
                Some(scored) => format!("scored: {}", scored.decision.name()),
                None => record.kind.clone(),
            };
            *self.met.entry((kind, state)).or_default() += 1;
            before = Some(after);
        }
    }

    /// Notes the calls of a history.
    pub(super) fn call(&mut self, calls: Calls) {
        for (point, (made, failed)) in calls {
            let all = self.calls.entry(point).or_default();
            all.0 += made;
            all.1 += failed;
        }
    }

    /// Together with those of another history.
    pub(super) fn add(&mut self, other: Visits) {
        for (cell, count) in other.met {
            *self.met.entry(cell).or_default() += count;
        }
        self.call(other.calls);
    }

    /// What was not visited and must be, and calls that nobody expects.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (kind, states) in MUST_MEET {
            for state in *states {
                if !self.met.contains_key(&((*kind).to_owned(), *state)) {
                    missing.push(format!("no {kind} met a proposal that was {state}"));
                }
            }
        }
        for (function, call) in MUST_FAIL {
            for when in ["before", "after"] {
                let point = (*function, (*call).to_owned(), when.to_owned());
                if self.calls.get(&point).is_none_or(|(_, failed)| *failed == 0) {
                    missing.push(format!("{function}: {call} never failed {when} its effect"));
                }
            }
        }
        let expected = |function: &str, call: &str| MUST_FAIL.contains(&(function, call));
        let unexpected = self
            .calls
            .keys()
            .filter(|(function, call, _)| !expected(function, call));
        missing.extend(
            unexpected.map(|(function, call, _)| {
                format!("{function} makes the call {call}, which the list has not")
            }),
        );
        missing.dedup();
        missing
    }
}

impl fmt::Display for Visits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((kind, state), count) in &self.met {
            writeln!(f, "{kind:16} in {state:18} {count:6}")?;
        }
        for ((function, call, when), (made, failed)) in &self.calls {
            writeln!(
                f,
                "{function:14} {when:6} {call:24} {made:8} calls, {failed:6} failed"
            )?;
        }
        Ok(())
    }
}
