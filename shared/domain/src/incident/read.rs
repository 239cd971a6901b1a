//! Reading an event: strict where something depends on the field, tolerant where it only informs. Every complaint names
//! its field, and says what became of it or what would be right. `infra/docs/events.md` is the table of it.

use std::str::FromStr;

use serde_json::Value;

use super::fields::{Fields, shown};
use super::{BudgetKind, Event, EventType, Period, Severity, SlaMetric, Trouble, vocabulary};
use crate::value::{Digest, EventId, Spender, Timestamp, shorten};

/// The version of `detail` that this agent reads.
pub const VERSION: u64 = 1;

/// What is wrong with a field of an event: why it cannot be read, or how it was read nevertheless.
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

/// An event as read, and what was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The event.
    pub event: Event,
    /// Each field that was left out or taken for what it must mean, at most one complaint a field.
    pub complaints: Vec<Malformed>,
}

impl Event {
    /// [`Event::read`] without the complaints, and without the envelope.
    pub fn parse(detail_type: &str, detail: &Value) -> Result<Self, Malformed> {
        Self::read(detail_type, detail, None).map(|reading| reading.event)
    }

    /// Reads the `detail` of a bus event, with the bus's own id of it, or names the first field without which it is no
    /// incident and that is missing, of another type or out of range. Fields that this version does not know are ignored.
    pub fn read(detail_type: &str, detail: &Value, bus_id: Option<&str>) -> Result<Reading, Malformed> {
        let event_type: EventType = detail_type.parse()?;
        let Value::Object(_) = detail else {
            return Err(Malformed::new("detail", "is not a JSON object"));
        };
        let mut fields = Fields::of(detail);
        version(&mut fields)?;
        let event = Event {
            event_id: event_id(&mut fields, bus_id),
            occurred_at: fields.optional("occurred_at", |text| {
                text.parse::<Timestamp>().map_err(|err| err.to_string())
            }),
            org: fields.name("org_id")?,
            team: fields.optional_name("team_id"),
            severity: severity(&mut fields),
            trouble: Trouble::read(event_type, &mut fields)?,
        };
        Ok(Reading {
            event,
            complaints: fields.into_complaints(),
        })
    }
}

/// A day in ms: no latency is longer.
const MAX_LATENCY_MS: u64 = 86_400_000;
/// A day in seconds: no window is longer.
const MAX_WINDOW_S: u64 = 86_400;
/// A million million: no gateway counts more requests in a window.
const MAX_REQUESTS: u64 = 1_000_000_000_000;

impl Trouble {
    fn read(event_type: EventType, fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        Ok(match event_type {
            EventType::ProviderUnhealthy => Trouble::ProviderUnhealthy {
                provider: fields.name("provider")?,
                model_group: fields.optional_name("model_group"),
                error_rate: fields.fraction("error_rate")?,
                requests: fields.integer("requests", 0, MAX_REQUESTS)?,
                window_s: fields.optional_integer("window_s", 1, MAX_WINDOW_S),
            },
            EventType::BudgetExceeded => Trouble::BudgetExceeded {
                owner: spender(fields)?,
                kind: kind(fields)?,
                spend: fields.money("spend")?,
                limit: fields.money("limit")?,
                period: period(fields),
            },
            EventType::SlaViolation => Trouble::SlaViolation {
                sla: fields.name("sla_id")?,
                measured: measured(fields)?,
                window_s: fields.optional_integer("window_s", 1, MAX_WINDOW_S),
                provider: fields.optional_name("provider"),
                model_group: fields.optional_name("model_group"),
                guardrail: fields.optional_name("guardrail"),
            },
            EventType::LatencySpike => Trouble::LatencySpike {
                provider: fields.name("provider")?,
                model_group: fields.optional_name("model_group"),
                current_ms: fields.integer("current_ms", 0, MAX_LATENCY_MS)?,
                median_1h_ms: fields.integer("median_1h_ms", 1, MAX_LATENCY_MS)?,
                guardrail: fields.optional_name("guardrail"),
            },
        })
    }
}

/// Another version may mean something else by each field.
fn version(fields: &mut Fields<'_>) -> Result<(), Malformed> {
    let Some(value) = fields.value("version") else {
        fields.complain("version", format!("is missing: read as version {VERSION}"));
        return Ok(());
    };
    let is_ours = |text: &str| text.parse::<f64>() == Ok(VERSION as f64);
    match value {
        Value::Number(number) if is_ours(&number.to_string()) => {}
        Value::String(text) if is_ours(text) => {
            fields.complain(
                "version",
                format!("{} is read as version {VERSION}", shown(value)),
            );
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            let problem = format!("{} is unknown: this agent reads version {VERSION}", shown(value));
            return Err(Fields::bad("version", problem));
        }
    }
    Ok(())
}

/// The sender's id. Where it has none that is a name, the bus's: every delivery of one event carries the same. Where
/// there is neither, it is the event's content.
fn event_id(fields: &mut Fields<'_>, bus_id: Option<&str>) -> EventId {
    let problem = match fields.name("event_id") {
        Ok(id) => return id,
        Err(malformed) => malformed.problem,
    };
    let id = bus_id.and_then(|id| id.parse().ok()).unwrap_or_else(|| {
        let content = Digest::of_fields("sre-agent/event-id/1", [fields.content().as_bytes()]);
        EventId::of_content(&content)
    });
    fields.complain(
        "event_id",
        format!("{problem}: taken as \"{}\"", shorten(id.as_str())),
    );
    id
}

/// How bad; a warning where it does not say, or in no words that are known.
fn severity(fields: &mut Fields<'_>) -> Severity {
    let Some(value) = fields.value("severity") else {
        return Severity::Warning;
    };
    let word = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let ours = [Severity::Info, Severity::Warning, Severity::Critical];
    if let Some(severity) = ours
        .into_iter()
        .find(|severity| Some(severity.name()) == value.as_str())
    {
        return severity;
    }
    let known = vocabulary::severity(&word);
    let taken = known.unwrap_or(Severity::Warning);
    let problem = match known {
        Some(_) => format!("{} is taken as {}", shown(value), taken.name()),
        None => format!(
            "{} is not info, warning or critical: taken as {}",
            shown(value),
            taken.name()
        ),
    };
    fields.complain("severity", problem);
    taken
}

/// Whose budget it is.
fn spender(fields: &mut Fields<'_>) -> Result<Spender, Malformed> {
    let written = fields.text("scope")?;
    let lower = written.to_ascii_lowercase();
    let scope = match lower.as_str() {
        "organization" | "organisation" => "org",
        other => other,
    };
    let (id, was_number) = fields.name_text("scope_id")?;
    // Which of the two is wrong, a good id tells.
    let spender = Spender::parse(scope, &id).map_err(|err| match Spender::parse(scope, "id") {
        Ok(_) => Fields::bad("scope_id", err.to_string()),
        Err(err) => Fields::bad("scope", format!("\"{}\" {err}", shorten(written))),
    })?;
    if scope != written {
        fields.complain("scope", format!("\"{}\" is taken as {scope}", shorten(written)));
    }
    if was_number {
        fields.complain("scope_id", format!("{id} is taken as \"{id}\""));
    }
    Ok(spender)
}

/// Whether the limit warns or refuses: another trouble each.
fn kind(fields: &mut Fields<'_>) -> Result<BudgetKind, Malformed> {
    let written = fields.text("kind")?;
    let kind = match written.trim().to_ascii_lowercase().as_str() {
        "soft" => BudgetKind::Soft,
        "hard" => BudgetKind::Hard,
        _ => {
            let problem = format!("\"{}\" is not soft or hard", shorten(written));
            return Err(Fields::bad("kind", problem));
        }
    };
    if written != kind.name() {
        fields.complain(
            "kind",
            format!("\"{}\" is taken as {}", shorten(written), kind.name()),
        );
    }
    Ok(kind)
}

/// How often the budget starts again; nothing depends on it.
fn period(fields: &mut Fields<'_>) -> Option<Period> {
    let Some(value) = fields.value("period") else {
        return fields.left_out("period", "is missing");
    };
    let known = value.as_str().and_then(vocabulary::period);
    match known {
        Some(period) if Some(period.name()) == value.as_str() => {}
        Some(period) => fields.complain(
            "period",
            format!("{} is taken as {}", shown(value), period.name()),
        ),
        None => {
            let problem = format!("{} is not daily, weekly or monthly", shown(value));
            return fields.left_out("period", &problem);
        }
    }
    known
}

/// A contract's metric with its target and what was measured.
fn measured(fields: &mut Fields<'_>) -> Result<SlaMetric, Malformed> {
    let written = fields.text("metric")?;
    let metric = written.trim().to_ascii_lowercase();
    let measured = match metric.as_str() {
        "p95" => SlaMetric::P95 {
            target: fields.integer("target", 1, MAX_LATENCY_MS)?,
            actual: fields.integer("actual", 0, MAX_LATENCY_MS)?,
        },
        "p99" => SlaMetric::P99 {
            target: fields.integer("target", 1, MAX_LATENCY_MS)?,
            actual: fields.integer("actual", 0, MAX_LATENCY_MS)?,
        },
        "success_rate" => SlaMetric::SuccessRate {
            target: fields.fraction("target")?,
            actual: fields.fraction("actual")?,
        },
        _ => {
            let problem = format!("\"{}\" is not p95, p99 or success_rate", shorten(written));
            return Err(Fields::bad("metric", problem));
        }
    };
    if metric != written {
        fields.complain("metric", format!("\"{}\" is taken as {metric}", shorten(written)));
    }
    Ok(measured)
}
