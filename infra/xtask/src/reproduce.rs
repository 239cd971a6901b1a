//! `cargo xtask reproduce`: builds a function twice, in two folders, and compares the binaries byte by byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use sha2::{Digest as _, Sha256};

use crate::build::cargo;
use crate::paths::Paths;
use crate::processes::Run;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The function to build
    #[arg(default_value = "outbox", value_name = "FUNCTION")]
    function: String,
    /// cargo's profile; what is deployed is built with release, dev is quicker and says nothing about optimisation
    #[arg(long, default_value = "release")]
    profile: String,
}

/// The folders, of different lengths and depths.
const FOLDERS: [&str; 2] = ["a", "another/and-longer"];

/// Fails where the binaries differ, and says where; it leaves them to be looked at.
pub(crate) async fn run(paths: &Paths, arguments: &Arguments) -> Result<ExitCode> {
    paths.create()?;
    let files = tracked(paths)?;
    let all = paths.target().join("reproduce");
    if all.exists() {
        fs::remove_dir_all(&all).with_context(|| format!("removing {}", all.display()))?;
    }
    let mut built = Vec::new();
    for folder in FOLDERS {
        let folder = all.join(folder);
        for file in &files {
            copy(&paths.root.join(file), &folder.join(file))?;
        }
        let binary = build(paths, &folder, arguments).await?;
        let bytes = fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
        let digest = Sha256::digest(&bytes);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{digest}  {} bytes  {}", bytes.len(), paths.shown(&binary));
        built.push((folder, bytes));
    }
    let [(first, one), (second, other)] = &built[..] else {
        bail!("two folders make two binaries");
    };
    let mut equal = true;
    for (folder, bytes) in [(first, one), (second, other)] {
        let named = occurrences(bytes, folder.as_os_str().as_encoded_bytes());
        if named > 0 {
            equal = false;
            println!("{named} times it names its folder, {}", paths.shown(folder));
        }
    }
    if let Some(at) = difference(one, other) {
        equal = false;
        println!("they differ from byte {at} on: {}", paths.shown(&all));
    }
    if !equal {
        return Ok(ExitCode::FAILURE);
    }
    fs::remove_dir_all(&all)?;
    println!("the binaries of {} are equal", arguments.function);
    Ok(ExitCode::SUCCESS)
}

/// The files of the repository, as they are here.
fn tracked(paths: &Paths) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached"])
        .current_dir(&paths.root)
        .output()
        .context("starting git, which says what belongs to the repository")?;
    if !output.status.success() {
        bail!(
            "{} is no checkout of git\n  {}",
            paths.root.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let names = String::from_utf8(output.stdout).context("a file's name is no text")?;
    let files = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from);
    // What was removed and not committed yet is not there.
    Ok(files.filter(|file| paths.root.join(file).exists()).collect())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(())
}

/// Builds the function in a folder, with a target directory of its own.
async fn build(paths: &Paths, folder: &Path, arguments: &Arguments) -> Result<PathBuf> {
    let target = folder.join("target");
    Run {
        name: "reproduce",
        label: &format!("building {} in {}", arguments.function, paths.shown(folder)),
        remedy: "see its log",
        limit: Duration::from_secs(5400),
        stdout: None,
    }
    .run(
        paths,
        cargo(paths)
            .args(["build", "--locked", "--package", &arguments.function])
            .args(["--profile", &arguments.profile])
            .env("CARGO_TARGET_DIR", &target)
            .current_dir(folder),
    )
    .await?;
    // The only profile whose directory has another name.
    let profile = match arguments.profile.as_str() {
        "dev" => "debug",
        other => other,
    };
    Ok(target.join(profile).join(&arguments.function))
}

/// Where two files begin to differ.
fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    at.or_else(|| (one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// How often a text is in a file.
fn occurrences(bytes: &[u8], text: &[u8]) -> usize {
    bytes.windows(text.len()).filter(|window| *window == text).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found() {
        for (one, other, at) in [
            ("same", "same", None),
            ("", "", None),
            ("same", "sane", Some(2)),
            ("same", "same, and longer", Some(4)),
            ("x", "", Some(0)),
        ] {
            assert_eq!(difference(one.as_bytes(), other.as_bytes()), at, "{one} {other}");
        }
    }

    #[test]
    fn a_folder_that_is_named_is_counted() {
        assert_eq!(occurrences(b"in /src/a, and in /src/a/b", b"/src/a"), 2);
        assert_eq!(occurrences(b"/sr", b"/src"), 0);
    }
}
