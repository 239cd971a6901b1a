//! The four incident events: their fields, units, validation, and whether they contradict themselves.
//!
//! | detail-type | fires |
//! | --- | --- |
//! | `provider.unhealthy` | error rate above 25 % over at least 5 requests |
//! | `budget.exceeded` | spend above a soft limit, or at or above a hard one |
//! | `sla.violation` | a latency above its target, or a success rate below it |
//! | `latency.spike` | latency above three times the one-hour median |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::ids::{BadId, EventId, Fingerprint, ModelGroupId, OrgId, ProviderId, SlaId, TeamId};
use crate::target::BudgetOwner;
use crate::time::Timestamp;
use crate::units::{Micros, Ppm};

/// The version of `detail` that this agent reads.
pub const VERSION: u64 = 1;

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
    /// A team or organisation spent its budget.
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

impl FromStr for EventType {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        EventType::ALL
            .into_iter()
            .find(|event_type| event_type.name() == text)
            .ok_or_else(|| {
                let known = EventType::ALL.map(EventType::name).join(", ");
                Malformed::new(
                    "detail-type",
                    format!("\"{}\" is not one of {known}", shorten(text)),
                )
            })
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
        /// The window, seconds.
        window_s: u64,
    },
    /// See [`EventType::BudgetExceeded`].
    BudgetExceeded {
        /// Whose budget.
        owner: BudgetOwner,
        /// Soft or hard.
        kind: BudgetKind,
        /// Spent in the period, USD.
        spend: Micros,
        /// The limit crossed, USD.
        limit: Micros,
        /// The period.
        period: Period,
    },
    /// See [`EventType::SlaViolation`].
    SlaViolation {
        /// The contract.
        sla: SlaId,
        /// Its measurement.
        measured: SlaMetric,
        /// The window, seconds.
        window_s: u64,
        /// The provider it is about, where the contract names one.
        provider: Option<ProviderId>,
        /// The model group it is about, where the contract names one.
        model_group: Option<ModelGroupId>,
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

/// Why an event cannot be read: which field, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Malformed {
    /// The field, as the sender names it.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Malformed {
    /// A complaint about a field.
    pub fn new(field: &str, problem: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            problem: problem.into(),
        }
    }
}

impl Event {
    /// Reads the `detail` of a bus event, or names the first field that is missing, of another type or
    /// out of range. Fields that this version does not know are ignored.
    pub fn parse(detail_type: &str, detail: &Value) -> Result<Self, Malformed> {
        let event_type: EventType = detail_type.parse()?;
        let Value::Object(_) = detail else {
            return Err(Malformed::new("detail", "is not a JSON object"));
        };
        let read = Fields(detail);
        match read.integer("version", 0, u64::MAX)? {
            VERSION => {}
            other => {
                return Err(Malformed::new(
                    "detail.version",
                    format!("{other} is unknown: this agent reads version {VERSION}"),
                ));
            }
        }
        Ok(Event {
            event_id: read.name("event_id")?,
            occurred_at: read.optional("occurred_at", |text| {
                text.parse::<Timestamp>().map_err(|err| err.to_string())
            })?,
            org: read.name("org_id")?,
            team: read.optional_name("team_id")?,
            severity: read.optional_choice("severity")?.unwrap_or(Severity::Warning),
            trouble: Trouble::parse(event_type, &read)?,
        })
    }

    /// The detail-type it came as.
    pub fn event_type(&self) -> EventType {
        match self.trouble {
            Trouble::ProviderUnhealthy { .. } => EventType::ProviderUnhealthy,
            Trouble::BudgetExceeded { .. } => EventType::BudgetExceeded,
            Trouble::SlaViolation { .. } => EventType::SlaViolation,
            Trouble::LatencySpike { .. } => EventType::LatencySpike,
        }
    }

    /// What the event is about: the provider, the team or organisation with the sort of limit, or the contract.
    /// Never the model group. A soft limit's proposal must not swallow the hard limit's event that follows.
    pub fn subject(&self) -> String {
        match &self.trouble {
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

    /// The hash of organisation, event type and subject.
    pub fn fingerprint(&self) -> Fingerprint {
        let subject = self.subject();
        let fields = [self.org.as_str(), self.event_type().name(), &subject];
        Fingerprint::of(&Digest::of_fields(
            "sre-agent/fingerprint/1",
            fields.map(str::as_bytes),
        ))
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

/// Ten minutes in ms: no request takes longer.
const MAX_LATENCY_MS: u64 = 600_000;
/// A day in seconds: no window is longer.
const MAX_WINDOW_S: u64 = 86_400;

impl Trouble {
    fn parse(event_type: EventType, read: &Fields<'_>) -> Result<Self, Malformed> {
        Ok(match event_type {
            EventType::ProviderUnhealthy => Trouble::ProviderUnhealthy {
                provider: read.name("provider")?,
                model_group: read.optional_name("model_group")?,
                error_rate: read.fraction("error_rate")?,
                requests: read.integer("requests", 0, 1_000_000_000_000)?,
                window_s: read.integer("window_s", 1, MAX_WINDOW_S)?,
            },
            EventType::BudgetExceeded => Trouble::BudgetExceeded {
                owner: BudgetOwner::parse(read.text("scope")?, read.text("scope_id")?).map_err(|err| {
                    Malformed::new("detail.scope", format!("scope and scope_id name {err}"))
                })?,
                kind: read.choice("kind")?,
                spend: read.money("spend")?,
                limit: read.money("limit")?,
                period: read.choice("period")?,
            },
            EventType::SlaViolation => Trouble::SlaViolation {
                sla: read.name("sla_id")?,
                measured: match read.text("metric")? {
                    "p95" => SlaMetric::P95 {
                        target: read.integer("target", 1, MAX_LATENCY_MS)?,
                        actual: read.integer("actual", 0, MAX_LATENCY_MS)?,
                    },
                    "p99" => SlaMetric::P99 {
                        target: read.integer("target", 1, MAX_LATENCY_MS)?,
                        actual: read.integer("actual", 0, MAX_LATENCY_MS)?,
                    },
                    "success_rate" => SlaMetric::SuccessRate {
                        target: read.fraction("target")?,
                        actual: read.fraction("actual")?,
                    },
                    other => {
                        let problem = format!("\"{}\" is not p95, p99 or success_rate", shorten(other));
                        return Err(Malformed::new("detail.metric", problem));
                    }
                },
                window_s: read.integer("window_s", 1, MAX_WINDOW_S)?,
                provider: read.optional_name("provider")?,
                model_group: read.optional_name("model_group")?,
            },
            EventType::LatencySpike => Trouble::LatencySpike {
                provider: read.name("provider")?,
                model_group: read.optional_name("model_group")?,
                current_ms: read.integer("current_ms", 0, MAX_LATENCY_MS)?,
                median_1h_ms: read.integer("median_1h_ms", 1, MAX_LATENCY_MS)?,
            },
        })
    }
}

/// Typed access to the fields of `detail`; every complaint names its field.
struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    fn bad(field: &str, problem: impl Into<String>) -> Malformed {
        Malformed::new(&format!("detail.{field}"), problem)
    }

    fn value(&self, field: &str) -> Option<&'a Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    fn required(&self, field: &str) -> Result<&'a Value, Malformed> {
        self.value(field).ok_or_else(|| Self::bad(field, "is missing"))
    }

    fn text(&self, field: &str) -> Result<&'a str, Malformed> {
        self.required(field)?
            .as_str()
            .ok_or_else(|| Self::bad(field, "is not a string"))
    }

    fn optional<T>(
        &self,
        field: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Malformed> {
        if self.value(field).is_none() {
            return Ok(None);
        }
        parse(self.text(field)?)
            .map(Some)
            .map_err(|problem| Self::bad(field, problem))
    }

    fn name<T: FromStr<Err = BadId>>(&self, field: &str) -> Result<T, Malformed> {
        self.text(field)?
            .parse()
            .map_err(|err: BadId| Self::bad(field, err.to_string()))
    }

    fn optional_name<T: FromStr<Err = BadId>>(&self, field: &str) -> Result<Option<T>, Malformed> {
        self.optional(field, |text| text.parse().map_err(|err: BadId| err.to_string()))
    }

    fn choice<T: serde::de::DeserializeOwned>(&self, field: &str) -> Result<T, Malformed> {
        let text = self.text(field)?;
        serde_json::from_value(Value::from(text)).map_err(|err| {
            // The error quotes the whole text as it is.
            let short = shorten(text);
            let err = err
                .to_string()
                .replacen(&format!("`{text}`"), &format!("`{short}`"), 1);
            Self::bad(field, format!("\"{short}\": {err}"))
        })
    }

    fn optional_choice<T: serde::de::DeserializeOwned>(&self, field: &str) -> Result<Option<T>, Malformed> {
        self.value(field).map(|_| self.choice(field)).transpose()
    }

    fn money(&self, field: &str) -> Result<Micros, Malformed> {
        let text = self.text(field).map_err(|_| match self.value(field) {
            Some(_) => Self::bad(field, "is not a decimal string such as \"120.50\""),
            None => Self::bad(field, "is missing"),
        })?;
        text.parse()
            .map_err(|err| Self::bad(field, format!("\"{}\" {err}", shorten(text))))
    }

    fn integer(&self, field: &str, least: u64, most: u64) -> Result<u64, Malformed> {
        let value = self.required(field)?;
        let number = value
            .as_u64()
            .or_else(|| whole(value.as_f64()?))
            .ok_or_else(|| Self::bad(field, "is not a whole number from 0"))?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(Self::bad(field, format!("{number} is not within {least}–{most}")))
        }
    }

    fn fraction(&self, field: &str) -> Result<Ppm, Malformed> {
        let value = self.required(field)?;
        let number = value
            .as_f64()
            .ok_or_else(|| Self::bad(field, "is not a number"))?;
        Ppm::from_fraction(number)
            .ok_or_else(|| Self::bad(field, format!("{number} is not a fraction within 0–1")))
    }
}

/// `300.0` is a whole number, too, to JSON Schema and to senders whose language has only one sort of number.
fn whole(number: f64) -> Option<u64> {
    /// Up to here an `f64` holds every whole number.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let is_whole = number.fract() == 0.0 && (0.0..=MOST).contains(&number);
    is_whole.then_some(number as u64)
}

/// The beginning of a text from outside, printable, for messages.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}

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
                write!(
                    f,
                    "provider {provider} fails {error_rate} of {requests} requests in {window_s} s"
                )
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
                write!(
                    f,
                    "{} {} spent {spend} USD of its {kind} limit of {limit} USD",
                    owner.scope(),
                    owner.id()
                )
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

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn unhealthy() -> Value {
        json!({"version": 1, "event_id": "e-1", "occurred_at": "2026-11-22T10:00:00Z", "org_id": "acme",
               "provider": "openai", "error_rate": 0.42, "requests": 50, "window_s": 300, "future_field": {}})
    }

    fn with(field: &str, value: Value) -> Value {
        let mut detail = unhealthy();
        detail[field] = value;
        detail
    }

    fn refused(detail: Value, expected: Expect) {
        expected.assert_eq(
            &Event::parse("provider.unhealthy", &detail)
                .unwrap_err()
                .to_string(),
        );
    }

    #[test]
    fn an_event_is_read_in_its_units() {
        let event = Event::parse("provider.unhealthy", &unhealthy()).unwrap();
        assert_eq!(event.contradiction(), None);
        assert_eq!(event.severity, Severity::Warning);
        expect!["provider openai fails 42.0 % of 50 requests in 300 s"].assert_eq(&event.to_string());
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
        let event = Event::parse("provider.unhealthy", &with("requests", json!(50.0))).unwrap();
        assert_eq!(event, Event::parse("provider.unhealthy", &unhealthy()).unwrap());
        for (number, told) in [
            (
                json!(50.5),
                expect!["detail.requests: is not a whole number from 0"],
            ),
            (
                json!(-1.0),
                expect!["detail.requests: is not a whole number from 0"],
            ),
            (
                json!(1e300),
                expect!["detail.requests: is not a whole number from 0"],
            ),
        ] {
            refused(with("requests", number), told);
        }
    }

    #[test]
    fn each_wrong_field_is_named_with_what_would_be_right() {
        refused(
            with("error_rate", json!(1.7)),
            expect!["detail.error_rate: 1.7 is not a fraction within 0–1"],
        );
        refused(
            with("error_rate", json!("0.4")),
            expect!["detail.error_rate: is not a number"],
        );
        refused(
            with("requests", json!(-1)),
            expect!["detail.requests: is not a whole number from 0"],
        );
        refused(
            with("window_s", json!(0)),
            expect!["detail.window_s: 0 is not within 1–86400"],
        );
        refused(
            with("provider", json!(null)),
            expect!["detail.provider: is missing"],
        );
        refused(
            with("provider", json!("a\u{7}")),
            expect!["detail.provider: holds a control character or surrounding white space"],
        );
        refused(
            with("version", json!(2)),
            expect!["detail.version: 2 is unknown: this agent reads version 1"],
        );
        refused(
            with("severity", json!("worst")),
            expect![[
                r#"detail.severity: "worst": unknown variant `worst`, expected one of `info`, `warning`, `critical`"#
            ]],
        );
        refused(
            with("severity", json!("worst\n\u{1b}[2J`bad`")),
            expect![[
                r#"detail.severity: "worst\n\u{1b}[2J`bad`": unknown variant `worst\n\u{1b}[2J`bad``, expected one of `info`, `warning`, `critical`"#
            ]],
        );
        let endless = Event::parse(
            "provider.unhealthy",
            &with("severity", json!("x".repeat(100_000))),
        );
        assert!(endless.unwrap_err().to_string().len() < 300);
        refused(
            with("occurred_at", json!("noon")),
            expect![
                "detail.occurred_at: is not an RFC 3339 instant with a UTC offset, such as 2026-11-22T10:00:00Z"
            ],
        );
        refused(json!([]), expect!["detail: is not a JSON object"]);
    }

    #[test]
    fn money_is_a_string_and_a_budget_has_an_owner() {
        let mut detail = json!({"version": 1, "event_id": "e", "org_id": "acme", "scope": "team", "scope_id": "payments",
                                "kind": "hard", "spend": "100.00", "limit": "100", "period": "monthly"});
        let event = Event::parse("budget.exceeded", &detail).unwrap();
        assert_eq!(
            event.contradiction(),
            None,
            "a hard limit is crossed when it is reached"
        );
        assert_eq!(event.subject(), "team/payments/hard");
        detail["spend"] = json!(100.0);
        expect![[r#"detail.spend: is not a decimal string such as "120.50""#]]
            .assert_eq(&Event::parse("budget.exceeded", &detail).unwrap_err().to_string());
        detail["spend"] = json!("100");
        detail["scope"] = json!("planet");
        expect!["detail.scope: scope and scope_id name is not a budget's scope: team or org"]
            .assert_eq(&Event::parse("budget.exceeded", &detail).unwrap_err().to_string());
    }

    #[test]
    fn the_boundary_itself_is_not_above_it() {
        let rate = |rate: f64, requests: u64| {
            let mut detail = with("error_rate", json!(rate));
            detail["requests"] = json!(requests);
            Event::parse("provider.unhealthy", &detail)
                .unwrap()
                .contradiction()
                .is_some()
        };
        assert!(rate(0.25, 5) && rate(0.9, 4) && rate(0.0, 500));
        assert!(!rate(0.250_001, 5));
    }

    #[test]
    fn the_model_group_does_not_make_another_trouble() {
        let (a, b) = (unhealthy(), with("model_group", json!("chat")));
        let fingerprint = |detail| Event::parse("provider.unhealthy", &detail).unwrap().fingerprint();
        assert_eq!(fingerprint(a), fingerprint(b));
        assert_ne!(
            fingerprint(unhealthy()),
            fingerprint(with("org_id", json!("other")))
        );
    }

    #[test]
    fn the_senders_clock_is_held_to_the_hour_before_receipt() {
        let received: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let at = |text: &str| {
            Event::parse("provider.unhealthy", &with("occurred_at", json!(text)))
                .unwrap()
                .occurred_at(received)
        };
        assert_eq!(at("2026-11-22T11:30:00Z").to_string(), "2026-11-22T11:30:00.000Z");
        assert_eq!(at("2020-01-01T00:00:00Z").to_string(), "2026-11-22T11:00:00.000Z");
        assert_eq!(at("2030-01-01T00:00:00Z"), received);
    }
}
