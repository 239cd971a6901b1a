use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::proposal::ProposalFact;
use crate::samples::*;

/// What a plan on the sample gateway touches, in a line for each kind that is not empty.
fn touches(form: Value, expected: &Expect) {
    let ProposalFact::Proposed(proposed) = proposes(action(form)) else {
        panic!("it is proposed");
    };
    let Targets {
        teams,
        providers,
        reroute_to,
        model_groups,
        budgets,
        guardrails,
        contracts,
        affected_teams,
        affected_teams_known,
    } = Targets::by(&proposed);
    let line = |kind: &str, names: Vec<String>| match names.as_slice() {
        [] => String::new(),
        names => format!("{kind}: {}\n", names.join(", ")),
    };
    fn words<T: ToString>(names: BTreeSet<T>) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }
    let told = [
        line("teams", words(teams)),
        line("providers", words(providers)),
        line("reroute to", words(reroute_to)),
        line("model groups", words(model_groups)),
        line("budgets", words(budgets)),
        line("guardrails", words(guardrails)),
        line("contracts", words(contracts)),
        line("affected", words(affected_teams)),
        format!("all of them: {affected_teams_known}\n"),
    ];
    expected.assert_eq(&told.concat());
}

#[test]
fn a_plan_touches_what_it_changes_and_what_the_change_thins() {
    touches(
        json!({"action": "circuit_break_provider", "provider": "openai", "duration_s": 60}),
        &expect![[r#"
            providers: openai
            model groups: chat
            affected: payments, research
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "reroute_model_group", "model_group": "chat", "from": "openai", "to": "anthropic"}),
        &expect![[r#"
            providers: anthropic, openai
            reroute to: anthropic
            model groups: chat
            affected: payments, research
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 20}),
        &expect![[r#"
            teams: payments
            affected: payments
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "page_oncall", "severity": "critical", "summary": "openai fails"}),
        &expect![[r#"
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "disable_guardrail", "guardrail": "pii"}),
        &expect![[r#"
            guardrails: pii
            affected: archive, payments, research
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "120.00"}),
        &expect![[r#"
            teams: payments
            budgets: team/payments
            affected: payments
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "bump_budget_cap", "scope": "org", "scope_id": "acme", "hard_cap": "1200.00"}),
        &expect![[r#"
            budgets: org/acme
            affected: archive, payments, research
            all of them: true
        "#]],
    );
    touches(
        json!({"action": "disable_sla_contract", "sla_id": "gold"}),
        &expect![[r#"
            contracts: gold
            affected: archive, payments, research
            all of them: true
        "#]],
    );
}

#[test]
fn teams_that_are_counted_and_not_named_are_not_known() {
    let ProposalFact::Proposed(mut proposed) = proposes(breaks(60)) else {
        panic!("it is proposed");
    };
    assert!(Targets::by(&proposed).affected_teams_known);
    proposed.evidence.teams_affected += 1;
    assert!(!Targets::by(&proposed).affected_teams_known);
    proposed.evidence.teams_affected -= 1;
    proposed.evidence.read_at = None;
    assert!(!Targets::by(&proposed).affected_teams_known);
}
