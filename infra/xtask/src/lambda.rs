//! `cargo lambda watch` and `cargo lambda invoke` as the README shows them: every function, with each of its samples.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::environment;
use crate::net::free_port;
use crate::paths::Paths;
use crate::processes::Process;
use crate::progress::{Step, last_lines};
use crate::state::State;
use crate::summary::Counts;
use crate::tools::CARGO_LAMBDA;

/// Its name on record and of its log.
const NAME: &str = "watch";

/// The first invocation of a function builds it, which takes this long only where nothing is built.
const PATIENCE: Duration = Duration::from_secs(600);

/// What comes of a sample on a stack that is new.
struct Sample {
    /// Its file in `events/lambda/`, which begins with the name of its function.
    file: &'static str,
    /// Parts of the reply.
    reply: &'static [&'static str],
    /// A part of what the function logs meanwhile.
    log: &'static str,
}

const NOTHING_FAILED: &[&str] = &[r#"{"batchItemFailures":[]}"#];
const NO_STREAM: &str = "there is no proposal gnr4sqzfryd4gg3mhvufxxmnmg-1: its stream has no records";

/// In this order: those that speak of a proposal's stream come before the one that opens it.
const SAMPLES: &[Sample] = &[
    Sample {
        file: "scoring.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "scoring.hint.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "execution.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "execution.hint.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "execution.restore.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "execution.verify.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "notification.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "notification.hint.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "outbox.hint.json",
        reply: NOTHING_FAILED,
        log: NO_STREAM,
    },
    Sample {
        file: "outbox.json",
        reply: &[r#"{"batchItemFailures":[{"itemIdentifier":"111100000000000000000001"}]}"#],
        log: "is in the stream but not in the table",
    },
    Sample {
        file: "approval-callback.json",
        reply: &[r#""statusCode":200"#, r#"{\"status\":\"ok\"}"#],
        log: "",
    },
    Sample {
        file: "approval-callback.slack.json",
        reply: &[
            r#""statusCode":401"#,
            "the signature's timestamp is more than 300 s from now",
        ],
        log: "refused a Slack request",
    },
    Sample {
        file: "approval-callback.slack-plain.json",
        reply: &[
            r#""statusCode":401"#,
            "the signature's timestamp is more than 300 s from now",
        ],
        log: "refused a Slack request",
    },
    Sample {
        file: "housekeeping.json",
        reply: &[r#""looked_at":0"#],
        log: "",
    },
    Sample {
        file: "ingest-and-propose.json",
        reply: NOTHING_FAILED,
        log: "concluded",
    },
    Sample {
        file: "ingest-and-propose.sns.json",
        reply: NOTHING_FAILED,
        log: "",
    },
    Sample {
        file: "ingest-and-propose.batch.json",
        reply: NOTHING_FAILED,
        log: "put to the dead-letter queue",
    },
];

/// Serves the functions on a port of this machine, with the environment that `cargo xtask env --functions` prints, and
/// invokes them.
pub(crate) async fn check(paths: &Paths, state: &State) -> Result<(Counts, String)> {
    let every = samples(paths)?;
    if let Some(file) = every
        .iter()
        .find(|file| SAMPLES.iter().all(|sample| sample.file != **file))
    {
        bail!("events/lambda/{file} is a new sample: say in infra/xtask/src/lambda.rs what comes of it");
    }
    let cargo_lambda = CARGO_LAMBDA.ensure(paths).await?.join("cargo-lambda");
    let port = free_port()?.to_string();
    let watch = watch(paths, state, &cargo_lambda, &port).await?;

    let mut step = Step::begin("cargo lambda invoke, with every sample");
    let mut counts = Counts::default();
    for sample in SAMPLES {
        step.heartbeat(|| Some(sample.file.to_owned()));
        match invoke(paths, state, &cargo_lambda, &port, sample).await {
            Ok(()) => counts.passed += 1,
            Err(error) => {
                counts.failed += 1;
                eprintln!("  ✗ {}: {error:#}", sample.file);
            }
        }
    }
    watch.stop(paths).await?;
    if counts.failed == 0 {
        step.done();
        return Ok((counts, String::new()));
    }
    step.failed();
    for line in last_lines(&paths.log(NAME), 40) {
        eprintln!("  | {line}");
    }
    Ok((counts, format!("see {}", paths.shown(&paths.log(NAME)))))
}

/// The files in `events/lambda/`.
fn samples(paths: &Paths) -> Result<Vec<String>> {
    let directory = paths.root.join("events/lambda");
    let entries = fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))?;
    entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Starts `cargo lambda watch`, and waits until it takes connections.
async fn watch(paths: &Paths, state: &State, cargo_lambda: &Path, port: &str) -> Result<Process> {
    let step = Step::begin("cargo lambda watch");
    let mut command = Command::new(cargo_lambda);
    command
        .args(["lambda", "watch", "--ignore-changes"])
        .args(["--invoke-address", "127.0.0.1", "--invoke-port", port])
        // What the tests were built with: without it, the SDKs would be compiled a second time.
        .args(["--features", "tests/as-tested"]);
    build::without_package(&mut command).current_dir(&paths.root);
    environment::apply(state, &mut command)?.envs(environment::of_functions(paths, state).await?);
    let process = Process::start(paths, NAME, &mut command)?;
    let began = Instant::now();
    while tokio::net::TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .is_err()
    {
        if !process.runs() || began.elapsed() > Duration::from_secs(30) {
            step.failed();
            for line in last_lines(&paths.log(NAME), 15) {
                eprintln!("  | {line}");
            }
            bail!(
                "cargo lambda watch takes no connections; its output is in {}",
                paths.shown(&paths.log(NAME))
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    step.done();
    Ok(process)
}

async fn invoke(
    paths: &Paths,
    state: &State,
    cargo_lambda: &Path,
    port: &str,
    sample: &Sample,
) -> Result<()> {
    let function = sample.file.split('.').next().unwrap_or_default();
    let logged = log_of_watch(paths)?.len();
    let mut command = Command::new(cargo_lambda);
    command
        .args(["lambda", "invoke", function])
        .args(["--invoke-address", "127.0.0.1", "--invoke-port", port])
        .arg("--data-file")
        .arg(Path::new("events/lambda").join(sample.file))
        .current_dir(&paths.root);
    environment::apply(state, &mut command)?;
    let mut command = tokio::process::Command::from(command);
    let output = tokio::time::timeout(PATIENCE, command.kill_on_drop(true).output())
        .await
        .with_context(|| format!("no reply within {} s", PATIENCE.as_secs()))??;
    let reply = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{reply}{}", String::from_utf8_lossy(&output.stderr));
    }
    if let Some(part) = sample.reply.iter().find(|part| !reply.contains(**part)) {
        bail!("the reply is {}, without {part}", reply.trim());
    }
    let log = log_of_watch(paths)?;
    let log = log.get(logged..).unwrap_or_default();
    if !log.contains(sample.log) {
        bail!("the function did not log: {}", sample.log);
    }
    Ok(())
}

fn log_of_watch(paths: &Paths) -> Result<String> {
    let log = fs::read(paths.log(NAME)).context("reading the log of cargo lambda watch")?;
    Ok(String::from_utf8_lossy(&log).into_owned())
}
