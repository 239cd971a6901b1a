//! Secrets, and the operator directory that one of them holds.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use domain::permission::Directory;
use domain::ports::{Clock, Credential, Operators, Unavailable};
use domain::value::Timestamp;
use tokio::sync::Mutex;

use crate::aws;

/// A secret is read at most once in this time, ms.
const FRESH_MS: u64 = 60_000;

/// A secret's value. It shows itself to nobody who does not ask with [`SecretText::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Arc<str>);

impl SecretText {
    /// A value that was not read from Secrets Manager.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// One secret of Secrets Manager, cached.
pub struct Secret {
    client: Client,
    arn: String,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<Cached>>,
}

#[derive(Clone)]
struct Cached {
    value: SecretText,
    read_at: Timestamp,
}

impl Secret {
    /// The secret of an ARN or name. Nothing is read yet.
    pub fn new(config: &SdkConfig, arn: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            client: Client::new(config),
            arn: arn.into(),
            clock,
            cached: Mutex::new(None),
        }
    }

    /// Reads the secret, so that the first request does not wait for it. Called at start.
    pub async fn preload(&self) -> Result<(), Unavailable> {
        self.value().await.map(|_| ())
    }

    /// The value, read at most once in the life of this process, but for [`Secret::refresh`].
    pub async fn value(&self) -> Result<SecretText, Unavailable> {
        let mut cached = self.cached.lock().await;
        match &*cached {
            Some(cached) => Ok(cached.value.clone()),
            None => self.read_into(&mut cached).await,
        }
    }

    /// Reads the value again, unless it was read within the last minute. Called after a check with the
    /// cached value failed: the secret may have been rotated. Returns the value as known now.
    pub async fn refresh(&self) -> Result<SecretText, Unavailable> {
        let mut cached = self.cached.lock().await;
        let now = self.clock.now();
        match &*cached {
            Some(cached) if now.millis_since(cached.read_at) < FRESH_MS => Ok(cached.value.clone()),
            Some(_) | None => self.read_into(&mut cached).await,
        }
    }

    /// Reads the value again, whenever it was read last: for whoever looks whether a secret that was just set is good.
    pub async fn read(&self) -> Result<SecretText, Unavailable> {
        self.read_into(&mut *self.cached.lock().await).await
    }

    async fn read_into(&self, cached: &mut Option<Cached>) -> Result<SecretText, Unavailable> {
        let read_at = self.clock.now();
        let reply = self.client.get_secret_value().secret_id(&self.arn).send().await;
        let reply = reply.map_err(|err| Unavailable::new("Secrets Manager", aws::told(&err)))?;
        // A line break at the end is a slip of whoever pasted the value, never part of it.
        let text = reply.secret_string().unwrap_or_default().trim();
        if text.is_empty() {
            let problem = format_args!("{} holds no text", self.arn);
            return Err(Unavailable::new("Secrets Manager", problem));
        }
        let value = SecretText::new(text);
        *cached = Some(Cached {
            value: value.clone(),
            read_at,
        });
        Ok(value)
    }
}

#[async_trait]
impl Credential for Secret {
    async fn current(&self) -> Result<String, Unavailable> {
        Ok(self.value().await?.expose().to_owned())
    }

    async fn reread(&self, refused: &str) -> Result<Option<String>, Unavailable> {
        let mut now = self.value().await?;
        if now.expose() == refused {
            now = self.refresh().await?;
        }
        Ok((now.expose() != refused).then(|| now.expose().to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

/// The operator directory in a secret.
///
/// A directory older than a minute is read again before it is used; where that fails, so does the decision.
/// Somebody who was removed from it must not decide because Secrets Manager is down.
#[derive(Debug)]
pub struct SecretOperators {
    secret: Secret,
}

impl SecretOperators {
    /// The directory in a secret.
    pub fn new(secret: Secret) -> Self {
        Self { secret }
    }

    /// Reads the secret, so that the first request does not wait for it. Called at start.
    pub async fn preload(&self) -> Result<(), Unavailable> {
        self.secret.preload().await
    }

    /// The directory as it is now, whenever it was read last.
    pub async fn read(&self) -> Result<Directory, Unavailable> {
        directory(&self.secret.read().await?)
    }
}

fn directory(json: &SecretText) -> Result<Directory, Unavailable> {
    Directory::parse(json.expose()).map_err(|problem| Unavailable::new("the operator directory", problem))
}

#[async_trait]
impl Operators for SecretOperators {
    async fn directory(&self) -> Result<Directory, Unavailable> {
        directory(&self.secret.refresh().await?)
    }
}
