//! Whether enough people may decide.

use domain::value::Timestamp;
use policy::Checked;

use super::*;

fn judged(text: &str) -> Picture {
    let now: Timestamp = at(0);
    Picture {
        deciders: DecidersPart::judged(text, &Checked::builtin().in_force(None), now),
        ..healthy()
    }
}

fn told(picture: &Picture) -> String {
    let reasons = picture.reasons(at(0));
    format!("{}\n{}", picture.deciders.line(), reasons.join("\n"))
}

const ADA: &str = r#"{"id":"ada","name":"Ada","active":true}"#;

#[test]
fn a_quorum_that_nobody_completes_is_unhealthy_and_names_who_may() {
    let two = format!(r#"{{"operators":[{ADA},{{"id":"grace","name":"Grace","active":true}}]}}"#);
    assert_eq!(
        told(&judged(&two)),
        "directory: 2 active operators, enough for every approval\n"
    );
    expect![[r#"
        directory: 1 active operator, too few for some approvals
        nothing can be approved of circuit_break_provider, reroute_model_group, raise_rate_limit, page_oncall, disable_guardrail, bump_budget_cap, disable_sla_contract from a score of 75 on: 2 people must say yes, and only Ada (ada) may"#]].assert_eq(&told(&judged(&format!(r#"{{"operators":[{ADA}]}}"#))));
    expect![[r#"
        directory: refused
        nobody can decide: the operator directory has one id for Ada (ada) and for Grace (ADA) (ada and ADA differ in nothing but case, spaces or characters that cannot be seen): a person is one entry, or has two votes; remove one of them"#]].assert_eq(&told(&judged(&two.replace("grace", "ADA"))));
}

#[test]
fn what_the_caller_may_not_read_is_not_taken_for_enough() {
    let unseen = Picture {
        deciders: DecidersPart::NotAsked("AccessDenied".to_owned()),
        ..healthy()
    };
    assert_eq!(
        told(&unseen),
        "directory: whether enough people may decide is not known, AccessDenied\n\
         whether enough people may decide is not known: AccessDenied"
    );
}
