//! What cannot be read ends in the dead-letter queue with its reason, and can be put back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use domain::message::Message;
use serde_json::Value;

use crate::world::{World, within};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The operators' command, as the stack's build made it.
fn sre_agent(arguments: &[&str]) -> (bool, String) {
    let path = root().join("target/debug/sre-agent");
    let output = Command::new(&path)
        .args(arguments)
        .output()
        .unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output.status.success(), text)
}

#[tokio::test]
async fn every_malformed_sample_is_refused_with_its_reason_and_can_be_put_back() {
    let world = World::new().await;
    let mut reasons = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("events/bus/malformed")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // Past the bus, which takes only JSON from senders it knows.
        world.aws.send("IngestQueueUrl", &text).await;
        match Message::parse(&text) {
            Err(malformed) => {
                reasons.insert(malformed.to_string());
            }
            Ok(Message::Incident(delivery)) => {
                let event = delivery.event;
                assert!(
                    event.contradiction().is_some(),
                    "{}: nothing is wrong with it",
                    path.display()
                );
                let id = world.proposal_of(&event.fingerprint(), 0).await;
                world.until(&id, 30, "declined").await;
            }
            Ok(Message::Hint(id)) => panic!("{}: is a hint for {id}", path.display()),
        }
    }
    assert!(reasons.len() > 10, "{reasons:?}");
    let refused = async || {
        let (_, list) = sre_agent(&["redrive", "--list", "--queue", "ingest"]);
        reasons
            .iter()
            .all(|reason| list.contains(reason.as_str()))
            .then_some(list)
    };
    within(60, "every reason is in the list of the dead letters", refused).await;
    let dead = world.aws.waiting("IngestDeadLetterQueueUrl").await;
    assert!(dead >= reasons.len());

    let (put_back, told) = sre_agent(&["redrive", "--queue", "ingest"]);
    assert!(put_back, "{told}");
    // They are as malformed as before, so they come back: nothing was lost on the way.
    within(60, "they are refused again", async || {
        (world.aws.waiting("IngestDeadLetterQueueUrl").await >= dead).then_some(())
    })
    .await;
    within(30, "and listed again", refused).await;
    world
        .aws
        .sqs
        .purge_queue()
        .queue_url(world.aws.output("IngestDeadLetterQueueUrl"))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_hint_for_a_stream_that_does_not_exist_is_a_clear_error() {
    let world = World::new().await;
    let hint = r#"{"hint":{"proposal":"aaaaaaaaaaaaaaaaaaaaaaaaaa-1"}}"#;
    for (queue, name) in [
        ("ScoringQueueUrl", "scoring"),
        ("ExecutionQueueUrl", "execution"),
        ("RestoreQueueUrl", "restore"),
    ] {
        world.aws.send(queue, hint).await;
        let expected = "there is no proposal aaaaaaaaaaaaaaaaaaaaaaaaaa-1";
        within(60, "the reason is in the list", async || {
            let (_, list) = sre_agent(&["redrive", "--list", "--queue", name]);
            list.contains(expected).then_some(())
        })
        .await;
        let dead = format!("{}DeadLetterQueueUrl", queue.trim_end_matches("QueueUrl"));
        world
            .aws
            .sqs
            .purge_queue()
            .queue_url(world.aws.output(&dead))
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn status_says_that_the_stack_is_healthy() {
    let _world = World::new().await;
    let (healthy, told) = sre_agent(&["status"]);
    assert!(healthy, "{told}");
    let value: Option<Value> = serde_json::from_str(&told).ok();
    assert!(value.is_none(), "for people: {told}");
}
