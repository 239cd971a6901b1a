//! What people are told that is about no proposal: one message in the default channel. It is posted again where its delivery
//! comes again.

use ::slack::api::{Fault as SlackFault, Whose};
use anyhow::anyhow;
use domain::telling::Notice;
use runtime::queue::Fault;

use crate::Deps;

/// Posts a notice. What Slack does not take comes back, and is a dead letter at last.
pub(crate) async fn post(deps: &Deps<'_>, notice: &Notice) -> Result<(), Fault> {
    let Some(routes) = deps.routes else {
        tracing::warn!("nobody was told in Slack of an event that could not be taken: SlackChannel is empty");
        return Ok(());
    };
    let channel = routes.default_channel();
    let message = ::slack::message::notice(notice);
    let Err(fault) = deps.slack.post(channel, None, &message).await else {
        return Ok(());
    };
    if let SlackFault::Refused {
        whose: Whose::Token | Whose::Channel | Whose::Ours,
        ..
    } = &fault
    {
        tracing::error!(alarm = "slack_refused", channel, problem = %fault, "Slack refuses");
    }
    Err(Fault::Retry(anyhow!("a notice was not posted: {fault}")))
}
