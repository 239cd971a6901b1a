//! What the agent says to Slack, and the sandbox's Slack, held against Slack's own SDKs: the judges in
//! `infra/slack/judges`, with the tests that write what they judge and that check what they sign.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, SANDBOX, cargo};
use crate::paths::Paths;
use crate::processes::Run;
use crate::progress::last_lines;
use crate::summary::Counts;
use crate::tools::{self, SLACK_SDK};

/// The longest that one judge may take; all of them together take a minute where nobody else builds.
const LIMIT: Duration = Duration::from_secs(600);

/// Runs every judge, and the next ones where one fails: they judge different things.
pub(crate) async fn check(paths: &Paths) -> Result<(Counts, String)> {
    let python = SLACK_SDK.ensure(paths).await?.join("python");
    let node = tools::slack_node(paths).await?;
    let binaries = build::build(paths, &[], true).await?;
    let sandbox = &binaries.get(SANDBOX).context("the sandbox was not built")?.path;
    let directory = directory(paths)?;
    let judges = paths.root.join("infra/slack/judges");

    let mut bench = Bench {
        paths,
        counts: Counts::default(),
        failed: Vec::new(),
    };
    let said = Judge::new("slack-said", "writing down what is said to Slack");
    bench
        .tests(
            &said,
            &directory,
            &["said::", "manifest::", "what_people_are_told"],
        )
        .await?;
    if bench.counts.failed > 0 {
        // Nothing or something old lies there.
        return Ok(bench.outcome());
    }
    let mut command = Command::new(python);
    command
        .arg("-B")
        .arg(judges.join("judge.py"))
        .arg(&directory)
        .arg(sandbox);
    let judge = Judge::new("slack-python", "what is said to Slack against slack_sdk");
    bench.program(&judge, &mut command).await?;

    let mut command = node.command(&judges.join("bolt.js"));
    command
        .arg(&directory)
        .arg(sandbox)
        .env("NODE_PATH", &node.modules);
    let judge = Judge::new("slack-bolt", "the sandbox's interactions against Bolt");
    bench.program(&judge, &mut command).await?;

    let mut command = node.command(&judges.join("types.js"));
    command.arg(&directory).env("NODE_PATH", &node.modules);
    let judge = Judge::new(
        "slack-types",
        "what is said to Slack against the types of its SDK",
    );
    bench.program(&judge, &mut command).await?;

    let signed = Judge::new("slack-signed", "what Slack's SDKs sign against our verification");
    bench.tests(&signed, &directory, &["what_others_sign"]).await?;
    Ok(bench.outcome())
}

/// Where what is judged lies, made anew.
fn directory(paths: &Paths) -> Result<PathBuf> {
    let directory = paths.stack().join("slack-judges");
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("removing {}", directory.display()))?;
    }
    fs::create_dir_all(&directory).with_context(|| format!("creating {}", directory.display()))?;
    Ok(directory)
}

/// One judge, by the name of its log and for people.
struct Judge {
    name: &'static str,
    label: &'static str,
}

impl Judge {
    fn new(name: &'static str, label: &'static str) -> Self {
        Self { name, label }
    }

    /// Its output, and whether it says yes.
    async fn asked(&self, paths: &Paths, command: &mut Command) -> Result<(String, bool)> {
        let run = Run {
            name: self.name,
            label: self.label,
            remedy: "run the judges alone: cargo xtask test --only slack-judges",
            limit: LIMIT,
            stdout: None,
        };
        let (status, progress) = run.attempt(paths, command).await?;
        let log = paths.log(self.name);
        let said = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
        if status.success() {
            progress.done();
        } else {
            progress.failed();
            for line in last_lines(&log, 40) {
                eprintln!("  | {line}");
            }
        }
        Ok((String::from_utf8_lossy(&said).into_owned(), status.success()))
    }
}

/// What was judged so far.
struct Bench<'a> {
    paths: &'a Paths,
    counts: Counts,
    /// Logs of the judges that said no.
    failed: Vec<String>,
}

impl Bench<'_> {
    /// The tests of the target `judged` with these names.
    async fn tests(&mut self, judge: &Judge, directory: &Path, names: &[&str]) -> Result<()> {
        let mut command = cargo(self.paths);
        command
            .args(["test", "--workspace", "--test", "judged", "--"])
            .args(names)
            .env("SLACK_JUDGES", directory);
        let (said, good) = judge.asked(self.paths, &mut command).await?;
        self.count(judge, Counts::of_cargo_test(&said), good)
    }

    /// A program that says `✓` or `✗` of each thing that it judges.
    async fn program(&mut self, judge: &Judge, command: &mut Command) -> Result<()> {
        // A proxy of this machine's must not come between the SDKs and the sandbox.
        command
            .env_remove("PYTHONPATH")
            .env("PYTHONUNBUFFERED", "1")
            .env("NODE_USE_ENV_PROXY", "0");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        let (said, good) = judge.asked(self.paths, command).await?;
        self.count(judge, judged(&said), good)
    }

    fn count(&mut self, judge: &Judge, mut counts: Counts, good: bool) -> Result<()> {
        if good && counts.passed == 0 {
            bail!(
                "{} judged nothing; see {}",
                judge.name,
                self.paths.shown(&self.paths.log(judge.name))
            );
        }
        if !good {
            // It may have ended before it said anything.
            counts.failed = counts.failed.max(1);
            self.failed.push(self.paths.shown(&self.paths.log(judge.name)));
        }
        self.counts.passed += counts.passed;
        self.counts.failed += counts.failed;
        self.counts.ignored += counts.ignored;
        Ok(())
    }

    fn outcome(self) -> (Counts, String) {
        let note = match self.failed.is_empty() {
            true => String::new(),
            false => format!("see {}", self.failed.join(", ")),
        };
        (self.counts, note)
    }
}

/// What a program said yes and no to.
fn judged(said: &str) -> Counts {
    let lines = |mark: char| said.lines().filter(|line| line.starts_with(mark)).count();
    Counts {
        passed: lines('✓'),
        failed: lines('✗'),
        ignored: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_with_a_mark_is_one_judgement() {
        let said = "✓ the types fit\n✗ the types refuse faults\n  ✗ a detail\n✓ it opens\n";
        let counts = judged(said);
        assert_eq!((counts.passed, counts.failed), (2, 1));
        assert_eq!(judged(""), Counts::default());
    }
}
