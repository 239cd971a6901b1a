//! Lambda in this process: its Runtime API, and a function's process behind it.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the process tells.
enum Told {
    /// It asks for its next event.
    Ready(Instant),
    /// It has answered.
    Answered(Instant, Result<Value, String>),
    /// It cannot start.
    Failed(String),
}

struct Wire {
    told: mpsc::UnboundedSender<Told>,
    events: Mutex<mpsc::UnboundedReceiver<Vec<u8>>>,
}

/// A function's process, from its start to its end. It is killed when dropped.
pub(crate) struct Function {
    name: String,
    child: Child,
    started: Instant,
    ready: Instant,
    told: mpsc::UnboundedReceiver<Told>,
    events: mpsc::UnboundedSender<Vec<u8>>,
    serving: JoinHandle<()>,
}

/// What an invocation came to.
pub(crate) struct Answered {
    /// Its answer.
    pub(crate) value: Value,
    /// From the event to the answer.
    pub(crate) took: Duration,
}

/// How a program is started.
pub(crate) struct Program<'a> {
    /// The program with its arguments.
    pub(crate) command: &'a [String],
    /// What it is called.
    pub(crate) name: &'a str,
    /// Its environment; it gets nothing else.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// Where what it logs goes.
    pub(crate) log: &'a Path,
}

impl Function {
    /// Starts a process, and waits until it asks for its first event.
    pub(crate) async fn start(program: &Program<'_>) -> Result<Self> {
        let name = program.name;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (told, mut hears) = mpsc::unbounded_channel();
        let (events, takes) = mpsc::unbounded_channel();
        let wire = Arc::new(Wire {
            told,
            events: Mutex::new(takes),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(not_started))
            .with_state(wire);
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let log = fs::File::options().create(true).append(true).open(program.log)?;
        let (path, arguments) = program.command.split_first().context("no program")?;
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .envs(program.environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            // What it imports was compiled when it was installed; nothing is left beside the peers.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("{path} does not start"))?;
        let heard = tokio::select! {
            heard = hear(&mut hears, name, program.log) => heard?,
            ended = child.wait() => bail!("{name} ended before its first event, with {}: {}", ended?, program.log.display()),
        };
        let ready = match heard {
            Told::Ready(at) => at,
            Told::Failed(why) => bail!("{name} cannot start: {why}"),
            Told::Answered(..) => bail!("{name} answers what it was not asked"),
        };
        Ok(Self {
            name: name.to_owned(),
            child,
            started,
            ready,
            told: hears,
            events,
            serving,
        })
    }

    /// From the start of the process until it asked for its first event.
    pub(crate) fn init(&self) -> Duration {
        self.ready - self.started
    }

    /// From the start of the process until then.
    pub(crate) fn until(&self, then: Instant) -> Duration {
        then.saturating_duration_since(self.started)
    }

    /// Hands it an event, and waits for its answer and until it asks for the next.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<Answered> {
        let sent = Instant::now();
        self.events.send(serde_json::to_vec(event)?)?;
        let name = self.name.clone();
        let mut outcome = None;
        loop {
            match hear(&mut self.told, &name, Path::new("")).await? {
                Told::Answered(at, Ok(value)) => outcome = Some((at, value)),
                Told::Answered(_, Err(why)) => bail!("{name} failed: {why}"),
                Told::Failed(why) => bail!("{name} ended: {why}"),
                Told::Ready(_) => break,
            }
        }
        let (at, value) = outcome.with_context(|| format!("{name} gave no answer"))?;
        ensure!(
            value["batchItemFailures"].as_array().is_none_or(Vec::is_empty),
            "{name} did not work its message: {value}"
        );
        Ok(Answered {
            value,
            took: at - sent,
        })
    }

    fn stat(&self, file: &str) -> Result<String> {
        let pid = self.child.id().context("it has ended")?;
        Ok(fs::read_to_string(format!("/proc/{pid}/{file}"))?)
    }

    /// The most memory it has had at once, KiB.
    pub(crate) fn peak_kib(&self) -> Result<u64> {
        let status = self.stat("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.context("no VmHWM")?.parse().context("no VmHWM")
    }

    /// Time on a processor so far, all of its threads.
    pub(crate) fn on_cpu(&self) -> Result<Duration> {
        let pid = self.child.id().context("it has ended")?;
        let mut all = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let line = fs::read_to_string(task?.path().join("schedstat"))?;
            let spent = line.split_whitespace().next().context("no schedstat")?;
            all += spent.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(all))
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.child.kill().await?;
        Ok(())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn hear(told: &mut mpsc::UnboundedReceiver<Told>, name: &str, log: &Path) -> Result<Told> {
    match tokio::time::timeout(PATIENCE, told.recv()).await {
        Ok(Some(told)) => Ok(told),
        Ok(None) => bail!("{name} has ended: {}", log.display()),
        Err(_) => bail!(
            "{name} says nothing for {} s: {}",
            PATIENCE.as_secs(),
            log.display()
        ),
    }
}

async fn next(State(wire): State<Arc<Wire>>) -> Response {
    let _ = wire.told.send(Told::Ready(Instant::now()));
    let event = wire.events.lock().await.recv().await.unwrap_or_default();
    let deadline = since_epoch() + PATIENCE;
    Response::builder()
        .header(
            "lambda-runtime-aws-request-id",
            "00000000-0000-4000-8000-123456789012",
        )
        .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:bench",
        )
        .header(
            "lambda-runtime-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
        )
        .body(Body::from(event))
        .unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline is told in the machine's time, as Lambda does"
)]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

async fn answered(State(wire): State<Arc<Wire>>, UrlPath(_): UrlPath<String>, body: Bytes) -> Response {
    let at = Instant::now();
    let value = serde_json::from_slice(&body).map_err(|err| err.to_string());
    let _ = wire.told.send(Told::Answered(at, value));
    taken()
}

async fn failed(State(wire): State<Arc<Wire>>, UrlPath(_): UrlPath<String>, body: Bytes) -> Response {
    let why = String::from_utf8_lossy(&body).into_owned();
    let _ = wire.told.send(Told::Answered(Instant::now(), Err(why)));
    taken()
}

async fn not_started(State(wire): State<Arc<Wire>>, body: Bytes) -> Response {
    let why = String::from_utf8_lossy(&body).into_owned();
    let _ = wire.told.send(Told::Failed(why));
    taken()
}

fn taken() -> Response {
    let answer = Response::builder().status(202);
    answer.body(Body::from("{\"status\":\"OK\"}")).unwrap_or_default()
}
