//! The agent's queues, and what may lie on them: a bus event, an SNS notification of one, or a hint.

mod hint;
mod lane;
mod sender;

use serde_json::Value;

pub use self::hint::Hint;
pub use self::lane::Lane;
pub use self::sender::{Sender, is_hint, sender};
use crate::incident::{Event, Malformed, Reading};
use crate::trail::SOURCE;
use crate::value::{ProposalId, Timestamp, shorten};

/// One message of a queue, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// An incident event, with its text as delivered.
    Incident(Box<Reported>),
    /// Something is to be done about a proposal: look at its trail.
    Hint(ProposalId),
}

/// An incident event and how it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The event.
    pub event: Event,
    /// What of it was not as it should be.
    pub complaints: Vec<Malformed>,
    /// Who sent it: the `source` of the bus event.
    pub source: String,
    /// Its text, byte for byte as the bus delivered it.
    pub text: String,
}

impl Message {
    /// Reads a message's body, or says what is wrong with it. Any text is safe to read.
    pub fn parse(body: &str) -> Result<Self, Malformed> {
        let message = object("message", body)?;
        if let Some(hint) = message.get("hint") {
            return hint_of(hint.get("proposal"), "hint.proposal");
        }
        if message.get("TopicArn").is_some() {
            let inner = message.get("Message").and_then(Value::as_str);
            let inner =
                inner.ok_or_else(|| Malformed::new("Message", "is not a string, in an SNS notification"))?;
            let told = object("Message", inner)?;
            // The approval topic carries announcements as they are, without an envelope of the bus.
            return match told.get("detail").is_none() && told.get("kind").is_some() {
                true => hint_of(told.get("proposal"), "Message.proposal"),
                false => Self::of_envelope(&told, inner),
            };
        }
        Self::of_envelope(&message, body)
    }

    fn of_envelope(envelope: &Value, text: &str) -> Result<Self, Malformed> {
        let field = |name: &str| {
            envelope
                .get(name)
                .and_then(Value::as_str)
                .ok_or_else(|| Malformed::new(name, "is missing or not a string"))
        };
        let detail = envelope
            .get("detail")
            .ok_or_else(|| Malformed::new("detail", "is missing"))?;
        if field("source")? == SOURCE {
            return hint_of(detail.get("proposal"), "detail.proposal");
        }
        let bus_id = envelope.get("id").and_then(Value::as_str);
        let Reading { event, complaints } = Event::read(field("detail-type")?, detail, bus_id)?;
        Ok(Message::Incident(Box::new(Reported {
            event,
            complaints,
            source: field("source")?.to_owned(),
            text: text.to_owned(),
        })))
    }
}

/// The proposal of a hint, for queues on which nothing else belongs; or what is wrong with the message.
pub fn hinted(body: &str) -> Result<ProposalId, String> {
    match Message::parse(body) {
        Ok(Message::Hint(id)) => Ok(id),
        Ok(Message::Incident(_)) => Err("an incident event does not belong on this queue".to_owned()),
        Err(malformed) => Err(malformed.to_string()),
    }
}

/// The body of a hint.
pub fn hint(proposal: &ProposalId) -> String {
    Hint::of(proposal).text()
}

/// Reads the event out of a text that [`Message::parse`] took before.
pub fn reread(text: &str) -> Result<Event, Malformed> {
    match Message::parse(text)? {
        Message::Incident(reported) => Ok(reported.event),
        Message::Hint(_) => Err(Malformed::new(
            "source",
            "is the agent itself: not an incident event",
        )),
    }
}

/// When a bus event was put on the bus, from its envelope.
pub fn envelope_time(text: &str) -> Option<Timestamp> {
    let envelope: Value = serde_json::from_str(text).ok()?;
    envelope.get("time")?.as_str()?.parse().ok()
}

fn object(what: &str, text: &str) -> Result<Value, Malformed> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err(Malformed::new(what, "is not a JSON object")),
        Err(err) => Err(Malformed::new(
            what,
            format!("is not JSON: {err} in \"{}\"", shorten(text)),
        )),
    }
}

fn hint_of(proposal: Option<&Value>, field: &str) -> Result<Message, Malformed> {
    let text = proposal
        .and_then(Value::as_str)
        .ok_or_else(|| Malformed::new(field, "is missing or not a string"))?;
    text.parse()
        .map(Message::Hint)
        .map_err(|err| Malformed::new(field, format!("\"{}\" {err}", shorten(text))))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refused(body: &str, expected: Expect) {
        expected.assert_eq(&Message::parse(body).unwrap_err().to_string());
    }

    fn envelope(detail: Value) -> Value {
        json!({"version": "0", "id": "1", "detail-type": "provider.unhealthy", "source": "llm-gateway", "detail": detail})
    }

    fn detail(event_id: &str) -> Value {
        json!({"version": 1, "event_id": event_id, "org_id": "acme", "provider": "openai",
               "error_rate": 0.5, "requests": 10, "window_s": 60})
    }

    #[test]
    fn an_event_reads_the_same_through_the_bus_and_through_sns() {
        let text = envelope(detail("e-1")).to_string();
        let sns =
            json!({"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "Message": text}).to_string();
        assert_eq!(Message::parse(&text), Message::parse(&sns));
        assert_eq!(reread(&text).unwrap().event_id.as_str(), "e-1");
    }

    #[test]
    fn nonsense_is_named() {
        refused(
            "",
            expect![[r#"message: is not JSON: EOF while parsing a value at line 1 column 0 in """#]],
        );
        refused(
            "<xml>\u{1b}[31m",
            expect![[r#"message: is not JSON: expected value at line 1 column 1 in "<xml>\u{1b}[31m""#]],
        );
        refused("[]", expect!["message: is not a JSON object"]);
        refused("{}", expect!["detail: is missing"]);
        refused(
            r#"{"hint":{}}"#,
            expect!["hint.proposal: is missing or not a string"],
        );
        refused(
            r#"{"hint":{"proposal":"x"}}"#,
            expect![[
                r#"hint.proposal: "x" is not a proposal id: <26 characters of a-z and 2-7>-<generation from 1>"#
            ]],
        );
        refused(
            &json!({"source": "x", "detail-type": "provider.sad", "detail": {}}).to_string(),
            expect![[
                r#"detail-type: "provider.sad" is not one of provider.unhealthy, budget.exceeded, sla.violation, latency.spike"#
            ]],
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_never_panics(body in ".{0,400}") {
            let _ = Message::parse(&body);
        }

        #[test]
        fn the_text_of_an_event_is_kept_byte_for_byte(extra in any::<String>()) {
            let mut detail = detail("e-1");
            detail["note"] = json!(extra);
            let text = format!("  {}\n", envelope(detail));
            let Ok(Message::Incident(reported)) = Message::parse(&text) else { panic!("refused") };
            prop_assert_eq!(reported.text, text);
        }
    }
}
