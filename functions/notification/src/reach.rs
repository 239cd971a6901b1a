//! Whether people can be reached where the routes lead: asked after a deployment.

use domain::telling::checkup::{Needed, Reached};

use crate::routes::Routes;
use crate::slack::Slack;

/// Asks Slack for every channel, as far as it says without posting. None where Slack is not set up.
pub async fn channels(slack: &dyn Slack, routes: Option<&Routes>) -> Vec<Reached> {
    let mut reached = Vec::new();
    for channel in routes.map(Routes::all).unwrap_or_default() {
        let one = Reached::of(Needed::Channel, channel, slack.reaches(channel).await);
        if let Some(problem) = &one.problem {
            tracing::error!(
                alarm = "slack_refused",
                channel,
                problem,
                "a route reaches nobody"
            );
        }
        reached.push(one);
    }
    reached
}
