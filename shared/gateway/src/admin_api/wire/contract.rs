//! A contract in the inventory: what it is about, its target and its measurement.

use domain::incident::SlaMetric;
use domain::inventory::Contract;
use domain::value::{ModelGroupId, ProviderId, SlaId};
use serde::Deserialize;

use super::{BadReply, ppm};

#[derive(Debug, Deserialize)]
pub(super) struct Body {
    id: SlaId,
    enabled: bool,
    /// Absent, or null: all of them.
    #[serde(default)]
    provider: Option<ProviderId>,
    /// The same.
    #[serde(default)]
    model_group: Option<ModelGroupId>,
    metric: Metric,
    target: u32,
    #[serde(deserialize_with = "Option::deserialize")]
    actual: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Metric {
    P95,
    P99,
    SuccessRate,
}

/// A contract as the gateway tells of it.
pub(super) fn read(field: &str, body: Body) -> Result<Contract, BadReply> {
    let measured = body.actual.map(|actual| {
        let latency = (u64::from(body.target), u64::from(actual));
        Ok(match (body.metric, latency) {
            (Metric::P95, (target, actual)) => SlaMetric::P95 { target, actual },
            (Metric::P99, (target, actual)) => SlaMetric::P99 { target, actual },
            (Metric::SuccessRate, _) => SlaMetric::SuccessRate {
                target: ppm(&format!("{field}.target"), body.target)?,
                actual: ppm(&format!("{field}.actual"), actual)?,
            },
        })
    });
    Ok(Contract {
        id: body.id,
        enabled: body.enabled,
        provider: body.provider,
        model_group: body.model_group,
        measured: measured.transpose()?,
    })
}
