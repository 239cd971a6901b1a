//! A pause in the middle of a burst of incidents, by the operators' command: none is lost, none is doubled, and what must
//! end ends.

use std::collections::BTreeMap;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use domain::incident::Event;
use domain::ports::Trail as _;
use domain::proposal::{Proposal, State};
use domain::trail::{Control, Record, StreamId};
use domain::value::ProposalId;
use futures::{FutureExt as _, StreamExt as _, stream};
use serde_json::Value;

use crate::emulator::Emulator;
use crate::world::{Deployed, fresh, sre_agent, sre_agent_says, unhealthy, unhealthy_detail, within};

/// Calls of the emulator at once.
const AT_ONCE: usize = 10;

/// An effect's restore comes by a message of whole seconds, is found out about, and read once more.
const RESTORED_WITHIN_MS: u64 = 15_000;

#[tokio::test]
async fn a_pause_in_a_burst_of_incidents_loses_none_and_doubles_none() {
    let world = Deployed::new().await;
    // How many before the pause, and how many after.
    let half = Emulator::of_this_stack().half_a_burst();
    world.at_rest(90).await;
    let under_way = a_break_is_made(&world).await;
    let (before, after) = (burst(half), burst(half));
    send(&world, &before).await;
    within(60, "the first of the burst are concluded", async || {
        (concluded(&look(&world, &before).await) >= 5).then_some(())
    })
    .await;

    let paused = sre_agent(&["pause", "--reason", "a burst, by a test"]);
    assert!(paused.starts_with("paused at "), "{paused}");
    // Whatever goes wrong in it, the pause ends: other tests come after this one.
    let looked = AssertUnwindSafe(while_paused(&world, &under_way, &before, &after))
        .catch_unwind()
        .await;
    let resumed = sre_agent(&["resume", "--reason", "the test has seen it"]);
    if let Err(problem) = looked {
        std::panic::resume_unwind(problem);
    }
    assert!(resumed.contains("of a pause (a burst, by a test)"), "{resumed}");
    let again = sre_agent(&["resume"]);
    assert!(
        again.contains("not paused") && again.contains("the test has seen it"),
        "{again}"
    );

    let everyone: Vec<(Event, Value)> = before.into_iter().chain(after).collect();
    within(150, "the whole burst is concluded", async || {
        (concluded(&look(&world, &everyone).await) == 2 * half).then_some(())
    })
    .await;
    world.at_rest(60).await;
    // And stays so: nothing is concluded again, and no second proposal is opened.
    let seen = look(&world, &everyone).await;
    assert_eq!(seen.len(), 2 * half);
    for (id, records) in &seen {
        Proposal::replay(records).unwrap();
        assert_eq!(world.generation(id.fingerprint()).await, 1, "{id}");
        let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
        assert!(
            matches!(
                kinds[..],
                ["received", "declined"] | ["received", "received", "declined"]
            ),
            "{id}: one lease after the other, and one conclusion: {kinds:?}"
        );
    }
    the_export_has_them_all(&seen);
    sources_are(&world, "Enabled").await;
}

/// Anthropic fails and is broken by a person's approval.
async fn a_break_is_made(world: &Deployed) -> ProposalId {
    let generation = world
        .settled_generation(&unhealthy("probe", "anthropic").fingerprint())
        .await;
    let fingerprint = world.fail_provider("anthropic").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(world.click("approve", &proposal).await.status, 200);
    world.until(&id, 30, "succeeded").await;
    world.sandbox.clear().await;
    id
}

/// Incidents of providers that nobody knows: each is a trouble of its own, and is declined.
fn burst(count: usize) -> Vec<(Event, Value)> {
    let one = |_| {
        let detail = unhealthy_detail(&fresh("burst"), &fresh("nowhere"));
        (Event::parse("provider.unhealthy", &detail).unwrap(), detail)
    };
    (0..count).map(one).collect()
}

async fn send(world: &Deployed, burst: &[(Event, Value)]) {
    let sends = burst
        .iter()
        .map(|(_, detail)| world.aws.put_event("llm-gateway", "provider.unhealthy", detail));
    stream::iter(sends)
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}

/// The proposals of a burst that are there, with their records.
async fn look(world: &Deployed, burst: &[(Event, Value)]) -> BTreeMap<ProposalId, Vec<Record>> {
    let looks = burst.iter().map(|(event, _)| async {
        let id = ProposalId::new(event.fingerprint(), 1);
        let records = world.records(&id).await;
        (id, records)
    });
    let seen: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
    seen.into_iter()
        .filter(|(_, records)| !records.is_empty())
        .collect()
}

fn concluded(seen: &BTreeMap<ProposalId, Vec<Record>>) -> usize {
    let reasoning = |records: &&Vec<Record>| records.iter().all(|record| record.kind == "received");
    seen.len() - seen.values().filter(reasoning).count()
}

async fn while_paused(
    world: &Deployed,
    under_way: &ProposalId,
    before: &[(Event, Value)],
    after: &[(Event, Value)],
) {
    let again = sre_agent(&["pause", "--reason", "another reason"]);
    assert!(
        again.starts_with("paused already since ") && again.contains("a burst, by a test"),
        "{again}"
    );
    let control = world.trail.last(&StreamId::Control).await.unwrap();
    let paused = Control::read(control.as_ref()).unwrap().switches.paused.unwrap();
    send(world, after).await;
    let all = before.len() + after.len();
    within(120, "everything that arrives is recorded", async || {
        let (before, after) = (look(world, before).await.len(), look(world, after).await.len());
        (before + after == all).then_some(())
    })
    .await;
    sources_are(world, "Disabled").await;
    within(60, "ingest has worked its queue", async || {
        (world.aws.unfinished("IngestQueueUrl").await == 0).then_some(())
    })
    .await;
    let (_, status) = sre_agent_says(&["status"]);
    assert!(
        status.contains(&format!("agent: paused since {}", paused.since)),
        "{status}"
    );

    // The break was made before the pause, and ends in it.
    let State::Succeeded(done) = before_it_ended(world, under_way).await.state().clone() else {
        panic!("the break was in force when the pause began")
    };
    let due = done.execution.restore_at.unwrap();
    assert!(paused.since < due, "the pause began before the break was to end");
    world.until(under_way, 60, "restored").await;
    let restored = world.until_recorded(under_way, 1, "restored").await;
    let late = restored.at.millis_since(due);
    assert!(late <= RESTORED_WITHIN_MS, "restored {late} ms after its end");

    // What arrived during the pause was recorded, and nothing more; nothing of the rest was concluded in it, but for
    // what a function was at when it came.
    for (id, records) in look(world, after).await {
        assert_eq!(records.len(), 1, "{id}: {records:?}");
        let State::Reasoning(lease) = Proposal::replay(&records).unwrap().state().clone() else {
            panic!("{id} is not reasoned about")
        };
        assert!(lease.until <= records[0].at, "{id}: nobody holds the lease");
    }
    for (id, records) in look(world, before).await {
        if let [first, .., last] = &records[..] {
            assert!(first.at < paused.since.plus_seconds(5), "{id}: {records:?}");
            assert!(last.at < paused.since.plus_seconds(60), "{id}: {records:?}");
        }
    }
}

/// The proposal as it was before the record that ended its effect.
async fn before_it_ended(world: &Deployed, id: &ProposalId) -> Proposal {
    let records = world.records(id).await;
    let succeeded = records.iter().position(|record| record.kind == "succeeded");
    Proposal::replay(&records[..=succeeded.unwrap()]).unwrap()
}

/// Waits until housekeeping has switched what a pause switches; the rest is on all the time.
async fn sources_are(world: &Deployed, state: &str) {
    for (function, queue) in [("scoring", "scoring"), ("execution", "execution")] {
        within(
            130,
            &format!("the event source of {queue} is {state}"),
            async || (world.aws.source(function, queue).await == state).then_some(()),
        )
        .await;
    }
    for (function, queue) in [
        ("ingest-and-propose", "ingest"),
        ("execution", "restore"),
        ("execution", "verify"),
    ] {
        assert_eq!(world.aws.source(function, queue).await, "Enabled", "{queue}");
    }
}

/// What `trail export` prints holds, and has every record of them.
fn the_export_has_them_all(seen: &BTreeMap<ProposalId, Vec<Record>>) {
    let export = sre_agent(&["trail", "export", "--since", "1h"]);
    let mut exported: BTreeMap<StreamId, Vec<Record>> = BTreeMap::new();
    for line in export.lines() {
        let record: Record = serde_json::from_str(line).unwrap();
        exported.entry(record.stream.clone()).or_default().push(record);
    }
    assert!(exported.contains_key(&StreamId::Control));
    for (id, records) in seen {
        assert_eq!(exported.get(&StreamId::Proposal(id.clone())), Some(records));
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export.jsonl");
    fs::write(&file, export).unwrap();
    let checked = sre_agent(&["trail", "check", file.to_str().unwrap()]);
    assert!(checked.starts_with("these records hold: "), "{checked}");
}
