//! `cargo xtask bench`: measures the agent, as it is built for release. What is measured, and how, is in `infra/bench`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::build::{self, cargo};
use crate::paths::Paths;
use crate::processes::Run;
use crate::summary::Counts;
use crate::template;
use crate::tools::{BENCH, DUCKDB};

#[derive(Args)]
pub(crate) struct Arguments {
    /// What is measured; everything where nothing is named
    #[arg(value_enum, value_name = "PART")]
    parts: Vec<Part>,
    /// Of the functions as the tests build them, without optimisation: quick, and of no use for times
    #[arg(long)]
    tests: bool,
    /// Fail where it is not what infra/bench/kept has, of calls and instructions
    #[arg(long, requires = "tests")]
    check: bool,
    /// With as much as a large deployment has, sweep and replay: an hour and more, most of it waiting for the next one to begin
    #[arg(long, conflicts_with = "tests")]
    large: bool,
    /// Keep it in infra/bench/kept, calls and instructions
    #[arg(long, requires = "tests", conflicts_with = "check")]
    update: bool,
}

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// From the start of a process to its first answer, beside the bare runtime and Python
    Start,
    /// What a handler takes by itself, and what it allocates
    Warm,
    /// The calls to AWS that an incident makes, and what they cost
    Calls,
    /// What an incident costs through all functions, beside the same in Python
    Pipeline,
    /// What housekeeping's minute and an incident cost, the more proposals there are
    Sweep,
    /// `policy replay` and `policy calibrate` over many proposals
    Replay,
    /// The trail as CSV, beside DuckDB
    Export,
    /// Instructions of a start and of an incident, counted by callgrind
    Instructions,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Start => "start",
            Part::Warm => "warm",
            Part::Calls => "calls",
            Part::Pipeline => "pipeline",
            Part::Sweep => "sweep",
            Part::Replay => "replay",
            Part::Export => "export",
            Part::Instructions => "instructions",
        }
    }

    /// Whether the repository keeps what it comes to.
    fn is_kept(self) -> bool {
        matches!(self, Part::Calls | Part::Instructions)
    }
}

/// Where the programs are.
struct Built {
    functions: PathBuf,
    bench: PathBuf,
    hello: PathBuf,
    cli: PathBuf,
    /// The folder of the figures, under that of the build.
    out: &'static str,
}

pub(crate) async fn run(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    paths.create()?;
    let parts = match arguments.parts.as_slice() {
        [] => Part::value_variants(),
        some => some,
    };
    if (arguments.check || arguments.update) && !parts.iter().all(|part| part.is_kept()) {
        bail!(
            "only calls and instructions are kept\n  name them: cargo xtask bench calls instructions --tests"
        );
    }
    if arguments.large
        && !parts
            .iter()
            .all(|part| matches!(part, Part::Sweep | Part::Replay))
    {
        bail!("only sweep and replay have larger sizes\n  name them: cargo xtask bench sweep replay --large");
    }
    let built = if arguments.tests {
        as_tested(paths).await?
    } else {
        for_release(paths).await?
    };
    let python = BENCH.ensure(paths).await?.join("python");
    let duckdb = DUCKDB.ensure(paths).await?.join("python");
    tidy(paths)?;
    let mut failed = Vec::new();
    for part in parts {
        let mut command = command(paths, &built, *part);
        command.arg("--python").arg(&python);
        command.arg("--duckdb").arg(&duckdb);
        if arguments.large {
            command.arg("--large");
        }
        if arguments.check {
            command.arg("--check");
        }
        if arguments.update {
            command.arg("--update");
        }
        let status = tokio::process::Command::from(command)
            .kill_on_drop(true)
            .status()
            .await?;
        if !status.success() {
            failed.push(part.name());
        }
        println!();
    }
    tidy(paths)?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("these parts failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// The step `counts` of `cargo xtask test`: the calls, and the instructions.
pub(crate) async fn check(paths: &Paths) -> Result<(Counts, String)> {
    let built = as_tested(paths).await?;
    tidy(paths)?;
    let mut counts = Counts::default();
    let mut failed = Vec::new();
    // One after the other: on a busy machine, what a start does side by side comes in another order.
    for part in [Part::Calls, Part::Instructions] {
        let problem = kept(paths, &built, part).await?;
        counts.passed += usize::from(problem.is_none());
        counts.failed += usize::from(problem.is_some());
        failed.extend(problem);
    }
    Ok((counts, failed.join("; ")))
}

/// Compares a part with what is kept. Returns what is not as it was.
async fn kept(paths: &Paths, built: &Built, part: Part) -> Result<Option<String>> {
    let run = Run {
        name: part.name(),
        label: match part {
            Part::Calls => "the calls to AWS that an incident makes",
            _ => "instructions, counted by callgrind",
        },
        remedy: "if it is meant: cargo xtask bench calls instructions --tests --update",
        limit: Duration::from_secs(900),
        stdout: None,
    };
    let mut command = command(paths, built, part);
    let (status, progress) = run.attempt(paths, command.arg("--check")).await?;
    if status.success() {
        progress.done();
        return Ok(None);
    }
    progress.failed();
    let log = paths.log(part.name());
    let lines = crate::progress::last_lines(&log, 30);
    for line in &lines {
        eprintln!("  | {line}");
    }
    let seen = format!("see {}", paths.shown(&log));
    // All that differs, in the table of steps too: a log is not there any more when somebody asks.
    let error = lines.iter().skip_while(|line| !line.starts_with("Error: "));
    let words = error.flat_map(|line| line.split_whitespace());
    let error = words.collect::<Vec<_>>().join(" ");
    Ok(Some(match error.is_empty() {
        false => format!("{error} ({seen})"),
        true => seen,
    }))
}

/// What a part needs while it runs. One that is interrupted leaves it to the next.
fn scratch(paths: &Paths) -> PathBuf {
    paths.target().join("bench/scratch")
}

/// Empties it.
fn tidy(paths: &Paths) -> Result<()> {
    let folder = scratch(paths);
    match fs::remove_dir_all(&folder) {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => {
            return Err(err).with_context(|| folder.display().to_string());
        }
        _ => {}
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())
}

fn command(paths: &Paths, built: &Built, part: Part) -> Command {
    let mut command = Command::new(&built.bench);
    command
        .arg(part.name())
        .arg("--functions")
        .arg(&built.functions)
        .arg("--hello")
        .arg(&built.hello)
        .arg("--cli")
        .arg(&built.cli)
        .arg("--out")
        .arg(paths.target().join(built.out))
        .env("TMPDIR", scratch(paths))
        .current_dir(&paths.root)
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null());
    command
}

/// What the tests have built.
async fn as_tested(paths: &Paths) -> Result<Built> {
    let binaries = build::build(paths, &functions(paths)?, true).await?;
    let path = |name: &str| {
        let binary = binaries.get(name);
        let binary = binary.with_context(|| format!("{name} was not built"))?;
        Ok::<_, anyhow::Error>(binary.path.clone())
    };
    let bench = path("bench")?;
    let Some(folder) = bench.parent() else {
        bail!("{} is in no folder", bench.display())
    };
    Ok(Built {
        functions: folder.to_owned(),
        hello: path("hello")?,
        cli: path("sre-agent")?,
        bench,
        out: "bench/tests",
    })
}

/// What is deployed, and a quick program that measures it.
async fn for_release(paths: &Paths) -> Result<Built> {
    let mut release = cargo(paths);
    release.args(["build", "--release", "--bins"]);
    for name in functions(paths)? {
        release.args(["--package", &name]);
    }
    Run {
        name: "build-release",
        label: "building the functions for release, which takes some 20 minutes the first time",
        remedy: "the compiler's messages above say what to mend",
        limit: Duration::from_secs(7200),
        stdout: None,
    }
    .run(paths, &mut release)
    .await?;
    let mut bench = cargo(paths);
    bench.args(["build", "--profile", "measure", "--bins"]);
    bench.args(["--package", "bench", "--package", "sre-agent"]);
    Run {
        name: "build-bench",
        label: "building what measures them",
        remedy: "the compiler's messages above say what to mend",
        limit: Duration::from_secs(3600),
        stdout: None,
    }
    .run(paths, &mut bench)
    .await?;
    let folder = paths.target();
    Ok(Built {
        functions: folder.join("release"),
        bench: folder.join("measure/bench"),
        hello: folder.join("measure/hello"),
        cli: folder.join("measure/sre-agent"),
        out: "bench",
    })
}

fn functions(paths: &Paths) -> Result<Vec<String>> {
    let file = paths.root.join("template.yaml");
    let template = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(template::binaries(&template::functions(&template)))
}
