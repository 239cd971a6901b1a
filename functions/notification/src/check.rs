//! Whether people can be reached where the routes lead: asked after a deployment.

use serde::{Deserialize, Serialize};

use crate::routes::Routes;
use crate::slack::Slack;

/// What Slack says of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The channel.
    pub channel: String,
    /// Why the bot cannot post there; none where it can, as far as Slack says without posting.
    pub problem: Option<String>,
}

/// Asks Slack for every channel. None where Slack is not set up.
pub async fn routes(slack: &dyn Slack, routes: Option<&Routes>) -> Vec<Reached> {
    let mut reached = Vec::new();
    for channel in routes.map(Routes::all).unwrap_or_default() {
        let problem = slack.reaches(channel).await.err().map(|fault| fault.to_string());
        if let Some(problem) = &problem {
            tracing::error!(
                alarm = "slack_refused",
                channel,
                problem,
                "a route reaches nobody"
            );
        }
        reached.push(Reached {
            channel: channel.to_owned(),
            problem,
        });
    }
    reached
}
