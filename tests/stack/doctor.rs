//! `sre-agent doctor` asks the deployed functions themselves: what it tells of a stack that works, and of faults that are real.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::{Deployed, sre_agent, sre_agent_says};

/// What a local stack lacks: it rings for nobody, names no sender, and may be deleted.
const LOCAL: [&str; 3] = ["trail", "alarms", "senders"];

/// What was found: verdict, what it is about, and what it says.
fn findings() -> Vec<[String; 3]> {
    let (well, told) = sre_agent_says(&["doctor", "--json"]);
    assert!(!well, "{told}");
    // What standard error says comes behind it.
    let report: Value = serde_json::Deserializer::from_str(&told)
        .into_iter()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(report["ready"], false);
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|one| ["verdict", "about", "says"].map(|name| one[name].as_str().unwrap().to_owned()))
        .collect()
}

/// Of these, what is missing or unknown, but for what every local stack lacks.
fn faults(found: &[[String; 3]]) -> Vec<&[String; 3]> {
    let is_fault = |[verdict, about, _]: &&[String; 3]| {
        ["missing", "unknown"].contains(&verdict.as_str()) && !LOCAL.contains(&about.as_str())
    };
    found.iter().filter(is_fault).collect()
}

fn assert_told(found: &[[String; 3]], about: &str, says: &str) {
    assert!(
        found.iter().any(|one| one[1] == about && one[2].contains(says)),
        "{about}: {says} is not in {found:#?}"
    );
}

#[tokio::test]
async fn what_a_stack_that_works_is_told_to_lack_is_what_a_local_one_lacks() {
    let _world = Deployed::new().await;
    let found = findings();
    for function in [
        "ingest-and-propose",
        "scoring",
        "execution",
        "outbox",
        "notification",
        "housekeeping",
    ] {
        assert_told(&found, "functions", &format!("{function} answers, version "));
    }
    for (about, says) in [
        ("gateway", "ingest-and-propose reads "),
        ("gateway", "execution reads "),
        ("operators", "execution reads the directory"),
        ("operators", "notification reads the directory"),
        ("policy", "scoring has the one in force"),
        ("policy", "execution has the one in force"),
        ("links", "the key of the links is there"),
        ("slack", "the bot may post in "),
        ("commands", "the function that takes commands answers you"),
        ("keys", "every public key is known"),
    ] {
        assert_told(&found, about, says);
    }
    let bad = found
        .iter()
        .filter(|[verdict, ..]| verdict == "missing" || verdict == "unknown");
    let about: BTreeSet<&str> = bad.map(|[_, about, _]| about.as_str()).collect();
    assert_eq!(about, BTreeSet::from(LOCAL), "{found:#?}");
}

#[tokio::test]
async fn a_token_that_is_refused_and_a_pause_are_told_by_whoever_meets_them() {
    let world = Deployed::new().await;
    let before = world.aws.secret("gateway-write").await;
    world.aws.set_secret("gateway-write", "no-such-token").await;
    sre_agent(&["pause", "--reason", "a look, by a test"]);
    let found = findings();
    // Before anything is asserted of it, so that the next test has them as they were.
    sre_agent(&["resume"]);
    world.aws.set_secret("gateway-write", &before).await;
    let faults_now = faults(&found);
    let [[verdict, about, says]] = faults_now.as_slice() else {
        panic!("{faults_now:#?}");
    };
    assert_eq!((verdict.as_str(), about.as_str()), ("missing", "gateway"));
    assert!(
        says.contains("execution") && says.contains("it does not know the token of the secret gateway-write"),
        "{says}"
    );
    assert_told(&found, "pause", "a look, by a test");
    // It is seen at once that it was mended.
    let mended = findings();
    assert!(faults(&mended).is_empty(), "{mended:#?}");
}
