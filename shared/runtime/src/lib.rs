//! What the functions' entry points share: logging, the environment, the way a function is run and a queue's batch is
//! worked, requests through a function URL, and links to pages.

pub mod env;
pub mod http;
pub mod link;
pub mod queue;
pub mod serve;

use std::sync::Arc;

use adapters::aws::{self, Bounds};
use adapters::{DynamoTrail, KeySources, PublicKeys};
use aws_config::SdkConfig;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts a function: JSON logs on standard output at the level of `RUST_LOG`, and the AWS configuration.
pub async fn start() -> SdkConfig {
    start_within(&Bounds::default()).await
}

/// Starts a function whose caller waits for less: AWS calls have these bounds.
pub async fn start_within(bounds: &Bounds) -> SdkConfig {
    log();
    aws::config_within(bounds).await
}

/// The trail in a table, whose signatures are checked with the stack's public keys. They are asked for now; where they are
/// not to be had, the function runs all the same, and nothing starts.
pub async fn trail(aws: &SdkConfig, table: impl Into<String>, keys: KeySources) -> DynamoTrail {
    let keys = Arc::new(PublicKeys::new(aws, keys));
    keys.ready().await;
    DynamoTrail::new(aws, table).trusting_kms(keys)
}

fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let _already_set = logs(std::io::stdout, filter).try_init();
}

/// A function's logs: Lambda takes one JSON object a line; identifiers are fields, so that a query finds them.
pub fn logs<W>(writer: W, filter: EnvFilter) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(writer)
        .finish()
}
