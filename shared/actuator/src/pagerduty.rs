//! A page through PagerDuty's Events API v2:
//! <https://developer.pagerduty.com/docs/send-alert-event>.

use std::fmt;
use std::sync::Arc;

use domain::action::Page;
use domain::incident::Severity;
use domain::ports::{ActError, Credential};
use domain::proposal::Permit;
use gateway::BOUNDS;
use outbound::{BadSettings, BaseUrl, Client, Rotating, Token};
use reqwest::Method;
use serde::Serialize;

use crate::outcome;

/// What errors call PagerDuty.
const SERVICE: &str = "PagerDuty";

/// What stands for a key that cannot be used: PagerDuty refuses it.
const UNUSABLE: &str = "unusable";

/// The longest summary it takes, characters.
const MAX_SUMMARY: usize = 1024;

/// The longest dedup key it takes, characters.
const MAX_DEDUP_KEY: usize = 255;

/// PagerDuty, with one service's routing key.
#[derive(Debug)]
pub struct PagerDuty {
    client: Client,
    base: BaseUrl,
    routing_key: Rotating,
}

#[derive(Serialize)]
struct Trigger<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: &'a str,
    payload: Payload,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: &'static str,
    severity: &'static str,
    custom_details: Details,
}

#[derive(Serialize)]
struct Details {
    proposal: String,
}

/// Characters of a routing key. <https://developer.pagerduty.com/docs/send-alert-event>
const KEY_LENGTH: usize = 32;

/// Whether a text can be a routing key: nothing tells without paging whether PagerDuty knows it.
pub fn routing_key(text: &str) -> Result<(), String> {
    Token::new("pagerduty", text).map_err(|err| err.to_string())?;
    let sound = text.len() == KEY_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match sound {
        true => Ok(()),
        false => Err(format!(
            "it is no routing key of the Events API v2, which has {KEY_LENGTH} letters and digits"
        )),
    }
}

impl PagerDuty {
    /// PagerDuty at a base URL, with the routing key of the secret `pagerduty`. Nothing is sent yet.
    pub fn new(base_url: &str, routing_key: &str) -> Result<Self, BadSettings> {
        Self::with(base_url, Token::new("pagerduty", routing_key)?)
    }

    /// The same, whatever the key is: what has nothing to do with pages must not wait for a usable one. Without one, a page is
    /// refused, and the key is read again ([`PagerDuty::renewed_by`]).
    pub fn without_waiting_for(
        base_url: &str,
        routing_key: Result<&str, impl fmt::Display>,
    ) -> Result<Self, BadSettings> {
        let key = match routing_key {
            Ok(key) => Token::new("pagerduty", key).map_err(|err| err.to_string()),
            Err(err) => Err(err.to_string()),
        };
        let key = key.or_else(|problem| {
            tracing::error!(
                alarm = "pager_key_unusable",
                problem,
                "nobody can be paged until the routing key is mended"
            );
            Token::new("pagerduty", UNUSABLE)
        })?;
        Self::with(base_url, key)
    }

    fn with(base_url: &str, routing_key: Token) -> Result<Self, BadSettings> {
        Ok(Self {
            client: Client::within(BOUNDS)?,
            base: BaseUrl::new("PAGERDUTY_URL", base_url)?,
            routing_key: Rotating::fixed(routing_key),
        })
    }

    /// The same service, with a routing key that is read again after it was refused.
    pub fn renewed_by(self, credential: Arc<dyn Credential>) -> Self {
        Self {
            routing_key: self.routing_key.renewed_by(credential),
            ..self
        }
    }

    /// Triggers an incident, or adds to the open one of the same key, which wakes nobody again. Any permit
    /// allows it: a page that tells of drift belongs to a plan that has none.
    pub(crate) async fn trigger(
        &self,
        permit: &Permit,
        page: &Page,
        dedup_key: &str,
    ) -> Result<(), ActError> {
        if dedup_key.is_empty() || dedup_key.chars().count() > MAX_DEDUP_KEY {
            // Without a key every repetition would be another incident.
            return Err(ActError::Refused(format!(
                "a dedup key has 1 to {MAX_DEDUP_KEY} characters"
            )));
        }
        let routing_key = self.routing_key.current();
        let trigger = Trigger {
            routing_key: routing_key.expose(),
            event_action: "trigger",
            dedup_key,
            payload: Payload {
                summary: page.summary.chars().take(MAX_SUMMARY).collect(),
                source: "sre-agent",
                severity: severity(page.severity),
                custom_details: Details {
                    proposal: permit.proposal().to_string(),
                },
            },
        };
        let request = self
            .client
            .request(Method::POST, self.base.join("/v2/enqueue"))
            .json(&trigger);
        let reply = self
            .client
            .exchange(request)
            .await
            .map_err(|problem| outcome::of_silence(SERVICE, &problem))?;
        match reply.status.as_u16() {
            202 => Ok(()),
            // An unknown routing key is a 400. The caller tries again what is unclear, under the same dedup key.
            400 | 401 | 403 if self.routing_key.renew().await => Err(ActError::Unclear(format!(
                "{SERVICE} refused a routing key that was rotated meanwhile"
            ))),
            _ => Err(outcome::of_status(SERVICE, &reply, &routing_key)),
        }
    }
}

/// PagerDuty knows `critical`, `error`, `warning` and `info`.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
