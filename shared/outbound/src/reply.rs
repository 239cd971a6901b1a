//! What was heard of a service.

use std::fmt;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::Token;

/// A reply that was read to its end.
#[derive(Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
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
                token.secret()
            ),
            403 => format!(
                "answered 403: the token of the secret {} may not do this",
                token.secret()
            ),
            300..=399 => format!("answered {status}, a redirect, which is not followed"),
            _ => {
                let words = String::from_utf8_lossy(&self.body).replace(token.expose(), "…");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_told_in_its_own_words_but_without_the_token() {
        let token = Token::new("gateway-read", "s3cret").unwrap();
        let told = |status: u16, body: &str| {
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
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
