//! A call's arguments and token as they come over the wire.
//!
//! Facts: <https://docs.slack.dev/apis/web-api>: a form, a query or JSON; a token in the `Authorization` header, or
//! as an argument but not in JSON; the words for a body that is none of these.

use axum::body::Bytes;
use axum::http::{HeaderMap, Uri, header};

use crate::core::slack::{Arguments, Refused};

/// A call as it was understood.
pub(super) struct Call {
    pub(super) arguments: Arguments,
    pub(super) token: Option<String>,
    /// JSON that does not say its charset, which Slack warns of.
    pub(super) charset_missing: bool,
}

/// What kind of body a call has.
enum Kind {
    None,
    Form,
    Json { charset: bool },
}

/// Understands a call.
pub(super) fn read(headers: &HeaderMap, uri: &Uri, body: &Bytes) -> Result<Call, Refused> {
    let kind = kind(headers, body)?;
    let query = pairs(uri.query().unwrap_or_default().as_bytes());
    let json = matches!(kind, Kind::Json { .. });
    let arguments = match kind {
        Kind::None => Arguments::from_pairs(query),
        Kind::Form => Arguments::from_pairs(query.chain(pairs(body))),
        Kind::Json { .. } => Arguments::from_json(body)?,
    };
    let token = match bearer(headers) {
        Some(token) => Some(token),
        None if json => None,
        None => arguments.text("token")?,
    };
    Ok(Call {
        arguments,
        token,
        charset_missing: matches!(kind, Kind::Json { charset: false }),
    })
}

fn kind(headers: &HeaderMap, body: &Bytes) -> Result<Kind, Refused> {
    let header = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let Some(header) = header else {
        return if body.is_empty() {
            Ok(Kind::None)
        } else {
            Err("missing_post_type".into())
        };
    };
    let mut parts = header.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.strip_prefix("charset=").map(str::to_owned));
    if charset
        .as_ref()
        .is_some_and(|one| !["utf-8", "\"utf-8\"", "utf8"].contains(&one.as_str()))
    {
        return Err("invalid_charset".into());
    }
    match kind.as_str() {
        "application/x-www-form-urlencoded" => Ok(Kind::Form),
        "application/json" if body.is_empty() => Ok(Kind::None),
        "application/json" => Ok(Kind::Json {
            charset: charset.is_some(),
        }),
        _ => Err("invalid_post_type".into()),
    }
}

fn pairs(text: &[u8]) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}
