//! How the demo sees what happens: the sandbox's events, the trail, the callback's answers.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use domain::proposal::{Kind, ProposalFact};
use domain::telling::story;
use domain::trail::{Fact as _, Record};
use domain::value::{ProposalId, visible};
use serde::Deserialize;
use serde_json::Value;

use crate::paths::Paths;
use crate::progress::Step;
use crate::slack::Posted;
use crate::stack::Stack;
use crate::{sandbox, trail};

/// The stack, looked at from outside.
pub(super) struct Demo<'a> {
    pub(super) paths: &'a Paths,
    pub(super) stack: &'a Stack,
    pub(super) sandbox: String,
}

/// A record that was waited for, and its stream.
pub(super) struct Found {
    pub(super) record: Record,
    pub(super) stream: Vec<Record>,
}

/// An event that the sandbox made.
#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) event_id: String,
    pub(super) detail_type: String,
    pub(super) detail: Value,
    pub(super) sent_at: Option<String>,
}

impl Found {
    /// What the record that was waited for says.
    pub(super) fn fact(&self) -> Result<ProposalFact> {
        Ok(ProposalFact::read(&self.record)?)
    }

    /// The first record of a kind.
    pub(super) fn first(&self, kind: Kind) -> Option<&Record> {
        self.stream.iter().find(|record| record.kind == kind.name())
    }
}

/// Prints a record as the operators' command tells it.
pub(super) fn tell(record: &Record) {
    for line in story::in_full(record) {
        println!("{}", line.render(visible, |at| at.to_string()));
    }
}

impl Demo<'_> {
    pub(super) async fn events(&self) -> Result<Vec<Event>> {
        #[derive(Deserialize)]
        struct Events {
            events: Vec<Event>,
        }
        Ok(sandbox::get::<Events>(&self.sandbox, "events").await?.events)
    }

    /// Waits until a proposal's card in Slack is as it should be.
    pub(super) async fn card(
        &self,
        proposal: &ProposalId,
        label: &str,
        limit_s: u64,
        is: impl Fn(&Posted) -> bool,
    ) -> Result<Posted> {
        let mut step = Step::begin(label.to_owned());
        let began = Instant::now();
        loop {
            let card = Posted::card(&self.sandbox, &proposal.to_string()).await?;
            if let Some(card) = card.as_ref().filter(|card| is(card)) {
                step.done();
                return Ok(card.clone());
            }
            if began.elapsed() > Duration::from_secs(limit_s) {
                step.failed();
                let shown = card.map_or("there is no such message".to_owned(), |card| {
                    card.texts().join("\n")
                });
                bail!(
                    "not within {limit_s} s; the message is: {shown}\n  see target/stack/logs/emulator.log"
                );
            }
            step.heartbeat(|| None);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Where a card's link leads, on this machine: the name in it does not resolve here.
    pub(super) fn page(&self, card: &Posted) -> Result<String> {
        let buttons = card.buttons();
        let link = buttons.iter().find_map(|(_, _, link)| link.as_deref());
        let link = link.context("the message has no link")?;
        let (_, path) = link
            .split_once("/proposals/")
            .context("the link leads to no proposal")?;
        Ok(format!("{}/proposals/{path}", self.stack.state.callback_url()?))
    }

    /// Waits for a record of the trail.
    pub(super) async fn wait(
        &self,
        prefix: &str,
        kinds: &[Kind],
        holding: &str,
        limit_s: u32,
    ) -> Result<Found> {
        let label = match holding {
            "" => format!("waiting for {}", kinds[0]),
            event => format!("waiting for {} of event {event}", kinds[0]),
        };
        let mut step = Step::begin(label);
        let began = Instant::now();
        let limit = Duration::from_secs(limit_s.into());
        loop {
            let (records, complaint) = trail::recent(&self.stack.cli, &self.stack.state).await?;
            let found = records.iter().find(|record| {
                record.stream.to_string().starts_with(prefix)
                    && kinds.iter().any(|kind| record.kind == kind.name())
                    && record.body.contains(holding)
            });
            if let Some(record) = found {
                let of_its_stream = records.iter().filter(|other| other.stream == record.stream);
                let found = Found {
                    record: record.clone(),
                    stream: of_its_stream.cloned().collect(),
                };
                step.done_with(&found.record.kind);
                return Ok(found);
            }
            if began.elapsed() > limit {
                step.failed();
                let seen: Vec<String> = records
                    .iter()
                    .filter(|record| record.stream.to_string().starts_with(prefix))
                    .map(|record| format!("{} {} {}", record.stream, record.seq, record.kind))
                    .collect();
                bail!(
                    "no such record on the trail within {limit_s} s; it has: {}\n  {complaint}see \
                     target/stack/logs/emulator.log for what the functions logged",
                    seen.join(", ")
                );
            }
            step.heartbeat(|| Some("not yet".to_owned()));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
