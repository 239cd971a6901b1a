//! The digest covers everything, the chain names what does not fit, and a body is kept byte for byte.

use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::message::Message;
use crate::proposal::{Commented, Proposal, ProposalFact, Received, Verbatim};
use crate::samples::*;
use crate::trail::verify_chain;
use crate::value::Tier;

/// A whole life, with people, an expiry and every sort of body.
fn life() -> Vec<Record> {
    let story = succeeded(breaks(300));
    let comment = ProposalFact::Commented(Commented {
        text: "schön — 🚀\u{0}\u{2028}\"\\".to_owned(),
    });
    story.then(60, person("zoë"), &comment).records
}

/// The attributes that the digest covers.
const COVERED: [&str; 13] = [
    "stream",
    "seq",
    "kind",
    "at",
    "actor",
    "body",
    "prev",
    "writer",
    "source",
    "schema",
    "hour",
    "expires_at",
    "author",
];

/// A stored attribute as text.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Every text that differs from this one in one byte, or lacks one, or has one more.
fn neighbours(text: &str) -> Vec<String> {
    let mut all = vec![format!("{text}0"), format!("0{text}")];
    for at in 0..text.len() {
        for bit in [1, 2, 4, 16, 32] {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= bit;
            all.extend(String::from_utf8(bytes));
        }
        let mut bytes = text.as_bytes().to_vec();
        bytes.remove(at);
        all.extend(String::from_utf8(bytes));
    }
    all
}

/// The record with one attribute as another text, where that is a record at all.
fn with(record: &Record, attribute: &str, text: &str) -> Option<Record> {
    let mut stored = serde_json::to_value(record).unwrap();
    let value = &mut stored[attribute];
    *value = if value.is_string() {
        json!(text)
    } else {
        serde_json::from_str::<Value>(text).ok()?
    };
    serde_json::from_value(stored).ok()
}

#[test]
fn the_digest_changes_with_any_changed_byte_of_any_attribute() {
    let records = life();
    let record = records.iter().find(|record| record.kind == "approved").unwrap();
    let stored = serde_json::to_value(record).unwrap();
    let attributes: Vec<&String> = stored.as_object().unwrap().keys().collect();
    assert_eq!(
        attributes.len(),
        COVERED.len() + 1,
        "an attribute that no digest covers, beside the digest itself: {attributes:?}"
    );
    for attribute in COVERED {
        let text = text_of(&stored[attribute]);
        let mut changed = 0;
        let authors = Author::ALL.map(|author| author.name().to_owned());
        let others = match attribute {
            "author" => authors.to_vec(),
            _ => neighbours(&text),
        };
        for other in others {
            if let Some(other) = with(record, attribute, &other)
                && other != *record
            {
                changed += 1;
                assert_ne!(other.computed_digest(), record.digest, "{attribute}: {other:?}");
            }
        }
        assert!(changed > 0, "{attribute} was never changed");
    }
}

#[test]
fn what_is_absent_differs_from_what_is_not() {
    let record = life().pop().unwrap();
    let mut without_prev = record.clone();
    without_prev.prev = None;
    assert_ne!(without_prev.computed_digest(), record.digest);
    let mut endless = record.clone();
    endless.expires_at = None;
    assert_ne!(endless.computed_digest(), record.digest);
    for actor in [Actor::Agent, Actor::System, person("alice"), person("zoe")] {
        let mut other = record.clone();
        other.actor = actor;
        assert_ne!(other.computed_digest(), record.digest);
    }
}

#[test]
fn the_digest_covers_a_documented_sequence_of_bytes() {
    // Written out, so that an auditor's own program can be compared with it.
    let record = Entry::first(
        StreamId::Control,
        at(0),
        Actor::Agent,
        &ProposalFact::Commented(Commented { text: "x".to_owned() }),
        None,
    )
    .seal(writer(1));
    let fields = [
        "sre-agent/record/2",
        "control",
        "1",
        "commented",
        "2026-11-22T10:00:00.000Z",
        r#"{"type":"agent"}"#,
        r#"{"text":"x"}"#,
        "",
        "w-1",
        "sre-agent",
        "2",
        record.hour.as_str(),
        "",
        "by_ingest",
    ];
    let mut bytes = Vec::new();
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
        bytes.extend_from_slice(field.as_bytes());
    }
    assert_eq!(record.digest, Digest::of(&bytes));
    expect!["ab46a872b1b751824b7294b08ef23ada0c79194ffd50a69647b122c5e8ca082e"]
        .assert_eq(&record.digest.to_string());
}

#[test]
fn a_sealed_chain_is_whole_and_so_is_each_beginning_of_it() {
    let records = life();
    for count in 0..=records.len() {
        assert_eq!(verify_chain(&records[..count]), Ok(()));
    }
}

#[test]
fn a_record_is_filed_under_its_hour_and_a_shard_of_its_stream() {
    for record in life() {
        assert_eq!(record.hour, hour_key(&record.stream, record.at));
        let (hour, shard) = record.hour.split_once('/').unwrap();
        assert_eq!(hour, "2026-11-22T10");
        assert!(shard.parse::<u8>().unwrap() < HOUR_SHARDS);
    }
}

#[test]
fn each_way_to_break_a_chain_is_said_in_words() {
    let problem = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut records = life();
        change(&mut records);
        verify_chain(&records)
            .unwrap_err()
            .to_string()
            .replace(&records[0].stream.to_string(), "…")
    };
    let resealed = |record: &mut Record| record.digest = record.computed_digest();
    expect!["record 3 of … does not match its digest: it was changed after it was written"]
        .assert_eq(&problem(&|records| records[2].body += " "));
    expect!["record 4 of … does not follow the record before it: its `prev` names another"].assert_eq(
        &problem(&|records| {
            records[2].body += " ";
            resealed(&mut records[2]);
        }),
    );
    expect!["record 4 of … is not the next one: a record is missing or out of order"].assert_eq(&problem(
        &|records| {
            records.remove(2);
        },
    ));
    expect!["record 3 of … has an unknown source or record format"].assert_eq(&problem(&|records| {
        records[2].schema = 3;
        resealed(&mut records[2]);
    }));
    expect!["record 1 of … is filed under another hour than its own"].assert_eq(&problem(&|records| {
        records[0].hour = "2026-11-22T11/0".to_owned();
        resealed(&mut records[0]);
    }));
    expect!["record 7 of … expires at another time than its stream"].assert_eq(&problem(&|records| {
        let last = records.len() - 1;
        records[last].expires_at = None;
        resealed(&mut records[last]);
    }));
    expect!["record 3 of … was written by ingest, which may not say scored"].assert_eq(&problem(
        &|records| {
            records[2].author = Some(Author::Ingest);
            resealed(&mut records[2]);
        },
    ));
    expect!["record 3 of … does not say which part of the agent wrote it"].assert_eq(&problem(&|records| {
        records[2].author = None;
        resealed(&mut records[2]);
    }));
    expect!["record 3 of … has an author, which its format does not know"].assert_eq(&problem(&|records| {
        records[2].schema = UNSIGNED_SCHEMA;
        resealed(&mut records[2]);
    }));
    expect!["record 3 of … is of an older format than the record before it"].assert_eq(&problem(
        &|records| {
            records[2].schema = UNSIGNED_SCHEMA;
            records[2].author = None;
            resealed(&mut records[2]);
        },
    ));
    expect!["record 2 of control belongs to another stream"].assert_eq(&problem(&|records| {
        records[1].stream = StreamId::Control;
        resealed(&mut records[1]);
    }));
}

/// Something done to a chain that leaves a trace in it. Cutting off its end leaves none: that is what the
/// archive is for.
#[derive(Debug, Clone)]
enum Forgery {
    Change {
        place: usize,
        attribute: usize,
        neighbour: usize,
        resealed: bool,
    },
    Remove(usize),
    Swap(usize, usize),
    Insert(usize),
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let place = any::<usize>;
    prop_oneof![
        (place(), 0..COVERED.len(), place(), any::<bool>()).prop_map(
            |(place, attribute, neighbour, resealed)| Forgery::Change {
                place,
                attribute,
                neighbour,
                resealed
            }
        ),
        place().prop_map(Forgery::Remove),
        (place(), place()).prop_map(|(a, b)| Forgery::Swap(a, b)),
        place().prop_map(Forgery::Insert),
    ]
}

/// The forged records, and the index of the first that does not fit; `None` where nothing was changed.
fn forged(forgery: &Forgery, mut records: Vec<Record>) -> Option<(Vec<Record>, usize)> {
    // The last record is left alone: what follows a forgery is what betrays a careful one.
    let inner = records.len() - 1;
    match forgery {
        Forgery::Change {
            place,
            attribute,
            neighbour,
            resealed,
        } => {
            let at = place % inner;
            let stored = serde_json::to_value(&records[at]).unwrap();
            let text = text_of(&stored[COVERED[*attribute]]);
            let all = neighbours(&text);
            let mut other = with(&records[at], COVERED[*attribute], &all[neighbour % all.len()])?;
            if other == records[at] {
                return None;
            }
            let hidden = *resealed && ["actor", "body", "writer"].contains(&COVERED[*attribute]);
            if hidden {
                other.digest = other.computed_digest();
            }
            records[at] = other;
            // A record sealed anew is whole in itself: the next one gives it away.
            let first_bad = if hidden { at + 1 } else { at };
            Some((records, first_bad))
        }
        Forgery::Remove(place) => {
            let at = place % inner;
            records.remove(at);
            Some((records, at))
        }
        Forgery::Swap(a, b) => {
            let (a, b) = (a % records.len(), b % records.len());
            records.swap(a, b);
            (a != b).then_some((records, a.min(b)))
        }
        Forgery::Insert(place) => {
            let after = place % inner;
            let fact = ProposalFact::Commented(Commented { text: "x".to_owned() });
            let last = &records[after];
            let entry = Entry::after(last, last.at, person("mallory"), &fact);
            records.insert(after + 1, entry.seal(writer(99)));
            Some((records, after + 2))
        }
    }
}

proptest! {
    #[test]
    fn a_forged_chain_names_its_first_bad_record(forgery in forgery()) {
        if let Some((records, first_bad)) = forged(&forgery, life()) {
            let broken = verify_chain(&records).unwrap_err();
            prop_assert_eq!(broken.seq, records[first_bad].seq, "{}", broken);
            prop_assert_eq!(verify_chain(&records[..first_bad]), Ok(()));
        }
    }

    #[test]
    fn nothing_moves_unseen_from_one_attribute_to_the_next(kind in "[a-z]{1,8}", body in "[a-z]{1,8}", moved in 1..8_usize) {
        let mut record = life().pop().unwrap();
        (record.kind, record.body) = (kind.clone(), body.clone());
        let joined = kind.clone() + &body;
        let at = moved % joined.len();
        let mut other = record.clone();
        (other.kind, other.body) = (joined[..at].to_owned(), joined[at..].to_owned());
        prop_assert_eq!(other == record, other.computed_digest() == record.computed_digest());
    }

    #[test]
    fn any_text_of_an_event_comes_back_byte_for_byte(text in any::<String>(), note in any::<String>()) {
        let detail = json!({"version": 1, "event_id": "e-1", "org_id": "acme", "provider": "openai",
                            "error_rate": 0.62, "requests": 180, "window_s": 300, "note": note});
        let event = json!({"detail-type": "provider.unhealthy", "source": "llm-gateway", "detail": detail});
        for text in [text, format!(" {event}\r\n"), serde_json::to_string_pretty(&event).unwrap()] {
            let received = Received {
                course: crate::trail::generation::Course::default(),
                source: None,
                event: unhealthy(),
                verbatim: Verbatim::Inline(text.clone()),
                occurred_at: at(0),
                lease_until: at(60),
                requested_by: None,
                complaints: Vec::new(),
            };
            let id = crate::value::ProposalId::new(unhealthy().fingerprint(), 1);
            let entry = Proposal::first_entry(id, received, at(0), Actor::Agent, Tier::Business);
            let stored = serde_json::to_string(&entry.seal(writer(1))).unwrap();
            let record: Record = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(verify_chain(std::slice::from_ref(&record)), Ok(()));
            let ProposalFact::Received(read) = ProposalFact::read(&record).unwrap() else {
                panic!("another kind")
            };
            prop_assert_eq!(&read.verbatim, &Verbatim::Inline(text.clone()));
            if let Ok(Message::Incident(delivery)) = Message::parse(&text) {
                prop_assert_eq!(delivery.text, text);
            }
        }
    }
}

#[test]
fn every_kind_of_fact_reads_back_and_an_unknown_one_is_named() {
    for record in life() {
        let fact = ProposalFact::read(&record).unwrap();
        assert_eq!(
            (fact.kind(), fact.body()),
            (record.kind.as_str(), record.body.clone())
        );
    }
    let mut record = life().pop().unwrap();
    record.kind = "cheered".to_owned();
    let err = ProposalFact::read(&record).unwrap_err().to_string();
    assert!(
        err.starts_with(&format!("record 7 of {} (cheered) cannot be read", record.stream)),
        "{err}"
    );
}

#[test]
fn a_body_is_one_value_and_says_nothing_of_its_kind() {
    let mut record = life().pop().unwrap();
    record.kind = "commented".to_owned();
    let mut read = |body: &str| {
        record.body = body.to_owned();
        ProposalFact::read(&record).map_err(|bad| bad.problem)
    };
    assert!(read(r#"{"text":"so"}"#).is_ok());
    for (body, problem) in [
        ("", "EOF while parsing"),
        ("null", "invalid type: null"),
        (r#"{"text":"so"}}"#, "trailing characters"),
        (r#"{"text":"so"} {}"#, "trailing characters"),
        (r#"{"text":"so"},"kind":"approved""#, "trailing characters"),
        (r#"{"text":"so","text":"or so"}"#, "duplicate field `text`"),
    ] {
        let told = read(body).unwrap_err();
        assert!(told.starts_with(problem), "{body}: {told}");
    }
}
