//! `approval-callback`: the door through which people decide.
//!
//! One program, two functions: one with a public URL for Slack and the pages, one with an `AWS_IAM` URL for the command
//! line.
//!
//! | request | door | does |
//! | --- | --- | --- |
//! | `GET /healthz` | both | says that the function answers; behind IAM, in which version too |
//! | `POST /slack/interactions` | public | takes the click on a Slack button, and the form behind it |
//! | `GET /proposals/<id>?t=<token>` | public | shows a proposal to whoever has its link |
//! | `GET /v1/proposals`, `GET /v1/proposals/<id>` | IAM | lists and shows proposals |
//! | `POST /v1/proposals/<id>/requests` | IAM | takes what a person asks for |
//!
//! GET, HEAD and OPTIONS never change anything: link scanners click.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod ask;
mod commands;
pub mod config;
mod once;
mod page;
pub mod patience;
pub mod reply;
pub mod slack;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use domain::ports::{Clock, Operators, Policies, Trail, View};
use domain::value::Deployment;
use futures::FutureExt as _;
use runtime::http::{HttpRequest, HttpResponse};
use runtime::link::LinkKey;
use serde_json::{Value, json};

use crate::patience::DECISION_MS;

pub use self::ask::{Asked, Became, Channel, Identity};

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
    /// The time.
    pub clock: &'a dyn Clock,
    /// What stands behind the function's URL.
    pub door: Door<'a>,
}

/// What stands behind a URL.
pub enum Door<'a> {
    /// Everybody may call it: what comes is signed, or opens nothing but a page.
    Public {
        /// Slack.
        slack: slack::Slack<'a>,
        /// The key of the links to pages.
        links: &'a LinkKey,
    },
    /// IAM lets in only who may invoke it, and says who it is.
    Commands {
        /// Which proposals there are.
        view: &'a dyn View,
        /// Who is taken to have sent what does not say who sent it: on an emulator, which does not tell. None on AWS.
        emulated_caller: Option<&'a str>,
    },
}

/// Answers one event of the function's URL: what the Lambda runtime calls, with the event as it came.
///
/// The caller writes every text of it. Whatever it holds, it is read without a panic: what is no request is a bad one.
/// And should anything behind that panic all the same, this request is answered with that, and the next one as ever.
pub async fn answer_event(deps: &Deps<'_>, event: &Value) -> Value {
    let answered = async {
        match HttpRequest::read(event) {
            Ok(request) => answer_in_time(deps, &request).await,
            Err(problem) => HttpResponse::problem(400, problem),
        }
    };
    // What outlives a request are caches, each behind a lock that a panic leaves whole.
    let response = AssertUnwindSafe(answered).catch_unwind().await;
    let response = response.unwrap_or_else(|_| {
        tracing::error!(metric = "panicked", "a request made the function panic");
        HttpResponse::problem(
            500,
            "the agent failed on this request; look whether it was recorded",
        )
    });
    response.event()
}

/// Answers within the time that Slack waits, where it is Slack that waits.
async fn answer_in_time(deps: &Deps<'_>, request: &HttpRequest) -> HttpResponse {
    let answered = handle(deps, request);
    match deps.door {
        Door::Commands { .. } => answered.await,
        Door::Public { .. } => {
            let bound = Duration::from_millis(DECISION_MS);
            tokio::time::timeout(bound, answered).await.unwrap_or_else(|_| {
                tracing::error!("a request took too long");
                HttpResponse::problem(
                    503,
                    "this took too long: look whether it was recorded, and press again",
                )
            })
        }
    }
}

/// Answers one request. Errors are responses: nothing a caller sends makes this fail.
pub async fn handle(deps: &Deps<'_>, request: &HttpRequest) -> HttpResponse {
    let response = answer(deps, request).await;
    match request.method.as_str() {
        "HEAD" => HttpResponse {
            body: String::new(),
            ..response
        },
        _ => response,
    }
}

async fn answer(deps: &Deps<'_>, request: &HttpRequest) -> HttpResponse {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let posts = request.method == "POST";
    let path = request.path.strip_prefix('/');
    let segments: Vec<&str> = path.map(|path| path.split('/').collect()).unwrap_or_default();
    match (&deps.door, segments.as_slice()) {
        // Everybody may ask here, and nobody who does needs the version. Both doors are one program, deployed at once.
        (Door::Public { .. }, ["healthz"]) if reads => HttpResponse::json(200, &json!({ "status": "ok" })),
        (Door::Commands { .. }, ["healthz"]) if reads => HttpResponse::json(
            200,
            &json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }),
        ),
        (Door::Public { slack, .. }, ["slack", "interactions"]) if posts => {
            slack::take(deps, slack, request).await
        }
        (Door::Public { links, .. }, ["proposals", id]) if reads => {
            page::show(deps, links, id, &request.query).await
        }
        (Door::Commands { view, .. }, ["v1", "proposals"]) if reads => {
            commands::list(deps, *view, &request.query).await
        }
        (Door::Commands { view, .. }, ["v1", "proposals", id]) if reads => {
            commands::show(deps, *view, id).await
        }
        (Door::Commands { emulated_caller, .. }, ["v1", "proposals", id, "requests"]) if posts => {
            commands::take(deps, *emulated_caller, id, request).await
        }
        (_, ["healthz"]) | (Door::Public { .. }, ["proposals", _]) => other_method("GET, HEAD"),
        (Door::Commands { .. }, ["v1", "proposals"] | ["v1", "proposals", _]) => other_method("GET, HEAD"),
        (Door::Public { .. }, ["slack", "interactions"])
        | (Door::Commands { .. }, ["v1", "proposals", _, "requests"]) => other_method("POST"),
        (Door::Public { .. } | Door::Commands { .. }, _) => {
            HttpResponse::problem(404, "there is nothing at this path")
        }
    }
}

fn other_method(allow: &'static str) -> HttpResponse {
    HttpResponse::problem(405, "this path takes another method").with_header("allow", allow)
}
