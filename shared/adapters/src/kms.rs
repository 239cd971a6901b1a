//! The keys that sign decisions, in KMS.
//!
//! | call | bound | when |
//! | --- | --- | --- |
//! | `Sign` | [`SIGN_MS`], once | on the way of a decision: a person waits |
//! | `GetPublicKey` | the usual bounds | at start, and again before what needs it, where it failed |

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use data_encoding::BASE64;
use domain::ports::{Payloads as _, Signer, Unavailable};
use domain::trail::{Authority, Doubt, Record, Signature, Verifier, signed_text};
use domain::value::Digest;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws;
use crate::keys::{KeyFile, Keyring, KnownKey, Retired};
use crate::payloads::PayloadBucket;

const SERVICE: &str = "KMS";

/// The longest that signing takes, ms: one attempt, and no other.
pub const SIGN_MS: u64 = 400;

/// How long after a failure the public keys are not asked for again.
const AGAIN: Duration = Duration::from_secs(5);

/// A private key in KMS.
#[derive(Debug, Clone)]
pub struct KmsSigner {
    client: Client,
    by: Authority,
    key: String,
    stack: String,
    called: &'static str,
}

impl KmsSigner {
    /// The key of an ARN, which signs for `by` in the stack of that name.
    pub fn new(config: &SdkConfig, by: Authority, key: impl Into<String>, stack: impl Into<String>) -> Self {
        Self {
            client: once(config, Duration::from_millis(SIGN_MS)),
            by,
            key: key.into(),
            stack: stack.into(),
            called: SERVICE,
        }
    }

    /// The same with another bound, for whom nobody waits in Slack, and another name in its errors.
    pub fn within(self, config: &SdkConfig, bound: Duration, called: &'static str) -> Self {
        Self {
            client: once(config, bound),
            called,
            ..self
        }
    }
}

/// A client that tries once.
fn once(config: &SdkConfig, bound: Duration) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(bound)
        .operation_attempt_timeout(bound)
        .operation_timeout(bound)
        .build();
    let once = aws_sdk_kms::config::Builder::from(config)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .build();
    Client::from_conf(once)
}

#[async_trait]
impl Signer for KmsSigner {
    async fn sign(&self, by: Authority, digest: &Digest) -> Result<Signature, Unavailable> {
        if by != self.by {
            return Err(Unavailable::new(SERVICE, "this key may not sign that"));
        }
        // At most 4,096 bytes may be sent as they are; these are some hundred.
        // https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
        let text = signed_text(&self.stack, &self.key, digest);
        let signed = self
            .client
            .sign()
            .key_id(&self.key)
            .message(Blob::new(text))
            .message_type(MessageType::Raw)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
            .send()
            .await
            .map_err(|err| Unavailable::new(self.called, aws::told(&err)))?;
        let value = signed.signature().map(|value| BASE64.encode(value.as_ref()));
        let value = value.ok_or_else(|| Unavailable::new(SERVICE, "it signed with nothing"))?;
        Ok(Signature {
            key: self.key.clone(),
            value,
        })
    }
}

/// Where the public keys of a stack are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySources {
    /// Name of the stack.
    pub stack: String,
    /// ARNs of the keys that sign decisions: the one in use first, then former ones.
    pub decisions: Vec<String>,
    /// The same of the operators' keys.
    pub operators: Vec<String>,
    /// Digests of what is known of the former ones: see [`KeyArchive`].
    pub archives: Vec<Digest>,
    /// The bucket that keeps it, under lock.
    pub bucket: String,
}

/// What the bucket keeps, under lock, of a key that is not used any more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeyArchive {
    /// Its ARN.
    pub key: String,
    /// The key itself, as `GetPublicKey` told it, base64.
    pub public: String,
    /// Since when it is not used, and what it had signed by then.
    pub retired: Retired,
}

/// Why not every public key of a stack is known.
#[derive(Debug)]
pub enum KeysProblem {
    /// KMS has no such key, or it is none that verifies.
    Key {
        /// Its ARN.
        key: String,
        /// What KMS says of it, or what is wrong with it.
        problem: String,
    },
    /// No archive knows this former key.
    Former(String),
    /// There is no archive under this digest, or it cannot be read.
    Archive {
        /// The digest.
        digest: Digest,
        /// What is wrong with it.
        problem: String,
    },
    /// KMS or the bucket does not say: it does not answer, or not whoever asks.
    Unavailable(Unavailable),
}

impl KeysProblem {
    /// The same for whom nothing is but that the keys are not known.
    fn unavailable(self) -> Unavailable {
        const ARCHIVE: &str = "the archive of keys";
        match self {
            KeysProblem::Key { problem, .. } => Unavailable::new(SERVICE, problem),
            KeysProblem::Former(key) => {
                Unavailable::new(ARCHIVE, format_args!("it does not know the former key {key}"))
            }
            KeysProblem::Archive { digest, problem } => {
                Unavailable::new(ARCHIVE, format_args!("{digest}: {problem}"))
            }
            KeysProblem::Unavailable(problem) => problem,
        }
    }
}

/// The public keys of a stack, from KMS. Until they are known, nothing is known of any signature.
#[derive(Debug)]
pub struct PublicKeys {
    client: Client,
    bucket: PayloadBucket,
    sources: KeySources,
    known: RwLock<Result<Keyring, String>>,
    asked: Mutex<Option<Instant>>,
}

impl PublicKeys {
    /// Not asked for yet.
    pub fn new(config: &SdkConfig, sources: KeySources) -> Self {
        Self {
            client: Client::new(config),
            bucket: PayloadBucket::new(config, &sources.bucket),
            sources,
            known: RwLock::new(Err("they were not asked for yet".to_owned())),
            asked: Mutex::default(),
        }
    }

    /// Asks for the keys where they are not known, at most every few seconds. That they are not is logged, and whoever
    /// verifies hears why: a function that ends effects runs without them.
    pub async fn ready(&self) {
        if self.known.read().unwrap_or_else(PoisonError::into_inner).is_ok() {
            return;
        }
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        *asked = Some(Instant::now());
        let found = self.fetch().await.map_err(|err| err.to_string());
        if let Err(problem) = &found {
            tracing::error!(problem, "the public keys are not known: nothing will start");
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = found;
    }

    async fn fetch(&self) -> Result<Keyring, Unavailable> {
        self.file().await?.keyring()
    }

    /// The keys as they are now, for whoever verifies without the stack.
    pub async fn file(&self) -> Result<KeyFile, Unavailable> {
        self.found().await.map_err(KeysProblem::unavailable)
    }

    /// The same, for whoever is to tell what is missing from what could not be looked at.
    pub async fn found(&self) -> Result<KeyFile, KeysProblem> {
        let mut archives = Vec::new();
        for digest in &self.sources.archives {
            let wrong = |problem: &dyn fmt::Display| KeysProblem::Archive {
                digest: *digest,
                problem: problem.to_string(),
            };
            let bytes = self.bucket.get(digest).await.map_err(KeysProblem::Unavailable)?;
            let bytes = bytes.ok_or_else(|| wrong(&"nothing is stored under it"))?;
            let archive: KeyArchive = serde_json::from_slice(&bytes).map_err(|err| wrong(&err))?;
            archives.push(archive);
        }
        // Side by side: a start waits for them.
        let (decisions, operators) = tokio::try_join!(
            self.of(Authority::Decisions, &self.sources.decisions, &archives),
            self.of(Authority::Operators, &self.sources.operators, &archives),
        )?;
        Ok(KeyFile {
            stack: self.sources.stack.clone(),
            keys: [decisions, operators].concat(),
        })
    }

    /// The keys of a sort, the one in use first.
    async fn of(
        &self,
        by: Authority,
        arns: &[String],
        archives: &[KeyArchive],
    ) -> Result<Vec<KnownKey>, KeysProblem> {
        let mut keys = Vec::new();
        for (at, arn) in arns.iter().enumerate() {
            let archive = archives.iter().find(|archive| archive.key == *arn);
            let (public, retired) = match archive {
                Some(archive) => (archive.public.clone(), Some(archive.retired.clone())),
                None if at > 0 => return Err(KeysProblem::Former(arn.clone())),
                None => (BASE64.encode(&self.public(arn).await?), None),
            };
            keys.push(KnownKey {
                by,
                key: arn.clone(),
                public,
                retired,
            });
        }
        Ok(keys)
    }

    /// A public key, as KMS tells it.
    ///
    /// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html#API_GetPublicKey_Errors>
    async fn public(&self, arn: &str) -> Result<Vec<u8>, KeysProblem> {
        let wrong = |problem: String| KeysProblem::Key {
            key: arn.to_owned(),
            problem,
        };
        let told = self.client.get_public_key().key_id(arn).send().await;
        let told = told.map_err(|err| {
            let is_wrong = err.as_service_error().is_some_and(|said| {
                said.is_not_found_exception()
                    || said.is_invalid_arn_exception()
                    || said.is_invalid_key_usage_exception()
                    || said.is_unsupported_operation_exception()
            });
            match is_wrong {
                true => wrong(aws::told(&err)),
                false => KeysProblem::Unavailable(Unavailable::new(SERVICE, aws::told(&err))),
            }
        })?;
        let der = told.public_key().map(|der| der.as_ref().to_vec());
        der.ok_or_else(|| wrong(format!("{arn} has no public key")))
    }
}

impl Verifier for PublicKeys {
    fn verify(&self, by: Authority, record: &Record, signature: &Signature) -> Result<(), Doubt> {
        match &*self.known.read().unwrap_or_else(PoisonError::into_inner) {
            Ok(keyring) => keyring.verify(by, record, signature),
            Err(problem) => Err(Doubt::Unknown(problem.clone())),
        }
    }
}
