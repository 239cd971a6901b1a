//! What Slack did not do: tried again soon, or recorded.

use std::time::Duration;

use ::slack::api::{Fault as SlackFault, Whose};
use domain::message::Hint;
use domain::proposal::Proposal;
use runtime::queue::Fault;

use crate::{Deps, record};

/// The longest delay of a message, seconds.
const MAX_DELAY_S: u64 = 900;

/// Seconds until the first of the tries after an unclear answer; each further one waits four times as long.
const FIRST_WAIT_S: u64 = 5;

/// Notes that Slack did not do something: another try is on its way, or the trail says that nobody was reached, and
/// housekeeping sees to it.
pub(crate) async fn note(
    deps: &Deps<'_>,
    hint: &Hint,
    proposal: &Proposal,
    to: &str,
    fault: &SlackFault,
) -> Result<(), Fault> {
    let wait = match fault {
        SlackFault::Throttled { after_s } => Some(*after_s),
        SlackFault::Unclear(_) => Some(FIRST_WAIT_S << (2 * hint.tries.min(3))),
        SlackFault::Refused { .. } => None,
    };
    let id = proposal.id();
    if let Some(wait) = wait.filter(|wait| hint.tries < Hint::MOST_TRIES && *wait <= MAX_DELAY_S) {
        tracing::warn!(metric = "slack_trouble", proposal.id = %id, channel = to, problem = %fault, wait_s = wait, "will be told later");
        return Ok(deps.again.send(&hint.again(), Duration::from_secs(wait)).await?);
    }
    let person_must_act = matches!(
        fault,
        SlackFault::Refused {
            whose: Whose::Token | Whose::Channel | Whose::Ours,
            ..
        }
    );
    match person_must_act {
        true => {
            tracing::error!(alarm = "slack_refused", proposal.id = %id, channel = to, problem = %fault, "Slack refuses");
        }
        false => {
            tracing::warn!(metric = "slack_trouble", proposal.id = %id, channel = to, problem = %fault, "not told");
        }
    }
    record::problem(deps, proposal, to, &fault.to_string()).await
}
