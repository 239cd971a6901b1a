//! The local stack: started, brought up to date, stopped.

pub(crate) mod place;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use domain::permission::Directory;
use serde_json::json;

use crate::aws;
use crate::build::{self, Binary};
use crate::emulator::{self, Kind};
use crate::environment;
use crate::net::{free_port, healthy, http, url};
use crate::paths::Paths;
use crate::processes::{self, Process, Run};
use crate::progress::{Step, last_lines};
use crate::sandbox;
use crate::slack;
use crate::stack::place::{Choice, Place};
use crate::state::{Deployment, FunctionUrls, STACK, Secrets, State};
use crate::template::{self, Function};

#[derive(Args, Clone, Default)]
pub(crate) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// A parameter of template.yaml, as NAME=VALUE; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Starts from scratch even where a stack runs
    #[arg(long)]
    fresh: bool,
    /// Whether the tests are built in the same call
    #[arg(skip)]
    with_tests: bool,
}

impl Arguments {
    /// A new stack, whatever runs, for the tests.
    pub(crate) fn for_tests(kind: Kind) -> Self {
        Self {
            choice: Choice::of(kind),
            parameters: Vec::new(),
            fresh: true,
            with_tests: true,
        }
    }

    /// The stack that is chosen, with the parameters as they are.
    pub(crate) fn chosen(choice: &Choice) -> Self {
        Self {
            choice: choice.clone(),
            ..Self::default()
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a parameter is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Whether this run has processes of the stack to stop when it ends.
static MUST_STOP: AtomicBool = AtomicBool::new(false);

pub(crate) fn must_stop() -> bool {
    MUST_STOP.load(Ordering::Relaxed)
}

/// From here on the stack outlives this run.
pub(crate) fn keep() {
    MUST_STOP.store(false, Ordering::Relaxed);
}

/// A stack that is up, and the right to change it.
pub(crate) struct Stack {
    pub(crate) state: State,
    /// The operators' command, as it was just built.
    pub(crate) cli: PathBuf,
    /// Whether it ran before.
    pub(crate) found: bool,
}

/// The right to start and stop processes, which one run at a time has.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not used")] File);

/// `cargo xtask up`.
pub(crate) async fn up_and_keep(paths: &Paths, arguments: &Arguments) -> Result<()> {
    let lock = lock(paths).await?;
    let stack = up(paths, &lock, arguments).await?;
    keep();
    eprintln!("\nThe stack is up. Its environment, which `cargo xtask env` prints again:\n");
    environment::print_of(&stack.state)?;
    eprintln!(
        "\nThe aws command ignores AWS_ENDPOINT_URL for SQS: aws sqs --endpoint-url \"$AWS_ENDPOINT_URL\" …"
    );
    eprintln!("{}.", stack.state.place.kind.description().shortcomings());
    eprintln!("Stop it with: cargo xtask down");
    Ok(())
}

/// Brings the stack up to date, starting what does not run.
pub(crate) async fn up(paths: &Paths, _: &Lock, arguments: &Arguments) -> Result<Stack> {
    let known = State::load(paths);
    let place = arguments
        .choice
        .place(known.as_ref().map(|state| &state.place))
        .await?;
    let source = fs::read_to_string(paths.root.join("template.yaml")).context("reading template.yaml")?;
    let functions = template::functions(&source);
    let wanted = template::binaries(&functions);
    let derived = template::derive(&source)?;
    let binaries = build::build(paths, &wanted, arguments.with_tests).await?;
    build::stage(paths, &wanted, &binaries).await?;
    let cli = binary(&binaries, build::CLI)?.path.clone();

    if let Some(state) = known {
        match why_stale(paths, arguments, &state, &place, &derived).await? {
            None => {
                let state = update(paths, &functions, &binaries, state).await?;
                return Ok(Stack {
                    state,
                    cli,
                    found: true,
                });
            }
            Some(reason) => eprintln!("▸ starting from scratch: {reason}"),
        }
    }
    let left = stop(paths).await?;
    if left > 0 {
        eprintln!("✓ stopped {left} processes of an earlier run");
    }
    MUST_STOP.store(true, Ordering::Relaxed);

    let mut state = State {
        aws_url: started(paths, &place).await?,
        sandbox_port: free_port()?,
        parameters: BTreeMap::new(),
        template: derived,
        builds: builds(&binaries),
        secrets: Secrets::random(),
        deployment: Deployment::default(),
        function_urls: FunctionUrls::ByPath,
        place,
    };
    state.parameters = parameters(&state.place, state.sandbox_port, &arguments.parameters);
    sandbox::start(paths, &binary(&binaries, build::SANDBOX)?.path, &state).await?;
    state.deployment = deploy(paths, &state).await?;
    state.function_urls = state.reached_by().await?;
    check_callback(paths, &state).await?;
    sandbox::listen(&state).await?;
    state.save(paths)?;
    Ok(Stack {
        state,
        cli,
        found: false,
    })
}

/// The address of the emulator, which is started where it is ours.
async fn started(paths: &Paths, place: &Place) -> Result<String> {
    if let Some(endpoint) = &place.endpoint {
        return Ok(endpoint.clone());
    }
    let port = free_port()?;
    emulator::start(paths, place.kind, port).await?;
    Ok(url(port))
}

fn builds(binaries: &BTreeMap<String, Binary>) -> BTreeMap<String, String> {
    let builds = binaries.iter();
    builds
        .map(|(name, binary)| (name.clone(), binary.build.clone()))
        .collect()
}

fn binary<'a>(binaries: &'a BTreeMap<String, Binary>, name: &str) -> Result<&'a Binary> {
    binaries
        .get(name)
        .with_context(|| format!("{name} was not built"))
}

/// Parameters of the template on this machine: what is local by nature, waits short enough to watch, and what the
/// caller asks for.
fn parameters(place: &Place, sandbox_port: u16, asked: &[(String, String)]) -> BTreeMap<String, String> {
    let sandbox = format!("http://{}:{sandbox_port}", place.host);
    let local = [
        ("LocalStack", "true"),
        (
            "Architecture",
            if cfg!(target_arch = "aarch64") {
                "arm64"
            } else {
                "x86_64"
            },
        ),
        ("GatewayUrl", &sandbox),
        ("PagerDutyUrl", &sandbox),
        ("SlackApiUrl", &sandbox),
        ("SlackResponseOrigin", &sandbox),
        // No model is at hand on every machine: `cargo xtask up --parameter ModelApi=anthropic …` asks one.
        ("ModelApi", "none"),
        ("SlackAppId", slack::APP_ID),
        ("SlackTeamIds", slack::TEAM_ID),
        ("SlackChannel", slack::CHANNEL),
        ("RunbookBreakSeconds", "30"),
        ("CorrelationWindowSeconds", "20"),
        ("VerifyAfterSeconds", "10"),
    ];
    let local = local
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    local.chain(asked.iter().cloned()).collect()
}

/// Why the deployed stack cannot be brought up to date in place; `None` where it can.
async fn why_stale(
    paths: &Paths,
    arguments: &Arguments,
    state: &State,
    place: &Place,
    derived: &str,
) -> Result<Option<&'static str>> {
    let runs = (place.endpoint.is_some() || Process::running(paths, emulator::NAME)?.is_some())
        && Process::running(paths, sandbox::NAME)?.is_some();
    Ok(if arguments.fresh {
        Some("asked for")
    } else if state.place != *place {
        Some("another emulator is asked for")
    } else if !runs {
        Some("the stack does not run any more")
    } else if !place.kind.is_up(&state.aws_url).await
        || !healthy(&format!("{}/healthz", state.sandbox_url())).await
    {
        Some("the stack does not answer any more")
    } else if state.template != derived {
        Some("template.yaml has changed")
    } else if state.parameters != parameters(place, state.sandbox_port, &arguments.parameters) {
        Some("it was deployed with other parameters")
    } else {
        None
    })
}

/// Brings a running stack up to date with the binaries.
async fn update(
    paths: &Paths,
    functions: &[Function],
    binaries: &BTreeMap<String, Binary>,
    mut state: State,
) -> Result<State> {
    let step = Step::begin("looking at the running stack");
    let changed: Vec<&str> = binaries
        .iter()
        .filter(|(name, binary)| state.builds.get(*name) != Some(&binary.build))
        .map(|(name, _)| name.as_str())
        .collect();
    if changed.is_empty() {
        step.done_with("up to date");
        return Ok(state);
    }
    step.done_with(&format!("{} changed", changed.join(", ")));

    let changed_functions: BTreeMap<&str, PathBuf> = functions
        .iter()
        .filter(|function| changed.contains(&function.binary.as_str()))
        .map(|function| {
            let code = paths.stack().join("functions").join(&function.binary);
            (function.name.as_str(), code)
        })
        .collect();
    if !changed_functions.is_empty() {
        let run = Run {
            name: "update-functions",
            label: "updating the functions' code",
            remedy: "start from scratch: cargo xtask up --fresh",
            limit: Duration::from_secs(120),
            stdout: None,
        };
        let request = json!({ "stack": STACK, "functions": changed_functions });
        let _: Vec<String> = aws::run(paths, &state.aws_url, run, &request).await?;
    }
    if changed.contains(&build::SANDBOX) {
        if let Some(running) = Process::running(paths, sandbox::NAME)? {
            running.stop(paths).await?;
        }
        sandbox::start(paths, &binary(binaries, build::SANDBOX)?.path, &state).await?;
    }
    state.builds = builds(binaries);
    check_callback(paths, &state).await?;
    sandbox::listen(&state).await?;
    state.save(paths)?;
    Ok(state)
}

/// Deploys the derived template, with the fix-ups and the secrets.
async fn deploy(paths: &Paths, state: &State) -> Result<Deployment> {
    let template = paths.stack().join("template.yaml");
    fs::write(&template, &state.template)?;
    let operators = fs::read_to_string(paths.root.join("events/operators.json"))
        .context("reading events/operators.json")?;
    Directory::parse(&operators).map_err(|problem| anyhow!("events/operators.json: {problem}"))?;
    let limit = state.place.kind.description().deploys_within;
    let request = json!({
        "stack": STACK,
        "emulator": state.place.kind.id(),
        "seconds": limit.as_secs(),
        "template": template,
        "parameters": state.parameters,
        "secrets": {
            "slack-signing": state.secrets.slack_signing,
            "slack-bot": state.secrets.slack_bot,
            "gateway-read": state.secrets.gateway_read,
            "gateway-write": state.secrets.gateway_write,
            "pagerduty": state.secrets.pagerduty,
            "model": state.secrets.model,
            "operators": operators,
        },
    });
    let run = Run {
        name: "deploy",
        label: "deploying template.yaml",
        remedy: "check the template (cargo xtask test --only sam); the emulator's own log is target/stack/logs/emulator.log",
        limit: limit + Duration::from_secs(60),
        stdout: None,
    };
    aws::run(paths, &state.aws_url, run, &request).await
}

/// One request through a deployed function: a binary that cannot start is found here rather than in an incident.
async fn check_callback(paths: &Paths, state: &State) -> Result<()> {
    let step = Step::begin("asking the deployed callback how it is");
    let url = format!("{}/healthz", state.callback_url()?);
    let answer = http()?
        .get(&url)
        .send()
        .await
        .context("asking the deployed callback")?;
    let status = answer.status();
    if status.is_success() {
        step.done();
        return Ok(());
    }
    step.failed();
    for line in last_lines(&paths.log(emulator::NAME), 15) {
        eprintln!("  | {line}");
    }
    let text = answer.text().await.unwrap_or_default();
    bail!(
        "the deployed callback answered {status} to GET /healthz: {text}\n  its log is in target/stack/logs/emulator.log"
    )
}

/// `cargo xtask down`.
pub(crate) async fn down(paths: &Paths) -> Result<()> {
    let _lock = lock(paths).await?;
    let step = Step::begin("stopping the local stack");
    match stop(paths).await? {
        0 => step.done_with("nothing was running"),
        1 => step.done_with("1 process, and what it had started"),
        count => step.done_with(&format!("{count} processes, and what they had started")),
    };
    Ok(())
}

/// Stops every process on record, and checks that it has ended. How many ran.
pub(crate) async fn stop(paths: &Paths) -> Result<usize> {
    State::forget(paths)?;
    let stopped = processes::stop_all(paths).await?;
    keep();
    // The functions' unpacked code; the logs stay.
    let unpacked = paths.stack().join("emulator");
    if unpacked.exists() {
        fs::remove_dir_all(unpacked)?;
    }
    Ok(stopped)
}

/// Takes the lock, and ends the steps that a run which was killed has left.
pub(crate) async fn lock(paths: &Paths) -> Result<Lock> {
    paths.create()?;
    let path = paths.stack().join("lock");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            write!(file, "{}", std::process::id())?;
        }
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.read_to_string(&mut owner)?;
            bail!(
                "another cargo xtask (process {owner}) is using the local stack\n  let it finish, or interrupt it"
            )
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    processes::stop_steps(paths).await?;
    Ok(Lock(file))
}
