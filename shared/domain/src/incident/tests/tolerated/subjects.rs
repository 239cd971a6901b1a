//! Names: what the event is about, and what only informs.

use super::*;
use crate::value::MAX_NAME_BYTES;

#[test]
fn names_that_only_inform_are_left_out_where_they_are_none() {
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    let longest = "x".repeat(MAX_NAME_BYTES);
    let values = [
        json!(longest),
        json!(long),
        json!(""),
        json!(" payments"),
        json!("a\u{7}"),
        json!(42),
        json!(4.2),
        json!(["payments"]),
        json!(null),
    ];
    check(
        ProviderUnhealthy,
        "team_id",
        &values,
        expect![[r#"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → team "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" |
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → team null | detail.team_id: is longer than 256 bytes: left out
        "" → team null | detail.team_id: is empty: left out
        " payments" → team null | detail.team_id: holds a control character or surrounding white space: left out
        "a\u0007" → team null | detail.team_id: holds a control character or surrounding white space: left out
        42 → team "42" | detail.team_id: 42 is taken as "42"
        4.2 → team null | detail.team_id: is not a string: left out
        ["payments"] → team null | detail.team_id: is not a string: left out
        null → team null |
    "#]],
    );
    check(
        LatencySpike,
        "model_group",
        &values,
        expect![[r#"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → model_group "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" |
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → model_group null | detail.model_group: is longer than 256 bytes: left out
        "" → model_group null | detail.model_group: is empty: left out
        " payments" → model_group null | detail.model_group: holds a control character or surrounding white space: left out
        "a\u0007" → model_group null | detail.model_group: holds a control character or surrounding white space: left out
        42 → model_group "42" | detail.model_group: 42 is taken as "42"
        4.2 → model_group null | detail.model_group: is not a string: left out
        ["payments"] → model_group null | detail.model_group: is not a string: left out
        null → model_group null |
    "#]],
    );
    check(
        SlaViolation,
        "provider",
        &values[1..3],
        expect![[r#"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → provider null | detail.provider: is longer than 256 bytes: left out
        "" → provider null | detail.provider: is empty: left out
    "#]],
    );
}

#[test]
fn without_its_subject_it_is_no_incident() {
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    let values = [
        json!("vertex_ai/mistral-large@2407"),
        json!(7),
        json!(long),
        json!(""),
        json!("open\nai"),
        json!(["openai"]),
        json!(true),
        json!(null),
    ];
    check(
        ProviderUnhealthy,
        "provider",
        &values,
        expect![[r#"
        "vertex_ai/mistral-large@2407" → provider "vertex_ai/mistral-large@2407" |
        7 → provider "7" | detail.provider: 7 is taken as "7"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → refused | detail.provider: is longer than 256 bytes
        "" → refused | detail.provider: is empty
        "open\nai" → refused | detail.provider: holds a control character or surrounding white space
        ["openai"] → refused | detail.provider: is not a string
        true → refused | detail.provider: is not a string
        null → refused | detail.provider: is missing
    "#]],
    );
    check(
        LatencySpike,
        "provider",
        &values[6..],
        expect![[r#"
        true → refused | detail.provider: is not a string
        null → refused | detail.provider: is missing
    "#]],
    );
    check(
        SlaViolation,
        "sla_id",
        &values[1..],
        expect![[r#"
        7 → sla "7" | detail.sla_id: 7 is taken as "7"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → refused | detail.sla_id: is longer than 256 bytes
        "" → refused | detail.sla_id: is empty
        "open\nai" → refused | detail.sla_id: holds a control character or surrounding white space
        ["openai"] → refused | detail.sla_id: is not a string
        true → refused | detail.sla_id: is not a string
        null → refused | detail.sla_id: is missing
    "#]],
    );
    check(
        BudgetExceeded,
        "scope_id",
        &values[1..],
        expect![[r#"
        7 → scope_id "7" | detail.scope_id: 7 is taken as "7"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → refused | detail.scope_id: is longer than 256 bytes
        "" → refused | detail.scope_id: is empty
        "open\nai" → refused | detail.scope_id: holds a control character or surrounding white space
        ["openai"] → refused | detail.scope_id: is not a string
        true → refused | detail.scope_id: is not a string
        null → refused | detail.scope_id: is missing
    "#]],
    );
    check(
        ProviderUnhealthy,
        "org_id",
        &values[1..],
        expect![[r#"
        7 → org "7" | detail.org_id: 7 is taken as "7"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → refused | detail.org_id: is longer than 256 bytes
        "" → refused | detail.org_id: is empty
        "open\nai" → refused | detail.org_id: holds a control character or surrounding white space
        ["openai"] → refused | detail.org_id: is not a string
        true → refused | detail.org_id: is not a string
        null → refused | detail.org_id: is missing
    "#]],
    );
}

#[test]
fn a_version_that_can_only_be_ours_is_ours() {
    check(
        ProviderUnhealthy,
        "version",
        &[
            json!(1),
            json!(1.0),
            json!("1"),
            json!("1.0"),
            json!(null),
            json!(2),
            json!(0),
            json!("v1"),
            json!("2"),
            json!([1]),
            json!(1.5),
        ],
        expect![[r#"
            1 → |
            1.0 → |
            "1" → | detail.version: "1" is read as version 1
            "1.0" → | detail.version: "1.0" is read as version 1
            null → | detail.version: is missing: read as version 1
            2 → refused | detail.version: 2 is unknown: this agent reads version 1
            0 → refused | detail.version: 0 is unknown: this agent reads version 1
            "v1" → refused | detail.version: "v1" is unknown: this agent reads version 1
            "2" → refused | detail.version: "2" is unknown: this agent reads version 1
            [1] → refused | detail.version: a list is unknown: this agent reads version 1
            1.5 → refused | detail.version: 1.5 is unknown: this agent reads version 1
        "#]],
    );
}

#[test]
fn an_event_without_an_id_has_the_buss() {
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    check(
        ProviderUnhealthy,
        "event_id",
        &[json!(4711), json!(long), json!(""), json!({}), json!(null)],
        expect![[r#"
            4711 → event_id "4711" | detail.event_id: 4711 is taken as "4711"
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → event_id "bus-1" | detail.event_id: is longer than 256 bytes: taken as "bus-1"
            "" → event_id "bus-1" | detail.event_id: is empty: taken as "bus-1"
            {} → event_id "bus-1" | detail.event_id: is not a string: taken as "bus-1"
            null → event_id "bus-1" | detail.event_id: is missing: taken as "bus-1"
        "#]],
    );
}

#[test]
fn where_the_bus_has_no_id_either_it_is_that_of_the_content() {
    let id = |detail: &Value, bus_id| {
        let reading = Event::read("provider.unhealthy", detail, bus_id).unwrap();
        (reading.event.event_id.to_string(), reading.complaints)
    };
    let mut nameless = detail(ProviderUnhealthy);
    nameless.as_object_mut().unwrap().remove("event_id");
    let (first, complaints) = id(&nameless, None);
    expect!["content-38f8e05b1be4cb25693172a70c055e50"].assert_eq(&first);
    assert_eq!(complaints.len(), 1);
    assert_eq!(
        id(&nameless, Some(" not a name")).0,
        first,
        "delivered again it is the same"
    );
    nameless["requests"] = json!(181);
    assert_ne!(id(&nameless, None).0, first);
    assert_eq!(id(&nameless, Some("6a7e8feb")).0, "6a7e8feb");
}

#[test]
fn whatever_has_a_budget_may_be_named() {
    check(
        BudgetExceeded,
        "scope",
        &[
            json!("key"),
            json!("user"),
            json!("end_user"),
            json!("customer"),
            json!("tag"),
            json!("virtual-key"),
            json!("Team"),
            json!("organization"),
            json!("KEY"),
            json!("the planet"),
            json!("team/payments"),
            json!(""),
            json!(7),
            json!(null),
        ],
        expect![[r#"
            "key" → scope "key" |
            "user" → scope "user" |
            "end_user" → scope "end_user" |
            "customer" → scope "customer" |
            "tag" → scope "tag" |
            "virtual-key" → scope "virtual-key" |
            "Team" → | detail.scope: "Team" is taken as team
            "organization" → scope "org" | detail.scope: "organization" is taken as org
            "KEY" → scope "key" | detail.scope: "KEY" is taken as key
            "the planet" → refused | detail.scope: "the planet" is not a budget's scope: team, org, or another word such as key or user
            "team/payments" → refused | detail.scope: "team/payments" is not a budget's scope: team, org, or another word such as key or user
            "" → refused | detail.scope: "" is not a budget's scope: team, org, or another word such as key or user
            7 → refused | detail.scope: is not a string
            null → refused | detail.scope: is missing
        "#]],
    );
    check(
        BudgetExceeded,
        "kind",
        &[json!("Soft"), json!("HARD"), json!("max"), json!(1), json!(null)],
        expect![[r#"
            "Soft" → kind "soft" | detail.kind: "Soft" is taken as soft
            "HARD" → | detail.kind: "HARD" is taken as hard
            "max" → refused | detail.kind: "max" is not soft or hard
            1 → refused | detail.kind: is not a string
            null → refused | detail.kind: is missing
        "#]],
    );
    check(
        SlaViolation,
        "metric",
        &[json!("P95"), json!("p50"), json!(95), json!(null)],
        expect![[r#"
            "P95" → | detail.metric: "P95" is taken as p95
            "p50" → refused | detail.metric: "p50" is not p95, p99 or success_rate
            95 → refused | detail.metric: is not a string
            null → refused | detail.metric: is missing
        "#]],
    );
}
