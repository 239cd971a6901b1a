//! What callers other than the agent use: completions, and PagerDuty's Events API.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use super::admin::struck;
use super::cut::Peer;
use super::reply;
use crate::core::traffic::{Call, Refusal, Served};
use crate::core::world_file::Scope;
use crate::gateway::Gateway;

pub(crate) fn router() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/v2/enqueue", post(enqueue))
}

/// One request through the gateway, in OpenAI's shape
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
async fn complete(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(model) = request["model"].as_str() else {
        return refuse(
            400,
            "invalid_request_error",
            "missing_required_parameter",
            "the body needs a \"model\"",
        );
    };
    let Some(team) = headers.get("x-team").and_then(|team| team.to_str().ok()) else {
        return refuse(
            401,
            "authentication_error",
            "unknown_team",
            "the header x-team names no team",
        );
    };
    let now = gateway.clock.now();
    let outcome = gateway.world().serve(now, Call { team, group: model });
    match outcome {
        Ok(served) if served.ok => with_provider(completion(now, model, &served), &served),
        Ok(served) => {
            let message = format!("the provider {} failed", served.provider);
            with_provider(refuse(502, "api_error", "provider_error", &message), &served)
        }
        Err(refusal) => refused(&refusal),
    }
}

fn completion(now: i64, model: &str, served: &Served) -> Response {
    let content = format!("{} answered in {} ms", served.provider, served.latency_ms);
    reply::ok(json!({
        "id": format!("chatcmpl-{}", uuid::Uuid::new_v4().simple()),
        "object": "chat.completion",
        "created": now / 1000,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": served.tokens / 2,
            "completion_tokens": served.tokens - served.tokens / 2,
            "total_tokens": served.tokens,
        },
    }))
}

fn with_provider(mut response: Response, served: &Served) -> Response {
    if let Ok(provider) = HeaderValue::from_str(&served.provider) {
        response.headers_mut().insert("x-provider", provider);
    }
    response
}

fn refused(refusal: &Refusal) -> Response {
    let code = refusal.reason();
    match refusal {
        Refusal::UnknownTeam => refuse(
            401,
            "authentication_error",
            code,
            "the header x-team names no team",
        ),
        Refusal::UnknownGroup => refuse(
            404,
            "invalid_request_error",
            "model_not_found",
            "no such model group",
        ),
        Refusal::GroupNotAllowed => refuse(
            403,
            "permission_error",
            code,
            "the team may not use this model group",
        ),
        Refusal::RateLimited => refuse(
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            "the team's limit is reached",
        ),
        Refusal::OverBudget(Scope::Team) => refuse(
            429,
            "insufficient_quota",
            "insufficient_quota",
            "the team has reached its hard cap",
        ),
        Refusal::OverBudget(Scope::Org) => refuse(
            429,
            "insufficient_quota",
            "insufficient_quota",
            "the organisation has reached its hard cap",
        ),
        Refusal::NoDeployment => refuse(
            503,
            "api_error",
            code,
            "no provider of this model group is available",
        ),
    }
}

fn refuse(status: u16, kind: &str, code: &str, message: &str) -> Response {
    reply::status(
        status,
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}}),
    )
}

async fn enqueue(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let fault = gateway.world().strike(method.as_str(), uri.path());
    let page = async move {
        let new_key = || uuid::Uuid::new_v4().simple().to_string();
        let outcome = gateway.desk().enqueue(gateway.clock.now(), &body, new_key);
        match outcome {
            Ok(accepted) => reply::status(202, accepted),
            Err(refused) => reply::status(400, refused),
        }
    };
    struck(fault, &peer, page).await
}
