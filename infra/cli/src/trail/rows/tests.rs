//! What is written for auditors, and the page that tells them of it.

use domain::value::Timestamp;
use export::{Column, proposals, records};
use testkit::story::{Story, breaks};
use testkit::{MemoryTrail, sample};

use super::*;

const PAGE: &str = include_str!("../../../../docs/export.md");

fn window() -> Window {
    let now: Timestamp = sample::now();
    Window {
        since: now.minus_seconds(60),
        until: now.plus_seconds(7200),
    }
}

fn wanted(records: bool) -> RowArguments {
    RowArguments {
        source: Some("sre-agent".to_owned()),
        action: None,
        operator: None,
        team: None,
        outcome: None,
        records,
    }
}

async fn exported(format: Format, arguments: &RowArguments) -> String {
    let trail = MemoryTrail::new();
    Story::rejected(breaks()).write_to(&trail);
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    assert!(
        export(&trail, window(), format, arguments, &mut terminal)
            .await
            .unwrap()
    );
    drop(terminal);
    String::from_utf8(buffer).unwrap()
}

#[tokio::test]
async fn a_proposal_is_a_row_of_either_format() {
    let lines = exported(Format::Jsonl, &wanted(false)).await;
    let row: Value = serde_json::from_str(&lines).unwrap();
    assert_eq!((&row["outcome"], &row["score"]), (&"rejected".into(), &15.into()));
    assert_eq!(row["operators"][0]["operator"], "alice");
    let sheet = exported(Format::Csv, &wanted(false)).await;
    assert_eq!(sheet.matches("\r\n").count(), 2);
    assert!(sheet.starts_with("\"id\",\"opened\","), "{sheet}");
    let sheet = exported(Format::Csv, &wanted(true)).await;
    assert_eq!(
        sheet.matches("\r\n").count(),
        1 + Story::rejected(breaks()).records().len()
    );
    let nothing = RowArguments {
        source: Some("another".to_owned()),
        ..wanted(false)
    };
    assert_eq!(exported(Format::Csv, &nothing).await.matches("\r\n").count(), 1);
}

#[test]
fn every_column_is_on_the_page_in_its_order_and_no_other() {
    fn table<T>(columns: &[Column<T>]) -> Vec<String> {
        columns
            .iter()
            .map(|column| format!("| `{}` | {} |", column.name, column.holds))
            .collect()
    }
    let listed: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let mut expected = table(&proposals::COLUMNS);
    expected.extend(table(&records::COLUMNS));
    assert_eq!(listed, expected);
    for outcome in State::NAMES {
        assert!(PAGE.contains(&format!("`{outcome}`")), "{outcome}");
    }
}

#[test]
fn an_action_or_an_outcome_that_is_none_is_told_what_there_is() {
    assert_eq!(action("page_oncall"), Ok(ActionKind::PageOncall));
    assert!(
        action("delete")
            .unwrap_err()
            .starts_with("is none of circuit_break_provider, ")
    );
    assert!(outcome("done").unwrap_err().starts_with("is none of reasoning, "));
}
