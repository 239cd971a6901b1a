//! A signature is good for one record of one stack, under one key.

use domain::trail::{Actor, Control, Entry, StreamId};
use domain::value::WriterId;

use super::*;

const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1";

fn key(by: Authority) -> LocalKey {
    LocalKey::generate(by, KEY, "sre-agent").unwrap()
}

fn record(writer: &str) -> Record {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let fact = Control::default().pause("a test", now).unwrap();
    Entry::first(StreamId::Control, now, Actor::System, &fact, None).seal(WriterId::new(writer).unwrap())
}

fn said(keyring: &Keyring, by: Authority, record: &Record, signature: &Signature) -> String {
    match keyring.verify(by, record, signature) {
        Ok(()) => "good".to_owned(),
        Err(Doubt::Forged(problem) | Doubt::Unknown(problem)) => problem,
    }
}

#[test]
fn a_signature_is_good_for_its_own_record_and_no_other() {
    let operators = key(Authority::Operators);
    let keyring = Keyring::new("sre-agent", [operators.public().unwrap()]);
    let (one, other) = (record("w-1"), record("w-2"));
    let signature = operators.sign_now(&one.digest).unwrap();
    let of = |by, record, signature| said(&keyring, by, record, signature);
    assert_eq!(of(Authority::Operators, &one, &signature), "good");
    assert_eq!(
        of(Authority::Operators, &other, &signature),
        "has a signature that is not good for it"
    );
    assert_eq!(
        of(Authority::Decisions, &one, &signature),
        "is signed with a key that may not sign it"
    );
    let unknown = Signature {
        key: "another".to_owned(),
        ..signature.clone()
    };
    assert_eq!(
        of(Authority::Operators, &one, &unknown),
        "is signed with a key that may not sign it"
    );
    let garbage = Signature {
        value: "?".to_owned(),
        ..signature.clone()
    };
    assert_eq!(
        of(Authority::Operators, &one, &garbage),
        "has a signature that is not base64"
    );
    let elsewhere = Keyring::new("another-stack", [operators.public().unwrap()]);
    assert_eq!(
        said(&elsewhere, Authority::Operators, &one, &signature),
        "has a signature that is not good for it"
    );
}

#[test]
fn another_key_of_the_same_name_signs_nothing() {
    let keyring = Keyring::new("sre-agent", [key(Authority::Operators).public().unwrap()]);
    let record = record("w-1");
    let signature = key(Authority::Operators).sign_now(&record.digest).unwrap();
    assert_eq!(
        said(&keyring, Authority::Operators, &record, &signature),
        "has a signature that is not good for it"
    );
}

#[test]
fn of_a_key_that_was_given_up_only_what_was_there_then_is_good() {
    let operators = key(Authority::Operators);
    let (before, after) = (record("w-1"), record("w-2"));
    let retired = Retired {
        at: Timestamp::from_millis(1_800_000_100_000),
        signed: vec![before.digest],
    };
    let keyring = Keyring::new("sre-agent", [operators.public().unwrap().retired(retired)]);
    let signed = |record: &Record| operators.sign_now(&record.digest).unwrap();
    assert_eq!(
        said(&keyring, Authority::Operators, &before, &signed(&before)),
        "good"
    );
    assert_eq!(
        said(&keyring, Authority::Operators, &after, &signed(&after)),
        "is signed with a key that was given up at 2027-01-15T08:01:40.000Z, and was not there then"
    );
}

#[test]
fn what_is_no_p256_key_is_refused() {
    for der in [&b""[..], &SPKI, &[SPKI.as_slice(), &[4; 65]].concat(), &[0; 91]] {
        assert!(PublicKey::new(Authority::Decisions, KEY, der).is_err(), "{der:?}");
    }
}

#[tokio::test]
async fn a_key_signs_for_nobody_else() {
    let operators = key(Authority::Operators);
    let refused = operators.sign(Authority::Decisions, &record("w").digest).await;
    assert!(refused.is_err());
}
