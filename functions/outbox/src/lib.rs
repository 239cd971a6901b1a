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
pub mod links;
pub mod stream;
pub mod woken;

use domain::ports::{Bus, Clock, Topic, Trail, TrailError, View};
use domain::proposal::Proposal;
use domain::telling::{Announcement, Notice, Row};
use domain::trail::{Record, Seq, StreamId};
use domain::value::ProposalId;
use futures::StreamExt as _;
use runtime::queue::{Delivery, Fault, hinted};
use trail::{load_held, read_proposal};

use crate::links::Links;
use crate::stream::{Batch, Brought, Failures, Part};

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
    /// The links to the proposals' pages, which the topic's messages carry.
    pub links: &'a Links<'a>,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// How old what has ended may be to be told to people at first, seconds. A view that was lost knows of nothing that was told:
/// nobody wants the news of a month again.
const NEWS_S: u64 = 86_400;

/// How many proposals of a batch are announced side by side: where a service does not answer, the waits for it do not add
/// up to more than the function's time.
const AT_ONCE: usize = 8;

/// Announces a batch of the stream, each proposal by itself. What fails is a failure of that proposal alone, or of
/// the one record that cannot be read: the others are announced.
///
/// A proposal is announced in its order. Where something fails of it, its first record in the batch is in the answer,
/// and nothing later of it is announced in this pass: announcing twice is harmless, announcing in another order is not.
///
/// Every failure is in the answer. Lambda delivers everything from the lowest on again; a proposal that was announced
/// meanwhile has its row in the view, and is announced only once. So no proposal is lost where Lambda gives a batch up
/// because of one record. A notice is told once all before it was announced; where that never is, it is not.
pub async fn handle(deps: &Deps<'_>, batch: Batch) -> Failures {
    for tampered in batch.tampered() {
        // An alarm listens for this line.
        tracing::error!(
            alarm = "tampered_record",
            trail.stream = tampered.stream,
            trail.seq = tampered.seq,
            event = tampered.event,
            "a record of the trail was changed or removed"
        );
    }
    let mut failures = Failures::none();
    let mut count = 0;
    let numbered = batch.parts().into_iter().enumerate();
    let (notices, others): (Vec<_>, Vec<_>) = numbered.partition(|(_, part)| part.is_notice());
    let others = others
        .into_iter()
        .map(async |(at, part)| (at, announce_part(deps, part).await));
    let announced: Vec<_> = futures::stream::iter(others).buffered(AT_ONCE).collect().await;
    let mut first_failed = None;
    for (at, outcome) in announced {
        match outcome {
            Ok(records) => count += records,
            Err(first) => {
                first_failed = first_failed.or(Some(at));
                failures.add(first);
            }
        }
    }
    // Everything behind what failed comes again, and a notice has no row that says that it was told: it is told when all
    // before it was.
    for (at, notice) in notices {
        if first_failed.is_some_and(|failed| failed < at) {
            failures.add(notice.first);
            continue;
        }
        match announce_part(deps, notice).await {
            Ok(records) => count += records,
            Err(first) => {
                first_failed = Some(at);
                failures.add(first);
            }
        }
    }
    tracing::info!(records = count, "announced");
    failures
}

/// Announces what one part of a batch is about. Where it fails, it is logged, and the error is the part's sequence number.
async fn announce_part<'b>(deps: &Deps<'_>, part: Part<'b>) -> Result<usize, &'b str> {
    let Part {
        first,
        stream,
        brought,
    } = part;
    let (id, announced) = match brought {
        Ok(Brought::Proposal { proposal, positions }) => {
            let announced = announce_brought(deps, &proposal, &positions).await;
            (Some(proposal), announced)
        }
        Ok(Brought::Notice { stream, seq }) => (None, tell_of(deps, &stream, seq).await),
        Err(problem) => (None, Err(problem)),
    };
    announced.map_err(|err| {
        let error = format!("{err:#}");
        tracing::error!(
            error,
            proposal.id = id.map(tracing::field::display),
            sequence_number = first,
            "will be announced again: record {first} of the table's stream, \"{stream}\": {error}"
        );
        first
    })
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

/// Announces a proposal of which a batch brought records.
async fn announce_brought(deps: &Deps<'_>, id: &ProposalId, positions: &[Seq]) -> anyhow::Result<usize> {
    let records = deps.trail.load(&StreamId::Proposal(id.clone())).await?;
    // Before anything is announced: a trail that misses one of them may miss others too.
    for seq in positions {
        if !records.iter().any(|record| record.seq == *seq) {
            anyhow::bail!("record {seq} of proposal {id} is in the stream but not in the table");
        }
    }
    announce(deps, id, &records).await
}

/// Tells people what a record says that is about no proposal. It is told again where the record is delivered again.
async fn tell_of(deps: &Deps<'_>, stream: &StreamId, seq: Seq) -> anyhow::Result<usize> {
    let records = load_held(deps.trail, stream).await?;
    let Some(record) = records.iter().find(|record| record.seq == seq) else {
        // Only who may say it is believed; what does not hold is named by the alarm of forged records.
        tracing::warn!(seq, "people are not told what does not hold");
        return Ok(0);
    };
    deps.topic.tell_of(&Notice::of(record)?).await?;
    Ok(1)
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
        tracing::info!(metric = "proposals", proposal.id = %id, kind = %announcement.kind, "announced");
    }
    let row = Row::of(&proposal);
    let is_over = told == 0 && !row.open && row.updated_at.plus_seconds(NEWS_S) < deps.clock.now();
    if is_over {
        tracing::warn!(proposal.id = %id, "announced anew, and people are not told again: it ended long ago");
    }
    for announcement in &announcements {
        if !is_over && let Some(concern) = announcement.concerns_people() {
            let until = records
                .iter()
                .filter(|record| record.seq <= announcement.seq)
                .count();
            let link = deps.links.of(id, deps.clock).await;
            let concern = concern.about(&records[..until]).with_link(link);
            deps.topic.tell(announcement, concern).await?;
        }
    }
    // Last: the row says that everything up to its record was announced.
    deps.view.put(&row).await?;
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
