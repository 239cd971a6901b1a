//! The AWS SDK's configuration: from the environment, with a bound on every call. And its errors, as sentences.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

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

/// Configuration from the environment with the default [`Bounds`].
///
/// `AWS_ENDPOINT_URL` points every client to a local stack, as the SDK does by itself.
pub async fn config() -> SdkConfig {
    loader(&Bounds::default()).load().await
}

/// Configuration from the environment with other bounds: for callers whose own caller waits for less.
pub async fn config_within(bounds: &Bounds) -> SdkConfig {
    loader(bounds).load().await
}

/// The loader behind [`config`], for who sets more than bounds.
pub fn loader(bounds: &Bounds) -> ConfigLoader {
    // The SDK waits up to a second before its first retry and 20 s before later ones, which would not
    // leave a second attempt within the operation's bound.
    let retries = RetryConfig::standard()
        .with_max_attempts(bounds.attempts)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(bounds.connect)
        .operation_attempt_timeout(bounds.attempt)
        .operation_timeout(bounds.operation)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .retry_config(retries)
        .timeout_config(timeouts)
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
    match code.unwrap_or_default() {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
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
