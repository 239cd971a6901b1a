//! What an action may be: its bounds, the events that justify it, and what is less of it.

use super::*;

/// Whether it is within its bounds under the default policy.
fn bounded(action: &Action) -> bool {
    action.out_of_bounds(&Deployment::default().limits).is_empty()
}

#[test]
fn bounds_hold_at_their_edges() {
    let [breaks, reroutes, raises, pages, _, bumps, _] = forms();
    for (seconds, good) in [(0, false), (29, false), (30, true), (300, true), (301, false)] {
        assert_eq!(
            bounded(&with(&breaks, "duration_s", json!(seconds))),
            good,
            "{seconds} s"
        );
    }
    for field in ["rpm_percent", "tpm_percent"] {
        for (percent, good) in [(0, false), (1, true), (50, true), (51, false)] {
            assert_eq!(
                bounded(&with(&raises, field, json!(percent))),
                good,
                "{field} {percent}"
            );
        }
        assert!(bounded(&with(&raises, field, Value::Null)), "one is enough");
    }
    let neither = json!({"action": "raise_rate_limit", "team": "payments"});
    assert!(!bounded(&action(neither)));
    for (summary, good) in [
        (String::new(), false),
        ("é".repeat(300), true),
        ("é".repeat(301), false),
        ("two\nlines".to_owned(), false),
        ("\u{1b}[31m".to_owned(), false),
    ] {
        assert_eq!(
            bounded(&with(&pages, "summary", json!(summary))),
            good,
            "{summary:?}"
        );
    }
    for (cap, good) in [("10000.00", true), ("10000.000001", false)] {
        assert_eq!(bounded(&with(&bumps, "hard_cap", json!(cap))), good, "{cap}");
    }
    assert!(
        !bounded(&with(&reroutes, "to", json!("openai"))),
        "to where it comes from"
    );
}

#[test]
fn every_complaint_is_told_at_once() {
    let form = json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 0, "tpm_percent": 99});
    complaint(
        form,
        &expect!["rpm_percent is 0 %, not within 1–50; tpm_percent is 99 %, not within 1–50"],
    );
}

#[test]
fn an_action_is_justified_by_the_events_own_fields_alone() {
    let events = [
        unhealthy(),
        event("budget.exceeded", json!({})),
        event("sla.violation", json!({"guardrail": "pii"})),
        event("latency.spike", json!({"guardrail": "pii"})),
    ];
    let heads: String = events
        .iter()
        .map(|event| format!(" {:18}", event.event_type().name()))
        .collect();
    let mut table = format!("{:22}{heads}", "").trim_end().to_owned() + "\n";
    for (form, _) in each() {
        let action = action(form);
        let cells: String = events
            .iter()
            .map(|event| {
                let related = action.operation().unrelated(event, &inventory()).is_none();
                format!(" {:18}", if related { "may" } else { "·" })
            })
            .collect();
        table += &(format!("{:22}{cells}", action.kind().name())
            .trim_end()
            .to_owned()
            + "\n");
    }
    expect![[r#"
                               provider.unhealthy budget.exceeded    sla.violation      latency.spike
        circuit_break_provider may                ·                  may                may
        reroute_model_group    may                ·                  may                may
        raise_rate_limit       ·                  may                ·                  ·
        page_oncall            may                may                may                may
        disable_guardrail      ·                  ·                  may                may
        bump_budget_cap        ·                  may                ·                  ·
        disable_sla_contract   ·                  ·                  may                ·
    "#]]
    .assert_eq(&table);
}

#[test]
fn another_target_than_the_events_is_refused() {
    let refused = |form: &Value, field: &str, other: &str, event: &Event| {
        let complaint = with(form, field, json!(other))
            .operation()
            .unrelated(event, &inventory());
        assert_eq!(
            complaint.map(|complaint| complaint.problem),
            Some(format!("{other} is not the one the event is about"))
        );
    };
    let [breaks, reroutes, raises, _, _, _, contract] = forms();
    refused(&breaks, "provider", "mistral", &unhealthy());
    refused(&reroutes, "from", "mistral", &unhealthy());
    let about_chat = event("latency.spike", json!({"model_group": "chat"}));
    refused(&reroutes, "model_group", "code", &about_chat);
    refused(&raises, "team", "research", &event("budget.exceeded", json!({})));
    refused(&contract, "sla_id", "silver", &event("sla.violation", json!({})));
    let of_org = event("budget.exceeded", json!({"scope": "org", "scope_id": "acme"}));
    assert!(
        action(raises.clone())
            .operation()
            .unrelated(&of_org, &inventory())
            .is_some()
    );
    let about_team = event("latency.spike", json!({"team_id": "payments"}));
    assert!(
        action(raises)
            .operation()
            .unrelated(&about_team, &inventory())
            .is_none()
    );
    let same_name = event("budget.exceeded", json!({"scope": "org", "scope_id": "payments"}));
    let bumps_team = &forms()[5];
    assert!(
        action(bumps_team.clone())
            .operation()
            .unrelated(&same_name, &inventory())
            .is_some(),
        "a team and an organisation of one name are two"
    );
    let nameless = event("sla.violation", json!({"provider": null}));
    assert!(
        action(breaks)
            .operation()
            .unrelated(&nameless, &inventory())
            .is_some()
    );
    assert_eq!(nameless.event_type(), EventType::SlaViolation);
}

#[test]
fn without_the_gateway_only_a_page_can_be() {
    for (form, event) in each() {
        let action = action(form);
        let checked = action.check(&event, None, &Deployment::default().limits);
        let pages = action.kind() == ActionKind::PageOncall;
        assert_eq!(checked.is_ok(), pages, "{action}");
        if let Err(complaints) = checked {
            assert_eq!(
                complaints[0].to_string(),
                "action cannot be checked: the gateway could not be read"
            );
        }
    }
    let too_long = action(json!({"action": "page_oncall", "severity": "info", "summary": ""}));
    assert!(
        too_long
            .check(&unhealthy(), None, &Deployment::default().limits)
            .is_err()
    );
}

#[test]
fn less_of_the_same_narrows_and_nothing_else_does() {
    let forms = forms();
    let [breaks, _, raises, pages, _, bumps, _] = &forms;
    for (form, field, value) in [
        (breaks, "duration_s", json!(299)),
        (raises, "rpm_percent", json!(19)),
        (raises, "tpm_percent", Value::Null),
        (pages, "severity", json!("warning")),
        (bumps, "hard_cap", json!("1199.999999")),
    ] {
        let (all, less) = (action(form.clone()), with(form, field, value));
        assert!(less.narrows(&all), "{less} instead of {all}");
        assert!(!all.narrows(&less), "{all} instead of {less}");
    }
    for (form, field, value) in [
        (breaks, "provider", json!("mistral")),
        (breaks, "duration_s", json!(301)),
        (raises, "team", json!("research")),
        (raises, "rpm_percent", json!(21)),
        (pages, "summary", json!("other")),
        (bumps, "scope", json!("org")),
        (&forms[1], "to", json!("mistral")),
        (&forms[4], "guardrail", json!("toxicity")),
        (&forms[6], "sla_id", json!("silver")),
    ] {
        let (all, other) = (action(form.clone()), with(form, field, value));
        assert!(!other.narrows(&all), "{other} instead of {all}");
    }
    let mixed = action(
        json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 10, "tpm_percent": 30}),
    );
    assert!(
        !mixed.narrows(&action(raises.clone())),
        "less of one and more of the other"
    );
    for one in &forms {
        for other in &forms {
            assert!(
                !action(one.clone()).narrows(&action(other.clone())),
                "{one} instead of {other}"
            );
        }
    }
}

#[test]
fn an_event_about_a_group_that_does_not_belong_to_it_moves_no_other_group() {
    let inventory = inventory();
    let action = reroutes();
    let Action::RerouteModelGroup(reroute) = &action else {
        panic!("{action}")
    };
    let spike = |group: &str| {
        let detail = json!({"provider": reroute.from.as_str(), "model_group": group});
        event("latency.spike", detail)
    };
    let check = |event| action.check(&event, Some(&inventory), &Deployment::default().limits);
    assert!(check(spike(reroute.model_group.as_str())).is_ok());
    let complaints = check(spike("nowhere")).unwrap_err();
    assert_eq!(
        complaints[0].to_string(),
        "model_group the event names nowhere, which does not belong to it"
    );
}
