//! `/api/{method}` and the `response_url`s.
//!
//! Facts: <https://docs.slack.dev/apis/web-api>, <https://docs.slack.dev/apis/web-api/rate-limits>.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::super::cut::Peer;
use super::request::{self, Call};
use crate::core::slack::faults::{RESPONSE_URL, SlackFaultKind};
use crate::core::slack::{Method, Refused, warn};
use crate::core::time::rfc3339;
use crate::gateway::{Gateway, SlackReply};

/// How long a call that hangs is held.
const HANGS: Duration = Duration::from_secs(120);

pub(super) fn router() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/api/{method}", get(call).post(call))
        .route("/actions/{team}/{id}/{secret}", post(answer))
}

async fn call(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(method) = Method::parse(&name) else {
        return refusal("unknown_method".into());
    };
    let call = match request::read(&headers, &uri, &body) {
        Ok(call) => call,
        Err(refused) => return refusal(refused),
    };
    // An argument that is no text is the method's own affair to refuse.
    let channel = call.arguments.text("channel").ok().flatten();
    let fault = gateway.workspace().strikes(method.name(), channel.as_deref());
    match fault {
        None => carried_out(&gateway, method, &call),
        Some(SlackFaultKind::Error(error)) if error == "missing_scope" => {
            let refused = gateway.workspace().missing_scope(method);
            refusal(refused)
        }
        Some(SlackFaultKind::DropReply) => {
            let unsent = carried_out(&gateway, method, &call);
            peer.cut();
            unsent
        }
        Some(fault) => not_carried_out(fault, &peer).await,
    }
}

fn carried_out(gateway: &Gateway, method: Method, call: &Call) -> Response {
    let (done, scopes) = {
        let mut workspace = gateway.workspace();
        let done = workspace.call(
            gateway.clock.now(),
            method,
            call.token.as_deref(),
            &call.arguments,
        );
        (done, workspace.scopes())
    };
    let mut response = match done {
        Ok(mut done) => {
            if call.charset_missing {
                warn(&mut done, "missing_charset");
            }
            said(StatusCode::OK, true, done)
        }
        Err(refused) => refusal(refused),
    };
    let accepted = method.scopes().join(",");
    for (name, value) in [("x-oauth-scopes", scopes), ("x-accepted-oauth-scopes", accepted)] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// What a caller sees of a call that a fault keeps from being carried out.
async fn not_carried_out(fault: SlackFaultKind, peer: &Peer) -> Response {
    match fault {
        SlackFaultKind::Throttle { retry_after_s } => {
            let body = json!({"error": "ratelimited"});
            let mut response = said(StatusCode::TOO_MANY_REQUESTS, false, body);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
            response
        }
        SlackFaultKind::Error(error) => refusal(error.as_str().into()),
        SlackFaultKind::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "a fault was asked for").into_response()
        }
        SlackFaultKind::Hang => {
            tokio::time::sleep(HANGS).await;
            peer.cut();
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        SlackFaultKind::DropReply => {
            peer.cut();
            StatusCode::OK.into_response()
        }
    }
}

fn refusal(refused: Refused) -> Response {
    let mut body = json!({"error": refused.error});
    for (name, value) in refused.beside {
        body[name] = value;
    }
    said(StatusCode::OK, false, body)
}

/// A reply in Slack's form: `ok` first, and a request id in the header.
fn said(status: StatusCode, ok: bool, body: Value) -> Response {
    let mut reply = json!({"ok": ok});
    if let Value::Object(fields) = body {
        for (name, value) in fields {
            reply[name] = value;
        }
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    let headers = [
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("x-slack-req-id", id),
    ];
    (status, headers, reply.to_string()).into_response()
}

/// An answer to an interaction. Whatever was taken is also listed with the answers to made-up interactions.
async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Path((team, id, secret)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fault = gateway.workspace().strikes(RESPONSE_URL, None);
    let dropped = fault == Some(SlackFaultKind::DropReply);
    if let Some(fault) = fault.filter(|_| !dropped) {
        return not_carried_out(fault, &peer).await;
    }
    let now = gateway.clock.now();
    let taken = gateway.workspace().respond(now, (&team, &id, &secret), &body);
    if dropped {
        peer.cut();
    }
    let (status, refused) = match taken {
        Ok(()) => {
            let content_type = headers
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok());
            gateway.record_slack(SlackReply {
                at: rfc3339(now),
                id,
                content_type: content_type.unwrap_or_default().to_owned(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            });
            return "ok".into_response();
        }
        Err(declined) => declined,
    };
    let mut response = refusal(refused);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    response
}
