//! What can be broken on purpose.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::time::Millis;
use super::world::GatewayWorld;
use super::world_file::Scope;

/// No burst is larger: what it brings has to fit into the hour that is kept.
const MAX_BURST: u64 = 50_000;

/// A fault, as posted to `/sandbox/v1/faults`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Injection {
    /// A provider fails this fraction (0 to 1) of its requests.
    FailProvider {
        /// The provider's id.
        provider: String,
        /// Fraction of requests that fail, 0 to 1.
        error_rate: f64,
        /// Synthetic requests to send at once, to the groups that route to the provider.
        #[serde(default)]
        burst: u64,
    },
    /// A provider takes `factor` (above 0, at most 1000) times as long.
    SlowProvider {
        /// The provider's id.
        provider: String,
        /// Multiplies the latency.
        factor: f64,
        /// Synthetic requests to send at once, to the groups that route to the provider.
        #[serde(default)]
        burst: u64,
    },
    /// Adds to the spend of this one budget.
    SpendBudget {
        /// A team's or the organisation's.
        scope: Scope,
        /// Its id.
        id: String,
        /// Decimal dollars, such as `"150.00"`.
        amount: String,
    },
    /// Sends synthetic requests at once, with nothing broken by it.
    Burst {
        /// How many.
        requests: u64,
    },
    /// Breaks the API itself, for the next calls that match.
    Admin(CallFault),
    /// Ends every fault and takes back what `spend_budget` added.
    Clear {
        /// Also forgets the requests of the current window, so that it begins anew.
        #[serde(default)]
        forget_window: bool,
    },
}

/// A fault of the API itself: it strikes the next `times` calls that match, then is gone.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// What happens.
    pub mode: CallFaultMode,
    /// How many calls it strikes; at least 1.
    #[serde(default = "once")]
    pub times: u32,
    /// For `delay` and `delay_reply`, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Only calls with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only calls whose path starts with this; by default `/admin/v1/`, and `/v2/enqueue` for PagerDuty's.
    #[serde(default = "admin_prefix")]
    pub path: String,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CallFaultMode {
    /// It is carried out after the delay, even when its caller has left by then.
    Delay,
    /// It is carried out at once and answered after the delay.
    DelayReply,
    /// It is not carried out; 500.
    Error,
    /// It is not carried out; 503.
    Unavailable,
    /// It is carried out, and the connection closes without a reply.
    DropReplyAfterCommit,
}

fn once() -> u32 {
    1
}

fn admin_prefix() -> String {
    "/admin/v1/".to_owned()
}

impl GatewayWorld {
    /// Puts a fault in place.
    pub(crate) fn inject(&mut self, now: Millis, fault: Injection) -> Result<(), ApiError> {
        match fault {
            Injection::FailProvider {
                provider,
                error_rate,
                burst,
            } => {
                if !(0.0..=1.0).contains(&error_rate) {
                    return Err(ApiError::invalid("error_rate is a fraction from 0 to 1"));
                }
                let index = self.known_provider(&provider)?;
                check_burst(burst)?;
                self.providers[index].failing_ppm = Some((error_rate * 1_000_000.0).round() as u32);
                self.synthesise(now, burst, Some(index), false);
            }
            Injection::SlowProvider {
                provider,
                factor,
                burst,
            } => {
                if !(factor > 0.0 && factor <= 1000.0) {
                    return Err(ApiError::invalid("factor is above 0 and at most 1000"));
                }
                let index = self.known_provider(&provider)?;
                check_burst(burst)?;
                self.providers[index].slowed_permille = Some((factor * 1000.0).round() as u32);
                self.synthesise(now, burst, Some(index), false);
            }
            Injection::SpendBudget { scope, id, amount } => {
                let micros = micros(&amount)
                    .ok_or_else(|| ApiError::invalid("amount is in decimal dollars, such as \"150.00\""))?;
                let index = self
                    .budget(scope, &id)
                    .ok_or_else(|| ApiError::not_found("budget of", &id))?;
                self.roll_budgets(now);
                let budget = &mut self.budgets[index];
                budget.file.spend_micros = budget.file.spend_micros.saturating_add(micros);
                budget.injected_micros = budget.injected_micros.saturating_add(micros);
            }
            Injection::Burst { requests } => {
                check_burst(requests)?;
                self.synthesise(now, requests, None, false);
            }
            Injection::Admin(fault) => self.call_faults.push(checked(fault)?),
            Injection::Clear { forget_window } => {
                self.clear_faults();
                if forget_window {
                    self.stats.forget_window(now);
                }
            }
        }
        Ok(())
    }

    /// Takes the first fault that strikes this call, and counts it down.
    pub(crate) fn strike(&mut self, method: &str, path: &str) -> Option<CallFault> {
        let matches = |fault: &CallFault| {
            fault.method.as_deref().is_none_or(|m| m == method) && path.starts_with(&fault.path)
        };
        let index = self.call_faults.iter().position(matches)?;
        let struck = self.call_faults[index].clone();
        self.call_faults[index].times -= 1;
        if self.call_faults[index].times == 0 {
            self.call_faults.remove(index);
        }
        Some(struck)
    }

    /// The faults in place, as they were posted.
    pub(crate) fn faults(&self) -> Vec<Injection> {
        let providers = self.providers.iter().flat_map(|provider| {
            let id = &provider.file.id;
            let failing = provider.failing_ppm.map(|ppm| Injection::FailProvider {
                provider: id.clone(),
                error_rate: f64::from(ppm) / 1_000_000.0,
                burst: 0,
            });
            let slowed = provider.slowed_permille.map(|permille| Injection::SlowProvider {
                provider: id.clone(),
                factor: f64::from(permille) / 1000.0,
                burst: 0,
            });
            failing.into_iter().chain(slowed)
        });
        let budgets = self
            .budgets
            .iter()
            .filter(|b| b.injected_micros > 0)
            .map(|budget| Injection::SpendBudget {
                scope: budget.file.scope,
                id: budget.file.id.clone(),
                amount: super::condition::dollars(budget.injected_micros),
            });
        providers
            .chain(budgets)
            .chain(self.call_faults.iter().cloned().map(Injection::Admin))
            .collect()
    }

    fn clear_faults(&mut self) {
        for provider in &mut self.providers {
            provider.failing_ppm = None;
            provider.slowed_permille = None;
        }
        for budget in &mut self.budgets {
            budget.file.spend_micros = budget.file.spend_micros.saturating_sub(budget.injected_micros);
            budget.injected_micros = 0;
        }
        self.call_faults.clear();
    }

    fn known_provider(&self, id: &str) -> Result<usize, ApiError> {
        self.provider(id)
            .ok_or_else(|| ApiError::not_found("provider", id))
    }
}

fn checked(fault: CallFault) -> Result<CallFault, ApiError> {
    let delayed = matches!(fault.mode, CallFaultMode::Delay | CallFaultMode::DelayReply);
    if fault.times == 0 {
        return Err(ApiError::invalid("times is at least 1"));
    }
    if delayed != fault.delay_ms.is_some_and(|ms| (1..=600_000).contains(&ms)) {
        return Err(ApiError::invalid(
            "delay_ms, 1 to 600000, goes with the modes that delay, and only with them",
        ));
    }
    if fault.path.starts_with("/sandbox/") || !fault.path.starts_with('/') {
        return Err(ApiError::invalid(
            "path is a prefix such as /admin/v1/ or /v2/enqueue",
        ));
    }
    Ok(fault)
}

fn check_burst(requests: u64) -> Result<(), ApiError> {
    let message = format!("a burst has at most {MAX_BURST} requests");
    if requests <= MAX_BURST {
        Ok(())
    } else {
        Err(ApiError::invalid(message))
    }
}

/// Positive decimal dollars with up to six decimal places, in micro-dollars; below ten billion.
fn micros(amount: &str) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let digits =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 10) || !digits(fraction, 6) {
        return None;
    }
    let micros = whole.parse::<u64>().ok()? * 1_000_000 + format!("{fraction:0<6}").parse::<u64>().ok()?;
    (micros > 0).then_some(micros)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stats::Only;
    use super::super::world::fixture::{START, world};
    use super::*;

    fn inject(world: &mut GatewayWorld, fault: serde_json::Value) -> Result<(), ApiError> {
        world.inject(START, serde_json::from_value(fault).unwrap())
    }

    #[test]
    fn a_burst_with_a_failing_provider_makes_it_unhealthy_through_real_requests() {
        let mut world = world();
        inject(
            &mut world,
            json!({"fault":"fail_provider","provider":"openai","error_rate":0.9,"burst":100}),
        )
        .unwrap();
        let figures = world.stats.figures(START, Only::provider(0));
        assert!(
            figures.requests > 40 && figures.error_rate_ppm() > 700_000,
            "{figures:?}"
        );
        assert_eq!(world.stats.figures(START, Only::default()).requests, 100);
        assert_eq!(
            world.stats.figures(START, Only::provider(3)).requests,
            0,
            "ocr does not route to openai"
        );
        assert_eq!(
            world
                .conditions(START)
                .iter()
                .map(|c| c.key())
                .collect::<Vec<_>>(),
            ["provider.unhealthy/openai"]
        );
    }

    #[test]
    fn a_slow_provider_spikes_against_the_remembered_hour() {
        let mut world = world();
        world.remember_an_hour(START);
        inject(
            &mut world,
            json!({"fault":"slow_provider","provider":"openai","factor":5.0,"burst":60}),
        )
        .unwrap();
        assert_eq!(
            world
                .conditions(START)
                .iter()
                .map(|c| c.key())
                .collect::<Vec<_>>(),
            ["latency.spike/openai"]
        );
    }

    #[test]
    fn clearing_ends_every_fault_and_takes_the_spend_back() {
        let mut world = world();
        for fault in [
            json!({"fault":"fail_provider","provider":"openai","error_rate":1.0,"burst":20}),
            json!({"fault":"slow_provider","provider":"openai","factor":2.5}),
            json!({"fault":"spend_budget","scope":"team","id":"research","amount":"150.00"}),
            json!({"fault":"admin","mode":"error"}),
        ] {
            inject(&mut world, fault).unwrap();
        }
        assert_eq!(world.faults().len(), 4);
        assert_eq!(world.conditions(START).len(), 2);
        inject(&mut world, json!({"fault":"clear","forget_window":true})).unwrap();
        assert_eq!((world.faults().len(), world.conditions(START).len()), (0, 0));
    }

    #[test]
    fn a_call_fault_strikes_what_it_names_as_often_as_it_says() {
        let mut world = world();
        inject(
            &mut world,
            json!({"fault":"admin","mode":"error","times":2,"method":"PUT"}),
        )
        .unwrap();
        let path = "/admin/v1/guardrails/pii";
        let mut strikes = |method, path| world.strike(method, path).is_some();
        assert!(!strikes("GET", path) && !strikes("PUT", "/v2/enqueue"));
        assert_eq!([0; 3].map(|_| strikes("PUT", path)), [true, true, false]);
    }

    #[test]
    fn nonsense_is_refused_and_changes_nothing() {
        let mut world = world();
        for fault in [
            json!({"fault":"fail_provider","provider":"openai","error_rate":1.1}),
            json!({"fault":"fail_provider","provider":"nobody","error_rate":1.0}),
            json!({"fault":"slow_provider","provider":"openai","factor":0.0}),
            json!({"fault":"spend_budget","scope":"team","id":"payments","amount":"-1"}),
            json!({"fault":"spend_budget","scope":"org","id":"payments","amount":"1"}),
            json!({"fault":"burst","requests":1_000_000}),
            json!({"fault":"admin","mode":"delay"}),
            json!({"fault":"admin","mode":"error","times":0}),
            json!({"fault":"admin","mode":"error","path":"/sandbox/v1/faults"}),
        ] {
            assert!(inject(&mut world, fault.clone()).is_err(), "{fault}");
        }
        assert!(world.faults().is_empty());
    }

    #[test]
    fn dollars_are_read_exactly() {
        let read = [
            "150.00",
            "0.000001",
            "7",
            "1.5",
            "0",
            "1.",
            ".5",
            "1e3",
            "0.0000001",
            "99999999999",
        ]
        .map(micros);
        let some = [Some(150_000_000), Some(1), Some(7_000_000), Some(1_500_000)];
        assert_eq!(read[..4], some);
        assert_eq!(read[4..], [None; 6]);
    }
}
