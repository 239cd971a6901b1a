//! Trying again as the official SDKs do, within a deadline, with each attempt recorded.
//!
//! The rules are those of the SDKs (`_should_retry` and `_calculate_retry_timeout` in
//! <https://github.com/anthropics/anthropic-sdk-python/blob/main/src/anthropic/_base_client.py>, the same in
//! OpenAI's): the reply's `x-should-retry` decides where it is present; else 408, 409, 429, every 5xx and a reply
//! that does not come whole are tried again, after what `retry-after-ms` or `retry-after` asks for, or else after
//! half a second, doubled each time.

use std::time::Duration;

use async_trait::async_trait;
use data_encoding::BASE64;
use domain::ports::Clock;
use domain::value::Timestamp;
use reqwest::header::HeaderMap;

use super::NoAnswer;
use super::http::BOUNDS;
use super::refusal::{may_have_cost, refused};
use super::transcript::{Attempt, Transcript};

/// How often a request is tried again: the SDKs' default.
const RETRIES: u32 = 2;

/// The longest wait for which an API is asked again, ms. The SDKs take no longer one from `retry-after` either; where
/// they then ask sooner than they were told to, here another model is asked.
const LONGEST_WAIT_MS: u64 = 60_000;

/// The first wait where the reply asks for none, ms; doubled for each after it.
const FIRST_WAIT_MS: u64 = 500;

/// The longest of those, ms.
const MOST_BACKOFF_MS: u64 = 8_000;

/// What is sent.
pub(super) struct Request<'a> {
    /// The model's name, for the transcript.
    pub(super) model: &'a str,
    /// Path below the API's URL.
    pub(super) path: &'a str,
    pub(super) body: String,
    /// How many attempts that may be charged can be paid.
    pub(super) attempts: u32,
}

/// What came of one attempt.
pub(super) struct Outcome {
    pub(super) status: Option<u16>,
    pub(super) headers: HeaderMap,
    pub(super) request_id: Option<String>,
    /// What was read of the body, whole or not.
    pub(super) body: Vec<u8>,
    pub(super) problem: Option<Problem>,
}

/// Why there is no whole reply.
pub(super) enum Problem {
    /// The request was not sent. It may be when tried again.
    Unsent(String),
    /// It may come when asked again.
    Broken(String),
    /// It took longer than it may.
    Slow,
    /// It is longer than it may be, and would be again.
    TooLong,
}

/// How a request gets there.
#[async_trait]
pub(super) trait Transport: Send {
    /// Sends it once. No secret is in the outcome. The error is for what cannot be sent at all.
    async fn send(&mut self, request: &Request<'_>, limit: Duration) -> Result<Outcome, NoAnswer>;

    /// Gets another key after the last one was refused; whether there is another.
    async fn renew(&mut self) -> bool;

    /// Where the key comes from, for whoever looks why it was refused.
    fn key(&self) -> String;
}

/// How long anything may take.
pub(super) struct Bounds<'a> {
    pub(super) clock: &'a dyn Clock,
    pub(super) deadline: Timestamp,
    /// One attempt.
    pub(super) attempt: Duration,
}

/// Sends the request until there is a reply that is a success, and returns its body.
///
/// A key that is refused (401, 403) is renewed once, and the request repeated if there is another. It is not repeated
/// where that could cost more than there is.
pub(super) async fn persist(
    transport: &mut dyn Transport,
    request: &Request<'_>,
    bounds: Bounds<'_>,
    transcript: &mut Transcript,
) -> Result<Vec<u8>, NoAnswer> {
    let left = || Duration::from_millis(bounds.deadline.millis_since(bounds.clock.now()));
    let mut attempt = 0;
    let mut retries = 0;
    let mut renewed = false;
    let mut lost = 0;
    let mut last = String::new();
    loop {
        let limit = left().min(bounds.attempt);
        if limit.is_zero() {
            return Err(too_late(&last));
        }
        let is_last = limit < bounds.attempt;
        attempt += 1;
        let at = bounds.clock.now();
        let outcome = transport.send(request, limit).await?;
        let took_ms = bounds.clock.now().millis_since(at);
        transcript.add(outcome.attempt(request, at, took_ms, attempt, limit));
        lost += u32::from(outcome.is_lost());

        let key_refused = matches!(outcome.status, Some(401 | 403)) && outcome.problem.is_none();
        if key_refused && !renewed {
            renewed = true;
            if transport.renew().await {
                continue;
            }
        }
        if is_last && matches!(outcome.problem, Some(Problem::Slow)) {
            return Err(too_late("no whole reply"));
        }
        let wait = outcome.wait(retries, bounds.clock.now());
        let status = outcome.status;
        let no_answer = match outcome.answer(limit) {
            Ok(body) => return Ok(body),
            Err(NoAnswer::Rejected(why)) if key_refused => {
                let key = transport.key();
                return Err(NoAnswer::Rejected(format!("{why} ({key})")));
            }
            Err(no_answer) => no_answer,
        };
        let Some(wait) = wait else {
            return Err(no_answer);
        };
        if retries == RETRIES {
            return Err(tried(no_answer, attempt));
        }
        if lost >= request.attempts {
            return Err(NoAnswer::Unavailable(format!(
                "{no_answer}; not tried again, as {lost} attempts may have been charged and another cannot be paid"
            )));
        }
        if wait > Duration::from_millis(LONGEST_WAIT_MS) || wait >= left() {
            // Another model may answer in the time that this one wants to be left alone.
            let wait = wait.as_millis();
            return Err(NoAnswer::Unavailable(format!(
                "{no_answer}; not tried again, as that would be in {wait} ms"
            )));
        }
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            model = request.model,
            attempt,
            status,
            wait_ms,
            "asking the model again"
        );
        last = no_answer.to_string();
        retries += 1;
        bounds.clock.sleep(wait).await;
    }
}

impl Problem {
    fn told(&self, limit: Duration) -> String {
        match self {
            Self::Unsent(why) | Self::Broken(why) => why.clone(),
            Self::Slow => format!("no whole reply within {} ms", limit.as_millis()),
            Self::TooLong => format!("the reply is longer than {} bytes", BOUNDS.reply_bytes),
        }
    }
}

impl Outcome {
    fn attempt(
        &self,
        request: &Request<'_>,
        at: Timestamp,
        took_ms: u64,
        attempt: u32,
        limit: Duration,
    ) -> Attempt {
        let (reply, reply_base64) = match std::str::from_utf8(&self.body) {
            Ok("") => (None, None),
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(BASE64.encode(&self.body))),
        };
        Attempt {
            model: request.model.to_owned(),
            path: request.path.to_owned(),
            at,
            took_ms,
            attempt,
            request: request.body.clone(),
            status: self.status,
            request_id: self.request_id.clone(),
            reply,
            reply_base64,
            problem: self.problem.as_ref().map(|problem| problem.told(limit)),
            lost: self.is_lost(),
        }
    }

    /// Whether it may be charged though nobody says how much: it may have been read, and answered in vain.
    fn is_lost(&self) -> bool {
        match (self.status, &self.problem) {
            (Some(200..=299), problem) => problem.is_some(),
            (Some(status), _) => may_have_cost(status, &self.body),
            (None, Some(Problem::Unsent(_))) => false,
            (None, _) => true,
        }
    }

    /// The body of a success, or why there is none.
    fn answer(self, limit: Duration) -> Result<Vec<u8>, NoAnswer> {
        match (self.status, &self.problem) {
            (_, Some(problem)) => Err(NoAnswer::Unavailable(problem.told(limit))),
            (Some(200..=299), None) => Ok(self.body),
            (Some(status), None) => Err(refused(status, &self.body)),
            (None, None) => Err(NoAnswer::Unavailable("no reply".to_owned())),
        }
    }

    /// How long to wait before it is tried again; `None` where it is not.
    fn wait(&self, retries: u32, now: Timestamp) -> Option<Duration> {
        let again = match &self.problem {
            Some(Problem::Unsent(_) | Problem::Broken(_) | Problem::Slow) => true,
            Some(Problem::TooLong) => false,
            None => match self.header("x-should-retry") {
                Some("true") => !matches!(self.status, Some(200..=299)),
                Some("false") => false,
                _ => matches!(self.status, Some(408 | 409 | 429 | 500..=599)),
            },
        };
        again.then(|| Duration::from_millis(self.asked(now).unwrap_or_else(|| backoff(retries))))
    }

    /// The wait that the reply asks for, ms.
    /// <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
    fn asked(&self, now: Timestamp) -> Option<u64> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number > 0.0);
        if let Some(ms) = self.header("retry-after-ms").and_then(number) {
            return Some(whole(ms));
        }
        let text = self.header("retry-after")?;
        if let Some(seconds) = number(text) {
            return Some(whole(seconds * 1000.0));
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?;
        let ms = Timestamp::from_millis(date.as_millisecond()).millis_since(now);
        (ms > 0).then_some(ms)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Whole milliseconds, rounded up. The cast saturates.
fn whole(ms: f64) -> u64 {
    ms.ceil() as u64
}

/// Half a second, doubled for every retry before, up to eight seconds; less up to a quarter of it, so that many who
/// failed together do not come again together.
fn backoff(retries: u32) -> u64 {
    let most = (FIRST_WAIT_MS << retries.min(10)).min(MOST_BACKOFF_MS);
    let random = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    most - most / 4 * random / 255
}

fn too_late(last: &str) -> NoAnswer {
    NoAnswer::TooLate(if last.is_empty() {
        "the time is over".to_owned()
    } else {
        format!("the time is over: {last}")
    })
}

fn tried(no_answer: NoAnswer, attempts: u32) -> NoAnswer {
    match no_answer {
        NoAnswer::Unavailable(why) => NoAnswer::Unavailable(format!("{why}; tried {attempts} times")),
        NoAnswer::ContextExceeded(_)
        | NoAnswer::Rejected(_)
        | NoAnswer::Missing(_)
        | NoAnswer::TooLate(_) => no_answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_doubles_and_is_a_little_shorter_than_it_could_be() {
        for (retries, least, most) in [(0, 375, 500), (1, 750, 1000), (4, 6000, 8000), (40, 6000, 8000)] {
            for _ in 0..100 {
                let wait = backoff(retries);
                assert!((least..=most).contains(&wait), "{retries}: {wait}");
            }
        }
    }
}
