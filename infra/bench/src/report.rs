//! Tables for people, and JSON for everything else.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// What a part has found.
pub(crate) struct Report {
    part: &'static str,
    lines: Vec<String>,
    figures: Vec<Value>,
}

/// A table, whose first column is on the left and all others are on the right.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn of(columns: &[&str]) -> Self {
        Self {
            rows: vec![columns.iter().map(|name| (*name).to_owned()).collect()],
        }
    }

    /// Another row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn lines(&self) -> Vec<String> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
                if at == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            let line: Vec<String> = cells.collect();
            line.join("  ").trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.rows.iter().map(line).collect();
        let whole = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
        lines.insert(1, "-".repeat(whole));
        lines
    }
}

impl Report {
    /// A report of a part, with the machine's name.
    pub(crate) fn of(part: &'static str, title: &str) -> Self {
        Self {
            part,
            lines: vec![format!("{part}: {title}"), machine(), String::new()],
            figures: Vec::new(),
        }
    }

    /// Text.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    /// A table.
    pub(crate) fn table(&mut self, table: &Table) {
        self.lines.extend(table.lines());
        self.lines.push(String::new());
    }

    /// A figure, for the JSON.
    pub(crate) fn figure(&mut self, name: &str, value: Value) {
        self.figures.push(json!({ "name": name, "value": value }));
    }

    /// Prints it, and writes `<out>/<part>.json`.
    pub(crate) fn finish(self, out: &Path) -> Result<()> {
        for line in &self.lines {
            println!("{line}");
        }
        fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
        let file = out.join(format!("{}.json", self.part));
        let whole = json!({ "part": self.part, "machine": machine(), "figures": self.figures });
        fs::write(&file, serde_json::to_string_pretty(&whole)? + "\n")?;
        println!("written to {}", file.display());
        Ok(())
    }
}

/// The machine: its processor, how many of it, and its memory.
pub(crate) fn machine() -> String {
    let read = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map(|(_, value)| value.trim().to_owned())
    };
    let processor = read("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".to_owned());
    let memory = read("/proc/meminfo", "MemTotal").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "on {processor}, {cores} cores, {memory} of memory, {}",
        std::env::consts::ARCH
    )
}

/// Measurements of one thing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Another one.
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Another one, in ms.
    pub(crate) fn add_ms(&mut self, took: Duration) {
        self.add(took.as_secs_f64() * 1e3);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which so many of a hundred are; 0 of none.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
        let at = rank.clamp(1, sorted.len().max(1)) - 1;
        sorted.get(at).copied().unwrap_or(0.0)
    }

    /// The median.
    pub(crate) fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    /// The least, median, p99 and greatest, for the JSON.
    pub(crate) fn figures(&self) -> Value {
        json!({
            "count": self.count(), "min": self.percentile(0.0), "p50": self.median(), "p99": self.percentile(99.0),
            "max": self.percentile(100.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let mut samples = Samples::default();
        assert_eq!(samples.median(), 0.0);
        for value in [5.0, 1.0, 4.0, 2.0, 3.0] {
            samples.add(value);
        }
        assert_eq!(samples.median(), 3.0);
        assert_eq!((samples.percentile(0.0), samples.percentile(100.0)), (1.0, 5.0));
        assert_eq!(samples.percentile(99.0), 5.0);
    }

    #[test]
    fn a_table_is_aligned() {
        let mut table = Table::of(&["function", "ms"]);
        table.row(vec!["outbox".to_owned(), "8.2".to_owned()]);
        table.row(vec!["scoring".to_owned(), "16.1".to_owned()]);
        assert_eq!(
            table.lines(),
            [
                "function    ms",
                "--------------",
                "outbox     8.2",
                "scoring   16.1"
            ]
        );
    }
}
