//! An API over HTTP: where it is, the key to it, and one request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::Clock;
use domain::value::Timestamp;
use outbound::{BadSettings, BaseUrl, Broken, Client, Rotating, Token, brief, listen};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use super::NoAnswer;
use super::retry::{Bounds, Outcome, Problem, Request, Transport, persist};
use super::transcript::Transcript;

/// How long opening a connection may take; how long one attempt may take, unless the deadline comes first: a model that
/// thinks is silent for long, and nothing is streamed; and the longest reply: an answer of 64,000 tokens has some 300,000
/// bytes.
pub const BOUNDS: outbound::Bounds = outbound::Bounds {
    connect_ms: 2_000,
    request_ms: 90_000,
    reply_bytes: 2 * 1024 * 1024,
};

/// Where replies carry the provider's id of the request: Anthropic, OpenAI, LiteLLM.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "x-litellm-call-id"];

/// Where the key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `x-api-key: <key>`
    ApiKey,
    /// `authorization: Bearer <key>`
    Bearer,
}

/// An API, and the key to it.
#[derive(Clone)]
pub struct Endpoint {
    client: Client,
    base: BaseUrl,
    key: Rotating,
    clock: Arc<dyn Clock>,
    attempt: Duration,
}

impl Endpoint {
    /// An API at a base URL, without the version: `https://api.anthropic.com`. Nothing is sent yet.
    pub fn new(base: BaseUrl, key: Rotating, clock: Arc<dyn Clock>) -> Result<Self, BadSettings> {
        let client = Client::within(BOUNDS)?;
        Ok(Self {
            client,
            base,
            key,
            clock,
            attempt: Duration::from_millis(BOUNDS.request_ms),
        })
    }

    /// Opens a connection, before the first call.
    pub async fn connect(&self) {
        self.client.connect(&self.base).await;
    }

    /// The same, with another bound for one attempt than [`BOUNDS`] has.
    pub fn with_attempt_ms(self, ms: u64) -> Self {
        Self {
            attempt: Duration::from_millis(ms),
            ..self
        }
    }

    /// Sends the request, with retries, and returns the body of the reply that is a success. `headers` are those
    /// beside the key's and the content type.
    pub(super) async fn post(
        &self,
        request: &Request<'_>,
        auth: Auth,
        headers: &[(&'static str, &'static str)],
        deadline: Timestamp,
        transcript: &mut Transcript,
    ) -> Result<Vec<u8>, NoAnswer> {
        let bounds = Bounds {
            clock: &*self.clock,
            deadline,
            attempt: self.attempt,
        };
        let mut post = Post {
            endpoint: self,
            auth,
            headers,
            keys: vec![self.key.current()],
        };
        persist(&mut post, request, bounds, transcript).await
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({:?}, {:?})", self.base, self.key)
    }
}

/// One request on its way.
struct Post<'a> {
    endpoint: &'a Endpoint,
    auth: Auth,
    headers: &'a [(&'static str, &'static str)],
    /// All that it was sent with, the current one last: a reply may echo the one before.
    keys: Vec<Token>,
}

#[async_trait]
impl Transport for Post<'_> {
    async fn send(&mut self, request: &Request<'_>, limit: Duration) -> Result<Outcome, NoAnswer> {
        let key = &self.keys[self.keys.len() - 1];
        let (name, value) = match self.auth {
            Auth::Bearer => (AUTHORIZATION.as_str(), key.bearer()),
            Auth::ApiKey => {
                let mut value = HeaderValue::from_str(key.expose()).map_err(|_| {
                    NoAnswer::Rejected(format!("no HTTP header can hold the secret {}", key.secret()))
                })?;
                value.set_sensitive(true);
                ("x-api-key", value)
            }
        };
        let mut builder = self
            .endpoint
            .client
            .request(Method::POST, self.endpoint.base.join(request.path))
            .timeout(limit)
            .header(CONTENT_TYPE, "application/json")
            .header(name, value)
            .body(request.body.clone());
        for (name, value) in self.headers {
            builder = builder.header(*name, *value);
        }
        let mut outcome = exchange(builder).await;
        // Before anything else sees it: a reply that echoes the key shall bring it nowhere.
        for key in &self.keys {
            outcome.body = redact(outcome.body, key);
            outcome.request_id = outcome.request_id.map(|id| id.replace(key.expose(), "…"));
        }
        outcome.request_id = outcome.request_id.map(|id| brief(&id));
        Ok(outcome)
    }

    async fn renew(&mut self) -> bool {
        let is_another = self.endpoint.key.renew().await;
        if is_another {
            self.keys.push(self.endpoint.key.current());
        }
        is_another
    }

    fn key(&self) -> String {
        format!("the secret {}", self.keys[0].secret())
    }
}

/// Sends a request and reads as much of its reply as comes.
async fn exchange(request: reqwest::RequestBuilder) -> Outcome {
    let heard = listen(request, BOUNDS).await;
    let id = |name: &&str| heard.headers.get(*name)?.to_str().ok();
    Outcome {
        status: heard.status.map(|status| status.as_u16()),
        request_id: REQUEST_IDS.iter().find_map(id).map(str::to_owned),
        headers: heard.headers,
        body: heard.body,
        problem: heard.broken.map(Problem::from),
    }
}

impl From<Broken> for Problem {
    /// A connection that could not be opened in its time is broken, not slow: the attempt had more time.
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Slow(_) => Self::Slow,
            Broken::TooLong(_) => Self::TooLong,
            Broken::NoConnection(_) | Broken::Unreachable(_) => Self::Unsent(broken.to_string()),
            Broken::Off(_) => Self::Broken(broken.to_string()),
        }
    }
}

/// The body with `…` wherever it holds the key.
fn redact(body: Vec<u8>, key: &Token) -> Vec<u8> {
    let secret = key.expose().as_bytes();
    let Some(mut found) = position(&body, secret) else {
        return body;
    };
    let mut rest = body.as_slice();
    let mut redacted = Vec::with_capacity(body.len());
    loop {
        redacted.extend_from_slice(&rest[..found]);
        redacted.extend_from_slice("…".as_bytes());
        rest = &rest[found + secret.len()..];
        match position(rest, secret) {
            Some(next) => found = next,
            None => {
                redacted.extend_from_slice(rest);
                return redacted;
            }
        }
    }
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_out_of_any_bytes() {
        let key = Token::new("model", "s3cret").unwrap();
        for (body, redacted) in [
            ("nothing", "nothing"),
            ("s3cret", "…"),
            ("a s3crets3cret b s3cre", "a …… b s3cre"),
            ("", ""),
        ] {
            assert_eq!(redact(body.into(), &key), redacted.as_bytes(), "{body}");
        }
        assert_eq!(redact(b"\xffs3cret".to_vec(), &key), b"\xff\xe2\x80\xa6");
    }
}
