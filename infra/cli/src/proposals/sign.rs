//! Signature Version 4: how IAM knows who asks.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use adapters::SdkConfig;
use anyhow::{Context, anyhow};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use domain::value::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// What a signature for a function URL names as the service.
const SERVICE: &str = "lambda";

/// How long whoever gives credentials may take: a profile, a command, a metadata service.
const PATIENCE: Duration = Duration::from_secs(20);

/// Credentials that expire sooner are asked for again.
const EARLY: Duration = Duration::from_secs(60);

/// A request before it is signed. Its URL is the one that is sent, percent-encoded.
pub(super) struct Unsigned<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(&'static str, &'static str)],
    pub(super) body: &'a [u8],
}

/// Signs requests with the caller's credentials, which it keeps while they are good.
#[derive(Debug)]
pub(super) struct Signer {
    provider: SharedCredentialsProvider,
    region: String,
    held: Mutex<Option<Credentials>>,
}

impl Signer {
    /// The signer of an SDK configuration.
    pub(super) fn new(aws: &SdkConfig) -> anyhow::Result<Self> {
        let region = aws.region().context("no Region (set AWS_REGION)")?;
        Ok(Self {
            provider: aws.credentials_provider().context("no AWS credentials")?,
            region: region.to_string(),
            held: Mutex::new(None),
        })
    }

    /// The headers by which a request is signed.
    pub(super) async fn sign(&self, request: &Unsigned<'_>, now: Timestamp) -> anyhow::Result<HeaderMap> {
        let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
        let identity = self.credentials(time).await?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(SERVICE)
            .time(time)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers.iter().copied();
        let body = SignableBody::Bytes(request.body);
        let signable = SignableRequest::new(request.method, request.url, headers, body)?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let (headers, _) = instructions.into_parts();
        let mut signed = HeaderMap::new();
        for header in headers {
            let mut value = HeaderValue::from_str(header.value()).context("the signature is no header")?;
            value.set_sensitive(true);
            signed.insert(HeaderName::from_bytes(header.name().as_bytes())?, value);
        }
        Ok(signed)
    }

    async fn credentials(&self, now: SystemTime) -> anyhow::Result<Credentials> {
        let mut held = self.held.lock().await;
        let good = |one: &Credentials| one.expiry().is_none_or(|at| at > now + EARLY);
        if let Some(credentials) = held.as_ref().filter(|one| good(one)) {
            return Ok(credentials.clone());
        }
        let asked = timeout(PATIENCE, self.provider.provide_credentials()).await;
        let asked = asked.map_err(|_| anyhow!("no AWS credentials within {} s", PATIENCE.as_secs()))?;
        let credentials = asked.context("no AWS credentials")?;
        *held = Some(credentials.clone());
        Ok(credentials)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::Region;
    use aws_credential_types::provider::{ProvideCredentials, future};
    use testkit::story::second;

    use super::*;

    /// Gives credentials that are good for a while, and counts how often it is asked.
    #[derive(Debug, Clone)]
    struct Counting {
        expires: Option<SystemTime>,
        asked: Arc<AtomicUsize>,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.asked.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::ready(Ok(Credentials::new("AKID", "x", None, self.expires, "test")))
        }
    }

    fn system_time(at: Timestamp) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(at.as_millis().unsigned_abs())
    }

    /// How often credentials are asked for where requests are signed at these seconds.
    async fn asked(expires: Option<u64>, seconds: &[u64]) -> usize {
        let provider = Counting {
            expires: expires.map(|at| system_time(second(at))),
            asked: Arc::default(),
        };
        let aws = SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(provider.clone()))
            .build();
        let signer = Signer::new(&aws).unwrap();
        for at in seconds {
            let unsigned = Unsigned {
                method: "GET",
                url: "https://abc.on.aws/v1/proposals",
                headers: &[],
                body: b"",
            };
            let signed = signer.sign(&unsigned, second(*at)).await.unwrap();
            assert!(signed.values().all(HeaderValue::is_sensitive));
        }
        provider.asked.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn credentials_are_kept_while_they_are_good() {
        assert_eq!(asked(None, &[0, 10_000]).await, 1);
        assert_eq!(asked(Some(900), &[0, 2, 839]).await, 1);
        assert_eq!(asked(Some(900), &[0, 2, 841]).await, 2);
    }

    #[test]
    fn without_a_region_or_credentials_nothing_is_signed() {
        let aws = SdkConfig::builder().build();
        let problem = Signer::new(&aws).unwrap_err().to_string();
        assert_eq!(problem, "no Region (set AWS_REGION)");
        let aws = SdkConfig::builder().region(Region::new("eu-central-1")).build();
        let problem = Signer::new(&aws).unwrap_err().to_string();
        assert_eq!(problem, "no AWS credentials");
    }
}
