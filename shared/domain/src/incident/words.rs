//! An event in words, for people.

use std::fmt;

use super::{BudgetKind, Event, SlaMetric, Trouble};
use crate::value::Spender;

impl fmt::Display for Event {
    /// One sentence of facts, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.trouble {
            Trouble::ProviderUnhealthy {
                provider,
                error_rate,
                requests,
                window_s,
                ..
            } => {
                write!(f, "provider {provider} fails {error_rate} of {requests} requests")?;
                match window_s {
                    Some(window_s) => write!(f, " in {window_s} s"),
                    None => Ok(()),
                }
            }
            Trouble::BudgetExceeded {
                owner,
                kind,
                spend,
                limit,
                ..
            } => {
                let kind = match kind {
                    BudgetKind::Soft => "soft",
                    BudgetKind::Hard => "hard",
                };
                write!(f, "{} {}", owner.scope(), owner.id())?;
                // Whoever reads it knows the team, and hardly the key.
                if let (Spender::Other { .. }, Some(team)) = (owner, &self.team) {
                    write!(f, " of team {team}")?;
                }
                write!(f, " spent {spend} USD of its {kind} limit of {limit} USD")
            }
            Trouble::SlaViolation { sla, measured, .. } => match measured {
                SlaMetric::P95 { target, actual } | SlaMetric::P99 { target, actual } => {
                    write!(
                        f,
                        "contract {sla}: {} is {actual} ms, target {target} ms",
                        measured.name()
                    )
                }
                SlaMetric::SuccessRate { target, actual } => {
                    write!(f, "contract {sla}: success rate is {actual}, target {target}")
                }
            },
            Trouble::LatencySpike {
                provider,
                current_ms,
                median_1h_ms,
                ..
            } => {
                write!(
                    f,
                    "provider {provider} takes {current_ms} ms, {median_1h_ms} ms is its one-hour median"
                )
            }
        }
    }
}
