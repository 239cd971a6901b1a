//! A rule that fails allows nothing: Cedar itself would skip it.

use domain::action::ActionKind;
use domain::permission::{Circumstances, Verb};
use policy::Checked;

use crate::world::{asks, asks_itself, circumstances, operator, with};

/// Overflows where two people are needed; where one is, it does not hold.
const OVERFLOWS: &str = "when { context.votes_needed * 9223372036854775807 < 0 };";

fn policy(effect: &str, scope: &str) -> Checked {
    let rule = format!(r#"@id("overflows") {effect} ({scope}) {OVERFLOWS}"#);
    Checked::new(&with("company.cedar", &rule).unwrap()).unwrap()
}

const APPROVE: &str = r#"principal, action == SreAgent::Action::"approve", resource"#;

#[test]
fn a_forbid_that_fails_is_a_no() {
    let policy = policy("forbid", APPROVE);
    let alice = operator("alice");
    let usual = circumstances();
    assert!(asks(&policy, Verb::Approve, &alice, true, &usual).allowed);
    let quorum = Circumstances {
        votes_needed: 2,
        other_votes: 1,
        ..usual
    };
    let verdict = asks(&policy, Verb::Approve, &alice, true, &quorum);
    assert!(!verdict.allowed);
    assert_eq!(verdict.rules, ["overflows"]);
    assert_eq!(
        verdict.because.as_deref(),
        Some("the rule overflows could not be evaluated")
    );
    // It does not speak of this.
    assert!(asks(&policy, Verb::Reject, &alice, true, &quorum).allowed);
}

#[test]
fn a_permit_that_fails_is_a_no_though_another_allows() {
    let policy = policy(
        "permit",
        r#"principal, action == SreAgent::Action::"auto_execute", resource"#,
    );
    let usual = Circumstances {
        auto_approve: true,
        ..circumstances()
    };
    let action = ActionKind::CircuitBreakProvider;
    assert!(asks_itself(&policy, action, 15, &usual).allowed);
    let failing = Circumstances {
        votes_needed: 2,
        ..usual
    };
    let verdict = asks_itself(&policy, action, 15, &failing);
    assert!(!verdict.allowed && verdict.rules == ["overflows"], "{verdict:?}");
}

#[test]
fn a_forbid_without_a_reason_is_told_by_its_name() {
    let rule = format!(r#"@id("not-now") forbid ({APPROVE}) when {{ context.working_hours }};"#);
    let policy = Checked::new(&with("company.cedar", &rule).unwrap()).unwrap();
    let verdict = asks(&policy, Verb::Approve, &operator("alice"), true, &circumstances());
    assert_eq!(verdict.because.as_deref(), Some("the rule not-now forbids it"));
}
