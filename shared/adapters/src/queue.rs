//! The agent's queues in SQS, and their dead letters.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;
use domain::message::Hint;
use domain::ports::{Queue, Unavailable};
use domain::value::Timestamp;

use crate::aws;

const SERVICE: &str = "SQS";

/// The longest delay of a message, seconds.
const MAX_DELAY_S: u64 = 900;

/// The longest reason on a dead letter, bytes.
const MAX_REASON_BYTES: usize = 1024;

/// One queue.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

/// A message that nobody will try again, and why.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter<'a> {
    /// The message's body, as it was delivered.
    pub body: &'a str,
    /// Why it was given up.
    pub reason: &'a str,
    /// Which function gave it up.
    pub function: &'a str,
    /// When it was given up.
    pub failed_at: Timestamp,
}

impl SqsQueue {
    /// The queue of a URL.
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            url: url.into(),
        }
    }

    /// Leaves a message in this queue, which is a dead-letter queue, with the reason as an attribute.
    pub async fn dead_letter(&self, letter: DeadLetter<'_>) -> Result<(), Unavailable> {
        let send = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(letter.body);
        send.message_attributes("reason", attribute(&printable(letter.reason))?)
            .message_attributes("function", attribute(letter.function)?)
            .message_attributes("failed_at", attribute(&letter.failed_at.to_string())?)
            .send()
            .await
            .map(|_| ())
            .map_err(|err| Unavailable::new(SERVICE, aws::told(&err)))
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, hint: &Hint, delay: Duration) -> Result<(), Unavailable> {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(hint.text())
            .delay_seconds(delay_seconds(delay))
            .send()
            .await
            .map(|_| ())
            .map_err(|err| Unavailable::new(SERVICE, aws::told(&err)))
    }
}

/// Whole seconds, rounded up: a hint never comes early. More than SQS can wait is cut: whoever gets the
/// hint looks at the trail and waits again.
fn delay_seconds(delay: Duration) -> i32 {
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    i32::try_from(seconds.min(MAX_DELAY_S)).unwrap_or(i32::MAX)
}

fn attribute(value: &str) -> Result<MessageAttributeValue, Unavailable> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(|err| Unavailable::new(SERVICE, err))
}

/// A text that SQS takes as an attribute: no control characters, not empty, at most 1 KB.
fn printable(reason: &str) -> String {
    let mut text = String::new();
    for c in reason.trim().chars() {
        // SQS takes the characters of XML 1.0, which has no U+FFFE and U+FFFF.
        let c = if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
            ' '
        } else {
            c
        };
        if text.len() + c.len_utf8() > MAX_REASON_BYTES {
            break;
        }
        text.push(c);
    }
    if text.is_empty() {
        "unknown".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_never_comes_early_and_never_waits_longer_than_sqs_can() {
        for (delay_ms, seconds) in [
            (0, 0),
            (1, 1),
            (1000, 1),
            (1001, 2),
            (899_001, 900),
            (5_000_000, 900),
        ] {
            assert_eq!(
                delay_seconds(Duration::from_millis(delay_ms)),
                seconds,
                "{delay_ms} ms"
            );
        }
    }

    #[test]
    fn a_reason_is_printable_and_bounded() {
        assert_eq!(printable("a\nb\u{0}c\u{ffff}"), "a b c ");
        assert_eq!(printable(" \n"), "unknown");
        assert_eq!(printable(&"€".repeat(1000)).len(), 1023);
    }
}
