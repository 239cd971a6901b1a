//! What one incident comes to: calls, records, units and money, and what it may not do.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cloud::Calls;
use crate::prices;

/// What is told and counted besides, where a model was asked and Slack is set up: the money, and the card.
const BESIDES: [&str; 3] = ["reserved", "settled", "notified"];

/// The most reads of an invocation that are not explained below.
const READS: usize = 3;

/// What reads more, and why.
pub(super) const MORE: [(&str, usize, &str); 3] = [
    (
        "ingest-and-propose",
        14,
        "control, guard, the incident's stream, the proposal, the day's spending, what was done on the target before, and the \
         last hour's incidents: an index query for each of its eight partitions, side by side",
    ),
    (
        "execution",
        10,
        "control, guard and the proposal; each target's stream before any is claimed, when it is claimed, and when it is \
         released",
    ),
    (
        "notification",
        4,
        "control, guard and the proposal; the proposal again, once Slack has taken the card",
    ),
];

/// What is asked again in one invocation because it may have changed meanwhile, and how often at most.
const AGAIN: [(&str, &str, usize); 2] = [
    ("notification", "dynamodb Query proposal", 2),
    ("execution", "dynamodb Query target, newest 1", 3),
];

/// What one incident has come to.
#[derive(Default)]
pub(super) struct Incident {
    /// Calls by function and what they were.
    pub(super) calls: BTreeMap<(String, String), usize>,
    /// The kinds of its records, in their order.
    pub(super) inserted: Vec<String>,
    /// Write units.
    pub(super) writes: u64,
    /// Of these, for the view and its indexes.
    pub(super) of_the_view: u64,
    /// Half read units.
    pub(super) half_reads: u64,
    /// Invocations of all functions.
    pub(super) invocations: usize,
    clicks: usize,
    seconds: f64,
    /// What it called that it should not have.
    pub(super) complaints: Vec<String>,
}

impl Incident {
    /// One invocation more: what it called, and how long it took.
    pub(super) fn add(&mut self, function: &str, took: Duration, calls: Calls) {
        self.invocations += 1;
        self.clicks += usize::from(function == "approval-callback");
        self.seconds += took.as_secs_f64();
        self.inserted.extend(calls.inserted());
        for (call, times) in calls.repeated() {
            let most = AGAIN
                .iter()
                .find(|(name, again, _)| *name == function && *again == call);
            if most.is_none_or(|(_, _, most)| times > *most) {
                self.complaints
                    .push(format!("{function} makes a call {times} times: {call}"));
            }
        }
        let reads = calls.0.iter().filter(|call| call.is_read()).count();
        let most = MORE.iter().find(|(name, ..)| *name == function);
        let most = most.map_or(READS, |(_, most, _)| *most);
        if reads > most {
            self.complaints
                .push(format!("{function} reads {reads} times, and {most} is the most"));
        }
        for call in calls.0 {
            self.writes += call.writes;
            if call.about == "the view" {
                self.of_the_view += call.writes;
            }
            self.half_reads += call.half_reads;
            *self.calls.entry((function.to_owned(), call.what())).or_default() += 1;
        }
    }

    /// The kinds of its records, but for the money and the card.
    pub(super) fn path(&self) -> Vec<&str> {
        let inserted = self.inserted.iter().map(String::as_str);
        inserted.filter(|kind| !BESIDES.contains(kind)).collect()
    }

    /// Calls whose service and operation these are.
    pub(super) fn count(&self, what: &str) -> f64 {
        let found = self.calls.iter().filter(|((_, call), _)| call.starts_with(what));
        found.map(|(_, count)| *count).sum::<usize>() as f64
    }

    /// What a million of them cost, by what is paid for.
    pub(super) fn dollars(&self) -> Vec<(&'static str, f64, f64)> {
        // The table's stream and a click come without one.
        let messages = self.invocations as f64 - self.count("events") - self.clicks as f64;
        vec![
            ("write units of DynamoDB", self.writes as f64, prices::WRITES),
            (
                "read units of DynamoDB",
                self.half_reads as f64 / 2.0,
                prices::READS,
            ),
            ("signatures of KMS", self.count("kms Sign"), prices::KMS),
            ("objects put into S3", self.count("s3 PutObject"), prices::S3_PUTS),
            ("events on the bus", self.events(), prices::EVENTS),
            ("messages to the topic", self.count("sns"), prices::SNS),
            // Sent, received and deleted.
            ("requests to SQS", 3.0 * messages, prices::SQS),
            ("invocations", self.invocations as f64, prices::INVOCATIONS),
            ("seconds of functions, here", self.seconds, prices::SECONDS),
        ]
    }

    /// Its own event, and one for each record that is announced.
    fn events(&self) -> f64 {
        let puts = self
            .calls
            .iter()
            .filter(|((_, call), _)| call.starts_with("events"));
        let entries = puts.map(|((_, call), count)| call.split_whitespace().skip(2).count() * count);
        1.0 + entries.sum::<usize>() as f64
    }
}
