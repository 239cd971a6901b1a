//! Rules see what an action touches: a `forbid` on any of it stops the agent and stops people, whatever the event says.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::action::ActionKind;
use domain::inventory::Inventory;
use domain::permission::Rules;
use domain::proposal::Decision;
use policy::{Bundle, Checked};
use serde_json::{Value, json};
use testkit::sample;
use tests::World;
use tests::world::Script;

/// One action with everything that it touches, as rules name it.
struct Case {
    inventory: Inventory,
    event: String,
    action: Value,
    touches: &'static [(&'static str, &'static str)],
}

/// The budget event of a team that does not say which team it is from.
fn nameless(mut event: Value) -> String {
    event["detail"].as_object_mut().unwrap().remove("team_id");
    event.to_string()
}

fn budget_event(scope: &str, id: &str) -> Value {
    let text = sample::envelope(
        "budget.exceeded",
        json!({"scope": scope, "scope_id": id, "kind": "hard", "spend": "104.37", "limit": "100.00",
               "period": "monthly", "severity": "critical"}),
    );
    serde_json::from_str(&text).unwrap()
}

fn cases() -> Vec<Case> {
    let spent = || sample::inventory_with_spent_budget("payments");
    vec![
        Case {
            inventory: sample::inventory_with_unhealthy("openai"),
            event: sample::provider_unhealthy_text("openai"),
            action: json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 60}),
            touches: &[
                ("providers", "openai"),
                ("model_groups", "chat"),
                ("model_groups", "embeddings"),
                ("affected_teams", "payments"),
                ("affected_teams", "checkout"),
                ("affected_teams", "research"),
            ],
        },
        Case {
            inventory: sample::inventory_with_spike("openai"),
            event: sample::latency_spike_text("openai"),
            action: json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai",
                           "to": "anthropic"}),
            touches: &[
                ("providers", "openai"),
                ("providers", "anthropic"),
                ("reroute_to", "anthropic"),
                ("model_groups", "chat"),
                ("affected_teams", "payments"),
            ],
        },
        Case {
            inventory: spent(),
            event: nameless(budget_event("team", "payments")),
            action: json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}),
            touches: &[("teams", "payments"), ("affected_teams", "payments")],
        },
        Case {
            inventory: spent(),
            event: nameless(budget_event("team", "payments")),
            action: json!({"action": "page_oncall", "severity": "critical", "summary": "the budget is spent"}),
            // It changes nothing on the gateway.
            touches: &[],
        },
        Case {
            inventory: sample::inventory_with_spike("openai"),
            event: sample::latency_spike_with_guardrail("openai", "pii"),
            action: json!({"action": "disable_guardrail", "guardrail": "pii"}),
            touches: &[("guardrails", "pii"), ("affected_teams", "checkout")],
        },
        Case {
            inventory: spent(),
            event: nameless(budget_event("team", "payments")),
            action: json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments",
                           "hard_cap": "120.00"}),
            touches: &[
                ("budgets", "team/payments"),
                ("teams", "payments"),
                ("affected_teams", "payments"),
            ],
        },
        Case {
            inventory: sample::inventory_with_violation("gold"),
            event: sample::sla_violation_text("gold"),
            action: json!({"action": "disable_sla_contract", "sla_id": "gold"}),
            touches: &[("contracts", "gold"), ("affected_teams", "research")],
        },
    ]
}

/// What senders may claim besides: nothing, or another team and organisation.
fn claims(event: &str) -> Vec<String> {
    let mut other: Value = serde_json::from_str(event).unwrap();
    other["detail"]["team_id"] = json!("research");
    other["detail"]["org_id"] = json!("globex");
    vec![event.to_owned(), other.to_string()]
}

/// The default rules with more.
fn rules(more: &str) -> Arc<dyn Rules> {
    let builtin = Bundle::builtin();
    let mut files: BTreeMap<String, String> = builtin
        .files()
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect();
    files.insert("company.cedar".to_owned(), more.to_owned());
    let checked = Checked::new(&Bundle::new(files).unwrap());
    checked
        .unwrap_or_else(|faults| panic!("{faults}"))
        .in_force(None)
        .rules
}

fn forbids(verb: &str, (kind, name): (&str, &str)) -> String {
    format!(
        "@id(\"hands-off\") @reason(\"hands off {name}\")\n\
         forbid (principal, action == SreAgent::Action::\"{verb}\", resource)\n\
         when {{ resource.{kind}.contains(\"{name}\") }};\n"
    )
}

/// A world in which everything that rules do not forbid runs by itself, or waits for one person.
fn world(case: &Case, auto_approve: bool, more: &str) -> World {
    let mut world = World::new(case.inventory.clone());
    world.weigh_nothing();
    world.policies.change(|in_force| {
        let mut policy = serde_json::to_value(&in_force.policy).unwrap();
        policy["quorum"] = json!({"from": 101, "people": 1});
        in_force.policy = serde_json::from_value(policy).unwrap();
        in_force.rules = rules(more);
    });
    world.deployment.auto_approve = auto_approve;
    world.deployment.risk_threshold = 100;
    world.reasoner = Script::proposes(case.action.clone());
    world
}

/// What became of it: started by itself, by a person, or why not.
async fn comes_to(case: &Case, event: &str, auto_approve: bool, more: &str) -> String {
    let world = world(case, auto_approve, more);
    let id = world.send(event);
    world.run_until_quiet().await;
    let scored = world.proposal(&id).await.scored().unwrap().clone();
    if auto_approve {
        return match scored.decision {
            Decision::Auto => "runs".to_owned(),
            Decision::Gate | Decision::Shadow => format!("{} [{}]", scored.because, scored.rules.join(" ")),
        };
    }
    let told = world.approve("alice", &id).await;
    world.run_until_quiet().await;
    match world.state(&id).await {
        "succeeded" => "runs".to_owned(),
        _ => told.text().to_owned(),
    }
}

#[tokio::test]
async fn a_forbid_on_anything_that_an_action_touches_stops_it_whatever_the_event_says() {
    let mut kinds = Vec::new();
    for case in cases() {
        let kind = case.action["action"].as_str().unwrap().to_owned();
        for event in claims(&case.event) {
            for auto_approve in [true, false] {
                let allowed = comes_to(&case, &event, auto_approve, "").await;
                assert_eq!(allowed, "runs", "{kind} {event}");
                let verb = if auto_approve { "auto_execute" } else { "approve" };
                for target in case.touches {
                    let stopped = comes_to(&case, &event, auto_approve, &forbids(verb, *target)).await;
                    let expected = format!("hands off {}", target.1);
                    assert!(stopped.contains(&expected), "{kind} {target:?}: {stopped}");
                }
                // What it does not touch does not stop it.
                let elsewhere = forbids(verb, ("providers", "mistral"));
                assert_eq!(comes_to(&case, &event, auto_approve, &elsewhere).await, "runs");
            }
        }
        kinds.push(kind);
    }
    assert_eq!(kinds, ActionKind::ALL.map(ActionKind::name));
}
