//! Malformed events end declined or in the dead-letter queue, with the reason; `sre-agent redrive` prints it and puts
//! them back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use domain::incident::Event;
use domain::message::Message;
use serde_json::{Value, json};

use crate::world::{Deployed, emulator_log, fresh, sre_agent, within};

const DEAD: &str = "IngestDeadLetterQueueUrl";

/// As much as the bus takes in one event, 256 KB, less the envelope and the other fields.
const LARGE: usize = 250_000;

/// What is sent, and what must become of it.
#[derive(Default)]
struct Sent {
    /// Given up: a text that only this message has, and the reason.
    given_up: BTreeMap<String, String>,
    /// Declined: it contradicts itself, or else the gateway does not confirm it.
    declined: Vec<Event>,
}

#[tokio::test]
async fn malformed_events_are_declined_or_given_up_and_redriven_once_their_cause_is_mended() {
    let world = Deployed::new().await;
    assert_eq!(world.aws.waiting(DEAD).await, 0, "dead letters of earlier tests");

    let mut sent = Sent::default();
    every_malformed_sample_is_sent(&world, &mut sent).await;
    large_events_of_every_type_are_sent(&world, &mut sent).await;
    let (mended, foreign) = an_event_of_a_source_that_is_not_allowed_yet_is_sent(&world, &mut sent).await;

    for event in &sent.declined {
        let id = world.proposal_of(&event.fingerprint(), 0).await;
        let proposal = world.until(&id, 30, "declined").await;
        assert_eq!(world.count(&id, "received").await, 1);
        let declined = proposal.declined().unwrap();
        match event.contradiction() {
            Some(contradiction) => assert_eq!(
                (declined.reason.name(), &declined.explanation),
                ("contradiction", &contradiction)
            ),
            None => assert_eq!(declined.reason.name(), "unconfirmed", "{declined:?}"),
        }
    }
    let first = given_up(&world, &sent.given_up).await;
    let list = sre_agent(&["redrive", "--list"]);
    let heading = format!("ingest: {} dead letters", first.values().flatten().count());
    assert!(list.contains(&heading), "{list}");
    for (marker, reason) in &sent.given_up {
        for id in &first[marker] {
            let told = list
                .split(id.as_str())
                .nth(1)
                .unwrap_or_else(|| panic!("no {id}: {list}"));
            let line = told.lines().nth(1).unwrap();
            assert!(line.contains("refused by ingest-and-propose at "), "{line}");
            assert!(line.ends_with(reason), "{line}\nis not\n{reason}");
        }
    }

    // The source is allowed, and everything put back: that event is taken, and the others are refused as before.
    allow(&world, "llm-gateway,partner-gateway").await;
    let told = sre_agent(&["redrive"]);
    for id in first.values().flatten() {
        assert!(told.contains(&format!("{id} put back")), "no {id}: {told}");
    }
    sent.given_up.remove(&foreign);
    let id = world.proposal_of(&mended.fingerprint(), 0).await;
    world.until(&id, 30, "declined").await;
    assert_eq!(world.count(&id, "received").await, 1);
    let second = given_up(&world, &sent.given_up).await;
    for id in second.values().flatten() {
        assert!(!told.contains(id), "{id} went through its queue again");
    }
    allow(&world, "llm-gateway").await;

    let mut discard = vec!["redrive", "--queue", "ingest", "--discard"];
    discard.extend(
        second
            .values()
            .flatten()
            .flat_map(|id| ["--message", id.as_str()]),
    );
    sre_agent(&discard);
    assert_eq!(world.aws.unfinished(DEAD).await, 0);
    assert_eq!(world.aws.unfinished("IngestQueueUrl").await, 0);

    let log = emulator_log();
    assert!(
        log.contains("put to the dead-letter queue"),
        "the functions' logs are in it"
    );
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("panicked")).collect();
    assert!(panics.is_empty(), "{panics:?}");
}

/// Through the bus, or where it is no JSON straight to the queue. Each with an id that no earlier run used, and
/// what is declined with a subject of its own, so that it opens a proposal of its own.
async fn every_malformed_sample_is_sent(world: &Deployed, sent: &mut Sent) {
    let mut files: Vec<PathBuf> = fs::read_dir(samples().join("malformed"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let body = fs::read_to_string(&file).unwrap();
        let Ok(mut envelope) = serde_json::from_str::<Value>(&body) else {
            let reason = Message::parse(&body).unwrap_err().to_string();
            sent.given_up.insert(body.clone(), reason);
            world.aws.send("IngestQueueUrl", &body).await;
            continue;
        };
        match Message::parse(&body) {
            Ok(_) => make_its_own(&mut envelope),
            Err(_) => envelope["detail"]["event_id"] = json!(fresh("malformed")),
        }
        put(world, &envelope, sent).await;
    }
}

/// As large as the bus takes: one well formed, of a subject that the gateway does not know, and one malformed.
async fn large_events_of_every_type_are_sent(world: &Deployed, sent: &mut Sent) {
    for name in [
        "provider.unhealthy",
        "budget.exceeded.team-hard",
        "sla.violation.latency",
        "latency.spike",
    ] {
        let body = fs::read_to_string(samples().join(format!("{name}.json"))).unwrap();
        let mut envelope: Value = serde_json::from_str(&body).unwrap();
        envelope["detail"]["note"] = json!("x".repeat(LARGE));
        make_its_own(&mut envelope);
        put(world, &envelope, sent).await;
        envelope["detail"]["event_id"] = json!(fresh("large"));
        envelope["detail"]["version"] = json!(2);
        put(world, &envelope, sent).await;
    }
}

/// The rule takes the allowed sources alone; on the queue, as from the topic, the function refuses the others. The
/// event, and the text by which its message is known.
async fn an_event_of_a_source_that_is_not_allowed_yet_is_sent(
    world: &Deployed,
    sent: &mut Sent,
) -> (Event, String) {
    let body = fs::read_to_string(samples().join("provider.unhealthy.json")).unwrap();
    let mut envelope: Value = serde_json::from_str(&body).unwrap();
    make_its_own(&mut envelope);
    envelope["source"] = json!("partner-gateway");
    world.aws.send("IngestQueueUrl", &envelope.to_string()).await;
    let marker = text(&envelope["detail"]["event_id"]);
    let reason = r#"source: "partner-gateway" is not among the allowed sources"#;
    sent.given_up.insert(marker.clone(), reason.to_owned());
    (event(&envelope), marker)
}

/// Puts a sample on the bus, and notes what must become of it.
async fn put(world: &Deployed, envelope: &Value, sent: &mut Sent) {
    match Message::parse(&envelope.to_string()) {
        Ok(_) => sent.declined.push(event(envelope)),
        Err(malformed) => {
            let marker = text(&envelope["detail"]["event_id"]);
            sent.given_up.insert(marker, malformed.to_string());
        }
    }
    let (source, detail_type) = (text(&envelope["source"]), text(&envelope["detail-type"]));
    world
        .aws
        .put_event(&source, &detail_type, &envelope["detail"])
        .await;
}

/// Gives a well-formed sample an id and a subject that no other event has.
fn make_its_own(envelope: &mut Value) {
    let subject = match text(&envelope["detail-type"]).as_str() {
        "budget.exceeded" => "scope_id",
        "sla.violation" => "sla_id",
        _ => "provider",
    };
    envelope["detail"][subject] = json!(fresh("nobody"));
    envelope["detail"]["event_id"] = json!(fresh("sample"));
}

fn event(envelope: &Value) -> Event {
    Event::parse(&text(&envelope["detail-type"]), &envelope["detail"]).unwrap()
}

/// Waits until these messages and no others are dead letters, each with its reason, and returns their ids by their
/// texts. One may be there more than once, as a queue may deliver more than once.
async fn given_up(world: &Deployed, expected: &BTreeMap<String, String>) -> BTreeMap<String, Vec<String>> {
    within(60, "every poisonous message is given up", async || {
        let unfinished = world.aws.unfinished("IngestQueueUrl").await;
        (unfinished == 0 && world.aws.waiting(DEAD).await >= expected.len()).then_some(())
    })
    .await;
    let list = sre_agent(&["redrive", "--list", "--queue", "ingest", "--json"]);
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in list.lines() {
        let letter: Value = serde_json::from_str(line).unwrap();
        let body = text(&letter["body"]);
        let mut known = expected.iter().filter(|(marker, _)| body.contains(*marker));
        let (marker, reason) = known.next().unwrap_or_else(|| panic!("not expected: {letter}"));
        assert_eq!(letter["reason"], **reason, "{marker}");
        ids.entry(marker.clone())
            .or_default()
            .push(text(&letter["message_id"]));
    }
    assert_eq!(
        ids.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    ids
}

/// Changes which sources the agent takes.
async fn allow(world: &Deployed, sources: &str) {
    world.aws.deploy_with(&[("EventSources", sources)]).await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/bus")
}
