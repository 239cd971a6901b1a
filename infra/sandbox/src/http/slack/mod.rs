//! Slack's wires: the Web API, the `response_url`s, and what people do.

mod control;
mod request;
mod web_api;

use std::sync::Arc;

use axum::Router;

use crate::gateway::Gateway;

pub(super) fn router() -> Router<Arc<Gateway>> {
    Router::new().merge(web_api::router()).merge(control::router())
}
