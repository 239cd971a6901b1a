//! `trail export --format csv`: rows a second and memory, beside DuckDB's `COPY` of the same table.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use domain::ports::{Trail, TrailError, Unavailable};
use domain::trail::{Entry, NoKeys, Record, Seq, StreamId, Verifier, hour_key};
use domain::value::{ProposalId, Timestamp};
use export::{Filter, Found, Sheet, Table as Rows, rows};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Builder;
use trail::walk::Window;

use crate::annals::{self, Annals};
use crate::report::{Report, Table};

/// How many proposals there are.
const SIZES: [u64; 3] = [1_000, 10_000, 50_000];

/// Between the beginnings of two proposals, ms: 180 an hour.
const APART_MS: u64 = 20_000;

/// A trail that makes its proposals up whenever they are read.
struct MadeUp<'a> {
    annals: &'a Annals,
    numbers: BTreeMap<ProposalId, u64>,
    /// The proposals that were opened in an hour and shard.
    opened: BTreeMap<String, Vec<(StreamId, Timestamp)>>,
}

impl<'a> MadeUp<'a> {
    fn of(annals: &'a Annals, proposals: u64) -> Result<Self> {
        let mut made_up = Self {
            annals,
            numbers: BTreeMap::new(),
            opened: BTreeMap::new(),
        };
        for number in 0..proposals {
            let id = annals::id(number);
            let first = annals.over(number)?.first().context("a life without records")?;
            let at = first.at.plus_millis(number * APART_MS);
            let stream = StreamId::Proposal(id.clone());
            let hour = hour_key(&stream, at);
            made_up.opened.entry(hour).or_default().push((stream, at));
            made_up.numbers.insert(id, number);
        }
        Ok(made_up)
    }

    fn window(&self, proposals: u64) -> Result<Window> {
        let first = self.annals.over(0)?.first().context("a life without records")?.at;
        Ok(Window {
            since: first.minus_seconds(3_600),
            until: first.plus_millis(proposals * APART_MS).plus_seconds(3_600),
        })
    }
}

fn never(what: &str) -> TrailError {
    Unavailable::new("the trail", format!("an export does not {what}")).into()
}

#[async_trait]
impl Trail for MadeUp<'_> {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        let StreamId::Proposal(id) = stream else {
            return Ok(Vec::new());
        };
        let Some(number) = self.numbers.get(id) else {
            return Ok(Vec::new());
        };
        let told = self
            .annals
            .over(*number)
            .and_then(|records| annals::retold(records, *number, number * APART_MS));
        told.map_err(|err| TrailError::Corrupt(err.to_string()))
    }

    async fn opened_in(
        &self,
        hour: &str,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        Ok(self.opened.get(hour).cloned().unwrap_or_default())
    }

    async fn last(&self, _: &StreamId) -> Result<Option<Record>, TrailError> {
        Err(never("read the last record alone"))
    }

    async fn newest(&self, _: &StreamId, _: usize) -> Result<Vec<Record>, TrailError> {
        Err(never("read the newest records alone"))
    }

    async fn append(&self, _: Entry) -> Result<Record, TrailError> {
        Err(never("append"))
    }

    async fn streams_of(&self, _: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        Err(never("read every stream of proposals"))
    }

    fn keys(&self) -> &dyn Verifier {
        &NoKeys
    }
}

/// Writes the rows of a trail to a file; how many there were.
async fn written(trail: &MadeUp<'_>, window: Window, file: &Path) -> Result<u64> {
    let filter = Filter::all(window);
    let names = Rows::Proposals.names();
    let mut sheet = Sheet::new(BufWriter::new(File::create(file)?), &names)?;
    let mut count = 0;
    let mut found = std::pin::pin!(rows(trail, Rows::Proposals, &filter).await?);
    while let Some(found) = found.next().await {
        match found? {
            Found::Row(cells) => {
                sheet.row(&cells)?;
                count += 1;
            }
            Found::Fault(fault) => anyhow::bail!("what was made up does not hold: {fault}"),
            Found::Hour(_) | Found::Read(_) => {}
        }
    }
    sheet.flush()?;
    Ok(count)
}

/// How long DuckDB takes to write the same table, seconds: the median of what the script measured.
fn duckdb(python: &Path, script: &Path, file: &Path) -> Result<f64> {
    let output = Command::new(python).arg(script).arg(file).output()?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        script.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout)?;
    told["seconds"].as_f64().context("no seconds")
}

pub(crate) fn run(duckdb_python: Option<&Path>, peers: &Path, out: &Path) -> Result<()> {
    let runtime = Builder::new_current_thread().build()?;
    let annals = Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(Annals::live())?;
    let folder = TempDir::new()?;
    let mut report = Report::of(
        "export",
        "the trail as CSV, one row a proposal: read, verified, filtered, defused and written",
    );
    let mut table = Table::of(&[
        "proposals",
        "s",
        "rows/s",
        "MB",
        "memory MB",
        "DuckDB's COPY, rows/s",
        "ratio",
    ]);
    for size in SIZES {
        let file = folder.path().join(format!("{size}.csv"));
        let trail = MadeUp::of(&annals, size)?;
        let window = trail.window(size)?;
        // Making them up is no part of it.
        let began = Instant::now();
        for number in 0..size {
            let records = annals::retold(annals.over(number)?, number, number * APART_MS)?;
            std::hint::black_box(records);
        }
        let making = began.elapsed().as_secs_f64();
        let (mut outcome, mut took) = (None, 0.0);
        let allocated = allocation_counter::measure(|| {
            let began = Instant::now();
            outcome = Some(runtime.block_on(written(&trail, window, &file)));
            took = began.elapsed().as_secs_f64();
        });
        let count = outcome.context("the export came to no end")??;
        ensure!(count == size, "{count} rows of {size} proposals");
        let ours = (took - making).max(f64::EPSILON);
        let theirs = match duckdb_python {
            Some(python) => Some(duckdb(python, &peers.join("duckdb_copy.py"), &file)?),
            None => None,
        };
        let rate = |seconds: f64| size as f64 / seconds;
        table.row(vec![
            size.to_string(),
            format!("{ours:.2}"),
            format!("{:.0}", rate(ours)),
            format!("{:.1}", file.metadata()?.len() as f64 / 1e6),
            format!("{:.2}", allocated.bytes_max as f64 / 1e6),
            theirs.map_or("–".to_owned(), |seconds| format!("{:.0}", rate(seconds))),
            theirs.map_or("–".to_owned(), |seconds| format!("{:.2}", seconds / ours)),
        ]);
        report.figure(
            &size.to_string(),
            json!({ "s": ours, "making_s": making, "memory_bytes": allocated.bytes_max, "duckdb_s": theirs,
                    "of_duckdb": theirs.map(|seconds| seconds / ours), "file_bytes": file.metadata()?.len() }),
        );
    }
    report.table(&table);
    report.say("the table is in DuckDB's memory already when its COPY begins: it reads, verifies and defuses nothing");
    report.say("signatures are not checked here: without the keys nobody can");
    report.finish(out)
}
