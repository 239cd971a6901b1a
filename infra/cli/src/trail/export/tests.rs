//! What is exported is what can be checked, and what was done to it is found.

use adapters::KeyFile;
use domain::proposal::{Commented, ProposalFact};
use domain::trail::{Actor, Control, Entry, NoKeys, Record, StreamId, Verifier};
use domain::value::WriterId;
use expect_test::expect;
use futures::TryStreamExt as _;
use testkit::story::{Story, breaks};
use testkit::{MemoryTrail, sample};

use super::*;
use crate::trail::check::verified;
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
    checked_by(text, testkit::keys::keyring())
}

fn checked_by(text: &str, keys: &dyn Verifier) -> String {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let done = verified(text.as_bytes(), keys, &mut terminal);
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
    let read: Vec<StreamHistory> = history::read(text.as_bytes(), &NoKeys)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(read, live);
    assert_eq!(text.lines().count(), trail.everything().len());
    // Every attribute of the table's item is there.
    let line: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let attributes: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(attributes.len(), 14, "{attributes:?}");
    expect![[r#"
        these records hold: 8 records of 2 streams, from 2026-11-22T10:00:00.000Z to 2026-11-22T10:05:41.000Z
          control   1 record of 1 stream
          proposal  7 records of 1 stream: 1 restored
        checked: each digest, each record's place behind the one before it, each proposal's life; 2 signatures checked
        no file tells whether the ends of streams are missing, or streams that no other names, nor whether records that nobody signed were written anew with other digests: hold it against another copy, or the trail itself
    "#]].assert_eq(&checked(&text));
    expect![[r#"
        NOT VERIFIED: there is no record in it
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

/// A yes that somebody inserted behind a proposal that waits.
fn with_a_forged_yes(trail: &MemoryTrail) -> Record {
    let waits = Story::awaiting(breaks());
    waits.write_to(trail);
    let yes = Story::approved(breaks()).last().clone();
    let entry = Entry {
        kind: yes.kind,
        body: yes.body,
        actor: yes.actor,
        ..Entry::after(
            waits.last(),
            waits.last().at,
            Actor::System,
            &ProposalFact::Commented(Commented { text: String::new() }),
        )
    };
    let forged = entry
        .by(domain::trail::Author::Callback)
        .seal(WriterId::new("w").unwrap());
    trail.forge(forged.clone());
    forged
}

fn nameless(told: &str, record: &Record) -> String {
    told.replace(&record.stream.to_string(), "proposal/…")
}

#[tokio::test]
async fn a_yes_that_nobody_signed_does_not_hold_until_it_is_set_aside() {
    let trail = MemoryTrail::new();
    let forged = with_a_forged_yes(&trail);
    let (done, text) = exported(&trail).await;
    expect!["everything was exported, and not verified: record 4 of proposal/… is not signed"]
        .assert_eq(&nameless(&done.unwrap_err().to_string(), &forged));
    expect!["line 4: record 4 of proposal/… is not signed"].assert_eq(&nameless(&checked(&text), &forged));

    let aside = domain::trail::SetAside {
        stream: forged.stream.clone(),
        seq: forged.seq,
        reason: "of the test".to_owned(),
    };
    let fact = Control::default().set_aside(aside).unwrap();
    trail
        .insert(Entry::first(
            StreamId::Control,
            sample::now(),
            Actor::System,
            &fact,
            None,
        ))
        .unwrap();
    let (done, text) = exported(&trail).await;
    done.unwrap();
    expect![[r#"
        these records hold: 5 records of 2 streams, from 2026-11-22T10:00:00.000Z to 2026-11-22T10:00:20.000Z
          control   1 record of 1 stream
          proposal  4 records of 1 stream: 1 awaiting_approval
          counts for nothing, set aside or overruled: record 4 of proposal/… is not signed
        checked: each digest, each record's place behind the one before it, each proposal's life; 1 signature checked
        no file tells whether the ends of streams are missing, or streams that no other names, nor whether records that nobody signed were written anew with other digests: hold it against another copy, or the trail itself
    "#]]
    .assert_eq(&nameless(&checked(&text), &forged));
}

#[tokio::test]
async fn a_record_of_control_that_does_not_hold_is_overruled_by_a_signed_one_and_by_no_other() {
    let trail = trail();
    let last = trail.records(&StreamId::Control).pop().unwrap();
    let resumed = Control::read(Some(&last)).unwrap().resume(sample::now()).unwrap();
    let forged = Entry::after(&last, last.at, Actor::System, &resumed);
    let forged = forged
        .by(domain::trail::Author::Scoring)
        .seal(WriterId::new("w").unwrap());
    trail.forge(forged.clone());
    let (_, text) = exported(&trail).await;
    expect!["line 2: record 2 of control was written by scoring, which may not say resumed"]
        .assert_eq(&checked(&text));
    let signed = Entry::after(&forged, last.at, Actor::System, &resumed);
    trail.insert(signed).unwrap();
    let (done, text) = exported(&trail).await;
    done.unwrap();
    let told = checked(&text);
    assert!(
        told.contains("overruled: record 2 of control was written by scoring"),
        "{told}"
    );
}

#[tokio::test]
async fn signatures_are_checked_where_the_keys_are_given_and_said_not_to_be_where_they_are_not() {
    let trail = trail();
    let (_, text) = exported(&trail).await;
    let told = checked_by(&text, &NoKeys);
    assert!(
        told.contains("2 signatures not checked: --keys takes what sre-agent keys export prints"),
        "{told}"
    );
    assert!(checked(&text).contains("2 signatures checked"));
    // Those of another stack are none.
    let others = KeyFile {
        stack: "another".to_owned(),
        keys: Vec::new(),
    };
    let told = checked_by(&text, &others.keyring().unwrap());
    assert!(
        told.contains("record 1 of control is signed with a key that may not sign it"),
        "{told}"
    );
}
