//! The calls to AWS that an incident makes, one by one, and what they cost.
//!
//! The counts do not depend on the machine: they are kept in `kept/calls.txt`, and `--check` says where they differ.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::agent::{Agent, Programs};
use crate::cloud::Calls;
use crate::kept::Keeping;
use crate::prices;
use crate::report::{Report, Table};

/// The records on the way to a decision and its execution. The model group is held, and the provider that gets its traffic: a
/// target less would be two records less.
const DECIDED: [&str; 11] = [
    "opened",
    "received",
    "proposed",
    "scored",
    "approved",
    "claimed",
    "claimed",
    "started",
    "succeeded",
    "released",
    "released",
];

/// What is told and counted besides, where a model was asked and Slack is set up: the money, and the card.
const BESIDES: [&str; 3] = ["reserved", "settled", "notified"];

/// The most reads of an invocation that are not explained below.
const READS: usize = 3;

/// What reads more, and why.
const MORE: [(&str, usize, &str); 3] = [
    (
        "ingest-and-propose",
        15,
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

/// What is read again in one invocation because it may have changed meanwhile.
const AGAIN: [(&str, &str); 2] = [
    ("notification", "dynamodb Query proposal"),
    ("execution", "dynamodb Query target, newest 1"),
];

/// What one incident has come to.
#[derive(Default)]
struct Incident {
    /// Calls by function and what they were.
    calls: BTreeMap<(String, String), usize>,
    inserted: Vec<String>,
    writes: u64,
    /// Of these, for the view and its indexes.
    of_the_view: u64,
    half_reads: u64,
    invocations: usize,
    seconds: f64,
    complaints: Vec<String>,
}

impl Incident {
    fn add(&mut self, function: &str, took: Duration, calls: Calls) {
        self.invocations += 1;
        self.seconds += took.as_secs_f64();
        self.inserted.extend(calls.inserted());
        for twice in calls.repeated() {
            if !AGAIN.contains(&(function, twice.as_str())) {
                self.complaints
                    .push(format!("{function} makes a call twice: {twice}"));
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

    /// Calls whose service and operation these are.
    fn count(&self, what: &str) -> f64 {
        let found = self.calls.iter().filter(|((_, call), _)| call.starts_with(what));
        found.map(|(_, count)| *count).sum::<usize>() as f64
    }

    /// What a million of them cost, by what is paid for.
    fn dollars(&self) -> Vec<(&'static str, f64, f64)> {
        let messages = self.invocations as f64 - self.count("events") - 1.0;
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

/// Runs one incident to its end.
async fn incident(agent: &mut Agent) -> Result<Incident> {
    let mut incident = Incident::default();
    agent.incident();
    let (mut about, mut approved) = (None, false);
    loop {
        while let Some((step, answered)) = agent.step().await? {
            about = Agent::about(&step).or(about);
            incident.add(step.function, answered.took, agent.cloud.take_calls());
        }
        if approved {
            agent.forget_what_is_delayed();
            return Ok(incident);
        }
        let proposal = about.clone().context("no step names a proposal")?;
        agent.next(agent.approval(&proposal).await?);
        approved = true;
    }
}

pub(crate) async fn run(programs: Programs, keeping: Keeping<'_>, out: &Path) -> Result<()> {
    let mut agent = Agent::start(programs).await?;
    // The first one starts the processes, whose own calls are told apart.
    let first = incident(&mut agent).await?;
    let second = incident(&mut agent).await?;
    let text = text(&first, &second);
    let mut report = Report::of(
        "calls",
        "the calls to AWS of an incident that re-routes one model group, approved in Slack",
    );
    report.say(&text);
    let mut table = Table::of(&["a million incidents", "count of one", "USD"]);
    let mut whole = 0.0;
    for (what, count, price) in second.dollars() {
        whole += count * price;
        table.row(vec![
            what.to_owned(),
            format!("{count:.3}")
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned(),
            format!("{:.2}", count * price),
        ]);
        report.figure(what, json!({ "count": count, "usd_per_million": count * price }));
    }
    table.row(vec!["all of it".to_owned(), String::new(), format!("{whole:.2}")]);
    report.figure("all of it", json!({ "usd_per_million": whole }));
    report.figure("calls", json!(second.calls.values().sum::<usize>()));
    let steps = prices::STATES * prices::TRANSITIONS;
    table.row(vec![
        "Step Functions, its transitions alone".to_owned(),
        format!("{:.0}", prices::STATES),
        format!("{steps:.2}"),
    ]);
    let durable = prices::OPERATIONS * prices::DURABLE_OPERATIONS;
    table.row(vec![
        "a durable function, its operations alone".to_owned(),
        format!("{:.0}", prices::OPERATIONS),
        format!("{durable:.2}"),
    ]);
    report.figure("Step Functions", json!({ "usd_per_million": steps }));
    report.figure("a durable function", json!({ "usd_per_million": durable }));
    report.table(&table);
    report.finish(out)?;
    let inserted = second.inserted.iter().map(String::as_str);
    let decided: Vec<&str> = inserted.filter(|kind| !BESIDES.contains(kind)).collect();
    ensure!(
        decided == DECIDED,
        "the decision path has these records: {decided:?}"
    );
    ensure!(second.complaints.is_empty(), "{}", second.complaints.join("\n"));
    keeping.keep("calls.txt", &text)
}

/// The counts of an incident whose functions run, and what the functions called besides in the one that started them.
fn text(first: &Incident, second: &Incident) -> String {
    let mut text = String::from(
        "An incident that re-routes one model group, and so holds two targets, approved in Slack, until it is executed:\n\n",
    );
    for ((function, what), count) in &second.calls {
        let _ = writeln!(text, "{function:19} {count:3}  {what}");
    }
    let _ = writeln!(
        text,
        "\n{} calls in {} invocations, {} write units, {} of them the view's, {} read units",
        second.calls.values().sum::<usize>(),
        second.invocations,
        second.writes,
        second.of_the_view,
        second.half_reads as f64 / 2.0
    );
    text.push_str("\nBesides, when a function starts:\n\n");
    for (call, count) in &first.calls {
        let besides = count.saturating_sub(second.calls.get(call).copied().unwrap_or(0));
        if besides > 0 {
            let _ = writeln!(text, "{:19} {besides:3}  {}", call.0, call.1);
        }
    }
    text.push_str("\nMore than three reads:\n\n");
    for (function, most, why) in MORE {
        let _ = writeln!(text, "{function:19} {most:3}  {why}");
    }
    text
}
