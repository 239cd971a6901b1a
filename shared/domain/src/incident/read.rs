//! Reading an event: every complaint names its field, and says what would be right.

use std::str::FromStr;

use serde_json::Value;

use super::{Event, EventType, Severity, SlaMetric, Trouble};
use crate::value::{BadId, BudgetOwner, Micros, Ppm, Timestamp, shorten};

/// The version of `detail` that this agent reads.
pub const VERSION: u64 = 1;

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
                guardrail: read.optional_name("guardrail")?,
            },
            EventType::LatencySpike => Trouble::LatencySpike {
                provider: read.name("provider")?,
                model_group: read.optional_name("model_group")?,
                current_ms: read.integer("current_ms", 0, MAX_LATENCY_MS)?,
                median_1h_ms: read.integer("median_1h_ms", 1, MAX_LATENCY_MS)?,
                guardrail: read.optional_name("guardrail")?,
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
