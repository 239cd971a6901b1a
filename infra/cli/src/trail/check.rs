//! `sre-agent trail check`: whether what `trail export` wrote holds, how much of it there is, and what nobody can tell from
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use adapters::{KeyFile, Keyring};
use anyhow::{Context, anyhow, bail};
use domain::proposal::Proposal;
use domain::trail::{Fact as _, IncidentFact, NoKeys, Record, StreamId, Verifier};
use domain::value::{ProposalId, Timestamp};

use trail::history::{self, StreamHistory};

use crate::end;
use crate::print::{Terminal, count};

/// Missing proposals that are named.
const MOST_NAMED: usize = 10;

/// What `trail check` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// What `trail export` wrote; - is standard input
    file: PathBuf,

    /// What `keys export` wrote: signatures are checked, too
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

/// Verifies an export: every chain, every proposal's life and, where the keys are given, every signature.
pub(crate) fn check(arguments: &CheckArguments, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let keys: Box<dyn Verifier> = match &arguments.keys {
        Some(file) => Box::new(keys(file)?),
        None => Box::new(NoKeys),
    };
    let file = &arguments.file;
    let lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file).map_err(|err| end::of_file(file, err.into()))?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    verified(lines, keys.as_ref(), terminal).map_err(|err| end::of_file(file, err))
}

fn keys(file: &Path) -> anyhow::Result<Keyring> {
    let text = std::fs::read(file).map_err(|err| end::of_file(file, err.into()))?;
    let named = || format!("{} is not what sre-agent keys export prints", file.display());
    let read: KeyFile = serde_json::from_slice(&text).with_context(named)?;
    // It was looked at: that something in it is no key is what is wrong with it.
    read.keyring()
        .map_err(|err| anyhow!("{}: {}", named(), err.problem))
}

/// Whether all that was read holds, and nothing is seen to be missing.
pub(super) fn verified(
    lines: impl BufRead,
    keys: &dyn Verifier,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let mut seen = Seen::default();
    let mut histories = history::read(lines, keys);
    while let Some(history) = histories.next() {
        let history = history?;
        let aside = histories.aside_of(&history.stream);
        seen.take(&history, keys, &aside)?;
    }
    let checked = match (seen.signed, histories.unknown()) {
        (0, _) => "none of them is signed".to_owned(),
        (signed, None) => format!("{} checked", count(signed, "signature")),
        (signed, Some(_)) => format!(
            "{} not checked: --keys takes what sre-agent keys export prints",
            count(signed, "signature")
        ),
    };
    seen.tell(&checked, terminal)
}

/// Streams of one sort.
#[derive(Default)]
struct Sort {
    streams: usize,
    records: usize,
}

/// All that was read and holds.
#[derive(Default)]
struct Seen {
    sorts: BTreeMap<String, Sort>,
    /// Proposals by the state they are in.
    states: BTreeMap<&'static str, usize>,
    /// When the first and the last record were written.
    span: Option<(Timestamp, Timestamp)>,
    signed: usize,
    passed_over: Vec<String>,
    proposals: BTreeSet<ProposalId>,
    /// The proposals that incidents' streams name, and when each was opened.
    named: Vec<(Timestamp, ProposalId)>,
    bounds: Bounds,
}

/// What whole streams say of the time that was exported: each of them has a record in it, `control` and `guard` aside.
#[derive(Default)]
struct Bounds {
    /// It begins no later: the earliest last record of a stream.
    since: Option<Timestamp>,
    /// It ends after this: the latest first record of a stream.
    until: Option<Timestamp>,
    /// For how long the proposals are kept that are kept for the shortest time, seconds.
    kept_s: Option<i64>,
}

impl Seen {
    fn take(&mut self, history: &StreamHistory, keys: &dyn Verifier, aside: &[u64]) -> anyhow::Result<()> {
        let StreamHistory {
            stream,
            records,
            passed_over,
        } = history;
        let over = |record: &Record| passed_over.iter().any(|fault| fault.seq == record.seq);
        self.passed_over
            .extend(passed_over.iter().map(ToString::to_string));
        match stream {
            StreamId::Proposal(id) => {
                let proposal = Proposal::read(records, keys, aside)?;
                let standing = proposal.standing();
                if let Some(fault) = &standing.fault {
                    bail!("{fault}");
                }
                let illegal = standing
                    .set_aside
                    .iter()
                    .filter(|seq| !passed_over.iter().any(|fault| fault.seq == **seq));
                self.passed_over.extend(
                    illegal.map(|seq| format!("record {seq} of {stream} is illegal where it stands")),
                );
                *self.states.entry(proposal.state().name()).or_default() += 1;
                self.proposals.insert(id.clone());
            }
            StreamId::Incident(_) => {
                for record in records.iter().filter(|record| !over(record)) {
                    let IncidentFact::Opened { proposal, .. } = IncidentFact::read(record)?;
                    self.named.push((record.at, proposal));
                }
            }
            StreamId::Target(_) | StreamId::Limit { .. } | StreamId::Control | StreamId::Guard => {}
        }
        let name = stream.to_string();
        let sort = self
            .sorts
            .entry(name.split('/').next().unwrap_or_default().to_owned())
            .or_default();
        sort.streams += 1;
        sort.records += records.len();
        for record in records {
            let (first, last) = self.span.unwrap_or((record.at, record.at));
            self.span = Some((first.min(record.at), last.max(record.at)));
            self.signed += usize::from(record.signature.is_some());
        }
        if let (Some(first), Some(last)) = (records.first(), records.last()) {
            self.bounds.take(stream, first, last);
        }
        Ok(())
    }

    fn tell(&self, checked: &str, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let Some((first, last)) = self.span else {
            terminal.fault("NOT VERIFIED: there is no record in it")?;
            return Ok(false);
        };
        let sums = self.sorts.values().fold((0, 0), |(streams, records), sort| {
            (streams + sort.streams, records + sort.records)
        });
        terminal.line(&format!(
            "these records hold: {} of {}, from {first} to {last}",
            count(sums.1, "record"),
            count(sums.0, "stream")
        ))?;
        for (name, Sort { streams, records }) in &self.sorts {
            let records = count(*records, "record");
            let states: Vec<String> = self
                .states
                .iter()
                .map(|(state, number)| format!("{number} {state}"))
                .collect();
            let states = match name.as_str() {
                "proposal" => format!(": {}", states.join(", ")),
                _ => String::new(),
            };
            terminal.line(&format!(
                "  {name:<10}{records} of {}{states}",
                count(*streams, "stream")
            ))?;
        }
        for fault in &self.passed_over {
            terminal.line(&format!("  counts for nothing, set aside or overruled: {fault}"))?;
        }
        terminal.line(&format!(
            "checked: each digest, each record's place behind the one before it, each proposal's life; {checked}"
        ))?;
        let complete = self.tell_missing(terminal)?;
        terminal.line(
            "no file tells whether the ends of streams are missing, or streams that no other names, nor whether records that \
             nobody signed were written anew with other digests: hold it against another copy, or the trail itself",
        )?;
        Ok(complete)
    }

    /// Tells which of the proposals that incidents name are not there. Whether none is missing that must be.
    fn tell_missing(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let Some((_, now)) = self.span.filter(|_| !self.named.is_empty()) else {
            return Ok(true);
        };
        let absent = self.named.iter().filter(|(_, id)| !self.proposals.contains(id));
        let (mut missing, mut outside): (Vec<_>, Vec<_>) =
            absent.partition(|(opened, _)| self.bounds.must_have(*opened, now));
        let named = count(self.named.len(), "proposal");
        let here = self.named.len() - missing.len() - outside.len();
        terminal.line(&format!("incident streams name {named}: {here} of them here"))?;
        if !outside.is_empty() {
            outside.sort();
            terminal.line(&format!(
                "  not here, and opened outside of the time that this file surely covers, or expired: {}",
                listed(&outside)
            ))?;
        }
        if missing.is_empty() {
            return Ok(true);
        }
        missing.sort();
        terminal.fault(&format!(
            "NOT COMPLETE: opened within the time of this file, and not here: {}. The file was cut, or the trail was: export \
             it again and compare. Only where the event was discarded as a dead letter, before the agent had recorded it, is \
             there nothing else",
            listed(&missing)
        ))?;
        Ok(false)
    }
}

/// The newest of them by name.
fn listed(proposals: &[&(Timestamp, ProposalId)]) -> String {
    let newest = proposals.iter().rev().take(MOST_NAMED);
    let mut named: Vec<String> = newest
        .map(|(opened, id)| format!("{id} (opened {opened})"))
        .collect();
    let more = proposals.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

impl Bounds {
    fn take(&mut self, stream: &StreamId, first: &Record, last: &Record) {
        if matches!(stream, StreamId::Control | StreamId::Guard) {
            return;
        }
        self.since = Some(self.since.map_or(last.at, |since| since.min(last.at)));
        self.until = self.until.max(Some(first.at));
        if let (StreamId::Proposal(_), Some(expires_at)) = (stream, first.expires_at) {
            let kept_s = i64::try_from(expires_at).unwrap_or(i64::MAX) - first.at.as_seconds();
            self.kept_s = Some(self.kept_s.map_or(kept_s, |before| before.min(kept_s)));
        }
    }

    /// Whether a proposal that was opened then must be in the file: it was opened within the time that was exported, and
    /// had not expired when the last record was written.
    fn must_have(&self, opened: Timestamp, now: Timestamp) -> bool {
        let within =
            self.since.is_some_and(|since| since <= opened) && self.until.is_some_and(|until| opened < until);
        let kept = self
            .kept_s
            .is_none_or(|kept_s| now.as_seconds() - opened.as_seconds() < kept_s);
        within && kept
    }
}

#[cfg(test)]
mod tests;
