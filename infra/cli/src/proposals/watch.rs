//! `sre-agent watch`: what comes to wait for a person or to be in force, as it happens; or one proposal's story.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use adapters::SystemClock;
use domain::ports::Clock as _;
use domain::telling::{Detail, Line, Listed, Listing};
use domain::value::{ProposalId, Timestamp};
use tokio::time::sleep;

use super::api::{Api, Problem, Show};
use super::id::Beginning;
use super::shown;
use crate::print::{Terminal, told};

/// The most proposals that are watched of those that wait, and of those in force.
const MOST: u8 = 100;

/// What `watch` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArguments {
    /// One proposal, until nothing more is awaited and nothing of it is in force; all of them where none is named
    #[arg(value_name = "ID")]
    proposal: Option<Beginning>,

    /// Seconds between two looks, 1 to 60
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=60))]
    every: u8,
}

/// Whether to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Look,
    /// It is over, or nobody reads any more.
    Stop,
}

/// Watches until there is nothing more to see.
pub(super) async fn run(
    api: &Api,
    arguments: &WatchArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let every = Duration::from_secs(u64::from(arguments.every));
    match &arguments.proposal {
        Some(which) => follow(api, which, every, terminal).await,
        None => board(api, every, terminal).await,
    }
}

/// Tells once that nothing can be read, and once that it can again.
#[derive(Default)]
struct Outage {
    since: Option<Timestamp>,
}

impl Outage {
    /// What was read, if anything; an error where it never will be.
    fn pass<T>(
        &mut self,
        read: Result<T, Problem>,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<Option<T>> {
        let now = SystemClock.now();
        match (read, self.since) {
            (Ok(read), None) => Ok(Some(read)),
            (Ok(read), Some(_)) => {
                self.since = None;
                terminal.line(&format!("{now}  it can be read again"))?;
                Ok(Some(read))
            }
            (Err(problem), _) if !problem.may_pass() => Err(problem.into()),
            (Err(_), Some(_)) => Ok(None),
            (Err(problem), None) => {
                self.since = Some(now);
                terminal.line(&format!(
                    "{now}  cannot be read now, and is tried again: {problem}"
                ))?;
                Ok(None)
            }
        }
    }
}

/// Follows one proposal's story.
pub(super) async fn follow(
    api: &Api,
    which: &Beginning,
    every: Duration,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let mut outage = Outage::default();
    let mut which = which.clone();
    let mut told = Followed::default();
    loop {
        if let Some(detail) = outage.pass(api.show(&which).await, terminal)? {
            // A beginning may find a newer proposal later.
            which = (&detail.listed.proposal).into();
            let (lines, next) = told.advance(detail);
            if !terminal.lines(&lines)? || next == Next::Stop {
                return Ok(true);
            }
        }
        sleep(every).await;
    }
}

/// How far a story was told.
#[derive(Default)]
struct Followed {
    last: Option<Detail>,
}

impl Followed {
    fn advance(&mut self, detail: Detail) -> (Vec<String>, Next) {
        let mut lines = match &self.last {
            None => shown::heading(&detail),
            Some(_) => Vec::new(),
        };
        let (before, waited): (&[Line], _) = match &self.last {
            Some(last) => (&last.story, last.listed.waits_for.as_ref()),
            None => (&[], None),
        };
        lines.extend(shown::story(shown::news(before, &detail.story)));
        let settled = is_settled(&detail);
        match &detail.listed.waits_for {
            Some(line) if waited != Some(line) => lines.push(shown::waits_for(line)),
            None if settled => lines.push(shown::standing(&detail)),
            Some(_) | None => {}
        }
        self.last = Some(detail);
        (lines, if settled { Next::Stop } else { Next::Look })
    }
}

/// Whether nothing more is to happen: nothing is awaited, and nothing in force may be taken back.
fn is_settled(detail: &Detail) -> bool {
    detail.listed.waits_for.is_none() && detail.card.as_ref().is_none_or(|card| card.asks.is_empty())
}

/// Tells what comes to wait or to be in force, and what ends to.
pub(super) async fn board(api: &Api, every: Duration, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let mut outage = Outage::default();
    let mut board = Board::default();
    let mut first = true;
    loop {
        if let Some((waiting, in_force)) = outage.pass(lists(api).await, terminal)? {
            let now = SystemClock.now();
            let mut lines: Vec<String> = board
                .changes(waiting, in_force)
                .iter()
                .map(|change| format!("{now}  {change}"))
                .collect();
            if std::mem::take(&mut first) && lines.is_empty() {
                lines.push(format!(
                    "{now}  nothing waits for a person, and nothing is in force"
                ));
            }
            if !terminal.lines(&lines)? {
                return Ok(true);
            }
            if told_of_ended(api, &mut board.ended, &mut outage, terminal).await? == Next::Stop {
                return Ok(true);
            }
        }
        sleep(every).await;
    }
}

async fn lists(api: &Api) -> Result<(Listing, Listing), Problem> {
    tokio::try_join!(
        api.list(Show::Waiting, None, MOST),
        api.list(Show::InForce, None, MOST)
    )
}

/// Tells where those stand that were left. What cannot be read now stays to be told.
async fn told_of_ended(
    api: &Api,
    ended: &mut BTreeSet<ProposalId>,
    outage: &mut Outage,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<Next> {
    for id in ended.clone() {
        let read = match api.show(&(&id).into()).await {
            Err(problem) if !problem.may_pass() => Ok(problem.to_string()),
            read => read.map(|detail| shown::standing(&detail)),
        };
        let Some(stands) = outage.pass(read, terminal)? else {
            break;
        };
        ended.remove(&id);
        if !terminal.lines(&[format!("{}  {id}  {stands}", SystemClock.now())])? {
            return Ok(Next::Stop);
        }
    }
    Ok(Next::Look)
}

/// What was seen to wait and to be in force.
#[derive(Default)]
struct Board {
    waiting: BTreeMap<ProposalId, Listed>,
    in_force: BTreeMap<ProposalId, Listed>,
    /// Those that waited or were in force, are not any more, and were not told of.
    ended: BTreeSet<ProposalId>,
    /// Whether it was told that there are more than are watched.
    more: bool,
}

impl Board {
    /// What changed, a line each, and takes note of it.
    fn changes(&mut self, waiting: Listing, in_force: Listing) -> Vec<String> {
        let mut lines = Vec::new();
        let more = waiting.more || in_force.more;
        if more && !self.more {
            lines.push(format!(
                "there are more than {MOST}: the newest are watched, and older ones may be told of as if they came or went"
            ));
        }
        self.more = more;
        let waiting = by_id(waiting);
        let in_force = by_id(in_force);
        for one in oldest_first(&waiting) {
            if self.waiting.get(&one.proposal) != Some(one) {
                lines.push(line(one, &shown::state(one)));
            }
        }
        for one in oldest_first(&in_force) {
            let before = self.in_force.get(&one.proposal);
            let told_above = before.is_some() && waiting.contains_key(&one.proposal);
            if before != Some(one) && !told_above {
                lines.push(line(one, "in force"));
            }
        }
        let begun = |id: &ProposalId| in_force.contains_key(id) && !self.in_force.contains_key(id);
        let decided = self
            .waiting
            .keys()
            .filter(|id| !waiting.contains_key(*id) && !begun(id));
        let over = self.in_force.keys().filter(|id| !in_force.contains_key(*id));
        self.ended.extend(decided.chain(over).cloned());
        (self.waiting, self.in_force) = (waiting, in_force);
        lines
    }
}

fn by_id(listing: Listing) -> BTreeMap<ProposalId, Listed> {
    let proposals = listing.proposals.into_iter();
    proposals.map(|one| (one.proposal.clone(), one)).collect()
}

fn oldest_first(proposals: &BTreeMap<ProposalId, Listed>) -> Vec<&Listed> {
    let mut ordered: Vec<&Listed> = proposals.values().collect();
    ordered.sort_by_key(|one| one.opened_at);
    ordered
}

fn line(one: &Listed, stands: &str) -> String {
    let waits = one.waits_for.as_ref().map(shown::waits_for);
    let rest = waits.map_or(String::new(), |waits| format!("; {waits}"));
    format!("{}  {stands}: {}{rest}", one.proposal, told(&one.about))
}

#[cfg(test)]
mod tests;
