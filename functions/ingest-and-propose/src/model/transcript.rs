//! The transcript: everything that was sent to models and came back, byte for byte.
//!
//! Providers return summaries of thinking, not the thinking itself; redacted blocks are encrypted. Both are kept as
//! they came. Headers are not kept, but for a reply's request id: so no key gets in. Where a reply echoes the key that it
//! was asked with, `…` stands for it: the one thing that is not as it came.

use domain::value::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Version of the transcript's shape.
const VERSION: u32 = 1;

/// Every attempt at an answer, in order.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    attempts: Vec<Attempt>,
}

/// One request and what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The model asked.
    pub model: String,
    /// Path of the API, without its host.
    pub path: String,
    /// When it was sent.
    pub at: Timestamp,
    /// How long it took, ms.
    pub took_ms: u64,
    /// Which try of the same request this is, from 1.
    pub attempt: u32,
    /// The body sent, byte for byte. Ours: always UTF-8.
    pub request: String,
    /// The reply's status; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The body received, byte for byte where it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The body received, base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_base64: Option<String>,
    /// Why there is no whole reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether it may have been charged without anybody saying how much: it is counted at the most it may have cost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

impl Attempt {
    /// Whether it is a success, whole; what it cost stands in it, if it can be read.
    fn is_success(&self) -> bool {
        matches!(self.status, Some(200..=299)) && self.problem.is_none()
    }
}

impl Transcript {
    /// Adds an attempt.
    pub fn add(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
    }

    /// The attempts so far.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// How many attempts after the first `before` may have been charged without anybody saying how much. A success out
    /// of which came no answer is one of them.
    pub fn lost_after(&self, before: usize, is_answered: bool) -> u32 {
        let lost = self.attempts.iter().skip(before);
        let lost = lost.filter(|attempt| attempt.lost || (!is_answered && attempt.is_success()));
        u32::try_from(lost.count()).unwrap_or(u32::MAX)
    }

    /// From the first request to the last reply, ms.
    pub fn took_ms(&self) -> u64 {
        match (self.attempts.first(), self.attempts.last()) {
            (Some(first), Some(last)) => last.at.plus_millis(last.took_ms).millis_since(first.at),
            _ => 0,
        }
    }

    /// The transcript as JSON Lines: one line about itself and what came of it, then one an attempt.
    pub fn text(&self, about: &serde_json::Map<String, Value>) -> String {
        let mut head = serde_json::Map::new();
        head.insert("transcript".to_owned(), VERSION.into());
        head.insert("attempts".to_owned(), self.attempts.len().into());
        head.extend(about.clone());
        let mut text = Value::Object(head).to_string();
        for attempt in &self.attempts {
            text.push('\n');
            // Plain data with string keys: serialising it cannot fail.
            text.push_str(&serde_json::to_string(attempt).unwrap_or_default());
        }
        text.push('\n');
        text
    }
}
