//! The template as plain CloudFormation, under rules of our own (cfn-guard) and under checkov's: `infra/guard`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::paths::Paths;
use crate::processes::Run;
use crate::progress::last_lines;
use crate::state::REGION;
use crate::summary::Counts;
use crate::tools::{self, CHECKOV, SAM};

/// The rules' own tests, the rules, then checkov; each is run, also where one before it fails.
pub(crate) async fn check(paths: &Paths) -> Result<(Counts, String)> {
    let sam = SAM.ensure(paths).await?;
    let checkov = CHECKOV.ensure(paths).await?.join("checkov");
    let guard = tools::cfn_guard(paths).await?;
    let folder = paths.root.join("infra/guard");
    let rules = folder.join("template.guard");
    let plain = paths.stack().join("plain.json");
    fs::create_dir_all(paths.stack()).with_context(|| format!("creating {}", paths.stack().display()))?;
    Run {
        name: "plain",
        label: "template.yaml as plain CloudFormation",
        remedy: "it is what AWS would answer: sam validate says more",
        limit: LIMIT,
        stdout: Some(plain.clone()),
    }
    .run(
        paths,
        Command::new(sam.join("python"))
            .args(["-B", "infra/guard/plain.py", "template.yaml"])
            .current_dir(&paths.root)
            .env("AWS_DEFAULT_REGION", REGION),
    )
    .await?;

    let mut tests = Command::new(&guard);
    tests.arg("test").arg("--rules-file").arg(&rules);
    tests.arg("--test-data").arg(folder.join("template_tests.yaml"));
    let mut validate = Command::new(&guard);
    validate
        .arg("validate")
        .arg("--rules")
        .arg(&rules)
        .arg("--data")
        .arg(&plain);
    let mut scan = Command::new(checkov);
    scan.arg("--config-file")
        .arg(folder.join("checkov.yaml"))
        .arg("--file")
        .arg(&plain);

    let mut counts = Counts::default();
    let mut failed = Vec::new();
    for (name, label, command) in [
        (
            "guard-tests",
            "the guard's rules under their own tests",
            &mut tests,
        ),
        (
            "guard",
            "the plain CloudFormation under the guard's rules",
            &mut validate,
        ),
        ("checkov", "the plain CloudFormation under checkov", &mut scan),
    ] {
        let run = Run {
            name,
            label,
            remedy: "run it alone: cargo xtask test --only guard",
            limit: LIMIT,
            stdout: None,
        };
        let (status, progress) = run.attempt(paths, command.current_dir(&paths.root)).await?;
        if status.success() {
            progress.done();
            counts.passed += 1;
            continue;
        }
        progress.failed();
        let log = paths.log(name);
        for line in last_lines(&log, 60) {
            eprintln!("  | {line}");
        }
        counts.failed += 1;
        failed.push(paths.shown(&log));
    }
    let note = match failed.is_empty() {
        true => String::new(),
        false => format!("see {}", failed.join(", ")),
    };
    Ok((counts, note))
}

/// The longest that one of them may take; all of them together take 15 s.
const LIMIT: Duration = Duration::from_secs(300);
