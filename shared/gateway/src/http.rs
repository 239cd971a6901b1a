//! One bounded request to an outside service.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ports::Credential;
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};

/// How long opening a connection may take, ms.
pub const CONNECT_MS: u64 = 500;

/// How long a request may take in all, ms: connecting, sending, and reading the whole reply.
pub const REQUEST_MS: u64 = 2_000;

/// The longest reply that is read, bytes.
pub const MAX_REPLY_BYTES: usize = 8 * 1024 * 1024;

/// A setting with which nothing can be called. Found at start.
#[derive(Debug, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct BadSettings {
    /// Which setting.
    pub setting: &'static str,
    /// What is wrong with it. Never holds a secret.
    pub problem: String,
}

impl BadSettings {
    fn new(setting: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            setting,
            problem: problem.to_string(),
        }
    }
}

/// A client within the bounds above. It follows no redirect, since that would carry the request and its
/// token to another host, and takes no proxy from the environment.
pub fn client() -> Result<Client, BadSettings> {
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_millis(CONNECT_MS))
        .timeout(Duration::from_millis(REQUEST_MS))
        .user_agent("sre-agent")
        .build()
        .map_err(|err| BadSettings::new("the HTTP client", chain(&err)))
}

/// Where a service is: an `http` or `https` URL with or without a path, and nothing else.
#[derive(Debug, Clone)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads a base URL; `setting` is the name of what it came from.
    pub fn new(setting: &'static str, text: &str) -> Result<Self, BadSettings> {
        let url =
            Url::parse(text).map_err(|err| BadSettings::new(setting, format_args!("is no URL: {err}")))?;
        let problem = if !matches!(url.scheme(), "http" | "https") {
            "is not an http or https URL"
        } else if !url.username().is_empty() || url.password().is_some() {
            "holds credentials: they belong into a secret"
        } else if url.query().is_some() || url.fragment().is_some() {
            "has a query or a fragment"
        } else {
            return Ok(Self(url.as_str().trim_end_matches('/').to_owned()));
        };
        Err(BadSettings::new(setting, problem))
    }

    /// The URL of a path below it. The path begins with a slash and is percent-encoded.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

/// Whether two URLs lead to the same scheme, host and port.
pub fn same_origin(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        (Ok(_) | Err(_), _) => false,
    }
}

/// A secret sent with every request. It never shows itself.
#[derive(Clone)]
pub struct Token {
    text: String,
    header: HeaderValue,
    secret: &'static str,
}

impl Token {
    /// The value of the secret of this purpose, such as `gateway-read`.
    pub fn new(secret: &'static str, text: &str) -> Result<Self, BadSettings> {
        if text.is_empty() {
            return Err(BadSettings::new(secret, "is an empty secret"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| {
            BadSettings::new(secret, "is a secret with characters that no HTTP header can hold")
        })?;
        header.set_sensitive(true);
        Ok(Self {
            text: text.to_owned(),
            header,
            secret,
        })
    }

    /// The value of an `authorization` header.
    pub fn bearer(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The secret itself, for a body that has to hold it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The purpose of the secret it comes from.
    pub fn secret(&self) -> &'static str {
        self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.secret)
    }
}

/// A token whose secret may be rotated while the process lives.
#[derive(Clone)]
pub struct Rotating {
    token: Arc<Mutex<Token>>,
    credential: Option<Arc<dyn Credential>>,
}

impl Rotating {
    /// A token that stays what it is.
    pub fn fixed(token: Token) -> Self {
        Self {
            token: Arc::new(Mutex::new(token)),
            credential: None,
        }
    }

    /// The same token, read again from its secret after it was refused.
    pub fn renewed_by(self, credential: Arc<dyn Credential>) -> Self {
        Self {
            credential: Some(credential),
            ..self
        }
    }

    /// The token as known now.
    pub fn current(&self) -> Token {
        // Nothing panics while it holds the lock, so that the lock is never poisoned.
        self.token
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Reads the secret again, after its token was refused. Whether there is another one now.
    pub async fn renew(&self) -> bool {
        let Some(credential) = &self.credential else {
            return false;
        };
        let secret = self.current().secret;
        let token = match credential.reread().await {
            Ok(Some(text)) => Token::new(secret, &text),
            Ok(None) => return false,
            Err(err) => {
                tracing::warn!(secret, error = %err, "a refused secret could not be read again");
                return false;
            }
        };
        match token {
            Ok(token) => {
                *self
                    .token
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner) = token;
                tracing::info!(secret, "the secret was rotated");
                true
            }
            Err(err) => {
                tracing::error!(error = %err, "a rotated secret cannot be used");
                false
            }
        }
    }
}

impl fmt::Debug for Rotating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.current().fmt(f)
    }
}

/// A reply that was read to its end.
#[derive(Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}

impl Reply {
    /// What a status that is no success means, in words that follow the service's name. `token` is what
    /// was sent: a reply that echoes it is not shown with it.
    pub fn problem(&self, token: &Token) -> String {
        let status = self.status.as_u16();
        match status {
            401 => format!(
                "answered 401: it does not know the token of the secret {}",
                token.secret
            ),
            403 => format!(
                "answered 403: the token of the secret {} may not do this",
                token.secret
            ),
            300..=399 => format!("answered {status}, a redirect, which is not followed"),
            _ => {
                let words = String::from_utf8_lossy(&self.body).replace(&token.text, "…");
                format!("answered {status}: {}", brief(said(&words).trim()))
            }
        }
    }
}

/// The message of `{"error":{"message":…}}`, or else the whole text.
fn said(text: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Body {
        error: Error,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        message: String,
    }
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |body: Body| body.error.message)
}

/// The longest part of a foreign text that an error shows, characters.
const MAX_QUOTE: usize = 200;

/// The beginning of a foreign text, on one line.
pub fn brief(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(MAX_QUOTE).map(printable).collect()
}

/// Sends a request and reads its reply to the end. The error says why there is no whole reply, without
/// the URL and without any header; whether the request had its effect is then not known.
pub async fn exchange(request: RequestBuilder) -> Result<Reply, String> {
    let mut response = request.send().await.map_err(|err| no_reply(&err))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|err| no_reply(&err))? {
        if body.len() + chunk.len() > MAX_REPLY_BYTES {
            return Err(format!("the reply is longer than {MAX_REPLY_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, body })
}

fn no_reply(err: &reqwest::Error) -> String {
    if err.is_connect() && err.is_timeout() {
        format!("no connection within {CONNECT_MS} ms")
    } else if err.is_timeout() {
        format!("no whole reply within {REQUEST_MS} ms")
    } else if err.is_connect() {
        format!("no connection: {}", causes(err))
    } else {
        format!("no whole reply: {}", causes(err))
    }
}

/// What lies behind an HTTP error. Its own text is left out: it names the URL.
pub fn causes(err: &reqwest::Error) -> String {
    std::error::Error::source(err).map_or_else(|| "broken off".to_owned(), chain)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_one_and_holds_no_credentials() {
        for (text, path, url) in [
            ("http://127.0.0.1:8080", "/x", "http://127.0.0.1:8080/x"),
            (
                "https://gateway.example/llm/",
                "/x",
                "https://gateway.example/llm/x",
            ),
        ] {
            assert_eq!(BaseUrl::new("GATEWAY_URL", text).unwrap().join(path), url);
        }
        for (text, problem) in [
            ("gateway", "GATEWAY_URL is no URL: relative URL without a base"),
            ("ftp://gateway", "GATEWAY_URL is not an http or https URL"),
            (
                "https://user:pass@gateway",
                "GATEWAY_URL holds credentials: they belong into a secret",
            ),
            ("https://gateway?x=1", "GATEWAY_URL has a query or a fragment"),
        ] {
            assert_eq!(
                BaseUrl::new("GATEWAY_URL", text).unwrap_err().to_string(),
                problem
            );
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(same_origin(
            "https://gateway.example/v1",
            "https://gateway.example:443"
        ));
        assert!(!same_origin("https://models.example", "https://gateway.example"));
        assert!(!same_origin("http://gateway.example", "https://gateway.example"));
        assert!(!same_origin("", ""));
    }

    #[test]
    fn a_token_never_shows_itself() {
        let token = Token::new("gateway-read", "s3cret").unwrap();
        assert_eq!(
            format!("{token:?} {:?}", token.bearer()),
            "Token(gateway-read) Sensitive"
        );
        for text in ["", "s3cret\n"] {
            let problem = Token::new("gateway-read", text).unwrap_err().to_string();
            assert!(problem.starts_with("gateway-read is a"), "{problem}");
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn a_reply_is_told_in_its_own_words_but_without_the_token() {
        let token = Token::new("gateway-read", "s3cret").unwrap();
        let told = |status: u16, body: &str| {
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                body: body.as_bytes().to_vec(),
            };
            reply.problem(&token)
        };
        for (status, body, problem) in [
            (
                404,
                r#"{"error":{"code":"not_found","message":"no provider x"}}"#,
                "answered 404: no provider x",
            ),
            (409, "busy\nwith s3cret", "answered 409: busy with …"),
            (
                401,
                "s3cret",
                "answered 401: it does not know the token of the secret gateway-read",
            ),
            (
                403,
                "s3cret",
                "answered 403: the token of the secret gateway-read may not do this",
            ),
            (302, "", "answered 302, a redirect, which is not followed"),
            (500, "", "answered 500: "),
        ] {
            assert_eq!(told(status, body), problem);
        }
    }
}
