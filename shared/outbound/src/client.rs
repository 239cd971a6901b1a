//! One request and its reply, within bounds.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode, redirect};

use crate::{BadSettings, BaseUrl, Reply, tls};

/// Bounds of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long opening a connection may take, ms.
    pub connect_ms: u64,
    /// How long a request may take in all, ms: connecting, sending, and reading the whole reply.
    pub request_ms: u64,
    /// The longest reply that is read, bytes.
    pub reply_bytes: usize,
}

/// How long [`Client::connect`] takes at most.
const OPENING: Duration = Duration::from_secs(1);

/// A client within [`Bounds`]. It follows no redirect, since that would carry the request and its token to another
/// host, and takes no proxy from the environment.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    bounds: Bounds,
}

impl Client {
    /// A client; nothing is sent yet.
    pub fn within(bounds: Bounds) -> Result<Self, BadSettings> {
        let tls = tls::config().map_err(|err| BadSettings::new("TLS", err))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_millis(bounds.connect_ms))
            .timeout(Duration::from_millis(bounds.request_ms))
            .user_agent("sre-agent")
            .build()
            .map_err(|err| BadSettings::new("the HTTP client", chain(&err)))?;
        Ok(Self { http, bounds })
    }

    /// Its bounds.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Opens a connection, so that the first request finds it open. Nothing is asked for: a `HEAD` without a token, whose answer
    /// does not matter. Where it fails, the first request opens its own, and says what is wrong.
    pub async fn connect(&self, base: &BaseUrl) {
        let request = self.http.head(base.join("/")).timeout(OPENING);
        let _whatever = request.send().await;
    }

    /// A request, to be sent by [`Client::exchange`].
    pub fn request(&self, method: Method, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request and reads its reply to the end. The error says why there is no whole reply, without the URL and
    /// without any header; whether the request had its effect is then not known.
    pub async fn exchange(&self, request: RequestBuilder) -> Result<Reply, String> {
        let heard = listen(request, self.bounds).await;
        match (heard.status, heard.broken) {
            (Some(status), None) => Ok(Reply {
                status,
                headers: heard.headers,
                body: heard.body,
            }),
            (Some(_) | None, Some(broken)) => Err(broken.to_string()),
            (None, None) => Err("no reply".to_owned()),
        }
    }
}

/// As much of a reply as came.
#[derive(Debug, Default)]
pub struct Heard {
    /// Its status, if any came.
    pub status: Option<StatusCode>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as far as it came and was not too long.
    pub body: Vec<u8>,
    /// Why it is not whole, where it is not.
    pub broken: Option<Broken>,
}

/// Why a reply is not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// No connection in its time, ms. The request was not sent.
    NoConnection(u64),
    /// Not whole in its time, ms.
    Slow(u64),
    /// Longer than is read, bytes.
    TooLong(usize),
    /// No connection: refused, or nobody by that name. The request was not sent.
    Unreachable(String),
    /// The connection broke off.
    Off(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::NoConnection(ms) => write!(f, "no connection within {ms} ms"),
            Broken::Slow(ms) => write!(f, "no whole reply within {ms} ms"),
            Broken::TooLong(bytes) => write!(f, "the reply is longer than {bytes} bytes"),
            Broken::Unreachable(problem) | Broken::Off(problem) => f.write_str(problem),
        }
    }
}

/// Sends a request and reads as much of its reply as comes, within the bounds on its size; those in time are the
/// client's, or the request's own.
pub async fn listen(request: RequestBuilder, bounds: Bounds) -> Heard {
    let mut heard = Heard::default();
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(err) => {
            heard.broken = Some(broken(&err, bounds));
            return heard;
        }
    };
    heard.status = Some(response.status());
    heard.headers = std::mem::take(response.headers_mut());
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = bounds.reply_bytes - heard.body.len();
                heard.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    heard.broken = Some(Broken::TooLong(bounds.reply_bytes));
                    return heard;
                }
            }
            Ok(None) => return heard,
            Err(err) => {
                heard.broken = Some(broken(&err, bounds));
                return heard;
            }
        }
    }
}

/// A connection that could not be opened in its time is broken, not slow: the request had more time.
fn broken(err: &reqwest::Error, bounds: Bounds) -> Broken {
    if err.is_connect() && err.is_timeout() {
        Broken::NoConnection(bounds.connect_ms)
    } else if err.is_timeout() {
        Broken::Slow(bounds.request_ms)
    } else if err.is_connect() {
        Broken::Unreachable(format!("no connection: {}", innermost(err)))
    } else {
        Broken::Off(format!("no whole reply: {}", causes(err)))
    }
}

/// What lies behind an HTTP error. Its own text is left out: it names the URL.
fn causes(err: &reqwest::Error) -> String {
    std::error::Error::source(err).map_or_else(|| "broken off".to_owned(), chain)
}

/// The cause of all others, which only name the layers that it came through.
fn innermost(err: &dyn std::error::Error) -> String {
    let mut last = err;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut next = err.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some errors repeat their cause's text in their own.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
