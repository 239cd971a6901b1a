//! The binaries: built by plain cargo in the dev profile, and the stripped copies that are deployed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::paths::Paths;
use crate::processes::Run;
use crate::progress::Step;

/// The gateway of the local stack.
pub(crate) const SANDBOX: &str = "sandbox";
/// The operators' command.
pub(crate) const CLI: &str = "sre-agent";

/// A built binary.
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    /// Changes with every build of it.
    pub(crate) build: String,
}

/// Builds the functions, the sandbox and the operators' command in one call of cargo: they share their dependencies.
///
/// The whole workspace is built, with the features of dependencies that `cargo lambda watch` uses too and, with the
/// tests, those of `cargo test --workspace`: otherwise cargo would compile the SDKs once more for each of these.
pub(crate) async fn build(
    paths: &Paths,
    functions: &[String],
    with_tests: bool,
) -> Result<BTreeMap<String, Binary>> {
    let wanted: Vec<&str> = functions
        .iter()
        .map(String::as_str)
        .chain([SANDBOX, CLI])
        .collect();
    let messages = paths.stack().join("build.json");
    let mut command = cargo(paths);
    command.args([
        "build",
        "--message-format=json-render-diagnostics",
        "--workspace",
        "--bins",
    ]);
    if with_tests {
        command.arg("--tests");
    }
    Run {
        name: "build",
        label: "building the functions, the sandbox and sre-agent",
        remedy: "the compiler's messages above say what to mend",
        limit: Duration::from_secs(3600),
        stdout: Some(messages.clone()),
    }
    .run(paths, &mut command)
    .await?;

    let mut binaries = BTreeMap::new();
    for line in fs::read_to_string(&messages)?.lines() {
        if let Ok(Artifact {
            executable: Some(path),
            target,
            profile,
        }) = serde_json::from_str(line)
            && target.kind.iter().any(|kind| kind == "bin")
            && !profile.test
        {
            let metadata = fs::metadata(&path)?;
            let modified = metadata.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
            binaries.insert(
                target.name,
                Binary {
                    path,
                    build: format!("{modified}-{}", metadata.len()),
                },
            );
        }
    }
    for name in wanted {
        if !binaries.contains_key(name) {
            bail!("package {name} has no binary {name}\n  it needs a src/main.rs");
        }
    }
    Ok(binaries)
}

/// The messages of cargo that are of interest.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
    target: Target,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Cargo as a person would call it.
pub(crate) fn cargo(paths: &Paths) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    without_package(&mut command).current_dir(&paths.root);
    command
}

/// Takes away what the cargo that runs this task has set for this crate, which would make build scripts run again.
pub(crate) fn without_package(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME" {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// Puts a copy of each function without debug information where the derived template names it.
pub(crate) async fn stage(
    paths: &Paths,
    functions: &[String],
    binaries: &BTreeMap<String, Binary>,
) -> Result<()> {
    let mut stale = Vec::new();
    for name in functions {
        let binary = binaries
            .get(name)
            .with_context(|| format!("{name} was not built"))?;
        let directory = paths.stack().join("functions").join(name);
        if fs::read_to_string(directory.join("build")).ok().as_deref() != Some(&binary.build) {
            stale.push((binary, directory));
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let mut step = Step::begin("stripping the functions");
    let mut stripped = true;
    let count = stale.len();
    for (binary, directory) in stale {
        fs::create_dir_all(&directory)?;
        let bootstrap = directory.join("bootstrap");
        if !strip(&binary.path, &bootstrap).await? {
            stripped = false;
            fs::copy(&binary.path, &bootstrap)?;
        }
        fs::write(directory.join("build"), &binary.build)?;
        step.heartbeat(|| Some(bootstrap.display().to_string()));
    }
    if stripped {
        step.done_with(&format!("{count} changed"));
    } else {
        step.done_with(
            "there is no working `strip` here, so that they are deployed whole, which takes longer",
        );
    }
    Ok(())
}

/// Whether the copy could be made.
async fn strip(from: &Path, to: &Path) -> Result<bool> {
    let mut command = tokio::process::Command::new("strip");
    command.arg("-S").arg("-o").arg(to).arg(from).kill_on_drop(true);
    Ok(command.output().await.is_ok_and(|output| output.status.success()))
}
