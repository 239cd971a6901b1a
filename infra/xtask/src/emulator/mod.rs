//! What stands for AWS on this machine. Each emulator is one [`Description`] in a file of its own; nothing outside this
//! folder knows which one runs.

mod localstack;
mod ministack;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::net::{healthy, url, wait_until_ready};
use crate::paths::Paths;
use crate::processes::Process;
use crate::progress::Step;

/// Its name on record and of its log, whichever it is.
pub(crate) const NAME: &str = "emulator";

/// The emulators that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// One Python process, up in a second; roles and policies are enforced
    #[default]
    Ministack,
    /// LocalStack without Docker, and Amazon's DynamoDB Local; streams, retries and dead letters are as on AWS
    Localstack,
}

/// An emulator: how it is told healthy, how long it takes, and what it cannot do. How it is installed and started is in
/// [`Kind::install`] and [`Kind::command`], how what its CloudFormation drops is set in `infra/localstack/fixups.py`.
pub(crate) struct Description {
    /// As a person names it.
    pub(crate) name: &'static str,
    /// A path that answers with success when it is up.
    health: &'static str,
    starts_within: Duration,
    /// How long it may take to end after it was asked to; then it is killed.
    ends_within: Duration,
    /// How long the deployment of the template may take.
    pub(crate) deploys_within: Duration,
    /// What no test on it may claim.
    pub(crate) cannot: &'static [Cannot],
}

/// What an emulator does not do as AWS does.
pub(crate) struct Cannot {
    /// In a few words, as `infra/docs/local.md` names it.
    pub(crate) what: &'static str,
    /// Modules of `tests/stack` that need it, and are not run on this emulator.
    pub(crate) tests: &'static [&'static str],
}

impl Description {
    /// What it does not do as AWS does, in one sentence.
    pub(crate) fn shortcomings(&self) -> String {
        let all: Vec<&str> = self.cannot.iter().map(|cannot| cannot.what).collect();
        format!("{} does not do as AWS does: {}", self.name, all.join("; "))
    }

    /// The modules of `tests/stack` that are not run on it.
    pub(crate) fn tests_left_out(&self) -> Vec<&'static str> {
        self.cannot
            .iter()
            .flat_map(|cannot| cannot.tests)
            .copied()
            .collect()
    }
}

/// An emulator that is installed.
pub(crate) struct Installed {
    /// Its Python.
    python: PathBuf,
    /// DynamoDB Local and the Java that it runs in, where it needs them.
    dynamodb: Option<DynamoDbLocal>,
}

struct DynamoDbLocal {
    java: PathBuf,
    /// The directory of its jar.
    directory: PathBuf,
}

impl Kind {
    pub(crate) fn description(self) -> &'static Description {
        match self {
            Self::Ministack => &ministack::DESCRIPTION,
            Self::Localstack => &localstack::DESCRIPTION,
        }
    }

    /// As it is said to `infra/localstack/fixups.py` and to the tests.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Ministack => "ministack",
            Self::Localstack => "localstack",
        }
    }

    async fn install(self, paths: &Paths) -> Result<Installed> {
        match self {
            Self::Ministack => ministack::install(paths).await,
            Self::Localstack => localstack::install(paths).await,
        }
    }

    fn command(self, paths: &Paths, installed: &Installed, home: &Path, port: u16) -> Command {
        match self {
            Self::Ministack => ministack::command(paths, installed, home, port),
            Self::Localstack => localstack::command(installed, home, port),
        }
    }

    /// Which emulator answers at an address.
    pub(crate) async fn at(endpoint: &str) -> Result<Self> {
        for &kind in Self::value_variants() {
            if kind.is_up(endpoint).await {
                return Ok(kind);
            }
        }
        bail!(
            "no emulator of AWS answers at {endpoint}\n  start LocalStack first, such as with `docker compose -f \
             infra/localstack/compose.yaml up`, and give the address of its gateway"
        )
    }

    /// Whether this one answers at an address.
    pub(crate) async fn is_up(self, endpoint: &str) -> bool {
        healthy(&format!("{endpoint}{}", self.description().health)).await
    }
}

/// Starts it on a port of 127.0.0.1 with an environment of its own, and waits until it answers.
pub(crate) async fn start(paths: &Paths, kind: Kind, port: u16) -> Result<()> {
    let description = kind.description();
    let installed = kind.install(paths).await?;
    let step = Step::begin(format!("starting {}", description.name));
    let home = paths.stack().join("emulator");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(home.join("tmp"))?;
    let mut command = kind.command(paths, &installed, &home, port);
    let process = Process::start(paths, NAME, &mut command)?.ending_within(paths, description.ends_within)?;
    let health = format!("{}{}", url(port), description.health);
    wait_until_ready(paths, &process, NAME, &health, description.starts_within, step).await
}

/// `python` with a clean environment below `home`. The functions get it from ministack, and nothing of it from
/// LocalStack: a setting that template.yaml forgets is missed here as it would be on AWS.
fn clean(python: &Path, home: &Path) -> Command {
    let mut command = Command::new(python);
    command
        .env_clear()
        .current_dir(home)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", home)
        .env("TMPDIR", home.join("tmp"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUNBUFFERED", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_emulator_cannot_do_is_in_the_docs_and_names_tests_that_there_are() {
        let docs = include_str!("../../../docs/local.md");
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/stack");
        for &kind in Kind::value_variants() {
            for cannot in kind.description().cannot {
                assert!(
                    docs.contains(cannot.what),
                    "infra/docs/local.md does not say of {}: {}",
                    kind.id(),
                    cannot.what
                );
                for module in cannot.tests {
                    let file = Path::new(tests).join(format!("{module}.rs"));
                    assert!(file.is_file(), "{} is not there", file.display());
                }
            }
        }
    }
}
