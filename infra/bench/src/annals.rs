//! Proposals as the agent itself makes them, told again under other names and at other times: as many as are wanted.

use ::tests::World;
use anyhow::{Context as _, Result};
use domain::trail::{Entry, Record, StreamId};
use domain::value::{Digest, ProposalId, Timestamp};
use notification::routes::Routes;
use testkit::sample;

/// How a proposal went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The gateway does not bear it out.
    Declined,
    /// People are asked, and have a card.
    Open,
    /// Somebody said no.
    Rejected,
    /// Nobody answered in time.
    Expired,
    /// Approved, executed, taken back at its end, and verified.
    Restored,
}

impl Kind {
    const ALL: [Kind; 5] = [
        Kind::Declined,
        Kind::Open,
        Kind::Rejected,
        Kind::Expired,
        Kind::Restored,
    ];
}

/// One proposal of each kind.
pub(crate) struct Annals(Vec<(Kind, Vec<Record>)>);

impl Annals {
    /// Lets the agent live through one of each.
    pub(crate) async fn live() -> Result<Self> {
        let mut lives = Vec::new();
        for kind in Kind::ALL {
            lives.push((kind, life(kind).await?));
        }
        Ok(Self(lives))
    }

    /// The records of one of these.
    pub(crate) fn of(&self, kind: Kind) -> Result<&[Record]> {
        let found = self.0.iter().find(|(known, _)| *known == kind);
        let (_, records) = found.context("a kind that nobody lived through")?;
        Ok(records)
    }

    /// One that is over, as a deployment's are: half of them were declined, and each other way was gone as often.
    pub(crate) fn over(&self, number: u64) -> Result<&[Record]> {
        self.of(match number % 6 {
            0 => Kind::Rejected,
            1 => Kind::Expired,
            2 => Kind::Restored,
            _ => Kind::Declined,
        })
    }
}

async fn life(kind: Kind) -> Result<Vec<Record>> {
    let inventory = match kind {
        Kind::Declined => sample::inventory(),
        Kind::Open | Kind::Rejected | Kind::Expired | Kind::Restored => {
            sample::inventory_with_unhealthy("openai")
        }
    };
    let mut world = World::new(inventory);
    world.routes = Some(Routes::read("C0SRE", "").map_err(|err| anyhow::anyhow!("{err}"))?);
    let id = world.send(&sample::provider_unhealthy_text("openai"));
    world.run_until_quiet().await;
    match kind {
        Kind::Declined | Kind::Open => {}
        Kind::Rejected => _ = world.reject("alice", &id).await,
        Kind::Restored => _ = world.approve("alice", &id).await,
        Kind::Expired => world.settle().await,
    }
    match kind {
        Kind::Open => {}
        Kind::Declined | Kind::Rejected | Kind::Expired | Kind::Restored => world.settle().await,
    }
    let state = world.state(&id).await;
    let expected = match kind {
        Kind::Declined => "declined",
        Kind::Open => "awaiting_approval",
        Kind::Rejected => "rejected",
        Kind::Expired => "expired",
        Kind::Restored => "restored",
    };
    anyhow::ensure!(state == expected, "what was to be {expected} is {state}");
    Ok(world.trail.seen(&StreamId::Proposal(id)).await)
}

/// The provider that all of them are about, and what takes its place in the one of this number.
const PROVIDER: &str = "openai";

fn provider(number: u64) -> String {
    format!("{PROVIDER}-{number:07}")
}

/// The id of the proposal of this number.
pub(crate) fn id(number: u64) -> ProposalId {
    sample::proposal_of(&sample::provider_unhealthy(&provider(number)))
}

/// Tells a proposal's records once more: under another name, later, each with what it says of those before it.
pub(crate) struct Retelling {
    id: ProposalId,
    later_ms: u64,
    /// What is said otherwise: names and digests.
    instead: Vec<(String, String)>,
    prev: Option<Digest>,
}

impl Retelling {
    /// Of records, about a provider of this number, and so much later.
    pub(crate) fn new(records: &[Record], number: u64, later_ms: u64) -> Self {
        let id = id(number);
        let was = records.first().and_then(|first| match &first.stream {
            StreamId::Proposal(was) => Some((was.to_string(), id.to_string())),
            StreamId::Incident(_)
            | StreamId::Target(_)
            | StreamId::Limit { .. }
            | StreamId::Control
            | StreamId::Guard => None,
        });
        let about = (PROVIDER.to_owned(), provider(number));
        Self {
            instead: was.into_iter().chain([about]).collect(),
            id,
            later_ms,
            prev: None,
        }
    }

    /// What is to be written for the next record.
    pub(crate) fn entry(&self, record: &Record) -> Result<Entry> {
        let mut body = later(&record.body, self.later_ms);
        for (was, is) in &self.instead {
            if body.contains(was.as_str()) {
                body = body.replace(was.as_str(), is);
            }
        }
        Ok(Entry {
            stream: StreamId::Proposal(self.id.clone()),
            seq: record.seq,
            prev: self.prev,
            at: record.at.plus_millis(self.later_ms),
            actor: record.actor.clone(),
            kind: record.kind.clone(),
            body,
            expires_at: record.expires_at.map(|at| at + self.later_ms.div_ceil(1_000)),
            author: record.author.context("a record without an author")?,
        })
    }

    /// The record is this one now.
    pub(crate) fn told(&mut self, was: &Record, is: Digest) {
        self.instead.push((was.digest.to_string(), is.to_string()));
        self.prev = Some(is);
    }
}

/// The records of a proposal under another name, and later. What was signed has the signature that it had, which nobody checks
/// who has no keys.
pub(crate) fn retold(records: &[Record], number: u64, later_ms: u64) -> Result<Vec<Record>> {
    let mut retelling = Retelling::new(records, number, later_ms);
    let mut all = Vec::with_capacity(records.len());
    for record in records {
        let mut again = retelling.entry(record)?.seal(record.writer.clone());
        again.signature = record.signature.clone();
        retelling.told(record, again.digest);
        all.push(again);
    }
    Ok(all)
}

/// How long an instant is as text: `2026-11-22T10:00:00.000Z`.
const INSTANT: usize = 24;

/// A text in which every instant is so much later.
fn later(text: &str, by_ms: u64) -> String {
    let (mut all, mut copied) = (String::with_capacity(text.len()), 0);
    let between = |from: usize, to: usize| text.get(from..to);
    for (at, _) in text.match_indices('T') {
        let found = at.checked_sub(10).filter(|begin| *begin >= copied);
        let found = found.and_then(|begin| Some((begin, between(begin, begin + INSTANT)?.parse().ok()?)));
        let Some::<(usize, Timestamp)>((begin, instant)) = found else {
            continue;
        };
        all.push_str(between(copied, begin).unwrap_or_default());
        all.push_str(&instant.plus_millis(by_ms).to_string());
        copied = begin + INSTANT;
    }
    all.push_str(between(copied, text.len()).unwrap_or_default());
    all
}

#[cfg(test)]
mod tests {
    use domain::proposal::Proposal;
    use domain::trail::verify_chain;

    use super::*;

    #[test]
    fn every_instant_of_a_text_is_later() {
        let text =
            r#"{"a":"2026-11-22T10:00:00.000Z","T":"Te 2026-11-22T","b":["2026-11-22T23:59:59.500Z","é"]}"#;
        let expected =
            r#"{"a":"2026-11-22T10:00:01.500Z","T":"Te 2026-11-22T","b":["2026-11-23T00:00:01.000Z","é"]}"#;
        assert_eq!(later(text, 1_500), expected);
        assert_eq!(later("T", 1), "T");
        assert_eq!(later("", 1), "");
    }

    #[tokio::test]
    async fn what_is_told_again_is_a_proposal_of_its_own() {
        let annals = Annals::live().await.unwrap();
        for (kind, records) in &annals.0 {
            let again = retold(records, 7, 3_600_000).unwrap();
            assert_eq!(verify_chain(&again), Ok(()), "{kind:?}");
            let (was, is) = (
                Proposal::replay(records).unwrap(),
                Proposal::replay(&again).unwrap(),
            );
            assert_eq!(is.state().name(), was.state().name(), "{kind:?}");
            assert_eq!(is.opened_at(), was.opened_at().plus_seconds(3_600));
            let text = serde_json::to_string(&again).unwrap();
            assert!(!text.contains(&was.id().to_string()), "{kind:?}");
        }
    }
}
