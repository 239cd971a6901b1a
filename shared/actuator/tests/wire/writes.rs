//! What is written to the sandbox, and what a permit does not allow.

use actuator::{AdminActuator, PagerDuty};
use domain::action::Action;
use domain::inventory::{Change, Inventory, Setting, Target};
use domain::ports::{ActError, Actuator, Gateway};
use sandbox::{Options, Running};
use serde_json::json;

use crate::permits::{Begun, action};

async fn start() -> (Running, AdminActuator) {
    let sandbox = sandbox::spawn(Options::default()).await.unwrap();
    let actuator = actuator(&sandbox, "sandbox-write-token");
    (sandbox, actuator)
}

fn actuator(sandbox: &Running, token: &str) -> AdminActuator {
    let pager = PagerDuty::new(&sandbox.url(), &"k".repeat(32)).unwrap();
    AdminActuator::new(&sandbox.url(), token, pager).unwrap()
}

/// Every action that changes the gateway: together, all six settings.
fn actions() -> [Action; 6] {
    [
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}),
        json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
        json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20, "tpm_percent": 20}),
        json!({"action": "disable_guardrail", "guardrail": "pii"}),
        json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "120.00"}),
        json!({"action": "disable_sla_contract", "sla_id": "gold"}),
    ]
    .map(action)
}

fn breaks() -> Action {
    action(json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 300}))
}

/// What the sandbox tells, with traffic: on one without, nobody sees how a provider does.
async fn inventory(actuator: &AdminActuator) -> Inventory {
    let mut inventory = actuator.reader().inventory().await.unwrap();
    for provider in &mut inventory.providers {
        provider.requests = 100;
    }
    for team in &mut inventory.teams {
        team.rate_limited_5m = Some(20);
    }
    inventory
}

fn only(plan: &domain::action::Plan) -> Change {
    let [change] = plan.changes.as_slice() else {
        panic!("one change was planned: {plan:?}");
    };
    change.clone()
}

#[tokio::test]
async fn every_setting_goes_to_its_value_and_back() {
    let (sandbox, actuator) = start().await;
    for action in actions() {
        let story = Begun::started(&action, &inventory(&actuator).await);
        let permit = story.permit_apply();
        let change = only(permit.plan());
        assert_ne!(change.before, change.after);
        for _ in 0..2 {
            actuator.apply(&permit, &change).await.unwrap();
            assert_eq!(
                actuator.read(&change.target).await.unwrap(),
                change.after,
                "{action}"
            );
        }
        actuator.revert(&permit, &change).await.unwrap();
        assert_eq!(
            actuator.read(&change.target).await.unwrap(),
            change.before,
            "{action}"
        );
    }
    assert_eq!(sandbox.writes().len(), 18, "each write was one request");
    sandbox.stop().await;
}

#[tokio::test]
async fn leave_to_take_back_is_no_leave_to_apply() {
    let (sandbox, actuator) = start().await;
    let action = actions()[3].clone();
    let story = Begun::started(&action, &inventory(&actuator).await);
    let apply = story.permit_apply();
    let change = only(apply.plan());
    actuator.apply(&apply, &change).await.unwrap();
    let undo = story.permit_undo();

    let refused = actuator.apply(&undo, &change).await;
    assert!(matches!(refused, Err(ActError::Refused(_))), "{refused:?}");
    assert_eq!(sandbox.writes().len(), 1, "and nothing was sent");

    actuator.revert(&undo, &change).await.unwrap();
    assert_eq!(actuator.read(&change.target).await.unwrap(), change.before);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_change_that_was_not_planned_is_refused_and_never_sent() {
    let (sandbox, actuator) = start().await;
    let permit = Begun::started(&breaks(), &inventory(&actuator).await).permit_apply();
    let planned = only(permit.plan());
    let provider = |id: &str| Target::parse("provider", id).unwrap();
    for change in [
        Change {
            target: provider("anthropic"),
            ..planned.clone()
        },
        Change {
            before: Setting::Blocked(true),
            ..planned.clone()
        },
        Change {
            after: Setting::Blocked(false),
            ..planned.clone()
        },
        Change {
            target: provider(".."),
            ..planned.clone()
        },
    ] {
        for outcome in [
            actuator.apply(&permit, &change).await,
            actuator.revert(&permit, &change).await,
        ] {
            assert!(
                matches!(outcome, Err(ActError::Refused(_))),
                "{change}: {outcome:?}"
            );
        }
    }
    assert!(sandbox.writes().is_empty());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_token_that_may_not_write_is_told_by_its_secrets_purpose() {
    let (sandbox, right) = start().await;
    let permit = Begun::started(&breaks(), &inventory(&right).await).permit_apply();
    let change = only(permit.plan());
    for (token, problem) in [
        (
            "sandbox-read-token",
            "refused: the gateway answered 403: the token of the secret gateway-write may not do this",
        ),
        (
            "a-wrong-token",
            "refused: the gateway answered 401: it does not know the token of the secret gateway-write",
        ),
    ] {
        let actuator = actuator(&sandbox, token);
        assert!(!format!("{actuator:?}").contains(token));
        let told = actuator.apply(&permit, &change).await.unwrap_err().to_string();
        assert_eq!(told, problem);
    }
    assert!(sandbox.writes().is_empty());
    sandbox.stop().await;
}
