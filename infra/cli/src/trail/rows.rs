//! `sre-agent trail export --format csv|jsonl`: the trail as rows, for auditors.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use domain::action::ActionKind;
use domain::ports::Trail;
use domain::proposal::State;
use domain::value::{OperatorId, TeamId, visible};
use export::cell::Cell;
use export::{Filter, Found, NotASheet, Sheet, Table, restore, rows};
use futures::StreamExt as _;
use serde_json::{Map, Value};
use trail::walk::Window;

use crate::print::{Terminal, count};
use crate::trail::progress::Progress;

/// What is written at once, bytes.
const CHUNK: usize = 1 << 16;

/// How the trail is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Whole streams, one record a line, as `trail check` reads them
    Streams,
    /// Rows for a spreadsheet, in which no cell is a formula
    Csv,
    /// The same rows, one JSON object a line
    Jsonl,
}

/// Which rows are wanted.
#[derive(Debug, clap::Args)]
pub(crate) struct RowArguments {
    /// Of what this system recorded: sre-agent
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,

    /// Of proposals of this action
    #[arg(long, value_parser = action)]
    action: Option<ActionKind>,

    /// Where this person did something; with --records, what they did
    #[arg(long, value_name = "ID")]
    operator: Option<OperatorId>,

    /// Of proposals whose event names this team
    #[arg(long)]
    team: Option<TeamId>,

    /// Of proposals that stand like this, such as rejected or restored
    #[arg(long, value_parser = outcome)]
    outcome: Option<&'static str>,

    /// One row a record instead of one a proposal
    #[arg(long)]
    records: bool,
}

fn action(text: &str) -> Result<ActionKind, String> {
    let found = ActionKind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| format!("is none of {}", ActionKind::ALL.map(ActionKind::name).join(", ")))
}

fn outcome(text: &str) -> Result<&'static str, String> {
    let found = State::NAMES.into_iter().find(|outcome| *outcome == text);
    found.ok_or_else(|| format!("is none of {}", State::NAMES.join(", ")))
}

impl RowArguments {
    /// Whether any of it was given.
    pub(crate) fn is_given(&self) -> bool {
        let named = self.source.is_some() || self.operator.is_some() || self.team.is_some();
        named || self.action.is_some() || self.outcome.is_some() || self.records
    }

    fn filter(&self, window: Window) -> Filter {
        Filter {
            window,
            source: self.source.clone(),
            action: self.action,
            operator: self.operator.clone(),
            team: self.team.clone(),
            outcome: self.outcome,
        }
    }
}

/// Writes the rows that are wanted, as they come. What does not hold is named at the end.
pub(crate) async fn export(
    trail: &dyn Trail,
    window: Window,
    format: Format,
    arguments: &RowArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let table = match arguments.records {
        true => Table::Records,
        false => Table::Proposals,
    };
    let filter = arguments.filter(window);
    let mut out = Rows::begin(table, format, io::stdout().is_terminal())?;
    let incomplete = "the export is not complete";
    let mut broken = BTreeSet::new();
    let (mut progress, mut read) = (Progress::begin(Instant::now()), 0);
    let mut found = std::pin::pin!(rows(trail, table, &filter).await.context(incomplete)?);
    while let Some(found) = found.next().await {
        match found.context(incomplete)? {
            Found::Row(cells) => out.row(cells)?,
            Found::Fault(fault) => _ = broken.insert(fault),
            Found::Read(records) => read += records,
            Found::Hour(hour) => progress.say(|| format!("read {} until {hour} UTC", count(read, "record"))),
        }
        if out.written.len() >= CHUNK && !terminal.bytes(&out.take())? {
            return Ok(true);
        }
    }
    terminal.bytes(&out.take())?;
    if !broken.is_empty() {
        let broken: Vec<String> = broken.into_iter().collect();
        bail!(
            "everything was exported, and not all of it holds: {}",
            broken.join("; ")
        );
    }
    Ok(true)
}

/// Rows that are not written yet.
struct Rows {
    names: Vec<&'static str>,
    format: Format,
    /// Whether somebody looks at it: nothing may steer their terminal then.
    shown: bool,
    written: Vec<u8>,
}

impl Rows {
    fn begin(table: Table, format: Format, shown: bool) -> io::Result<Self> {
        let names = table.names();
        let mut written = Vec::new();
        if format == Format::Csv {
            Sheet::new(&mut written, &names)?.flush()?;
        }
        Ok(Self {
            names,
            format,
            shown,
            written,
        })
    }

    fn row(&mut self, cells: Vec<Cell>) -> anyhow::Result<()> {
        if self.format == Format::Csv {
            let cells: Vec<Cell> = match self.shown {
                true => cells
                    .iter()
                    .map(|cell| Cell::Text(visible(&cell.plain())))
                    .collect(),
                false => cells,
            };
            return Ok(Sheet::more(&mut self.written).row_and_flush(&cells)?);
        }
        let values = cells.into_iter().map(Cell::json);
        let row: Map<String, Value> = self
            .names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(values)
            .collect();
        Terminal::lines_into(&mut self.written).json(&row)
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }
}

/// Gives a sheet back with every cell as it was.
pub(crate) fn undo(file: &Path) -> anyhow::Result<bool> {
    let named = || file.display().to_string();
    let opened = File::open(file).with_context(named)?;
    match restore(opened, io::stdout().lock()) {
        // Whoever read along, such as `head`, has seen enough.
        Err(NotASheet::Write(err)) if err.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        restored => restored.map(|()| true).with_context(named),
    }
}

#[cfg(test)]
mod tests;
