//! Incidents from the event to the end of their execution, one after the other through the processes of all functions.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::agent::{Agent, Programs};
use crate::report::{Report, Samples, Table};

/// How many incidents warm the processes up, and how many are measured.
const WARM: usize = 20;
const MEASURED: usize = 200;

/// Of each of so many incidents the costs are told apart: what is recent is looked at.
const PART: usize = 50;

/// One side, and what it has come to.
struct Side {
    name: &'static str,
    agent: Agent,
    /// Of each part, of one incident.
    parts: Vec<f64>,
    took: Samples,
    calls: usize,
}

impl Side {
    /// Starts its processes, and warms them up.
    async fn start(name: &'static str, programs: Programs) -> Result<Self> {
        let mut agent = Agent::start(programs).await?;
        for _ in 0..WARM {
            incident(&mut agent).await?;
        }
        Ok(Self {
            name,
            agent,
            parts: Vec::new(),
            took: Samples::default(),
            calls: 0,
        })
    }

    /// Measures so many incidents.
    async fn part(&mut self) -> Result<()> {
        let before = self.agent.on_cpu()?;
        for _ in 0..PART {
            let began = Instant::now();
            self.calls += incident(&mut self.agent).await?;
            self.took.add_ms(began.elapsed());
        }
        let spent = self.agent.on_cpu()?.saturating_sub(before);
        self.parts.push(spent.as_secs_f64() * 1e3 / PART as f64);
        Ok(())
    }

    fn cpu_ms(&self) -> f64 {
        self.parts.iter().sum::<f64>() / self.parts.len() as f64
    }

    fn calls(&self) -> f64 {
        self.calls as f64 / (self.parts.len() * PART) as f64
    }
}

/// Works one incident to its end, and says how many calls it made.
pub(super) async fn incident(agent: &mut Agent) -> Result<usize> {
    agent.incident();
    let mut about = None;
    let mut approved = false;
    loop {
        while let Some((step, _)) = agent.step().await? {
            about = Agent::about(&step).or(about);
        }
        if approved {
            break;
        }
        let proposal = about.clone().context("no step names a proposal")?;
        let approval = agent.approval(&proposal, testkit::slack::ADA).await?;
        agent.next(approval);
        approved = true;
    }
    agent.forget_what_is_delayed();
    let inserted = agent.cloud.take_calls();
    let kinds = inserted.inserted();
    ensure!(
        kinds.iter().any(|kind| kind == "succeeded"),
        "an incident was not executed: {kinds:?}"
    );
    Ok(inserted.0.len())
}

/// Incidents a second, where as many go through at once as there are cores: each through processes and tables of its own.
async fn rate(programs: &Programs) -> Result<f64> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut agents = Vec::new();
    for _ in 0..cores {
        let mut agent = Agent::start(programs.clone()).await?;
        for _ in 0..WARM {
            incident(&mut agent).await?;
        }
        agents.push(agent);
    }
    let began = Instant::now();
    let mut lanes = Vec::new();
    for mut agent in agents {
        lanes.push(tokio::spawn(async move {
            for _ in 0..PART {
                incident(&mut agent).await?;
            }
            Ok::<_, anyhow::Error>(())
        }));
    }
    for lane in lanes {
        lane.await??;
    }
    Ok((cores * PART) as f64 / began.elapsed().as_secs_f64())
}

pub(crate) async fn run(programs: Programs, peers: Option<Programs>, out: &Path) -> Result<()> {
    let mut report = Report::of(
        "pipeline",
        "incidents from the event to the end of their execution, approved by a click",
    );
    let mut table = Table::of(&["", "CPU ms", "p50 ms", "p99 ms", "calls", "CPU ms of each fifty"]);
    let rate = rate(&programs).await?;
    let mut sides = vec![Side::start("all functions", programs.clone()).await?];
    if let Some(peers) = peers {
        // As many functions on both sides: the peer tells nobody in Slack.
        sides.push(Side::start("without notification", programs.without("notification")).await?);
        sides.push(Side::start("the same in Python", peers).await?);
    }
    // In turns, so that the machine's mood is the same for all of them.
    for _ in 0..MEASURED / PART {
        for side in &mut sides {
            side.part().await?;
        }
    }
    for side in &sides {
        table.row(vec![
            side.name.to_owned(),
            format!("{:.2}", side.cpu_ms()),
            format!("{:.1}", side.took.median()),
            format!("{:.1}", side.took.percentile(99.0)),
            format!("{:.1}", side.calls()),
            side.parts
                .iter()
                .map(|part| format!("{part:.2}"))
                .collect::<Vec<_>>()
                .join(" "),
        ]);
        report.figure(
            side.name,
            json!({
                "cpu_ms": side.cpu_ms(), "cpu_ms_of_each_fifty": side.parts, "ms": side.took.figures(), "calls": side.calls(),
            }),
        );
    }
    report.table(&table);
    report.say(format!(
        "{rate:.0} incidents a second, one at a time on each core, with AWS and its tables on the same cores"
    ));
    report.figure("incidents_per_second", json!(rate));
    if let [_, ours, theirs] = sides.as_slice() {
        let ratio = theirs.cpu_ms() / ours.cpu_ms();
        report.say(format!(
            "{ratio:.1} × less CPU than the same in Python, which makes {:.1} × as many calls",
            theirs.calls() / ours.calls()
        ));
        report.figure("python_cpu_ratio", json!(ratio));
    }
    report.finish(out)
}
