//! `/sandbox/v1/slack`: what the app's owner and the people of the workspace do. For callers on this machine.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::reply;
use super::super::workshop::local_only;
use crate::core::error::ApiError;
use crate::core::slack::clicks::Click;
use crate::core::slack::faults::SlackFault;
use crate::core::slack::submissions::Submission;
use crate::core::slack::{AppChange, ChannelChange};
use crate::gateway::Gateway;

type Shared = State<Arc<Gateway>>;

pub(super) fn router() -> Router<Arc<Gateway>> {
    Router::new()
        .route(
            "/sandbox/v1/slack/app",
            get(async |State(g): Shared| reply::ok(g.workspace().app())).put(change_app),
        )
        .route("/sandbox/v1/slack/revoke_token", post(revoke_token))
        .route(
            "/sandbox/v1/slack/channels/{id}",
            get(channel).put(change_channel),
        )
        .route("/sandbox/v1/slack/channels/{id}/messages", post(write))
        .route(
            "/sandbox/v1/slack/channels/{id}/messages/{ts}",
            delete(delete_message),
        )
        .route("/sandbox/v1/slack/click", post(click))
        .route("/sandbox/v1/slack/submit", post(submit))
        .route(
            "/sandbox/v1/slack/views",
            get(async |State(g): Shared| reply::ok(json!({"views": g.workspace().views()}))),
        )
        .route(
            "/sandbox/v1/slack/ephemeral",
            get(async |State(g): Shared| reply::ok(json!({"ephemeral": g.workspace().told()}))),
        )
        .route(
            "/sandbox/v1/slack/faults",
            get(async |State(g): Shared| faults(&g)).post(inject).delete(mend),
        )
        .route_layer(from_fn(local_only))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::invalid(format!("that is no such thing: {error}")))
}

fn answer(result: Result<Value, ApiError>) -> Response {
    match result {
        Ok(body) => reply::ok(body),
        Err(error) => reply::refuse(&error),
    }
}

async fn change_app(State(gateway): Shared, body: Bytes) -> Response {
    answer(read::<AppChange>(&body).and_then(|change| {
        let mut workspace = gateway.workspace();
        workspace.change_app(change)?;
        Ok(workspace.app())
    }))
}

async fn revoke_token(State(gateway): Shared) -> Response {
    let mut workspace = gateway.workspace();
    workspace.revoke_token();
    reply::ok(workspace.app())
}

async fn channel(State(gateway): Shared, Path(id): Path<String>) -> Response {
    let shown = gateway.workspace().shown(&id);
    answer(shown)
}

async fn change_channel(State(gateway): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    answer(read::<ChannelChange>(&body).and_then(|change| {
        let mut workspace = gateway.workspace();
        workspace.change_channel(&id, &change)?;
        workspace.shown(&id)
    }))
}

/// What a person writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    user: String,
    text: String,
    thread_ts: Option<String>,
}

async fn write(State(gateway): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    answer(read::<Written>(&body).and_then(|written| {
        let what = (
            written.user.as_str(),
            written.text.as_str(),
            written.thread_ts.as_deref(),
        );
        let ts = gateway
            .workspace()
            .person_writes(gateway.clock.now(), &id, what)?;
        Ok(json!({"channel": id, "ts": ts}))
    }))
}

async fn delete_message(State(gateway): Shared, Path((id, ts)): Path<(String, String)>) -> Response {
    let deleted = gateway.workspace().person_deletes(&id, &ts);
    answer(deleted.map(|()| json!({"channel": id, "ts": ts})))
}

async fn click(State(gateway): Shared, body: Bytes) -> Response {
    let click: Click = match read(&body) {
        Ok(click) => click,
        Err(error) => return reply::refuse(&error),
    };
    let delivered = gateway.click(&click).await;
    answer(delivered.map(|delivered| json!(delivered)))
}

async fn submit(State(gateway): Shared, body: Bytes) -> Response {
    let submission: Submission = match read(&body) {
        Ok(submission) => submission,
        Err(error) => return reply::refuse(&error),
    };
    let delivered = gateway.submit(&submission).await;
    answer(delivered.map(|delivered| json!(delivered)))
}

fn faults(gateway: &Gateway) -> Response {
    let broken = gateway.workspace().broken();
    reply::ok(json!({"faults": broken}))
}

async fn inject(State(gateway): Shared, body: Bytes) -> Response {
    let broken = read::<SlackFault>(&body).and_then(|fault| gateway.workspace().break_it(fault));
    match broken {
        Ok(()) => faults(&gateway),
        Err(error) => reply::refuse(&error),
    }
}

async fn mend(State(gateway): Shared) -> Response {
    gateway.workspace().mend();
    faults(&gateway)
}
