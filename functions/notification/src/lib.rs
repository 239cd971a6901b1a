//! `notification`: tells people, and keeps what they were told true.
//!
//! Woken by a queue for each channel behind the approval topic, by itself, and by `housekeeping`. A message says only
//! which proposal to look at. What is to be done follows from its trail:
//!
//! | the trail says | is done |
//! | --- | --- |
//! | scored, and no message was posted | `card`: a claim is recorded, the card posted, and recorded where |
//! | posted | `card`: the message becomes what the proposal is now |
//! | something happened since that the thread tells of | `thread`: a reply |
//! | nothing more will happen, and everything was told | recorded: the message shows how it ended |
//!
//! What Slack does not do now is tried again soon; what it still does not do is recorded as a problem, and
//! `housekeeping` wakes this function each minute until it works.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod card;
pub mod config;
mod notice;
pub mod reach;
mod record;
pub mod routes;
pub mod slack;
mod thread;
mod trouble;

use domain::message::Hint;
use domain::permission::{Under, may_approve};
use domain::ports::{Clock, Operators, Policies, Queue, Trail};
use domain::proposal::Proposal;
use domain::telling::{Card, Notice, Row};
use domain::trail::{Record, Seq, StreamId};
use domain::value::{Deployment, ProposalId};
use runtime::link::LinkKey;
use runtime::queue::{Delivery, Fault, in_turns};
use trail::{load_control, read_proposal};

use crate::routes::Routes;
use crate::slack::Slack;

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// Who may decide, by rules.
    pub policies: &'a dyn Policies,
    /// Threshold, switches and deadlines.
    pub deployment: &'a Deployment,
    /// Who may decide.
    pub operators: &'a dyn Operators,
    /// Slack.
    pub slack: &'a dyn Slack,
    /// Which channel is asked about what; none where Slack is not set up.
    pub routes: Option<&'a Routes>,
    /// Its own queue, for another try.
    pub again: &'a dyn Queue,
    /// The key of the links to pages.
    pub links: &'a LinkKey,
    /// Where the pages are: an origin, without a slash at its end.
    pub pages: &'a str,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Works one message of Slack's queue.
pub async fn handle(deps: &Deps<'_>, delivery: Delivery<'_>) -> Result<(), Fault> {
    if let Some(notice) = Notice::read(delivery.body) {
        return notice::post(deps, &notice).await;
    }
    let hint = Hint::read(delivery.body).map_err(Fault::Poison)?;
    let Some(routes) = deps.routes else {
        tracing::warn!(proposal.id = %hint.proposal, "nobody was told: Slack is not set up (SlackChannel is empty)");
        return Ok(());
    };
    // Whole turns: what is to be told is decided anew where the proposal moved on meanwhile.
    in_turns(deps.clock, async || turn(deps, routes, &hint).await).await
}

async fn turn(deps: &Deps<'_>, routes: &Routes, hint: &Hint) -> Result<(), Fault> {
    let seen = Seen::load(deps, &hint.proposal).await?;
    if seen.message.is_none() {
        return Ok(());
    }
    let Some((posted, seen)) = card::sync(deps, routes, hint, seen).await? else {
        return Ok(());
    };
    let told = match thread::tell(deps, hint, &posted, &seen).await {
        Ok(told) => told,
        Err(fault) => return trouble::note(deps, hint, &seen.proposal, &posted.channel, &fault).await,
    };
    let settled = told && !Row::of(&seen.proposal).open;
    record::shown(deps, &seen.proposal, &posted, settled).await
}

/// A proposal as it stands, and the message that shows it.
struct Seen {
    records: Vec<Record>,
    proposal: Proposal,
    /// None where people are not told of it.
    message: Option<::slack::message::Message>,
    /// The news that the message shows: the proposal may have moved on since it was made.
    shows: Seq,
    /// Whether it offers a button.
    asks: bool,
}

impl Seen {
    /// Looks again. Returns whether there are news of the proposal; else its message is as it was.
    async fn look_again(&mut self, deps: &Deps<'_>) -> Result<bool, Fault> {
        let id = self.proposal.id().clone();
        let records = deps.trail.load(&StreamId::Proposal(id.clone())).await?;
        let proposal = read_proposal(deps.trail, &records).await?;
        if proposal.news().seq != self.shows {
            *self = Self::load(deps, &id).await?;
            return Ok(true);
        }
        (self.records, self.proposal) = (records, proposal);
        Ok(false)
    }

    async fn load(deps: &Deps<'_>, id: &ProposalId) -> Result<Self, Fault> {
        let stream = StreamId::Proposal(id.clone());
        let (records, control, directory) = tokio::try_join!(
            async { Ok::<_, Fault>(deps.trail.load(&stream).await?) },
            async { Ok(load_control(deps.trail).await?) },
            async { Ok(deps.operators.directory().await?) },
        )?;
        if records.is_empty() {
            return Err(Fault::Poison(format!(
                "there is no proposal {id}: its stream has no records"
            )));
        }
        let proposal = read_proposal(deps.trail, &records).await?;
        let under = Under {
            in_force: &deps.policies.in_force(&control).await,
            deployment: deps.deployment,
            control: &control,
        };
        let now = deps.clock.now();
        let deciders = may_approve(&proposal, &directory, &under, now);
        let card = Card::of(&proposal, &deciders, &control, now);
        let link = format!("{}{}", deps.pages, deps.links.path(id));
        Ok(Self {
            message: card
                .as_ref()
                .map(|card| ::slack::message::card(id, card, Some(&link))),
            asks: card.is_some_and(|card| !card.asks.is_empty()),
            shows: proposal.news().seq,
            records,
            proposal,
        })
    }
}
