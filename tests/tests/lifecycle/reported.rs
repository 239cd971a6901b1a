//! Who reports what: it is kept with what was known, told where it is about nothing that is there, and proves nothing of
//! what is somebody else's.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::inventory::Inventory;
use domain::message::Lane;
use domain::proposal::{Before, DeclineReason, Report};
use domain::trail::generation::Ending;
use domain::trail::refusal::MOST_NAMES;
use domain::value::ProposalId;
use expect_test::expect;
use serde_json::json;
use testkit::sample;
use tests::World;
use tests::world::{BREAK_S, Script};

async fn sends(world: &World, text: &str) -> ProposalId {
    let id = world.send(text);
    world.run_until_quiet().await;
    id
}

#[tokio::test]
async fn what_is_known_when_a_proposal_is_made_names_who_reported_it_how_and_what_was_before() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let report = |event_id: &str| {
        let detail = json!({"provider": "openai", "error_rate": 0.62, "requests": 180, "event_id": event_id,
                            "severity": "page-me", "window_s": 300});
        sample::envelope("provider.unhealthy", detail)
    };
    let first = sends(&world, &report("evt-1")).await;
    let of = async |id: &ProposalId| {
        let proposal = world.proposal(id).await;
        proposal.proposed().unwrap().evidence.report.clone()
    };
    let Report {
        by,
        complaints,
        tried,
    } = of(&first).await;
    assert_eq!(by.as_deref(), Some("llm-gateway"));
    expect![[r#"detail.severity: "page-me" is not info, warning or critical: taken as warning"#]]
        .assert_eq(&complaints.join("; "));
    assert_eq!(tried, []);

    world.reject("alice", &first).await;
    world.advance(24 * 60).await;
    // Nobody asks for the same again, so somebody proposes something else.
    let mut world = world;
    world.reasoner =
        Script::proposes(json!({"action": "page_oncall", "severity": "critical", "summary": "openai"}));
    let second = ProposalId::new(first.fingerprint().clone(), 2);
    let sent = sends(&world, &report("evt-2")).await;
    assert_eq!(sent, first, "the helper knows the trouble by its first outbreak");
    let proposal = world.proposal(&second).await;
    let before = Before {
        proposal: first,
        action: Some(domain::action::ActionKind::CircuitBreakProvider),
        ended: Ending::TurnedDown,
    };
    assert_eq!(proposal.proposed().unwrap().evidence.report.tried, [before]);
}

#[tokio::test]
async fn forty_invented_model_groups_are_forty_records_and_six_messages_of_which_each_says_how_the_provider_does()
 {
    let world = World::new(sample::inventory_with_spike("openai"));
    for number in 0..40 {
        let detail = json!({"severity": "warning", "provider": "openai", "model_group": format!("invented-{number}"),
                            "current_ms": 2000, "median_1h_ms": 400, "event_id": format!("evt-{number}")});
        let id = sends(&world, &sample::envelope("latency.spike", detail)).await;
        let proposal = world.proposal(&id).await;
        assert_eq!(proposal.declined().unwrap().reason, DeclineReason::Unconfirmed);
    }
    assert_eq!(world.proposals().len(), 40);
    assert_eq!(world.topic.urgent(), []);
    let told: Vec<String> = world.topic.notices().iter().map(|one| one.text()).collect();
    assert_eq!(told.len(), MOST_NAMES + 1, "{told:#?}");
    expect![[r#"
        what came from llm-gateway, event evt-0, is about nothing that is there: the gateway knows no model group invented-0; openai takes 2000 ms, 400 ms is its one-hour median
        what it reports may be going on under another name; sre-agent trail m5bidxsyxqhi6ii7ewnostxks5-1 has all of it, and nobody looks into it
        of this trouble nothing more is told within this hour"#]].assert_eq(&told[0]);
    expect![[r#"
        what came from llm-gateway about nothing that is there was told of 5 troubles within this hour: further ones are not
        they may be going on under other names; sre-agent list has each"#]].assert_eq(&told[MOST_NAMES]);
    // What is there is heard all the same.
    let real = sends(&world, &sample::latency_spike_text("openai")).await;
    assert_eq!(world.state(&real).await, "awaiting_approval");
}

#[tokio::test]
async fn whoever_reports_what_the_gateway_does_not_have_is_told_so() {
    for (detail_type, changes, why) in [
        (
            "provider.unhealthy",
            json!({"provider": "opnai", "error_rate": 0.6, "requests": 100, "window_s": 300}),
            "provider opnai",
        ),
        (
            "budget.exceeded",
            json!({"scope": "team", "scope_id": "nobody", "kind": "hard", "spend": "2", "limit": "1", "period": "monthly"}),
            "budget team/nobody",
        ),
        (
            "sla.violation",
            json!({"sla_id": "iron", "metric": "p95", "target": 1, "actual": 2, "window_s": 300}),
            "contract iron",
        ),
    ] {
        let world = World::new(sample::inventory());
        let id = sends(&world, &sample::envelope(detail_type, changes)).await;
        assert_eq!(world.state(&id).await, "declined");
        let told: Vec<String> = world.topic.notices().iter().map(|one| one.text()).collect();
        assert_eq!(told.len(), 1, "{detail_type}");
        assert!(
            told[0].contains(&format!(
                "is about nothing that is there: the gateway knows no {why}"
            )),
            "{}",
            told[0]
        );
        assert!(told[0].contains(&format!("sre-agent trail {id}")), "{}", told[0]);
    }
    // What is there, and does well, is nobody's mistake.
    let world = World::new(sample::inventory());
    let id = sends(&world, &sample::provider_unhealthy_text("openai")).await;
    assert_eq!(
        world.proposal(&id).await.declined().unwrap().reason,
        DeclineReason::Unconfirmed
    );
    assert_eq!(world.topic.notices(), []);
}

/// The same where the gateway says that payments is globex's, and its sender speaks for acme alone.
fn of_others(mut inventory: Inventory) -> World {
    for team in &mut inventory.teams {
        team.org = Some(
            if team.id.as_str() == "payments" {
                "globex"
            } else {
                "acme"
            }
            .parse()
            .unwrap(),
        );
    }
    let mut world = World::new(inventory);
    world.source_orgs = vec!["llm-gateway=acme".to_owned()];
    world
}

#[tokio::test]
async fn a_source_reports_no_budget_of_a_team_that_it_does_not_speak_for() {
    let world = of_others(sample::inventory_with_spent_budget("payments"));
    sends(&world, &sample::budget_exceeded_text("payments")).await;
    // It joins nothing and opens nothing: whoever may report it is heard.
    assert_eq!(world.proposals(), []);
    let dead = world.queue(Lane::Ingest).dead();
    expect![[
        r#"detail.scope_id: llm-gateway may not speak for "globex": EventSourceOrgs names whom it may"#
    ]]
    .assert_eq(dead[0].reason.as_deref().unwrap());
    assert_eq!(world.topic.notices().len(), 1);

    let world = of_others(sample::inventory_with_spent_budget("research"));
    let id = sends(&world, &sample::budget_exceeded_text("research")).await;
    assert_eq!(world.state(&id).await, "awaiting_approval", "its own");

    let world = of_others(sample::inventory_with_spent_budget("payments"));
    world.reading.outages.next(usize::MAX);
    let id = sends(&world, &sample::budget_exceeded_text("payments")).await;
    assert_eq!(
        world.state(&id).await,
        "awaiting_approval",
        "whose it is nobody knows now"
    );
}

#[tokio::test]
async fn a_team_that_its_source_does_not_speak_for_is_evidence_for_nothing() {
    let names = |team: &str| {
        let detail = json!({"provider": "openai", "error_rate": 0.62, "requests": 180, "window_s": 300, "team_id": team});
        sample::envelope("provider.unhealthy", detail)
    };
    let raise =
        |team: &str| Script::proposes(json!({"action": "raise_rate_limit", "team": team, "rpm_percent": 5}));
    for (team, state) in [("payments", "declined"), ("checkout", "awaiting_approval")] {
        let mut world = of_others(sample::inventory_with_unhealthy("openai"));
        world.reasoner = raise(team);
        let id = sends(&world, &names(team)).await;
        assert_eq!(world.state(&id).await, state, "{team}");
    }
    // The rest of it counts: openai fails, whoever says so.
    let world = of_others(sample::inventory_with_unhealthy("openai"));
    let id = sends(&world, &names("payments")).await;
    let proposal = world.proposal(&id).await;
    assert_eq!(proposal.state().name(), "awaiting_approval");
    let left_out = &proposal.proposed().unwrap().evidence.left_out;
    expect![[r#"detail.team_id: llm-gateway may not speak for "globex": EventSourceOrgs names whom it may"#]]
        .assert_eq(&left_out.join("; "));
}

#[tokio::test]
async fn an_effect_that_cannot_be_taken_back_yet_is_not_judged() {
    let world = World::new(sample::inventory_with_unhealthy("openai"));
    let id = sends(&world, &sample::provider_unhealthy_text("openai")).await;
    world.approve("alice", &id).await;
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded");
    // The gateway is read, and takes no change.
    world.acting.outages.next(usize::MAX);
    world.gateway.change(|inventory| {
        for provider in &mut inventory.providers {
            provider.error_rate = domain::value::Ppm(0);
        }
    });
    world.advance(BREAK_S + 600).await;
    let proposal = world.proposal(&id).await;
    assert_eq!(proposal.state().name(), "succeeded");
    assert_eq!(
        proposal.verified(),
        None,
        "while it is blocked there is nothing to judge"
    );
    world.acting.outages.end();
    world.advance(1_800).await;
    let proposal = world.proposal(&id).await;
    assert_eq!(proposal.state().name(), "restored");
    assert!(proposal.verified().is_some(), "{}", world.story().await);
    world.assert_at_rest().await;
}

#[tokio::test]
async fn a_name_that_is_gone_at_the_start_is_no_recovery() {
    let mut world = World::new(sample::inventory_with_spike("openai"));
    world.reasoner =
        Script::proposes(json!({"action": "page_oncall", "severity": "critical", "summary": "slow"}));
    let id = sends(&world, &sample::latency_spike_text("openai")).await;
    world.gateway.change(|inventory| {
        for group in &mut inventory.model_groups {
            if group.id.as_str() == "chat" {
                group.id = "chat-2".parse().unwrap();
            }
        }
    });
    world.approve("alice", &id).await;
    world.run_until_quiet().await;
    assert_eq!(world.state(&id).await, "succeeded", "{}", world.story().await);
}
