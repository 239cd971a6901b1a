//! A proposal's card: posted once, and made to show where the proposal stands.

use std::time::Duration;

use ::slack::CHANNEL;
use ::slack::api::{Fault as SlackFault, Posted, Whose};
use domain::message::Hint;
use domain::proposal::{Message, Proposal};
use domain::value::Timestamp;
use runtime::queue::Fault;

use crate::record::{self, Claim};
use crate::routes::Routes;
use crate::{Deps, Seen, trouble};

/// How long whoever claims a card keeps others from posting it: longer than the function lives.
pub(crate) const CLAIM_S: u64 = 45;

/// How often a card is brought up to date in one turn, where the proposal moves on meanwhile.
const MOST_UPDATES: usize = 4;

/// Brings the card up to date, and posts it where there is none. Returns where it is, and what it shows; none where it
/// could not be, which is noted then.
pub(crate) async fn sync(
    deps: &Deps<'_>,
    routes: &Routes,
    hint: &Hint,
    mut seen: Seen,
) -> Result<Option<(Posted, Seen)>, Fault> {
    let posted = match posted(&seen.proposal) {
        Some(posted) => match update(deps, &mut seen, &posted).await? {
            Ok(()) => Some(posted),
            // Somebody deleted it, another app posted it, its channel was archived: what waits for a yes is asked again.
            Err(fault) if is_lost(&fault) && seen.asks => {
                trouble::note(deps, hint, &seen.proposal, &posted.channel, &fault).await?;
                post(deps, routes, hint, &mut seen, Some(&posted)).await?
            }
            Err(fault) => {
                trouble::note(deps, hint, &seen.proposal, &posted.channel, &fault).await?;
                None
            }
        },
        None => post(deps, routes, hint, &mut seen, None).await?,
    };
    Ok(posted.map(|posted| (posted, seen)))
}

/// The messages about a proposal in Slack, the newest first.
fn messages(proposal: &Proposal) -> impl Iterator<Item = &Message> {
    proposal.messages().of(CHANNEL)
}

/// Where its card is.
fn posted(proposal: &Proposal) -> Option<Posted> {
    messages(proposal).find_map(|message| Posted::parse(message.reference.as_deref()?))
}

/// Whether a card cannot be changed any more where it is.
fn is_lost(fault: &SlackFault) -> bool {
    matches!(
        fault,
        SlackFault::Refused {
            whose: Whose::Message | Whose::Channel,
            ..
        }
    )
}

/// Makes the message show the proposal as it is when it has been changed: two of these at once may end in either order.
async fn update(deps: &Deps<'_>, seen: &mut Seen, posted: &Posted) -> Result<Result<(), SlackFault>, Fault> {
    for _ in 0..MOST_UPDATES {
        let Some(message) = &seen.message else { break };
        if let Err(fault) = deps.slack.update(posted, message).await {
            return Ok(Err(fault));
        }
        if !seen.look_again(deps).await? {
            return Ok(Ok(()));
        }
    }
    Err(Fault::Later(
        "the proposal moves on faster than its card".to_owned(),
    ))
}

/// Posts the card into the first channel that takes it.
async fn post(
    deps: &Deps<'_>,
    routes: &Routes,
    hint: &Hint,
    seen: &mut Seen,
    lost: Option<&Posted>,
) -> Result<Option<Posted>, Fault> {
    for channel in routes.channels(&seen.proposal) {
        // Whoever tried before may have posted it, and could not say so. Looking changes nothing, and needs no claim.
        let found = match record::was_tried(&seen.proposal, channel) {
            true => find(deps, channel, seen).await,
            false => Ok(None),
        };
        let tried = match found {
            Ok(Some(found)) if lost != Some(&found) => Ok(found),
            Err(fault) => Err(fault),
            Ok(Some(_) | None) => match record::claim(deps, &mut seen.proposal, channel).await? {
                Claim::Ours => put(deps, channel, seen).await,
                Claim::Theirs { until } => {
                    // They may die before they have posted: somebody looks again then.
                    let wait = Duration::from_millis(until.millis_since(deps.clock.now()));
                    let wait = wait + Duration::from_secs(1);
                    deps.again.send(&hint.again(), wait).await?;
                    return Ok(None);
                }
                Claim::Posted => return Err(Fault::Conflict("somebody else posted it".to_owned())),
            },
        };
        let fault = match tried {
            Ok(posted) => {
                record::posted(deps, seen, &posted, channel).await?;
                // It may have moved on while it was posted.
                let moved = seen.look_again(deps).await?;
                if !moved {
                    return Ok(Some(posted));
                }
                match update(deps, seen, &posted).await? {
                    Ok(()) => return Ok(Some(posted)),
                    Err(fault) => fault,
                }
            }
            Err(fault) => fault,
        };
        trouble::note(deps, hint, &seen.proposal, channel, &fault).await?;
        let elsewhere = matches!(
            fault,
            SlackFault::Refused {
                whose: Whose::Channel,
                ..
            }
        );
        if !elsewhere {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The card where somebody posted it before.
async fn find(deps: &Deps<'_>, channel: &str, seen: &Seen) -> Result<Option<Posted>, SlackFault> {
    let oldest = seen.proposal.opened_at().as_seconds() - SKEW_S;
    deps.slack.find(channel, oldest, seen.proposal.id()).await
}

async fn put(deps: &Deps<'_>, channel: &str, seen: &Seen) -> Result<Posted, SlackFault> {
    match &seen.message {
        Some(message) => deps.slack.post(channel, None, message).await,
        None => Err(SlackFault::Unclear("there is nothing to post".to_owned())),
    }
}

/// By how much Slack's clock may differ from ours, seconds.
const SKEW_S: i64 = 300;

/// Until when a claim that is made now holds.
pub(crate) fn claimed_until(now: Timestamp) -> Timestamp {
    now.plus_seconds(CLAIM_S)
}
