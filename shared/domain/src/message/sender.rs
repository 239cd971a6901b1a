//! Who sent a message that cannot be read, as far as it says.

use serde_json::Value;

/// A sender as a message names it: text from outside, and it may be invented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// The `source` of the bus event.
    pub source: Option<String>,
    /// The event's own id, or the bus's.
    pub event: Option<String>,
}

/// What a message's body says of its sender, directly or in a notification. Any text is safe to read.
pub fn sender(body: &str) -> Sender {
    let Ok(message) = serde_json::from_str::<Value>(body) else {
        return Sender::default();
    };
    let inner = match message.get("TopicArn") {
        Some(_) => {
            let inner = message.get("Message").and_then(Value::as_str);
            inner.and_then(|inner| serde_json::from_str(inner).ok())
        }
        None => None,
    };
    let envelope: &Value = inner.as_ref().unwrap_or(&message);
    let text = |pointer: &str| {
        let text = envelope.pointer(pointer).and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Sender {
        source: text("/source"),
        event: text("/detail/event_id").or_else(|| text("/id")),
    }
}

/// Whether a message is one by which the agent's own functions wake each other: nobody else's event is in it.
pub fn is_hint(body: &str) -> bool {
    serde_json::from_str::<Value>(body).is_ok_and(|message| message.get("hint").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_sent_it_is_read_wherever_it_stands() {
        let event = json!({"id": "bus-1", "source": "llm-gateway", "detail": {"event_id": "e-1"}});
        let named = |body: &Value| {
            let Sender { source, event } = sender(&body.to_string());
            (source.unwrap_or_default(), event.unwrap_or_default())
        };
        let expected = ("llm-gateway".to_owned(), "e-1".to_owned());
        assert_eq!(named(&event), expected);
        assert_eq!(
            named(&json!({"TopicArn": "arn:x", "Message": event.to_string()})),
            expected
        );
        assert_eq!(
            named(&json!({"id": "bus-1", "source": 7, "detail": []})),
            (String::new(), "bus-1".to_owned())
        );
        for body in [
            "",
            "[]",
            "nonsense",
            "{\"TopicArn\":1,\"Message\":2}",
            "{\"source\":\"\"}",
        ] {
            assert_eq!(sender(body), Sender::default(), "{body}");
        }
    }
}
