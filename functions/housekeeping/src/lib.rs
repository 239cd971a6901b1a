//! `housekeeping`: the second line behind every message. Woken every minute.
//!
//! It walks the trail by hour and does what a lost message, a dead function or a passed deadline left undone:
//! it sends hints, expires what nobody decided, has announced what the stream did not bring, and makes the event
//! sources agree with `control`. What it finds it finds on the trail; the view tells it sooner of proposals that
//! have been open for long, and how far each was announced.

pub mod chores;
pub mod config;
pub mod event_sources;
pub mod reach;
pub mod turns;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use domain::control::Control;
use domain::ids::ProposalId;
use domain::ports::{Clock, Queue, Trail, TrailError, View, load_control, load_proposal};
use domain::proposal::{LONGEST_LIFE_DAYS, Proposal};
use domain::record::{Actor, Entry, HOUR_SHARDS};
use domain::stream::StreamId;
use domain::time::Timestamp;
use futures::StreamExt as _;
use futures::stream;

use crate::chores::{Chore, Wake};
use crate::event_sources::EventSources;

/// Partitions of the trail's hours that are read at once: a walk through a month and a long pause takes seconds.
const HOURS_AT_ONCE: usize = 8;

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
    /// What a pause switches off.
    pub sources: &'a dyn EventSources,
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
    let control = follow_control(deps, began).await?;
    let mut report = Report::default();
    let mut last_error = None;
    for id in turns::of_minute(candidates(deps, &control, began).await?, began) {
        if deps.clock.now().millis_since(began) > deps.budget_s * 1000 {
            report.left += 1;
            continue;
        }
        report.looked_at += 1;
        if let Err(err) = keep(deps, &id, &control, &mut report).await {
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
        Some(err) => Err(err.context(format!(
            "{} of {} proposals could not be kept",
            report.failed, report.looked_at
        ))),
        None => Ok(report),
    }
}

/// Records what the template says, where it changed, and makes the event sources agree.
async fn follow_control(deps: &Deps<'_>, now: Timestamp) -> anyhow::Result<Control> {
    let mut control = load_control(deps.trail).await?;
    if let Some(fact) = control.follow_template(deps.agent_enabled, now) {
        let last = deps.trail.last(&StreamId::Control).await?;
        match deps
            .trail
            .append(Entry::next(
                StreamId::Control,
                last.as_ref(),
                now,
                Actor::System,
                &fact,
            ))
            .await
        {
            // Somebody paused or resumed just now: looked at again in a minute.
            Ok(_) | Err(TrailError::Conflict { .. }) => control = load_control(deps.trail).await?,
            Err(err) => return Err(err.into()),
        }
    }
    deps.sources
        .set(control.switches.paused.is_none())
        .await
        .context("the event sources could not be switched")?;
    Ok(control)
}

/// The proposals with records in the last two hours, those open in the view, and once an hour all that can
/// still be alive: a proposal's life stands still during a pause.
async fn candidates(
    deps: &Deps<'_>,
    control: &Control,
    now: Timestamp,
) -> anyhow::Result<BTreeSet<ProposalId>> {
    let hourly = now.as_seconds() / 60 % 60 == 0;
    let hours = if hourly {
        hours_back(deps, control, now).await?
    } else {
        2
    };
    let mut ids: BTreeSet<ProposalId> = match deps.view.open().await {
        Ok(open) => open.into_iter().collect(),
        Err(err) => {
            // The view only makes it sooner.
            tracing::warn!(error = %err, "the view could not be read");
            BTreeSet::new()
        }
    };
    let partitions = (0..=hours).flat_map(|back| {
        let hour = now.minus_seconds(back * 3600).hour();
        (0..HOUR_SHARDS).map(move |shard| format!("{hour}/{shard}"))
    });
    let found = stream::iter(partitions).map(|hour| async move { deps.trail.streams_of(&hour).await });
    let mut found = pin!(found.buffered(HOURS_AT_ONCE));
    while let Some(streams) = found.next().await {
        ids.extend(streams?.into_iter().filter_map(|stream| match stream {
            StreamId::Proposal(id) => Some(id),
            _ => None,
        }));
    }
    Ok(ids)
}

/// How many hours back a proposal can have begun that is still alive.
async fn hours_back(deps: &Deps<'_>, control: &Control, now: Timestamp) -> anyhow::Result<u64> {
    let life_ms = LONGEST_LIFE_DAYS * 86_400_000;
    let records = match control.paused_ms(now) {
        0 => Vec::new(),
        // `control` tells the time of all pauses ever; those of long ago do not count.
        _ => deps.trail.load(&StreamId::Control).await?,
    };
    let begin = reach::running_for(&records, life_ms, now).map_err(TrailError::from)?;
    Ok(now.millis_since(begin).div_ceil(3_600_000))
}

async fn keep(
    deps: &Deps<'_>,
    id: &ProposalId,
    control: &Control,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(proposal) = load_proposal(deps.trail, id).await? else {
        return Ok(());
    };
    let now = deps.clock.now();
    for chore in chores::due(&proposal, control, deps.verify_after_s, now) {
        match chore {
            Chore::Wake(who) => wake(deps, &proposal, who, report).await?,
            Chore::Append(fact) => {
                let entry = proposal
                    .entry(now, Actor::System, &fact)
                    .map_err(TrailError::from)?;
                match deps.trail.append(entry).await {
                    Ok(_) => report.expired += 1,
                    // Something happened to it just now: looked at again in a minute.
                    Err(TrailError::Conflict { .. }) => {}
                    Err(err) => return Err(err.into()),
                }
            }
        }
    }
    match deps.view.announced(id).await {
        Ok(announced) if chores::unannounced(&proposal, announced, now) => {
            wake(deps, &proposal, Wake::Outbox, report).await?;
        }
        Ok(_) => {}
        // Outbox cannot write it either: looked at again in a minute.
        Err(err) => tracing::warn!(proposal.id = %id, error = %err, "the view could not be read"),
    }
    Ok(())
}

async fn wake(deps: &Deps<'_>, proposal: &Proposal, who: Wake, report: &mut Report) -> anyhow::Result<()> {
    let queue = match who {
        Wake::Ingest => deps.ingest,
        Wake::Scoring => deps.scoring,
        Wake::Execution => deps.execution,
        Wake::Restore => deps.restores,
        Wake::Verification => deps.verifications,
        Wake::Outbox => deps.announcements,
    };
    queue.hint(proposal.id(), Duration::ZERO).await?;
    tracing::warn!(proposal.id = %proposal.id(), wake = ?who, state = proposal.state().name(), "woken again");
    report.woken += 1;
    Ok(())
}
