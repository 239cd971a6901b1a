//! How the gateway says no.

use serde_json::{Value, json};

/// A refusal, in the form the admin API answers it: `{"error":{"code","message"}}` with a status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Stable, machine-readable reason.
    pub code: &'static str,
    /// What was wrong, for a person.
    pub message: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn not_found(what: &str, id: &str) -> ApiError {
        ApiError::new(404, "not_found", format!("there is no {what} {id:?}"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
        ApiError::new(422, "invalid", message)
    }

    /// The body of the reply.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }
}
