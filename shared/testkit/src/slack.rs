//! A click on a Slack button, formed and signed as Slack does.
//!
//! Facts: <https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>,
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The app, workspace and people of `events/operators.json`.
pub const APP: &str = "A0123456789";
/// The workspace.
pub const TEAM: &str = "T0123456789";
/// Ada, an active operator.
pub const ADA: &str = "U0123456789";
/// Grace, another one.
pub const GRACE: &str = "U0123456790";

/// The JSON that Slack sends for a click of `user` on a button.
pub fn payload(user: &str, action_id: &str, value: &str, response_url: &str) -> Value {
    json!({
        "type": "block_actions",
        "api_app_id": APP,
        "team": { "id": TEAM, "domain": "acme" },
        "user": { "id": user, "username": "somebody", "team_id": TEAM },
        "container": { "type": "message", "message_ts": "1.000100", "channel_id": "C0123456789" },
        "trigger_id": "12345.98765.abcd2358fdea",
        "response_url": response_url,
        "actions": [{ "type": "button", "block_id": "decision", "action_id": action_id, "value": value }],
    })
}

/// The JSON that Slack sends when `user` has filled in a form: its `callback_id`, its `private_metadata`, and what stands
/// in its fields.
pub fn submission(user: &str, callback_id: &str, metadata: &str, values: &[(&str, &str)]) -> Value {
    let filled = values.iter().map(|(name, value)| {
        let field = json!({ "value": { "type": "plain_text_input", "value": value } });
        ((*name).to_owned(), field)
    });
    let filled: serde_json::Map<_, _> = filled.collect();
    json!({
        "type": "view_submission",
        "api_app_id": APP,
        "team": { "id": TEAM, "domain": "acme" },
        "user": { "id": user, "username": "somebody", "team_id": TEAM },
        "trigger_id": "12345.98765.abcd2358fdea",
        "view": { "id": "V0123456789", "type": "modal", "callback_id": callback_id, "private_metadata": metadata,
                  "state": { "values": filled } },
        "response_urls": [],
    })
}

/// A request as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The form.
    pub body: String,
    /// `X-Slack-Request-Timestamp`.
    pub timestamp: String,
    /// `X-Slack-Signature`.
    pub signature: String,
}

/// The interaction as a form, signed at `seconds` since 1970.
pub fn sign(payload: &Value, secret: &str, seconds: u64) -> Signed {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish();
    let timestamp = seconds.to_string();
    Signed {
        signature: signature(&timestamp, &body, secret),
        body,
        timestamp,
    }
}

/// The signature of a body that was sent with a timestamp.
pub fn signature(timestamp: &str, body: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    format!(
        "v0={}",
        data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
    )
}
