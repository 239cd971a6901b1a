//! `housekeeping`: the second line behind every message. Woken every minute.
//!
//! It walks the trail by hour and does what a lost message, a dead function or a passed deadline left undone:
//! it sends hints, expires what nobody decided, has announced what the stream did not bring, and makes the event
//! sources agree with `control`. What it finds it finds on the trail; the view tells it sooner of proposals that
//! have been open for long, and how far each was announced.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod chores;
pub mod config;
pub mod event_sources;
pub mod reach;
pub mod rest;
pub mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use domain::message::{Hint, Lane};
use domain::ports::{Clock, Queue, Trail, TrailError, View};
use domain::proposal::{LONGEST_LIFE_DAYS, Outcome, Proposal, State};
use domain::trail::{Actor, Control, StreamId};
use domain::value::{ProposalId, Timestamp};
use trail::walk::{self, Window};
use trail::{
    Advanced, Next, advance, extend_guard, fault_of, in_force, load_end, load_held, load_proposal,
    name_forged,
};

use crate::event_sources::EventSources;
use crate::rest::Rested;

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// The view, reading.
    pub view: &'a dyn View,
    /// The queue of `ingest-and-propose`.
    pub ingest: &'a dyn Queue,
    /// The queue of `scoring`.
    pub scoring: &'a dyn Queue,
    /// The queue of `execution`.
    pub execution: &'a dyn Queue,
    /// The queue of restores.
    pub restores: &'a dyn Queue,
    /// The queue of verifications.
    pub verifications: &'a dyn Queue,
    /// The queue of `outbox`.
    pub announcements: &'a dyn Queue,
    /// Slack's queue of `notification`; none where Slack is not set up.
    pub slack: Option<&'a dyn Queue>,
    /// What a pause switches off.
    pub sources: &'a dyn EventSources,
    /// What needs no look: as long as this process lives.
    pub rested: &'a Rested,
    /// The time.
    pub clock: &'a dyn Clock,
    /// What the template's `AgentEnabled` says.
    pub agent_enabled: bool,
    /// How long a metric is left alone after an effect, seconds.
    pub verify_after_s: u64,
    /// How long one run may take, seconds: what is left is done a minute later.
    pub budget_s: u64,
}

/// What one run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Proposals looked at.
    pub looked_at: usize,
    /// Hints sent.
    pub woken: usize,
    /// Proposals expired.
    pub expired: usize,
    /// Proposals left for the next run.
    pub left: usize,
    /// Proposals that could not be worked.
    pub failed: usize,
}

/// One run.
pub async fn handle(deps: &Deps<'_>) -> anyhow::Result<Report> {
    let began = deps.clock.now();
    let mut report = Report::default();
    // What is not to be had now must not keep what is in force from ending: it is told at the end.
    let mut last_error = None;
    let Followed { control, switched_at } = follow_control(deps, &mut last_error).await?;
    let Candidates { open, others } = candidates(deps, &control, began, &mut last_error).await;
    // What the view knows to be open waits behind nothing.
    let in_turns = turns::of_minute(open, began)
        .into_iter()
        .chain(turns::of_minute(others, began));
    for id in in_turns {
        if deps.clock.now().millis_since(began) > deps.budget_s * 1000 {
            report.left += 1;
            continue;
        }
        report.looked_at += 1;
        if let Err(err) = keep(deps, &id, &control, switched_at, &mut report).await {
            // One proposal's trouble must not keep the others waiting.
            tracing::error!(proposal.id = %id, error = format!("{err:#}"), "could not be kept");
            report.failed += 1;
            last_error = Some(err);
        }
    }
    tracing::info!(
        looked_at = report.looked_at,
        woken = report.woken,
        expired = report.expired,
        left = report.left,
        failed = report.failed,
        "swept"
    );
    match last_error {
        Some(err) if report.failed == 0 => Err(err.context("not everything could be looked at")),
        Some(err) => Err(err.context(format!(
            "{} of {} proposals could not be kept",
            report.failed, report.looked_at
        ))),
        None => Ok(report),
    }
}

/// The switches, and when somebody last switched.
struct Followed {
    control: Control,
    switched_at: Option<Timestamp>,
}

/// Records what the template says, where it changed, and makes the event sources agree.
async fn follow_control(deps: &Deps<'_>, last_error: &mut Option<anyhow::Error>) -> anyhow::Result<Followed> {
    let follows = |control: &Control, now| control.follow_template(deps.agent_enabled, now);
    extend_guard(deps.trail, deps.clock, follows).await?;
    let control = load_end(deps.trail, &StreamId::Control).await?;
    let guard = load_end(deps.trail, &StreamId::Guard).await?;
    for fault in [&control.fault, &guard.fault].into_iter().flatten() {
        name_forged(deps.trail, deps.clock, fault).await?;
    }
    let last = [&control.held, &guard.held].into_iter().flatten();
    let followed = Followed {
        switched_at: last.map(|record| record.at).max(),
        control: in_force(&control, &guard)?,
    };
    let switched = deps.sources.set(followed.control.switches.paused.is_none()).await;
    if let Err(err) = switched.context("the event sources could not be switched") {
        tracing::error!(
            error = format!("{err:#}"),
            "the event sources are left as they are"
        );
        *last_error = Some(err);
    }
    Ok(followed)
}

/// What is to be looked at.
struct Candidates {
    /// Those that are open in the view.
    open: BTreeSet<ProposalId>,
    /// Those with records in the last two hours, and once an hour all that can still be alive, but for what rests.
    others: BTreeSet<ProposalId>,
}

/// Finds what is to be looked at: a proposal's life stands still during a pause.
async fn candidates(
    deps: &Deps<'_>,
    control: &Control,
    now: Timestamp,
    last_error: &mut Option<anyhow::Error>,
) -> Candidates {
    let open: BTreeSet<ProposalId> = match deps.view.open().await {
        Ok(open) => open.into_iter().collect(),
        Err(err) => {
            // The view only makes it sooner.
            tracing::warn!(error = %err, "the view could not be read");
            BTreeSet::new()
        }
    };
    let hourly = now.as_seconds() / 60 % 60 == 0;
    let hours = match hourly {
        true => hours_back(deps, control, now).await,
        false => Ok(2),
    };
    let mut missed = |what: &str, err: anyhow::Error| {
        tracing::error!(
            error = format!("{err:#}"),
            "{what} could not be read: left for the next run"
        );
        *last_error = Some(err.context(format!("{what} could not be read")));
    };
    let hours = hours.unwrap_or_else(|err| {
        missed("the times of pauses", err);
        2
    });
    let (streams, unread) = walk::streams_found(deps.trail, Window::hours_back(hours, now)).await;
    if let Some(err) = unread {
        missed("a part of the index", err.into());
    }
    let mut found = BTreeMap::new();
    for (stream, last) in streams {
        match stream {
            StreamId::Proposal(id) => drop(found.insert(id, last)),
            // These were looked at already.
            StreamId::Control | StreamId::Guard => {}
            StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } => {
                if let Err(err) = name_fault_of(deps, &stream).await {
                    missed("a stream", err);
                }
            }
        }
    }
    let others = deps.rested.without(found);
    Candidates {
        others: others.into_iter().filter(|id| !open.contains(id)).collect(),
        open,
    }
}

async fn name_fault_of(deps: &Deps<'_>, stream: &StreamId) -> anyhow::Result<()> {
    if let Some(fault) = fault_of(deps.trail, stream).await? {
        name_forged(deps.trail, deps.clock, &fault).await?;
    }
    Ok(())
}

/// How many hours back a proposal can have begun that is still alive.
async fn hours_back(deps: &Deps<'_>, control: &Control, now: Timestamp) -> anyhow::Result<u64> {
    let life_ms = LONGEST_LIFE_DAYS * 86_400_000;
    let (operators, template) = match control.paused_ms(now) {
        0 => (Vec::new(), Vec::new()),
        // These tell the times of all pauses ever; those of long ago do not count.
        _ => (
            load_held(deps.trail, &StreamId::Control).await?,
            load_held(deps.trail, &StreamId::Guard).await?,
        ),
    };
    let begin = reach::running_for(&operators, &template, life_ms, now).map_err(TrailError::from)?;
    Ok(now.millis_since(begin).div_ceil(3_600_000))
}

async fn keep(
    deps: &Deps<'_>,
    id: &ProposalId,
    control: &Control,
    switched_at: Option<Timestamp>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let proposal = match load_proposal(deps.trail, id).await {
        Ok(Some(proposal)) => proposal,
        Ok(None) => return Ok(()),
        // Nothing of it holds: it is named, and the others go on.
        Err(TrailError::Forged(fault)) => return Ok(name_forged(deps.trail, deps.clock, &fault).await?),
        Err(err) => return Err(err.into()),
    };
    let now = deps.clock.now();
    if proposal.has_expired_from_the_trail(now) {
        // Time to live removes it record by record: what is left is nothing to act on.
        return Ok(());
    }
    if let Some(fault) = &proposal.standing().fault {
        name_forged(deps.trail, deps.clock, fault).await?;
        // What is in force ends; nothing else happens to it until an operator has looked.
        let ends = chores::overdue_of(&proposal, now);
        let asked = proposal
            .state()
            .execution()
            .is_some_and(|execution| execution.is_asked(now));
        if ends && (asked || !control.guard().has_taken_back(&fault.stream, fault.seq)) {
            wake(deps, &proposal, Lane::Restore, report).await?;
        }
        return Ok(());
    }
    for wakes in chores::due(&proposal, control, deps.verify_after_s, now) {
        wake(deps, &proposal, wakes, report).await?;
    }
    if let Some(slack) = deps.slack
        && chores::untold(&proposal, switched_at, now)
    {
        // It does not try again by itself: this one is sent each minute.
        let hint = Hint {
            tries: Hint::MOST_TRIES,
            ..Hint::of(id)
        };
        slack.send(&hint, Duration::ZERO).await?;
        tracing::info!(proposal.id = %id, wake = %Lane::Slack, "people are to be told");
        report.woken += 1;
    }
    if chores::expiry(&proposal, control, now).is_some() {
        let expires = |current: &Proposal, now| match chores::expiry(current, control, now) {
            Some(fact) => Next::<_, Infallible>::Append(fact),
            None => Next::Nothing,
        };
        let expired = advance(deps.trail, deps.clock, proposal.clone(), &Actor::System, expires).await?;
        if let Advanced::Appended(after) = expired {
            report.expired += 1;
            // An approval that ran out is asked for again; in the end it is over, as what nobody answered is at once.
            let is_over = matches!(after.state(), State::Closed(Outcome::Expired));
            if is_over && matches!(proposal.state(), State::AwaitingApproval(_)) {
                tracing::error!(alarm = "expired_unanswered", proposal.id = %id, "nobody decided in time");
            }
        }
    }
    match deps.view.announced(id).await {
        Ok(announced) if chores::unannounced(&proposal, announced, now) => {
            wake(deps, &proposal, Lane::Announce, report).await?;
        }
        Ok(announced) => {
            if chores::rests(&proposal, control, announced, deps.verify_after_s, now) {
                deps.rested.add(id, proposal.last().seq);
            }
        }
        // Outbox cannot write it either: looked at again in a minute.
        Err(err) => tracing::warn!(proposal.id = %id, error = %err, "the view could not be read"),
    }
    Ok(())
}

async fn wake(deps: &Deps<'_>, proposal: &Proposal, lane: Lane, report: &mut Report) -> anyhow::Result<()> {
    let queue = match lane {
        Lane::Ingest => deps.ingest,
        Lane::Scoring => deps.scoring,
        Lane::Execution => deps.execution,
        Lane::Restore => deps.restores,
        Lane::Verify => deps.verifications,
        Lane::Announce => deps.announcements,
        Lane::Slack | Lane::Outbox | Lane::Housekeeping | Lane::Strays => {
            anyhow::bail!("{lane} is woken otherwise")
        }
    };
    // None is sent on by whoever works it: the next ones come in a minute.
    let hint = Hint {
        tries: u32::MAX,
        ..Hint::of(proposal.id())
    };
    let at_s: &[u64] = match lane == Lane::Restore && chores::overdue_of(proposal, deps.clock.now()) {
        // The gateway may be away: within a quarter of a minute of its return the effect ends.
        true => &[0, 15, 30, 45],
        false => &[0],
    };
    for at in at_s {
        queue.send(&hint, Duration::from_secs(*at)).await?;
    }
    tracing::warn!(proposal.id = %proposal.id(), wake = %lane, state = proposal.state().name(), "woken again");
    report.woken += 1;
    Ok(())
}
