//! A small LLM gateway for the demo and the tests: providers, model groups and routes, team limits,
//! budgets, guardrails and SLA contracts behind an admin API, with traffic running through it.
//!
//! Nothing in it is played back. Synthetic requests are routed by weight among the unblocked providers,
//! succeed or fail, take their (recorded, not slept) time and are billed; a fault changes how a provider
//! behaves, the windows fill with what then happens, and the four conditions (`provider.unhealthy`,
//! `latency.spike`, `budget.exceeded`, `sla.violation`) are computed from those windows and put on an
//! EventBridge bus. So a break really moves the traffic, and the error rate really recovers.
//!
//! # Endpoints
//!
//! | path | what |
//! | --- | --- |
//! | `/admin/v1/…`, `GET /healthz` | the admin API, described in `infra/sandbox/openapi.yaml`; bearer tokens for reading and for writing |
//! | `POST /v1/chat/completions` | one request through the gateway: body `{"model":"<model group>"}`, header `x-team` |
//! | `POST /v2/enqueue` | PagerDuty's Events API v2 |
//! | `POST /sandbox/v1/faults` | breaks something ([`Injection`]); `GET` lists what is broken |
//! | `GET /sandbox/v1/state?last_s=5` | [`Summary`]: traffic shares, error rates, conditions, faults |
//! | `GET /sandbox/v1/writes` | every accepted write of the admin API ([`WriteRecord`]) |
//! | `GET /sandbox/v1/events` | the events, sent and waiting ([`Event`]) |
//! | `GET /sandbox/v1/pages` | the on-call desk's incidents ([`Page`]) |
//! | `POST /sandbox/v1/slack/response/{id}` | stands in for Slack's `response_url`; `GET /sandbox/v1/slack/responses` lists what came ([`SlackReply`]) |
//!
//! `/sandbox/v1` has no token and answers callers on the same machine only.
//!
//! # The pieces
//!
//! `core` is pure: the state, the way of a request, the windows, the rules. `http` and `bus` are its wires,
//! `background` what runs by itself, and [`spawn`] puts them together:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use sandbox::{Injection, Options};
//!
//! let sandbox = sandbox::spawn(Options::default()).await?;
//! let provider = "openai".to_owned();
//! sandbox.inject(Injection::FailProvider { provider, error_rate: 0.9, burst: 200 })?;
//! assert!(sandbox.inventory().providers[0].error_rate_ppm > 250_000);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

mod background;
mod bus;
mod clock;
mod core;
mod gateway;
mod http;
mod running;

pub use bus::Bus;
pub use clock::Clock;
pub use core::detect::BudgetKind;
pub use core::error::ApiError;
pub use core::events::Event;
pub use core::faults::{CallFault, CallFaultMode, Injection};
pub use core::inventory::{
    BudgetStatus, GuardrailStatus, Inventory, ModelGroupStatus, ProviderStatus, SlaStatus, TeamStatus,
};
pub use core::pagerduty::Page;
pub use core::resources::WriteRecord;
pub use core::state::{GroupShare, ProviderSummary, Share, Summary};
pub use core::time::Millis;
pub use core::world_file::{
    BudgetFile, GuardrailFile, Metric, ModelGroupFile, Period, ProviderFile, Route, Scope, SlaFile, TeamFile,
    Tier, WorldError, WorldFile,
};
pub use gateway::SlackReply;
pub use http::admin::admin_routes;
pub use running::{Options, Running, SpawnError, spawn};
