//! From the start of a process to its first answer.
//!
//! Incident by incident, each step of the path is worked by a process that was started for it, beside the bare runtime and the
//! same in Python: so that what the machine does meanwhile is done to all of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use domain::value::ProposalId;
use serde_json::{Value, json};

use crate::agent::{self, Agent, Programs};
use crate::lambda::{Function, Program};
use crate::part::peers::{self, Peer};
use crate::report::{Report, Samples, Table};

/// How many times each function is started.
pub(crate) const STARTS: usize = 60;

/// In every so manieth round the same incident goes through the functions in Python.
const PYTHON_EVERY: usize = 4;

/// What is measured of each program.
#[derive(Default)]
struct Measured {
    before: Samples,
    init: Samples,
    first: Samples,
    whole: Samples,
    cpu: Samples,
    memory: Samples,
    calls: Samples,
}

impl Measured {
    fn add(
        &mut self,
        function: &Function,
        called: Option<Instant>,
        took: Duration,
        calls: usize,
    ) -> Result<()> {
        if let Some(called) = called {
            self.before.add_ms(function.until(called));
        }
        self.init.add_ms(function.init());
        self.first.add_ms(took);
        self.whole.add_ms(function.init() + took);
        self.cpu.add_ms(function.on_cpu()?);
        self.memory.add(function.peak_kib()? as f64 / 1024.0);
        self.calls.add(calls as f64);
        Ok(())
    }

    fn figures(&self) -> Value {
        json!({
            "before_a_connection_ms": self.before.figures(), "init_ms": self.init.figures(), "first_invocation_ms": self.first.figures(),
            "first_answer_ms": self.whole.figures(), "cpu_ms": self.cpu.figures(),
            "memory_mb": self.memory.figures(), "aws_calls": self.calls.figures(),
        })
    }
}

/// One incident, and a minute of housekeeping. Each step is worked by a process that was started for it.
struct Round<'m> {
    measured: &'m mut BTreeMap<String, Measured>,
    /// What is said behind a function's name.
    side: &'static str,
    /// Those that were started: outbox alone has several steps.
    seen: Vec<&'static str>,
    about: Option<ProposalId>,
}

impl<'m> Round<'m> {
    fn of(measured: &'m mut BTreeMap<String, Measured>, side: &'static str) -> Self {
        Self {
            measured,
            side,
            seen: Vec::new(),
            about: None,
        }
    }

    async fn go_on(&mut self, agent: &mut Agent) -> Result<()> {
        while let Some((step, function, answered)) = agent.cold_step().await? {
            let calls = agent.cloud.take_calls().0.len();
            if !self.seen.contains(&step.function) {
                self.seen.push(step.function);
                let name = format!("{}{}", step.function, self.side);
                let called = agent.cloud.take_first_connection();
                let of = self.measured.entry(name).or_default();
                of.add(&function, called, answered.took, calls)?;
            }
            self.about = Agent::about(&step).or(self.about.take());
            function.end().await?;
        }
        Ok(())
    }

    async fn work(&mut self, agent: &mut Agent, by_command: bool) -> Result<()> {
        agent.incident();
        self.go_on(agent).await?;
        let proposal = self.about.clone().context("no step names a proposal")?;
        let approval = match by_command {
            true => agent.approval_by_command(&proposal).await?,
            false => agent.approval(&proposal, testkit::slack::ADA).await?,
        };
        agent.next(approval);
        self.go_on(agent).await?;
        agent.forget_what_is_delayed();
        agent.next(agent::minute().await);
        self.go_on(agent).await
    }
}

pub(crate) async fn run(
    programs: Programs,
    python: Option<Programs>,
    peers: &[Peer],
    starts: usize,
    out: &Path,
) -> Result<()> {
    let mut measured: BTreeMap<String, Measured> = BTreeMap::new();
    for number in 0..starts {
        // With a trail of its own: what happened before would be looked at.
        let mut agent = Agent::start(programs.clone()).await?;
        // Each of the two doors in every other one.
        Round::of(&mut measured, "")
            .work(&mut agent, number % 2 == 1)
            .await?;
        if let Some(python) = python.as_ref().filter(|_| number.is_multiple_of(PYTHON_EVERY)) {
            let mut agent = Agent::start(python.clone()).await?;
            Round::of(&mut measured, " (Python)")
                .work(&mut agent, false)
                .await?;
        }
        for peer in peers {
            let environment = peers::environment(&agent, peer)?;
            let mut function = Function::start(&Program {
                command: &peer.command,
                name: peer.name,
                environment: &environment,
                log: &agent.log(peer.name),
            })
            .await?;
            let answered = function.invoke(&peer.event).await?;
            let calls = agent.cloud.take_calls().0.len();
            let of = measured.entry(peer.name.to_owned()).or_default();
            of.add(&function, None, answered.took, calls)?;
            function.end().await?;
        }
        if (number + 1).is_multiple_of(10) {
            eprintln!("start: {} of {starts}", number + 1);
        }
    }
    report(&programs, &measured, peers, starts)?.finish(out)
}

fn report(
    programs: &Programs,
    measured: &BTreeMap<String, Measured>,
    peers: &[Peer],
    starts: usize,
) -> Result<Report> {
    let mut report = Report::of(
        "start",
        &format!("from the start of a process to its first answer, AWS over TLS, median of {starts}"),
    );
    let floor = peers
        .iter()
        .find(|peer| peer.is_floor)
        .and_then(|peer| measured.get(peer.name));
    let floor = floor.map(|floor| floor.whole.median());
    let mut table = Table::of(&[
        "",
        "before a connection ms",
        "INIT ms",
        "first ms",
        "both ms",
        "p99 ms",
        "CPU ms",
        "MB",
        "calls",
        "of the floor",
        "binary MB",
        "zip MB",
    ]);
    let of_peer = |name: &str| name.ends_with(')') || peers.iter().any(|peer| peer.name == name);
    let (others, ours): (Vec<_>, Vec<_>) = measured.iter().partition(|(name, _)| of_peer(name));
    for (name, of) in ours.into_iter().chain(others) {
        let sizes = if of_peer(name) {
            None
        } else {
            Some(sizes(programs.file(name)?)?)
        };
        let megabytes = |bytes: Option<u64>| match bytes {
            Some(bytes) => format!("{:.1}", bytes as f64 / 1e6),
            None => String::new(),
        };
        let ratio = floor.map_or_else(String::new, |floor| format!("{:.1} ×", of.whole.median() / floor));
        table.row(vec![
            name.clone(),
            match of.before.count() {
                0 => String::new(),
                _ => format!("{:.1}", of.before.median()),
            },
            format!("{:.1}", of.init.median()),
            format!("{:.1}", of.first.median()),
            format!("{:.1}", of.whole.median()),
            format!("{:.1}", of.whole.percentile(99.0)),
            format!("{:.1}", of.cpu.median()),
            format!("{:.1}", of.memory.median()),
            format!("{:.0}", of.calls.median()),
            ratio,
            megabytes(sizes.map(|(binary, _)| binary)),
            megabytes(sizes.map(|(_, zip)| zip)),
        ]);
        let mut figures = of.figures();
        figures["of_the_floor"] = json!(floor.map(|floor| of.whole.median() / floor));
        if let Some((binary, zip)) = sizes {
            figures["binary_bytes"] = json!(binary);
            figures["zip_bytes"] = json!(zip);
        }
        report.figure(name, figures);
    }
    report.table(&table);
    Ok(report)
}

/// A program's size, and that of the zip that is deployed: one file, deflated.
fn sizes(program: &Path) -> Result<(u64, u64)> {
    let bytes = fs::read(program)?;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, &bytes)?;
    let zipped = encoder.finish()?.len();
    Ok((u64::try_from(bytes.len())?, u64::try_from(zipped)?))
}
