//! A sample world: the one that the demo's gateway starts with, its events and its operators.

use domain::incident::{Event, SlaMetric};
use domain::inventory::{Budget, Contract, Guardrail, Inventory, ModelGroup, Provider, Route, Target, Team};
use domain::permission::Directory;
use domain::trail::StreamId;
use domain::value::{
    BudgetOwner, GuardrailId, Micros, ModelGroupId, Ppm, ProposalId, ProviderId, SlaId, TeamId, Timestamp,
};
use serde_json::{Value, json};

/// Ten o'clock on 22 November 2026, UTC: when samples happen.
pub fn now() -> Timestamp {
    at("2026-11-22T10:00:00Z")
}

/// An instant.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Slack's workspace of the sample operators.
pub const SLACK_TEAM: &str = "T1";

/// Alice's Slack user.
pub const ALICE: &str = "U1";

/// Bob's Slack user.
pub const BOB: &str = "U2";

/// The deploy bot's Slack user.
pub const BOT: &str = "U3";

/// A Slack user whose operator has left.
pub const FORMER: &str = "U4";

/// `alice` and `bob`, who may decide; `deploy-bot`, which may not; `carol`, who is not active any more.
pub fn operators() -> Directory {
    let operator = |id: &str, name: &str, user: &str| {
        json!({"id": id, "name": name, "bot": id == "deploy-bot", "active": id != "carol", "groups": ["sre"],
               "aws": [format!("arn:aws:iam::123456789012:user/{id}")], "slack": [{"team": SLACK_TEAM, "user": user}]})
    };
    let directory = json!({"operators": [
        operator("alice", "Alice", ALICE),
        operator("bob", "Bob", BOB),
        operator("deploy-bot", "Deploy Bot", BOT),
        operator("carol", "Carol", FORMER),
    ]});
    Directory::parse(&directory.to_string()).unwrap()
}

/// The demo's world at rest: four healthy providers, four groups, three teams. Nothing is wrong.
pub fn inventory() -> Inventory {
    Inventory {
        read_at: now(),
        providers: [
            ("openai", 400),
            ("anthropic", 450),
            ("bedrock", 600),
            ("mistral", 900),
        ]
        .map(|(id, latency)| Provider {
            id: provider_id(id),
            blocked: false,
            requests: 200,
            error_rate: Ppm(4_000),
            window_s: 300,
            latency_p50_ms: Some(latency),
            median_1h_ms: Some(latency),
        })
        .into(),
        model_groups: vec![
            group("chat", &[("anthropic", 40), ("openai", 60)]),
            group("embeddings", &[("bedrock", 30), ("openai", 70)]),
            group("code", &[("anthropic", 50), ("bedrock", 50)]),
            group("ocr", &[("mistral", 100)]),
        ],
        teams: vec![
            team("payments", 1200, 1_000_000, 400, &["chat", "embeddings", "ocr"]),
            team("checkout", 1500, 1_200_000, 350, &["chat", "ocr"]),
            team("research", 900, 800_000, 250, &["chat", "embeddings", "code"]),
        ],
        budgets: vec![
            budget("org", "acme", 800, 1000, 123_400_000),
            budget("team", "payments", 80, 100, 12_340_000),
            budget("team", "checkout", 160, 200, 54_000_000),
            budget("team", "research", 40, 50, 8_000_000),
        ],
        guardrails: [("pii", true), ("prompt-injection", true), ("toxicity", false)]
            .map(|(id, enabled)| Guardrail {
                id: GuardrailId::new(id).unwrap(),
                enabled,
            })
            .into(),
        contracts: vec![
            contract(
                "gold",
                true,
                Some(SlaMetric::P95 {
                    target: 2000,
                    actual: 900,
                }),
            ),
            contract(
                "silver",
                true,
                Some(SlaMetric::SuccessRate {
                    target: Ppm(900_000),
                    actual: Ppm(996_000),
                }),
            ),
            contract("bronze", false, None),
        ],
    }
}

/// The inventory in which [`provider_unhealthy`] is true.
pub fn inventory_with_unhealthy(provider: &str) -> Inventory {
    let mut inventory = inventory();
    let failing = inventory
        .providers
        .iter_mut()
        .find(|one| one.id.as_str() == provider)
        .unwrap();
    failing.error_rate = Ppm(620_000);
    inventory
}

/// The inventory in which [`latency_spike`] is true.
pub fn inventory_with_spike(provider: &str) -> Inventory {
    let mut inventory = inventory();
    let slow = inventory
        .providers
        .iter_mut()
        .find(|one| one.id.as_str() == provider)
        .unwrap();
    slow.latency_p50_ms = slow.median_1h_ms.map(|median| median * 5);
    inventory
}

/// The inventory in which [`budget_exceeded`] is true.
pub fn inventory_with_spent_budget(team: &str) -> Inventory {
    let mut inventory = inventory();
    let owner = BudgetOwner::parse("team", team).unwrap();
    let spent = inventory
        .budgets
        .iter_mut()
        .find(|one| one.owner == owner)
        .unwrap();
    spent.spend = Micros(spent.hard_cap.0 + 4_370_000);
    inventory
}

/// The inventory in which [`sla_violation`] is true.
pub fn inventory_with_violation(sla: &str) -> Inventory {
    let mut inventory = inventory();
    let missed = inventory
        .contracts
        .iter_mut()
        .find(|one| one.id.as_str() == sla)
        .unwrap();
    missed.enabled = true;
    missed.measured = Some(SlaMetric::P95 {
        target: 2000,
        actual: 3400,
    });
    inventory
}

/// A provider that fails 62 % of its requests, in group `chat`. Critical.
pub fn provider_unhealthy(provider: &str) -> Event {
    event(&provider_unhealthy_text(provider))
}

/// [`provider_unhealthy`] as the bus delivers it.
pub fn provider_unhealthy_text(provider: &str) -> String {
    let detail = json!({"severity": "critical", "provider": provider, "model_group": "chat",
                        "error_rate": 0.62, "requests": 180, "window_s": 300});
    envelope("provider.unhealthy", detail)
}

/// A team that crossed its hard limit. Critical.
pub fn budget_exceeded(team: &str) -> Event {
    event(&budget_exceeded_text(team))
}

/// [`budget_exceeded`] as the bus delivers it.
pub fn budget_exceeded_text(team: &str) -> String {
    let detail = json!({"team_id": team, "severity": "critical", "scope": "team", "scope_id": team,
                        "kind": "hard", "spend": "104.37", "limit": "100.00", "period": "monthly"});
    envelope("budget.exceeded", detail)
}

/// A contract whose 95th percentile is too slow on `anthropic` in group `chat`. A warning.
pub fn sla_violation(sla: &str) -> Event {
    event(&sla_violation_text(sla))
}

/// [`sla_violation`] as the bus delivers it.
pub fn sla_violation_text(sla: &str) -> String {
    let detail = json!({"severity": "warning", "sla_id": sla, "metric": "p95", "target": 2000, "actual": 3400,
                        "window_s": 300, "provider": "anthropic", "model_group": "chat"});
    envelope("sla.violation", detail)
}

/// A provider five times as slow as it was. A warning.
pub fn latency_spike(provider: &str) -> Event {
    event(&latency_spike_text(provider))
}

/// [`latency_spike`] as the bus delivers it.
pub fn latency_spike_text(provider: &str) -> String {
    let detail = json!({"severity": "warning", "provider": provider, "model_group": "chat",
                        "current_ms": 2000, "median_1h_ms": 400});
    envelope("latency.spike", detail)
}

/// [`latency_spike`] as the bus delivers it, of a provider whose time goes into a guardrail.
pub fn latency_spike_with_guardrail(provider: &str, guardrail: &str) -> String {
    let detail = json!({"severity": "warning", "provider": provider, "model_group": "chat",
                        "current_ms": 2000, "median_1h_ms": 400, "guardrail": guardrail});
    envelope("latency.spike", detail)
}

/// A bus event as a queue delivers it. What `detail` leaves out of version, event id (`evt-1`), time
/// (two seconds before [`now`]) and organisation (`acme`) is filled in.
pub fn envelope(detail_type: &str, mut detail: Value) -> String {
    let defaults = [
        ("version", json!(1)),
        ("event_id", json!("evt-1")),
        ("occurred_at", json!("2026-11-22T09:59:58.250Z")),
        ("org_id", json!("acme")),
    ];
    for (name, value) in defaults {
        if detail.get(name).is_none() {
            detail[name] = value;
        }
    }
    json!({"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-3bf3703467a0", "detail-type": detail_type,
           "source": "llm-gateway", "account": "123456789012", "time": "2026-11-22T10:00:00Z",
           "region": "eu-central-1", "resources": [], "detail": detail})
    .to_string()
}

/// A bus event's text with another event id: another delivery of the same trouble.
pub fn with_event_id(text: &str, event_id: &str) -> String {
    let mut envelope: Value = serde_json::from_str(text).unwrap();
    envelope["detail"]["event_id"] = json!(event_id);
    envelope.to_string()
}

/// The event in a bus event's text.
pub fn event(text: &str) -> Event {
    domain::message::reread(text).unwrap()
}

/// The first proposal about an event.
pub fn proposal_of(event: &Event) -> ProposalId {
    ProposalId::new(event.fingerprint(), 1)
}

/// The stream of the first proposal about an event.
pub fn stream_of(event: &Event) -> StreamId {
    StreamId::Proposal(proposal_of(event))
}

/// A provider's id.
pub fn provider_id(id: &str) -> ProviderId {
    ProviderId::new(id).unwrap()
}

/// A target, by its kind and id: `target("provider", "openai")`.
pub fn target(kind: &str, id: &str) -> Target {
    Target::parse(kind, id).unwrap()
}

fn group(id: &str, routes: &[(&str, u32)]) -> ModelGroup {
    let route = |(provider, weight): &(&str, u32)| Route {
        provider: provider_id(provider),
        weight: *weight,
    };
    ModelGroup {
        id: ModelGroupId::new(id).unwrap(),
        routes: routes.iter().map(route).collect(),
    }
}

fn team(id: &str, rpm: u64, tpm: u64, requests_5m: u64, groups: &[&str]) -> Team {
    Team {
        id: TeamId::new(id).unwrap(),
        org: None,
        rpm,
        tpm,
        requests_5m,
        // Each of them asks for more than it may now and then, so that a raise would help.
        rate_limited_5m: Some(20),
        critical: id == "checkout",
        model_groups: groups
            .iter()
            .map(|group| ModelGroupId::new(group).unwrap())
            .collect(),
    }
}

fn budget(scope: &str, id: &str, soft_usd: u64, hard_usd: u64, spend_micros: u64) -> Budget {
    Budget {
        owner: BudgetOwner::parse(scope, id).unwrap(),
        soft_cap: Some(Micros(soft_usd * 1_000_000)),
        hard_cap: Micros(hard_usd * 1_000_000),
        spend: Micros(spend_micros),
    }
}

fn contract(id: &str, enabled: bool, measured: Option<SlaMetric>) -> Contract {
    Contract {
        id: SlaId::new(id).unwrap(),
        enabled,
        provider: (id == "gold").then(|| provider_id("anthropic")),
        model_group: (id == "gold").then(|| ModelGroupId::new("chat").unwrap()),
        measured,
    }
}
