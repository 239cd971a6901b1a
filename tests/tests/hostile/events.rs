//! Every text in every place of every event.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use domain::incident::EventType;
use expect_test::{Expect, expect};
use serde_json::Value;
use testkit::hostile::{self, Place};
use tests::{World, walk};

use super::surfaces::assert_inert;
use super::{HARMLESS, Outcome, Traces, Way, work};

fn traces(event_type: EventType, place: &Place, text: &str, way: Way) -> Traces {
    let world = World::new(hostile::inventory(event_type));
    walk::now(work(&world, &hostile::event_with(event_type, place, text), way))
}

/// What becomes of the event when there is nothing in that place.
fn without(event_type: EventType, place: &Place) -> Outcome {
    let mut event: Value = hostile::event_with(event_type, place, HARMLESS).parse().unwrap();
    if let Place::Value(pointer) = place {
        *event.pointer_mut(pointer).unwrap() = Value::Null;
    }
    let world = World::new(hostile::inventory(event_type));
    walk::now(work(&world, &event.to_string(), Way::Ingest)).outcome
}

/// Panics where a text leads to anything that neither a harmless one in its place leads to nor none at all: what cannot be
/// read is left out.
fn assert_without_effect(what: &str, text: &str, expected: &[&Outcome], hostile: &Outcome) {
    // One word may be what has a budget, and the page names it.
    let word = text.to_ascii_lowercase();
    let is_word = word.bytes().all(|b| b.is_ascii_lowercase());
    let names_it =
        |one: &Outcome| is_word && format!("{one:?}").replace(HARMLESS, &word) == format!("{hostile:?}");
    let is_expected = |one: &&Outcome| match (one, hostile) {
        (Outcome::Declined(expected, _), Outcome::Declined(reason, _)) => reason == expected,
        (one, hostile) => *one == hostile || names_it(one),
    };
    match hostile {
        Outcome::GivenUp(said) | Outcome::Declined(_, said) => assert!(!said.is_empty(), "{what}"),
        Outcome::Proposed(_) => {}
    }
    let is_given_up = matches!(hostile, Outcome::GivenUp(_));
    assert!(
        is_given_up || expected.iter().any(is_expected),
        "{what}: {hostile:?} instead of {expected:?}"
    );
}

/// What harmless texts lead to, place by place, and what the corpus does.
fn every_text_in_every_place(event_type: EventType, expected: Expect) {
    let corpus = hostile::injections();
    let mut table = String::new();
    for place in hostile::places(event_type) {
        let harmless = traces(event_type, &place, HARMLESS, Way::Whole).outcome;
        let without = without(event_type, &place);
        let mut families = BTreeSet::new();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for injection in &corpus {
            let what = format!("{} {place} {injection}", event_type.name());
            // The first of each family goes the whole way, which takes its time.
            let first = families.insert(&injection.family);
            let way = if first { Way::Whole } else { Way::Ingest };
            let traces = traces(event_type, &place, &injection.text, way);
            assert_without_effect(&what, &injection.text, &[&harmless, &without], &traces.outcome);
            assert_inert(&what, &traces);
            *counts.entry(traces.outcome.name()).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        writeln!(
            table,
            "{place}: {}; the corpus: {}",
            harmless.name(),
            counts.join(", ")
        )
        .unwrap();
    }
    expected.assert_eq(&table);
}

#[test]
fn no_text_in_a_provider_unhealthy_has_an_effect() {
    every_text_in_every_place(
        EventType::ProviderUnhealthy,
        expect![[r#"
            /version: circuit_break_provider; the corpus: 330 circuit_break_provider
            /id: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail-type: given up; the corpus: 330 given up
            /source: given up; the corpus: 330 given up
            /account: circuit_break_provider; the corpus: 330 circuit_break_provider
            /time: circuit_break_provider; the corpus: 330 circuit_break_provider
            /region: circuit_break_provider; the corpus: 330 circuit_break_provider
            /resources/0: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/severity: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/provider: declined (unconfirmed); the corpus: 253 declined (unconfirmed), 77 given up
            /detail/model_group: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/error_rate: given up; the corpus: 330 given up
            /detail/requests: given up; the corpus: 330 given up
            /detail/window_s: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/version: given up; the corpus: 330 given up
            /detail/event_id: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/occurred_at: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/org_id: circuit_break_provider; the corpus: 253 circuit_break_provider, 77 given up
            /detail/team_id: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/note: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/message: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/summary: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/labels/reason: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/labels/runbook: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/history/0/comment: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/history/0/by/name: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/<name>: circuit_break_provider; the corpus: 330 circuit_break_provider
            /detail/labels/<name>: circuit_break_provider; the corpus: 330 circuit_break_provider
        "#]],
    );
}

#[test]
fn no_text_in_a_budget_exceeded_has_an_effect() {
    every_text_in_every_place(
        EventType::BudgetExceeded,
        expect![[r#"
            /version: page_oncall; the corpus: 330 page_oncall
            /id: page_oncall; the corpus: 330 page_oncall
            /detail-type: given up; the corpus: 330 given up
            /source: given up; the corpus: 330 given up
            /account: page_oncall; the corpus: 330 page_oncall
            /time: page_oncall; the corpus: 330 page_oncall
            /region: page_oncall; the corpus: 330 page_oncall
            /resources/0: page_oncall; the corpus: 330 page_oncall
            /detail/team_id: page_oncall; the corpus: 330 page_oncall
            /detail/severity: page_oncall; the corpus: 330 page_oncall
            /detail/scope: page_oncall; the corpus: 326 given up, 4 page_oncall
            /detail/scope_id: declined (unconfirmed); the corpus: 253 declined (unconfirmed), 77 given up
            /detail/kind: given up; the corpus: 330 given up
            /detail/spend: given up; the corpus: 330 given up
            /detail/limit: given up; the corpus: 330 given up
            /detail/period: page_oncall; the corpus: 330 page_oncall
            /detail/version: given up; the corpus: 330 given up
            /detail/event_id: page_oncall; the corpus: 330 page_oncall
            /detail/occurred_at: page_oncall; the corpus: 330 page_oncall
            /detail/org_id: page_oncall; the corpus: 77 given up, 253 page_oncall
            /detail/note: page_oncall; the corpus: 330 page_oncall
            /detail/message: page_oncall; the corpus: 330 page_oncall
            /detail/summary: page_oncall; the corpus: 330 page_oncall
            /detail/labels/reason: page_oncall; the corpus: 330 page_oncall
            /detail/labels/runbook: page_oncall; the corpus: 330 page_oncall
            /detail/history/0/comment: page_oncall; the corpus: 330 page_oncall
            /detail/history/0/by/name: page_oncall; the corpus: 330 page_oncall
            /detail/<name>: page_oncall; the corpus: 330 page_oncall
            /detail/labels/<name>: page_oncall; the corpus: 330 page_oncall
        "#]],
    );
}

#[test]
fn no_text_in_an_sla_violation_has_an_effect() {
    every_text_in_every_place(
        EventType::SlaViolation,
        expect![[r#"
            /version: reroute_model_group; the corpus: 330 reroute_model_group
            /id: reroute_model_group; the corpus: 330 reroute_model_group
            /detail-type: given up; the corpus: 330 given up
            /source: given up; the corpus: 330 given up
            /account: reroute_model_group; the corpus: 330 reroute_model_group
            /time: reroute_model_group; the corpus: 330 reroute_model_group
            /region: reroute_model_group; the corpus: 330 reroute_model_group
            /resources/0: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/severity: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/sla_id: declined (unconfirmed); the corpus: 253 declined (unconfirmed), 77 given up
            /detail/metric: given up; the corpus: 330 given up
            /detail/target: given up; the corpus: 330 given up
            /detail/actual: given up; the corpus: 330 given up
            /detail/window_s: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/provider: page_oncall; the corpus: 253 page_oncall, 77 reroute_model_group
            /detail/model_group: page_oncall; the corpus: 253 page_oncall, 77 reroute_model_group
            /detail/version: given up; the corpus: 330 given up
            /detail/event_id: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/occurred_at: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/org_id: reroute_model_group; the corpus: 77 given up, 253 reroute_model_group
            /detail/team_id: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/guardrail: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/note: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/message: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/summary: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/labels/reason: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/labels/runbook: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/history/0/comment: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/history/0/by/name: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/<name>: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/labels/<name>: reroute_model_group; the corpus: 330 reroute_model_group
        "#]],
    );
}

#[test]
fn no_text_in_a_latency_spike_has_an_effect() {
    every_text_in_every_place(
        EventType::LatencySpike,
        expect![[r#"
            /version: reroute_model_group; the corpus: 330 reroute_model_group
            /id: reroute_model_group; the corpus: 330 reroute_model_group
            /detail-type: given up; the corpus: 330 given up
            /source: given up; the corpus: 330 given up
            /account: reroute_model_group; the corpus: 330 reroute_model_group
            /time: reroute_model_group; the corpus: 330 reroute_model_group
            /region: reroute_model_group; the corpus: 330 reroute_model_group
            /resources/0: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/severity: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/provider: declined (unconfirmed); the corpus: 253 declined (unconfirmed), 77 given up
            /detail/model_group: declined (unconfirmed); the corpus: 253 declined (unconfirmed), 77 reroute_model_group
            /detail/current_ms: given up; the corpus: 330 given up
            /detail/median_1h_ms: given up; the corpus: 330 given up
            /detail/version: given up; the corpus: 330 given up
            /detail/event_id: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/occurred_at: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/org_id: reroute_model_group; the corpus: 77 given up, 253 reroute_model_group
            /detail/team_id: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/guardrail: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/note: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/message: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/summary: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/labels/reason: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/labels/runbook: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/history/0/comment: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/history/0/by/name: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/<name>: reroute_model_group; the corpus: 330 reroute_model_group
            /detail/labels/<name>: reroute_model_group; the corpus: 330 reroute_model_group
        "#]],
    );
}

#[test]
fn the_events_have_every_field_of_their_schemas() {
    let nowhere = Place::Value("/id".to_owned());
    for event_type in EventType::ALL {
        let event: Value = hostile::event_with(event_type, &nowhere, HARMLESS)
            .parse()
            .unwrap();
        let schema = crate::contracts::schema(event_type.name());
        for field in schema["properties"].as_object().unwrap().keys() {
            // Each of them that is a string is a place by that.
            assert!(!event["detail"][field].is_null(), "{} {field}", event_type.name());
        }
    }
}
