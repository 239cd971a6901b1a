//! `cargo xtask lock`: the locks of the pinned Python tools, made by uv from what `infra/xtask/requirements/*.in` asks for.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use super::python::Needs;
use super::{ALL, SETUPTOOLS, UV, requirements};
use crate::paths::Paths;
use crate::processes::Run;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The locks to make, such as sam; all of them where none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Takes the newest versions that the .in file allows; without it, what is locked stays locked
    #[arg(long)]
    upgrade: bool,
}

/// The names of all locks, with the Pythons that each is for.
fn locks() -> Vec<(&'static str, Needs)> {
    let tools = ALL.iter().map(|tools| (tools.name, tools.python));
    tools.chain([(SETUPTOOLS, Needs::Any)]).collect()
}

/// Makes the locks.
pub(crate) async fn refresh(paths: &Paths, arguments: &Arguments) -> Result<()> {
    paths.create()?;
    let locks = locks();
    for name in &arguments.names {
        if !locks.iter().any(|(known, _)| known == name) {
            let known: Vec<&str> = locks.iter().map(|(name, _)| *name).collect();
            bail!("there is no lock {name}\n  there are {}", known.join(", "));
        }
    }
    let uv = UV.ensure(paths).await?.join("uv");
    for (name, python) in locks {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        let mut command = Command::new(&uv);
        command
            .current_dir(requirements(paths))
            .args(["pip", "compile", &format!("{name}.in")])
            .args(["--output-file", &format!("{name}.txt")])
            .args([
                "--generate-hashes",
                "--custom-compile-command",
                "cargo xtask lock",
            ])
            // Whoever installs says where from.
            .args(["--no-emit-index-url", "--no-emit-find-links", "--no-annotate"])
            .args(pythons(python));
        if arguments.upgrade {
            command.arg("--upgrade");
        }
        Run {
            name: "uv",
            label: &format!("locking {name}"),
            remedy: "its log says which versions do not go together; those that are locked may stand in the way of a new \
                     one: --upgrade",
            limit: Duration::from_secs(600),
            stdout: None,
        }
        .run(paths, &mut command)
        .await?;
    }
    Ok(())
}

/// For which Pythons and machines a lock is good.
fn pythons(needs: Needs) -> &'static [&'static str] {
    match needs {
        Needs::Any => &["--universal", "--python-version", "3.10"],
        // Not universal, which is for later Pythons too: what LocalStack needs contradicts itself there.
        Needs::Only313 => &["--python-version", "3.13", "--python-platform", "linux"],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn read(file: &str) -> String {
        let paths = Paths::find().unwrap();
        fs::read_to_string(requirements(&paths).join(file)).unwrap()
    }

    /// What keeps a lock from pinning everything: a line that is no version, a version without a hash, an address.
    fn loose(lock: &str) -> Vec<String> {
        let text = lock.replace("\\\n", " ");
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let loose = lines.filter(|line| {
            let hashes = line.matches(" --hash=sha256:").count();
            let options = line.matches(" --").count();
            !line.contains("==")
                || hashes == 0
                || options != hashes
                || line.contains("://")
                || line.contains(" @ ")
        });
        loose.map(str::to_owned).collect()
    }

    /// The packages that a lock or an `.in` file names.
    fn packages(text: &str) -> BTreeSet<String> {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric()));
        let name = |line: &str| {
            let end = |one: char| !one.is_ascii_alphanumeric() && !"-_.".contains(one);
            let name = line.split(end).next().unwrap_or_default();
            name.to_lowercase().replace(['_', '.'], "-")
        };
        lines.map(name).collect()
    }

    #[test]
    fn every_lock_pins_every_file_and_holds_what_is_asked_for() {
        for (name, _) in locks() {
            let lock = read(&format!("{name}.txt"));
            assert_eq!(loose(&lock), Vec::<String>::new(), "{name}.txt");
            let (asked, locked) = (packages(&read(&format!("{name}.in"))), packages(&lock));
            assert!(!asked.is_empty(), "{name}.in");
            let missing: Vec<&String> = asked.difference(&locked).collect();
            assert!(
                missing.is_empty(),
                "{name}.txt lacks {missing:?}: cargo xtask lock {name}"
            );
        }
    }

    #[test]
    fn what_is_built_here_is_locked_with_what_builds_it() {
        for tools in ALL {
            let lock = packages(&read(&format!("{}.txt", tools.name)));
            for source in tools.sources {
                assert!(lock.contains(*source), "{} in {}.txt", source, tools.name);
            }
            assert!(
                tools.ours.is_none() || lock.contains("setuptools"),
                "{} builds our own package",
                tools.name
            );
        }
    }

    #[test]
    fn no_file_is_without_a_tool() {
        let paths = Paths::find().unwrap();
        let known: BTreeSet<String> = locks()
            .iter()
            .flat_map(|(name, _)| [format!("{name}.in"), format!("{name}.txt")])
            .collect();
        let found: BTreeSet<String> = fs::read_dir(requirements(&paths))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(found, known);
    }

    #[test]
    fn a_lock_that_is_not_tight_is_told() {
        let hash = "--hash=sha256:00";
        assert_eq!(
            loose(&format!("# one\nsix==1.0 \\\n    {hash} \\\n    {hash}\n")),
            Vec::<String>::new()
        );
        for line in [
            "six==1.0".to_owned(),
            format!("six>=1.0 {hash}"),
            format!("--index-url https://example.com/simple {hash}"),
            format!("six @ https://example.com/six.whl {hash}"),
            format!("six==1.0 --find-links=wheels {hash}"),
        ] {
            assert_eq!(loose(&line), std::slice::from_ref(&line));
        }
    }
}
