//! `sre-agent trail export` and `trail check`: whole streams as JSON Lines, and whether such lines hold.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use adapters::{KeyFile, Keyring, SystemClock};
use anyhow::{Context, bail};
use domain::ports::{Clock, Trail};
use domain::proposal::Proposal;
use domain::trail::{NoKeys, StreamId, Verifier};
use futures::StreamExt as _;

use trail::history;
use trail::verify::Judge;
use trail::walk::Window;

use crate::end::Ended;
use crate::moment::{self, Moment};
use crate::print::{Terminal, count};
use crate::stack::Stack;
use crate::trail::rows::{self, Format, RowArguments};

/// What `trail export` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArguments {
    /// From when on: a time ago, such as 30d, 12h or 90m, a day, such as 2026-11-22, or an RFC 3339 instant
    #[arg(long, value_name = "WHEN", required_unless_present = "undo")]
    since: Option<Moment>,

    /// Until when, not included; now where it is not given
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,

    /// How it is written; a filter needs csv or jsonl
    #[arg(long, value_enum, default_value_t = Format::Streams)]
    format: Format,

    #[command(flatten)]
    rows: RowArguments,

    /// Prints a CSV that was exported with every cell as it was, for programs: a spreadsheet would evaluate it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "until", "format"])]
    undo: Option<PathBuf>,
}

impl ExportArguments {
    /// What needs no stack, if that was asked for.
    pub(crate) fn offline(&self) -> Option<anyhow::Result<bool>> {
        self.undo.as_deref().map(rows::undo)
    }
}

/// What `trail check` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// What `trail export` wrote; - is standard input
    file: PathBuf,

    /// What `keys export` wrote: signatures are checked, too
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// Prints every record of every stream. What does not hold is printed as it is, and named at the end.
pub(crate) async fn export(
    stack: &Stack,
    arguments: &ExportArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let Some(since) = arguments.since else {
        return Err(Ended::Usage("--since says from when on".to_owned()).into());
    };
    let window = moment::window(since, arguments.until, SystemClock.now())?;
    let trail = stack.trail()?;
    match arguments.format {
        Format::Streams if arguments.rows.is_given() => Err(Ended::Usage(
            "a filter and --records need --format csv or jsonl: streams are exported whole".to_owned(),
        )
        .into()),
        Format::Streams => print(&trail, window, terminal).await.map(|()| true),
        Format::Csv | Format::Jsonl => {
            rows::export(&trail, window, arguments.format, &arguments.rows, terminal).await
        }
    }
}

async fn print(trail: &dyn Trail, window: Window, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
    let mut broken = Vec::new();
    // `control` comes first: by name it stands before the others.
    let mut judge = Judge::new(trail.keys());
    let mut histories = std::pin::pin!(history::live(trail, window).await?);
    while let Some(history) = histories.next().await {
        let records = history.context("the export is not complete")?.records;
        if let Err(fault) = judge.passed_over(&records) {
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

/// Verifies an export: every chain, every proposal's life and, where the keys are given, every signature.
pub(crate) fn check(arguments: &CheckArguments, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let keys: Box<dyn Verifier> = match &arguments.keys {
        Some(file) => Box::new(keys(file).with_context(|| file.display().to_string())?),
        None => Box::new(NoKeys),
    };
    let file = &arguments.file;
    let lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file).with_context(|| file.display().to_string())?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    verified(lines, keys.as_ref(), terminal).with_context(|| format!("{} does not hold", file.display()))
}

fn keys(file: &Path) -> anyhow::Result<Keyring> {
    let read: KeyFile =
        serde_json::from_slice(&std::fs::read(file)?).context("is not what sre-agent keys export writes")?;
    Ok(read.keyring()?)
}

fn verified(lines: impl BufRead, keys: &dyn Verifier, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let (mut streams, mut proposals, mut records, mut signed) = (0, 0, 0, 0);
    let (mut span, mut passed_over) = (None, Vec::new());
    let mut histories = history::read(lines, keys);
    while let Some(history) = histories.next() {
        let history = history?;
        let mut over: Vec<String> = history.passed_over.iter().map(ToString::to_string).collect();
        if let StreamId::Proposal(_) = history.stream {
            let aside = histories.aside_of(&history.stream);
            let proposal = Proposal::read(&history.records, keys, &aside)?;
            let standing = proposal.standing();
            if let Some(fault) = &standing.fault {
                bail!("{fault}");
            }
            let illegal = standing
                .set_aside
                .iter()
                .filter(|seq| !history.passed_over.iter().any(|fault| fault.seq == **seq));
            over.extend(
                illegal.map(|seq| format!("record {seq} of {} is illegal where it stands", history.stream)),
            );
            proposals += 1;
        }
        passed_over.extend(over);
        streams += 1;
        records += history.records.len();
        for record in &history.records {
            let (first, last) = span.unwrap_or((record.at, record.at));
            span = Some((record.at.min(first), record.at.max(last)));
            signed += usize::from(record.signature.is_some());
        }
    }
    let span = span.map_or(String::new(), |(first, last)| format!(", from {first} to {last}"));
    terminal.line(&format!(
        "verified: {} of {}, {} among them{span}",
        count(records, "record"),
        count(streams, "stream"),
        count(proposals, "proposal")
    ))?;
    for fault in passed_over {
        terminal.line(&format!("  counts for nothing, set aside or overruled: {fault}"))?;
    }
    match (signed, histories.unknown()) {
        (0, _) => {}
        (signed, None) => terminal.line(&format!("  {} checked", count(signed, "signature")))?,
        (signed, Some(_)) => terminal.line(&format!(
            "  {} not checked: --keys takes what sre-agent keys export prints",
            count(signed, "signature")
        ))?,
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
