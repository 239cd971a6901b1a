//! What is not AWS, in this process, over TLS: the gateway, a model that has the idea it is given, Slack and the pager.

mod gateway;

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

use self::gateway::Gateway;
use crate::cloud::tls::{Authority, Server};
use crate::trouble::Trouble;

struct Shared {
    gateway: Mutex<Gateway>,
    /// The name of the model's tool, and its input.
    idea: Mutex<(&'static str, Value)>,
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
            gateway: Mutex::new(Gateway::of(inventory)),
            idea: Mutex::default(),
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

    /// Something goes wrong: the gateway tells of it, and the model has an idea.
    pub(crate) fn suffers(&self, trouble: &Trouble) {
        held(&self.shared.gateway).becomes(&trouble.gateway);
        let (action, parameters) = &trouble.idea;
        let mut input = parameters.clone();
        input["rationale"] = json!("What the gateway measures bears the event out, and this answers it.");
        *held(&self.shared.idea) = (action.name(), input);
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reading is of the machine's time, as the functions have it"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

async fn answer(State(shared): State<Arc<Shared>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path();
    let value = match path {
        "/admin/v1/inventory" => held(&shared.gateway).told(&now().to_string()),
        "/v1/messages" => message(&held(&shared.idea)),
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
        _ => {
            let wanted = match method {
                Method::PUT => serde_json::from_slice(&body).ok(),
                _ => None::<Value>,
            };
            match held(&shared.gateway).setting(path, wanted.as_ref()) {
                Some(setting) => setting,
                None => return StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    axum::Json(value).into_response()
}

/// The model answers with its idea, whatever it is told.
fn message((tool, input): &(&str, Value)) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "stop_reason": "tool_use",
        "stop_sequence": null,
        "content": [{ "type": "tool_use", "id": "toolu_1", "name": tool, "input": input }],
        "usage": { "input_tokens": 4_000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                   "output_tokens": 200 },
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
