//! `sre-agent trail export` and `trail check`: whole streams as JSON Lines, and whether such lines hold.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use adapters::SystemClock;
use anyhow::{Context, bail};
use domain::ports::{Clock, Trail};
use domain::proposal::Proposal;
use domain::trail::{StreamId, verify_chain};
use futures::StreamExt as _;

use trail::history;
use trail::walk::Window;

use crate::moment::{self, Moment};
use crate::print::{Terminal, count};
use crate::stack::Stack;

/// What `trail export` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArguments {
    /// From when on: a time ago, such as 30d, 12h or 90m, or an RFC 3339 instant
    #[arg(long, value_name = "WHEN")]
    since: Moment,

    /// Until when, not included; now where it is not given
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
}

/// What `trail check` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// What `trail export` wrote; - is standard input
    file: PathBuf,
}

/// Prints every record of every stream. What does not hold is printed as it is, and named at the end.
pub(crate) async fn export(
    stack: &Stack,
    arguments: &ExportArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let window = moment::window(arguments.since, arguments.until, SystemClock.now())?;
    print(&stack.trail()?, window, terminal).await?;
    Ok(true)
}

async fn print(trail: &dyn Trail, window: Window, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
    let mut broken = Vec::new();
    let mut histories = std::pin::pin!(history::live(trail, window).await?);
    while let Some(history) = histories.next().await {
        let records = history.context("the export is not complete")?.records;
        if let Err(fault) = verify_chain(&records) {
            broken.push(fault.to_string());
        }
        if !terminal.json_lines(&records)? {
            return Ok(());
        }
    }
    if !broken.is_empty() {
        bail!("everything was exported, and not verified: {}", broken.join("; "));
    }
    Ok(())
}

/// Verifies an export: every chain, and every proposal's life.
pub(crate) fn check(arguments: &CheckArguments, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let file = &arguments.file;
    let lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file).with_context(|| file.display().to_string())?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    verified(lines, terminal).with_context(|| format!("{} does not hold", file.display()))
}

fn verified(lines: impl BufRead, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let (mut streams, mut proposals, mut records) = (0, 0, 0);
    let mut span = None;
    for history in history::read(lines) {
        let history = history?;
        if let StreamId::Proposal(_) = history.stream {
            Proposal::replay(&history.records).with_context(|| history.stream.to_string())?;
            proposals += 1;
        }
        streams += 1;
        records += history.records.len();
        for record in &history.records {
            let (first, last) = span.unwrap_or((record.at, record.at));
            span = Some((record.at.min(first), record.at.max(last)));
        }
    }
    let span = span.map_or(String::new(), |(first, last)| format!(", from {first} to {last}"));
    terminal.line(&format!(
        "verified: {} of {}, {} among them{span}",
        count(records, "record"),
        count(streams, "stream"),
        count(proposals, "proposal")
    ))?;
    Ok(true)
}

#[cfg(test)]
mod tests;
