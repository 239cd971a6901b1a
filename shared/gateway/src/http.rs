//! One bounded HTTP connection to the gateway's admin API.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest reply that is read, bytes.
const MAX_REPLY_BYTES: usize = 8 * 1024 * 1024;

/// The base URL cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the base URL {0}")]
pub struct BadUrl(String);

impl BadUrl {
    /// A URL with which no client can be made.
    pub fn unusable(err: &reqwest::Error) -> Self {
        Self(format!("cannot be used: {err}"))
    }
}

/// Why a request did not succeed. Never holds the token, nor what the gateway wrote but for its own short message.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The gateway said no: the request had no effect.
    #[error("{status}: {message}")]
    Refused {
        /// The status, 4xx.
        status: StatusCode,
        /// What the gateway said.
        message: String,
    },
    /// There was no reply, or none that says what happened.
    #[error("{0}")]
    Unclear(String),
}

/// A connection with a base URL and a bearer token.
#[derive(Clone)]
pub struct Connection {
    http: Client,
    base: Url,
    token: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection that is opened with its first request.
    pub fn new(base: &str, token: &str) -> Result<Self, BadUrl> {
        let base = Url::parse(&format!("{}/", base.trim_end_matches('/')))
            .map_err(|err| BadUrl(format!("cannot be read: {err}")))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(BadUrl("is neither http nor https".to_owned()));
        }
        let http = Client::builder()
            .no_proxy()
            // A redirect would take the token elsewhere.
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_millis(500))
            .timeout(REQUEST_TIMEOUT)
            .build()
            .map_err(|err| BadUrl::unusable(&err))?;
        Ok(Self {
            http,
            base,
            token: token.to_owned(),
        })
    }

    /// Reads a resource. `path` has no leading slash, and names in it are percent-encoded.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RequestError> {
        self.request(Method::GET, path, None::<&()>).await
    }

    /// Sets a resource to an absolute value and returns what the gateway made of it.
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, RequestError> {
        self.request(Method::PUT, path, Some(body)).await
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, RequestError> {
        let unclear = |problem: reqwest::Error| RequestError::Unclear(describe(problem));
        let url = self
            .base
            .join(path)
            .map_err(|err| RequestError::Unclear(format!("{path}: {err}")))?;
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await.map_err(unclear)?;
        let status = reply.status();
        let bytes = read(reply).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes)
                .map_err(|err| RequestError::Unclear(format!("the reply to {path} cannot be read: {err}")));
        }
        let message = message_of(&bytes, status);
        // 408 and 429 say nothing of whether an earlier try of the same request had its effect.
        let certain = status.is_client_error()
            && status != StatusCode::REQUEST_TIMEOUT
            && status != StatusCode::TOO_MANY_REQUESTS;
        if certain {
            Err(RequestError::Refused { status, message })
        } else {
            Err(RequestError::Unclear(format!("{status}: {message}")))
        }
    }
}

/// The whole body, or an error where it is longer than anybody needs.
async fn read(mut reply: reqwest::Response) -> Result<Vec<u8>, RequestError> {
    let mut bytes = Vec::new();
    loop {
        match reply.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= MAX_REPLY_BYTES => {
                bytes.extend_from_slice(&chunk)
            }
            Ok(Some(_)) => {
                return Err(RequestError::Unclear(format!(
                    "the reply is longer than {MAX_REPLY_BYTES} bytes"
                )));
            }
            Ok(None) => return Ok(bytes),
            Err(err) => return Err(RequestError::Unclear(describe(err))),
        }
    }
}

/// An error with its causes, without the URL.
fn describe(err: reqwest::Error) -> String {
    let err = err.without_url();
    let mut text = err.to_string();
    let mut cause = std::error::Error::source(&err);
    while let Some(err) = cause {
        text.push_str(": ");
        text.push_str(&err.to_string());
        cause = err.source();
    }
    text
}

/// The gateway's own message, shortened; what to do where it is about the token.
fn message_of(bytes: &[u8], status: StatusCode) -> String {
    #[derive(serde::Deserialize)]
    struct Reply {
        error: Problem,
    }
    #[derive(serde::Deserialize)]
    struct Problem {
        message: String,
    }
    let told = serde_json::from_slice::<Reply>(bytes)
        .map(|reply| reply.error.message)
        .unwrap_or_default();
    let told: String = told.chars().filter(|c| !c.is_control()).take(200).collect();
    match status {
        StatusCode::UNAUTHORIZED => {
            format!("the gateway does not know the token: set the secret again ({told})")
        }
        StatusCode::FORBIDDEN => format!("the token may not do this: check the secret's purpose ({told})"),
        _ => told,
    }
}
