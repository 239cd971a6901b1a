//! A secret that is sent, and one that may be rotated meanwhile.

use std::fmt;
use std::sync::{Arc, Mutex};

use domain::ports::Credential;
use reqwest::header::HeaderValue;

use crate::BadSettings;

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
        let Token { secret, text, .. } = self.current();
        let token = match credential.reread(&text).await {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
