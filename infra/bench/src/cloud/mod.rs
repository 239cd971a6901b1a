//! AWS in this process, over TLS: as much of it as the functions call, with every call counted.
//!
//! | file | what |
//! | --- | --- |
//! | `calls` | who called what, and what it cost |
//! | `dynamodb` | tables, in memory: dynoxide |
//! | `services` | every other service |
//! | `tls` | a server with a certificate of its own |

mod calls;
mod dynamodb;
mod services;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::Value;

pub(crate) use self::calls::{Call, Calls};
pub(crate) use self::dynamodb::Reader;
use self::dynamodb::Tables;
use self::services::Keys;
use self::tls::{Authority, Server};

/// The account that everything is in.
pub(crate) const ACCOUNT: &str = "123456789012";
/// The region.
pub(crate) const REGION: &str = "us-east-1";

/// What was put onto a queue.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The queue's name, or `bus` for an event.
    pub(crate) to: String,
    /// The message, or the event as its targets get it.
    pub(crate) body: String,
    /// Seconds until it may be received.
    pub(crate) delay_s: u64,
}

/// What the services remember.
struct Memory {
    keys: Keys,
    secrets: BTreeMap<String, String>,
    objects: BTreeMap<String, Vec<u8>>,
    sent: Vec<Sent>,
    calls: Calls,
}

struct Shared {
    tables: Tables,
    memory: Mutex<Memory>,
}

/// The services. They end when dropped.
pub(crate) struct Cloud {
    shared: Arc<Shared>,
    server: Server,
}

impl Cloud {
    /// Starts it, with these secrets by their ARNs.
    pub(crate) async fn start(authority: &Authority, secrets: BTreeMap<String, String>) -> Result<Self> {
        let memory = Memory {
            keys: Keys::new()?,
            secrets,
            objects: BTreeMap::new(),
            sent: Vec::new(),
            calls: Calls::default(),
        };
        let shared = Arc::new(Shared {
            tables: Tables::start().await?,
            memory: Mutex::new(memory),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = Server::start(authority, router).await?;
        Ok(Self { shared, server })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// When the first connection came since the last time that this was asked.
    pub(crate) fn take_first_connection(&self) -> Option<Instant> {
        self.server.take_first_connection()
    }

    /// The tables, as this process reads them.
    pub(crate) fn tables(&self) -> &Tables {
        &self.shared.tables
    }

    /// What was sent since the last time.
    pub(crate) fn take_sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.shared.memory().sent)
    }

    /// The calls since the last time.
    pub(crate) fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.shared.memory().calls)
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request, as the services read it.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The function that signed it: each has its name for an access key.
    pub(crate) fn caller(&self) -> String {
        let credential = self.header("authorization").split_once("Credential=");
        let caller = credential.and_then(|(_, rest)| rest.split('/').next());
        caller.unwrap_or("nobody").to_owned()
    }

    /// Its body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Request {
        method,
        uri,
        headers,
        body,
    };
    // Maps of the same have their fields in any order.
    let asked = match serde_json::from_slice::<Value>(&request.body) {
        Ok(body) => body.to_string(),
        Err(_) => String::from_utf8_lossy(&request.body).into_owned(),
    };
    let key = format!("{} {asked}", request.uri);
    if request.header("x-amz-target").starts_with("DynamoDB_") {
        let (response, mut call) = shared.tables.answer(&request).await;
        call.key = key;
        shared.memory().calls.note(call);
        return response;
    }
    let mut memory = shared.memory();
    // A connection that is opened before it is needed.
    if request.method == Method::HEAD {
        return Response::default();
    }
    let (response, mut call) = services::answer(&mut memory, &request);
    call.key = key;
    memory.calls.note(call);
    response
}
