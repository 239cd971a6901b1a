//! What time to live removes from the trail, as those who read its stream see it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::emulator::{Localstack, needs_localstack};
use crate::view::View;
use crate::world::{Deployed, emulator_log, variable, within};

/// A proposal whose records have expired: 2020.
const LONG_AGO: &str = "1577836800";

#[tokio::test]
async fn a_removal_by_time_to_live_reaches_the_stream_and_the_outbox_announces_nothing() {
    needs_localstack("records of a stream for what time to live removes");
    let world = Deployed::new().await;
    world.at_rest(90).await;
    let view = View::new(&world);
    let id = world.concluded().await;
    let records = world.records(&id).await;
    assert!(
        records.iter().all(|record| record.expires_at.is_some()),
        "each record says when it expires"
    );
    view.until_announced(&world, &id, 60).await;
    let announced = view.announced(&id).await;
    // The stream is in order: once a later one is announced, all records of this one have been delivered.
    let later = world.concluded().await;
    view.until_announced(&world, &later, 60).await;

    let since = emulator_log().len();
    for record in &records {
        expire(&world, &format!("proposal/{id}"), record.seq).await;
    }
    let localstack = Localstack::new();
    localstack.remove_what_expired().await;
    within(30, "the records are removed", async || {
        world.records(&id).await.is_empty().then_some(())
    })
    .await;

    let stream = format!("proposal/{id}");
    let source = world.aws.stream_source("outbox").await;
    let seen = within(30, "their removal is in the stream", async || {
        let removed = localstack.records(source.event_source_arn().unwrap()).await;
        let removed: Vec<Value> = removed
            .into_iter()
            .filter(|change| change["eventName"] == "REMOVE")
            .filter(|change| change["dynamodb"]["Keys"]["stream"]["S"] == json!(stream))
            .collect();
        (removed.len() == records.len()).then_some(removed)
    })
    .await;
    for change in seen {
        let image = &change["dynamodb"];
        assert_eq!(image["OldImage"]["stream"]["S"], json!(stream), "{change}");
        assert!(image["NewImage"].is_null(), "{change}");
    }

    // The stream goes on: the next proposal is announced, and the removal changed nothing.
    let next = world.concluded().await;
    view.until_announced(&world, &next, 60).await;
    assert_eq!(view.announced(&id).await, announced);
    let log = emulator_log();
    let failed = log[since..].matches("will be announced again").count();
    assert_eq!(failed, 0, "the outbox failed on a removal");
    assert_eq!(world.aws.waiting("OutboxDeadLetterQueueUrl").await, 0);

    // As on AWS the incident's record goes, too: an export in which it names what is gone is not complete.
    expire(&world, &format!("incident/{}", id.fingerprint()), 1).await;
    localstack.remove_what_expired().await;
}

/// Says that a record has expired. No function may do that: here it is done with all rights of the local account.
async fn expire(world: &Deployed, stream: &str, seq: u64) {
    world
        .dynamodb
        .update_item()
        .table_name(variable("TRAIL_TABLE"))
        .key("stream", AttributeValue::S(stream.to_owned()))
        .key("seq", AttributeValue::N(seq.to_string()))
        .update_expression("SET expires_at = :then")
        .expression_attribute_values(":then", AttributeValue::N(LONG_AGO.to_owned()))
        .send()
        .await
        .unwrap();
}
