//! Another key signs: what the old one had signed is still good, what it signs from now on is not.

use domain::ports::Trail as _;
use domain::proposal::Proposal;
use domain::trail::StreamId;

use crate::world::{Deployed, overspent, sre_agent};

/// The parameters that `keys rotate` prints, to be deployed with.
fn parameters(printed: &str) -> Vec<(String, String)> {
    let lines = printed.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn page_is_approved(world: &Deployed, team: &str) -> Proposal {
    let generation = world.settled_generation(&overspent("team", team)).await;
    let fingerprint = world.spend_budget("team", team, "500.00").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(world.click("approve", &proposal).await.status, 200);
    world.until(&id, 30, "succeeded").await
}

#[tokio::test]
async fn a_key_is_rotated_and_what_the_old_one_had_signed_is_still_good() {
    let world = Deployed::new().await;
    let before = page_is_approved(&world, "payments").await;
    let old = world.aws.output("DecisionKeys").to_owned();

    let printed = sre_agent(&["keys", "rotate", "decisions", "--since", "2d"]);
    let deploy = parameters(&printed);
    let names: Vec<&str> = deploy.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["DecisionKeyArns", "KeyArchives"], "{printed}");
    assert!(deploy[0].1.ends_with(&format!(",{old}")), "{printed}");
    // Until it is deployed nobody says yes, and a no counts.
    let generation = world.settled_generation(&overspent("team", "checkout")).await;
    let fingerprint = world.spend_budget("team", "checkout", "500.00").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    let waits = world.until(&id, 30, "awaiting_approval").await;
    world.click("approve", &waits).await;
    assert_eq!(world.count(&id, "approved").await, 0, "the key is disabled");
    assert_eq!(world.click("reject", &waits).await.status, 200);
    world.until(&id, 30, "rejected").await;

    let given: Vec<(&str, &str)> = deploy
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    world.aws.deploy_with(&given).await;
    drop(world);

    let world = Deployed::new().await;
    assert_eq!(world.aws.output("DecisionKeys"), deploy[0].1);
    let after = page_is_approved(&world, "research").await;
    let key_of = async |proposal: &Proposal| {
        let stream = StreamId::Proposal(proposal.id().clone());
        let records = world.trail.load(&stream).await.unwrap();
        let approved = records.into_iter().find(|record| record.kind == "approved");
        approved.unwrap().signature.unwrap().key
    };
    assert_eq!(key_of(&before).await, old);
    assert!(deploy[0].1.starts_with(&key_of(&after).await), "the new one");
    for proposal in [&before, &after] {
        sre_agent(&["trail", &proposal.id().to_string()]);
    }
    world.sandbox.clear().await;
}
