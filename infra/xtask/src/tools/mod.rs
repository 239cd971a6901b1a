//! Pinned tools, each in a virtual environment below `target/tools/` that is made again when its lock changes.

mod java;
mod lock;
mod node;
mod python;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

pub(crate) use self::java::java;
pub(crate) use self::lock::{Arguments as LockArguments, refresh};
pub(crate) use self::node::{aimock, cfn_guard, dynamodb_local, slack_node};
use self::python::Needs;
use crate::paths::Paths;
use crate::processes::Run;

/// A set of Python packages in an environment of its own: `infra/xtask/requirements/NAME.in` says which, and `NAME.txt`
/// is its lock, with all that they pull in and the hashes of every file.
pub(crate) struct Tools {
    name: &'static str,
    python: Needs,
    /// The packages that have no wheel. Nothing else may run code while it is installed.
    sources: &'static [&'static str],
    /// A package of this repository that is installed with them, below `infra/`.
    ours: Option<&'static str>,
}

impl Tools {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            python: Needs::Any,
            sources: &[],
            ours: None,
        }
    }
}

/// What talks to AWS: the scripts in `infra/localstack/`.
pub(crate) const SCRIPTS: Tools = Tools::new("scripts");

/// The emulator that is the default.
pub(crate) const MINISTACK: Tools = Tools::new("ministack");

/// LocalStack, with what runs the functions without Docker.
pub(crate) const LOCALSTACK: Tools = Tools {
    python: Needs::Only313,
    sources: &["airspeed-ext", "crontab", "jsonpath-rw"],
    ours: Some("localstack/native"),
    ..Tools::new("localstack")
};

/// What holds `infra/localstack/compose.yaml` against the compose specification.
pub(crate) const JSON_SCHEMA: Tools = Tools::new("check-jsonschema");

/// What checks the template.
pub(crate) const SAM: Tools = Tools::new("sam");

/// What looks for weaknesses in the plain CloudFormation.
pub(crate) const CHECKOV: Tools = Tools::new("checkov");

/// What the functions are measured beside: Python with boto3 and Slack's Bolt.
pub(crate) const BENCH: Tools = Tools::new("bench");

/// What builds, serves and invokes the functions without a stack.
pub(crate) const CARGO_LAMBDA: Tools = Tools::new("cargo-lambda");

/// The gateway that models are asked through.
pub(crate) const LITELLM: Tools = Tools::new("litellm");

/// Node.js, where the machine has none that will do.
const NODE: Tools = Tools::new("node");

/// The providers' SDKs, for the types that requests to models are held against.
pub(crate) const MODEL_TYPES: Tools = Tools::new("model");

/// Slack's SDK, which what is said to Slack is held against.
pub(crate) const SLACK_SDK: Tools = Tools::new("slack-sdk");

/// What checks the crates' licences and sources.
pub(crate) const CARGO_DENY: Tools = Tools::new("cargo-deny");

/// What checks bills of materials against their schema.
pub(crate) const CYCLONEDX: Tools = Tools::new("cyclonedx");

/// What reads the CSV export as others do.
pub(crate) const DUCKDB: Tools = Tools::new("duckdb");

/// What makes the locks.
const UV: Tools = Tools::new("uv");

/// All of them.
const ALL: [&Tools; 16] = [
    &SCRIPTS,
    &MINISTACK,
    &LOCALSTACK,
    &JSON_SCHEMA,
    &SAM,
    &CHECKOV,
    &CARGO_LAMBDA,
    &LITELLM,
    &NODE,
    &MODEL_TYPES,
    &SLACK_SDK,
    &CARGO_DENY,
    &CYCLONEDX,
    &DUCKDB,
    &BENCH,
    &UV,
];

/// With what the sources are built. It is not in `ALL`: it has no environment of its own.
const SETUPTOOLS: &str = "setuptools";

/// Where the locks are.
fn requirements(paths: &Paths) -> PathBuf {
    paths.root.join("infra/xtask/requirements")
}

impl Tools {
    /// The environment's `bin` directory, after making it if it is missing or out of date.
    pub(crate) async fn ensure(&self, paths: &Paths) -> Result<PathBuf> {
        let directory = paths.tools().join(self.name);
        let stamp = paths.tools().join(format!("{}.stamp", self.name));
        let lock = requirements(paths).join(format!("{}.txt", self.name));
        let wanted = fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
        let bin = directory.join("bin");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && bin.join("python").exists() {
            self.install_ours(paths, &bin).await?;
            return Ok(bin);
        }

        // Written last: an installation that was interrupted has no stamp and is made from scratch.
        let _ = fs::remove_file(&stamp);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        let python = python::find(self.python)?;
        let shown = python.display();
        let remedy = format!(
            "{shown} could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"
        );
        Run {
            name: "venv",
            label: &format!(
                "making a virtual environment for the {} tools with {shown}",
                self.name
            ),
            remedy: &remedy,
            limit: Duration::from_secs(120),
            stdout: None,
        }
        .run(paths, Command::new(&python).args(["-m", "venv"]).arg(&directory))
        .await?;
        let label = format!("installing the {} tools", self.name);
        if !self.sources.is_empty() {
            let setuptools = requirements(paths).join(format!("{SETUPTOOLS}.txt"));
            pip(paths, &bin, &label, &setuptools, &[]).await?;
        }
        pip(paths, &bin, &label, &lock, self.sources).await?;
        Run {
            name: "pip",
            label: &format!("checking that the {} tools go together", self.name),
            remedy: "its log says what is missing or does not go together: cargo xtask lock makes the lock anew",
            limit: Duration::from_secs(120),
            stdout: None,
        }
        .run(
            paths,
            Command::new(bin.join("python")).args(["-m", "pip", "check", "--disable-pip-version-check"]),
        )
        .await?;
        fs::write(&stamp, wanted)?;
        self.install_ours(paths, &bin).await?;
        Ok(bin)
    }

    /// Installs our own package into the environment where it is missing there or has changed.
    async fn install_ours(&self, paths: &Paths, bin: &Path) -> Result<()> {
        let Some(ours) = self.ours else { return Ok(()) };
        let source = paths.root.join("infra").join(ours);
        let wanted = contents(&source)?;
        // In the environment, so that it goes with it.
        let stamp = bin.join("ours.stamp");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(());
        }
        // From a copy: a build writes beside what it builds.
        let copy = bin.join("ours");
        if copy.exists() {
            fs::remove_dir_all(&copy)?;
        }
        for file in files_of(&source)? {
            let to = copy.join(file.strip_prefix(&source)?);
            fs::create_dir_all(to.parent().unwrap_or(&copy))?;
            fs::copy(&file, to)?;
        }
        Run {
            name: "pip",
            label: &format!("installing infra/{ours}"),
            remedy: "see its log",
            limit: Duration::from_secs(120),
            stdout: None,
        }
        .run(
            paths,
            Command::new(bin.join("python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--disable-pip-version-check",
                    "--no-input",
                ])
                .args(["--no-deps", "--no-build-isolation", "--force-reinstall"])
                .arg(&copy),
        )
        .await?;
        fs::write(&stamp, wanted)?;
        Ok(())
    }
}

/// Installs what a lock names and nothing else: pip refuses a file whose hash is not in it.
async fn pip(paths: &Paths, bin: &Path, label: &str, lock: &Path, sources: &[&str]) -> Result<()> {
    let mut command = Command::new(bin.join("python"));
    command
        .args([
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
        ])
        // The lock is complete. The pip that comes with Python 3.12 does not see that where packages have extras.
        .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"]);
    if !sources.is_empty() {
        // With what the environment has: pip would fetch what builds them without looking at a hash.
        command
            .args(["--no-binary", &sources.join(",")])
            .args(["--no-build-isolation", "--use-pep517"]);
    }
    Run {
        name: "pip",
        label,
        remedy: "Python packages come from PyPI or the index that pip is configured for; check the network, the proxy \
                 (HTTPS_PROXY) and pip's configuration, and run this again. Where a hash is another one than the lock's, \
                 do not go on: that index serves another file than PyPI did",
        limit: Duration::from_secs(1200),
        stdout: None,
    }
    .run(paths, command.arg("--requirement").arg(lock))
    .await
}

/// The texts of a Python package's files, one after the other.
fn contents(package: &Path) -> Result<String> {
    let files = files_of(package)?;
    let texts: Vec<String> = files.iter().map(fs::read_to_string).collect::<Result<_, _>>()?;
    Ok(texts.concat())
}

/// A Python package's description, and the files of its modules.
fn files_of(package: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = vec![package.join("pyproject.toml")];
    for entry in fs::read_dir(package).with_context(|| format!("reading {}", package.display()))? {
        let module = entry?.path();
        if module.join("__init__.py").exists() {
            for entry in fs::read_dir(&module)? {
                files.push(entry?.path());
            }
        }
    }
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}
