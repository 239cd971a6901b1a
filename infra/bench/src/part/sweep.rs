//! What housekeeping's minute costs, the more there is that is over.

use std::path::Path;

use adapters::{DynamoTrail, DynamoView};
use anyhow::{Context as _, Result};
use domain::ports::{Trail as _, View as _};
use domain::telling::Row;
use domain::trail::{Entry, StreamId};
use domain::value::{Digest, Fingerprint, ProposalId, Timestamp};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use testkit::story::Story;

use crate::agent::{self, Agent, Programs};
use crate::outside;
use crate::report::{Report, Table};

/// How many proposals of the last two hours there are.
const SIZES: [u64; 3] = [0, 1_000, 10_000];

/// Over what time they were opened, seconds.
const SPAN_S: u64 = 100 * 60;

/// How many are written side by side.
const AT_ONCE: usize = 16;

/// Appends a proposal that came to nothing, some time ago.
async fn settled(trail: &DynamoTrail, view: &DynamoView, number: u64) -> Result<()> {
    let story = Story::declined();
    let id = ProposalId::new(Fingerprint::of(&Digest::of(&number.to_be_bytes())), 1);
    let first = story.entries().first().context("a story without records")?.at;
    let now = Timestamp::from_millis(outside::millis());
    // Over for long enough to rest.
    let began = now.minus_seconds(600 + number * 7 % SPAN_S);
    let later = began.millis_since(first);
    let mut prev = None;
    for entry in story.entries() {
        let entry = Entry {
            stream: StreamId::Proposal(id.clone()),
            at: entry.at.plus_millis(later),
            expires_at: entry.expires_at.map(|at| at + later / 1_000 + 1),
            prev,
            ..entry.clone()
        };
        prev = Some(trail.append(entry).await?.digest);
    }
    let row = Row {
        proposal: id,
        open: false,
        ..Row::of(story.proposal())
    };
    view.put(&row).await?;
    Ok(())
}

pub(crate) async fn run(programs: Programs, out: &Path) -> Result<()> {
    let agent = Agent::start(programs).await?;
    let dynamo = agent.cloud.tables().dynamo();
    let (trail, view) = (dynamo.trail(), dynamo.view());
    let mut report = Report::of(
        "sweep",
        "housekeeping's minute, with so many proposals of the last two hours that are over",
    );
    let mut table = Table::of(&[
        "proposals",
        "a minute",
        "ms",
        "CPU ms",
        "calls",
        "looked at",
        "left",
    ]);
    let mut there = 0;
    for size in SIZES {
        stream::iter(there..size)
            .map(|number| settled(&trail, &view, number))
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        there = size;
        eprintln!("sweep: {size} proposals are there");
        drop(agent.cloud.take_calls());
        let mut function = agent.launch("housekeeping").await?;
        let mut spent = function.on_cpu()?;
        for minute in ["the first of a process", "the second", "the third"] {
            let answered = function.invoke(&agent::minute().event).await?;
            let (now, calls) = (function.on_cpu()?, agent.cloud.take_calls().0.len());
            let count = |name: &str| answered.value[name].as_u64().unwrap_or(0);
            table.row(vec![
                size.to_string(),
                minute.to_owned(),
                format!("{:.0}", answered.took.as_secs_f64() * 1e3),
                format!("{:.0}", (now - spent).as_secs_f64() * 1e3),
                calls.to_string(),
                count("looked_at").to_string(),
                count("left").to_string(),
            ]);
            report.figure(
                &format!("{size}, {minute}"),
                json!({
                    "ms": answered.took.as_secs_f64() * 1e3, "cpu_ms": (now - spent).as_secs_f64() * 1e3, "calls": calls,
                    "looked_at": count("looked_at"), "left": count("left"), "memory_kib": function.peak_kib()?,
                }),
            );
            spent = now;
        }
        function.end().await?;
    }
    report.table(&table);
    report.say("Once an hour a run also looks for what is older; this is of the other minutes.");
    report.finish(out)
}
