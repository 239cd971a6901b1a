//! A click on a Slack button, formed and signed as Slack does
//! (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// The Slack app, its workspace and a person in it, as in `events/operators.json`, which the local stack deploys.
pub(crate) const APP_ID: &str = "A0123456789";
pub(crate) const TEAM_ID: &str = "T0123456789";
pub(crate) const ADA: &str = "U0123456789";

/// A click: who, on which button, on which value.
pub(crate) struct Click<'a> {
    pub(crate) user: &'a str,
    /// `approve` or `reject`.
    pub(crate) action: &'a str,
    /// `<proposal id>.<scored digest>`.
    pub(crate) value: &'a str,
    /// Where Slack would take the answer.
    pub(crate) response_url: &'a str,
}

/// A request as it goes over the wire.
pub(crate) struct Signed {
    pub(crate) body: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
}

impl Click<'_> {
    /// The interaction's body, signed for `seconds` since 1970.
    pub(crate) fn sign(&self, secret: &str, seconds: i64) -> Result<Signed> {
        let payload = json!({
            "type": "block_actions",
            "api_app_id": APP_ID,
            "team": { "id": TEAM_ID, "domain": "acme" },
            "user": { "id": self.user, "username": "ada", "name": "ada", "team_id": TEAM_ID },
            "container": { "type": "message", "message_ts": "1.000100", "channel_id": "C0123456789" },
            "channel": { "id": "C0123456789", "name": "sre" },
            "response_url": self.response_url,
            "actions": [{
                "type": "button",
                "action_id": self.action,
                "block_id": "decision",
                "value": self.value,
                "action_ts": format!("{seconds}.000000"),
            }],
        });
        let body = format!("payload={}", form_encoded(&payload.to_string()));
        let timestamp = seconds.to_string();
        let signature = signature(secret, &timestamp, &body)?;
        Ok(Signed {
            body,
            timestamp,
            signature,
        })
    }
}

fn signature(secret: &str, timestamp: &str, body: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("the signing secret")?;
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let digest = mac.finalize().into_bytes();
    Ok(digest
        .iter()
        .fold("v0=".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

/// `application/x-www-form-urlencoded`.
fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_slacks_documentation() {
        // The worked example of https://docs.slack.dev/authentication/verifying-requests-from-slack.
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
                    &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
                    &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlg\
                    cZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body).unwrap();
        assert_eq!(
            signature,
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
        );
    }

    #[test]
    fn a_form_value_is_encoded_as_a_browser_does() {
        assert_eq!(
            form_encoded(r#"{"a b":"ü/+"}"#),
            "%7B%22a+b%22%3A%22%C3%BC%2F%2B%22%7D"
        );
    }
}
