//! `sre-agent trail export`: whole streams as JSON Lines, or rows.

use std::path::PathBuf;
use std::time::Instant;

use adapters::SystemClock;
use anyhow::{Context, bail};
use domain::ports::{Clock, Trail};
use futures::StreamExt as _;

use trail::history;
use trail::verify::Judge;
use trail::walk::Window;

use crate::end::Ended;
use crate::moment::{self, Moment};
use crate::print::{Terminal, count};
use crate::stack::Stack;
use crate::trail::progress::Progress;
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
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "since", "until", "format", "source", "action", "operator", "team", "outcome", "records",
        ]
    )]
    undo: Option<PathBuf>,
}

impl ExportArguments {
    /// What needs no stack, if that was asked for; and what cannot be asked for like this.
    pub(crate) fn offline(&self) -> Option<anyhow::Result<bool>> {
        match &self.undo {
            Some(file) => Some(rows::undo(file)),
            None => self.window().err().map(Err),
        }
    }

    /// Which time is exported.
    fn window(&self) -> anyhow::Result<Window> {
        let Some(since) = self.since else {
            bail!(Ended::Usage("--since says from when on".to_owned()));
        };
        if self.format == Format::Streams && self.rows.is_given() {
            bail!(Ended::Usage(
                "a filter and --records need --format csv or jsonl: streams are exported whole".to_owned(),
            ));
        }
        moment::window(since, self.until, SystemClock.now())
    }
}

/// Prints every record of every stream. What does not hold is printed as it is, and named at the end.
pub(crate) async fn export(
    stack: &Stack,
    arguments: &ExportArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let window = arguments.window()?;
    let trail = stack.trail()?;
    match arguments.format {
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
    let mut progress = Progress::begin(Instant::now());
    let mut indexed =
        |done, hours| progress.say(|| format!("read {done} of {} of the index", count(hours, "hour")));
    let (streams, histories) = history::live_telling(trail, window, &mut indexed).await?;
    let mut histories = std::pin::pin!(histories);
    let (mut done, mut read) = (0, 0);
    while let Some(history) = histories.next().await {
        let records = history.context("the export is not complete")?.records;
        (done, read) = (done + 1, read + records.len());
        progress.say(|| {
            format!(
                "read {} of {done} of about {}",
                count(read, "record"),
                count(streams, "stream")
            )
        });
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

#[cfg(test)]
mod tests;
