//! PagerDuty's Events API v2, as far as a page needs it.
//!
//! The rules are those of <https://developer.pagerduty.com/docs/events-api-v2-overview>; the words of a
//! refusal are those PagerDuty answers with (seen in <https://github.com/envato/pagerduty/issues/70>,
//! <https://github.com/blockpane/tenderduty/issues/10>, <https://github.com/SigNoz/signoz/issues/9536>).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::time::{Millis, rfc3339};

/// Incidents remembered; the oldest go first.
const MAX_PAGES: usize = 10_000;

/// An incident, and every event that was sent about it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Page {
    /// What tells it from others while it is not resolved.
    pub dedup_key: String,
    /// `triggered`, `acknowledged` or `resolved`.
    pub status: String,
    /// What happened.
    pub summary: String,
    /// Where.
    pub source: String,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// When the first event came (RFC 3339).
    pub first_at: String,
    /// When the last one came (RFC 3339).
    pub last_at: String,
    /// How many triggers it took; a repeated one wakes nobody.
    pub triggers: u64,
    /// The last trigger's `payload`, as sent.
    pub payload: Value,
}

/// The on-call desk: what was paged.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    routing_key: Option<String>,
    pages: Vec<Page>,
}

impl Desk {
    /// Takes events under this routing key only; under any well-formed one without.
    pub(crate) fn new(routing_key: Option<String>) -> Desk {
        Desk {
            routing_key,
            pages: Vec::new(),
        }
    }

    pub(crate) fn pages(&self) -> Vec<Page> {
        self.pages.clone()
    }

    /// Takes an event; `Ok` is the body of a 202, `Err` that of a 400.
    pub(crate) fn enqueue(
        &mut self,
        now: Millis,
        body: &[u8],
        new_key: impl FnOnce() -> String,
    ) -> Result<Value, Value> {
        let event: Value = serde_json::from_slice(body).map_err(|error| refusal(&[error.to_string()]))?;
        let complaints = self.complaints(&event);
        if !complaints.is_empty() {
            return Err(refusal(&complaints));
        }
        let dedup_key = text(&event, "/dedup_key")
            .filter(|key| !key.is_empty())
            .map_or_else(new_key, str::to_owned);
        let open = self
            .pages
            .iter_mut()
            .rev()
            .find(|page| page.dedup_key == dedup_key && page.status != "resolved");
        match (text(&event, "/event_action"), open) {
            (Some("trigger"), Some(page)) => {
                page.triggers += 1;
                page.last_at = rfc3339(now);
                page.payload = event["payload"].clone();
            }
            (Some("trigger"), None) => {
                if self.pages.len() == MAX_PAGES {
                    self.pages.remove(0);
                }
                let field = |pointer| text(&event, pointer).unwrap_or_default().to_owned();
                self.pages.push(Page {
                    dedup_key: dedup_key.clone(),
                    status: "triggered".to_owned(),
                    summary: field("/payload/summary"),
                    source: field("/payload/source"),
                    severity: field("/payload/severity"),
                    first_at: rfc3339(now),
                    last_at: rfc3339(now),
                    triggers: 1,
                    payload: event["payload"].clone(),
                });
            }
            // Acknowledging or resolving what is not there is accepted, and does nothing.
            (action, Some(page)) => {
                let status = if action == Some("resolve") {
                    "resolved"
                } else {
                    "acknowledged"
                };
                page.status = status.to_owned();
                page.last_at = rfc3339(now);
            }
            (_, None) => {}
        }
        Ok(json!({"status": "success", "message": "Event processed", "dedup_key": dedup_key}))
    }

    fn complaints(&self, event: &Value) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut required = |pointer: &str| {
            let value = text(event, pointer).filter(|value| !value.trim().is_empty());
            if value.is_none() {
                complaints.push(format!(
                    "'{}' is missing or blank",
                    pointer[1..].replace('/', ".")
                ));
            }
            value.map(str::to_owned)
        };
        let key = required("/routing_key");
        let action = required("/event_action");
        let mut summary = None;
        let mut severity = None;
        match action.as_deref() {
            Some("acknowledge" | "resolve") => drop(required("/dedup_key")),
            _ => {
                summary = required("/payload/summary");
                severity = required("/payload/severity");
                drop(required("/payload/source"));
            }
        }

        if let Some(key) = key {
            if key.len() != 32 {
                complaints.push("Length of 'routing_key' is incorrect (should be 32 characters)".to_owned());
            }
            if !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                complaints.push("'routing_key' cannot contain non-alphanumeric characters.".to_owned());
            }
            if self
                .routing_key
                .as_ref()
                .is_some_and(|configured| *configured != key)
            {
                complaints.push("Invalid routing key".to_owned());
            }
        }
        if action.is_some_and(|action| !["trigger", "acknowledge", "resolve"].contains(&action.as_str())) {
            complaints
                .push("'event_action' is invalid (must be one of: trigger, acknowledge, resolve)".to_owned());
        }
        if summary.is_some_and(|summary| summary.chars().count() > 1024) {
            complaints.push("'payload.summary' is too long (maximum is 1024 characters)".to_owned());
        }
        if severity
            .is_some_and(|severity| !["critical", "error", "warning", "info"].contains(&severity.as_str()))
        {
            complaints.push(
                "'payload.severity' is invalid (must be one of: critical, error, warning, info)".to_owned(),
            );
        }
        if text(event, "/dedup_key").is_some_and(|key| key.chars().count() > 255) {
            complaints.push("'dedup_key' is too long (maximum is 255 characters)".to_owned());
        }
        complaints
    }
}

fn text<'a>(event: &'a Value, pointer: &str) -> Option<&'a str> {
    event.pointer(pointer)?.as_str()
}

fn refusal(errors: &[String]) -> Value {
    json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors})
}

#[cfg(test)]
mod tests {
    use super::super::world::fixture::START;
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn event(action: &str, dedup_key: &str) -> Value {
        json!({"routing_key": KEY, "event_action": action, "dedup_key": dedup_key,
               "payload": {"summary": "openai is failing", "source": "sre-agent", "severity": "critical"}})
    }

    fn send(desk: &mut Desk, event: &Value) -> Result<Value, Value> {
        desk.enqueue(START, event.to_string().as_bytes(), || "made-up".to_owned())
    }

    #[test]
    fn the_same_key_is_the_same_incident_until_it_is_resolved() {
        let mut desk = Desk::new(Some(KEY.to_owned()));
        for action in [
            "trigger",
            "trigger",
            "acknowledge",
            "trigger",
            "resolve",
            "trigger",
        ] {
            let reply = send(&mut desk, &event(action, "p-1/page"));
            assert_eq!(
                reply,
                Ok(json!({"status":"success","message":"Event processed","dedup_key":"p-1/page"}))
            );
        }
        let pages: Vec<_> = desk
            .pages()
            .into_iter()
            .map(|page| (page.status, page.triggers))
            .collect();
        assert_eq!(pages, [("resolved".to_owned(), 3), ("triggered".to_owned(), 1)]);
    }

    #[test]
    fn a_trigger_without_a_key_gets_one() {
        let mut desk = Desk::default();
        let mut event = event("trigger", "");
        event.as_object_mut().unwrap().remove("dedup_key");
        assert_eq!(send(&mut desk, &event).unwrap()["dedup_key"], "made-up");
    }

    #[test]
    fn a_bad_event_is_refused_in_pagerdutys_words() {
        let mut desk = Desk::new(Some(KEY.to_owned()));
        let refused = |desk: &mut Desk, pointer: &str, value: Value| {
            let mut event = event("trigger", "k");
            *event.pointer_mut(pointer).unwrap() = value;
            let mut refusal = send(desk, &event).unwrap_err();
            assert_eq!(
                (&refusal["status"], &refusal["message"]),
                (&json!("invalid event"), &json!("Event object is invalid"))
            );
            refusal["errors"].take()
        };
        let mut check =
            |pointer, value, errors: Value| assert_eq!(refused(&mut desk, pointer, value), errors);
        check(
            "/payload/severity",
            json!(null),
            json!(["'payload.severity' is missing or blank"]),
        );
        check(
            "/payload/summary",
            json!("x".repeat(1025)),
            json!(["'payload.summary' is too long (maximum is 1024 characters)"]),
        );
        check(
            "/routing_key",
            json!("f".repeat(32)),
            json!(["Invalid routing key"]),
        );
        check(
            "/routing_key",
            json!("short"),
            json!([
                "Length of 'routing_key' is incorrect (should be 32 characters)",
                "Invalid routing key"
            ]),
        );
        check(
            "/event_action",
            json!("page"),
            json!(["'event_action' is invalid (must be one of: trigger, acknowledge, resolve)"]),
        );
        assert!(desk.enqueue(START, b"{", String::new).is_err());
        assert!(desk.pages().is_empty());
    }
}
