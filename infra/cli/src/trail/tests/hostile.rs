//! Texts that want to be more than texts, in every field of an event and in every record that quotes one.

use std::collections::BTreeSet;

use domain::action::PageOncall;
use domain::incident::{EventType, Severity};
use domain::message::{Message, Reported};
use testkit::hostile;

use super::*;

/// Whether a character moves the cursor, reorders what is around it, or hides.
fn steers(c: char) -> bool {
    c.is_control()
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{2028}'..='\u{202e}').contains(&c)
        || ('\u{2060}'..='\u{2069}').contains(&c)
        || ('\u{e0000}'..='\u{e01ef}').contains(&c)
        || [
            '\u{ad}', '\u{61c}', '\u{180e}', '\u{3164}', '\u{feff}', '\u{fff9}',
        ]
        .contains(&c)
}

/// What is printed of the records, which must be as many lines as of harmless ones.
fn assert_inert(what: &str, records: &[Record], harmless: &str) {
    let (holds, told) = told(records);
    assert!(holds, "{what}");
    // Of what cannot be read, a line more says so.
    let lines = |told: &str| {
        let lines = told.lines().map(str::trim_start);
        lines.filter(|line| !line.starts_with("not as it came: ")).count()
    };
    assert_eq!(lines(&told), lines(harmless), "{what}: {told}");
    assert!(told.matches("not as it came: ").count() <= 1, "{what}: {told}");
    assert!(!told.replace('\n', "").chars().any(steers), "{what}: {told:?}");
    // However long a text is, a line can be read.
    let longest = told.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest < 6_000, "{what}: {longest} characters in a line");

    let mut buffer = Vec::new();
    tell_json(records, by(), &mut Terminal::buffer(&mut buffer)).unwrap();
    let json = String::from_utf8(buffer).unwrap();
    assert!(!json.replace('\n', "").chars().any(steers), "{what}: {json:?}");
    assert_eq!(json.lines().count(), records.len(), "{what}");
    for (line, record) in json.lines().zip(records) {
        assert_eq!(
            line.parse::<serde_json::Value>().unwrap(),
            json!(record),
            "{what}: it reads back"
        );
    }
}

/// An event, received, and answered with a page that names what it is about, as the runbook's does.
fn received_and_paged(
    Reported {
        event, complaints, ..
    }: Reported,
    text: &str,
) -> Vec<Record> {
    let received = Received {
        course: domain::trail::generation::Course::default(),
        source: None,
        occurred_at: event.occurred_at(sample::now()),
        verbatim: Verbatim::Inline(text.to_owned()),
        lease_until: at(67),
        requested_by: None,
        complaints: complaints.iter().map(ToString::to_string).collect(),
        event,
    };
    let event = received.event.clone();
    let id = sample::proposal_of(&event);
    let first = Proposal::first_entry(id, received, at(0), Actor::Agent, Tier::Enterprise);
    let story = Told {
        records: vec![testkit::keys::sealed(first, writer(1))],
    };
    let page = Action::PageOncall(PageOncall {
        severity: Severity::Warning,
        summary: event.to_string(),
    });
    let proposed = Proposed {
        preview: page.preview(&world()).unwrap(),
        evidence: Evidence::unreadable(&event.to_string()),
        action: page,
        rationale: event.to_string(),
        ..proposed()
    };
    story
        .then(1, Actor::Agent, &ProposalFact::Proposed(Box::new(proposed)))
        .records
}

fn reported(text: &str) -> Option<Reported> {
    match Message::parse(text) {
        Ok(Message::Incident(reported)) => Some(*reported),
        // What is malformed is in no trail: `redrive` shows it.
        Ok(Message::Hint(_)) | Err(_) => None,
    }
}

#[test]
fn no_field_of_an_event_steers_the_terminal() {
    let corpus = hostile::injections();
    let mut seen = BTreeSet::new();
    for event_type in EventType::ALL {
        for place in hostile::places(event_type) {
            let paged = |text: &str| {
                let text = hostile::event_with(event_type, &place, text);
                reported(&text).map(|reported| received_and_paged(reported, &text))
            };
            let Some(harmless) = paged("harmless") else {
                continue;
            };
            let harmless = told(&harmless).1;
            // What is only kept, and not shown, is the same in every event.
            if !harmless.contains("harmless") && !seen.insert(place.clone()) {
                continue;
            }
            for injection in &corpus {
                if let Some(records) = paged(&injection.text) {
                    let what = format!("{} {place} {injection}", event_type.name());
                    assert_inert(&what, &records, &harmless);
                }
            }
        }
    }
}

/// Three short stories, in each of which a record quotes a text.
fn quoted(text: &str) -> [Vec<Record>; 3] {
    let proposed = Proposed {
        rationale: text.to_owned(),
        evidence: Evidence::unreadable(text),
        ..proposed()
    };
    let declined = Declined {
        reason: DeclineReason::OutOfScope,
        explanation: text.to_owned(),
        proposer: None,
        borne_out: None,
    };
    let comment = Commented {
        text: text.to_owned(),
    };
    [
        (Actor::Agent, ProposalFact::Proposed(Box::new(proposed))),
        (Actor::Agent, ProposalFact::Declined(declined)),
        (person("alice"), ProposalFact::Commented(comment)),
    ]
    .map(|(actor, fact)| Told::begin().then(1, actor, &fact).records)
}

#[test]
fn no_text_that_a_record_quotes_steers_the_terminal() {
    let harmless = quoted("harmless").map(|records| told(&records).1);
    for injection in hostile::injections() {
        for (records, harmless) in quoted(&injection.text).iter().zip(&harmless) {
            assert_inert(&injection.to_string(), records, harmless);
        }
    }
}
