//! What grows with what is there already: housekeeping's minute, and an incident.

use std::path::Path;

use adapters::{DynamoTrail, DynamoView};
use anyhow::{Context as _, Result};
use domain::ports::{Trail as _, View as _};
use domain::proposal::Proposal;
use domain::telling::Row;
use domain::trail::Record;
use domain::value::Timestamp;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;

use super::pipeline;
use crate::agent::{self, Agent, Programs};
use crate::annals::{Annals, Kind, Retelling};
use crate::outside;
use crate::report::{Report, Table};

/// How many proposals of the last two hours are over, how many are open besides at the end, and how many of the month before
/// are over.
struct Sizes {
    over: &'static [u64],
    open: u64,
    month: &'static [u64],
}

const USUAL: Sizes = Sizes {
    over: &[0, 1_000, 10_000],
    open: 1_000,
    month: &[],
};

/// What takes longer than everything else that is measured: an hour, most of it waiting for the next one's first minute.
const LARGE: Sizes = Sizes {
    over: &[100_000],
    open: 10_000,
    month: &[10_000, 100_000],
};

/// Over what time they were opened, seconds: for so long that those which are over rest, and those which are open wait for
/// people still.
const OVER_BEGAN_S: (u64, u64) = (600, 100 * 60);
const OPEN_BEGAN_S: (u64, u64) = (300, 20 * 60);
const MONTH_BEGAN_S: (u64, u64) = (3 * 3_600, 29 * 86_400);

/// The step from one proposal to the next in that time, seconds: a prime, so that they lie in all of it.
const STEP_S: u64 = 15_485_863;

/// How many are written side by side.
const AT_ONCE: usize = 16;

/// How many incidents are measured at each size, after some that are not.
const INCIDENTS: usize = 10;
const FIRST: usize = 3;

/// How often one incident is reported again.
const REPEATS: usize = 20;

/// Appends a proposal's records under another name, as if it had begun so long ago.
async fn fill(
    trail: &DynamoTrail,
    view: &DynamoView,
    records: &[Record],
    number: u64,
    (least_s, most_s): (u64, u64),
) -> Result<()> {
    let Some(first) = records.first() else {
        return Ok(());
    };
    let now = Timestamp::from_millis(outside::millis());
    let began = now.minus_seconds(least_s + number * STEP_S % (most_s - least_s));
    let mut retelling = Retelling::new(records, number, began.millis_since(first.at));
    let mut written = Vec::new();
    for record in records {
        let again = trail.append(retelling.entry(record)?).await?;
        retelling.told(record, again.digest);
        written.push(again);
    }
    view.put(&Row::of(&Proposal::replay(&written)?)).await?;
    Ok(())
}

/// So many more of a kind. Nobody is told of them.
async fn fills(
    agent: &mut Agent,
    records: &[Record],
    numbers: std::ops::Range<u64>,
    began: (u64, u64),
) -> Result<()> {
    agent.listens(false).await?;
    let dynamo = agent.cloud.tables().dynamo();
    let (trail, view) = (dynamo.trail(), dynamo.view());
    stream::iter(numbers)
        .map(|number| fill(&trail, &view, records, number, began))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    agent.listens(true).await
}

/// What is measured, as it comes.
struct Measured {
    report: Report,
    minutes: Table,
    incidents: Table,
}

impl Measured {
    /// Both, with what is there.
    async fn all(&mut self, agent: &mut Agent, there: &str, hour: bool) -> Result<()> {
        eprintln!("sweep: {there}");
        self.minutes(agent, there, hour).await?;
        self.incidents(agent, there).await
    }

    /// Three minutes of a new process of housekeeping, and the next hour's first one where that is waited for.
    async fn minutes(&mut self, agent: &Agent, there: &str, hour: bool) -> Result<()> {
        drop(agent.cloud.take_calls());
        let mut function = agent.launch("housekeeping").await?;
        let mut spent = function.on_cpu()?;
        const USUAL: [&str; 3] = ["the first of a process", "the second", "the third"];
        let hour: &[&str] = if hour {
            &["the hour's first", "the one after"]
        } else {
            &[]
        };
        for minute in USUAL.iter().chain(hour) {
            let step = match *minute {
                "the hour's first" => agent::first_minute().await,
                _ => agent::minute().await,
            };
            let answered = function.invoke(&step.event).await;
            let answered = answered.with_context(|| agent.complaints("housekeeping"))?;
            let (now, calls) = (function.on_cpu()?, agent.cloud.take_calls().0.len());
            let count = |name: &str| answered.value[name].as_u64().unwrap_or(0);
            self.minutes.row(vec![
                there.to_owned(),
                (*minute).to_owned(),
                format!("{:.0}", answered.took.as_secs_f64() * 1e3),
                format!("{:.0}", now.saturating_sub(spent).as_secs_f64() * 1e3),
                calls.to_string(),
                count("looked_at").to_string(),
                count("left").to_string(),
            ]);
            self.report.figure(
                &format!("{there}, {minute}"),
                json!({
                    "ms": answered.took.as_secs_f64() * 1e3, "cpu_ms": now.saturating_sub(spent).as_secs_f64() * 1e3, "calls": calls,
                    "looked_at": count("looked_at"), "left": count("left"), "memory_kib": function.peak_kib()?,
                }),
            );
            spent = now;
        }
        eprintln!("sweep: {there}: minutes are done");
        function.end().await
    }

    /// Incidents from the event to the end of their execution, and one that is reported again and again.
    async fn incidents(&mut self, agent: &mut Agent, there: &str) -> Result<()> {
        for _ in 0..FIRST {
            pipeline::incident(agent).await?;
        }
        let began = agent.on_cpu()?;
        let mut calls = 0;
        for _ in 0..INCIDENTS {
            calls += pipeline::incident(agent).await?;
        }
        let each = |spent: std::time::Duration, count: usize| spent.as_secs_f64() * 1e3 / count as f64;
        let incident = each(agent.on_cpu()? - began, INCIDENTS);
        let began = agent.on_cpu()?;
        for repeat in 0..REPEATS {
            agent.reported_again(repeat);
            while agent.step().await?.is_some() {}
        }
        agent.forget_what_is_delayed();
        drop(agent.cloud.take_calls());
        let repeat = each(agent.on_cpu()? - began, REPEATS);
        eprintln!("sweep: {there}: incidents are done");
        let calls = calls as f64 / INCIDENTS as f64;
        self.incidents.row(vec![
            there.to_owned(),
            format!("{incident:.1}"),
            format!("{calls:.1}"),
            format!("{repeat:.1}"),
        ]);
        self.report.figure(
            &format!("{there}, an incident"),
            json!({ "cpu_ms": incident, "calls": calls, "repeat_cpu_ms": repeat }),
        );
        Ok(())
    }
}

pub(crate) async fn run(programs: Programs, large: bool, out: &Path) -> Result<()> {
    let annals = Annals::live().await?;
    let (name, sizes) = match large {
        true => ("sweep-large", LARGE),
        false => ("sweep", USUAL),
    };
    let mut measured = Measured {
        report: Report::of(name, "what grows with the proposals that are there already"),
        minutes: Table::of(&[
            "there are",
            "a minute of housekeeping",
            "ms",
            "CPU ms",
            "calls",
            "looked at",
            "left",
        ]),
        incidents: Table::of(&[
            "there are",
            "an incident, CPU ms",
            "calls",
            "a report of it again, CPU ms",
        ]),
    };
    let over = annals.of(Kind::Declined)?;
    let mut agent = Agent::start(programs.clone()).await?;
    let mut there = 0;
    for size in sizes.over {
        fills(&mut agent, over, there..*size, OVER_BEGAN_S).await?;
        there = *size;
        let told = format!("{size} over");
        measured.all(&mut agent, &told, false).await?;
    }
    let open = there..there + sizes.open;
    fills(&mut agent, annals.of(Kind::Open)?, open, OPEN_BEGAN_S).await?;
    let told = format!("{there} over, {} open", sizes.open);
    measured.all(&mut agent, &told, false).await?;
    drop(agent);
    if let Some(most) = sizes.month.last() {
        let mut agent = Agent::start(programs).await?;
        let mut there = 0;
        for size in sizes.month {
            fills(&mut agent, over, there..*size, MONTH_BEGAN_S).await?;
            there = *size;
            let told = format!("{size} of a month");
            measured.all(&mut agent, &told, size == most).await?;
        }
    }
    let Measured {
        mut report,
        minutes,
        incidents,
    } = measured;
    report.table(&minutes);
    report.table(&incidents);
    if !large {
        report.say("Once an hour a run also looks for what is older; this is of the other minutes.");
    }
    report.finish(out)
}
