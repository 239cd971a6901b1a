//! The walk through the trail's hours: which streams have records in a span of time.
//!
//! The index that is read follows the trail within a second or so.

use std::collections::{BTreeMap, BTreeSet};

use domain::ports::{Trail, TrailError};
use domain::trail::{HOUR_SHARDS, Seq, StreamId};
use domain::value::{ProposalId, Timestamp};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt as _};

/// Partitions of the index that are read at once, 16 hours of them: a walk through a month takes seconds.
const AT_ONCE: usize = 16 * HOUR_SHARDS as usize;

/// A span of time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub since: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

impl Window {
    /// From an instant until now, and now included.
    pub fn until_now(since: Timestamp, now: Timestamp) -> Self {
        Self {
            since,
            until: now.plus_millis(1),
        }
    }

    /// The hours that end with the present one, and so many before it.
    pub fn hours_back(hours: u64, now: Timestamp) -> Self {
        Self::until_now(now.minus_seconds(hours.saturating_mul(3600)), now)
    }

    /// Whether an instant lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.since <= at && at < self.until
    }

    /// The UTC hours that it touches, in order, as `2026-11-22T10`.
    pub fn hours(&self) -> impl Iterator<Item = String> + use<> {
        const HOUR_MS: i64 = 3_600_000;
        let last = self.until.as_millis() - 1;
        let hours = self.since.as_millis().div_euclid(HOUR_MS)..=last.div_euclid(HOUR_MS);
        hours.map(|hour| Timestamp::from_millis(hour * HOUR_MS).hour())
    }

    /// The partitions of the index that belong to it.
    fn partitions(&self) -> Vec<String> {
        self.hours()
            .flat_map(|hour| (0..HOUR_SHARDS).map(move |shard| format!("{hour}/{shard}")))
            .collect()
    }
}

/// The streams with a record in one of the hours that a window touches.
pub async fn streams(trail: &dyn Trail, window: Window) -> Result<BTreeSet<StreamId>, TrailError> {
    streams_telling(trail, window, &mut |_, _| {}).await
}

/// The same. `told` hears after each part of the index how many hours were read, and of how many.
pub async fn streams_telling(
    trail: &dyn Trail,
    window: Window,
    told: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<BTreeSet<StreamId>, TrailError> {
    match read_index(trail, window, told).await {
        (streams, None) => Ok(streams.into_keys().collect()),
        (_, Some(err)) => Err(err),
    }
}

/// The same, each with its last record in these hours, as far as the index answers: a part of it that does not hides no other.
/// The error is of the last such part.
pub async fn streams_found(
    trail: &dyn Trail,
    window: Window,
) -> (BTreeMap<StreamId, Seq>, Option<TrailError>) {
    read_index(trail, window, &mut |_, _| {}).await
}

async fn read_index(
    trail: &dyn Trail,
    window: Window,
    told: &mut (dyn FnMut(usize, usize) + Send),
) -> (BTreeMap<StreamId, Seq>, Option<TrailError>) {
    let (mut streams, mut missed) = (BTreeMap::<StreamId, Seq>::new(), None);
    let partitions = window.partitions();
    let shards = usize::from(HOUR_SHARDS);
    let (hours, mut done) = (partitions.len() / shards, 0);
    let reads = partitions
        .into_iter()
        .map(|partition| async move { trail.streams_of(&partition).await });
    // None waits for the slowest of its neighbours.
    let mut reads = std::pin::pin!(stream::iter(reads).buffer_unordered(AT_ONCE));
    while let Some(read) = reads.next().await {
        match read {
            Ok(found) => {
                for (stream, seq) in found {
                    let last = streams.entry(stream).or_insert(seq);
                    *last = seq.max(*last);
                }
            }
            Err(err) => missed = Some(err),
        }
        done += 1;
        told(done / shards, hours);
    }
    (streams, missed)
}

/// The proposals among them.
pub async fn proposals(trail: &dyn Trail, window: Window) -> Result<BTreeSet<ProposalId>, TrailError> {
    let streams = streams(trail, window).await?;
    Ok(streams.into_iter().filter_map(proposal).collect())
}

/// The proposals that were opened within a span of time, both ends included, and when: the newest first, at most `most`. Of a
/// busy hour, no more of the index is read than they take.
pub async fn opened(
    trail: &dyn Trail,
    since: Timestamp,
    until: Timestamp,
    most: usize,
) -> Result<Vec<(ProposalId, Timestamp)>, TrailError> {
    let window = Window::until_now(since, until);
    let mut opened = Vec::new();
    for partitions in window.partitions().chunks(AT_ONCE) {
        let reads = partitions
            .iter()
            .map(|partition| trail.opened_in(partition, since, most));
        opened.extend(try_join_all(reads).await?.into_iter().flatten());
    }
    let opened = opened.into_iter().filter(|(_, at)| window.holds(*at));
    let mut opened: Vec<_> = opened
        .filter_map(|(stream, at)| Some((proposal(stream)?, at)))
        .collect();
    opened.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
    opened.truncate(most);
    Ok(opened)
}

fn proposal(stream: StreamId) -> Option<ProposalId> {
    match stream {
        StreamId::Proposal(id) => Some(id),
        StreamId::Incident(_)
        | StreamId::Target(_)
        | StreamId::Limit { .. }
        | StreamId::Control
        | StreamId::Guard => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_touches_each_of_its_hours_once() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = |since: &str, until: &str| Window {
            since: at(since),
            until: at(until),
        };
        let hours = |window: Window| window.hours().collect::<Vec<_>>().join(" ");
        let short = window("2026-11-22T22:59:59.999Z", "2026-11-23T00:00:00.001Z");
        assert_eq!(hours(short), "2026-11-22T22 2026-11-22T23 2026-11-23T00");
        let hour = window("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z");
        assert_eq!(hours(hour), "2026-11-22T10");
        assert!(hour.holds(hour.since) && !hour.holds(hour.until));
        let now = at("2026-11-22T10:00:00Z");
        assert_eq!(
            hours(Window::hours_back(2, now)),
            "2026-11-22T08 2026-11-22T09 2026-11-22T10"
        );
        assert!(Window::hours_back(0, now).holds(now));
    }
}
