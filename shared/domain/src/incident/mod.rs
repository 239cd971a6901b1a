//! The four incident events: their fields, units, validation, and whether they contradict themselves.
//!
//! | detail-type | fires |
//! | --- | --- |
//! | `provider.unhealthy` | error rate above 25 % over at least 5 requests |
//! | `budget.exceeded` | spend above a soft limit, or at or above a hard one |
//! | `sla.violation` | a latency above its target, or a success rate below it |
//! | `latency.spike` | latency above three times the one-hour median |

mod badness;
mod fields;
mod number;
mod read;
mod vocabulary;
mod words;

use serde::{Deserialize, Serialize};

pub(crate) use self::badness::measured_badly;
pub use self::badness::{Badness, Measure};
pub use self::read::{Malformed, Reading, VERSION};
use crate::value::{
    Digest, EventId, Fingerprint, GuardrailId, Micros, ModelGroupId, OrgId, Ppm, ProviderId, SlaId, Spender,
    TeamId, Timestamp,
};

/// A provider is unhealthy above this error rate.
pub const UNHEALTHY_ABOVE: Ppm = Ppm(250_000);

/// Fewer requests than this say nothing about a provider.
pub const UNHEALTHY_REQUESTS: u64 = 5;

/// Latency spikes above this many times the one-hour median.
pub const SPIKE_FACTOR: u64 = 3;

/// The detail-types the agent answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A provider fails too many requests.
    #[serde(rename = "provider.unhealthy")]
    ProviderUnhealthy,
    /// A team, an organisation or another spender spent its budget.
    #[serde(rename = "budget.exceeded")]
    BudgetExceeded,
    /// A contract's metric misses its target.
    #[serde(rename = "sla.violation")]
    SlaViolation,
    /// A provider became much slower than it was.
    #[serde(rename = "latency.spike")]
    LatencySpike,
}

impl EventType {
    /// Every event type.
    pub const ALL: [EventType; 4] = [
        EventType::ProviderUnhealthy,
        EventType::BudgetExceeded,
        EventType::SlaViolation,
        EventType::LatencySpike,
    ];

    /// The EventBridge detail-type.
    pub fn name(self) -> &'static str {
        match self {
            EventType::ProviderUnhealthy => "provider.unhealthy",
            EventType::BudgetExceeded => "budget.exceeded",
            EventType::SlaViolation => "sla.violation",
            EventType::LatencySpike => "latency.spike",
        }
    }
}

/// How bad the sender thinks it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is failing yet.
    Info,
    /// Something will fail soon, or fails for a few.
    Warning,
    /// Something fails now.
    Critical,
}

impl schemars::JsonSchema for Severity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Severity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = [Severity::Info, Severity::Warning, Severity::Critical].map(Severity::name);
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

impl Severity {
    /// The name, as in events.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// Whether a budget only warns or also refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// Crossing it is only reported.
    Soft,
    /// The gateway refuses requests beyond it.
    Hard,
}

impl BudgetKind {
    /// The name, as in events.
    pub fn name(self) -> &'static str {
        match self {
            BudgetKind::Soft => "soft",
            BudgetKind::Hard => "hard",
        }
    }
}

/// How often a budget starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
}

impl Period {
    /// The name, as in events.
    pub fn name(self) -> &'static str {
        match self {
            Period::Daily => "daily",
            Period::Weekly => "weekly",
            Period::Monthly => "monthly",
        }
    }
}

/// A contract's measurement, with its target and what was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "metric")]
pub enum SlaMetric {
    /// 95th percentile of latency, ms: must not exceed its target.
    P95 {
        /// Promised, ms.
        target: u64,
        /// Measured, ms.
        actual: u64,
    },
    /// 99th percentile of latency, ms: must not exceed its target.
    P99 {
        /// Promised, ms.
        target: u64,
        /// Measured, ms.
        actual: u64,
    },
    /// Share of requests that succeed: must not fall below its target.
    SuccessRate {
        /// Promised, parts per million.
        target: Ppm,
        /// Measured, parts per million.
        actual: Ppm,
    },
}

impl SlaMetric {
    /// The metric's name, as in events.
    pub fn name(self) -> &'static str {
        match self {
            SlaMetric::P95 { .. } => "p95",
            SlaMetric::P99 { .. } => "p99",
            SlaMetric::SuccessRate { .. } => "success_rate",
        }
    }

    /// Whether it is a latency.
    pub fn is_latency(self) -> bool {
        match self {
            SlaMetric::P95 { .. } | SlaMetric::P99 { .. } => true,
            SlaMetric::SuccessRate { .. } => false,
        }
    }

    /// Whether the measurement misses the target.
    pub fn violated(self) -> bool {
        match self {
            SlaMetric::P95 { target, actual } | SlaMetric::P99 { target, actual } => actual > target,
            SlaMetric::SuccessRate { target, actual } => actual < target,
        }
    }
}

/// What happened on the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Trouble {
    /// See [`EventType::ProviderUnhealthy`].
    ProviderUnhealthy {
        /// The failing provider.
        provider: ProviderId,
        /// Where it was seen.
        model_group: Option<ModelGroupId>,
        /// Failed share of its requests.
        error_rate: Ppm,
        /// Requests in the window.
        requests: u64,
        /// The window, seconds, where the sender says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window_s: Option<u64>,
    },
    /// See [`EventType::BudgetExceeded`].
    BudgetExceeded {
        /// Whose budget.
        owner: Spender,
        /// Soft or hard.
        kind: BudgetKind,
        /// Spent in the period, USD.
        spend: Micros,
        /// The limit crossed, USD.
        limit: Micros,
        /// The period, where the sender says one of these; a budget may also never start again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        period: Option<Period>,
    },
    /// See [`EventType::SlaViolation`].
    SlaViolation {
        /// The contract.
        sla: SlaId,
        /// Its measurement.
        measured: SlaMetric,
        /// The window, seconds, where the sender says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window_s: Option<u64>,
        /// The provider it is about, where the contract names one.
        provider: Option<ProviderId>,
        /// The model group it is about, where the contract names one.
        model_group: Option<ModelGroupId>,
        /// The guardrail that slows or refuses its traffic, where the gateway says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guardrail: Option<GuardrailId>,
    },
    /// See [`EventType::LatencySpike`].
    LatencySpike {
        /// The slow provider.
        provider: ProviderId,
        /// Where it was seen.
        model_group: Option<ModelGroupId>,
        /// Latency now, ms.
        current_ms: u64,
        /// Median of the last hour, ms.
        median_1h_ms: u64,
        /// The guardrail that the time goes into, where the gateway says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guardrail: Option<GuardrailId>,
    },
}

/// One incident event, read and within its ranges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The sender's id.
    pub event_id: EventId,
    /// When it happened, as the sender says; absent where it does not say.
    pub occurred_at: Option<Timestamp>,
    /// The organisation.
    pub org: OrgId,
    /// The team most concerned.
    pub team: Option<TeamId>,
    /// How bad; `warning` where the sender does not say.
    pub severity: Severity,
    /// What happened.
    pub trouble: Trouble,
}

impl Event {
    /// The detail-type it came as.
    pub fn event_type(&self) -> EventType {
        match self.trouble {
            Trouble::ProviderUnhealthy { .. } => EventType::ProviderUnhealthy,
            Trouble::BudgetExceeded { .. } => EventType::BudgetExceeded,
            Trouble::SlaViolation { .. } => EventType::SlaViolation,
            Trouble::LatencySpike { .. } => EventType::LatencySpike,
        }
    }

    /// What the event is about: the provider, for a spike with its model group, whose remedy is the group's; the spender with
    /// the sort of limit; or the contract. A soft limit's proposal must not swallow the hard limit's event that follows.
    pub fn subject(&self) -> String {
        match &self.trouble {
            Trouble::LatencySpike {
                provider,
                model_group: Some(group),
                ..
            } => format!("{provider}/{group}"),
            Trouble::ProviderUnhealthy { provider, .. } | Trouble::LatencySpike { provider, .. } => {
                provider.to_string()
            }
            Trouble::BudgetExceeded { owner, kind, .. } => format!("{owner}/{}", kind.name()),
            Trouble::SlaViolation { sla, .. } => sla.to_string(),
        }
    }

    /// The provider the event names, if it names one.
    pub fn provider(&self) -> Option<&ProviderId> {
        match &self.trouble {
            Trouble::ProviderUnhealthy { provider, .. } | Trouble::LatencySpike { provider, .. } => {
                Some(provider)
            }
            Trouble::SlaViolation { provider, .. } => provider.as_ref(),
            Trouble::BudgetExceeded { .. } => None,
        }
    }

    /// The model group the event names, if it names one.
    pub fn model_group(&self) -> Option<&ModelGroupId> {
        match &self.trouble {
            Trouble::ProviderUnhealthy { model_group, .. }
            | Trouble::LatencySpike { model_group, .. }
            | Trouble::SlaViolation { model_group, .. } => model_group.as_ref(),
            Trouble::BudgetExceeded { .. } => None,
        }
    }

    /// The guardrail the event names, if it names one.
    pub fn guardrail(&self) -> Option<&GuardrailId> {
        match &self.trouble {
            Trouble::SlaViolation { guardrail, .. } | Trouble::LatencySpike { guardrail, .. } => {
                guardrail.as_ref()
            }
            Trouble::ProviderUnhealthy { .. } | Trouble::BudgetExceeded { .. } => None,
        }
    }

    /// The hash of event type and subject. The gateway knows each subject by its own name, so that one trouble is one for
    /// whichever organisation it is reported.
    pub fn fingerprint(&self) -> Fingerprint {
        let (about, group) = match &self.trouble {
            Trouble::LatencySpike {
                provider,
                model_group,
                ..
            } => (
                provider.to_string(),
                model_group.as_ref().map_or("", ModelGroupId::as_str),
            ),
            Trouble::ProviderUnhealthy { .. }
            | Trouble::BudgetExceeded { .. }
            | Trouble::SlaViolation { .. } => (self.subject(), ""),
        };
        // The gateway knows each of its own subjects by one name. Two organisations may each have another spender of one.
        let is_other =
            matches!(&self.trouble, Trouble::BudgetExceeded { owner, .. } if owner.owner().is_none());
        let org = if is_other { self.org.as_str() } else { "" };
        self.fingerprint_in(org, &about, group)
    }

    fn fingerprint_in(&self, org: &str, about: &str, group: &str) -> Fingerprint {
        let fields = [org, self.event_type().name(), about, group].map(str::as_bytes);
        Fingerprint::of(&Digest::of_fields("sre-agent/fingerprint/2", fields))
    }

    /// The fingerprints that older records name: first with the organisation in each, and without the group; then without
    /// the organisation of anybody.
    pub fn former_fingerprints(&self) -> [Fingerprint; 2] {
        let about = match &self.trouble {
            Trouble::ProviderUnhealthy { provider, .. } | Trouble::LatencySpike { provider, .. } => {
                provider.to_string()
            }
            Trouble::BudgetExceeded { .. } | Trouble::SlaViolation { .. } => self.subject(),
        };
        let fields = [self.org.as_str(), self.event_type().name(), &about].map(str::as_bytes);
        let first = Fingerprint::of(&Digest::of_fields("sre-agent/fingerprint/1", fields));
        [first, self.fingerprint_in("", &about, "")]
    }

    /// The digest of all that it says: two deliveries of one event have the same.
    pub fn content(&self) -> Digest {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Digest::of_fields("sre-agent/event/1", [text.as_slice()])
    }

    /// When it happened, held to the hour before it was received; the receipt where it does not say.
    pub fn occurred_at(&self, received_at: Timestamp) -> Timestamp {
        let earliest = received_at.minus_seconds(3600);
        self.occurred_at
            .map_or(received_at, |at| at.clamp(earliest, received_at))
    }

    /// How the event contradicts its own definition, if it does.
    pub fn contradiction(&self) -> Option<String> {
        match &self.trouble {
            Trouble::ProviderUnhealthy {
                error_rate, requests, ..
            } => {
                if *error_rate <= UNHEALTHY_ABOVE {
                    Some(format!(
                        "an error rate of {error_rate} is not above {UNHEALTHY_ABOVE}"
                    ))
                } else if *requests < UNHEALTHY_REQUESTS {
                    Some(format!("{requests} requests are fewer than {UNHEALTHY_REQUESTS}"))
                } else {
                    None
                }
            }
            Trouble::BudgetExceeded {
                kind, spend, limit, ..
            } => {
                let crossed = match kind {
                    BudgetKind::Soft => spend > limit,
                    BudgetKind::Hard => spend >= limit,
                };
                (!crossed).then(|| format!("{spend} USD spent do not cross the limit of {limit} USD"))
            }
            Trouble::SlaViolation { measured, .. } => {
                (!measured.violated()).then(|| format!("the measured {} meets its target", measured.name()))
            }
            Trouble::LatencySpike {
                current_ms,
                median_1h_ms,
                ..
            } => {
                let spikes = *current_ms > median_1h_ms.saturating_mul(SPIKE_FACTOR);
                (!spikes).then(|| {
                    format!("{current_ms} ms are not above {SPIKE_FACTOR} × the median of {median_1h_ms} ms")
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
