//! Pinned tools, each in a virtual environment below `target/tools/` that is made again when its pins change.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::paths::Paths;
use crate::processes::Run;

/// A set of Python packages in an environment of its own.
pub(crate) struct Tools {
    name: &'static str,
    packages: &'static [&'static str],
    /// Pins of these packages and of all that they pull in, in `infra/localstack/`.
    constraints: &'static str,
}

/// The emulator and what talks to it.
pub(crate) const LOCAL_STACK: Tools = Tools {
    name: "localstack",
    packages: &[
        "ministack",
        "aws-sam-translator",
        "boto3",
        "cryptography",
        "PyYAML",
    ],
    constraints: "ministack-constraints.txt",
};

/// What checks the template.
pub(crate) const SAM: Tools = Tools {
    name: "sam",
    packages: &["aws-sam-cli", "cfn-lint"],
    constraints: "sam-constraints.txt",
};

/// What builds, serves and invokes the functions without a stack.
pub(crate) const CARGO_LAMBDA: Tools = Tools {
    name: "cargo-lambda",
    packages: &["cargo-lambda"],
    constraints: "cargo-lambda-constraints.txt",
};

/// The providers' SDKs, for the types that requests to models are held against.
pub(crate) const MODEL_TYPES: Tools = Tools {
    name: "model",
    packages: &["anthropic", "botocore", "openai"],
    constraints: "model-constraints.txt",
};

/// Versions for which the pins are known to have wheels come first.
const PYTHONS: [&str; 6] = [
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python3",
    "python",
];

impl Tools {
    /// The environment's `bin` directory, after making it if it is missing or out of date.
    pub(crate) async fn ensure(&self, paths: &Paths) -> Result<PathBuf> {
        let directory = paths.tools().join(self.name);
        let stamp = paths.tools().join(format!("{}.stamp", self.name));
        let constraints = paths.localstack().join(self.constraints);
        let pins =
            fs::read_to_string(&constraints).with_context(|| format!("reading {}", constraints.display()))?;
        let wanted = format!("{}\n{pins}", self.packages.join(" "));
        let bin = directory.join("bin");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && bin.join("python").exists() {
            return Ok(bin);
        }

        // Written last: an installation that was interrupted has no stamp and is made from scratch.
        let _ = fs::remove_file(&stamp);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        let python = find_python()?;
        let remedy = format!(
            "{python} could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"
        );
        Run {
            name: "venv",
            label: &format!(
                "making a virtual environment for the {} tools with {python}",
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
        Ok(bin)
    }
}

/// A Python that is recent enough and can make environments. It is run, since a name on the path may be a stub.
fn find_python() -> Result<String> {
    const PROBE: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    for name in PYTHONS {
        let probe = Command::new(name).args(["-c", PROBE]).output();
        if probe.is_ok_and(|output| output.status.success()) {
            return Ok(name.to_owned());
        }
    }
    bail!(
        "no Python from 3.10 on that can make virtual environments was found (tried {})\n  install one: apt install \
         python3 python3-venv, dnf install python3, brew install python, or from https://www.python.org/downloads/",
        PYTHONS.join(", ")
    )
}
