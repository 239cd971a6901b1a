//! What a handler takes by itself: over fakes in this process, which answer at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use domain::message::Lane;
use notification::routes::Routes;
use serde_json::json;
use testkit::{Cutter, sample};
use tests::World;
use tokio::runtime::Runtime;

use crate::report::{Report, Samples, Table};

/// How many incidents go through all handlers.
pub(crate) const INCIDENTS: usize = 400;

/// Those of them that are not counted: the first ones fill caches.
const FIRST: usize = 50;

/// What was measured of each handler.
#[derive(Default)]
struct Measured {
    micros: Samples,
    allocations: Samples,
    bytes: Samples,
}

/// Runs handlers, and measures each.
struct Bench {
    runtime: Runtime,
    measured: BTreeMap<&'static str, Measured>,
    counts: bool,
}

impl Bench {
    /// One handler's run. `what` is what it is called in the report.
    fn run<T>(&mut self, what: &'static str, future: impl Future<Output = T>) -> Result<T> {
        let mut outcome = None;
        let mut took = 0.0;
        let info = allocation_counter::measure(|| {
            let began = Instant::now();
            outcome = Some(self.runtime.block_on(future));
            took = began.elapsed().as_secs_f64() * 1e6;
        });
        if self.counts {
            let of = self.measured.entry(what).or_default();
            of.micros.add(took);
            of.allocations.add(info.count_total as f64);
            of.bytes.add(info.bytes_total as f64);
        }
        outcome.with_context(|| format!("{what} came to no end"))
    }

    /// One incident, through all of them.
    fn incident(&mut self) -> Result<()> {
        let never = Cutter::never();
        let mut world = World::new(sample::inventory_with_unhealthy("openai"));
        world.routes = Some(Routes::read("C0SRE", "").map_err(|err| anyhow::anyhow!("{err}"))?);
        let id = world.send(&sample::provider_unhealthy_text("openai"));
        self.run("ingest-and-propose", world.deliver(Lane::Ingest, &never))?;
        self.run("outbox", world.turn_stream(&never))?;
        world.turn_bus();
        self.run("scoring, with Cedar", world.deliver(Lane::Scoring, &never))?;
        self.run("outbox", world.turn_stream(&never))?;
        world.turn_topic();
        self.run("notification", world.deliver(Lane::Slack, &never))?;
        self.run("outbox", world.turn_stream(&never))?;
        self.run("approval-callback, a click", world.approve("alice", &id))?;
        self.run("outbox", world.turn_stream(&never))?;
        world.turn_bus();
        self.run("execution", world.deliver(Lane::Execution, &never))?;
        let house = self.run("housekeeping, one open", world.keep_house(&never))?;
        house.map_err(|err| anyhow::anyhow!("{err}"))?;
        let state = self.runtime.block_on(world.state(&id));
        ensure!(state == "succeeded", "an incident ended as {state}");
        Ok(())
    }
}

/// Goes through all handlers so many times, and measures nothing: what a profiler counts.
pub(crate) fn only(incidents: usize) -> Result<()> {
    let mut bench = bench(false)?;
    (0..incidents).try_for_each(|_| bench.incident())
}

fn bench(counts: bool) -> Result<Bench> {
    Ok(Bench {
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        measured: BTreeMap::new(),
        counts,
    })
}

pub(crate) fn run(incidents: usize, out: &Path) -> Result<()> {
    let mut bench = bench(false)?;
    for at in 0..incidents + FIRST {
        bench.counts = at >= FIRST;
        bench.incident()?;
    }
    let mut report = Report::of(
        "warm",
        &format!("a handler by itself, over fakes that answer at once, {incidents} incidents"),
    );
    let mut table = Table::of(&["", "p50 µs", "p99 µs", "allocations", "KB allocated"]);
    for (what, of) in &bench.measured {
        table.row(vec![
            (*what).to_owned(),
            format!("{:.0}", of.micros.median()),
            format!("{:.0}", of.micros.percentile(99.0)),
            format!("{:.0}", of.allocations.median()),
            format!("{:.0}", of.bytes.median() / 1e3),
        ]);
        report.figure(
            what,
            json!({
                "micros": of.micros.figures(), "allocations": of.allocations.figures(), "bytes": of.bytes.figures(),
            }),
        );
    }
    report.table(&table);
    report.finish(out)
}
