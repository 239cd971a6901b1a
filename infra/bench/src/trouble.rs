//! What goes wrong: an event, what the gateway tells of it, and what a model would do. One for each action.

use domain::action::ActionKind;
use serde_json::{Value, json};

use crate::outside;

/// A provider's latency as it is, and as it was in the hour before, ms.
const SLOW_MS: u32 = 1_900;
const USUAL_MS: u32 = 400;

/// Where the model would have the traffic go.
const HEALTHY: &str = "anthropic";

/// What a provider is measured over, seconds: the shorter, the sooner an effect can be verified.
const WINDOW_S: u32 = 1;

/// One trouble.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    kind: &'static str,
    detail: Value,
    /// What the gateway tells then, by list and id.
    pub(crate) gateway: Value,
    /// The action that the model proposes, and its parameters.
    pub(crate) idea: (ActionKind, Value),
}

impl Trouble {
    /// The trouble that this action answers. Each number is about a provider, a model group and a team of its own where the
    /// action is about such.
    pub(crate) fn answered_by(action: ActionKind, number: u64) -> Self {
        let provider = format!("provider-{number}");
        let group = format!("group-{number}");
        let fails = action == ActionKind::CircuitBreakProvider;
        let on_a_provider = json!({
            "providers": [{
                "id": provider, "blocked": false, "requests": 500, "window_s": WINDOW_S,
                "error_rate_ppm": if fails { 620_000 } else { 1_000 },
                "latency_p50_ms": if fails { USUAL_MS } else { SLOW_MS }, "median_1h_ms": USUAL_MS,
            }],
            "model_groups": [{ "id": group, "routes": [
                { "provider": HEALTHY, "weight": 40 }, { "provider": provider, "weight": 60 },
            ] }],
            "teams": [{
                "id": format!("team-{number}"), "rpm": 600, "tpm": 500_000, "requests_5m": 40, "rate_limited_5m": 0,
                "tier": "standard", "model_groups": [group],
            }],
        });
        let (kind, detail, gateway, parameters) = match action {
            ActionKind::CircuitBreakProvider => (
                "provider.unhealthy",
                json!({ "provider": provider, "error_rate": 0.62, "requests": 500, "window_s": 300 }),
                on_a_provider,
                json!({ "provider": provider, "duration_s": 30 }),
            ),
            ActionKind::RerouteModelGroup => (
                "latency.spike",
                json!({
                    "provider": provider, "model_group": group, "current_ms": SLOW_MS, "median_1h_ms": USUAL_MS,
                    "severity": "warning",
                }),
                on_a_provider,
                json!({ "model_group": group, "from": provider, "to": HEALTHY }),
            ),
            ActionKind::RaiseRateLimit => (
                "sla.violation",
                violated(
                    "checkout-success",
                    "success_rate",
                    json!(0.995),
                    json!(0.93),
                    "checkout",
                ),
                json!({
                    "teams": [{ "id": "checkout", "requests_5m": 7_500 }],
                    "sla_contracts": [contract("checkout-success", "success_rate", 995_000, 930_000)],
                }),
                json!({ "team": "checkout", "rpm_percent": 20 }),
            ),
            ActionKind::PageOncall => (
                "budget.exceeded",
                spent("research", "401.00", "400.00"),
                json!({ "budgets": [{ "scope": "team", "id": "research", "spend_micros": 401_000_000 }] }),
                json!({ "severity": "critical", "summary": "The month's budget is gone on its third day." }),
            ),
            ActionKind::DisableGuardrail => (
                "sla.violation",
                {
                    let mut detail = violated("fast-tail", "p99", json!(4_000), json!(8_800), "search");
                    detail["guardrail"] = json!("style-judge");
                    detail
                },
                json!({
                    "guardrails": [{ "id": "style-judge", "enabled": true }],
                    "sla_contracts": [{ "id": "fast-tail", "actual": 8_800 }],
                }),
                json!({ "guardrail": "style-judge" }),
            ),
            ActionKind::BumpBudgetCap => (
                "budget.exceeded",
                spent("payments", "801.00", "800.00"),
                json!({ "budgets": [{ "scope": "team", "id": "payments", "spend_micros": 801_000_000 }] }),
                json!({ "scope": "team", "scope_id": "payments", "hard_cap": "880.00" }),
            ),
            ActionKind::DisableSlaContract => (
                "sla.violation",
                violated(
                    "batch-success",
                    "success_rate",
                    json!(1.0),
                    json!(0.9962),
                    "batch",
                ),
                json!({ "sla_contracts": [contract("batch-success", "success_rate", 1_000_000, 996_200)] }),
                json!({ "sla_id": "batch-success" }),
            ),
        };
        Self {
            kind,
            detail,
            gateway,
            idea: (action, parameters),
        }
    }

    /// The event that says so, now.
    pub(crate) fn event(&self, id: &str) -> Value {
        let at = outside::now();
        let mut detail = self.detail.clone();
        detail["version"] = json!(1);
        detail["event_id"] = json!(id);
        detail["occurred_at"] = json!(at.to_string());
        detail["org_id"] = json!("acme");
        json!({
            "version": "0", "id": "00000000-0000-4000-8000-000000000001", "detail-type": self.kind,
            "source": "llm-gateway", "account": crate::cloud::ACCOUNT,
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "region": crate::cloud::REGION, "resources": [],
            "detail": detail,
        })
    }
}

fn violated(id: &str, metric: &str, target: Value, actual: Value, team: &str) -> Value {
    json!({
        "sla_id": id, "metric": metric, "target": target, "actual": actual, "window_s": 300, "severity": "critical",
        "team_id": team,
    })
}

fn contract(id: &str, metric: &str, target: u64, actual: u64) -> Value {
    json!({ "id": id, "enabled": true, "metric": metric, "target": target, "actual": actual })
}

fn spent(team: &str, spend: &str, limit: &str) -> Value {
    json!({
        "scope": "team", "scope_id": team, "kind": "hard", "spend": spend, "limit": limit, "period": "monthly",
        "severity": "warning", "team_id": team,
    })
}
