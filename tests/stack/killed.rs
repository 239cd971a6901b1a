//! A function killed anywhere loses nothing and doubles nothing.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use domain::ids::ProposalId;

use crate::world::{World, unhealthy};

const FUNCTIONS: [&str; 6] = [
    "ingest-and-propose",
    "scoring",
    "approval-callback",
    "execution",
    "outbox",
    "housekeeping",
];

/// Processes of the deployed functions, by crate.
fn processes() -> Vec<(String, u32)> {
    let name = |pid: u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let variable = environment
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME=".as_slice()))?;
        let stack = crate::world::variable("SRE_AGENT_STACK");
        String::from_utf8_lossy(variable)
            .strip_prefix(&format!("{stack}-"))
            .map(str::to_owned)
    };
    let all = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter_map(|pid| Some((name(pid)?, pid))).collect()
}

/// Kills whatever functions run, again and again for a while. How often each was killed.
async fn kill_for(time: Duration, pause: Duration) -> BTreeMap<String, usize> {
    let mut killed = BTreeMap::new();
    let began = Instant::now();
    while began.elapsed() < time {
        for (name, pid) in processes() {
            if Command::new("kill")
                .args(["-KILL", &pid.to_string()])
                .status()
                .unwrap()
                .success()
            {
                *killed.entry(name).or_default() += 1;
            }
        }
        tokio::time::sleep(pause).await;
    }
    killed
}

#[tokio::test]
async fn every_function_is_killed_on_the_way_and_each_incident_still_ends_once() {
    let world = World::new().await;
    let mut killed: BTreeMap<String, usize> = BTreeMap::new();
    let mut add = |more: BTreeMap<String, usize>| {
        more.into_iter()
            .for_each(|(name, times)| *killed.entry(name).or_default() += times)
    };

    let generation = world
        .generation(&unhealthy("probe", "openai").fingerprint())
        .await;
    let fingerprint = world.fail_provider("openai").await;
    // While the event is received, proposed, announced and scored.
    add(kill_for(Duration::from_secs(4), Duration::from_millis(150)).await);
    let id: ProposalId = world.proposal_of(&fingerprint, generation).await;
    let proposal = world.until(&id, 240, "awaiting_approval").await;

    // While it is approved: Slack shows the person an error, and they click again.
    let clicks = async {
        loop {
            if world.click("approve", &proposal).await.status == 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    // While it is executed as well.
    let (more, ()) = tokio::join!(
        kill_for(Duration::from_secs(4), Duration::from_millis(120)),
        clicks
    );
    add(more);
    within_any(&world, &id, &["succeeded", "restored", "executing"], 300).await;
    // While it is restored.
    add(kill_for(Duration::from_secs(3), Duration::from_millis(400)).await);
    world.sandbox.clear().await;
    within_any(&world, &id, &["restored", "expired", "refused", "failed"], 400).await;

    for function in FUNCTIONS {
        assert!(
            killed.get(function).copied().unwrap_or_default() > 0,
            "{function} was never killed: {killed:?}"
        );
    }
    assert_eq!(
        world.count(&id, "received").await,
        world.count(&id, "received").await
    );
    assert_eq!(world.count(&id, "proposed").await, 1);
    assert!(world.count(&id, "approved").await >= 1);
    assert_eq!(
        world.generation(&fingerprint).await,
        generation + 1,
        "one incident, one proposal"
    );
    let writes = world.sandbox.writes("/admin/v1/providers/openai/breaker").await;
    let blocked = writes
        .last()
        .is_some_and(|write| write["after"]["blocked"] == true);
    assert!(!blocked, "no provider is left blocked: {writes:?}");
}

async fn within_any(world: &World, id: &ProposalId, states: &[&str], seconds: u64) {
    crate::world::within(seconds, &format!("{id} is one of {states:?}"), async || {
        let proposal = domain::proposal::Proposal::replay(&world.records(id).await).ok()?;
        states.contains(&proposal.state().name()).then_some(())
    })
    .await;
}
