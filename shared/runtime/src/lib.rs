//! What the functions' entry points share: logging, the environment, the way a function is run and a queue's batch is
//! worked, requests through a function URL, and links to pages.

pub mod env;
pub mod http;
pub mod link;
pub mod queue;
pub mod serve;

use std::sync::Arc;

use adapters::aws::{self, Bounds, Connections};
use adapters::{DynamoTrail, KeySources, PublicKeys};
use aws_config::SdkConfig;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts a function: JSON logs on standard output at the level of `RUST_LOG`, the AWS configuration, and its connections.
pub fn start() -> (SdkConfig, Connections) {
    start_within(&Bounds::default())
}

/// Starts a function whose caller waits for less: AWS calls have these bounds.
pub fn start_within(bounds: &Bounds) -> (SdkConfig, Connections) {
    log();
    aws::in_function(bounds, &env::process)
}

/// The trail in a table, whose signatures are checked with the stack's public keys. They are asked for now; where they are
/// not to be had, the function runs all the same, and nothing starts.
pub async fn trail(aws: &SdkConfig, table: impl Into<String>, keys: KeySources) -> DynamoTrail {
    let keys = Arc::new(PublicKeys::new(aws, keys));
    keys.ready().await;
    DynamoTrail::new(aws, table).trusting_kms(keys)
}

fn log() {
    let wanted = env::process("RUST_LOG").unwrap_or_default();
    let _already_set = logs(std::io::stdout, wanted_levels(&wanted)).try_init();
}

/// Levels as `RUST_LOG` has them: one for all, or `target=level`, separated by commas. `info` where it is none of these.
fn wanted_levels(text: &str) -> Targets {
    match text.parse() {
        Ok(levels) if !text.is_empty() => levels,
        Ok(_) | Err(_) => Targets::new().with_default(Level::INFO),
    }
}

/// A function's logs: Lambda takes one JSON object a line; identifiers are fields, so that a query finds them.
pub fn logs<W>(writer: W, levels: Targets) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_target(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(levels).with(lines)
}
