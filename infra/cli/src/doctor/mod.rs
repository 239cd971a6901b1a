//! `sre-agent doctor`: what is missing before the first incident, and what to do about it.
//!
//! | to change | look in |
//! | --- | --- |
//! | what is looked at, and how | `look` |
//! | what was seen, in plain values | `seen` |
//! | what is missing, and what is to be done | `judge`, with `people`, `reach` and `keys` |
//! | what a finding is | `finding` |
//!
//! `status` says whether a running agent is healthy; this says whether it could do its work at all.

mod finding;
mod judge;
mod keys;
mod look;
mod people;
mod reach;
mod seen;

use adapters::SystemClock;
use serde::Serialize;

use self::finding::{Finding, Verdict};
use crate::end::Ended;
use crate::print::{Terminal, count};
use crate::stack::Stack;

#[cfg(test)]
pub(crate) use self::look::outputs;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Prints the findings as one JSON object
    #[arg(long)]
    json: bool,
}

/// The findings, as `--json` has them.
#[derive(Serialize)]
struct Report<'a> {
    ready: bool,
    findings: &'a [Finding],
}

/// Whether nothing is missing.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let findings = judge::findings(&look::look_at(stack, &SystemClock).await);
    if arguments.json {
        let ready = ended(&findings) == End::Ready;
        let findings = &findings;
        terminal.json(&Report { ready, findings })?;
    } else {
        for line in lines(&findings) {
            terminal.line(&line)?;
        }
    }
    let sum = sum(&findings);
    match ended(&findings) {
        End::Ready if arguments.json => Ok(true),
        End::Ready => terminal.line(&sum).map(|()| true).map_err(Into::into),
        End::Missing => terminal.fault(&sum).map(|()| false).map_err(Into::into),
        End::Unseen => Err(Ended::NoAnswer(sum).into()),
    }
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything was seen, and nothing is missing.
    Ready,
    /// Something is missing.
    Missing,
    /// Nothing that was seen is missing, and not everything was seen.
    Unseen,
}

fn ended(findings: &[Finding]) -> End {
    let any = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
    match (any(Verdict::Missing), any(Verdict::Unknown)) {
        (true, _) => End::Missing,
        (false, true) => End::Unseen,
        (false, false) => End::Ready,
    }
}

/// The findings for people: one line each, and what to do below it.
fn lines(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in findings {
        let (verdict, about) = (finding.verdict.name(), finding.about);
        lines.push(format!("{verdict:<8} {about:<12} {}", finding.says));
        if let Some(remedy) = &finding.remedy {
            lines.push(format!("{:<8} {:<12}   {remedy}", "", ""));
        }
    }
    lines
}

/// How it stands in all.
fn sum(findings: &[Finding]) -> String {
    let number = |verdict| {
        findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    let unknown = number(Verdict::Unknown);
    let missing = number(Verdict::Missing);
    match ended(findings) {
        End::Ready => "ready: nothing is missing".to_owned(),
        End::Unseen => format!(
            "{} not looked at, and nothing else is missing",
            count(unknown, "thing")
        ),
        End::Missing if unknown > 0 => {
            let unknown = count(unknown, "other");
            format!(
                "not ready: {} missing, {unknown} not looked at",
                count(missing, "thing")
            )
        }
        End::Missing => format!("not ready: {} missing", count(missing, "thing")),
    }
}

#[cfg(test)]
mod tests;
