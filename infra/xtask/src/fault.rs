//! `cargo xtask fault`: breaks the sandbox gateway on purpose.

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::paths::Paths;
use crate::sandbox;
use crate::state::State;

/// What can be broken.
#[derive(Subcommand)]
pub(crate) enum Injection {
    /// A provider fails a fraction of its requests: provider.unhealthy
    FailProvider {
        /// Its id, such as openai
        provider: String,
        /// Fraction of requests that fail, 0 to 1
        #[arg(long, default_value_t = 0.9)]
        error_rate: f64,
        /// Requests to send at once, so that the failure shows at once
        #[arg(long, default_value_t = 200)]
        burst: u64,
    },
    /// A provider takes several times as long: latency.spike, and sla.violation where a contract covers it
    SlowProvider {
        /// Its id, such as openai
        provider: String,
        /// Multiplies the latency
        #[arg(long, default_value_t = 6.0)]
        factor: f64,
        /// Requests to send at once, so that the slowness shows at once
        #[arg(long, default_value_t = 200)]
        burst: u64,
    },
    /// A team or the organisation spends: budget.exceeded, soft or hard
    SpendBudget {
        /// Whose budget
        scope: Scope,
        /// Its id, such as payments
        id: String,
        /// Dollars, such as 150.00
        amount: String,
    },
    /// Ends every fault
    Clear {
        /// Also forgets the requests of the current window, so that it begins anew
        #[arg(long)]
        forget_window: bool,
    },
}

/// Whose budget it is.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    Team,
    Org,
}

/// Puts the fault in place and prints the faults that are.
pub(crate) async fn run(paths: &Paths, fault: &Injection) -> Result<()> {
    let state = State::need(paths)?;
    let faults = sandbox::inject(&state.sandbox_url(), &body(fault)).await?;
    println!("{}", serde_json::to_string_pretty(&faults)?);
    Ok(())
}

fn body(fault: &Injection) -> Value {
    match fault {
        Injection::FailProvider {
            provider,
            error_rate,
            burst,
        } => {
            json!({ "fault": "fail_provider", "provider": provider, "error_rate": error_rate, "burst": burst })
        }
        Injection::SlowProvider {
            provider,
            factor,
            burst,
        } => {
            json!({ "fault": "slow_provider", "provider": provider, "factor": factor, "burst": burst })
        }
        Injection::SpendBudget { scope, id, amount } => {
            let scope = match scope {
                Scope::Team => "team",
                Scope::Org => "org",
            };
            json!({ "fault": "spend_budget", "scope": scope, "id": id, "amount": amount })
        }
        Injection::Clear { forget_window } => json!({ "fault": "clear", "forget_window": forget_window }),
    }
}
