//! The path of an incident with a model that proposes: aimock behind a real LiteLLM. `cargo xtask test --only model`
//! starts both and says where LiteLLM is; what aimock answers is in `infra/model/aimock/fixtures.json`.

use std::io::Read as _;

use domain::action::{Action, ActionKind};
use domain::ports::Payloads as _;
use domain::proposal::{Fallback, ProposalFact, Proposed, Proposer, Reasoning};
use domain::trail::Fact as _;
use domain::value::{Digest, Micros, ProposalId};
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::world::{Deployed, unhealthy, variable};

/// A price for every model in `infra/model/litellm.yaml`.
const PRICES: &str = "claude-sonnet-4-6=3.00:15.00,gpt-5=1.25:10.00,claude-overloaded=3.00:15.00";

/// From the event to the proposal, s: two answers, the first of which LiteLLM takes its time for.
const PATIENCE_S: u64 = 60;

/// One way to a model.
struct Way {
    api: &'static str,
    model: &'static str,
    path: &'static str,
    /// The provider that the model breaks.
    provider: &'static str,
    /// Of 6,000 tokens read and 150 written.
    cost: Micros,
}

#[tokio::test]
#[ignore = "needs a model: cargo xtask test --only model"]
async fn a_break_that_a_model_proposes_by_the_messages_api_is_approved_runs_and_ends() {
    proposes_a_break(&Way {
        api: "anthropic-bearer",
        model: "claude-sonnet-4-6",
        path: "/v1/messages",
        provider: "openai",
        cost: Micros(20_250),
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a model: cargo xtask test --only model"]
async fn a_break_that_a_model_proposes_by_chat_completions_is_approved_runs_and_ends() {
    proposes_a_break(&Way {
        api: "openai",
        model: "gpt-5",
        path: "/v1/chat/completions",
        provider: "anthropic",
        cost: Micros(9_000),
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a model: cargo xtask test --only model"]
async fn where_the_model_is_overloaded_the_runbook_stands_in_and_the_trail_says_why() {
    let world = Deployed::new().await;
    let id = failed(&world, "anthropic-bearer", "claude-overloaded", "bedrock").await;
    let proposed = proposed(&world, &id).await;
    let Proposer::Runbook {
        instead_of: Some(Fallback {
            because,
            reasoning: Some(reasoning),
        }),
        ..
    } = proposed.proposer
    else {
        panic!("not in place of a model: {:?}", proposed.proposer)
    };
    assert!(
        because.contains("claude-overloaded") && because.contains("Overloaded"),
        "{because}"
    );
    assert_eq!((reasoning.requests, reasoning.turns), (3, 0), "{because}");
    for attempt in transcript(&world, &reasoning).await {
        // LiteLLM makes a 500 of the provider's 529.
        assert_eq!(attempt["status"], 500, "{attempt}");
        assert!(
            attempt["reply"].as_str().unwrap().contains("Overloaded"),
            "{attempt}"
        );
    }
    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(world.click("reject", &proposal).await.status, 200);
    world.until(&id, 30, "rejected").await;
    assert_eq!(world.count(&id, "started").await, 0);
    world.sandbox.clear().await;
}

async fn proposes_a_break(way: &Way) {
    let world = Deployed::new().await;
    let breaker = format!("/admin/v1/providers/{}/breaker", way.provider);
    let written = world.sandbox.writes(&breaker).await.len();
    let id = failed(&world, way.api, way.model, way.provider).await;

    let proposed = proposed(&world, &id).await;
    let Proposer::Model(reasoning) = &proposed.proposer else {
        panic!("not a model's: {:?}", proposed.proposer)
    };
    assert_eq!(reasoning.model, way.model);
    assert_eq!((reasoning.requests, reasoning.turns), (2, 2));
    assert_eq!((reasoning.input_tokens, reasoning.output_tokens), (6_000, 150));
    assert_eq!(reasoning.cost, way.cost);
    let Action::CircuitBreakProvider(asked) = &proposed.action else {
        panic!("not a break: {:?}", proposed.action)
    };
    assert_eq!((asked.provider.as_str(), asked.duration_s), (way.provider, 30));
    assert_eq!(
        proposed.rationale,
        format!(
            "{} fails, and every model group keeps a healthy route without it.",
            way.provider
        )
    );

    let attempts = transcript(&world, reasoning).await;
    let [looked, concluded] = &attempts[..] else {
        panic!("{} attempts", attempts.len())
    };
    for attempt in &attempts {
        assert_eq!(
            (&attempt["path"], &attempt["status"]),
            (&json!(way.path), &json!(200))
        );
    }
    for name in ["provider_health", "model_group_routes"] {
        assert!(looked["reply"].as_str().unwrap().contains(name), "{looked}");
    }
    // What it looked at goes back with the calls that it made.
    let request = concluded["request"].as_str().unwrap();
    assert!(
        request.contains("model_group_routes") && request.contains("error_rate"),
        "{request}"
    );
    assert!(
        concluded["reply"]
            .as_str()
            .unwrap()
            .contains(ActionKind::CircuitBreakProvider.name()),
        "{concluded}"
    );

    let proposal = world.until(&id, 30, "awaiting_approval").await;
    assert_eq!(
        world.sandbox.writes(&breaker).await.len(),
        written,
        "nothing before the approval"
    );
    assert_eq!(world.click("approve", &proposal).await.status, 200);
    world.until(&id, 30, "succeeded").await;
    world.sandbox.clear().await;
    world.until(&id, 60, "restored").await;
    assert_eq!(
        world.sandbox.writes(&breaker).await.len(),
        written + 2,
        "one write each way"
    );
    world.until_recorded(&id, 60, "verified").await;
    assert_eq!(world.count(&id, "started").await, 1);
}

/// Deploys the stack with a model behind LiteLLM, fails a provider, and returns the proposal of it.
async fn failed(world: &Deployed, api: &str, model: &str, provider: &str) -> ProposalId {
    let url = variable("TEST_MODEL_URL");
    world
        .aws
        .deploy_with(&[
            ("ModelApi", api),
            ("ModelUrl", &url),
            ("SreAgentModel", model),
            ("ModelPrices", PRICES),
        ])
        .await;
    let generation = world
        .settled_generation(&unhealthy("probe", provider).fingerprint())
        .await;
    let fingerprint = world.fail_provider(provider).await;
    world.proposal_of(&fingerprint, generation).await
}

async fn proposed(world: &Deployed, id: &ProposalId) -> Proposed {
    let record = world.until_recorded(id, PATIENCE_S, "proposed").await;
    match ProposalFact::read(&record).unwrap() {
        ProposalFact::Proposed(proposed) => *proposed,
        other => panic!("not proposed: {other:?}"),
    }
}

/// The attempts in the transcript that a proposal names, which must be whole and without a key.
async fn transcript(world: &Deployed, reasoning: &Reasoning) -> Vec<Value> {
    let stored = world
        .transcripts
        .get(&reasoning.transcript)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Digest::of(&stored), reasoning.transcript);
    let mut text = String::new();
    GzDecoder::new(&stored[..]).read_to_string(&mut text).unwrap();
    let key = world.aws.secret("model").await;
    assert!(!text.contains(&key), "the key is in the transcript");

    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let about = lines.next().unwrap();
    let attempts: Vec<Value> = lines.collect();
    assert_eq!(about["attempts"], attempts.len());
    assert_eq!(attempts.len(), usize::try_from(reasoning.requests).unwrap());
    for attempt in &attempts {
        assert_eq!(attempt["model"], reasoning.model.as_str());
    }
    attempts
}
