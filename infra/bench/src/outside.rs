//! What is not AWS, in this process, over TLS: the gateway, a model that always has the same idea, Slack and the pager.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cloud::tls::{Authority, Server};

/// A provider's latency as it is, and as it was in the hour before, ms.
const SLOW_MS: u32 = 1_900;
const USUAL_MS: u32 = 400;

/// Where the model would have the traffic go.
const HEALTHY: &str = "anthropic";

/// How many model groups the gateway tells of besides its own: those of the last incidents.
const GROUPS: usize = 64;

/// The weights of a group's slow provider and of the healthy one.
type Weights = (u64, u64);

struct Shared {
    inventory: Value,
    groups: Mutex<BTreeMap<u64, Weights>>,
    messages: AtomicU64,
}

/// The servers. They end when dropped.
pub(crate) struct Outside {
    shared: Arc<Shared>,
    server: Server,
}

impl Outside {
    /// Starts them.
    pub(crate) async fn start(authority: &Authority) -> Result<Self> {
        let inventory: Value = serde_json::from_str(include_str!("../../eval/base.json"))
            .context("infra/eval/base.json cannot be read")?;
        let shared = Arc::new(Shared {
            inventory,
            groups: Mutex::default(),
            messages: AtomicU64::new(1),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = Server::start(authority, router).await?;
        Ok(Self { shared, server })
    }

    /// Where they are.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// The provider of a model group of this number is slow.
    pub(crate) fn slows(&self, number: u64) {
        let mut groups = self.shared.groups();
        groups.insert(number, (60, 40));
        if groups.len() > GROUPS {
            groups.pop_first();
        }
    }
}

impl Shared {
    fn groups(&self) -> MutexGuard<'_, BTreeMap<u64, Weights>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inventory(&self) -> Value {
        let mut inventory = self.inventory.clone();
        inventory["read_at"] = json!(now().to_string());
        let groups = self.groups();
        let mut add = |to: &str, each: &dyn Fn(u64, Weights) -> Value| {
            if let Some(list) = inventory[to].as_array_mut() {
                list.extend(groups.iter().map(|(number, weights)| each(*number, *weights)));
            }
        };
        add("providers", &|number, _| {
            json!({
                "id": provider(number), "blocked": false, "requests": 500, "error_rate_ppm": 1_000, "window_s": 300,
                "latency_p50_ms": SLOW_MS, "median_1h_ms": USUAL_MS,
            })
        });
        add(
            "model_groups",
            &|number, weights| json!({ "id": group(number), "routes": routes(number, weights) }),
        );
        add("teams", &|number, _| {
            json!({
                "id": format!("team-{number}"), "rpm": 600, "tpm": 500_000, "requests_5m": 40, "rate_limited_5m": 0,
                "tier": "standard", "model_groups": [group(number)],
            })
        });
        inventory
    }
}

fn provider(number: u64) -> String {
    format!("provider-{number}")
}

fn group(number: u64) -> String {
    format!("group-{number}")
}

fn routes(number: u64, (slow, healthy): Weights) -> Value {
    json!([{ "provider": HEALTHY, "weight": healthy }, { "provider": provider(number), "weight": slow }])
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reading is of the machine's time, as the functions have it"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn answer(State(shared): State<Arc<Shared>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path();
    let value = match path {
        "/admin/v1/inventory" => shared.inventory(),
        "/v1/messages" => message(&body),
        "/v2/enqueue" => {
            let taken = json!({ "status": "success", "message": "Event processed", "dedup_key": "bench" });
            return (StatusCode::ACCEPTED, axum::Json(taken)).into_response();
        }
        _ if path.starts_with("/api/") => {
            let number = shared.messages.fetch_add(1, Ordering::SeqCst);
            json!({
                "ok": true, "channel": "C0123456789", "ts": format!("1700000000.{number:06}"), "messages": [],
            })
        }
        _ if path.starts_with("/actions/") => json!({ "ok": true }),
        _ => match group_of(path) {
            Some(number) => {
                let mut groups = shared.groups();
                if method == Method::PUT {
                    let wanted: Value = serde_json::from_slice(&body).unwrap_or_default();
                    let weight = |of: &str| {
                        let mut routes = wanted["routes"].as_array().into_iter().flatten();
                        let route = routes.find(|route| route["provider"] == of);
                        route.and_then(|route| route["weight"].as_u64()).unwrap_or(0)
                    };
                    groups.insert(number, (weight(&provider(number)), weight(HEALTHY)));
                }
                json!({ "routes": routes(number, groups.get(&number).copied().unwrap_or((60, 40))) })
            }
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    axum::Json(value).into_response()
}

fn group_of(path: &str) -> Option<u64> {
    let name = path
        .strip_prefix("/admin/v1/model-groups/group-")?
        .strip_suffix("/routes")?;
    name.parse().ok()
}

/// The model moves the traffic of the group that it is told of.
fn message(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let after = text.split("group-").nth(1).unwrap_or_default();
    let number: String = after.chars().take_while(char::is_ascii_digit).collect();
    let number = number.parse().unwrap_or(0);
    let input = json!({
        "rationale": "It is slow, and the other one is not.", "model_group": group(number), "from": provider(number),
        "to": HEALTHY,
    });
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "stop_reason": "tool_use",
        "stop_sequence": null,
        "content": [{ "type": "tool_use", "id": "toolu_1", "name": "reroute_model_group", "input": input }],
        "usage": { "input_tokens": 4_000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                   "output_tokens": 200 },
    })
}

/// The event that says so.
pub(crate) fn event(number: u64) -> Value {
    let at = now();
    json!({
        "version": "0", "id": format!("00000000-0000-4000-8000-{number:012}"), "detail-type": "latency.spike",
        "source": "llm-gateway", "account": crate::cloud::ACCOUNT, "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": crate::cloud::REGION, "resources": [],
        "detail": {
            "version": 1, "event_id": format!("evt-{number}"), "occurred_at": at.to_string(), "org_id": "acme",
            "severity": "warning", "provider": provider(number), "model_group": group(number), "current_ms": SLOW_MS,
            "median_1h_ms": USUAL_MS,
        },
    })
}

/// The machine's time, milliseconds.
pub(crate) fn millis() -> i64 {
    now().as_millisecond()
}

/// The machine's time, seconds.
pub(crate) fn seconds() -> u64 {
    u64::try_from(now().as_second()).unwrap_or(0)
}
