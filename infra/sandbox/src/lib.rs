//! A small LLM gateway for the demo and the tests: providers, model groups and routes, team limits,
//! budgets, guardrails and SLA contracts behind an admin API, with traffic running through it. Beside it stand the
//! two places where people are: PagerDuty's Events API and a Slack workspace.
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
//! | `/api/{method}` | Slack's Web API: `api.test`, `auth.test`, `chat.postMessage`, `chat.update`, `chat.delete`, `chat.getPermalink`, `conversations.history`, `conversations.replies`, `conversations.info`, `conversations.list`, `views.open`, `views.update`; bot token |
//! | `POST /actions/{team}/{id}/{secret}` | the `response_url` of one interaction |
//! | `GET /sandbox/v1/slack/app` | Slack's app as it is configured; `PUT` changes what it names of `request_url`, `bot_token`, `signing_secret`, `scopes` |
//! | `POST /sandbox/v1/slack/revoke_token` | revokes the bot token until `PUT …/app` sets one |
//! | `GET /sandbox/v1/slack/channels/{id}` | the channel and its messages with blocks, metadata, threads and what they said before; `PUT` `{"bot_is_member"?, "archived"?}` |
//! | `POST /sandbox/v1/slack/channels/{id}/messages` | a person writes: `{"user", "text", "thread_ts"?}`; `DELETE …/messages/{ts}`: a person deletes one |
//! | `POST /sandbox/v1/slack/click` | a person clicks ([`Click`]): signed, sent to the `request_url`, and answered with what came of it ([`Delivered`]) |
//! | `GET /sandbox/v1/slack/views` | the open modals |
//! | `POST /sandbox/v1/slack/submit` | a person submits a modal ([`Submission`], [`Delivered`]) |
//! | `GET /sandbox/v1/slack/ephemeral` | what people were told that nobody else sees ([`Told`]) |
//! | `POST /sandbox/v1/slack/faults` | breaks Slack ([`SlackFault`]); `GET` lists what is broken, `DELETE` mends it |
//! | `POST /sandbox/v1/slack/response/{id}` | takes anything as an answer to a made-up interaction; `GET /sandbox/v1/slack/responses` lists what came there and to `/actions` ([`SlackReply`]) |
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
mod slack;

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
pub use core::slack::clicks::Click;
pub use core::slack::faults::{SlackFault, SlackFaultKind};
pub use core::slack::response_urls::Told;
pub use core::slack::submissions::Submission;
pub use core::state::{GroupShare, ProviderSummary, Share, Summary};
pub use core::time::Millis;
pub use core::world_file::{
    BudgetFile, GuardrailFile, Metric, ModelGroupFile, Period, ProviderFile, Route, Scope, SlaFile, TeamFile,
    Tier, WorldError, WorldFile,
};
pub use gateway::SlackReply;
pub use http::admin::admin_routes;
pub use running::{Options, Running, SpawnError, spawn};
pub use slack::Delivered;
