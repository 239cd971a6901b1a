//! `policy replay` and `policy calibrate` over many proposals, which come as `trail export` writes them.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;

use crate::annals::{self, Annals};
use crate::report::{Report, Table};

/// How many proposals there are.
pub(crate) enum Sizes {
    /// [`USUAL`].
    Usual,
    /// [`LARGE`].
    Large,
    /// So many.
    One(u64),
}

const USUAL: [u64; 2] = [10_000, 100_000];
const LARGE: u64 = 1_000_000;

/// Between the beginnings of two proposals, ms.
const APART_MS: u64 = 20_000;

/// How long it may take after it has read everything.
const PATIENCE: Duration = Duration::from_secs(600);

/// What it took.
struct Took {
    seconds: f64,
    records: u64,
    bytes: u64,
    peak_kib: u64,
}

/// Runs the operators' command on so many proposals, which are made while it reads.
fn run_on(cli: &Path, arguments: &[&str], annals: &Annals, proposals: u64) -> Result<Took> {
    let began = Instant::now();
    let mut child = Command::new(cli)
        .args(arguments)
        .args(["--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("{} does not start", cli.display()))?;
    let status = format!("/proc/{}/status", child.id());
    let stdin = child.stdin.take().context("no standard input")?;
    let mut lines = BufWriter::with_capacity(1 << 20, stdin);
    let (mut records, mut bytes) = (0, 0);
    for number in 0..proposals {
        let told = annals::retold(annals.over(number)?, number, number * APART_MS)?;
        for record in told {
            let mut line = serde_json::to_vec(&record)?;
            line.push(b'\n');
            bytes += line.len() as u64;
            records += 1;
            lines.write_all(&line)?;
        }
    }
    lines.flush()?;
    drop(lines);
    // What it tells at its end takes memory, too, and of a process that has ended nobody tells its most: it is asked until
    // then, a thousand times a second.
    let (mut peak_kib, read) = (None, Instant::now());
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        if read.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("{arguments:?} did not end within {PATIENCE:?} after it had everything");
        }
        peak_kib = peak(&status).ok().or(peak_kib);
        std::thread::sleep(Duration::from_millis(1));
    };
    ensure!(ended.success(), "{arguments:?} ended with {ended}");
    let peak_kib = peak_kib.with_context(|| format!("{arguments:?} ended before its memory was read"))?;
    Ok(Took {
        seconds: began.elapsed().as_secs_f64(),
        records,
        bytes,
        peak_kib,
    })
}

fn peak(status: &str) -> Result<u64> {
    let text = fs::read_to_string(status).with_context(|| format!("{status} cannot be read"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.context("no VmHWM")?.parse().context("no VmHWM")
}

pub(crate) async fn run(cli: &Path, policy: &Path, sizes: Sizes, out: &Path) -> Result<()> {
    let annals = Annals::live().await?;
    let policy = policy.display().to_string();
    let commands: [(&str, Vec<&str>); 2] = [
        ("policy replay", vec!["policy", "replay", "--policy", &policy]),
        ("policy calibrate", vec!["policy", "calibrate"]),
    ];
    let (name, sizes) = match sizes {
        Sizes::Usual => ("replay", USUAL.to_vec()),
        Sizes::Large => ("replay-large", vec![LARGE]),
        Sizes::One(size) => ("replay", vec![size]),
    };
    let mut report = Report::of(
        name,
        "the operators' command over many proposals, of which all records are read and verified",
    );
    let mut table = Table::of(&[
        "",
        "proposals",
        "s",
        "proposals/s",
        "records/s",
        "MB/s",
        "memory MB",
    ]);
    for size in sizes {
        for (name, arguments) in &commands {
            let took = run_on(cli, arguments, &annals, size)?;
            let rate = |count: u64| format!("{:.0}", count as f64 / took.seconds);
            table.row(vec![
                (*name).to_owned(),
                size.to_string(),
                format!("{:.1}", took.seconds),
                rate(size),
                rate(took.records),
                format!("{:.0}", took.bytes as f64 / 1e6 / took.seconds),
                format!("{:.1}", took.peak_kib as f64 / 1024.0),
            ]);
            report.figure(
                &format!("{name}, {size}"),
                json!({ "s": took.seconds, "records": took.records, "bytes": took.bytes, "memory_kib": took.peak_kib }),
            );
            eprintln!("replay: {name} of {size} is done");
        }
    }
    report.table(&table);
    report.say("the proposals are made on the same cores, while they are read");
    report.finish(out)
}
