//! At or below the threshold with automatic approval on, nobody is asked; above, or with it off, somebody is.

use domain::proposal::{Decision, Proposal};

use crate::world::{Deployed, overspent};

/// A hard budget makes the runbook page, which scores 35.
const SCORE: u8 = 35;

async fn decided(world: &Deployed, team: &str) -> (Proposal, Decision) {
    let generation = world.settled_generation(&overspent("team", team)).await;
    let fingerprint = world.spend_budget("team", team, "500.00").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    world.until_recorded(&id, 30, "scored").await;
    let proposal = Proposal::replay(&world.records(&id).await).unwrap();
    let scored = proposal.scored().unwrap();
    assert_eq!((scored.score, scored.baseline), (SCORE, SCORE));
    let decision = scored.decision;
    (proposal, decision)
}

#[tokio::test]
async fn one_action_of_score_35_under_thresholds_34_35_and_36_and_fifty_clicks() {
    let world = Deployed::new().await;
    let cases = [
        ("payments", "34", "true", Decision::Gate),
        ("checkout", "35", "true", Decision::Auto),
        ("research", "36", "true", Decision::Auto),
    ];
    for (team, threshold, auto_approve, expected) in cases {
        world
            .aws
            .deploy_with(&[("SreRiskThreshold", threshold), ("SreAutoApprove", auto_approve)])
            .await;
        let (proposal, decision) = decided(&world, team).await;
        assert_eq!(decision, expected, "threshold {threshold}");
        let id = proposal.id();
        if expected == Decision::Auto {
            world.until(id, 30, "succeeded").await;
            assert_eq!(world.sandbox.pages(&id.to_string()).await, [format!("{id}/page")]);
            assert_eq!(world.count(id, "approved").await, 0, "nobody was asked");
        } else {
            assert_eq!(world.count(id, "started").await, 0, "somebody is asked first");
            assert!(world.sandbox.pages(&id.to_string()).await.is_empty());
        }
    }
    world
        .aws
        .deploy_with(&[("SreRiskThreshold", "36"), ("SreAutoApprove", "false")])
        .await;
    world.sandbox.clear().await;
    let generation = world.settled_generation(&overspent("org", "acme")).await;
    let fingerprint = world.spend_budget("org", "acme", "5000.00").await;
    let id = world.proposal_of(&fingerprint, generation).await;
    let proposal = world.until(&id, 30, "awaiting_approval").await;

    // Fifty clicks at once make one decision, and at most one execution.
    let clicks = (0..50).map(|n| world.click(if n % 2 == 0 { "approve" } else { "reject" }, &proposal));
    for answer in futures::future::join_all(clicks).await {
        // Fifty environments start at once: of one that the emulator kept waiting (503) or could not start (502) the
        // click did not count.
        assert!(
            [200, 502, 503].contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.body
        );
    }
    let now = Proposal::replay(&world.records(&id).await).unwrap();
    if now.state().name() == "awaiting_approval" {
        assert_eq!(world.click("approve", &now).await.status, 200);
    }
    let (approved, rejected) = (
        world.count(&id, "approved").await,
        world.count(&id, "rejected").await,
    );
    assert_eq!(approved + rejected, 1);
    if approved == 1 {
        world.until(&id, 30, "succeeded").await;
    }
    assert_eq!(world.count(&id, "started").await, approved);
    assert_eq!(world.sandbox.pages(&id.to_string()).await.len(), approved);
    assert!(
        !world.sandbox.slack_replies().await.is_empty(),
        "whoever clicked is told"
    );

    world
        .aws
        .deploy_with(&[("SreRiskThreshold", "40"), ("SreAutoApprove", "false")])
        .await;
    world.sandbox.clear().await;
}
