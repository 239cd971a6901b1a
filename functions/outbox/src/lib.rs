//! `outbox`: tells the world what the trail says.
//!
//! Functions never write *and* publish: they append, and this publishes. A crash between "recorded" and
//! "announced" cannot exist, only a second announcement.
//!
//! Woken by the trail's stream, and by `housekeeping` where the stream's delivery was lost. Both only say which
//! proposal to look at: what is announced is every record that the proposal's row in the view does not have yet,
//! and the row is written last. So a batch that was given up is made up for by the next one.
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod config;
pub mod stream;
pub mod woken;

use domain::ports::{Bus, Topic, Trail, TrailError, View};
use domain::proposal::Proposal;
use domain::telling::{Announcement, Row};
use domain::trail::{Record, Seq, StreamId};
use domain::value::ProposalId;
use runtime::queue::{Delivery, Fault, hinted};
use trail::read_proposal;

use crate::stream::{Batch, Failures};

/// What this function may use.
pub struct Deps<'a> {
    /// The audit trail.
    pub trail: &'a dyn Trail,
    /// The event bus.
    pub bus: &'a dyn Bus,
    /// The topic of what people are told.
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
    match announce_batch(deps, &batch).await {
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

/// Works one message of the queue: `housekeeping` found a proposal that was not announced to its end.
pub async fn handle_hint(deps: &Deps<'_>, delivery: Delivery<'_>) -> Result<(), Fault> {
    let id = hinted(&delivery)?;
    let records = deps.trail.load(&StreamId::Proposal(id.clone())).await?;
    if records.is_empty() {
        return Err(Fault::Poison(format!(
            "there is no proposal {id}: its stream has no records"
        )));
    }
    let count = announce(deps, &id, &records).await.map_err(Fault::Retry)?;
    tracing::warn!(proposal.id = %id, records = count, "announced what the stream had not brought");
    Ok(())
}

async fn announce_batch(deps: &Deps<'_>, batch: &Batch) -> anyhow::Result<usize> {
    let mut trails: Vec<(ProposalId, Vec<Record>)> = Vec::new();
    // Nothing of a batch is announced before all of it is understood.
    for (id, seq) in batch.inserted()? {
        let records = match trails.iter().find(|(known, _)| *known == id) {
            Some((_, records)) => records,
            None => {
                let records = deps.trail.load(&StreamId::Proposal(id.clone())).await?;
                trails.push((id.clone(), records));
                &trails[trails.len() - 1].1
            }
        };
        if !records.iter().any(|record| record.seq == seq) {
            anyhow::bail!("record {seq} of proposal {id} is in the stream but not in the table");
        }
    }
    let mut count = 0;
    for (id, records) in &trails {
        count += announce(deps, id, records).await?;
    }
    Ok(count)
}

/// Announces every record of a proposal that the view does not have yet, and brings the view up to date.
async fn announce(deps: &Deps<'_>, id: &ProposalId, records: &[Record]) -> anyhow::Result<usize> {
    let told = deps.view.announced(id).await?;
    // What does not hold is not announced; what comes before it is.
    let proposal = match read_proposal(deps.trail, records).await {
        Ok(proposal) => proposal,
        Err(TrailError::Forged(_)) => return Ok(0),
        Err(err) => return Err(err.into()),
    };
    let hold = records.iter().filter(|record| record.seq <= proposal.last().seq);
    let records = &records[..hold.count()];
    let announcements = announcements_after(deps.trail, told, records, &proposal)?;
    if announcements.is_empty() {
        return Ok(0);
    }
    deps.bus.publish(&announcements).await?;
    for announcement in &announcements {
        if let Some(concern) = announcement.concerns_people() {
            deps.topic.tell(announcement, concern).await?;
        }
    }
    // Last: the row says that everything up to its record was announced.
    deps.view.put(&Row::of(&proposal)).await?;
    Ok(announcements.len())
}

/// The announcements of the records after `told`, each with the proposal as it was just after that record. `whole` is what
/// all of them make.
fn announcements_after(
    trail: &dyn Trail,
    told: Seq,
    records: &[Record],
    whole: &Proposal,
) -> Result<Vec<Announcement>, TrailError> {
    let aside = &whole.standing().set_aside;
    let mut announcements = Vec::new();
    for (at, record) in records.iter().enumerate() {
        if record.seq > told && !aside.contains(&record.seq) {
            let then = Proposal::read(&records[..=at], trail.keys(), aside).map_err(TrailError::Forged)?;
            announcements.push(Announcement::of(&then));
        }
    }
    Ok(announcements)
}
