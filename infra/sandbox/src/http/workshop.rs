//! `/sandbox/v1`: breaking things, and looking at what came of it. For callers on this machine.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cut::Peer;
use super::{is_local, reply};
use crate::core::error::ApiError;
use crate::core::faults::Injection;
use crate::core::time::rfc3339;
use crate::gateway::{Gateway, SlackReply};

type Shared = State<Arc<Gateway>>;

pub(crate) fn router() -> Router<Arc<Gateway>> {
    Router::new()
        .route(
            "/sandbox/v1/faults",
            post(inject).get(async |State(g): Shared| faults(&g)),
        )
        .route("/sandbox/v1/state", get(state))
        .route(
            "/sandbox/v1/writes",
            get(async |State(g): Shared| reply::ok(json!({"writes": g.world().writes}))),
        )
        .route(
            "/sandbox/v1/events",
            get(async |State(g): Shared| reply::ok(json!({"events": g.announcer().all()}))),
        )
        .route(
            "/sandbox/v1/pages",
            get(async |State(g): Shared| reply::ok(json!({"pages": g.desk().pages()}))),
        )
        .route("/sandbox/v1/slack/response/{id}", post(slack_reply))
        .route(
            "/sandbox/v1/slack/responses",
            get(async |State(g): Shared| reply::ok(json!({"responses": g.slack_replies()}))),
        )
        .route_layer(from_fn(local_only))
}

pub(super) async fn local_only(
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if is_local(peer.addr) {
        next.run(request).await
    } else {
        reply::refuse(&ApiError::new(
            403,
            "forbidden",
            "only callers on the same machine may do this",
        ))
    }
}

async fn inject(State(gateway): Shared, body: Bytes) -> Response {
    let fault: Injection = match serde_json::from_slice(&body) {
        Ok(fault) => fault,
        Err(error) => return reply::refuse(&ApiError::invalid(format!("that is no fault: {error}"))),
    };
    tracing::info!(?fault, "fault");
    match gateway.inject(fault) {
        Ok(()) => faults(&gateway),
        Err(error) => reply::refuse(&error),
    }
}

fn faults(gateway: &Gateway) -> Response {
    let faults = gateway.world().faults();
    reply::ok(json!({"faults": faults}))
}

#[derive(Deserialize)]
struct StateQuery {
    last_s: Option<u32>,
}

async fn state(State(gateway): Shared, Query(query): Query<StateQuery>) -> Response {
    let share_window_s = query
        .last_s
        .map_or(gateway.share_window_s, |last| i64::from(last.clamp(1, 3600)));
    let summary = gateway.world().summary(gateway.clock.now(), share_window_s);
    reply::ok(summary)
}

/// Slack answers a post to a `response_url` with the text `ok`
/// (<https://docs.slack.dev/interactivity/handling-user-interaction>).
async fn slack_reply(
    State(gateway): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> &'static str {
    let text = || Value::from(String::from_utf8_lossy(&body).into_owned());
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    gateway.record_slack(SlackReply {
        at: rfc3339(gateway.clock.now()),
        id,
        content_type: content_type.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_else(|_| text()),
    });
    "ok"
}
