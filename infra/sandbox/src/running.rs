//! Starting and stopping a sandbox.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bus::Bus;
use crate::clock::Clock;
use crate::core::error::ApiError;
use crate::core::events::{Announcer, Event};
use crate::core::faults::Injection;
use crate::core::inventory::Inventory;
use crate::core::pagerduty::{Desk, Page};
use crate::core::resources::WriteRecord;
use crate::core::slack::Workspace;
use crate::core::state::Summary;
use crate::core::world::GatewayWorld;
use crate::core::world_file::{WorldError, WorldFile};
use crate::gateway::{Gateway, SlackReply};
use crate::{background, http};

/// How long calls under way are waited for when the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);

/// How a sandbox starts. The default suits a test: a free port, the built-in world with an uneventful
/// hour behind it, no traffic but what the test sends, and no events.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 is a free one.
    pub listen: SocketAddr,
    /// The token that may read the admin API.
    pub read_token: String,
    /// The token that may read and write it.
    pub write_token: String,
    /// The only PagerDuty routing key taken (32 characters); any well-formed one without.
    pub pagerduty_key: Option<String>,
    /// The bot token that Slack's Web API takes.
    pub slack_bot_token: String,
    /// The secret that signs Slack's interactions.
    pub slack_signing_secret: String,
    /// The world; the built-in one without.
    pub world: Option<WorldFile>,
    /// Seed of the traffic's randomness.
    pub seed: u64,
    /// Length of the sliding window in seconds, 5 to 1800.
    pub window_s: u32,
    /// Length in seconds of the window of the traffic shares, unless a call says otherwise.
    pub share_window_s: u32,
    /// Synthetic requests a second; 0 is none.
    pub rate_per_s: f64,
    /// Seconds until a condition that lasts is told again.
    pub repeat_s: u32,
    /// Whether the gateway remembers an uneventful hour before its start.
    pub history: bool,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where events go; without it, none are made.
    pub bus: Option<Bus>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            read_token: "sandbox-read-token".to_owned(),
            write_token: "sandbox-write-token".to_owned(),
            pagerduty_key: None,
            slack_bot_token: "xoxb-sandbox-bot-token".to_owned(),
            slack_signing_secret: "sandbox-signing-secret".to_owned(),
            world: None,
            seed: 1,
            window_s: 300,
            share_window_s: 5,
            rate_per_s: 0.0,
            repeat_s: 60,
            history: true,
            clock: Clock::system(),
            bus: None,
        }
    }
}

/// Why a sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The world is not one.
    #[error(transparent)]
    GatewayWorld(#[from] WorldError),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// An option is out of its bounds.
    #[error("{0}")]
    Option(&'static str),
}

/// A sandbox that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    /// The bound address.
    pub addr: SocketAddr,
    pub(crate) gateway: Arc<Gateway>,
    bus: Option<Bus>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Starts a sandbox.
///
/// # Errors
/// Where the options or the world make no sense, or the address is taken.
pub async fn spawn(options: Options) -> Result<Running, SpawnError> {
    check(&options)?;
    let file = options.world.map_or_else(WorldFile::built_in, Ok)?;
    let now = options.clock.now();
    let mut world = GatewayWorld::new(file, options.seed, i64::from(options.window_s) * 1000, now)?;
    if options.history {
        world.remember_an_hour(now);
    }
    let failed = |error| SpawnError::Listen(options.listen, error);
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let workspace = Workspace::new(
        options.slack_bot_token,
        options.slack_signing_secret,
        format!("http://{addr}"),
        || uuid::Uuid::new_v4().simple().to_string(),
    );
    let announcer = Announcer::new(world.org_id.clone(), i64::from(options.repeat_s) * 1000);
    let gateway = Arc::new(Gateway::new(
        world,
        announcer,
        (Desk::new(options.pagerduty_key), workspace),
        options.clock,
        (options.read_token, options.write_token),
        i64::from(options.share_window_s),
    ));

    let (stop, mut stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let server = http::serve(listener, Arc::clone(&gateway), async move {
        // An error means that the sandbox was dropped, which is also a stop.
        drop(stopped.wait_for(|stop| *stop).await);
    });
    tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server ended");
        }
    });
    if options.rate_per_s > 0.0 {
        tasks.spawn(until(
            stop.subscribe(),
            background::traffic(Arc::clone(&gateway), options.rate_per_s),
        ));
    }
    if let Some(bus) = options.bus.clone() {
        tasks.spawn(until(
            stop.subscribe(),
            background::detection(Arc::clone(&gateway), bus),
        ));
    }
    Ok(Running {
        addr,
        gateway,
        bus: options.bus,
        stop,
        tasks,
    })
}

impl Running {
    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Breaks something, as `POST /sandbox/v1/faults` does.
    ///
    /// # Errors
    /// Where the fault makes no sense in this world.
    pub fn inject(&self, fault: Injection) -> Result<(), ApiError> {
        self.gateway.inject(fault)
    }

    /// The inventory, as `GET /admin/v1/inventory` tells it.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        self.gateway.world().inventory(self.gateway.clock.now())
    }

    /// The summary, with traffic shares over the configured window.
    #[must_use]
    pub fn state(&self) -> Summary {
        self.gateway
            .world()
            .summary(self.gateway.clock.now(), self.gateway.share_window_s)
    }

    /// Every accepted write, oldest first.
    #[must_use]
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.gateway.world().writes.iter().cloned().collect()
    }

    /// Every event, those sent first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.gateway.announcer().all()
    }

    /// The on-call desk's incidents, oldest first.
    #[must_use]
    pub fn pages(&self) -> Vec<Page> {
        self.gateway.desk().pages()
    }

    /// What was posted to the `response_url`s, oldest first.
    #[must_use]
    pub fn slack_replies(&self) -> Vec<SlackReply> {
        self.gateway.slack_replies()
    }

    /// Computes the conditions now and sends what they amount to, without waiting for the next tick.
    pub async fn detect(&self) {
        if let Some(bus) = &self.bus {
            background::detect_once(&self.gateway, bus).await;
        }
    }

    /// Stops: no call is taken any more, those under way have two seconds to end.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!(
                "calls were still under way after {} s and have been cut",
                GRACE.as_secs()
            );
        }
    }
}

fn check(options: &Options) -> Result<(), SpawnError> {
    if options.read_token.is_empty() || options.write_token.is_empty() {
        return Err(SpawnError::Option("the tokens must not be empty"));
    }
    if options.read_token == options.write_token {
        return Err(SpawnError::Option("the two tokens must differ"));
    }
    if options.slack_bot_token.is_empty() || options.slack_signing_secret.is_empty() {
        return Err(SpawnError::Option(
            "Slack's bot token and signing secret must not be empty",
        ));
    }
    if !(5..=1800).contains(&options.window_s) {
        return Err(SpawnError::Option("the window is 5 to 1800 seconds long"));
    }
    if !(1..=3600).contains(&options.share_window_s) {
        return Err(SpawnError::Option(
            "the window of the traffic shares is 1 to 3600 seconds long",
        ));
    }
    if !(0.0..=1000.0).contains(&options.rate_per_s) {
        return Err(SpawnError::Option("the rate is 0 to 1000 requests a second"));
    }
    Ok(())
}

async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}
