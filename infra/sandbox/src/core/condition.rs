//! Something that is wrong, and how an event tells it.

use serde_json::{Map, Value, json};

use super::detect::BudgetKind;
use super::time::{Millis, rfc3339};
use super::world_file::{Metric, Period, Scope};

/// Something is wrong now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    ProviderUnhealthy {
        provider: String,
        model_group: Option<String>,
        error_rate_ppm: u64,
        requests: u64,
        window_s: i64,
    },
    LatencySpike {
        provider: String,
        model_group: Option<String>,
        current_ms: u32,
        median_1h_ms: u32,
    },
    BudgetExceeded {
        scope: Scope,
        id: String,
        kind: BudgetKind,
        spend: u64,
        limit: u64,
        period: Period,
    },
    SlaViolation {
        id: String,
        metric: Metric,
        target: u64,
        actual: u64,
        window_s: i64,
        provider: Option<String>,
        model_group: Option<String>,
    },
}

impl Condition {
    /// Two conditions with the same key are the same trouble, seen at different times.
    pub(crate) fn key(&self) -> String {
        match self {
            Condition::ProviderUnhealthy { provider, .. } | Condition::LatencySpike { provider, .. } => {
                format!("{}/{provider}", self.detail_type())
            }
            Condition::BudgetExceeded { scope, id, kind, .. } => {
                format!("{}/{}/{id}/{kind:?}", self.detail_type(), scope.as_str())
            }
            Condition::SlaViolation { id, .. } => format!("{}/{id}", self.detail_type()),
        }
    }

    /// The EventBridge detail-type.
    pub(crate) fn detail_type(&self) -> &'static str {
        match self {
            Condition::ProviderUnhealthy { .. } => "provider.unhealthy",
            Condition::LatencySpike { .. } => "latency.spike",
            Condition::BudgetExceeded { .. } => "budget.exceeded",
            Condition::SlaViolation { .. } => "sla.violation",
        }
    }

    /// The event's detail: rates as fractions, money as decimal dollars.
    pub(crate) fn detail(&self, org_id: &str, event_id: &str, at: Millis) -> Value {
        let mut detail = json!({
            "version": 1, "event_id": event_id, "occurred_at": rfc3339(at), "org_id": org_id,
        });
        let more = match self {
            Condition::ProviderUnhealthy {
                provider,
                model_group,
                error_rate_ppm,
                requests,
                window_s,
            } => json!({
                "severity": if *error_rate_ppm >= 500_000 { "critical" } else { "warning" },
                "provider": provider, "model_group": model_group, "error_rate": fraction(*error_rate_ppm),
                "requests": requests, "window_s": window_s,
            }),
            Condition::LatencySpike {
                provider,
                model_group,
                current_ms,
                median_1h_ms,
            } => json!({
                "severity": "warning", "provider": provider, "model_group": model_group,
                "current_ms": current_ms, "median_1h_ms": median_1h_ms,
            }),
            Condition::BudgetExceeded {
                scope,
                id,
                kind,
                spend,
                limit,
                period,
            } => json!({
                "severity": if *kind == BudgetKind::Hard { "critical" } else { "warning" },
                "team_id": (*scope == Scope::Team).then_some(id), "scope": scope, "scope_id": id, "kind": kind,
                "spend": dollars(*spend), "limit": dollars(*limit), "period": period,
            }),
            Condition::SlaViolation {
                id,
                metric,
                target,
                actual,
                window_s,
                provider,
                model_group,
            } => {
                let value = |value: u64| match metric {
                    Metric::P95 | Metric::P99 => json!(value),
                    Metric::SuccessRate => json!(fraction(value)),
                };
                json!({
                    "severity": "warning", "sla_id": id, "metric": metric, "target": value(*target),
                    "actual": value(*actual), "window_s": window_s, "provider": provider,
                    "model_group": model_group,
                })
            }
        };
        if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
            detail.extend(
                more.into_iter()
                    .filter(|(_, value)| !value.is_null())
                    .collect::<Map<_, _>>(),
            );
        }
        detail
    }
}

/// Parts per million as a fraction of one.
fn fraction(ppm: u64) -> f64 {
    ppm as f64 / 1_000_000.0
}

/// Micro-dollars as decimal dollars, with two digits or as many as it takes.
pub(crate) fn dollars(micros: u64) -> String {
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if rest % 10_000 == 0 {
        format!("{whole}.{:02}", rest / 10_000)
    } else {
        format!("{whole}.{rest:06}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_as_dollars() {
        let printed = [0, 80_000_000, 1_234_500_000, 1_234_560_000, 1].map(dollars);
        assert_eq!(printed, ["0.00", "80.00", "1234.50", "1234.56", "0.000001"]);
    }
}
