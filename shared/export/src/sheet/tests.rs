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
const COLUMNS: usize = NAMES.len();
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

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
    let mut sheet = Sheet::new(&mut out, &NAMES).unwrap();
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
    copy(&[NAMES.to_vec()], &file[..], &mut restored).unwrap();
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

/// What is wrong with a file whose first row should be `a`, `b`.
fn problem(file: &[u8]) -> String {
    let err = copy(&[vec!["a", "b"]], file, io::sink()).unwrap_err();
    err.to_string()
}

#[test]
fn what_is_no_sheet_is_refused_with_its_place() {
    let changed = "this file was not written by an export, or changed since";
    for (rest, place, wrong) in [
        (&b"\"x\",\"=1\"\r\n"[..], "row 2, column 2", "begins as a formula"),
        (
            b"\"'a\",\"\"\r\n",
            "row 2, column 1",
            "has an apostrophe that protects nothing",
        ),
        (b"\"\xff\",\"\"\r\n", "row 2, column 1", "is not UTF-8"),
        (b"x,y\r\n", "row 2, column 1", "is not in quotes"),
        (b"\"x\",y\r\n", "row 2, column 2", "is not in quotes"),
        (b"\"x\",\"y\"\r\n\r\n", "row 3, column 1", "is not in quotes"),
        (
            b"\"x\",\"y\"\n",
            "row 2, column 2",
            "is followed by neither a comma nor CR LF",
        ),
        (
            b"\"x\";\"y\"\r\n",
            "row 2, column 1",
            "is followed by neither a comma nor CR LF",
        ),
    ] {
        let file = [b"\"a\",\"b\"\r\n", rest].concat();
        assert_eq!(
            problem(&file),
            format!("the cell in {place} {wrong}: {changed}"),
            "{}",
            String::from_utf8_lossy(rest)
        );
    }
    assert_eq!(
        problem(b"\"a\",\"b\"\r\n\"a\"\r\n"),
        format!("row 2 has not as many cells as there are names: {changed}")
    );
}

#[test]
fn no_sheet_that_was_cut_is_taken_for_a_whole_one_but_at_the_end_of_a_row() {
    let mut file = Vec::new();
    let mut sheet = Sheet::new(&mut file, &["a", "b"]).unwrap();
    sheet
        .row_and_flush(&["one \"quoted\"\r\n", "two,\r\nlines \"\r\n"].map(|cell| Cell::text(Some(cell))))
        .unwrap();
    drop(sheet);
    let whole = copy(&[vec!["a", "b"]], &file[..], io::sink());
    assert!(whole.is_ok(), "{whole:?}");
    let head = b"\"a\",\"b\"\r\n".len();
    for end in 0..file.len() {
        let cut = copy(&[vec!["a", "b"]], &file[..end], io::sink());
        assert_eq!(cut.is_ok(), end == head, "cut at {end}: {cut:?}");
    }
}

#[test]
fn the_first_row_is_that_of_a_table() {
    for table in [Table::Proposals, Table::Records] {
        let mut file = Vec::new();
        Sheet::new(&mut file, &table.names()).unwrap().flush().unwrap();
        let mut restored = Vec::new();
        restore(&file[..], &mut restored).unwrap();
        assert_eq!(restored, file);
    }
    let no_head = "its first row has not the names of an export of proposals, nor of records";
    for other in [&b""[..], b"\"a\",\"b\"\r\n", b"\"id\"\r\n"] {
        assert_eq!(restore(other, io::sink()).unwrap_err().to_string(), no_head);
    }
    assert_eq!(problem(b""), no_head);
    assert!(problem(b"hello\n").starts_with("the cell in row 1, column 1 is not in quotes"));
}

/// Fails like this.
struct Failing(io::ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_read_or_written_is_told_from_what_is_no_sheet() {
    let kind = io::ErrorKind::IsADirectory;
    let unread = restore(Failing(kind), io::sink());
    assert!(matches!(unread, Err(NotASheet::Read(err)) if err.kind() == kind));
    // At the end, and before.
    for rows in [1, 1_000] {
        let mut file = Vec::new();
        let mut sheet = Sheet::new(&mut file, &Table::Records.names()).unwrap();
        for _ in 0..rows {
            sheet
                .row(&vec![Cell::Empty; Table::Records.names().len()])
                .unwrap();
        }
        sheet.flush().unwrap();
        drop(sheet);
        let kind = io::ErrorKind::BrokenPipe;
        let unwritten = restore(&file[..], Failing(kind));
        assert!(matches!(unwritten, Err(NotASheet::Write(err)) if err.kind() == kind));
    }
}
