//! A `scored` record is believed only where it is what evidence, policy, deployment and switches give. Whoever may insert
//! one as scoring does, with a digest that is right, starts nothing by it.

mod left_out;

use std::collections::BTreeSet;

use domain::inventory::Inventory;
use domain::message::Lane;
use domain::message::hint;
use domain::permission::InForce;
use domain::policy::{Automatic, Ranged};
use domain::ports::{Clock, Trail};
use domain::proposal::{Decision, Factor, ProposalFact, Scored};
use domain::risk::{self, Subject};
use domain::trail::{Actor, Author, Control, Entry};
use domain::value::{Deployment, Digest, ProposalId};
use serde_json::json;
use slack::button::Does;
use testkit::{Cutter, sample};
use tests::World;
use tests::world::Script;

/// A proposal that is to be scored.
async fn proposed(mut world: World, event: &str) -> (World, ProposalId) {
    world.housekeeping = false;
    let id = world.send(event);
    while world.deliver(Lane::Ingest, &Cutter::never()).await {}
    assert_eq!(world.state(&id).await, "proposed");
    (world, id)
}

/// A break of a failing openai that is to be scored; every score is its baseline.
async fn a_break(auto_approve: bool) -> (World, ProposalId) {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.weigh_nothing();
    world.deployment.auto_approve = auto_approve;
    proposed(world, &sample::provider_unhealthy_text("openai")).await
}

/// What scoring would record of it now, if this were in force.
async fn score(world: &World, id: &ProposalId, in_force: &InForce, deployment: &Deployment) -> Scored {
    let proposal = world.proposal(id).await;
    let subject = Subject::of(&proposal).unwrap();
    risk::score(
        &subject,
        in_force,
        deployment,
        &Control::default(),
        world.clock.now(),
    )
}

/// Inserts a record as scoring does, and wakes execution as often as it likes. Gives why nothing started; nothing where
/// it did.
async fn inserted(world: &World, id: &ProposalId, forged: Scored) -> Option<String> {
    let proposal = world.proposal(id).await;
    let fact = ProposalFact::Scored(forged);
    let entry = Entry::after(proposal.last(), world.clock.now(), Actor::Agent, &fact).by(Author::Scoring);
    world.trail.append(entry).await.unwrap();
    for _ in 0..2 {
        world
            .queue(Lane::Execution)
            .send(&hint(id), std::time::Duration::ZERO);
        while world.deliver(Lane::Execution, &Cutter::never()).await {}
    }
    let acted = !world.gateway.writes().is_empty() || !world.gateway.pages().is_empty();
    let records = world
        .trail
        .seen(&domain::trail::StreamId::Proposal(id.clone()))
        .await;
    let why = match domain::proposal::Proposal::replay(&records) {
        Ok(proposal) => format!(
            "{}: {}",
            proposal.state().name(),
            proposal.because().unwrap_or_default()
        ),
        Err(illegal) => illegal.to_string(),
    };
    (!acted).then_some(why)
}

/// What is changed in a record that is as it should be.
type Forge = fn(&mut Scored);

/// Moves the score, and gives it a factor that sums to it.
fn moved(scored: &mut Scored, name: &str, points: i32) {
    scored.score = u8::try_from(i32::from(scored.score) + points).unwrap();
    scored.factors.push(Factor {
        name: name.to_owned(),
        points,
        because: "of a forger".to_owned(),
    });
}

/// Each field of the record, changed so that the record is still legal, and what is said then.
const FIELDS: [(&str, Forge, &str); 22] = [
    (
        "score",
        |it| moved(it, "proven", -5),
        "score: recorded 10, computed again 15",
    ),
    (
        "factors",
        |it| {
            moved(it, "night", 5);
            moved(it, "proven", -5);
        },
        "factor night: recorded +5 (of a forger), computed again nothing",
    ),
    (
        "baseline",
        |it| {
            it.baseline -= 5;
            it.score -= 5;
        },
        "baseline: recorded 10, computed again 15",
    ),
    ("floor", |it| it.floor = 1, "floor: recorded 1, computed again 5"),
    (
        "threshold",
        |it| it.threshold = 90,
        "threshold: recorded 90, computed again 40",
    ),
    // A record that says so is not legal at all.
    (
        "auto_approve",
        |it| it.auto_approve = false,
        "approves by itself what a person must approve",
    ),
    (
        "decision",
        |it| {
            it.decision = Decision::Gate;
            it.deadline = it.valid_until.take();
        },
        "awaiting_approval",
    ),
    (
        "because",
        |it| it.because = "of a forger".to_owned(),
        "because: recorded of a forger",
    ),
    ("rules", |it| it.rules.clear(), "rules: recorded nothing"),
    (
        "limit",
        |it| it.limit = Some(domain::policy::SafetyLimit::PerHour),
        "limit: recorded per_hour",
    ),
    (
        "switched_off",
        |it| it.switched_off = Some("of a forger".to_owned()),
        "switched_off: recorded of a forger",
    ),
    (
        "sampled",
        |it| it.sampled = true,
        "sampled: recorded true, computed again nothing",
    ),
    (
        "automatic",
        |it| {
            let automatic: Automatic = it.automatic.unwrap();
            it.automatic = Some(Automatic {
                per_hour: Ranged::new(1000),
                ..automatic
            });
        },
        "automatic: recorded",
    ),
    (
        "policy",
        |it| it.policy = Digest::of(b"another"),
        "policy: recorded",
    ),
    (
        "policy_instead_because",
        |it| it.policy_instead_because = Some("of a forger".to_owned()),
        "policy_instead_because: recorded of a forger",
    ),
    (
        "approvals_needed",
        |it| it.approvals_needed = 2,
        "approvals_needed: recorded 2, computed again 1",
    ),
    // A record that has one is not legal.
    (
        "deadline",
        |it| it.deadline = it.valid_until,
        "has a deadline that its decision does not go with",
    ),
    (
        "valid_until",
        |it| it.valid_until = it.valid_until.map(|at| at.plus_seconds(86_400)),
        "valid_until: recorded",
    ),
    (
        "not_before",
        |it| it.not_before = it.valid_until.map(|at| at.minus_seconds(900)),
        "not_before: recorded",
    ),
    (
        "paused_before_ms",
        |it| it.paused_before_ms = 60_000,
        "paused_before_ms: recorded 60000, computed again 0–0",
    ),
    (
        "factors",
        |it| {
            it.factors.push(Factor {
                name: "night".to_owned(),
                points: 0,
                because: "of a forger".to_owned(),
            })
        },
        "factor night: recorded +0 (of a forger), computed again nothing",
    ),
    (
        "score",
        |it| it.score = 5,
        "has factors that do not sum to its score",
    ),
];

#[tokio::test]
async fn a_record_in_which_any_field_is_another_starts_nothing_and_is_told() {
    let (world, id) = a_break(true).await;
    let honest = score(&world, &id, &world.policies.get(), &world.deployment).await;
    assert_eq!(honest.decision, Decision::Auto);
    assert_eq!(
        inserted(&world, &id, honest.clone()).await,
        None,
        "the honest one starts"
    );
    for (field, forge, expected) in FIELDS {
        let (world, id) = a_break(true).await;
        let mut forged = honest.clone();
        forge(&mut forged);
        let why = inserted(&world, &id, forged).await;
        let why = why.unwrap_or_else(|| panic!("{field} is forged, and it started"));
        assert!(why.contains(expected), "{field}: {why}");
    }
    // No field is left out.
    let everything = Scored {
        rules: vec!["a".to_owned()],
        limit: Some(domain::policy::SafetyLimit::PerHour),
        switched_off: Some(String::new()),
        sampled: true,
        policy_instead_because: Some(String::new()),
        not_before: honest.valid_until,
        ..honest
    };
    let all = serde_json::to_value(everything).unwrap();
    let all: BTreeSet<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from(FIELDS.map(|(field, _, _)| field)), all);
}

/// A world where a team's budget is spent, and an action is proposed.
async fn about_a_budget(action: serde_json::Value) -> (World, ProposalId) {
    let inventory: Inventory = sample::inventory_with_spent_budget("payments");
    let mut world = World::new(inventory);
    world.weigh_nothing();
    world.deployment.auto_approve = true;
    world.reasoner = Script::proposes(action);
    proposed(world, &sample::budget_exceeded_text("payments")).await
}

#[tokio::test]
async fn a_score_of_another_action_starts_nothing() {
    let (harmless, page) = about_a_budget(
        json!({"action": "page_oncall", "severity": "critical", "summary": "the budget is spent"}),
    )
    .await;
    let forged = score(&harmless, &page, &harmless.policies.get(), &harmless.deployment).await;
    assert_eq!(forged.decision, Decision::Auto);
    let bump =
        json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "120.00"});
    let (world, id) = about_a_budget(bump).await;
    assert_eq!(page, id, "the same trouble, and the same proposal");
    let why = inserted(&world, &id, forged).await.unwrap();
    assert!(why.contains("score: recorded 35, computed again 75"), "{why}");
}

#[tokio::test]
async fn what_a_person_narrowed_does_not_run_by_itself_whatever_a_score_says() {
    let mut world = World::new(sample::inventory_with_unhealthy("openai"));
    world.weigh_nothing();
    world.deployment.auto_approve = true;
    world.deployment.approval_veto_s = 120;
    world.housekeeping = false;
    world.reasoner = Script::proposes(
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}),
    );
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    let (shown, never) = (world.shown(&id).await, Cutter::never());
    world.click("alice", "revoke", &id, shown, &never).await.text();
    let less = [("duration_s", "60")];
    world
        .fills_in("alice", Does::Narrow, &id, &less, &never)
        .await
        .text();
    assert_eq!(world.state(&id).await, "proposed");
    world.deployment.approval_veto_s = 0;
    let proposal = world.proposal(&id).await;
    let subject = Subject {
        touched: false,
        ..Subject::of(&proposal).unwrap()
    };
    let now = world.clock.now();
    let in_force = world.policies.get();
    let forged = risk::score(&subject, &in_force, &world.deployment, &Control::default(), now);
    assert_eq!(forged.decision, Decision::Auto);
    let why = inserted(&world, &id, forged).await.unwrap();
    assert!(
        why.contains("decision: recorded auto, computed again gate"),
        "{why}"
    );
}

#[tokio::test]
async fn people_who_were_shown_a_forged_score_start_nothing() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let (world, id) = proposed(world, &sample::provider_unhealthy_text("openai")).await;
    let in_force = world.policies.get();
    let honest = score(&world, &id, &in_force, &world.deployment).await;
    assert_eq!((honest.score, honest.decision), (44, Decision::Gate));
    let forgeries: [(&str, Forge); 4] = [
        ("score: recorded 24, computed again 44", |it| {
            moved(it, "proven", -20)
        }),
        ("factor critical_team: recorded nothing", |it| {
            let before = it.factors.len();
            it.factors.retain(|factor| factor.name != "critical_team");
            assert_eq!(it.factors.len() + 1, before);
            it.score -= 10;
        }),
        ("floor: recorded 1", |it| it.floor = 1),
        // Under another name, a policy may see less risk than people were shown, never more.
        ("score: recorded 24, computed again 44", |it| {
            moved(it, "proven", -20);
            it.policy = Digest::of(b"another");
        }),
    ];
    for (expected, forge) in forgeries {
        let fork = world.fork();
        let mut forged = honest.clone();
        forge(&mut forged);
        inserted(&fork, &id, forged).await.unwrap();
        fork.approve("alice", &id).await.text();
        fork.run_until_quiet().await;
        assert_eq!(fork.state(&id).await, "refused");
        assert_eq!(fork.gateway.writes(), []);
        let because = fork.proposal(&id).await.because().unwrap().to_owned();
        assert!(because.contains(expected), "{expected}: {because}");
    }
    inserted(&world, &id, honest).await.unwrap();
    world.approve("alice", &id).await.text();
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded");
}
