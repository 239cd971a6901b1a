//! A file says how much is in it, and that something is missing where that can be seen.

use domain::incident::Event;
use domain::trail::generation::Course;
use domain::trail::{Actor, Entry};
use expect_test::expect;
use testkit::story::Story;
use testkit::{MemoryTrail, sample};

use super::*;

fn minute(number: u64) -> Timestamp {
    sample::now().plus_seconds(number * 60)
}

fn event(provider: &str) -> Event {
    sample::provider_unhealthy(provider)
}

/// The proposal of a trouble that was reported in this minute.
fn proposed(trail: &MemoryTrail, provider: &str, number: u64) {
    for entry in Story::received(&event(provider)).entries() {
        let at = minute(number);
        // As `Entry::first` has it: the time that it is kept counts from then on.
        let expires_at = entry.expires_at.map(|at| at + number * 60);
        trail
            .insert(Entry {
                at,
                expires_at,
                ..entry.clone()
            })
            .unwrap();
    }
}

/// The trouble that names it.
fn opened(trail: &MemoryTrail, provider: &str, at: Timestamp) {
    let opened = IncidentFact::Opened {
        generation: 1,
        proposal: sample::proposal_of(&event(provider)),
        course: Course::default(),
    };
    let incident = StreamId::Incident(event(provider).fingerprint());
    trail
        .insert(Entry::first(incident, at, Actor::Agent, &opened, None))
        .unwrap();
}

/// Troubles of four minutes, one after the other.
fn trail() -> MemoryTrail {
    let trail = MemoryTrail::new();
    for (number, provider) in (0..).zip(["openai", "bedrock", "mistral", "anthropic"]) {
        opened(&trail, provider, minute(number));
        proposed(&trail, provider, number);
    }
    trail
}

/// The lines as `trail export` orders them.
fn lines(trail: &MemoryTrail) -> Vec<String> {
    let mut records = trail.everything();
    records.sort_by_key(|record| (record.stream.to_string(), record.seq));
    let line = |record: &Record| serde_json::to_string(record).unwrap() + "\n";
    records.iter().map(line).collect()
}

/// Whether all is well, and what is said; ids and digests aside.
fn checked(lines: &[String]) -> (bool, String) {
    let mut buffer = Vec::new();
    let mut terminal = Terminal::buffer(&mut buffer);
    let well = verified(lines.concat().as_bytes(), &NoKeys, &mut terminal).unwrap();
    drop(terminal);
    let mut told = String::from_utf8(buffer).unwrap();
    for provider in ["openai", "bedrock", "mistral", "anthropic"] {
        let id = sample::proposal_of(&event(provider)).to_string();
        told = told.replace(&id, &format!("<{provider}>"));
    }
    (well, told)
}

#[test]
fn how_much_there_was_is_said_by_the_sort_of_stream() {
    let (well, told) = checked(&lines(&trail()));
    assert!(well);
    expect![[r#"
        these records hold: 8 records of 8 streams, from 2026-11-22T10:00:00.000Z to 2026-11-22T10:03:00.000Z
          incident  4 records of 4 streams
          proposal  4 records of 4 streams: 4 reasoning
        checked: each digest, each record's place behind the one before it, each proposal's life; none of them is signed
        incident streams name 4 proposals: 4 of them here
        no file tells whether the ends of streams are missing, or streams that no other names, nor whether records that nobody signed were written anew with other digests: hold it against another copy, or the trail itself
    "#]].assert_eq(&told);
}

#[test]
fn an_empty_file_is_not_verified() {
    let (well, told) = checked(&[]);
    assert!(!well);
    expect![[r#"
        NOT VERIFIED: there is no record in it
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_proposal_that_an_incident_names_is_missed() {
    let whole = lines(&trail());
    // The proposals stand last: a file that ends too early lacks some.
    for kept in [4, 5, 6] {
        let (well, told) = checked(&whole[..kept]);
        assert!(!well, "{kept}: {told}");
        assert!(told.contains("NOT COMPLETE: "), "{told}");
    }
    let without = |provider: &str| {
        let name = format!("proposal/{}", sample::proposal_of(&event(provider)));
        let kept = whole
            .iter()
            .filter(|line| !line.contains(&format!("\"stream\":\"{name}\"")));
        checked(&kept.cloned().collect::<Vec<_>>())
    };
    let (well, told) = without("bedrock");
    assert!(!well);
    let missed = told.lines().find(|line| line.contains("NOT COMPLETE")).unwrap();
    expect!["NOT COMPLETE: opened within the time of this file, and not here: <bedrock> (opened 2026-11-22T10:01:00.000Z). The file was cut, or the trail was: export it again and compare. Only where the event was discarded as a dead letter, before the agent had recorded it, is there nothing else"].assert_eq(missed);
    // Of the last one nobody can tell: it may have been opened when the export had ended.
    let (well, told) = without("anthropic");
    assert!(well);
    let told: Vec<&str> = told
        .lines()
        .skip_while(|line| !line.contains("incident streams"))
        .collect();
    expect![[r#"
        incident streams name 4 proposals: 3 of them here
          not here, and opened outside of the time that this file surely covers, or expired: <anthropic> (opened 2026-11-22T10:03:00.000Z)"#]].assert_eq(&told[..2].join("\n"));
}

#[test]
fn what_was_opened_before_the_time_that_was_exported_or_has_expired_is_not_missed() {
    // The incident's stream goes back to before: one of its records is in that time.
    let trail = trail();
    let earlier = IncidentFact::Opened {
        generation: 1,
        proposal: ProposalId::new(event("cohere").fingerprint(), 1),
        course: Course::default(),
    };
    let later = IncidentFact::Opened {
        generation: 2,
        proposal: ProposalId::new(event("cohere").fingerprint(), 2),
        course: Course::default(),
    };
    let incident = StreamId::Incident(event("cohere").fingerprint());
    let before = Timestamp::from_millis(minute(0).as_millis() - 3_600_000);
    let first = Entry::first(incident.clone(), before, Actor::Agent, &earlier, None);
    trail.insert(first).unwrap();
    let last = trail.records(&incident).pop().unwrap();
    trail
        .insert(Entry::after(&last, minute(3), Actor::Agent, &later))
        .unwrap();
    let (well, told) = checked(&lines(&trail));
    assert!(well, "{told}");
    assert!(told.contains("name 6 proposals: 4 of them here"), "{told}");

    // Kept for less time than has gone by since: it may have been removed.
    let bounds = Bounds {
        since: Some(minute(0)),
        until: Some(minute(9)),
        kept_s: Some(3600),
    };
    assert!(bounds.must_have(minute(1), minute(60)));
    assert!(!bounds.must_have(minute(1), minute(61)));
    assert!(!bounds.must_have(minute(9), minute(10)));
}
