//! The replies in a card's thread: what came of it, and what was reported again.

use ::slack::CHANNEL;
use ::slack::api::{Fault as SlackFault, Posted};
use domain::message::Hint;
use domain::proposal::ProposalFact;
use domain::telling::is_told_in_the_thread;
use domain::trail::{Fact as _, Record, Seq};

use crate::{Deps, Seen};

/// How long a record's own message is trusted to arrive before any other tells of the record, seconds.
const PATIENCE_S: u64 = 60;

/// Tells what the thread does not tell yet. A record is told by the message that is about it, and by others only when
/// that is overdue: so two of them at once do not tell it twice. Returns whether nothing is left to be told.
pub(crate) async fn tell(
    deps: &Deps<'_>,
    hint: &Hint,
    posted: &Posted,
    seen: &Seen,
) -> Result<bool, SlackFault> {
    let now = deps.clock.now();
    let shown = last_shown(&seen.records, posted);
    let owed = seen
        .records
        .iter()
        .filter(|record| record.seq > shown && is_told(record));
    let (due, later): (Vec<&Record>, Vec<&Record>) =
        owed.partition(|record| hint.seq == Some(record.seq) || now >= record.at.plus_seconds(PATIENCE_S));
    if !due.is_empty() {
        let id = seen.proposal.id();
        let told = deps.slack.replied(posted, id).await?;
        for record in due.into_iter().filter(|record| !told.contains(&record.seq)) {
            let reply = ::slack::message::reply(id, record);
            deps.slack.post(&posted.channel, Some(&posted.ts), &reply).await?;
        }
    }
    Ok(later.is_empty())
}

fn is_told(record: &Record) -> bool {
    ProposalFact::read(record).is_ok_and(|fact| is_told_in_the_thread(fact.what()))
}

/// The last record that the message is known to have taken account of, its thread included.
fn last_shown(records: &[Record], posted: &Posted) -> Seq {
    let reference = posted.to_string();
    let shown = records
        .iter()
        .filter_map(|record| match ProposalFact::read(record) {
            Ok(ProposalFact::Notified(notified))
                if notified.channel == CHANNEL && notified.reference.as_ref() == Some(&reference) =>
            {
                notified.shows
            }
            Ok(_) | Err(_) => None,
        });
    shown.max().unwrap_or_default()
}
