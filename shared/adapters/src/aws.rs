//! The AWS SDK's configuration: from the environment, with a bound on every call. And its errors, as sentences.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

pub use self::connections::{Connections, Host};
use self::roots::Roots;

mod connections;
mod roots;

/// Bounds on AWS calls. The SDK itself has none on attempts and operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// To open a connection.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// For an operation with all its attempts and the waits between them.
    pub operation: Duration,
    /// Attempts, the first included.
    pub attempts: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(500),
            attempt: Duration::from_secs(1),
            operation: Duration::from_secs(3),
            attempts: 3,
        }
    }
}

/// A function's configuration: what Lambda has put into its environment, and nothing is looked for anywhere else. Its clients
/// share their connections.
///
/// | variable | what |
/// | --- | --- |
/// | `AWS_REGION` | where the services are |
/// | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | the function's role |
/// | `AWS_ENDPOINT_URL` | instead of AWS, a local stack |
/// | `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` | `true`: these endpoints |
/// | `SSL_CERT_FILE`, `SSL_CERT_DIR` | whose certificates are believed, PEM, instead of Amazon's own |
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>
/// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html#EVarSettings>
pub fn in_function(bounds: &Bounds, variable: &dyn Fn(&str) -> Option<String>) -> (SdkConfig, Connections) {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let is_true = |name: &str| set(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION"));
    let endpoint = set("AWS_ENDPOINT_URL");
    let (fips, dual_stack) = (
        is_true("AWS_USE_FIPS_ENDPOINT"),
        is_true("AWS_USE_DUALSTACK_ENDPOINT"),
    );
    let roots = Roots::of(region.as_deref(), |name| set(name).is_some());
    let is_usual = !fips && !dual_stack;
    let connections = Connections::new(
        roots,
        bounds.connect,
        region.as_deref(),
        endpoint.as_deref(),
        is_usual,
    );
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(
            EnvironmentVariableCredentialsProvider::new(),
        ))
        .identity_cache(IdentityCache::lazy().build())
        .retry_config(retries(bounds))
        .timeout_config(timeouts(bounds))
        .use_fips(fips)
        .use_dual_stack(dual_stack);
    builder.set_endpoint_url(endpoint);
    builder.set_http_client(connections.client());
    (builder.build(), connections)
}

/// The same configuration, its connections too, with other bounds.
pub fn within(config: &SdkConfig, bounds: &Bounds) -> SdkConfig {
    config
        .to_builder()
        .retry_config(retries(bounds))
        .timeout_config(timeouts(bounds))
        .build()
}

/// The SDK's own chain of configuration, for programs that people run: environment, profiles, single sign-on and so on.
pub fn loader(bounds: &Bounds) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(retries(bounds))
        .timeout_config(timeouts(bounds))
}

fn retries(bounds: &Bounds) -> RetryConfig {
    // The SDK waits up to a second before its first retry and 20 s before later ones, which would not
    // leave a second attempt within the operation's bound.
    RetryConfig::standard()
        .with_max_attempts(bounds.attempts)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}

fn timeouts(bounds: &Bounds) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(bounds.connect)
        .operation_attempt_timeout(bounds.attempt)
        .operation_timeout(bounds.operation)
        .build()
}

/// Why a call failed, in words that follow what was asked for: what the service said, or why it said nothing. Neither
/// credentials nor requests are in it.
pub fn told<E>(err: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match err {
        SdkError::ServiceError(answer) => {
            let (said, status) = (answer.err(), answer.raw().status().as_u16());
            refusal(said.code(), said.message(), status)
        }
        SdkError::ResponseError(answer) => {
            format!(
                "its answer {} cannot be read: {}",
                answer.raw().status(),
                last_cause(err)
            )
        }
        SdkError::TimeoutError(_) => "it did not answer in time".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            "no connection, or no answer, in time".to_owned()
        }
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => unsent(err),
        // The enum may grow.
        _ => text(err),
    }
}

/// Whether a call was sent, or could have been, and nothing answered as a service does.
pub fn is_unanswered<E: Error + 'static>(err: &SdkError<E>) -> bool {
    !matches!(err, SdkError::ServiceError(_)) && no_credentials(err).is_none()
}

/// What a service says where it does not do what was asked.
///
/// <https://docs.aws.amazon.com/general/latest/gr/error-codes> and each service's common errors, such as
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html>
fn refusal(code: Option<&str>, message: Option<&str>, status: u16) -> String {
    let said = match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => return format!("it answered {status}"),
    };
    // These have the codes of credentials that are not known.
    if let Some(told) = apart(&said) {
        return told;
    }
    match code.unwrap_or_default() {
        "ExpiredToken" | "ExpiredTokenException" => {
            format!("the credentials have expired: log in again ({said})")
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException" => format!("AWS does not know these credentials ({said})"),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            format!("these credentials may not do that ({said})")
        }
        _ => said,
    }
}

/// What to do about a request that, as AWS says, was signed too long ago or too early: more than five minutes off, fifteen with
/// S3. `None` where AWS says something else.
///
/// <https://repost.aws/knowledge-center/lambda-sdk-signature> and <https://docs.aws.amazon.com/general/latest/gr/error-codes>
pub fn apart(said: &str) -> Option<String> {
    let is_of_another_time = [
        "RequestExpired",
        "RequestTimeTooSkewed",
        "Signature expired",
        "Signature not yet current",
    ]
    .iter()
    .any(|words| said.contains(words));
    is_of_another_time.then(|| {
        format!("this machine's clock is minutes off, and so what it signs is refused: set it, and try again ({said})")
    })
}

/// Why nothing was sent, or nothing came back.
fn unsent(err: &(dyn Error + 'static)) -> String {
    match no_credentials(err) {
        Some(why) => format!(
            "there are no credentials that can be used: log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID ({why})"
        ),
        None => format!("it cannot be reached: {}", last_cause(err)),
    }
}

/// Why there were no credentials, where that is why nothing was sent.
fn no_credentials(err: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(err);
    while let Some(one) = cause {
        if one.is::<CredentialsError>() {
            let why = last_cause(one);
            // Each place that was looked at follows, line by line.
            let why = why.lines().next().unwrap_or_default();
            return Some(why.trim_end_matches(". Attempted:").to_owned());
        }
        cause = one.source();
    }
    None
}

/// The innermost cause, without the system's number for it: those around it name the layers of the SDK.
fn last_cause(err: &(dyn Error + 'static)) -> String {
    let mut last = err;
    while let Some(cause) = last.source() {
        last = cause;
    }
    let told = last.to_string();
    let (words, _) = told.split_once(" (os error").unwrap_or((&told, ""));
    words.to_owned()
}

/// An error with its causes, in one line. The SDK puts neither credentials nor requests into errors.
pub(crate) fn text(err: &dyn Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        let _ = write!(text, ": {err}");
        cause = err.source();
    }
    text
}
