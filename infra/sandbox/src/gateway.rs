//! The running gateway: the pure core behind locks, with a clock and tokens.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use crate::core::error::ApiError;
use crate::core::events::Announcer;
use crate::core::faults::Injection;
use crate::core::pagerduty::Desk;
use crate::core::slack::Workspace;
use crate::core::world::GatewayWorld;

/// Slack replies remembered; the oldest go first.
const MAX_SLACK_REPLIES: usize = 1_000;

/// What was posted to a Slack `response_url`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct SlackReply {
    /// When (RFC 3339).
    pub at: String,
    /// The last segment of the path, by which a test tells its own.
    pub id: String,
    /// The `content-type` header.
    pub content_type: String,
    /// The body: as JSON where it is JSON, else as a string.
    pub body: Value,
}

/// Shared by every connection and task. Of the locks around data, no two are held
/// at once.
#[derive(Debug)]
pub(crate) struct Gateway {
    world: Mutex<GatewayWorld>,
    announcer: Mutex<Announcer>,
    desk: Mutex<Desk>,
    workspace: Mutex<Workspace>,
    slack: Mutex<VecDeque<SlackReply>>,
    /// Held through one detection, so that no event is sent by two at once.
    pub(crate) detecting: tokio::sync::Mutex<()>,
    pub(crate) clock: Clock,
    pub(crate) read_token: String,
    pub(crate) write_token: String,
    pub(crate) share_window_s: i64,
}

impl Gateway {
    pub(crate) fn new(
        world: GatewayWorld,
        announcer: Announcer,
        (desk, workspace): (Desk, Workspace),
        clock: Clock,
        (read_token, write_token): (String, String),
        share_window_s: i64,
    ) -> Gateway {
        Gateway {
            world: Mutex::new(world),
            announcer: Mutex::new(announcer),
            desk: Mutex::new(desk),
            workspace: Mutex::new(workspace),
            slack: Mutex::new(VecDeque::new()),
            detecting: tokio::sync::Mutex::new(()),
            clock,
            read_token,
            write_token,
            share_window_s,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, GatewayWorld> {
        held(&self.world)
    }

    /// Makes something go wrong, or right. What this ends is over, though it may begin again before anybody looks.
    pub(crate) fn inject(&self, fault: Injection) -> Result<(), ApiError> {
        let now = self.clock.now();
        let conditions = {
            let mut world = self.world();
            world.inject(now, fault)?;
            world.conditions(now)
        };
        self.announcer().over(&conditions);
        Ok(())
    }

    pub(crate) fn announcer(&self) -> MutexGuard<'_, Announcer> {
        held(&self.announcer)
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        held(&self.desk)
    }

    pub(crate) fn workspace(&self) -> MutexGuard<'_, Workspace> {
        held(&self.workspace)
    }

    pub(crate) fn record_slack(&self, reply: SlackReply) {
        let mut slack = held(&self.slack);
        if slack.len() == MAX_SLACK_REPLIES {
            slack.pop_front();
        }
        slack.push_back(reply);
    }

    pub(crate) fn slack_replies(&self) -> Vec<SlackReply> {
        held(&self.slack).iter().cloned().collect()
    }
}

/// A panic elsewhere leaves nothing half-done that matters here.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
