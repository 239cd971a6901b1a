//! The runbook, row by row of its table, on the sample gateway.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::action::Action;
use domain::incident::{Event, Severity};
use domain::inventory::Inventory;
use domain::ports::Conclusion;
use domain::value::{BudgetOwner, Deployment};
use expect_test::{Expect, expect};
use ingest_and_propose::config::Config;
use ingest_and_propose::runbook::Runbook;
use runtime::env::{BadVariable, Env};
use serde_json::{Value, json};
use testkit::environment;
use testkit::sample;

/// A runbook that breaks for two minutes.
fn runbook() -> Runbook {
    Runbook {
        break_s: 120,
        limits: Deployment::default().limits,
    }
}

fn event(detail_type: &str, detail: Value) -> Event {
    sample::event(&sample::envelope(detail_type, detail))
}

fn unhealthy(provider: &str) -> Event {
    sample::provider_unhealthy(provider)
}

fn budget(kind: &str) -> Event {
    let detail = json!({"scope": "team", "scope_id": "payments", "kind": kind, "spend": "104.37",
                        "limit": "100.00", "period": "monthly"});
    event("budget.exceeded", detail)
}

fn sla(metric: Value) -> Event {
    let mut detail = json!({"sla_id": "gold", "window_s": 300});
    detail
        .as_object_mut()
        .unwrap()
        .extend(metric.as_object().unwrap().clone());
    event("sla.violation", detail)
}

/// What the runbook says, in two lines; what it proposes must also pass the check that every proposal passes.
fn says(event: &Event, inventory: Option<&Inventory>) -> String {
    match runbook().conclude(event, inventory) {
        Conclusion::Decline(declined) => {
            format!("declined ({})\n{}", declined.reason.name(), declined.explanation)
        }
        Conclusion::Propose {
            action, rationale, ..
        } => {
            action
                .check(event, inventory, &Deployment::default().limits)
                .unwrap();
            format!("{}\n{rationale}", json!(action))
        }
    }
}

fn check(event: &Event, inventory: &Inventory, expected: &Expect) {
    expected.assert_eq(&says(event, Some(inventory)));
}

#[test]
fn an_unhealthy_provider_is_broken_where_every_group_keeps_a_deployment() {
    check(
        &unhealthy("openai"),
        &sample::inventory_with_unhealthy("openai"),
        &expect![[r#"
            {"action":"circuit_break_provider","provider":"openai","duration_s":120}
            provider openai fails 62.0 % of 180 requests in 300 s. Every model group keeps a healthy deployment without openai."#]],
    );
}

#[test]
fn one_that_a_group_cannot_do_without_is_paged() {
    check(
        &unhealthy("mistral"),
        &sample::inventory_with_unhealthy("mistral"),
        &expect![[r#"
            {"action":"page_oncall","severity":"critical","summary":"provider mistral fails 62.0 % of 180 requests in 300 s"}
            provider mistral fails 62.0 % of 180 requests in 300 s. A break is not possible: provider mistral is the last deployment of model group ocr."#]],
    );
    let mut inventory = sample::inventory_with_unhealthy("openai");
    let other = inventory
        .providers
        .iter_mut()
        .find(|one| one.id.as_str() == "anthropic");
    other.unwrap().blocked = true;
    check(
        &unhealthy("openai"),
        &inventory,
        &expect![[r#"
        {"action":"page_oncall","severity":"critical","summary":"provider openai fails 62.0 % of 180 requests in 300 s"}
        provider openai fails 62.0 % of 180 requests in 300 s. A break is not possible: provider openai is the last deployment of model group chat."#]],
    );
}

#[test]
fn one_that_is_blocked_already_is_paged() {
    let mut inventory = sample::inventory_with_unhealthy("openai");
    let failing = inventory
        .providers
        .iter_mut()
        .find(|one| one.id.as_str() == "openai");
    failing.unwrap().blocked = true;
    check(
        &unhealthy("openai"),
        &inventory,
        &expect![[r#"
        {"action":"page_oncall","severity":"critical","summary":"provider openai fails 62.0 % of 180 requests in 300 s"}
        provider openai fails 62.0 % of 180 requests in 300 s. A break is not possible: provider openai is blocked already."#]],
    );
}

#[test]
fn a_latency_spike_moves_the_group_to_a_healthy_deployment() {
    check(
        &sample::latency_spike("openai"),
        &sample::inventory_with_spike("openai"),
        &expect![[r#"
            {"action":"reroute_model_group","model_group":"chat","from":"openai","to":"anthropic"}
            provider openai takes 2000 ms, 400 ms is its one-hour median. anthropic is healthy and serves chat already."#]],
    );
}

#[test]
fn without_a_named_group_the_one_with_the_most_traffic_is_moved() {
    let event = event(
        "latency.spike",
        json!({"provider": "openai", "current_ms": 2000, "median_1h_ms": 400}),
    );
    check(
        &event,
        &sample::inventory_with_spike("openai"),
        &expect![[r#"
            {"action":"reroute_model_group","model_group":"embeddings","from":"openai","to":"bedrock"}
            provider openai takes 2000 ms, 400 ms is its one-hour median. bedrock is healthy and serves embeddings already."#]],
    );
}

#[test]
fn a_spike_without_a_healthy_alternative_is_paged() {
    let mut inventory = sample::inventory_with_spike("openai");
    for provider in &mut inventory.providers {
        if provider.id.as_str() != "openai" {
            provider.error_rate = domain::value::Ppm(900_000);
        }
    }
    check(
        &sample::latency_spike("openai"),
        &inventory,
        &expect![[r#"
            {"action":"page_oncall","severity":"warning","summary":"provider openai takes 2000 ms, 400 ms is its one-hour median"}
            provider openai takes 2000 ms, 400 ms is its one-hour median. No model group that openai serves can be re-routed to a healthy provider. Not possible: to anthropic is not seen to be healthy: blocked, failing, slow or without traffic."#]],
    );
    let of_one = event(
        "latency.spike",
        json!({"provider": "mistral", "model_group": "ocr", "current_ms": 9000, "median_1h_ms": 900}),
    );
    check(
        &of_one,
        &sample::inventory_with_spike("mistral"),
        &expect![[r#"
            {"action":"page_oncall","severity":"warning","summary":"provider mistral takes 9000 ms, 900 ms is its one-hour median"}
            provider mistral takes 9000 ms, 900 ms is its one-hour median. No model group that mistral serves can be re-routed to a healthy provider."#]],
    );
}

#[test]
fn a_soft_limit_only_warns() {
    check(
        &budget("soft"),
        &sample::inventory_with_spent_budget("payments"),
        &expect![[r#"
            declined (nothing_to_do)
            a soft limit only warns: the gateway refuses nothing yet"#]],
    );
}

#[test]
fn a_hard_limit_is_a_persons_decision() {
    check(
        &budget("hard"),
        &sample::inventory_with_spent_budget("payments"),
        &expect![[r#"
            {"action":"page_oncall","severity":"warning","summary":"team payments spent 104.37 USD of its hard limit of 100.00 USD"}
            team payments spent 104.37 USD of its hard limit of 100.00 USD. The gateway refuses requests; whether to allow more spending is a person's decision."#]],
    );
}

#[test]
fn a_keys_budget_is_named_with_its_team_and_nothing_is_raised() {
    let of_key = |kind: &str| {
        event(
            "budget.exceeded",
            json!({"team_id": "payments", "scope": "key", "scope_id": "88dc28d0", "kind": kind,
                   "spend": "11.20", "limit": "10.00", "period": "daily"}),
        )
    };
    let inventory = sample::inventory_with_spent_budget("payments");
    check(
        &of_key("hard"),
        &inventory,
        &expect![[r#"
        {"action":"page_oncall","severity":"warning","summary":"key 88dc28d0 of team payments spent 11.20 USD of its hard limit of 10.00 USD"}
        key 88dc28d0 of team payments spent 11.20 USD of its hard limit of 10.00 USD. The gateway refuses requests, and no action of ours reaches a key's budget: whether to allow more spending is a person's decision."#]],
    );
    check(
        &of_key("soft"),
        &inventory,
        &expect![[r#"
        declined (nothing_to_do)
        key 88dc28d0 of team payments spent 11.20 USD of its soft limit of 10.00 USD: no action of ours reaches a key's budget, and a soft limit only warns"#]],
    );
    for action in [
        json!({"action": "raise_rate_limit", "team": "payments", "rpm_percent": 10}),
        json!({"action": "bump_budget_cap", "scope": "team", "scope_id": "payments", "hard_cap": "200.00"}),
        json!({"action": "bump_budget_cap", "scope": "org", "scope_id": "acme", "hard_cap": "2000.00"}),
    ] {
        let action: Action = serde_json::from_value(action).unwrap();
        let complaints = action
            .check(&of_key("hard"), Some(&inventory), &Deployment::default().limits)
            .unwrap_err();
        let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        assert!(
            told[0].ends_with(" is not the one the event is about"),
            "{told:?}"
        );
    }
}

#[test]
fn a_contract_about_a_providers_latency_moves_its_group() {
    for metric in ["p95", "p99"] {
        let event = sla(
            json!({"metric": metric, "target": 2000, "actual": 3400, "provider": "anthropic",
                               "model_group": "chat"}),
        );
        let said = says(&event, Some(&sample::inventory_with_violation("gold")));
        assert!(
            said.starts_with(r#"{"action":"reroute_model_group""#),
            "{metric}: {said}"
        );
    }
    check(
        &sample::sla_violation("gold"),
        &sample::inventory_with_violation("gold"),
        &expect![[r#"
            {"action":"reroute_model_group","model_group":"chat","from":"anthropic","to":"openai"}
            contract gold: p95 is 3400 ms, target 2000 ms. openai is healthy and serves chat already."#]],
    );
}

#[test]
fn what_does_not_belong_together_moves_nothing() {
    let inventory = sample::inventory_with_violation("gold");
    let blames = |more: Value| {
        let mut detail = json!({"metric": "p95", "target": 2000, "actual": 3400});
        detail
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        says(&sla(detail), Some(&inventory))
    };
    for others in [
        json!({"provider": "openai", "model_group": "chat"}),
        json!({"provider": "anthropic", "model_group": "ocr"}),
    ] {
        let said = blames(others);
        assert!(said.starts_with(r#"{"action":"page_oncall""#), "{said}");
        assert!(
            said.ends_with("What it names does not belong together on the gateway."),
            "{said}"
        );
    }
    // What the event leaves open, the gateway says.
    let said = blames(json!({}));
    assert!(said.starts_with(r#"{"action":"reroute_model_group""#), "{said}");
}

#[test]
fn any_other_contract_is_paged() {
    let mut inventory = sample::inventory_with_violation("gold");
    // It is about whoever serves it, whatever the event names.
    inventory.contracts[0].provider = None;
    check(
        &sla(json!({"metric": "p95", "target": 2000, "actual": 3400, "provider": "anthropic"})),
        &inventory,
        &expect![[r#"
            {"action":"page_oncall","severity":"warning","summary":"contract gold: p95 is 3400 ms, target 2000 ms"}
            contract gold: p95 is 3400 ms, target 2000 ms. What it names does not belong together on the gateway."#]],
    );
    let of_success =
        json!({"metric": "success_rate", "target": 0.9, "actual": 0.71, "provider": "anthropic"});
    check(
        &sla(of_success),
        &inventory,
        &expect![[r#"
            {"action":"page_oncall","severity":"warning","summary":"contract gold: success rate is 71.0 %, target 90.0 %"}
            contract gold: success rate is 71.0 %, target 90.0 %. What it names does not belong together on the gateway."#]],
    );
}

#[test]
fn a_gateway_that_cannot_be_read_is_not_changed() {
    for event in [
        unhealthy("openai"),
        sample::latency_spike("openai"),
        budget("soft"),
        budget("hard"),
        sample::sla_violation("gold"),
    ] {
        let said = says(&event, None);
        assert!(said.starts_with(r#"{"action":"page_oncall""#), "{said}");
        assert!(
            said.ends_with("The gateway could not be read, so nothing on it may be changed."),
            "{said}"
        );
    }
}

#[test]
fn a_page_fits_and_carries_the_events_severity_however_long_its_names() {
    let name = "ö".repeat(128);
    let event = event(
        "budget.exceeded",
        json!({"severity": "info", "team_id": name, "scope": "org", "scope_id": name, "kind": "hard",
               "spend": "9999999999.999999", "limit": "9999999999.999998", "period": "monthly"}),
    );
    let Conclusion::Propose {
        action: Action::PageOncall(page),
        ..
    } = runbook().conclude(&event, None)
    else {
        panic!("no page")
    };
    assert_eq!(page.severity, Severity::Info);
    assert!(BudgetOwner::parse("org", &name).is_ok());
    Action::PageOncall(page)
        .check(&event, None, &Deployment::default().limits)
        .unwrap();
}

const COMPLETE: environment::Table<'static> = &[
    ("TRAIL_TABLE", "sre_actions"),
    ("STACK_NAME", "sre-agent"),
    ("DECISION_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/d"),
    ("OPERATOR_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/o"),
    ("KEY_BUCKET", "policies"),
    ("PAYLOAD_BUCKET", "payloads"),
    ("GATEWAY_URL", "https://gateway"),
    ("GATEWAY_READ_SECRET", "arn:read"),
    ("INGEST_DLQ_URL", "https://sqs/dlq"),
    ("RUNBOOK_BREAK_SECONDS", "300"),
    ("INGEST_TIMEOUT_S", "60"),
    ("EVENT_SOURCES", "llm-gateway, other"),
    ("EVENT_SOURCE_ORGS", ""),
    ("TRANSCRIPT_BUCKET", "transcripts"),
    ("MODEL_API", "anthropic"),
    ("MODEL_URL", "https://api.anthropic.com"),
    ("MODEL_SECRET", "arn:model"),
    ("SRE_AGENT_MODEL", "claude-sonnet-4-6"),
    ("SRE_AGENT_FALLBACK_MODELS", ""),
    ("MODEL_PRICES", "claude-sonnet-4-6=3.00:15.00"),
    ("MODEL_MAX_TURNS", "8"),
    ("MODEL_MAX_TOKENS", "120000"),
    ("MODEL_MAX_SECONDS", "90"),
    ("MODEL_MAX_COST", "0.50"),
    ("MODEL_DAILY_CAP", "20.00"),
    ("MODEL_RUNS_PER_TROUBLE", "6"),
    ("SRE_RISK_THRESHOLD", "40"),
    ("SRE_AUTO_APPROVE", "false"),
    ("LICENSE_TIER", "enterprise"),
    ("APPROVAL_DEADLINE_S", "1800"),
    ("APPROVAL_VALID_S", "900"),
    ("APPROVAL_VETO_S", "0"),
    ("CORRELATION_WINDOW_S", "900"),
    ("MAX_BUDGET_CAP", "10000.00"),
    ("MAX_RPM", "10000"),
    ("MAX_TPM", "10000000"),
];

fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, BadVariable> {
    Config::from(&Env::new(lookup))
}

#[test]
fn a_complete_environment_is_taken() {
    let config = read(&|name| match name {
        "EVENT_SOURCE_ORGS" => Some("other=acme".to_owned()),
        _ => environment::complete(COMPLETE)(name),
    })
    .unwrap();
    let of_org = |org: &str| domain::incident::Event {
        org: org.parse().unwrap(),
        ..testkit::sample::provider_unhealthy("openai")
    };
    let (ours, others) = (of_org("acme"), of_org("globex"));
    for (source, event, taken) in [
        ("llm-gateway", &others, true),
        ("other", &ours, true),
        ("other", &others, false),
        ("nobody", &ours, false),
    ] {
        assert_eq!(
            config.sources.refuse(source, event).is_none(),
            taken,
            "{source} {}",
            event.org
        );
    }
}

#[test]
fn what_is_missing_or_wrong_in_the_environment_is_named() {
    environment::names_what_is_missing(
        COMPLETE,
        &["EVENT_SOURCES", "EVENT_SOURCE_ORGS", "SRE_AGENT_FALLBACK_MODELS"],
        read,
    );
    let wrong = [
        ("GATEWAY_URL", "http://gateway"),
        ("MODEL_URL", "http://api.anthropic.com"),
        ("RUNBOOK_BREAK_SECONDS", "29"),
        ("RUNBOOK_BREAK_SECONDS", "301"),
        ("INGEST_TIMEOUT_S", "0"),
        ("CORRELATION_WINDOW_S", "-1"),
        ("MODEL_API", "telepathy"),
        ("MODEL_PRICES", "another=1:2"),
        ("MODEL_MAX_COST", "cheap"),
        ("MODEL_MAX_TURNS", "0"),
        ("MODEL_RUNS_PER_TROUBLE", "0"),
        ("EVENT_SOURCE_ORGS", "acme"),
    ];
    environment::names_what_is_wrong(COMPLETE, &wrong, read);
}
