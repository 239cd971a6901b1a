//! Rows for auditors: what a filter takes, and what is given back of a sheet.

use std::process::Stdio;

use export::cell::Cell;
use export::{Sheet, Table};
use serde_json::Value;
use testkit::story::{Story, breaks};
use tokio::io::{AsyncReadExt as _, BufReader};
use wiremock::MockServer;

use super::fake::{World, write_rejected_page};
use super::{at, code, ended, err, on, run};

/// A sheet of records with so many rows, in each of which these cells stand first.
fn sheet(rows: usize, cells: &[&str]) -> String {
    let mut sheet = Vec::new();
    let names = Table::Records.names();
    let mut writer = Sheet::new(&mut sheet, &names).unwrap();
    let text = |at: usize| Cell::Text(cells.get(at).copied().unwrap_or_default().to_owned());
    let row: Vec<Cell> = (0..names.len()).map(text).collect();
    for _ in 0..rows {
        writer.row(&row).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    String::from_utf8(sheet).unwrap()
}

#[tokio::test]
async fn an_exported_sheet_is_given_back_as_it_was_and_no_stack_is_asked() {
    let server = MockServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("records.csv");
    let cells = ["=1+1", "two\r\nlines, \"quoted\"", "'=1", "+49 30"];
    let sheet = sheet(1, &cells);
    assert!(sheet.contains("\"'=1+1\""), "{sheet}");
    std::fs::write(&file, &sheet).unwrap();
    let path = file.to_str().unwrap();

    let output = run(&server, &["trail", "export", "--undo", path]).await;
    assert_eq!(code(&output), 0, "{output:?}");
    let plain = String::from_utf8(output.stdout).unwrap();
    let (head, row) = plain.split_once("\r\n").unwrap();
    assert_eq!(Some(head), sheet.split("\r\n").next());
    assert_eq!(
        row,
        format!(
            "\"=1+1\",\"two\r\nlines, \"\"quoted\"\"\",\"'=1\",\"+49 30\"{}\r\n",
            ",\"\"".repeat(Table::Records.names().len() - cells.len())
        )
    );
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_sheet_is_not_given_back() {
    let server = MockServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("records.csv");
    let path = file.to_str().unwrap();
    let whole = sheet(2, &["=1", "a \"b\""]);
    let names = Table::Records.names().join("\",\"");
    let no_head = "its first row has not the names of an export";
    for (text, said) in [
        (
            whole.replace("\"'=1\"", "\"=1\""),
            "the cell in row 2, column 1 begins as a formula",
        ),
        (String::new(), no_head),
        (whole.replacen("\"stream\"", "\"streams\"", 1), no_head),
        (
            "hello\n".to_owned(),
            "the cell in row 1, column 1 is not in quotes",
        ),
        (
            format!("\"{names}\"\r\n\"x\"\r\n"),
            "row 2 has not as many cells as there are names",
        ),
        (
            whole[..whole.len() - 3].to_owned(),
            "the cell in row 3, column 20 is where the file was cut",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = run(&server, &["trail", "export", "--undo", path]).await;
        assert_eq!(code(&output), 1, "{output:?}");
        assert!(
            err(&output).starts_with(&format!("error: {path}: {said}")),
            "{output:?}"
        );
    }
    let here = directory.path().to_str().unwrap();
    for (path, said) in [
        ("/nowhere.csv", "/nowhere.csv: "),
        (here, &format!("{here}: it could not be read on: ")),
    ] {
        let output = run(&server, &["trail", "export", "--undo", path]).await;
        assert_eq!(code(&output), 4, "{output:?}");
        assert!(err(&output).starts_with(&format!("error: {said}")), "{output:?}");
    }
    for more in [
        &["--since", "1d"][..],
        &["--format", "csv"],
        &["--source", "x"],
        &["--action", "page_oncall"],
        &["--operator", "alice"],
        &["--team", "payments"],
        &["--outcome", "rejected"],
        &["--records"],
    ] {
        let output = run(&server, &[&["trail", "export", "--undo", path], more].concat()).await;
        assert_eq!(code(&output), 2, "{output:?}");
        assert!(err(&output).contains("cannot be used with"), "{output:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn who_reads_a_sheet_may_stop_before_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("records.csv");
    // More than a pipe holds.
    std::fs::write(&file, sheet(20_000, &["=1"])).unwrap();
    let mut command = at("http://nobody.invalid", &["trail", "export", "--undo"]);
    command.arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut begin = [0; 8];
    out.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"\"stream\"");
    drop(out);
    let mut said = String::new();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    errors.read_to_string(&mut said).await.unwrap();
    let status = child.wait().await.unwrap();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

/// How many rows there are in the day of the stories.
async fn rows(world: &World, filter: &[&str]) -> Vec<Value> {
    let day = ["--since", "2026-11-22", "--until", "2026-11-23"];
    let line = [&["trail", "export", "--format", "jsonl"], &day[..], filter].concat();
    let output = ended(on(world, &line)).await;
    assert_eq!(code(&output), 0, "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn a_row_meets_every_filter_or_is_left_out() {
    let world = World::with(&Story::awaiting(breaks())).await;
    write_rejected_page(&world).await;
    assert_eq!(rows(&world, &[]).await.len(), 2);
    let filter = [
        ("--source", "sre-agent", "another"),
        ("--action", "page_oncall", "circuit_break_provider"),
        ("--operator", "alice", "bob"),
        ("--team", "payments", "search"),
        ("--outcome", "rejected", "awaiting_approval"),
    ];
    let met: Vec<&str> = filter.iter().flat_map(|(name, met, _)| [*name, *met]).collect();
    let found = rows(&world, &met).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (&found[0]["team"], &found[0]["outcome"]),
        (&"payments".into(), &"rejected".into())
    );
    // With --records, what alice did there.
    let found = rows(&world, &[&met[..], &["--records"]].concat()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["kind"], "rejected");
    for at in 0..filter.len() {
        let mut other = met.clone();
        other[2 * at + 1] = filter[at].2;
        let found = rows(&world, &other).await;
        assert_eq!(found.len(), 0, "{other:?}: {found:?}");
    }
}
