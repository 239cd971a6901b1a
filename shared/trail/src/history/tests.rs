//! A history from a file and from the trail is the same, and what is wrong with a file is named by its line.

use domain::incident::Event;
use domain::proposal::{Commented, ProposalFact};
use domain::trail::{Actor, Control, Entry, NoKeys, verify_chain};
use domain::value::{Timestamp, WriterId};
use expect_test::expect;
use futures::TryStreamExt as _;
use testkit::story::Story;
use testkit::{CountedTrail, Dynamo, MemoryTrail, sample};

use super::*;

/// [`sample::now`] and so many hours.
fn hour(hours: i64) -> Timestamp {
    Timestamp::from_millis(sample::now().as_millis() + hours * 3_600_000)
}

fn window(since: i64, until: i64) -> Window {
    Window {
        since: hour(since),
        until: hour(until),
    }
}

fn event(provider: &str) -> Event {
    sample::provider_unhealthy(provider)
}

/// A proposal's first record, of an hour, and as many comments in each of the hours after it.
fn life(provider: &str, began: i64, comments: u64) -> Vec<Record> {
    let first = Story::received(&event(provider)).records()[0].clone();
    let first = Entry {
        at: hour(began),
        ..Entry::first(
            first.stream.clone(),
            hour(began),
            Actor::Agent,
            &comment(""),
            first.expires_at,
        )
    };
    let mut records = vec![first.seal(writer())];
    for number in 1..=comments {
        let last = records.last().unwrap();
        let at = hour(began).plus_seconds(number * 3600);
        records.push(Entry::after(last, at, Actor::System, &comment("\u{202e}\u{7f}é\n")).seal(writer()));
    }
    records
}

fn comment(text: &str) -> ProposalFact {
    ProposalFact::Commented(Commented {
        text: text.to_owned(),
    })
}

fn writer() -> WriterId {
    WriterId::new("w").unwrap()
}

fn paused(at: i64) -> Record {
    let fact = Control::default().pause("a test", hour(at)).unwrap();
    let entry = Entry::first(StreamId::Control, hour(at), Actor::System, &fact, None);
    testkit::keys::sealed(entry, writer())
}

fn lines(records: &[Record]) -> String {
    let lines = records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n");
    lines.collect()
}

fn all(text: &str) -> Result<Vec<StreamHistory>, Unreadable> {
    read(text.as_bytes(), &NoKeys).collect()
}

fn problem(text: &str) -> String {
    all(text).unwrap_err().to_string()
}

fn insert(trail: &MemoryTrail, records: &[Record]) {
    for record in records {
        let entry = Entry {
            stream: record.stream.clone(),
            seq: record.seq,
            prev: trail.records(&record.stream).last().map(|last| last.digest),
            at: record.at,
            actor: record.actor.clone(),
            kind: record.kind.clone(),
            body: record.body.clone(),
            expires_at: record.expires_at,
            author: record.author.unwrap(),
        };
        trail.insert(entry).unwrap();
    }
}

async fn names(trail: &dyn Trail, window: Window) -> Vec<String> {
    let histories: Vec<StreamHistory> = live(trail, window).await.unwrap().try_collect().await.unwrap();
    let short = |history: StreamHistory| {
        let name = history.stream.to_string();
        format!("{} {}", name.split('/').next().unwrap(), history.records.len())
    };
    let mut names: Vec<String> = histories.into_iter().map(short).collect();
    names.sort();
    names
}

#[test]
fn a_file_gives_its_streams_whole_one_after_the_other() {
    let (control, first, second) = (vec![paused(0)], life("openai", 0, 3), life("bedrock", 0, 0));
    let text = lines(&control) + &lines(&first) + lines(&second).trim_end();
    let read = all(&text).unwrap();
    assert!(
        read.iter()
            .all(|history| history.records.iter().all(|one| one.stream == history.stream))
    );
    let records: Vec<Vec<Record>> = read.into_iter().map(|history| history.records).collect();
    assert_eq!(records, [control, first, second]);
    assert_eq!(all("").unwrap(), []);
}

#[test]
fn what_is_wrong_with_a_file_is_named_by_its_line() {
    let (first, second) = (life("openai", 0, 2), life("bedrock", 0, 2));
    let good = lines(&first);
    let mut changed = first.clone();
    changed[1].body.push(' ');
    let without = |at: usize| {
        let mut records = first.clone();
        records.remove(at);
        lines(&records)
    };
    let text = serde_json::to_string(&second[0]).unwrap();
    let problems = [
        problem(&(good.clone() + &lines(&second) + "{\"stream\":\"control\"}\n")),
        problem(&(good.clone() + "not json")),
        problem(&(good.clone() + "\n" + &lines(&second))),
        problem(&(good.clone() + &text[..text.len() / 2])),
        problem(&(lines(&second) + &lines(&changed))),
        problem(&(lines(&second) + &without(1))),
        problem(&without(0)),
        problem(&(lines(&first[..1]) + &lines(&second) + &lines(&first[1..]))),
        problem(&(good + &"x".repeat(2 << 20))),
    ];
    let id = first[0].stream.to_string();
    expect![[r#"
        line 7 is not a record: missing field `seq` (column 20)
        line 4 is not a record: expected ident (column 2)
        line 4 is not a record: EOF while parsing a value (column 0)
        line 4 is not a record: EOF while parsing a value (column 180)
        line 5: record 2 of proposal/… does not match its digest: it was changed after it was written
        line 5: record 3 of proposal/… is not the next one: a record is missing or out of order
        line 1: record 2 of proposal/… is not the next one: a record is missing or out of order
        line 5: proposal/… was there before: the lines of a stream stand together
        line 4 is longer than any record"#]]
    .assert_eq(&problems.join("\n").replace(&id, "proposal/…"));
}

#[test]
fn a_field_that_no_record_has_is_refused_wherever_it_stands() {
    let records = life("openai", 0, 1);
    let with = |pointer: &str| {
        let mut line = serde_json::to_value(&records[0]).unwrap();
        let place = line.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        place.insert("approved\u{202e}".to_owned(), true.into());
        problem(&format!("{line}\n{}", lines(&records[1..])))
    };
    expect![[r#"
        line 1 has the field "approved\u{202e}", which no record has: nothing vouches for it
        line 1 has the field "approved\u{202e}" in "actor", which no record has: nothing vouches for it"#]]
    .assert_eq(&format!("{}\n{}", with(""), with("/actor")).replace('\u{202e}', "\\u{202e}"));
    let mut signed = serde_json::to_value(paused(0)).unwrap();
    signed["signature"]["by"] = "ada".into();
    let said = problem(&format!("{signed}\n"));
    assert!(said.contains(r#"the field "by" in "signature""#), "{said}");
    // The same record in another order, with its characters escaped in another way, is the same.
    let mut reordered = serde_json::to_string(&records[1]).unwrap();
    reordered = reordered.replace('\u{202e}', "\\u202e").replacen('{', "{ ", 1);
    let read = all(&(lines(&records[..1]) + &reordered)).unwrap();
    assert_eq!(read[0].records, records);
}

#[test]
fn nothing_is_read_after_what_is_wrong() {
    let text = lines(&life("openai", 0, 1)) + "x\n" + &lines(&life("bedrock", 0, 1));
    let mut reader = read(text.as_bytes(), &NoKeys);
    // The end of a stream is seen by what follows it.
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

#[test]
fn bytes_that_are_no_text_are_named_too() {
    let mut bytes = lines(&life("openai", 0, 0)).into_bytes();
    bytes.extend(b"\"\xff\"\n");
    let problem = read(&bytes[..], &NoKeys).next().unwrap().unwrap_err().to_string();
    assert!(problem.starts_with("line 2 is not a record: "), "{problem}");
}

#[tokio::test]
async fn the_trail_gives_the_streams_of_a_window_whole_and_control_whenever_it_was() {
    let trail = MemoryTrail::new();
    insert(&trail, &[paused(-1000)]);
    insert(&trail, &life("openai", -10, 9));
    insert(&trail, &life("bedrock", -2, 0));
    insert(&trail, &life("mistral", -30, 1));
    let opened = domain::trail::IncidentFact::Opened {
        course: domain::trail::generation::Course::default(),
        generation: 1,
        proposal: sample::proposal_of(&event("openai")),
    };
    let incident = StreamId::Incident(event("openai").fingerprint());
    let opened = Entry::first(incident, hour(-10), Actor::Agent, &opened, None);
    trail.insert(opened).unwrap();

    assert_eq!(
        names(&trail, window(-5, 0)).await,
        ["control 1", "proposal 1", "proposal 10"]
    );
    assert_eq!(
        names(&trail, window(-10, -9)).await,
        ["control 1", "incident 1", "proposal 10"]
    );
    assert_eq!(names(&trail, window(-29, -28)).await, ["control 1", "proposal 2"]);
    assert_eq!(names(&trail, window(-500, -400)).await, ["control 1"]);
    let histories: Vec<StreamHistory> = live(&trail, window(-100, 0))
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(histories.is_sorted_by_key(|history| history.stream.to_string()));
    assert_eq!(histories.len(), 5);
    // The end does not belong to it: bedrock's only record is of hour -2.
    assert_eq!(names(&trail, window(-3, -2)).await, ["control 1", "proposal 10"]);
    // Nothing was ever paused, and nothing happened.
    assert!(names(&MemoryTrail::new(), window(-5, 0)).await.is_empty());
}

#[tokio::test]
async fn no_more_streams_are_in_memory_than_are_read_at_once_and_it_is_told_how_far_it_is() {
    let trail = MemoryTrail::new();
    for number in 0..150 {
        insert(&trail, &life(&format!("p-{number}"), -1, 1));
    }
    let counted = CountedTrail::of(&trail);
    let mut hours = Vec::new();
    let mut told = |done, of| hours.push((done, of));
    let (streams, histories) = live_telling(&counted, window(-5, 0), &mut told).await.unwrap();
    assert_eq!(streams, 152, "and control and guard");
    assert!(hours.is_sorted() && hours.last() == Some(&(5, 5)), "{hours:?}");
    assert_eq!(counted.loads(), 0);
    let (mut histories, mut read) = (std::pin::pin!(histories), 0);
    while let Some(history) = histories.try_next().await.unwrap() {
        assert!(!history.records.is_empty());
        read += 1;
        // `control` and `guard` have no records, and are passed over.
        let ahead = counted.loads() - read;
        assert!(ahead <= AT_ONCE + 2, "{ahead} streams wait after {read}");
    }
    assert_eq!((read, counted.loads()), (150, 152));
}

#[tokio::test]
async fn an_outage_is_an_error_and_not_a_shorter_history() {
    let trail = MemoryTrail::new();
    insert(&trail, &life("openai", -1, 0));
    trail.outages.next(1);
    assert!(live(&trail, window(-5, 0)).await.is_err());
    let mut histories = std::pin::pin!(live(&trail, window(-5, 0)).await.unwrap());
    trail.outages.next(usize::MAX);
    let problem = histories.try_next().await.unwrap_err().to_string();
    assert_eq!(problem, "control could not be read");
}

#[tokio::test]
async fn streams_that_grow_meanwhile_are_whole_up_to_some_record() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    let mut ends = Vec::new();
    for provider in ["openai", "bedrock", "mistral"] {
        let first = Story::received(&event(provider)).records()[0].clone();
        let entry = Entry::first(
            first.stream,
            hour(0),
            Actor::Agent,
            &comment(""),
            first.expires_at,
        );
        ends.push(trail.append(entry).await.unwrap());
    }
    let grows = async {
        for _ in 0..40 {
            for last in &mut ends {
                // Large, so that a stream is read in several pages.
                let entry = Entry::after(last, hour(0), Actor::System, &comment(&"x".repeat(30_000)));
                *last = trail.append(entry).await.unwrap();
            }
        }
    };
    let looks = async {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|most| *most < 3 * 30) {
            let histories: Vec<StreamHistory> = live(&trail, window(-1, 1))
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            assert_eq!(histories.len(), 3);
            for history in &histories {
                verify_chain(&history.records).unwrap();
            }
            seen.push(
                histories
                    .iter()
                    .map(|history| history.records.len())
                    .sum::<usize>(),
            );
        }
        seen
    };
    let (seen, ()) = futures::join!(looks, grows);
    assert!(seen.len() > 1 && seen.is_sorted(), "{seen:?}");
}
