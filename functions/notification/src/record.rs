//! What the trail is told of the messages: a claim before one is posted, where it is, what it shows, what went wrong.

use ::slack::CHANNEL;
use ::slack::api::Posted;
use domain::proposal::{Message, Notified, Proposal, ProposalFact};
use domain::trail::Actor;
use domain::value::Timestamp;
use runtime::queue::Fault;
use trail::{Advanced, Next, advance};

use crate::card::claimed_until;
use crate::{Deps, Seen};

/// Who may post a card now.
pub(crate) enum Claim {
    /// Whoever asked.
    Ours,
    /// Somebody else, until then.
    Theirs {
        /// Until when.
        until: Timestamp,
    },
    /// Nobody: it was posted meanwhile.
    Posted,
}

/// The message in one channel.
fn message<'a>(proposal: &'a Proposal, to: &str) -> Option<&'a Message> {
    let mut messages = proposal.messages().of(CHANNEL);
    messages.find(|message| message.to.as_deref() == Some(to))
}

/// Whether somebody tried to post a card there.
pub(crate) fn was_tried(proposal: &Proposal, to: &str) -> bool {
    message(proposal, to).is_some()
}

fn notified(to: &str) -> Notified {
    Notified {
        channel: CHANNEL.to_owned(),
        reference: None,
        to: Some(to.to_owned()),
        until: None,
        shows: None,
        problem: None,
    }
}

/// Records that a card is about to be posted, unless somebody else is about to. Where it is recorded, `proposal` is the one
/// after it.
pub(crate) async fn claim(deps: &Deps<'_>, proposal: &mut Proposal, to: &str) -> Result<Claim, Fault> {
    let reference = message(proposal, to).and_then(|message| message.reference.clone());
    let claims = |current: &Proposal, now| {
        let before = message(current, to);
        if let Some(until) = before
            .and_then(|message| message.until)
            .filter(|until| now < *until)
        {
            return Next::Refuse(Claim::Theirs { until });
        }
        if before.and_then(|message| message.reference.clone()) != reference {
            return Next::Refuse(Claim::Posted);
        }
        Next::Append(ProposalFact::Notified(Notified {
            until: Some(claimed_until(now)),
            ..notified(to)
        }))
    };
    let current = proposal.clone();
    Ok(
        match advance(deps.trail, deps.clock, current, &Actor::Agent, claims).await? {
            Advanced::Appended(now) | Advanced::Nothing(now) => {
                *proposal = now;
                Claim::Ours
            }
            Advanced::Refused(claim) => claim,
        },
    )
}

/// Records where a card is, and what it showed when it was posted.
pub(crate) async fn posted(deps: &Deps<'_>, seen: &Seen, posted: &Posted, to: &str) -> Result<(), Fault> {
    let fact = Notified {
        reference: Some(posted.to_string()),
        shows: Some(seen.shows),
        ..notified(to)
    };
    append(deps, &seen.proposal, |current| {
        let known = message(current, to).and_then(|message| message.reference.as_ref());
        (known != fact.reference.as_ref()).then(|| fact.clone())
    })
    .await
}

/// Records what a message shows: how it ended, or that it works again.
pub(crate) async fn shown(
    deps: &Deps<'_>,
    proposal: &Proposal,
    posted: &Posted,
    settled: bool,
) -> Result<(), Fault> {
    let shows = proposal.news().seq;
    let reference = posted.to_string();
    append(deps, proposal, |current| {
        let mut messages = current.messages().of(CHANNEL);
        let ours = messages.find(|message| message.reference.as_ref() == Some(&reference))?;
        let behind = ours.shows.is_none_or(|shown| shown < shows);
        ((settled && behind) || ours.problem.is_some()).then(|| Notified {
            reference: Some(reference.clone()),
            shows: settled.then_some(shows),
            to: ours.to.clone(),
            ..notified("")
        })
    })
    .await
}

/// Records why nobody was reached, once for each reason.
pub(crate) async fn problem(
    deps: &Deps<'_>,
    proposal: &Proposal,
    to: &str,
    problem: &str,
) -> Result<(), Fault> {
    append(deps, proposal, |current| {
        let known = message(current, to).and_then(|message| message.problem.as_deref());
        (known.map(word) != Some(word(problem))).then(|| Notified {
            problem: Some(problem.to_owned()),
            ..notified(to)
        })
    })
    .await
}

/// What a problem is called; what follows may differ each time.
fn word(problem: &str) -> &str {
    problem.split([' ', ';']).next().unwrap_or_default()
}

async fn append(
    deps: &Deps<'_>,
    proposal: &Proposal,
    says: impl Fn(&Proposal) -> Option<Notified>,
) -> Result<(), Fault> {
    let decides = |current: &Proposal, _| match says(current) {
        Some(notified) => Next::<_, Fault>::Append(ProposalFact::Notified(notified)),
        None => Next::Nothing,
    };
    match advance(deps.trail, deps.clock, proposal.clone(), &Actor::Agent, decides).await? {
        Advanced::Appended(_) | Advanced::Nothing(_) => Ok(()),
        Advanced::Refused(fault) => Err(fault),
    }
}
