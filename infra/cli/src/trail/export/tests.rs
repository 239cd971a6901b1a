//! What is exported is what can be checked, and what was done to it is found.

use domain::proposal::{Commented, ProposalFact};
use domain::trail::{Actor, Control, Entry, Record};
use domain::value::WriterId;
use expect_test::expect;
use futures::TryStreamExt as _;
use testkit::story::{Story, breaks};
use testkit::{MemoryTrail, sample};

use super::*;
use trail::history::StreamHistory;

fn window() -> Window {
    let now = sample::now().plus_seconds(3600);
    moment::window(Moment::Ago(7200), None, now).unwrap()
}

/// A pause, and a proposal that was restored.
fn trail() -> MemoryTrail {
    let trail = MemoryTrail::new();
    Story::restored().write_to(&trail);
    let fact = Control::default().pause("a\u{202e}test", sample::now()).unwrap();
    let entry = Entry::first(StreamId::Control, sample::now(), Actor::System, &fact, None);
    trail.insert(entry).unwrap();
    trail
}

async fn exported(trail: &MemoryTrail) -> (anyhow::Result<()>, String) {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let done = print(trail, window(), &mut terminal).await;
    drop(terminal);
    (done, String::from_utf8(buffer).unwrap())
}

fn checked(text: &str) -> String {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let done = verified(text.as_bytes(), &mut terminal);
    drop(terminal);
    match done {
        Ok(_) => String::from_utf8(buffer).unwrap(),
        Err(err) => format!("{err:#}"),
    }
}

#[tokio::test]
async fn an_export_reads_back_as_the_trail_has_it_and_holds() {
    let trail = trail();
    let (done, text) = exported(&trail).await;
    done.unwrap();
    assert!(text.contains("\\u202e") && !text.contains('\u{202e}'));
    let live = history::live(&trail, window()).await.unwrap();
    let live: Vec<StreamHistory> = live.try_collect().await.unwrap();
    let read: Vec<StreamHistory> = history::read(text.as_bytes()).collect::<Result<_, _>>().unwrap();
    assert_eq!(read, live);
    assert_eq!(text.lines().count(), trail.everything().len());
    // Every attribute of the table's item is there.
    let line: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let attributes: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(attributes.len(), 14, "{attributes:?}");
    expect![[r#"
        verified: 8 records of 2 streams, 1 proposal among them, from 2026-11-22T10:00:00.000Z to 2026-11-22T10:05:41.000Z
    "#]].assert_eq(&checked(&text));
    expect![[r#"
        verified: 0 records of 0 streams, 0 proposals among them
    "#]]
    .assert_eq(&checked(""));
}

#[tokio::test]
async fn a_changed_record_is_exported_as_it_is_and_named() {
    let trail = trail();
    let everything = trail.everything();
    let mut record: Record = everything[everything.len() - 2].clone();
    record.body.push(' ');
    trail.overwrite(record.clone());
    let (done, text) = exported(&trail).await;
    let name = record.stream.to_string();
    expect!["everything was exported, and not verified: record 7 of proposal/… does not match its digest: it was changed after it was written"].assert_eq(&done.unwrap_err().to_string().replace(&name, "proposal/…"));
    assert_eq!(text.lines().count(), trail.everything().len());
    expect!["line 8: record 7 of proposal/… does not match its digest: it was changed after it was written"]
        .assert_eq(&checked(&text).replace(&name, "proposal/…"));
}

#[test]
fn a_whole_chain_of_an_illegal_life_does_not_hold() {
    let story = Story::proposed(breaks());
    let restored = Story::restored();
    let mut records = story.records().to_vec();
    let last = records.last().unwrap();
    // A restore of what was never started, well chained.
    let mut entry = Entry::after(
        last,
        last.at,
        Actor::Agent,
        &ProposalFact::Commented(Commented { text: String::new() }),
    );
    (entry.kind, entry.body) = (restored.last().kind.clone(), restored.last().body.clone());
    records.push(entry.seal(WriterId::new("w").unwrap()));
    let text: String = records
        .iter()
        .map(|one| serde_json::to_string(one).unwrap() + "\n")
        .collect();
    let name = records[0].stream.to_string();
    expect!["line 3: record 3 of proposal/… was written by callback, which may not say restored"]
        .assert_eq(&checked(&text).replace(&name, "proposal/…"));
}
