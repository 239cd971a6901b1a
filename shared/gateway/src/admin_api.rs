//! The gateway behind our admin API, reading.

use async_trait::async_trait;
use domain::event::SlaMetric;
use domain::inventory::{self, Inventory};
use domain::ports::{Gateway, Unavailable};
use domain::target::{BudgetOwner, Setting, Target};
use domain::units::{Micros, Ppm};

use crate::http::{BadUrl, Connection};
use crate::wire;

const SERVICE: &str = "the gateway";

/// The reading half of the admin API.
#[derive(Debug, Clone)]
pub struct AdminApi {
    connection: Connection,
}

impl AdminApi {
    /// The admin API at a base URL, with a token that may read.
    pub fn new(base_url: &str, token: &str) -> Result<Self, BadUrl> {
        Ok(Self {
            connection: Connection::new(base_url, token)?,
        })
    }

    /// One target's value now.
    pub async fn read(&self, target: &Target) -> Result<Setting, Unavailable> {
        let value: Result<wire::Value, _> = self.connection.get(&wire::path(target)).await;
        value
            .map(Setting::from)
            .map_err(|err| Unavailable::new(SERVICE, format_args!("{target}: {err}")))
    }
}

#[async_trait]
impl Gateway for AdminApi {
    async fn inventory(&self) -> Result<Inventory, Unavailable> {
        let read: wire::Inventory = self
            .connection
            .get("admin/v1/inventory")
            .await
            .map_err(|err| Unavailable::new(SERVICE, err))?;
        let budgets = read.budgets.into_iter().map(budget).collect::<Result<_, _>>()?;
        Ok(Inventory {
            read_at: read.read_at,
            providers: read.providers.into_iter().map(provider).collect(),
            model_groups: read.model_groups.into_iter().map(model_group).collect(),
            teams: read.teams.into_iter().map(team).collect(),
            budgets,
            guardrails: read
                .guardrails
                .into_iter()
                .map(|guardrail| inventory::Guardrail {
                    id: guardrail.id,
                    enabled: guardrail.enabled,
                })
                .collect(),
            contracts: read.sla_contracts.into_iter().map(contract).collect(),
        })
    }
}

fn provider(read: wire::Provider) -> inventory::Provider {
    inventory::Provider {
        id: read.id,
        blocked: read.blocked,
        requests: read.requests,
        error_rate: read.error_rate_ppm,
        window_s: read.window_s,
        latency_p50_ms: read.latency_p50_ms,
        median_1h_ms: read.median_1h_ms,
    }
}

fn model_group(mut read: wire::ModelGroup) -> inventory::ModelGroup {
    read.routes.sort();
    inventory::ModelGroup {
        id: read.id,
        routes: read.routes,
    }
}

fn team(read: wire::Team) -> inventory::Team {
    inventory::Team {
        id: read.id,
        rpm: read.rpm,
        tpm: read.tpm,
        requests_5m: read.requests_5m,
        critical: read.tier == wire::TeamTier::Critical,
        model_groups: read.model_groups,
    }
}

fn budget(read: wire::Budget) -> Result<inventory::Budget, Unavailable> {
    let owner = BudgetOwner::parse(&read.scope, &read.id)
        .map_err(|err| Unavailable::new(SERVICE, format_args!("a budget's owner {err}")))?;
    Ok(inventory::Budget {
        owner,
        soft_cap: read.soft_cap_micros.map(Micros),
        hard_cap: Micros(read.hard_cap_micros),
        spend: Micros(read.spend_micros),
    })
}

fn contract(read: wire::Contract) -> inventory::Contract {
    let ppm = |value: u64| Ppm(u32::try_from(value).unwrap_or(u32::MAX).min(Ppm::ONE.0));
    let target = read.target;
    let measured = read.actual.map(|actual| match read.metric {
        wire::Metric::P95 => SlaMetric::P95 { target, actual },
        wire::Metric::P99 => SlaMetric::P99 { target, actual },
        wire::Metric::SuccessRate => SlaMetric::SuccessRate {
            target: ppm(target),
            actual: ppm(actual),
        },
    });
    inventory::Contract {
        id: read.id,
        enabled: read.enabled,
        measured,
    }
}
