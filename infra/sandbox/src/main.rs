//! `sandbox`: runs the gateway of the [`sandbox`] crate until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use sandbox::{Bus, Clock, Options, WorldFile};
use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A small LLM gateway with traffic, faults and an admin API, which puts its own incidents on a bus.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Where to listen; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Token that may read the admin API.
    #[arg(long, env = "SANDBOX_READ_TOKEN", hide_env_values = true)]
    read_token: String,
    /// Token that may read and write the admin API.
    #[arg(long, env = "SANDBOX_WRITE_TOKEN", hide_env_values = true)]
    write_token: String,
    /// The only PagerDuty routing key that pages are taken under (32 characters); any without.
    #[arg(long, env = "SANDBOX_PAGERDUTY_KEY", hide_env_values = true)]
    pagerduty_key: Option<String>,
    /// The bot token that Slack's Web API takes.
    #[arg(
        long,
        env = "SANDBOX_SLACK_BOT_TOKEN",
        hide_env_values = true,
        default_value = "xoxb-sandbox-bot-token"
    )]
    slack_bot_token: String,
    /// The secret that signs Slack's interactions.
    #[arg(
        long,
        env = "SANDBOX_SLACK_SIGNING_SECRET",
        hide_env_values = true,
        default_value = "sandbox-signing-secret"
    )]
    slack_signing_secret: String,
    /// Name or ARN of the EventBridge bus; AWS_ENDPOINT_URL, region and credentials are the environment's.
    #[arg(long, env = "SANDBOX_BUS", required_unless_present = "no_events")]
    bus: Option<String>,
    /// The events' source.
    #[arg(long, default_value = "llm-gateway")]
    source: String,
    /// Send no events.
    #[arg(long)]
    no_events: bool,
    /// Seed of the traffic's randomness.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Length of the sliding window in seconds, 5 to 1800.
    #[arg(long, default_value_t = 300)]
    window_s: u32,
    /// Length in seconds of the window of the traffic shares.
    #[arg(long, default_value_t = 5)]
    share_window_s: u32,
    /// Synthetic requests a second; 0 is none.
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// Seconds until a condition that lasts is told again.
    #[arg(long, default_value_t = 60)]
    repeat_s: u32,
    /// Start without an uneventful hour to compare latencies with.
    #[arg(long)]
    no_history: bool,
    /// A world file instead of the built-in world.
    #[arg(long)]
    world: Option<PathBuf>,
    /// Write the bound address to this file once the sandbox answers.
    #[arg(long)]
    port_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "whoever starts it says what is logged")]
    let levels = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    tracing_subscriber::registry()
        .with(levels.unwrap_or_else(|| Targets::new().with_default(Level::INFO)))
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
        .init();
    let cli = Cli::parse();
    // Before anything is announced: a signal that comes right after must already be heard.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let port_file = cli.port_file.clone();
    let sandbox = sandbox::spawn(options(cli).await?).await?;
    println!("sandbox listening on {}", sandbox.url());
    if let Some(path) = &port_file {
        write_whole(path, &format!("{}\n", sandbox.addr))?;
    }

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    sandbox.stop().await;
    Ok(())
}

async fn options(cli: Cli) -> Result<Options> {
    let world = cli.world.as_deref().map(read_world).transpose()?;
    let bus = match cli.bus.filter(|_| !cli.no_events) {
        Some(name) => Some(Bus::from_environment(name, cli.source).await),
        None => None,
    };
    Ok(Options {
        listen: cli.listen,
        read_token: cli.read_token,
        write_token: cli.write_token,
        pagerduty_key: cli.pagerduty_key,
        slack_bot_token: cli.slack_bot_token,
        slack_signing_secret: cli.slack_signing_secret,
        world,
        seed: cli.seed,
        window_s: cli.window_s,
        share_window_s: cli.share_window_s,
        rate_per_s: cli.rate,
        repeat_s: cli.repeat_s,
        history: !cli.no_history,
        clock: Clock::system(),
        bus,
    })
}

fn read_world(path: &Path) -> Result<WorldFile> {
    let json = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    WorldFile::parse(&json).with_context(|| format!("{} is no world", path.display()))
}

/// Writes the file so that a reader sees nothing or all of it.
fn write_whole(path: &Path, text: &str) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, text)
        .and_then(|()| std::fs::rename(&partial, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
