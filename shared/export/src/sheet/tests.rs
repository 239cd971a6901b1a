//! A hundred thousand cells of whatever kind: another reader of CSV reads them, none is a formula, and all come back.

use std::process::Command;

use testkit::hostile::injections;

use super::*;
use crate::cell;

/// Numbers that are the same in every run: <https://prng.di.unimi.it/splitmix64.c>.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    /// A short text of signs that mean something somewhere.
    fn text(&mut self) -> String {
        const SIGNS: [&str; 40] = [
            "=",
            "+",
            "-",
            "@",
            "\t",
            "\r",
            "\n",
            "\r\n",
            "＝",
            "＋",
            "－",
            "＠",
            "﹦",
            "﹣",
            "'",
            "\"",
            "\"\"",
            ",",
            ";",
            "|",
            " ",
            "\u{a0}",
            "\u{feff}",
            "\u{200b}",
            "\u{202e}",
            "\u{0}",
            "\u{b}",
            "\u{85}",
            "\u{2028}",
            "\\",
            "'=",
            ";=",
            "cmd|' /C calc'!A0",
            "HYPERLINK(\"http://x\")",
            "a",
            "é",
            "🚀",
            "1",
            "{\"a\":-1}",
            "\u{7f}",
        ];
        (0..self.below(12))
            .map(|_| SIGNS[self.below(SIGNS.len())])
            .collect()
    }
}

const CELLS: usize = 100_000;
const COLUMNS: usize = 4;

/// The corpus, each of it behind separators, the largest that a record holds, and chance.
fn hostile() -> Vec<String> {
    let mut cells: Vec<String> = Vec::with_capacity(CELLS);
    for injection in injections() {
        for before in ["", "'", "=", "a;", "a,\"", "\t", "\u{feff} ", "\r\n"] {
            cells.push(format!("{before}{}", injection.text));
        }
    }
    let most = domain::trail::MAX_BODY_BYTES;
    cells.extend(["=", "'", "\"", "\n", ";=", "＝"].map(|sign| sign.repeat(most / sign.len())));
    let mut dice = Dice(7);
    while cells.len() < CELLS {
        cells.push(dice.text());
    }
    cells.truncate(CELLS);
    cells
}

fn sheet(cells: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sheet = Sheet::new(&mut out, &["a", "b", "c", "d"]).unwrap();
    for row in cells.chunks(COLUMNS) {
        let row: Vec<Cell> = row.iter().map(|text| Cell::Text(text.clone())).collect();
        sheet.row(&row).unwrap();
    }
    sheet.flush().unwrap();
    drop(sheet);
    out
}

/// What Python's own reader makes of a file: <https://docs.python.org/3/library/csv.html>.
fn read_by_python(file: &[u8]) -> Vec<Vec<String>> {
    const PROGRAM: &str = "import csv, json, sys\n\
        csv.field_size_limit(1 << 24)\n\
        with open(sys.argv[1], newline='', encoding='utf-8') as file:\n    \
            for row in csv.reader(file, strict=True):\n        \
                print(json.dumps(row))\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.csv");
    std::fs::write(&path, file).unwrap();
    let output = Command::new("python3")
        .arg("-c")
        .arg(PROGRAM)
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Whether a spreadsheet that separates by this, and does not care for quotes, finds a formula.
fn finds_a_formula(text: &str, separator: char) -> Option<&str> {
    let line_ends = ['\r', '\n', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];
    let cells = text.split(|c| c == separator || line_ends.contains(&c));
    let bare = cells.map(|cell| {
        cell.trim_start_matches(|c: char| c == '"' || c.is_whitespace() || domain::value::is_dangerous(c))
    });
    bare.into_iter()
        .find(|cell| cell.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫']))
}

#[test]
fn a_hundred_thousand_hostile_cells_are_read_by_another_reader_and_come_back() {
    let cells = hostile();
    assert!(
        cells.iter().any(|cell| finds_a_formula(cell, ';').is_some()),
        "the test knows a formula"
    );
    let file = sheet(&cells);
    let text = std::str::from_utf8(&file).unwrap();
    for separator in [',', ';', '\t', '|'] {
        assert_eq!(
            finds_a_formula(text, separator),
            None,
            "separated by {separator:?}"
        );
    }
    let rows = read_by_python(&file);
    assert_eq!(rows.len(), 1 + CELLS / COLUMNS);
    let safe = rows[1..].iter().flatten();
    for (safe, cell) in safe.zip(&cells) {
        let first = safe.chars().next();
        assert!(
            first.is_none_or(|c| !"=+-@\t\r\n＝＋－＠".contains(c)),
            "{safe:?}"
        );
        assert_eq!(cell::plain(safe).as_ref(), Ok(cell));
    }

    let mut restored = Vec::new();
    restore(&file[..], &mut restored).unwrap();
    let rows = read_by_python(&restored);
    assert!(rows[1..].iter().flatten().eq(&cells));
}

#[test]
fn a_sheet_is_as_rfc_4180_has_it() {
    let file = sheet(&[
        "=1".to_owned(),
        "a \"b\"".to_owned(),
        String::new(),
        "x\ny".to_owned(),
    ]);
    let text = String::from_utf8(file).unwrap();
    assert_eq!(
        text,
        "\"a\",\"b\",\"c\",\"d\"\r\n\"'=1\",\"a \"\"b\"\"\",\"\",\"x\ny\"\r\n"
    );
}

#[test]
fn what_is_no_sheet_is_refused_with_its_place() {
    let problem = |file: &[u8]| {
        let err = restore(file, io::sink()).unwrap_err();
        err.to_string()
    };
    let changed = "this file was not written by an export, or changed since";
    assert_eq!(
        problem(b"\"a\",\"b\"\r\n\"x\",\"=1\"\r\n"),
        format!("the cell in row 2, column 2 begins as a formula: {changed}")
    );
    assert_eq!(
        problem(b"\"'a\"\r\n"),
        format!("the cell in row 1, column 1 has an apostrophe that protects nothing: {changed}")
    );
    assert_eq!(
        problem(b"\"\xff\"\r\n"),
        format!("the cell in row 1, column 1 is not UTF-8: {changed}")
    );
    assert_eq!(
        problem(b"\"a\"\r\n\"a\",\"b\"\r\n"),
        "it is no CSV of equally long rows"
    );
}
