//! The AWS SDK's configuration: from the environment, with a bound on every call.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

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

/// An SDK error with its causes, in one line. The SDK puts neither credentials nor requests into errors.
pub(crate) fn text(err: &dyn Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        let _ = write!(text, ": {err}");
        cause = err.source();
    }
    text
}
