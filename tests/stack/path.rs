//! The path of an incident on the deployed stack.

use std::time::Duration;

use domain::proposal::{ProposalFact, Verbatim};
use domain::trail::Fact;
use domain::value::Timestamp;
use serde_json::{Value, json};

use crate::world::{Deployed, fresh, unhealthy, unhealthy_detail, within};

/// How long the stack's runbook breaks a provider, ms.
const BREAK_MS: u64 = 30_000;

#[tokio::test]
async fn a_break_ends_within_its_duration_and_five_seconds_by_the_delayed_message() {
    let world = Deployed::new().await;
    let generation = world
        .settled_generation(&unhealthy("probe", "openai").fingerprint())
        .await;
    let breaker = "/admin/v1/providers/openai/breaker";
    let written = world.sandbox.writes(breaker).await.len();
    let fingerprint = world.fail_provider("openai").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(
        world.sandbox.writes(breaker).await.len(),
        written,
        "nothing before the approval"
    );
    assert_eq!(world.click("approve", &proposal).await.status, 200);

    world.until(&id, 30, "succeeded").await;
    // Mended meanwhile, so that the second incident below is of the other provider alone.
    world.sandbox.clear().await;
    world.until(&id, 60, "restored").await;
    let writes = world.sandbox.writes(breaker).await.split_off(written);
    let [broken, mended] = &writes[..] else {
        panic!("one write each way: {writes:?}")
    };
    let lasted = at(mended).millis_since(at(broken));
    assert!(
        (BREAK_MS - 2_000..=BREAK_MS + 5_000).contains(&lasted),
        "the break lasted {lasted} ms"
    );

    world.until_recorded(&id, 60, "verified").await;
    assert_eq!(world.count(&id, "started").await, 1);
}

#[tokio::test]
async fn housekeeping_restores_where_the_delayed_message_is_lost() {
    let world = Deployed::new().await;
    let generation = world
        .settled_generation(&unhealthy("probe", "anthropic").fingerprint())
        .await;
    let breaker = "/admin/v1/providers/anthropic/breaker";
    let written = world.sandbox.writes(breaker).await.len();
    let fingerprint = world.fail_provider("anthropic").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(world.click("approve", &proposal).await.status, 200);
    world.until(&id, 30, "succeeded").await;
    world.sandbox.clear().await;
    world.aws.purge("RestoreQueueUrl").await;

    world.until(&id, 150, "restored").await;
    let writes = world.sandbox.writes(breaker).await.split_off(written);
    assert_eq!(writes.len(), 2, "{writes:?}");
    let lasted = at(&writes[1]).millis_since(at(&writes[0]));
    assert!(
        lasted > BREAK_MS + 2_000,
        "it was the message after all: {lasted} ms"
    );
}

fn at(write: &Value) -> Timestamp {
    write["at"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_event_of_any_client_takes_the_same_path_and_an_unconfirmed_one_is_declined() {
    let world = Deployed::new().await;
    let generation = world
        .settled_generation(&unhealthy("probe", "bedrock").fingerprint())
        .await;
    let fingerprint = world.fail_provider("bedrock").await;
    let event_id = fresh("client");
    world
        .aws
        .put_event(
            "llm-gateway",
            "provider.unhealthy",
            &unhealthy_detail(&event_id, "bedrock"),
        )
        .await;
    let id = world.proposal_of(&fingerprint, generation).await;
    // The gateway reports it as well: whichever came first, both are on one proposal.
    within(30, "the client's event is on the trail", async || {
        world
            .records(&id)
            .await
            .iter()
            .any(|record| record.body.contains(&event_id))
            .then_some(())
    })
    .await;
    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(world.click("reject", &proposal).await.status, 200);
    world.until(&id, 30, "rejected").await;
    world.sandbox.clear().await;

    let refuted = unhealthy(&fresh("client"), "mistral");
    let before = world.settled_generation(&refuted.fingerprint()).await;
    // It is seen to do well: without traffic nobody knows.
    let does_well =
        json!({ "fault": "fail_provider", "provider": "mistral", "error_rate": 0.0, "burst": 120 });
    world.sandbox.fault(&does_well).await;
    let detail = unhealthy_detail(refuted.event_id.as_str(), "mistral");
    // Delivered twenty times, it is still one.
    let deliveries = (0..20).map(|_| world.aws.put_event("llm-gateway", "provider.unhealthy", &detail));
    futures::future::join_all(deliveries).await;
    let id = world.proposal_of(&refuted.fingerprint(), before).await;
    let proposal = world.until(&id, 30, "declined").await;
    assert_eq!(
        serde_json::to_value(proposal.declined().unwrap().reason).unwrap(),
        json!("unconfirmed")
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.count(&id, "received").await, 1);
    assert_eq!(world.generation(&refuted.fingerprint()).await, before + 1);
}

#[tokio::test]
async fn an_event_as_large_as_the_bus_takes_is_kept_byte_for_byte() {
    let world = Deployed::new().await;
    let event = unhealthy(&fresh("large"), "mistral");
    // A subject of its own, so that it opens a proposal of its own.
    let mut detail = unhealthy_detail(event.event_id.as_str(), &fresh("nowhere"));
    detail["note"] = json!("x".repeat(250_000));
    let fingerprint = domain::incident::Event::parse("provider.unhealthy", &detail)
        .unwrap()
        .fingerprint();
    world
        .aws
        .put_event("llm-gateway", "provider.unhealthy", &detail)
        .await;
    let id = world.proposal_of(&fingerprint, 0).await;
    let received = world.until_recorded(&id, 30, "received").await;
    let ProposalFact::Received(received) = ProposalFact::read(&received).unwrap() else {
        panic!("not received")
    };
    let Verbatim::Stored { bytes, .. } = received.verbatim else {
        panic!("too large to be inline")
    };
    assert!(bytes > 250_000);
    world.until(&id, 30, "declined").await;
}
