//! Whether a gateway shows what an event claims. What cannot be told is unknown, which is neither.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::{Contract, Inventory, Provider};
use crate::incident::{
    Badness, BudgetKind, Event, Measure, SPIKE_FACTOR, SlaMetric, Trouble, measured_badly,
};
use crate::value::{Micros, SlaId, Spender};

/// What the gateway itself says of the condition an event claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", content = "observed", rename_all = "snake_case")]
pub enum Condition {
    /// The gateway shows it, too.
    Confirmed(String),
    /// The gateway shows otherwise.
    Refuted(String),
    /// The gateway could not be asked, or does not tell: never a reason to act without a person, and never good news.
    Unreadable(String),
}

/// What is found of an event's claim.
enum Found {
    /// It is so.
    Holds(String),
    /// It is not so.
    Differs(String),
    /// The gateway has nothing of that name, though it has others of the kind. As absent; the sender may call it otherwise.
    Missing(String),
    /// It is switched off: who claims something of it is wrong, and who asks how it does learns nothing.
    Absent(String),
    /// There is nothing to judge by.
    Unmeasured(String),
}

impl Inventory {
    /// Whether the gateway shows what the event claims, as far as it belongs together there ([`Inventory::believe`]).
    pub fn condition(&self, event: &Event) -> Condition {
        match self.find(event) {
            Found::Holds(observed) => Condition::Confirmed(observed),
            Found::Differs(observed) | Found::Absent(observed) | Found::Missing(observed) => {
                Condition::Refuted(observed)
            }
            Found::Unmeasured(observed) => Condition::Unreadable(observed),
        }
    }

    /// Whether the gateway still shows it when something is to be done at last: what it does not have any more, or not by that
    /// name, is not known to have recovered.
    pub fn condition_still(&self, event: &Event) -> Condition {
        match self.missing_subject(event) {
            Some(missing) => Condition::Unreadable(missing),
            None => self.condition(event),
        }
    }

    /// Whether the gateway still shows it after something was done: what is not there any more has not recovered.
    pub fn condition_afterwards(&self, event: &Event) -> Condition {
        match self.find(event) {
            Found::Holds(observed) => Condition::Confirmed(observed),
            Found::Differs(observed) => Condition::Refuted(observed),
            Found::Absent(observed) | Found::Missing(observed) | Found::Unmeasured(observed) => {
                Condition::Unreadable(observed)
            }
        }
    }

    /// What the event measures, as the gateway measures it now; absent where it does not tell.
    pub fn measured(&self, event: &Event) -> Option<(Measure, u64)> {
        match &event.trouble {
            Trouble::ProviderUnhealthy { provider, .. } => {
                let provider = self.provider(provider).filter(|one| one.is_measured())?;
                Some((Measure::FailedPpm, u64::from(provider.error_rate.0)))
            }
            Trouble::LatencySpike { provider, .. } => {
                let provider = self.provider(provider).filter(|one| one.is_measured())?;
                Some((Measure::LatencyMs, provider.latency_p50_ms?))
            }
            Trouble::BudgetExceeded { owner, .. } => {
                Some((Measure::SpentMicros, self.budget(owner.owner()?)?.spend.0))
            }
            Trouble::SlaViolation { sla, measured, .. } => {
                let of_contract = self.contract(sla)?.measured?;
                (of_contract.name() == measured.name()).then(|| measured_badly(of_contract))
            }
        }
    }

    /// How bad what the event claims is as far as the gateway bears it out; absent where it does not.
    pub fn borne_out(&self, event: &Event) -> Option<Badness> {
        let confirmed = matches!(self.condition(event), Condition::Confirmed(_));
        confirmed.then(|| Badness::of(event).as_measured(self.measured(event)))
    }

    /// What of an event's subject the gateway does not have, though it has others of the kind. The sender may be wrong, or
    /// may call it by another name.
    pub fn missing_subject(&self, event: &Event) -> Option<String> {
        match self.find(event) {
            Found::Missing(observed) => Some(observed),
            Found::Holds(_) | Found::Differs(_) | Found::Absent(_) | Found::Unmeasured(_) => None,
        }
    }

    /// Whether the gateway may tell of what the event is about, now or later.
    pub fn could_tell(&self, event: &Event) -> bool {
        match &event.trouble {
            Trouble::BudgetExceeded { owner, .. } => owner.owner().is_some(),
            Trouble::SlaViolation { sla, measured, .. } => {
                let of_contract = self.contract(sla).and_then(|contract| contract.measured);
                of_contract.is_none_or(|one| one.name() == measured.name())
            }
            Trouble::LatencySpike {
                provider,
                model_group: Some(group),
                ..
            } => self.routes(group, provider),
            Trouble::ProviderUnhealthy { .. } | Trouble::LatencySpike { .. } => true,
        }
    }

    fn find(&self, event: &Event) -> Found {
        match &event.trouble {
            Trouble::ProviderUnhealthy { provider: id, .. } => match self.provider(id) {
                None => unknown("provider", id, self.providers.is_empty()),
                Some(provider) => failing(provider),
            },
            Trouble::LatencySpike {
                provider: id,
                median_1h_ms,
                model_group,
                ..
            } => match (self.provider(id), model_group) {
                (None, _) => unknown("provider", id, self.providers.is_empty()),
                // Its subject is the provider in this group.
                (Some(provider), Some(group))
                    if !self.model_groups.is_empty() && self.model_group(group).is_none() =>
                {
                    let of_provider = match slow(provider, *median_1h_ms) {
                        Found::Holds(told)
                        | Found::Differs(told)
                        | Found::Absent(told)
                        | Found::Missing(told)
                        | Found::Unmeasured(told) => told,
                    };
                    Found::Missing(format!("the gateway knows no model group {group}; {of_provider}"))
                }
                (Some(_), Some(group)) if !self.model_groups.is_empty() && !self.routes(group, id) => {
                    Found::Unmeasured(format!(
                        "model group {group} has no route to {id}: how fast {id} is for it is not known"
                    ))
                }
                (Some(provider), _) => slow(provider, *median_1h_ms),
            },
            Trouble::BudgetExceeded { owner, kind, .. } => self.spent(owner, *kind),
            Trouble::SlaViolation { sla, measured, .. } => self.missed(sla, *measured),
        }
    }

    fn spent(&self, spender: &Spender, kind: BudgetKind) -> Found {
        let owner = match spender {
            Spender::Owner(owner) => owner,
            Spender::Other { .. } => {
                let why = spender.out_of_reach().unwrap_or_default();
                return Found::Unmeasured(format!("{why}; the gateway's inventory does not tell of it"));
            }
        };
        let Some(budget) = self.budget(owner) else {
            return unknown("budget", owner, self.budgets.is_empty());
        };
        let told = |cap: Micros| format!("{owner} spent {} USD, its cap is {cap}", budget.spend);
        match (kind, budget.soft_cap) {
            (BudgetKind::Hard, _) => judge(budget.spend >= budget.hard_cap, told(budget.hard_cap)),
            (BudgetKind::Soft, Some(cap)) => judge(budget.spend > cap, told(cap)),
            (BudgetKind::Soft, None) => Found::Absent(format!("{owner} has no soft limit")),
        }
    }

    fn missed(&self, sla: &SlaId, claimed: SlaMetric) -> Found {
        match self.contract(sla) {
            None => unknown("contract", sla, self.contracts.is_empty()),
            Some(Contract { enabled: false, .. }) => Found::Absent(format!("contract {sla} is not in force")),
            Some(Contract { measured: None, .. }) => {
                Found::Unmeasured(format!("contract {sla} has no traffic to measure"))
            }
            Some(Contract {
                measured: Some(measured),
                ..
            }) if measured.name() != claimed.name() => Found::Unmeasured(format!(
                "contract {sla} is measured by {}, and not by {}",
                measured.name(),
                claimed.name()
            )),
            Some(Contract {
                measured: Some(measured),
                ..
            }) => {
                let is = if measured.violated() { "misses" } else { "meets" };
                judge(
                    measured.violated(),
                    format!("contract {sla}: {} {is} its target", measured.name()),
                )
            }
        }
    }
}

fn judge(holds: bool, observed: String) -> Found {
    match holds {
        true => Found::Holds(observed),
        false => Found::Differs(observed),
    }
}

/// A list that holds nothing does not tell that one thing is missing from it.
fn unknown(what: &str, id: &dyn Display, tells_of_none: bool) -> Found {
    match tells_of_none {
        true => Found::Unmeasured(format!("the gateway tells of no {what} at all")),
        false => Found::Missing(format!("the gateway knows no {what} {id}")),
    }
}

fn failing(provider: &Provider) -> Found {
    let observed = format!(
        "{} fails {} of {} requests in {} s",
        provider.id, provider.error_rate, provider.requests, provider.window_s
    );
    match provider.is_measured() {
        true => judge(provider.is_unhealthy(), observed),
        false => Found::Unmeasured(too_few(provider)),
    }
}

fn too_few(provider: &Provider) -> String {
    format!(
        "{} had {} requests in {} s: too few to tell",
        provider.id, provider.requests, provider.window_s
    )
}

/// A spike is one against the gateway's own median. Where it is one only against what the event claims, the gateway's
/// hour may have become as slow as the spike, or the claim may be wrong: nobody knows.
fn slow(provider: &Provider, claimed_ms: u64) -> Found {
    let id = &provider.id;
    if !provider.is_measured() {
        return Found::Unmeasured(too_few(provider));
    }
    let (Some(now), Some(median)) = (provider.latency_p50_ms, provider.median_1h_ms) else {
        let shown = |value: Option<u64>| value.map_or("unknown".to_owned(), |value| value.to_string());
        return Found::Unmeasured(format!(
            "{id} takes {} ms, {} ms is its one-hour median",
            shown(provider.latency_p50_ms),
            shown(provider.median_1h_ms)
        ));
    };
    let observed = format!("{id} takes {now} ms, {median} ms is its one-hour median");
    let above_claimed = now > claimed_ms.saturating_mul(SPIKE_FACTOR);
    match (provider.is_spiking(), above_claimed) {
        (false, true) => Found::Unmeasured(format!(
            "{observed}; {claimed_ms} ms were when it was reported, and whether the hour has become slow with it is not known"
        )),
        (spikes, _) => judge(spikes, observed),
    }
}
