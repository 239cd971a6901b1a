//! A policy that is published is in force at once; one that is of no use stops automatic execution, and people go on.

use std::fs;
use std::path::{Path, PathBuf};

use domain::ports::Trail as _;
use domain::proposal::{Decision, Proposal};
use domain::trail::{Actor, Control, Entry, StreamId};
use domain::value::Digest;
use policy::Bundle;

use crate::world::{Deployed, overspent, sre_agent, sre_agent_says};

/// A directory with the default policy, where no factor has a weight: every score is its baseline, at any time of day.
pub(crate) fn weightless() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/policy");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("weightless-policy");
    fs::create_dir_all(&directory).unwrap();
    fs::copy(default.join("gate.cedar"), directory.join("gate.cedar")).unwrap();
    let mut weighs = false;
    let mut changed = String::new();
    for line in fs::read_to_string(default.join("risk.toml")).unwrap().lines() {
        if line.starts_with('[') {
            weighs = line.starts_with("[raises") || line.starts_with("[lowers");
        }
        let weightless = match line.split_once(" = ") {
            Some((name, _)) if weighs && !name.starts_with('#') && name != "traffic_from_ppm" => {
                format!("{name} = 0")
            }
            _ => line.to_owned(),
        };
        changed += &format!("{weightless}\n");
    }
    fs::write(directory.join("risk.toml"), changed).unwrap();
    directory
}

/// Puts a policy in force by the operators' command, where it is not yet; its hash.
pub(crate) async fn put_in_force(world: &Deployed, directory: &Path) -> Digest {
    let hash = Bundle::read_dir(directory).unwrap().digest();
    if control(world).await.switches.policy != Some(hash) {
        sre_agent(&["policy", "publish", directory.to_str().unwrap()]);
        assert_eq!(control(world).await.switches.policy, Some(hash));
    }
    hash
}

/// The policy of `infra/policy`.
async fn publish_default(world: &Deployed) -> Digest {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/policy");
    put_in_force(world, &default).await
}

async fn control(world: &Deployed) -> Control {
    Control::read(world.trail.last(&StreamId::Control).await.unwrap().as_ref()).unwrap()
}

/// A page about a team's budget, as it was scored.
async fn scored(world: &Deployed, team: &str) -> Proposal {
    let generation = world.settled_generation(&overspent("team", team)).await;
    let fingerprint = world.spend_budget("team", team, "500.00").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    world.until_recorded(&id, 30, "scored").await;
    Proposal::replay(&world.records(&id).await).unwrap()
}

#[tokio::test]
async fn what_is_published_is_in_force_and_what_is_of_no_use_runs_nothing() {
    let world = Deployed::new().await;
    let (well, faults) = sre_agent_says(&["policy", "check", "/nowhere"]);
    assert!(!well, "{faults}");
    let good = put_in_force(&world, &weightless()).await;
    world.aws.deploy_with(&[("SreAutoApprove", "true")]).await;

    let proposal = scored(&world, "payments").await;
    let automatic = proposal.scored().unwrap();
    assert_eq!((automatic.decision, automatic.policy), (Decision::Auto, good));
    world.until(proposal.id(), 30, "succeeded").await;

    // Control names a policy that nobody stored, as after a bucket was emptied.
    let lost = Digest::of(b"a policy that is not there");
    let last = world.trail.last(&StreamId::Control).await.unwrap();
    let before = Control::read(last.as_ref()).unwrap();
    let fact = before.publish(lost).unwrap();
    let at = last.as_ref().unwrap().at;
    let entry = Entry::next(StreamId::Control, last.as_ref(), at, Actor::System, &fact, None);
    world.trail.append(entry).await.unwrap();

    let proposal = scored(&world, "checkout").await;
    let asked = proposal.scored().unwrap();
    assert_eq!(
        (asked.decision, asked.policy),
        (Decision::Gate, good),
        "the last good one"
    );
    assert!(asked.because.contains(&lost.to_string()), "{}", asked.because);
    assert_eq!(asked.policy_instead_because.as_ref(), Some(&asked.because));
    // People decide under it.
    assert_eq!(world.click("approve", &proposal).await.status, 200);
    let records = world.records(proposal.id()).await;
    let approved = records.iter().find(|record| record.kind == "approved").unwrap();
    assert!(approved.body.contains(&good.to_string()), "{}", approved.body);
    world.until(proposal.id(), 30, "succeeded").await;

    // Every policy that was in force can be had by its hash.
    let shown = sre_agent(&["policy", "show", &good.to_string()]);
    assert!(
        shown.contains("risk.toml") && shown.contains("gate.cedar"),
        "{shown}"
    );
    let default = publish_default(&world).await;
    assert_eq!(control(&world).await.switches.policies_before[..2], [lost, good]);
    world.aws.deploy_with(&[("SreAutoApprove", "false")]).await;
    let proposal = scored(&world, "research").await;
    assert_eq!(proposal.scored().unwrap().policy, default);
    world.sandbox.clear().await;
}
