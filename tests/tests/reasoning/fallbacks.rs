//! Models that cannot answer: the next one, then the runbook, and the trail says why.

use domain::proposal::Proposer;
use domain::value::ProposalId;
use expect_test::{Expect, expect};
use serde_json::json;
use testkit::sample;
use tests::model::calling;
use tests::{ScriptedModel, World};

fn good(name: &str) -> ScriptedModel {
    let action = json!({"rationale": "It fails.", "severity": "critical", "summary": "openai fails"});
    ScriptedModel::new(name, move |_| Ok(calling(&[("page_oncall", action.clone())])))
}

async fn chose(world: &World, id: &ProposalId, expected: Expect) {
    let proposal = world.proposal(id).await;
    let proposer = proposal.proposed().map(|proposed| &proposed.proposer);
    expected.assert_eq(&match proposer {
        None => "nobody".to_owned(),
        Some(Proposer::Model(work)) => format!("{} after {} requests", work.model, work.requests),
        Some(Proposer::Runbook { instead_of: None, .. }) => "the runbook".to_owned(),
        Some(Proposer::Runbook {
            instead_of: Some(fallback),
            ..
        }) => {
            let requests = fallback.reasoning.as_ref().map_or(0, |work| work.requests);
            format!("the runbook after {requests} requests: {}", fallback.because)
        }
    });
}

fn world() -> World {
    World::new(sample::inventory_with_unhealthy("openai"))
}

async fn sent(world: &World) -> ProposalId {
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    id
}

#[tokio::test]
async fn the_next_model_is_asked_where_one_is_down() {
    let mut world = world();
    world.ask(vec![
        Box::new(ScriptedModel::down("first")),
        Box::new(good("second")),
    ]);
    let id = sent(&world).await;
    chose(&world, &id, expect!["second after 2 requests"]).await;
}

#[tokio::test]
async fn the_runbook_stands_in_where_all_are_down_and_a_dead_one_is_left_alone() {
    let mut world = world();
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.error_rate = domain::value::Ppm(620_000);
        }
    });
    let dead = ScriptedModel::down("first");
    world.ask(vec![Box::new(dead.clone())]);
    let mut last = sent(&world).await;
    chose(
        &world,
        &last,
        expect!["the runbook after 1 requests: first: answered 529: overloaded"],
    )
    .await;
    // Another trouble each time.
    for provider in ["anthropic", "bedrock", "mistral"] {
        last = world.send(&sample::provider_unhealthy_text(provider));
        world.run_until_quiet().await;
    }
    assert_eq!(dead.asked(), 2, "then it is left alone for a while");
    chose(&world, &last, expect!["the runbook after 0 requests: first did not answer lately, and is left alone until 2026-11-22T10:03:30.000Z"]).await;
}

#[tokio::test]
async fn a_model_that_the_failing_provider_serves_is_not_asked() {
    // `chat` has another provider as well, `only` has none, and `gone` is not a model of the gateway.
    let mut inventory = sample::inventory_with_unhealthy("openai");
    let mut only = inventory.model_groups[0].clone();
    only.id = "only".parse().unwrap();
    only.routes.retain(|route| route.provider.as_str() == "openai");
    assert_eq!(only.routes.len(), 1);
    let chat = inventory.model_groups[0].id.to_string();
    inventory.model_groups.push(only);
    let mut world = World::new(inventory);
    world.settings.through_gateway = true;
    let models = [good("gone"), good("only"), good(&chat)];
    world.ask(
        models
            .iter()
            .map(|model| Box::new(model.clone()) as Box<_>)
            .collect(),
    );
    let id = sent(&world).await;
    chose(&world, &id, expect!["chat after 1 requests"]).await;
    assert_eq!(models.each_ref().map(|model| model.asked()), [0, 0, 1]);
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked() {
    let mut world = world();
    let model = good("free");
    world.ask(vec![Box::new(model.clone())]);
    world.settings.prices.clear();
    let id = sent(&world).await;
    assert_eq!(model.asked(), 0);
    chose(
        &world,
        &id,
        expect!["the runbook after 0 requests: free has no price in MODEL_PRICES"],
    )
    .await;
}

#[tokio::test]
async fn without_models_the_runbook_is_no_fallback() {
    let world = world();
    let id = sent(&world).await;
    let proposal = world.proposal(&id).await;
    let by = &proposal.proposed().unwrap().proposer;
    assert!(matches!(by, Proposer::Runbook { instead_of: None, .. }));
}
