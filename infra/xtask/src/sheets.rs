//! Hostile sheets: what the CSV export makes of texts that want to be formulas, for readers that are not ours.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use export::cell::Cell;
use export::{Sheet, Table, restore};
use serde_json::Value;

use crate::paths::Paths;

/// Rows of the sheet of records, which has 20 columns: 100,000 fields.
const ROWS: usize = 5_000;

/// Every so manieth field is as long as a cell of a spreadsheet may be, characters.
const LONG_EVERY: usize = 5_000;
const LONG: usize = 32_767;

/// What random fields are made of: what begins a formula, what ends a cell or a row, what cannot be seen, and plain letters.
const LETTERS: &str = "=+-@＝＋－＠﹦﹢﹣﹫\t\r\n,;|\"'`\\\u{1}\u{7f}\u{200b}\u{202e}\u{feff}é漢🚀ab 0";

/// Writes a sheet, the same given back, and what it was made of: its names, then its rows, one JSON list a line. Returns
/// where they are.
pub(crate) fn write(paths: &Paths) -> Result<[PathBuf; 3]> {
    let folder = paths.stack().join("sheets");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let files = ["sheet.csv", "restored.csv", "fields.jsonl"].map(|name| folder.join(name));
    let corpus = paths.root.join("events/hostile/injections.json");
    let corpus = fs::read_to_string(&corpus).with_context(|| format!("reading {}", corpus.display()))?;
    let mut fields = Fields {
        hostile: texts(&corpus)?,
        letters: LETTERS.chars().collect(),
        state: 0x5EED,
        made: 0,
    };
    let file = |path: &PathBuf| File::create(path).with_context(|| format!("creating {}", path.display()));
    let names = Table::Records.names();
    let mut sheet = Sheet::new(BufWriter::new(file(&files[0])?), &names)?;
    let mut plain = BufWriter::new(file(&files[2])?);
    serde_json::to_writer(&mut plain, &names)?;
    plain.write_all(b"\n")?;
    for _ in 0..ROWS {
        let row: Vec<String> = names.iter().map(|_| fields.next()).collect();
        serde_json::to_writer(&mut plain, &row)?;
        plain.write_all(b"\n")?;
        let cells: Vec<Cell> = row.into_iter().map(Cell::Text).collect();
        sheet.row(&cells)?;
    }
    sheet.flush()?;
    plain.flush()?;
    let mut restored = BufWriter::new(file(&files[1])?);
    restore(File::open(&files[0])?, &mut restored)?;
    restored.flush()?;
    Ok(files)
}

/// The texts of the corpus that tests put into events.
fn texts(corpus: &str) -> Result<Vec<String>> {
    let corpus: Vec<Value> = serde_json::from_str(corpus).context("the corpus is no list")?;
    let texts = corpus.iter().filter_map(|one| {
        let times = one.get("repeat").and_then(Value::as_u64).unwrap_or(1);
        Some(one.get("text")?.as_str()?.repeat(usize::try_from(times).ok()?))
    });
    Ok(texts.collect())
}

/// The fields, the same in each run.
struct Fields {
    hostile: Vec<String>,
    letters: Vec<char>,
    state: u64,
    made: usize,
}

impl Fields {
    fn next(&mut self) -> String {
        self.made += 1;
        if self.made.is_multiple_of(LONG_EVERY) {
            return (0..LONG).map(|_| self.letter()).collect();
        }
        match self.below(4) {
            0 => {
                let which = self.below(self.hostile.len().max(1));
                let text = self.hostile.get(which).cloned().unwrap_or_default();
                let sign = self.letter();
                format!("{sign}{text}")
            }
            _ => {
                let length = self.below(12);
                (0..length).map(|_| self.letter()).collect()
            }
        }
    }

    fn letter(&mut self) -> char {
        let which = self.below(self.letters.len().max(1));
        self.letters.get(which).copied().unwrap_or(' ')
    }

    /// <https://prng.di.unimi.it/splitmix64.c>
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound as u64).unwrap_or_default()
    }
}
