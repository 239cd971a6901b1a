//! The gateway of the samples.

use super::*;

/// A gateway on which `openai` fails, `anthropic` and `mistral` do well, and `azure` is blocked.
pub(crate) fn inventory() -> Inventory {
    let provider = |name: &str, error_rate: u32, latency: u64| Provider {
        id: id(name),
        blocked: name == "azure",
        requests: 180,
        error_rate: Ppm(error_rate),
        window_s: 300,
        latency_p50_ms: Some(latency),
        median_1h_ms: Some(400),
    };
    let group = |name: &str, routes: &[(&str, u32)]| ModelGroup {
        id: id(name),
        routes: routes
            .iter()
            .map(|(provider, weight)| Route {
                provider: id(provider),
                weight: *weight,
            })
            .collect(),
    };
    let team = |name: &str, requests_5m: u64, groups: &[&str]| Team {
        id: id(name),
        org: None,
        rpm: 600,
        tpm: 100_000,
        requests_5m,
        rate_limited_5m: Some(20),
        critical: name == "payments",
        model_groups: groups.iter().map(|group| id(group)).collect(),
    };
    let budget = |scope: &str, name: &str, soft: Option<u64>, hard: u64, spend: u64| Budget {
        owner: crate::value::BudgetOwner::parse(scope, name).unwrap(),
        soft_cap: soft.map(|usd| Micros(usd * 1_000_000)),
        hard_cap: Micros(hard * 1_000_000),
        spend: Micros(spend * 1_000_000),
    };
    let contract = |name: &str, enabled: bool, measured: Option<SlaMetric>| Contract {
        id: id(name),
        enabled,
        provider: (name == "gold").then(|| id("openai")),
        model_group: (name == "gold").then(|| id("chat")),
        measured,
    };
    Inventory {
        read_at: at(5),
        providers: vec![
            provider("anthropic", 1_000, 410),
            provider("azure", 0, 400),
            provider("mistral", 2_000, 390),
            provider("openai", 620_000, 1_900),
        ],
        model_groups: vec![
            group("chat", &[("anthropic", 30), ("openai", 70)]),
            group("code", &[("anthropic", 50), ("azure", 50), ("openai", 0)]),
            group("ocr", &[("azure", 50), ("mistral", 50)]),
        ],
        teams: vec![
            team("research", 100, &["chat", "ocr"]),
            team("payments", 300, &["chat"]),
            team("archive", 600, &["ocr"]),
        ],
        budgets: vec![
            budget("team", "payments", Some(80), 100, 104),
            budget("org", "acme", None, 1000, 200),
        ],
        guardrails: vec![
            Guardrail {
                id: id("pii"),
                enabled: true,
            },
            Guardrail {
                id: id("toxicity"),
                enabled: false,
            },
        ],
        contracts: vec![
            contract(
                "gold",
                true,
                Some(SlaMetric::P95 {
                    target: 800,
                    actual: 1200,
                }),
            ),
            contract("silver", true, None),
            contract("old", false, None),
        ],
    }
}
