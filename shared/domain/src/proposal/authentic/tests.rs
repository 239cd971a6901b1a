//! A proposal is what its records make up to the first that does not hold.

use super::*;
use crate::proposal::{ProposalFact, State};
use crate::samples::*;
use crate::trail::{Actor, Author, Authority, Entry, Signature};

/// Signatures that say themselves whether they are good.
struct Spoken;

impl Verifier for Spoken {
    fn verify(&self, _: Authority, _: &Record, signature: &Signature) -> Result<(), Doubt> {
        match signature.value.as_str() {
            "good" => Ok(()),
            "unknown" => Err(Doubt::Unknown("the keys are away".to_owned())),
            _ => Err(Doubt::Forged(
                "has a signature that is not good for it".to_owned(),
            )),
        }
    }
}

fn signed(mut records: Vec<Record>, value: &str) -> Vec<Record> {
    for record in &mut records {
        if crate::trail::author::signed_by(&record.stream, &record.kind).is_some() {
            record.signature = Some(Signature {
                key: "key".to_owned(),
                value: value.to_owned(),
            });
        }
    }
    records
}

fn read(records: &[Record]) -> Proposal {
    Proposal::read(records, &Spoken, &[]).unwrap()
}

/// One more record behind whatever lies there.
fn behind(records: &[Record], author: Author, fact: &ProposalFact) -> Record {
    let last = records.last().unwrap();
    let entry = Entry::after(last, last.at, Actor::Agent, fact);
    entry.by(author).seal(writer(99))
}

#[test]
fn a_signed_life_holds_to_its_end_and_may_start() {
    let records = signed(approved(breaks(300)).records, "good");
    let proposal = read(&records);
    assert_eq!(proposal.standing(), &Standing::default());
    assert_eq!(proposal.standing().keeps_from_starting(), None);
    assert!(matches!(proposal.state(), State::Approved(_)));
}

#[test]
fn a_decision_that_is_not_signed_did_not_happen() {
    for (records, problem) in [
        (approved(breaks(300)).records, "is not signed"),
        (
            signed(approved(breaks(300)).records, "bad"),
            "has a signature that is not good for it",
        ),
    ] {
        let proposal = read(&records);
        assert!(matches!(proposal.state(), State::AwaitingApproval(_)));
        let fault = proposal.standing().fault.clone().unwrap();
        assert_eq!(
            (fault.kind.as_str(), fault.problem.as_str()),
            ("approved", problem)
        );
        assert!(proposal.standing().keeps_from_starting().is_some());
    }
}

#[test]
fn while_the_keys_are_away_nothing_is_forged_and_nothing_starts() {
    let proposal = read(&signed(approved(breaks(300)).records, "unknown"));
    assert_eq!(proposal.standing().fault, None);
    let because = proposal.standing().keeps_from_starting().unwrap();
    assert!(because.ends_with("the keys are away"), "{because}");
}

#[test]
fn a_record_that_does_not_hold_is_passed_over_once_an_operator_said_so() {
    let mut records = signed(approved(breaks(300)).records, "good");
    let expired = ProposalFact::Refused(crate::proposal::Refused {
        precondition: crate::proposal::Precondition::Condition,
        explanation: "a forgery".to_owned(),
    });
    let mut forged = behind(&records, Author::Scoring, &expired);
    // Nothing after it has to be later.
    forged.at = at(10_000_000);
    forged.hour = crate::trail::hour_key(&forged.stream, forged.at);
    forged.digest = forged.computed_digest();
    records.push(forged);
    let stopped = read(&records);
    assert!(matches!(stopped.state(), State::Approved(_)), "as before it");
    let illegal = stopped.entry(at(60), Actor::Agent, &expired).unwrap_err();
    assert!(
        illegal.problem.starts_with("would follow one that does not hold"),
        "{illegal}"
    );

    let on = Proposal::read(&records, &Spoken, &[5]).unwrap();
    assert_eq!(
        (on.standing().fault.clone(), on.standing().set_aside.as_slice()),
        (None, &[5][..])
    );
    assert_eq!(on.standing().keeps_from_starting(), None);
    let next = on.entry(at(60), Actor::Agent, &expired).unwrap();
    assert_eq!(
        (next.seq, next.at, next.expires_at),
        (6, at(60), records[0].expires_at)
    );
    records.push(next.seal(writer(100)));
    let ended = Proposal::read(&records, &Spoken, &[5]).unwrap();
    assert_eq!(
        (ended.state().name(), ended.standing().fault.clone()),
        ("refused", None)
    );
}

#[test]
fn what_holds_is_not_set_aside() {
    let records = signed(approved(breaks(300)).records, "good");
    let proposal = Proposal::read(&records, &Spoken, &[3, 4]).unwrap();
    assert!(matches!(proposal.state(), State::Approved(_)));
    assert_eq!(proposal.standing().set_aside, [0; 0]);
}

#[test]
fn what_is_legal_for_its_author_and_illegal_where_it_stands_does_not_hold() {
    let mut records = signed(approved(breaks(300)).records, "good");
    let again = behind(&records, Author::Scoring, &gate(1));
    records.push(again);
    let fault = read(&records).standing().fault.clone().unwrap();
    assert_eq!(fault.seq, 5);
    assert!(
        fault.problem.starts_with("is illegal in state approved"),
        "{fault}"
    );
}

#[test]
fn of_records_before_signatures_nothing_starts_and_everything_reads() {
    let story = approved(breaks(300));
    let mut records: Vec<Record> = Vec::new();
    for record in story.records {
        let mut old = Record {
            schema: UNSIGNED_SCHEMA,
            author: None,
            prev: records.last().map(|before| before.digest),
            ..record
        };
        // What names another record by its digest has no other body here: only the first two stand.
        old.digest = old.computed_digest();
        records.push(old);
        if records.len() == 3 {
            break;
        }
    }
    let proposal = read(&records);
    assert!(matches!(proposal.state(), State::AwaitingApproval(_)));
    assert!(proposal.standing().unsigned && proposal.standing().fault.is_none());
    assert!(proposal.standing().keeps_from_starting().is_some());
    // The old format behind the new one is a forgery: it would need no signature.
    let mut mixed = signed(awaiting(breaks(300), 1).records, "good");
    let waiting = read(&mixed);
    let mut old = behind(&mixed, Author::Callback, &approves(&waiting));
    (old.schema, old.author) = (UNSIGNED_SCHEMA, None);
    old.digest = old.computed_digest();
    mixed.push(old);
    let fault = read(&mixed).standing().fault.clone().unwrap();
    assert_eq!(fault.problem, "is of an older format than the record before it");
}
