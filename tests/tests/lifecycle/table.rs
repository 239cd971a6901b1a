//! The documents' table: seven actions, every score, automatic approval on and off, every licence tier.

use domain::action::ActionKind;
use domain::inventory::Inventory;
use domain::permission::InForce;
use domain::policy::{ByUndo, DayTime, Points, Policy, Week, Weekday};
use domain::ports::Clock;
use domain::proposal::Decision;
use domain::risk;
use domain::risk::Subject;
use domain::trail::Control;
use domain::value::Tier;
use serde_json::{Value, json};
use testkit::sample;
use tests::World;
use tests::world::Script;

/// The default threshold.
const THRESHOLD: u8 = 40;

/// A gateway, an event and the action that is proposed about it, for each action of the library.
fn situations() -> [(Inventory, String, Value); 7] {
    let failing = || {
        (
            sample::inventory_with_unhealthy("openai"),
            sample::provider_unhealthy_text("openai"),
        )
    };
    let slow = || {
        (
            sample::inventory_with_spike("openai"),
            sample::latency_spike_text("openai"),
        )
    };
    let spent = || {
        (
            sample::inventory_with_spent_budget("payments"),
            sample::budget_exceeded_text("payments"),
        )
    };
    let missed = || {
        (
            sample::inventory_with_violation("gold"),
            sample::sla_violation_text("gold"),
        )
    };
    let with = |(inventory, event): (Inventory, String), action: Value| (inventory, event, action);
    [
        with(
            failing(),
            json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 45}),
        ),
        with(
            slow(),
            json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
        ),
        with(
            spent(),
            json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 5}),
        ),
        with(
            failing(),
            json!({"action": "page_oncall", "severity": "critical", "summary": "openai fails"}),
        ),
        with(
            (slow().0, sample::latency_spike_with_guardrail("openai", "pii")),
            json!({"action": "disable_guardrail", "guardrail": "pii"}),
        ),
        with(
            spent(),
            json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "150.00"}),
        ),
        with(
            missed(),
            json!({"action": "disable_sla_contract", "sla_id": "gold"}),
        ),
    ]
}

/// The default rules with weights under which an action scores just so, as far as its floor allows.
fn scoring(action: ActionKind, score: u8, rules: &InForce) -> InForce {
    let mut policy: Policy = testkit::flat();
    let up = Points::new(score.saturating_sub(action.baseline()));
    policy.raises.undo = ByUndo {
        restores: up,
        on_demand: up,
        one_shot: up,
    };
    let always = Week {
        days: Weekday::ALL.into_iter().collect(),
        from: DayTime::at(0, 0),
        to: DayTime::at(24, 0),
    };
    policy.hours.working = always.clone();
    policy.hours.on_call = Some(always);
    policy.lowers.staffed = Points::new(action.baseline().saturating_sub(score));
    InForce {
        policy,
        ..rules.clone()
    }
}

#[tokio::test]
async fn who_decides_is_what_the_documents_say() {
    let rules = policy::Checked::builtin().in_force(None);
    let mut cells = 0;
    for tier in Tier::ALL {
        for (at, (inventory, event, action)) in situations().into_iter().enumerate() {
            let mut world = World::new(inventory);
            world.deployment.tier = tier;
            world.reasoner = Script::proposes(action);
            let id = world.send(&event);
            world.run_until_quiet().await;
            let proposal = world.proposal(&id).await;
            if !matches!(tier, Tier::Business | Tier::Enterprise) {
                assert_eq!(proposal.state().name(), "declined", "{}", tier.name());
                continue;
            }
            let proposed = proposal.proposed().unwrap();
            let action = proposed.action.kind();
            assert_eq!(action, ActionKind::ALL[at]);
            let subject = Subject::of(&proposal).unwrap();
            for score in 0..=100 {
                for auto_approve in [false, true] {
                    let mut deployment = world.deployment.clone();
                    deployment.auto_approve = auto_approve;
                    let in_force = scoring(action, score, &rules);
                    let now = world.clock.now();
                    let scored = risk::score(&subject, &in_force, &deployment, &Control::default(), now);
                    let reached = score.max(action.floor());
                    assert_eq!(scored.score, reached, "{action}");
                    let expected = if auto_approve && reached <= THRESHOLD {
                        Decision::Auto
                    } else {
                        Decision::Gate
                    };
                    assert_eq!(scored.decision, expected, "{action} {score} {auto_approve}");
                    assert_eq!(scored.approvals_needed, if reached >= 75 { 2 } else { 1 });
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 2 * 7 * 101 * 2);
}
