//! `outbox`: tells the world what the trail says.
//!
//! Woken by the trail's stream. Functions never write *and* publish: they append, and this publishes. A crash
//! between "recorded" and "announced" cannot exist, only a second announcement.

pub mod config;
pub mod stream;

use std::collections::BTreeMap;

use domain::bus::{Announcement, Row};
use domain::ids::ProposalId;
use domain::ports::{Bus, Topic, Trail, TrailError, View};
use domain::proposal::Proposal;
use domain::record::Record;
use domain::stream::{Seq, StreamId};

use crate::stream::{Batch, Failures};

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// The event bus.
    pub bus: &'a dyn Bus,
    /// The topic of what needs a person.
    pub topic: &'a dyn Topic,
    /// The view.
    pub view: &'a dyn View,
}

/// Announces a batch of the stream. A failure gives back the batch from its first record: announcing twice
/// is harmless, announcing in another order is not.
pub async fn handle(deps: &Deps<'_>, batch: Batch) -> Failures {
    let Some(first) = batch.first() else {
        return Failures::none();
    };
    match announce(deps, &batch).await {
        Ok(count) => {
            tracing::info!(records = count, "announced");
            Failures::none()
        }
        Err(err) => {
            tracing::error!(error = format!("{err:#}"), "will be announced again");
            Failures::from(first)
        }
    }
}

async fn announce(deps: &Deps<'_>, batch: &Batch) -> anyhow::Result<usize> {
    let inserted = batch.inserted()?;
    let mut trails: BTreeMap<ProposalId, Vec<Record>> = BTreeMap::new();
    let mut announcements = Vec::new();
    for (id, seq) in &inserted {
        if !trails.contains_key(id) {
            trails.insert(
                id.clone(),
                deps.trail.load(&StreamId::Proposal(id.clone())).await?,
            );
        }
        let records = trails.get(id).map_or(&[][..], Vec::as_slice);
        announcements.push(announcement(id, *seq, records)?);
    }
    deps.bus.publish(&announcements).await?;
    for announcement in &announcements {
        if let Some(reason) = announcement.needs_a_person() {
            deps.topic.tell(announcement, reason).await?;
        }
    }
    for records in trails.values() {
        deps.view
            .put(&Row::of(&Proposal::replay(records).map_err(TrailError::from)?))
            .await?;
    }
    Ok(announcements.len())
}

/// The announcement of one record: the proposal as it was just after it.
fn announcement(id: &ProposalId, seq: Seq, records: &[Record]) -> anyhow::Result<Announcement> {
    let until = records.iter().take_while(|record| record.seq <= seq).count();
    if records
        .get(..until)
        .and_then(<[Record]>::last)
        .is_none_or(|last| last.seq != seq)
    {
        anyhow::bail!("record {seq} of proposal {id} is in the stream but not in the table");
    }
    Ok(Announcement::of(
        &Proposal::replay(&records[..until]).map_err(TrailError::from)?,
    ))
}
