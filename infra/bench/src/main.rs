//! Measures the agent: what it costs, how fast it starts, and how that grows.
//!
//! The functions are the programs that are deployed, each in a process of its own behind Lambda's Runtime API. AWS is in this
//! process and speaks TLS, so that a connection costs what it costs in the cloud but for the distance.
//!
//! | file | what |
//! | --- | --- |
//! | `agent` | the functions, and what is delivered between them |
//! | `annals` | proposals as the agent makes them, as many as are wanted |
//! | `cloud` | AWS, in this process |
//! | `deployment` | each function's environment, from `template.yaml` |
//! | `kept` | what is kept in the repository, and compared with |
//! | `lambda` | the Runtime API, and a function's process |
//! | `outside` | the gateway, a model, Slack and the pager |
//! | `part` | what is measured |
//! | `people` | what people ask for |
//! | `prices` | what AWS charges |
//! | `report` | tables, and JSON under `target/bench` |
//! | `trouble` | what goes wrong, one for each action |

mod agent;
mod annals;
mod cloud;
mod deployment;
mod kept;
mod lambda;
mod outside;
mod part;
mod people;
mod prices;
mod report;
mod trouble;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, ValueEnum};

use self::agent::Programs;
use self::kept::Keeping;
use self::part::replay::Sizes;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From the start of a process to its first answer.
    Start,
    /// What a handler takes by itself.
    Warm,
    /// Goes through all handlers and measures nothing: what a profiler counts.
    WarmOnce,
    /// The calls to AWS that an incident makes, exactly.
    Calls,
    /// What an incident costs, through all functions.
    Pipeline,
    /// What housekeeping's minute and an incident cost, the more is there already.
    Sweep,
    /// The operators' `policy replay` and `policy calibrate` over many proposals.
    Replay,
    /// The trail as CSV.
    Export,
    /// Instructions of a start and of an incident, counted by callgrind.
    Instructions,
}

#[derive(Parser)]
struct Cli {
    /// What is measured.
    part: Part,
    /// The folder of the functions' programs.
    #[arg(long, default_value = "target/release")]
    functions: PathBuf,
    /// Where the JSON is written.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
    /// The bare runtime's program.
    #[arg(long, default_value = "target/measure/hello")]
    hello: PathBuf,
    /// A Python with boto3 and slack_bolt.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The folder of the peers in Python.
    #[arg(long, default_value = "infra/bench/peers")]
    peers: PathBuf,
    /// How many incidents `warm-once` goes through.
    #[arg(long, default_value_t = 1)]
    incidents: usize,
    /// How often each function is started.
    #[arg(long, default_value_t = part::start::STARTS)]
    starts: usize,
    /// The operators' command.
    #[arg(long, default_value = "target/measure/sre-agent")]
    cli: PathBuf,
    /// The policy that `replay` tries.
    #[arg(long, default_value = "infra/policy")]
    policy: PathBuf,
    /// `sweep` and `replay` with as much as a large deployment has: an hour and more.
    #[arg(long)]
    large: bool,
    /// How many proposals `replay` goes through.
    #[arg(long)]
    proposals: Option<u64>,
    /// A Python with duckdb.
    #[arg(long)]
    duckdb: Option<PathBuf>,
    /// The folder of what is kept in the repository.
    #[arg(long, default_value = "infra/bench/kept")]
    kept: PathBuf,
    /// Compare with what is kept in the repository, and fail where it differs.
    #[arg(long)]
    check: bool,
    /// Keep this in the repository.
    #[arg(long, conflicts_with = "check")]
    update: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.part {
        // They have a runtime of their own.
        Part::Warm => part::warm::run(part::warm::INCIDENTS, &cli.out),
        Part::WarmOnce => part::warm::only(cli.incidents),
        Part::Export => part::export::run(cli.duckdb.as_deref(), &cli.peers, &cli.out),
        Part::Replay => tokio::runtime::Runtime::new()?.block_on(part::replay::run(
            &cli.cli,
            &cli.policy,
            match (cli.proposals, cli.large) {
                (Some(size), _) => Sizes::One(size),
                (None, true) => Sizes::Large,
                (None, false) => Sizes::Usual,
            },
            &cli.out,
        )),
        Part::Instructions => {
            part::instructions::run(&Programs::in_folder(&cli.functions)?, keeping(&cli), &cli.out)
        }
        Part::Start | Part::Calls | Part::Pipeline | Part::Sweep => {
            tokio::runtime::Runtime::new()?.block_on(processes(cli))
        }
    }
}

/// What is done with what is kept.
fn keeping(cli: &Cli) -> Keeping<'_> {
    match (cli.check, cli.update) {
        (true, _) => Keeping::Check(&cli.kept),
        (false, true) => Keeping::Update(&cli.kept),
        (false, false) => Keeping::Show,
    }
}

/// What is measured of the functions' processes.
async fn processes(cli: Cli) -> Result<()> {
    let programs = Programs::in_folder(&cli.functions)?;
    let text = |path: &Path| path.display().to_string();
    let python = cli.python.as_deref().map(text);
    let peers = part::peers::all(&text(&cli.hello), python.as_deref(), &text(&cli.peers));
    let keeping = keeping(&cli);
    let folder = cli.peers.join("agent");
    let agent = cli.python.as_deref();
    let agent = agent
        .map(|python| Programs::in_python(python, &folder))
        .transpose()?;
    match cli.part {
        Part::Start => part::start::run(programs, agent, &peers, cli.starts, &cli.out).await,
        Part::Sweep => part::sweep::run(programs, cli.large, &cli.out).await,
        Part::Pipeline => part::pipeline::run(programs, agent, &cli.out).await,
        Part::Warm | Part::WarmOnce | Part::Instructions | Part::Replay | Part::Export => Ok(()),
        Part::Calls => part::calls::run(programs, keeping, &cli.out).await,
    }
}
