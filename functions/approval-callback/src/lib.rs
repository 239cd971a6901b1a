//! `approval-callback`: the door through which people decide.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /healthz` | says that the function answers |
//! | `POST /slack/interactions` | takes the click on a Slack button |
//!
//! GET never changes anything: link scanners click.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod config;
mod decide;
pub mod reply;
pub mod slack;

use domain::ports::{Clock, Operators, Policies, Trail};
use domain::value::Deployment;
use lambda_http::http::{Method, StatusCode, header};
use lambda_http::{Body, Request, RequestExt, Response};

pub use self::decide::{Asked, Channel, Decided, Identity};

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// Who may decide, by rules, and the digest that decisions record.
    pub policies: &'a dyn Policies,
    /// Threshold, switches and deadlines.
    pub deployment: &'a Deployment,
    /// Who may decide.
    pub operators: &'a dyn Operators,
    /// What Slack signs with, and what it must name.
    pub slack: &'a slack::Trust<'a>,
    /// How the person who clicked is told.
    pub reply: &'a dyn reply::Reply,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// The longest body that is read. Slack's interactions are a few kilobytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Answers one request. Errors are responses: nothing a caller sends makes this fail.
pub async fn handle(deps: &Deps<'_>, request: Request) -> Response<Body> {
    let path = request.raw_http_path().trim_end_matches('/').to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/healthz") => json(StatusCode::OK, &serde_json::json!({ "status": "ok" })),
        (&Method::POST, "/slack/interactions") => interaction(deps, &request).await,
        (_, "/healthz" | "/slack/interactions") => {
            problem(StatusCode::METHOD_NOT_ALLOWED, "this path takes another method")
        }
        _ => problem(StatusCode::NOT_FOUND, "there is nothing at this path"),
    }
}

async fn interaction(deps: &Deps<'_>, request: &Request) -> Response<Body> {
    let body: &[u8] = request.body();
    if body.len() > MAX_BODY_BYTES {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    }
    // The signature first, on the bytes as they came: nothing else of the request is looked at before.
    if let Err(refusal) = deps.slack.verify(request.headers(), body, deps.clock.now()).await {
        tracing::warn!(reason = %refusal, "refused a Slack request");
        let status = match refusal {
            slack::Refusal::Unchecked => StatusCode::SERVICE_UNAVAILABLE,
            slack::Refusal::Unsigned
            | slack::Refusal::Skewed
            | slack::Refusal::Forged
            | slack::Refusal::App
            | slack::Refusal::Team => StatusCode::UNAUTHORIZED,
        };
        return problem(status, &refusal.to_string());
    }
    let click = match slack::Click::parse(body) {
        Ok(Some(click)) => click,
        Ok(None) => return empty(StatusCode::OK),
        Err(malformed) => {
            tracing::warn!(reason = %malformed, "refused a Slack request");
            return problem(StatusCode::BAD_REQUEST, &malformed.to_string());
        }
    };
    if let Err(refusal) = deps.slack.knows(&click) {
        tracing::warn!(reason = %refusal, "refused a Slack request");
        return problem(StatusCode::FORBIDDEN, &refusal.to_string());
    }
    match decide::decide(deps, &click.asked).await {
        Ok(decided) => {
            deps.reply.tell(&click.response_url, &decided.to_string()).await;
            empty(StatusCode::OK)
        }
        Err(err) => {
            // Slack shows the person an error and does not send the click again: say that it did not count.
            tracing::error!(error = format!("{err:#}"), "a decision could not be recorded");
            deps.reply
                .tell(
                    &click.response_url,
                    "Your decision could not be recorded. Nothing happened; please click again.",
                )
                .await;
            problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "the decision could not be recorded",
            )
        }
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    respond(status, Body::Empty)
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    respond(status, Body::Text(value.to_string()))
}

fn problem(status: StatusCode, text: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "error": text }))
}

fn respond(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}
