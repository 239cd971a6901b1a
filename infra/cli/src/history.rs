//! What happened: whole streams of the trail, from a file that `sre-agent trail export` wrote, or from the trail itself.
//!
//! Both give one stream at a time, so that a history is never in memory as a whole.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Read as _};

use anyhow::{Context, anyhow, bail};
use domain::ports::Trail;
use domain::record::{HOUR_SHARDS, Record, verify_chain};
use domain::stream::StreamId;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::moment::Window;

/// Calls of the trail at once.
const AT_ONCE: usize = 16;

/// The longest line of a record, bytes: its body with every byte escaped, and the rest of it.
const MAX_LINE: u64 = 1 << 20;

/// One stream of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    /// Its name.
    pub(crate) stream: StreamId,
    /// Its records, from the first on.
    pub(crate) records: Vec<Record>,
}

/// Reads streams from an export, and verifies the chain of each. Lines of one stream stand together, in order; the
/// order of the streams does not matter. The first line that is wrong is named by its number, and ends it.
pub(crate) fn read<R: BufRead>(lines: R) -> Reader<R> {
    Reader {
        lines,
        number: 0,
        next: None,
        seen: HashSet::new(),
        over: false,
    }
}

/// See [`read`].
#[derive(Debug)]
pub(crate) struct Reader<R> {
    lines: R,
    /// Of the line read last, from 1.
    number: u64,
    /// Read already, and of the next stream.
    next: Option<Record>,
    seen: HashSet<StreamId>,
    over: bool,
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = anyhow::Result<History>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let history = self.history().transpose();
        self.over = !matches!(history, Some(Ok(_)));
        history
    }
}

impl<R: BufRead> Reader<R> {
    fn history(&mut self) -> anyhow::Result<Option<History>> {
        let first = match self.next.take() {
            Some(record) => record,
            None => match self.record()? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        let began = self.number;
        let stream = first.stream.clone();
        if !self.seen.insert(stream.clone()) {
            bail!("line {began}: {stream} was there before: the lines of a stream stand together");
        }
        let mut records = vec![first];
        while let Some(record) = self.record()? {
            if record.stream != stream {
                self.next = Some(record);
                break;
            }
            records.push(record);
        }
        verify_chain(&records).map_err(|broken| {
            let place = records.iter().position(|record| record.seq == broken.seq);
            anyhow!("line {}: {broken}", began + place.unwrap_or_default() as u64)
        })?;
        Ok(Some(History { stream, records }))
    }

    /// The next line's record; none after the last line.
    fn record(&mut self) -> anyhow::Result<Option<Record>> {
        let mut line = Vec::new();
        self.number += 1;
        let number = self.number;
        let mut bounded = self.lines.by_ref().take(MAX_LINE);
        let length = bounded
            .read_until(b'\n', &mut line)
            .with_context(|| format!("line {number} could not be read"))?;
        if length == 0 {
            return Ok(None);
        }
        if length as u64 == MAX_LINE {
            bail!("line {number} is longer than any record");
        }
        match serde_json::from_slice(&line) {
            Ok(record) => Ok(Some(record)),
            Err(err) => {
                let problem = err.to_string();
                let problem = problem.split(" at line ").next().unwrap_or(&problem);
                bail!(
                    "line {number} is not a record: {problem} (column {})",
                    err.column()
                )
            }
        }
    }
}

/// The streams of the trail with a record in a window, each whole, and all of `control`; in the order of their names.
/// Each is read consistently: what is appended meanwhile is not in it, or at its end.
///
/// Which streams there are is read from an index that follows the trail within a second or so. Nothing is verified.
pub(crate) async fn live<'a>(
    trail: &'a dyn Trail,
    window: Window,
) -> anyhow::Result<impl stream::Stream<Item = anyhow::Result<History>> + 'a> {
    let streams = streams(trail, window).await?;
    let histories = stream::iter(streams).map(move |(name, stream)| async move {
        let records = trail
            .load(&stream)
            .await
            .with_context(|| format!("{name} could not be read"))?;
        Ok(History { stream, records })
    });
    let belongs = move |history: &History| {
        let records = &history.records;
        let within = records.iter().any(|record| window.holds(record.at));
        std::future::ready(!records.is_empty() && (within || history.stream == StreamId::Control))
    };
    Ok(histories.buffered(AT_ONCE).try_filter(belongs))
}

/// The streams with records in the hours of a window, and `control`, by name.
async fn streams(trail: &dyn Trail, window: Window) -> anyhow::Result<BTreeMap<String, StreamId>> {
    let partitions = window
        .hours()
        .flat_map(|hour| (0..HOUR_SHARDS).map(move |shard| format!("{hour}/{shard}")));
    let found = stream::iter(partitions).map(|hour| async move { trail.streams_of(&hour).await });
    let mut found = std::pin::pin!(found.buffer_unordered(AT_ONCE));
    let mut streams = BTreeMap::from([(StreamId::Control.to_string(), StreamId::Control)]);
    while let Some(more) = found.next().await {
        let more = more.context("the index of the trail could not be read")?;
        streams.extend(more.into_iter().map(|stream| (stream.to_string(), stream)));
    }
    Ok(streams)
}

#[cfg(test)]
mod tests;
