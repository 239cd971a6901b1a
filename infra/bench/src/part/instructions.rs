//! Instructions, counted by callgrind: they do not depend on what else the machine does.
//!
//! They are kept in `kept/instructions.<architecture>.txt`, and `--check` says where one moved by more than three of a hundred.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::agent::Programs;
use crate::deployment::{FUNCTIONS, Places, Template};
use crate::kept::{Counts, Keeping, moved};
use crate::report::{Report, Table};

/// How far a count may move, of a hundred.
const TOLERANCE: f64 = 3.0;

/// How often a start is counted, at most.
const TIMES: usize = 8;

/// Of how many the median is kept.
const MEDIAN_OF: usize = 5;

/// The file of what is kept, for each architecture its own.
fn file() -> String {
    format!("instructions.{}.txt", std::env::consts::ARCH)
}

/// A port where nobody listens: without the Runtime API a function ends, once it has started.
const NOBODY: &str = "127.0.0.1:9";

/// How long it takes to answer: less than a call waits for.
const LATENCY: Duration = Duration::from_millis(500);

/// AWS that refuses whatever is asked of it. Where nobody answered, the SDK would try again as often as its waits, which it
/// draws by lot, fit into an operation's time: a start's count would be now one and now another.
async fn refusing() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    // Whether a connection is free again when the next call comes is a race, and so none is kept; and what is asked side by
    // side has all been asked before the first of it is answered, however busy the machine is.
    let router = Router::new().fallback(async || {
        tokio::time::sleep(LATENCY).await;
        (StatusCode::FORBIDDEN, [(CONNECTION, "close")])
    });
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

/// What a command takes. A function that is left alone ends badly, and must not end otherwise.
fn counted(command: &mut Command, ends_well: bool, folder: &Path) -> Result<u64> {
    let out = folder.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            valgrind.env(name, value);
        }
    }
    if let Some(path) = std::env::var_os("PATH") {
        valgrind.env("PATH", path);
    }
    let output = valgrind.output().context(
        "there is no valgrind here\n  install it: apt-get install valgrind, or dnf install valgrind",
    )?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() != ends_well {
        bail!("it ended with {}:\n{said}", output.status);
    }
    let line = said.lines().find_map(|line| line.split_once("Collected : "));
    let Some((_, count)) = line else {
        bail!("callgrind counted nothing:\n{said}")
    };
    count.trim().parse().context("callgrind's count is no number")
}

/// What a start takes. What it does side by side comes in another order now and then, which costs up to eight of a hundred: one
/// that is not what is kept is counted again, and the nearest counts; of one of which nothing is kept the median does.
fn settled(kept: Option<u64>, mut count: impl FnMut() -> Result<u64>) -> Result<u64> {
    let Some(kept) = kept else {
        let mut counts = (0..MEDIAN_OF).map(|_| count()).collect::<Result<Vec<u64>>>()?;
        counts.sort_unstable();
        return counts.get(MEDIAN_OF / 2).copied().context("nothing was counted");
    };
    let mut nearest = count()?;
    for _ in 1..TIMES {
        if moved(nearest as f64, kept as f64).abs() <= TOLERANCE {
            break;
        }
        let again = count()?;
        if again.abs_diff(kept) < nearest.abs_diff(kept) {
            nearest = again;
        }
    }
    Ok(nearest)
}

/// What is counted, by its name.
fn all(programs: &Programs, kept: &Counts) -> Result<Counts> {
    let folder = TempDir::new()?;
    let certificates = folder.path().join("certificates.pem");
    fs::write(&certificates, crate::cloud::tls::AMAZON)?;
    // On a thread of its own: the programs that are counted are waited for on this one.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let url = format!("http://{}", runtime.block_on(refusing())?);
    let template = Template::read()?;
    let mut counts = Counts::new();
    for (resource, name, _) in FUNCTIONS {
        let places = Places {
            aws: &url,
            outside: &url,
            certificates: &certificates,
        };
        let mut environment = template.environment(resource, name, &places)?;
        // As many roots as in the cloud, and not those of this machine.
        environment.insert("SSL_CERT_FILE".to_owned(), certificates.display().to_string());
        environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), NOBODY.to_owned());
        environment.insert("AWS_LAMBDA_FUNCTION_NAME".to_owned(), name.to_owned());
        environment.insert("AWS_LAMBDA_FUNCTION_VERSION".to_owned(), "1".to_owned());
        environment.insert("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), "512".to_owned());
        let mut command = Command::new(programs.file(name)?);
        command.envs(environment);
        let start = format!("start {name}");
        let count = settled(kept.get(&start).map(|kept| *kept as u64), || {
            counted(&mut command, false, folder.path())
        })?;
        counts.insert(start, count as f64);
    }
    let bench = std::env::current_exe()?;
    let once = |incidents: usize| {
        let mut command = Command::new(&bench);
        command.args(["warm-once", "--incidents", &incidents.to_string()]);
        command
    };
    // What the process does besides is in both.
    let few = counted(&mut once(2), true, folder.path())?;
    let more = counted(&mut once(12), true, folder.path())?;
    let warm = more.saturating_sub(few) / 10;
    counts.insert("warm, an incident".to_owned(), warm as f64);
    Ok(counts)
}

/// Counts, and compares with what is kept or keeps it.
pub(crate) fn run(programs: &Programs, keeping: Keeping<'_>, out: &Path) -> Result<()> {
    let mut report = Report::of("instructions", "counted by callgrind, of this build");
    let mut table = Table::of(&["", "instructions", "kept", "moved"]);
    let kept = keeping.counts(&file())?;
    let has_none = kept.is_none() && matches!(keeping, Keeping::Check(_));
    if has_none {
        report.say(format!(
            "nothing is kept for {}: there is nothing to compare with",
            std::env::consts::ARCH
        ));
    }
    let kept = kept.unwrap_or_default();
    let counts = all(programs, &kept)?;
    for (name, count) in &counts {
        let was = kept.get(name).copied();
        let moved = was.map(|was| moved(*count, was));
        table.row(vec![
            name.clone(),
            count.to_string(),
            was.map(|was| was.to_string()).unwrap_or_default(),
            moved.map(|moved| format!("{moved:+.1} %")).unwrap_or_default(),
        ]);
        report.figure(name, json!({ "instructions": count, "kept": was }));
    }
    report.table(&table);
    report.finish(out)?;
    if has_none {
        return Ok(());
    }
    keeping.keep_counts(&file(), &counts, TOLERANCE, "instructions")
}
