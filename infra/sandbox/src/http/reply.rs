//! Replies.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::core::error::ApiError;

pub(crate) fn ok(body: impl Serialize) -> Response {
    Json(body).into_response()
}

pub(crate) fn status(status: u16, body: impl Serialize) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(body)).into_response()
}

pub(crate) fn refuse(error: &ApiError) -> Response {
    status(error.status, error.body())
}
