//! Functions killed at work: each is sent one SIGKILL while it has an invocation, and the path still ends as it should.
//!
//! `ingest-and-propose` and `execution` die waiting for the gateway, the others just after an invocation was handed to
//! them: nothing that they call can be made slow. Every other point is tried in process (`tests/tests/faults/killed.rs`).

use adapters::SystemClock;
use domain::ports::Clock as _;
use domain::proposal::{Proposal, State};
use domain::value::{ProposalId, Timestamp};
use housekeeping::chores::RESTORE_PATIENCE_S;
use serde_json::json;

use crate::processes::{hold, kill_all};
use crate::world::{Deployed, emulator_log, overspent, unhealthy, variable, within};

const BREAKER: &str = "/admin/v1/providers/anthropic/breaker";

const FUNCTIONS: [&str; 7] = [
    "ingest-and-propose",
    "scoring",
    "approval-callback",
    "execution",
    "outbox",
    "housekeeping",
    "notification",
];

/// What comes back does so when its visibility timeout is over: 130 s for `ingest-and-propose` and 70 s for `execution`,
/// which pass while the others are killed.
#[tokio::test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "which process runs a function is read from /proc"
)]
async fn a_sigkill_of_each_function_at_work_loses_nothing_and_doubles_nothing() {
    let world = Deployed::new().await;
    // Whatever earlier tests left to be done would be killed instead.
    world.at_rest(90).await;
    let budget = world.settled_generation(&overspent("team", "research")).await;
    let provider = world
        .settled_generation(&unhealthy("probe", "anthropic").fingerprint())
        .await;
    let written = world.sandbox.writes(BREAKER).await.len();
    let died = FUNCTIONS.map(deaths);

    let reasoned = ingest_is_killed_while_it_reasons(&world, budget).await;
    let proposal = scoring_is_killed(&world, provider).await;
    the_callback_is_killed(&world, &proposal).await;
    let id = proposal.id();
    the_outbox_and_execution_are_killed(&world, &proposal, written).await;
    housekeeping_is_killed_when_only_it_can_restore(&world, id).await;

    another_reasoner_takes_over(&world, &reasoned).await;
    world.sandbox.clear().await;

    // The message that execution died with comes back last, and finds nothing left to do.
    world.at_rest(90).await;
    // Of a function with two invocations at once, both may be with the processes that are killed.
    for (function, before) in FUNCTIONS.iter().zip(died) {
        assert!(deaths(function) > before, "{function} was not killed at work");
    }
    for kind in ["proposed", "scored", "approved", "started", "restored"] {
        assert_eq!(world.count(id, kind).await, 1, "{kind}");
    }
    let writes = world.sandbox.writes(BREAKER).await.split_off(written);
    assert_eq!(writes.len(), 2, "one write each way: {writes:?}");
    for queue in [
        "Ingest",
        "Scoring",
        "Execution",
        "Restore",
        "Verify",
        "Slack",
        "Outbox",
        "Housekeeping",
    ] {
        let dead = world.aws.waiting(&format!("{queue}DeadLetterQueueUrl")).await;
        assert_eq!(dead, 0, "dead letters of {queue}");
    }
}

/// It dies while it waits for the gateway, with the lease on the proposal.
async fn ingest_is_killed_while_it_reasons(world: &Deployed, generation: u32) -> ProposalId {
    let slow = json!({ "fault": "admin", "mode": "delay", "delay_ms": 10_000,
        "method": "GET", "path": "/admin/v1/inventory" });
    world.sandbox.fault(&slow).await;
    let fingerprint = world.spend_budget("team", "research", "500.00").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    world.until_recorded(&id, 30, "received").await;
    kill_all("ingest-and-propose").await;
    assert_eq!(
        world.state(&id).await,
        "reasoning",
        "killed before its conclusion"
    );
    id
}

/// The message comes back when the dead reasoner's lease is over.
async fn another_reasoner_takes_over(world: &Deployed, id: &ProposalId) {
    let proposal = world.until(id, 160, "awaiting_approval").await;
    assert_eq!(world.count(id, "received").await, 2, "one lease after the other");
    assert_eq!(world.count(id, "proposed").await, 1);
    notification_is_killed_before_it_tells_the_end(world, &proposal).await;
}

/// The message comes again, and the card shows how it ended.
async fn notification_is_killed_before_it_tells_the_end(world: &Deployed, proposal: &Proposal) {
    let id = proposal.id();
    world.aws.invoke("notification", &json!({ "Records": [] })).await;
    let held = hold("notification").await;
    assert_eq!(world.click("reject", proposal).await.status, 200);
    held.kill_at_work().await;
    world.until(id, 30, "rejected").await;
    within(120, &format!("the card of {id} shows its end"), async || {
        let told = world.sandbox.card_says(&id.to_string(), "It was rejected").await;
        told.then_some(())
    })
    .await;
}

async fn scoring_is_killed(world: &Deployed, generation: u32) -> Proposal {
    world.aws.invoke("scoring", &json!({ "Records": [] })).await;
    let held = hold("scoring").await;
    let fingerprint = world.fail_provider("anthropic").await;
    held.kill_at_work().await;
    let id = world.proposal_of(&fingerprint, generation).await;
    assert_eq!(world.state(&id).await, "proposed", "killed before it scored");
    // Its message is delivered again.
    world.until(&id, 60, "awaiting_approval").await
}

async fn the_callback_is_killed(world: &Deployed, proposal: &Proposal) {
    assert_eq!(world.healthz().await, 200);
    let held = hold("approval-callback").await;
    let (answer, ()) = futures::join!(world.click("approve", proposal), held.kill_at_work());
    assert!(answer.status >= 500, "the person sees an error: {answer:?}");
    assert_eq!(world.count(proposal.id(), "approved").await, 0);
}

/// The person clicks again. The outbox dies with the decision in its hands, and announces it when the stream gives it
/// once more; execution dies with the break made and nobody told.
async fn the_outbox_and_execution_are_killed(world: &Deployed, proposal: &Proposal, written: usize) {
    let id = proposal.id();
    let mute = json!({ "fault": "admin", "mode": "delay_reply", "delay_ms": 10_000, "method": "PUT", "path": BREAKER });
    world.sandbox.fault(&mute).await;
    world.aws.invoke("outbox", &json!({ "Records": [] })).await;
    let held = hold("outbox").await;
    assert_eq!(world.click("approve", proposal).await.status, 200);
    held.kill_at_work().await;

    within(30, "the break is made", async || {
        (world.sandbox.writes(BREAKER).await.len() > written).then_some(())
    })
    .await;
    kill_all("execution").await;
    assert_eq!(world.state(id).await, "executing", "killed before it knew");
    // The delayed message is lost as well.
    world.aws.purge("RestoreQueueUrl").await;
}

/// Invoked as the schedule does on AWS, asynchronously, and so tried again by Lambda. The emulator's own rule tries
/// once, and the next run a minute later is the second try.
async fn housekeeping_is_killed_when_only_it_can_restore(world: &Deployed, id: &ProposalId) {
    let State::Executing(execution) = Proposal::replay(&world.records(id).await)
        .unwrap()
        .state()
        .clone()
    else {
        panic!("{id} is not executing")
    };
    let end = execution.restore_at.unwrap();
    world.aws.invoke("housekeeping", &json!({})).await;
    // Held before there is anything for it to do, so that no run of the schedule does it unharmed.
    passed(end.plus_seconds(1)).await;
    let held = hold("housekeeping").await;
    passed(end.plus_seconds(RESTORE_PATIENCE_S)).await;
    world.aws.invoke_later("housekeeping", &json!({})).await;
    held.kill_at_work().await;
    world.until(id, 90, "restored").await;
}

/// How often the emulator saw a function end with an invocation under way.
fn deaths(function: &str) -> usize {
    let stack = variable("SRE_AGENT_STACK");
    emulator_log()
        .matches(&format!(
            "Lambda {stack}-{function}: Runtime exited before returning a response"
        ))
        .count()
}

async fn passed(time: Timestamp) {
    within(45, &format!("{time} has passed"), async || {
        (SystemClock.now() > time).then_some(())
    })
    .await;
}
