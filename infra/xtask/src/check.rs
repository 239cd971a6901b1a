//! `cargo xtask test`: every check and every test, one after the other, to the end even where one fails.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::bench;
use crate::build::cargo;
use crate::demo;
use crate::emulator::Kind;
use crate::environment;
use crate::guard;
use crate::lambda;
use crate::model;
use crate::paths::Paths;
use crate::processes::Run;
use crate::progress::{Step, last_lines};
use crate::sbom;
use crate::stack;
use crate::summary::{self, Counts, Failure, Outcome, Verdict};
use crate::tools::{CARGO_DENY, CYCLONEDX, DUCKDB, JSON_SCHEMA, MODEL_TYPES, SAM};
use crate::{sheets, slack_judges};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Runs this step alone; may be repeated
    #[arg(long, value_name = "STEP")]
    only: Vec<CheckStep>,
    /// Leaves out what needs a local stack
    #[arg(long)]
    skip_stack: bool,
    /// The emulator for the steps stack, demo, model and lambda; the step localstack runs on LocalStack in any case
    #[arg(long, value_enum, value_name = "EMULATOR", env = "SRE_STACK", default_value_t)]
    stack: Kind,
    /// Of a step with tests, only those whose names contain one of these
    #[arg(last = true, value_name = "NAME")]
    names: Vec<String>,
}

/// The steps in their order.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckStep {
    /// Formatting
    Fmt,
    /// clippy, its warnings denied
    Clippy,
    /// The same for the tests on the local stack, which clippy leaves out where plain `cargo test` does
    ClippyStack,
    /// The crates' documentation, its warnings denied
    Docs,
    /// The crates' licences, sources and duplicates
    Deny,
    /// The functions' bills of materials against the schema of CycloneDX
    Sbom,
    /// Unit, property, lifecycle and template tests
    Tests,
    /// sam validate --lint
    Sam,
    /// cfn-lint
    CfnLint,
    /// cfn-guard and checkov on the plain CloudFormation
    Guard,
    /// Requests to models against the types of the providers' SDKs
    ModelTypes,
    /// What is said to Slack, and the sandbox's Slack, against Slack's own SDKs
    SlackJudges,
    /// Hostile sheets of the CSV export against Python's csv and DuckDB
    Sheets,
    /// The calls to AWS that an incident makes, and instructions, against what infra/bench/kept has
    Counts,
    /// infra/localstack/compose.yaml against the compose specification
    Compose,
    /// Tests of the deployed functions on the local stack
    Stack,
    /// The same on LocalStack, with those that only it can run
    Localstack,
    /// The demo, on a stack of its own
    Demo,
    /// Tests on the local stack with aimock as the model and LiteLLM in front of it
    Model,
    /// cargo lambda watch, and cargo lambda invoke with every sample
    Lambda,
}

/// Prints the summary, and fails if a step did.
pub(crate) async fn run(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    let lock = stack::lock(paths).await?;
    let began = Instant::now();
    let mut outcomes = Vec::new();
    for &step in CheckStep::value_variants() {
        let left_out = if !arguments.only.is_empty() && !arguments.only.contains(&step) {
            Some("left out by --only")
        } else if arguments.skip_stack && step.needs_the_stack() {
            Some("left out by --skip-stack")
        } else if step == CheckStep::Localstack
            && arguments.runs(CheckStep::Stack)
            && arguments.stack == Kind::Localstack
        {
            Some("it is the step stack of this run")
        } else {
            None
        };
        outcomes.push(match left_out {
            Some(why) => Outcome {
                step: step.name(),
                took: Duration::ZERO,
                verdict: Verdict::NotRun(why),
                note: String::new(),
                failures: Vec::new(),
            },
            None => outcome(paths, &lock, step, arguments).await,
        });
    }
    let passed = summary::print(&outcomes, began.elapsed());
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs one step; one that cannot run has failed.
async fn outcome(paths: &Paths, lock: &stack::Lock, step: CheckStep, arguments: &Arguments) -> Outcome {
    let began = Instant::now();
    let result = if step.needs_the_stack() {
        let kind = if step == CheckStep::Localstack {
            Kind::Localstack
        } else {
            arguments.stack
        };
        on_the_stack(paths, lock, step, kind, &arguments.names).await
    } else if step == CheckStep::SlackJudges {
        slack_judges::check(paths).await
    } else if step == CheckStep::Counts {
        bench::check(paths).await
    } else if step == CheckStep::Guard {
        guard::check(paths).await
    } else {
        let named = if step.has_tests() {
            &arguments.names[..]
        } else {
            &[]
        };
        attempt(paths, step, named).await
    };
    let (counts, note) = result.unwrap_or_else(|error| {
        eprintln!("✗ {}: {error:#}", step.name());
        let reason = error.to_string();
        (
            Counts::one(false),
            reason.lines().next().unwrap_or_default().to_owned(),
        )
    });
    Outcome {
        step: step.name(),
        took: began.elapsed(),
        verdict: Verdict::Ran(counts),
        note,
        failures: failures(paths, step, counts),
    }
}

/// The tests that failed, by the step's log.
fn failures(paths: &Paths, step: CheckStep, counts: Counts) -> Vec<Failure> {
    if counts.failed == 0 || !step.has_tests() {
        return Vec::new();
    }
    std::fs::read(paths.log(step.name()))
        .map(|log| Failure::of_cargo_test(&String::from_utf8_lossy(&log)))
        .unwrap_or_default()
}

impl Arguments {
    /// Whether no step is left out.
    pub(crate) fn runs_everything(&self) -> bool {
        self.only.is_empty() && !self.skip_stack
    }

    /// Whether a step is asked for.
    fn runs(&self, step: CheckStep) -> bool {
        (self.only.is_empty() || self.only.contains(&step)) && !(self.skip_stack && step.needs_the_stack())
    }
}

impl CheckStep {
    fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::ClippyStack => "clippy-stack",
            Self::Docs => "docs",
            Self::Deny => "deny",
            Self::Sbom => "sbom",
            Self::Tests => "tests",
            Self::Sam => "sam",
            Self::CfnLint => "cfn-lint",
            Self::Guard => "guard",
            Self::ModelTypes => "model-types",
            Self::SlackJudges => "slack-judges",
            Self::Sheets => "sheets",
            Self::Counts => "counts",
            Self::Compose => "compose",
            Self::Stack => "stack",
            Self::Localstack => "localstack",
            Self::Demo => "demo",
            Self::Model => "model",
            Self::Lambda => "lambda",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Fmt => "cargo fmt --all --check",
            Self::Clippy => "cargo clippy, warnings denied",
            Self::ClippyStack => "cargo clippy on the tests on the local stack",
            Self::Docs => "cargo doc, warnings denied",
            Self::Deny => "cargo deny: licences, bans, sources",
            Self::Sbom => "bills of materials against CycloneDX's schema",
            Self::Tests => "unit, property, lifecycle and template tests",
            Self::Sam => "sam validate --lint",
            Self::CfnLint => "cfn-lint template.yaml",
            Self::Guard => "cfn-guard and checkov on the plain CloudFormation",
            Self::ModelTypes => "requests to models against the SDKs' types",
            Self::SlackJudges => "what is said to Slack against Slack's SDKs",
            Self::Sheets => "hostile sheets against Python's csv and DuckDB",
            Self::Counts => "calls and instructions against what is kept",
            Self::Compose => "infra/localstack/compose.yaml against the compose specification",
            Self::Stack => "tests on the local stack",
            Self::Localstack => "tests on LocalStack",
            Self::Demo => "the demo",
            Self::Model => "tests on the local stack with a model",
            Self::Lambda => "cargo lambda",
        }
    }

    async fn command(self, paths: &Paths) -> Result<Command> {
        let mut command = cargo(paths);
        match self {
            Self::Fmt => command.args(["fmt", "--all", "--check"]),
            Self::Clippy => command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            Self::ClippyStack => {
                command.args(["clippy", "--workspace", "--test", "stack", "--", "-D", "warnings"])
            }
            Self::Docs => command
                .args(["doc", "--workspace", "--no-deps"])
                .env("RUSTDOCFLAGS", "-D warnings"),
            Self::Deny => {
                command = Command::new(CARGO_DENY.ensure(paths).await?.join("cargo-deny"));
                command
                    .args(["--locked", "check", "--deny", "warnings"])
                    .args(["licenses", "bans", "sources"])
            }
            Self::Sbom => {
                command = Command::new(CYCLONEDX.ensure(paths).await?.join("python"));
                command
                    .args(["-B", "infra/xtask/check_sbom.py"])
                    .args(sbom::write(paths, sbom::Architecture::default())?)
            }
            Self::Tests => command.args(["test", "--workspace", "--no-fail-fast", "--"]),
            // Those of the step after it need a model.
            Self::Stack | Self::Localstack => command.args([
                "test",
                "--workspace",
                "--test",
                "stack",
                "--",
                "--skip",
                "model::",
            ]),
            Self::Model => command.args([
                "test",
                "--workspace",
                "--test",
                "stack",
                "--",
                "--ignored",
                "model::",
            ]),
            Self::Guard | Self::SlackJudges | Self::Counts | Self::Demo | Self::Lambda => {
                bail!("this step is no single command")
            }
            Self::Sam => {
                command = Command::new(SAM.ensure(paths).await?.join("sam"));
                command
                    .args(["validate", "--lint", "--template", "template.yaml"])
                    .env("SAM_CLI_TELEMETRY", "0")
                    .env("AWS_DEFAULT_REGION", crate::state::REGION)
            }
            Self::CfnLint => {
                command = Command::new(SAM.ensure(paths).await?.join("cfn-lint"));
                command.args(["--template", "template.yaml"])
            }
            Self::Sheets => {
                command = Command::new(DUCKDB.ensure(paths).await?.join("python"));
                command
                    .args(["-B", "infra/xtask/check_sheets.py"])
                    .args(sheets::write(paths)?)
            }
            Self::Compose => {
                command = Command::new(JSON_SCHEMA.ensure(paths).await?.join("check-jsonschema"));
                command.args([
                    "--builtin-schema",
                    "vendor.compose-spec",
                    "infra/localstack/compose.yaml",
                ])
            }
            Self::ModelTypes => {
                command = Command::new(MODEL_TYPES.ensure(paths).await?.join("python"));
                command.arg("infra/model/check_requests.py")
            }
        };
        command.current_dir(&paths.root);
        Ok(command)
    }

    fn has_tests(self) -> bool {
        matches!(self, Self::Tests | Self::Stack | Self::Localstack | Self::Model)
    }

    fn needs_the_stack(self) -> bool {
        matches!(
            self,
            Self::Stack | Self::Localstack | Self::Demo | Self::Model | Self::Lambda
        )
    }
}

async fn attempt(paths: &Paths, step: CheckStep, names: &[String]) -> Result<(Counts, String)> {
    let mut command = step.command(paths).await?;
    judge(paths, step, command.args(names)).await
}

/// Brings a stack of its own up, tests it, and stops it.
async fn on_the_stack(
    paths: &Paths,
    lock: &stack::Lock,
    step: CheckStep,
    kind: Kind,
    names: &[String],
) -> Result<(Counts, String)> {
    if step == CheckStep::Model {
        model::install(paths).await?;
    }
    let arguments = stack::Arguments::for_tests(kind);
    let stack = stack::up(paths, lock, &arguments).await?;
    let result = if step == CheckStep::Lambda {
        lambda::check(paths, &stack.state).await
    } else if step == CheckStep::Demo {
        let played = demo::play(paths, &stack).await;
        played.map(|()| (Counts::one(true), String::new()))
    } else {
        let mut command = step.command(paths).await?;
        environment::apply(&stack.state, &mut command)?;
        for cannot in kind.description().cannot {
            for module in cannot.tests {
                eprintln!(
                    "  tests/stack/{module}.rs is not run on {}, which does not do as AWS does: {}",
                    kind.id(),
                    cannot.what
                );
            }
        }
        command.args(names);
        for module in kind.description().tests_left_out() {
            command.args(["--skip", &format!("{module}::")]);
        }
        if step == CheckStep::Model {
            command.env("TEST_MODEL_URL", model::start(paths, &stack.state).await?);
        }
        let judged = judge(paths, step, &mut command).await;
        judged.map(|(counts, note)| (counts, with_left_out(kind, step, note)))
    };
    let stopping = Step::begin("stopping the local stack");
    stack::stop(paths).await?;
    stopping.done();
    result
}

/// A step's note, and which tests its emulator cannot run.
fn with_left_out(kind: Kind, step: CheckStep, note: String) -> String {
    let left_out = kind.description().tests_left_out();
    if step == CheckStep::Model || left_out.is_empty() {
        return note;
    }
    let left_out = format!(
        "not on {}: {} (--only localstack)",
        kind.id(),
        left_out.join(", ")
    );
    let notes = [note, left_out];
    let notes: Vec<&str> = notes
        .iter()
        .map(String::as_str)
        .filter(|note| !note.is_empty())
        .collect();
    notes.join("; ")
}

/// Runs the command and counts what it tested.
async fn judge(paths: &Paths, step: CheckStep, command: &mut Command) -> Result<(Counts, String)> {
    let run = Run {
        name: step.name(),
        label: step.label(),
        remedy: "run it alone: cargo xtask test --only <step>",
        limit: Duration::from_secs(3600),
        stdout: None,
    };
    let (status, progress) = run.attempt(paths, command).await?;
    let log = paths.log(step.name());
    let text = String::from_utf8_lossy(&std::fs::read(&log).context("reading the step's log")?).into_owned();
    let mut counts = if step.has_tests() {
        Counts::of_cargo_test(&text)
    } else {
        Counts::one(status.success())
    };
    let note = if counts.ignored > 0 {
        format!("{} ignored", counts.ignored)
    } else {
        String::new()
    };
    if status.success() {
        if step.has_tests() && counts.passed == 0 {
            progress.failed();
            bail!("no test ran; see {}", paths.shown(&log));
        }
        progress.done();
        return Ok((counts, note));
    }
    progress.failed();
    for line in last_lines(&log, 60) {
        eprintln!("  | {line}");
    }
    // A step may fail before or after its tests, by not compiling for one.
    counts.failed = counts.failed.max(1);
    Ok((counts, format!("see {}", paths.shown(&log))))
}
