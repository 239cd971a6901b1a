//! Where what happened is read from, one stream at a time: a file that `trail export` wrote, or the trail.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use adapters::SystemClock;
use anyhow::{Context, anyhow, bail};
use domain::ports::{Clock, Trail};
use domain::proposal::IllegalTransition;
use domain::trail::{Control, ControlFact, Fact, NoKeys, Record, StreamId, Switches};
use domain::value::{Digest, Timestamp};
use futures::StreamExt as _;

use trail::history::{self, StreamHistory};
use trail::verify::Judge;
use trail::walk::Window;

use crate::end;
use crate::moment::{self, Moment};
use crate::stack::Stack;

/// Streams that are handed over at once.
const BATCH: usize = 32;

/// Which history is looked at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Source {
    /// From when on, of the trail: a time ago, such as 30d, 12h or 90m, a day, such as 2026-11-22, or an RFC 3339 instant
    #[arg(long, value_name = "WHEN", conflicts_with = "from")]
    pub(crate) since: Option<Moment>,

    /// What `trail export` wrote, all of it, instead of the trail; - is standard input. Needs no stack
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

/// What `control` said when.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switched {
    /// Since when automatic execution is off, with the reason, or not; in the order of the records.
    automatic_off: Vec<(Timestamp, Option<String>)>,
    /// The policy that was published last.
    pub(crate) policy: Option<Digest>,
}

impl Switched {
    /// Reads `control`; the position of a record that is none of it, and what is wrong.
    pub(crate) fn read(records: &[Record]) -> Result<Self, (u64, String)> {
        let mut switched = Self::default();
        for record in records {
            let fact = ControlFact::read(record).map_err(|bad| (record.seq, bad.to_string()))?;
            let switches = fact.switches();
            switched
                .automatic_off
                .push((record.at, switches.automatic_off.clone()));
            switched.policy = switches.policy;
        }
        Ok(switched)
    }

    /// `control` at an instant, as far as scoring looks at it.
    pub(crate) fn at(&self, instant: Timestamp) -> Control {
        let last = self.automatic_off.iter().rev().find(|(at, _)| *at <= instant);
        Control::of(
            0,
            Switches {
                automatic_off: last.and_then(|(_, reason)| reason.clone()),
                ..Switches::default()
            },
        )
    }
}

/// What one stretch of work makes of proposals; several are done at once, and added up.
pub(crate) trait Gather: Send + Sized {
    /// Takes the records of one proposal.
    fn take(&mut self, records: &[Record], switched: &Switched) -> Result<(), IllegalTransition>;

    /// With what another one gathered.
    fn plus(self, other: Self) -> Self;
}

/// Everything that was gathered, and how `control` stands at its end.
pub(crate) struct Gathered<T> {
    /// What was gathered.
    pub(crate) all: T,
    /// `control`.
    pub(crate) switched: Switched,
    /// Proposals of which an operator set a record aside: what happened to them is not what they say.
    pub(crate) left_out: Vec<StreamId>,
}

impl<T> Gathered<T> {
    /// Says what was left out, beside what is printed.
    fn tell_omission(&self) {
        let named: Vec<String> = self.left_out.iter().map(ToString::to_string).collect();
        if !named.is_empty() {
            eprintln!(
                "note: left out, since a record of theirs was set aside: {}",
                named.join(", ")
            );
        }
    }
}

impl Source {
    /// Whether no stack is needed.
    pub(crate) fn is_offline(&self) -> bool {
        self.from.is_some()
    }

    /// As it was written, for a command line to repeat.
    pub(crate) fn written(&self, default: &str, quoted: impl Fn(&Path) -> String) -> String {
        match (&self.from, self.since) {
            (Some(file), _) => format!("--from {}", quoted(file)),
            (None, Some(Moment::At(instant))) => format!("--since {instant}"),
            (None, Some(Moment::Ago(seconds))) => format!("--since {}m", seconds / 60),
            (None, None) => format!("--since {default}"),
        }
    }

    /// Gathers from the file.
    pub(crate) fn read<T: Gather>(&self, empty: impl Fn() -> T + Sync) -> anyhow::Result<Gathered<T>> {
        let file = self.from.as_deref().context("--from is missing")?;
        let lines: Box<dyn BufRead> = if file == Path::new("-") {
            Box::new(io::stdin().lock())
        } else {
            let opened = File::open(file).map_err(|err| end::of_file(file, err.into()))?;
            Box::new(BufReader::with_capacity(1 << 16, opened))
        };
        let gathered = gather(lines, empty).map_err(|err| end::of_file(file, err))?;
        gathered.tell_omission();
        Ok(gathered)
    }

    /// Which time of the trail is meant.
    pub(crate) fn window(&self, default: Moment) -> anyhow::Result<Window> {
        moment::window(self.since.unwrap_or(default), None, SystemClock.now())
    }

    /// Gathers from the trail: `empty` is told which window is meant.
    pub(crate) async fn load<T: Gather>(
        &self,
        stack: &Stack,
        default: Moment,
        empty: impl FnOnce(Window) -> T,
    ) -> anyhow::Result<Gathered<T>> {
        let window = self.window(default)?;
        let gathered = gather_live(&stack.trail()?, window, empty(window)).await?;
        gathered.tell_omission();
        Ok(gathered)
    }
}

async fn gather_live<T: Gather>(
    trail: &dyn Trail,
    window: Window,
    mut all: T,
) -> anyhow::Result<Gathered<T>> {
    let (mut switched, mut left_out) = (Switched::default(), Vec::new());
    let mut judge = Judge::new(trail.keys());
    // `control` comes first: by name it stands before `proposal/…`.
    let mut histories = std::pin::pin!(history::live(trail, window).await?);
    while let Some(history) = histories.next().await {
        let StreamHistory {
            stream, mut records, ..
        } = history?;
        let passed_over = judge.passed_over(&records)?;
        match &stream {
            StreamId::Control => {
                records.retain(|record| passed_over.iter().all(|fault| fault.seq != record.seq));
                switched = Switched::read(&records).map_err(|(_, bad)| anyhow!(bad))?;
            }
            StreamId::Proposal(_) if !judge.aside_of(&stream).is_empty() => left_out.push(stream),
            StreamId::Proposal(_) => all
                .take(&records, &switched)
                .with_context(|| stream.to_string())?,
            StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } | StreamId::Guard => {}
        }
    }
    Ok(Gathered {
        all,
        switched,
        left_out,
    })
}

/// Proposals' records, each with its first line.
type Batch = (Arc<Switched>, Vec<(u64, Vec<Record>)>);

/// What is wrong with a line.
type Fault = (u64, String);

/// Gathers from the lines of an export: one thread reads and verifies them, the others replay.
pub(crate) fn gather<T: Gather>(
    lines: impl BufRead,
    empty: impl Fn() -> T + Sync,
) -> anyhow::Result<Gathered<T>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = mpsc::sync_channel::<Batch>(2 * workers);
    let (receiver, failed) = (Mutex::new(receiver), AtomicBool::new(false));
    let work = || -> Result<T, Fault> {
        let (mut all, mut fault) = (empty(), None);
        loop {
            let batch = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((switched, proposals)) = batch else {
                return fault.map_or(Ok(all), Err);
            };
            for (line, records) in proposals {
                // What is left is taken all the same, so that the reader never waits for nobody.
                if fault.is_none()
                    && let Err(illegal) = all.take(&records, &switched)
                {
                    fault = Some((line + illegal.seq.saturating_sub(1), illegal.to_string()));
                    failed.store(true, Ordering::Relaxed);
                }
            }
        }
    };
    let (read, worked) = std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let read = feed(lines, &sender, &failed);
        drop(sender);
        let worked = working.into_iter().map(|one| match one.join() {
            Ok(worked) => worked,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        (read, worked.collect::<Vec<_>>())
    });
    let mut all: Option<T> = None;
    let mut first: Option<Fault> = None;
    for worked in worked {
        match worked {
            Ok(more) => {
                all = Some(match all.take() {
                    Some(before) => before.plus(more),
                    None => more,
                });
            }
            Err(fault) => first = Some(first.map_or(fault.clone(), |before| before.min(fault))),
        }
    }
    // What was handed over stands before the line at which reading ended.
    if let Some((line, problem)) = first {
        bail!("line {line}: {problem}");
    }
    let (switched, left_out) = read?;
    Ok(Gathered {
        switched,
        left_out,
        all: all.unwrap_or_else(empty),
    })
}

fn feed(
    lines: impl BufRead,
    sender: &mpsc::SyncSender<Batch>,
    failed: &AtomicBool,
) -> anyhow::Result<(Switched, Vec<StreamId>)> {
    let (mut switched, mut left_out) = (Arc::new(Switched::default()), Vec::new());
    let (mut line, mut any, mut batch) = (1, false, Vec::with_capacity(BATCH));
    let hand_over = |switched: &Arc<Switched>, batch: &mut Vec<_>| {
        let full = std::mem::replace(batch, Vec::with_capacity(BATCH));
        // Nobody takes it only where a worker panicked, which is told when it is joined.
        let _ = sender.send((Arc::clone(switched), full));
    };
    let mut histories = history::read(lines, &NoKeys);
    while let Some(history) = histories.next() {
        // The good ones before a bad line are looked at all the same: the first line that is wrong is named.
        let StreamHistory {
            stream,
            mut records,
            passed_over,
        } = history.inspect_err(|_| hand_over(&switched, &mut batch))?;
        let began = line;
        line += records.len() as u64;
        match stream {
            StreamId::Control if any => {
                bail!(
                    "line {began}: control stands after proposals, and must come before: as `trail export` writes it"
                )
            }
            StreamId::Control => {
                records.retain(|record| passed_over.iter().all(|fault| fault.seq != record.seq));
                let read = Switched::read(&records);
                let read = read.map_err(|(seq, bad)| anyhow!("line {}: {bad}", began + seq - 1))?;
                switched = Arc::new(read);
            }
            StreamId::Proposal(_) if !histories.aside_of(&stream).is_empty() => {
                any = true;
                left_out.push(stream);
            }
            StreamId::Proposal(_) => {
                any = true;
                batch.push((began, records));
            }
            StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } | StreamId::Guard => {}
        }
        if batch.len() == BATCH {
            hand_over(&switched, &mut batch);
        }
        if failed.load(Ordering::Relaxed) {
            break;
        }
    }
    hand_over(&switched, &mut batch);
    // Nothing is known then of what happened, which is not that nothing happened.
    if line == 1 {
        bail!("there is no record in it");
    }
    Ok((Arc::unwrap_or_clone(switched), left_out))
}

#[cfg(test)]
pub(crate) async fn from_trail<T: Gather>(
    trail: &dyn Trail,
    window: Window,
    all: T,
) -> anyhow::Result<Gathered<T>> {
    gather_live(trail, window, all).await
}
