//! What happened: whole streams of the trail, from a file that `sre-agent trail export` wrote, or from the trail itself.
//!
//! Both give one stream at a time, so that a history is never in memory as a whole.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, Read as _};

use domain::ports::{Trail, TrailError};
use domain::trail::{BrokenChain, Record, Seq, StreamId, Verifier};
use domain::value::Digest;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::verify::Judge;
use crate::walk::{self, Window};

/// Streams that are read at once, and no more of them are in memory.
const AT_ONCE: usize = 32;

/// The longest line of a record, bytes: its body with every byte escaped, and the rest of it.
const MAX_LINE: u64 = 1 << 20;

/// One stream of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHistory {
    /// Its name.
    pub stream: StreamId,
    /// Its records, from the first on.
    pub records: Vec<Record>,
    /// Those of them that do not hold and count for nothing: see [`Judge::passed_over`]. Not asked of the trail itself.
    pub passed_over: Vec<BrokenChain>,
}

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A line of an export is wrong.
    #[error("line {line}{problem}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it, in words that follow the number.
        problem: String,
    },
    /// An export could not be read on.
    #[error("line {line} could not be read")]
    Io {
        /// The number of the line, from 1.
        line: u64,
        /// What went wrong while reading.
        source: io::Error,
    },
    /// A part of the trail could not be read.
    #[error("{what} could not be read")]
    Trail {
        /// Which part: the index, or a stream by its name.
        what: String,
        /// The trail's own error.
        source: Box<TrailError>,
    },
}

impl Unreadable {
    fn line(line: u64, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Unreadable::Line { line, problem }
    }
}

/// Reads streams from an export, and verifies the chain and the signatures of each. Lines of one stream stand together, in
/// order; of the streams `control` comes first, where records are set aside. The first line that is wrong is named by its
/// number, and ends it.
pub fn read<'a, R: BufRead>(lines: R, keys: &'a dyn Verifier) -> Reader<'a, R> {
    Reader {
        judge: Judge::new(keys),
        lines,
        number: 0,
        next: None,
        seen: HashSet::new(),
        over: false,
    }
}

/// See [`read`].
pub struct Reader<'a, R> {
    judge: Judge<'a>,
    lines: R,
    /// Of the line read last, from 1.
    number: u64,
    /// Read already, and of the next stream.
    next: Option<Record>,
    /// Of the streams whose lines are over, half of each name's digest: a million of them are 36 MB.
    seen: HashSet<[u8; 16]>,
    over: bool,
}

impl<R: BufRead> Iterator for Reader<'_, R> {
    type Item = Result<StreamHistory, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let history = self.history().transpose();
        self.over = !matches!(history, Some(Ok(_)));
        history
    }
}

impl<R: BufRead> Reader<'_, R> {
    /// The positions of a stream that an operator set aside, as far as `control` was read.
    pub fn aside_of(&self, stream: &StreamId) -> Vec<Seq> {
        self.judge.aside_of(stream)
    }

    /// Why of some signature so far it is not known whether it is good.
    pub fn unknown(&self) -> Option<&str> {
        self.judge.unknown()
    }

    fn history(&mut self) -> Result<Option<StreamHistory>, Unreadable> {
        let first = match self.next.take() {
            Some(record) => record,
            None => match self.record()? {
                Some(record) => record,
                None => return Ok(None),
            },
        };
        let began = self.number;
        let stream = first.stream.clone();
        if !self.seen.insert(short(&stream)) {
            let problem = format!(": {stream} was there before: the lines of a stream stand together");
            return Err(Unreadable::line(began, problem));
        }
        let mut records = vec![first];
        while let Some(record) = self.record()? {
            if record.stream != stream {
                self.next = Some(record);
                break;
            }
            records.push(record);
        }
        let passed_over = self.judge.passed_over(&records).map_err(|broken| {
            let place = records.iter().position(|record| record.seq == broken.seq);
            Unreadable::line(began + place.unwrap_or_default() as u64, format!(": {broken}"))
        })?;
        Ok(Some(StreamHistory {
            stream,
            records,
            passed_over,
        }))
    }

    /// The next line's record; none after the last line.
    fn record(&mut self) -> Result<Option<Record>, Unreadable> {
        let mut line = Vec::new();
        self.number += 1;
        let number = self.number;
        let mut bounded = self.lines.by_ref().take(MAX_LINE);
        let length = bounded
            .read_until(b'\n', &mut line)
            .map_err(|source| Unreadable::Io { line: number, source })?;
        if length == 0 {
            return Ok(None);
        }
        if length as u64 == MAX_LINE {
            return Err(Unreadable::line(number, " is longer than any record"));
        }
        let unlike = |err: serde_json::Error| {
            let problem = err.to_string();
            let problem = problem.split(" at line ").next().unwrap_or(&problem);
            let problem = format!(" is not a record: {problem} (column {})", err.column());
            Unreadable::line(number, problem)
        };
        let record: Record = serde_json::from_slice(&line).map_err(unlike)?;
        match unknown_field(&line, &record).map_err(unlike)? {
            Some(field) => Err(Unreadable::line(
                number,
                format!(" has the field {field}, which no record has: nothing vouches for it"),
            )),
            None => Ok(Some(record)),
        }
    }
}

/// What tells a stream's name from others' in little memory.
fn short(stream: &StreamId) -> [u8; 16] {
    let digest = Digest::of(stream.to_string().as_bytes());
    let (half, _) = digest.as_bytes().split_at(16);
    half.try_into().unwrap_or_default()
}

/// The first field of a line that is none of the record's: it is not under the digest.
fn unknown_field(line: &[u8], record: &Record) -> serde_json::Result<Option<String>> {
    // As `trail export` writes it: but for what a terminal must not see, byte for byte.
    if serde_json::to_vec(record)? == line.trim_ascii_end() {
        return Ok(None);
    }
    Ok(beyond(
        &serde_json::from_slice(line)?,
        &serde_json::to_value(record)?,
    ))
}

/// The path of the first field that `given` has and `known` has not.
fn beyond(given: &Value, known: &Value) -> Option<String> {
    let (given, known) = (given.as_object()?, known.as_object()?);
    given.iter().find_map(|(name, value)| match known.get(name) {
        None => Some(Value::from(name.as_str()).to_string()),
        Some(known) => {
            let within = beyond(value, known)?;
            Some(format!("{} in {}", within, Value::from(name.as_str())))
        }
    })
}

/// The streams of the trail with a record in a window, each whole, and all of `control` and `guard`; in the order of their names.
/// Each is read consistently: what is appended meanwhile is not in it, or at its end.
///
/// Which streams there are is read from an index that follows the trail within a second or so. Nothing is verified.
pub async fn live<'a>(
    trail: &'a dyn Trail,
    window: Window,
) -> Result<impl stream::Stream<Item = Result<StreamHistory, Unreadable>> + use<'a>, Unreadable> {
    live_telling(trail, window, &mut |_, _| {})
        .await
        .map(|(_, histories)| histories)
}

/// The same, and how many streams will be read. `told` hears how many hours of the index were read, and of how many.
pub async fn live_telling<'a>(
    trail: &'a dyn Trail,
    window: Window,
    told: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<
    (
        usize,
        impl stream::Stream<Item = Result<StreamHistory, Unreadable>> + use<'a>,
    ),
    Unreadable,
> {
    let found = walk::streams_telling(trail, window, told).await;
    let found = found.map_err(|source| Unreadable::Trail {
        what: "the index of the trail".to_owned(),
        source: Box::new(source),
    })?;
    let named = found.into_iter().chain([StreamId::Control, StreamId::Guard]);
    let streams: BTreeMap<String, StreamId> = named.map(|stream| (stream.to_string(), stream)).collect();
    let number = streams.len();
    let histories = stream::iter(streams).map(move |(what, stream)| async move {
        match trail.load(&stream).await {
            Ok(records) => Ok(StreamHistory {
                stream,
                records,
                passed_over: Vec::new(),
            }),
            Err(err) => Err(Unreadable::Trail {
                what,
                source: Box::new(err),
            }),
        }
    });
    let belongs = move |history: &StreamHistory| {
        let records = &history.records;
        let within = records.iter().any(|record| window.holds(record.at));
        let always = matches!(history.stream, StreamId::Control | StreamId::Guard);
        std::future::ready(!records.is_empty() && (within || always))
    };
    Ok((number, histories.buffered(AT_ONCE).try_filter(belongs)))
}

#[cfg(test)]
mod tests;
