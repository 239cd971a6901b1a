//! How bad a trouble is, so that one report can be called worse than another.

use serde::{Deserialize, Serialize};

use super::{Event, Severity, SlaMetric, Trouble};
use crate::value::Ppm;

/// So many times as much is worse.
const WORSE_FROM: u64 = 2;

/// What is measured of a trouble. Different ones cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Failed share of the requests, parts per million.
    FailedPpm,
    /// Latency, ms.
    LatencyMs,
    /// Money spent, micro-dollars.
    SpentMicros,
}

/// How bad a trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Badness {
    /// In the sender's words.
    pub severity: Severity,
    /// What is measured.
    pub measure: Measure,
    /// Its value: more is worse.
    pub value: u64,
}

impl Badness {
    /// What the event says.
    pub fn of(event: &Event) -> Self {
        let (measure, value) = match &event.trouble {
            Trouble::ProviderUnhealthy { error_rate, .. } => (Measure::FailedPpm, u64::from(error_rate.0)),
            Trouble::LatencySpike { current_ms, .. } => (Measure::LatencyMs, *current_ms),
            Trouble::BudgetExceeded { spend, .. } => (Measure::SpentMicros, spend.0),
            Trouble::SlaViolation { measured, .. } => measured_badly(*measured),
        };
        Self {
            severity: event.severity,
            measure,
            value,
        }
    }

    /// The same, believed only as far as the gateway measures it.
    pub fn as_measured(self, measured: Option<(Measure, u64)>) -> Self {
        match measured {
            Some((measure, value)) if measure == self.measure => Self {
                value: self.value.min(value),
                ..self
            },
            Some(_) | None => self,
        }
    }

    /// Whether it is worse than another: of a higher severity, or twice as much.
    pub fn is_worse_than(self, other: Self) -> bool {
        let twice = self.measure == other.measure
            && other.value > 0
            && self.value >= other.value.saturating_mul(WORSE_FROM);
        self.severity > other.severity || twice
    }

    /// The worst of two of which either may not be known.
    pub fn worst_of(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.worst(other)),
            (known, None) | (None, known) => known,
        }
    }

    /// The worst of two: the higher severity and, where they can be compared, the higher value.
    pub fn worst(self, other: Self) -> Self {
        let value = match self.measure == other.measure {
            true => self.value.max(other.value),
            false => self.value,
        };
        Self {
            severity: self.severity.max(other.severity),
            value,
            ..self
        }
    }
}

/// A contract's measurement as badness.
pub(crate) fn measured_badly(metric: SlaMetric) -> (Measure, u64) {
    match metric {
        SlaMetric::P95 { actual, .. } | SlaMetric::P99 { actual, .. } => (Measure::LatencyMs, actual),
        SlaMetric::SuccessRate { actual, .. } => {
            let failed = Ppm::ONE.0.saturating_sub(actual.0);
            (Measure::FailedPpm, u64::from(failed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_a_higher_severity_or_twice_as_much() {
        let of = |severity, value| Badness {
            severity,
            measure: Measure::FailedPpm,
            value,
        };
        let (warning, critical) = (Severity::Warning, Severity::Critical);
        for (one, other, worse) in [
            (of(critical, 1), of(warning, 900_000), true),
            (of(warning, 520_000), of(warning, 260_000), true),
            (of(warning, 519_999), of(warning, 260_000), false),
            (of(warning, 900_000), of(critical, 260_000), true),
            (of(warning, 5), of(warning, 0), false),
            (of(warning, 260_000), of(warning, 260_000), false),
        ] {
            assert_eq!(one.is_worse_than(other), worse, "{one:?} {other:?}");
            assert!(!one.worst(other).worst(one).is_worse_than(one.worst(other)));
        }
        let slow = Badness {
            measure: Measure::LatencyMs,
            ..of(warning, u64::MAX)
        };
        assert!(!slow.is_worse_than(of(warning, 1)), "they cannot be compared");
    }

    #[test]
    fn what_the_sender_says_counts_as_far_as_the_gateway_measures_it() {
        let claimed = Badness {
            severity: Severity::Critical,
            measure: Measure::FailedPpm,
            value: 1_000_000,
        };
        let seen = claimed.as_measured(Some((Measure::FailedPpm, 300_000)));
        assert_eq!(seen.value, 300_000);
        assert_eq!(claimed.as_measured(Some((Measure::LatencyMs, 3))), claimed);
        assert_eq!(claimed.as_measured(None), claimed);
    }
}
