//! What a reply that is no success means.
//!
//! A gateway wraps what its provider said: LiteLLM shows an overloaded Anthropic (529) as a 500 whose message holds
//! Anthropic's own error as JSON (<https://github.com/SWE-agent/mini-swe-agent/issues/184>). So the words are looked
//! for in the whole body, and the innermost message is shown.

use outbound::brief;
use serde_json::Value;

use super::NoAnswer;

/// What providers and gateways say of a conversation that is too long, in lower case. Anthropic's two, OpenAI's code
/// and message, LiteLLM's class, Bedrock's.
/// <https://github.com/BerriAI/litellm/blob/main/litellm/litellm_core_utils/exception_mapping_utils.py>
const TOO_LONG: [&str; 7] = [
    "prompt is too long",
    "exceed context limit",
    "context_length_exceeded",
    "maximum context length",
    "contextwindowexceedederror",
    "context window",
    "input is too long",
];

/// What they say of a model that they do not serve: LiteLLM's two (<https://github.com/BerriAI/litellm/issues/9663>,
/// <https://github.com/BerriAI/litellm/pull/8886>), OpenAI's code, Bedrock's.
const NO_SUCH_MODEL: [&str; 4] = [
    "invalid model name",
    "no 'model_name' with this string",
    "model_not_found",
    "model identifier is invalid",
];

/// What gateways say, in lower case, of a request that got no answer in time from the provider behind them, or whose
/// connection to it broke. LiteLLM's classes `Timeout` and `APIConnectionError`, the latter with a 500:
/// <https://docs.litellm.ai/docs/exception_mapping>
const GIVEN_UP: [&str; 5] = [
    "timed out",
    "timeout",
    "apiconnectionerror",
    "connection error",
    "disconnected",
];

/// Whether a request that got this refusal may be charged all the same.
///
/// A provider that refuses, is overloaded or failed has charged nothing. Where somebody between gave up waiting, the
/// provider goes on, and charges: seen of 504 (<https://github.com/openai/openai-python/issues/399>) and of timeouts
/// (<https://github.com/zed-industries/zed/issues/19502>). 424 is Bedrock's model that failed at its answer, 520 to 524
/// are Cloudflare's (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>).
pub(super) fn may_have_cost(status: u16, body: &[u8]) -> bool {
    match status {
        408 | 424 | 499 | 502 | 504 | 520..=524 => true,
        500.. => {
            let lower = String::from_utf8_lossy(body).to_lowercase();
            GIVEN_UP.iter().any(|phrase| lower.contains(phrase))
        }
        _ => false,
    }
}

/// Why there is no answer in a reply with this status, which is no success.
pub(super) fn refused(status: u16, body: &[u8]) -> NoAnswer {
    let text = String::from_utf8_lossy(body);
    let said = said(&text);
    let words = if said.is_empty() {
        format!("answered {status}")
    } else {
        format!("answered {status}: {said}")
    };
    let lower = text.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| lower.contains(phrase));
    match status {
        300..=399 => NoAnswer::Rejected(format!("answered {status}, a redirect, which is not followed")),
        // 413 is Anthropic's `request_too_large`: https://platform.claude.com/docs/en/api/errors
        413 => NoAnswer::ContextExceeded(words),
        400 | 404 | 422 if says(&NO_SUCH_MODEL) => NoAnswer::Missing(words),
        // A 404 that speaks of no model is a wrong base URL.
        404 if lower.contains("model") => NoAnswer::Missing(words),
        400 | 422 if says(&TOO_LONG) => NoAnswer::ContextExceeded(words),
        // 424 is Bedrock's `ModelErrorException`: the model failed, not the request.
        408 | 409 | 424 | 429 | 500.. => NoAnswer::Unavailable(words),
        _ => NoAnswer::Rejected(words),
    }
}

/// The error in a body that came as a success, as some gateways send it.
pub(super) fn error_in(body: &Value) -> Option<NoAnswer> {
    let error = body.get("error").filter(|error| !error.is_null())?;
    Some(NoAnswer::Unavailable(format!(
        "answered with an error: {}",
        said(&error.to_string())
    )))
}

/// What a body says, without the JSON around it and in it.
fn said(text: &str) -> String {
    brief(innermost(text, 0).trim())
}

/// Errors within errors are a few deep; more is nonsense.
const DEEPEST: u32 = 4;

fn innermost(text: &str, depth: u32) -> String {
    let Some(start) = text.find('{').filter(|_| depth < DEEPEST) else {
        return text.to_owned();
    };
    // What follows the JSON, such as the quote of a Python literal or the gateway's own remarks, is left out.
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => match message(&value) {
            Some(message) => {
                let before = text[..start].trim_end_matches("b'").trim_end();
                let inner = innermost(message, depth + 1);
                if before.is_empty() {
                    inner
                } else {
                    format!("{before} {inner}")
                }
            }
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

/// The message of an error in any of the usual shapes: `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}`,
/// `{"detail": …}`.
fn message(value: &Value) -> Option<&str> {
    let error = value.get("error").unwrap_or(value);
    error
        .as_str()
        .or_else(|| error.get("message")?.as_str())
        .or_else(|| error.get("detail")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_message_is_shown() {
        for (text, shown) in [
            ("", ""),
            ("<html>bad gateway</html>", "<html>bad gateway</html>"),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                "Overloaded",
            ),
            (r#"{"error":"no"}"#, "no"),
            (
                r#"{"message":"The security token is invalid"}"#,
                "The security token is invalid",
            ),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"error":{"message":"#, r#"{"error":{"message":"#),
            (
                r#"{"error":{"message":"litellm.InternalServerError: AnthropicError - b'{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}'. Received Model Group=claude","type":null,"code":"500"}}"#,
                "litellm.InternalServerError: AnthropicError - Overloaded",
            ),
            (
                r#"{"error":{"message":"400: {'error': '/chat/completions: Invalid model name passed in model=x'}"}}"#,
                "400: {'error': '/chat/completions: Invalid model name passed in model=x'}",
            ),
        ] {
            assert_eq!(said(text), shown, "{text}");
        }
    }

    #[test]
    fn nesting_without_end_is_not_followed() {
        let mut text = "deep".to_owned();
        for _ in 0..20 {
            text = serde_json::json!({ "error": text }).to_string();
        }
        assert!(said(&text).chars().count() <= 200);
    }
}
