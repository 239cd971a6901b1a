//! `sre-agent redrive`: what is in the dead-letter queues and why, and back with it into the source queues.
//!
//! A message is sent to its source queue first and deleted afterwards. What stops in between leaves it in both
//! places: nothing is lost, and the agent takes a second delivery as a hint like the first.

mod diagnosis;
mod sqs;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use crate::print::{Terminal, count, quote_within};
use crate::redrive::sqs::{Letter, Queues};
use crate::stack::Stack;
use domain::message::Lane;

/// How long listed messages stay invisible where this command dies before it shows them again, seconds.
const LISTING_S: i32 = 60;

/// How long messages may wait for their turn to be put back, seconds. Afterwards somebody else may take them.
const REDRIVING_S: i32 = 300;

/// How much of a body a list shows, characters.
const BODY: usize = 160;

/// What `redrive` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only lists what there is, with the reasons, and changes nothing
    #[arg(long, conflicts_with = "discard")]
    list: bool,

    /// Only the dead letters of this queue
    #[arg(long, value_name = "NAME", value_parser = lanes())]
    queue: Option<Lane>,

    /// Only the message with this id; may be given more than once
    #[arg(long, value_name = "ID", requires = "queue")]
    message: Vec<String>,

    /// Prints and deletes instead: failure records of outbox and housekeeping and strays, which have no queue to go
    /// back to, or single messages named with --message
    #[arg(long, requires = "queue")]
    discard: bool,

    /// The most messages of one queue
    #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=5000))]
    limit: u16,

    /// Lists as JSON Lines, with whole bodies
    #[arg(long, requires = "list")]
    json: bool,
}

/// The queues by name, each with what it is for.
fn lanes() -> impl TypedValueParser<Value = Lane> {
    let names = Lane::ALL.map(|lane| PossibleValue::new(lane.name()).help(lane.about()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Lane>())
}

/// Whether everything asked for was done.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let sqs = aws_sdk_sqs::Client::new(&stack.aws);
    let lanes = arguments.queue.map_or(Lane::ALL.to_vec(), |lane| vec![lane]);
    let mut complete = true;
    for lane in lanes {
        let dead = stack.output(&lane.dead_letters_output())?;
        let source = lane.queue_output();
        let source = source.as_deref().map(|name| stack.output(name)).transpose()?;
        let desk = Desk {
            queues: &sqs,
            lane,
            dead,
            source,
            limit: usize::from(arguments.limit),
            only: &arguments.message,
        };
        match (arguments.list, arguments.discard) {
            (true, _) => desk.list(arguments.json, terminal).await?,
            (false, true) => complete &= desk.discard(terminal).await?,
            (false, false) => complete &= desk.redrive(terminal).await?,
        }
    }
    Ok(complete)
}

/// One dead-letter queue and where its messages came from.
struct Desk<'a> {
    queues: &'a dyn Queues,
    lane: Lane,
    /// URL of the dead-letter queue.
    dead: &'a str,
    /// URL of the source queue, where there is one.
    source: Option<&'a str>,
    limit: usize,
    /// Ids of the messages meant; all where there are none.
    only: &'a [String],
}

/// A dead letter in a list.
#[derive(Serialize)]
struct Listed<'a> {
    queue: Lane,
    message_id: &'a str,
    received_at: Option<String>,
    reason: Option<&'a str>,
    function: Option<&'a str>,
    failed_at: Option<&'a str>,
    why: Vec<String>,
    body: &'a str,
}

impl Desk<'_> {
    /// Prints what there is and leaves it where it is.
    async fn list(&self, json: bool, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
        let letters = self.take_out(LISTING_S).await?;
        // First of all: nobody must wait for a list to be printed.
        let shown = self.show_again(&letters).await;
        if !json {
            terminal.line(&format!("{}: {}", self.lane, count(letters.len(), "dead letter")))?;
        }
        for letter in &letters {
            if json {
                terminal.json(&self.listed(letter))?;
            } else {
                self.describe(letter, terminal)?;
            }
        }
        if !json {
            self.say_what_is_left(&letters, terminal)?;
        }
        shown
    }

    /// Puts every message back that is here now, and prints which.
    async fn redrive(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let Some(source) = self.source else {
            return self.leave(terminal).await;
        };
        // All are taken out before the first goes back: one that is refused again comes here again, and must
        // not go round for ever.
        let letters = self.take_out(REDRIVING_S).await?;
        terminal.line(&format!("{}: {}", self.lane, count(letters.len(), "dead letter")))?;
        let mut complete = true;
        for (done, letter) in letters.iter().enumerate() {
            let attributes = without_explanation(letter);
            if let Err(err) = self.queues.send(source, &letter.body, &attributes).await {
                self.show_again(&letters[done..]).await.ok();
                let left = count(letters.len() - done, "message");
                return Err(err.context(format!(
                    "{done} put back into {}, {left} left where they were",
                    self.lane
                )));
            }
            match self.queues.delete(self.dead, &letter.receipt).await {
                Ok(()) => terminal.line(&format!("  {} put back", letter.id))?,
                Err(err) => {
                    complete = false;
                    terminal.line(&format!(
                        "  {} put back, but also still here, so it may go back twice, which is harmless: {err:#}",
                        letter.id
                    ))?;
                }
            }
        }
        self.say_what_is_left(&letters, terminal)?;
        Ok(complete)
    }

    /// Failure records stay: there is no queue to put them into.
    async fn leave(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let letters = self.take_out(LISTING_S).await?;
        self.show_again(&letters).await?;
        let lane = self.lane;
        terminal.line(&format!("{lane}: {}", count(letters.len(), "failure record")))?;
        if !letters.is_empty() {
            for line in diagnosis::diagnose(lane, &letters[0]).iter().skip(1) {
                terminal.line(&format!("  {line}"))?;
            }
            terminal.line(&format!(
                "  left here; once looked at: sre-agent redrive --queue {lane} --discard"
            ))?;
        }
        Ok(true)
    }

    /// Deletes what is meant, after printing each with all that is in it.
    async fn discard(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        if self.source.is_some() && self.only.is_empty() {
            bail!(
                "{} holds messages, which can be put back: name those to be deleted with --message",
                self.lane
            );
        }
        let letters = self.take_out(REDRIVING_S).await?;
        terminal.line(&format!("{}: {}", self.lane, count(letters.len(), "dead letter")))?;
        for (done, letter) in letters.iter().enumerate() {
            terminal.json(&self.listed(letter))?;
            if let Err(err) = self.queues.delete(self.dead, &letter.receipt).await {
                self.show_again(&letters[done..]).await.ok();
                return Err(err.context(format!("{} discarded", count(done, "dead letter"))));
            }
            terminal.line("  discarded")?;
        }
        self.say_what_is_left(&letters, terminal)?;
        Ok(true)
    }

    /// Takes every message out that is here now, up to the limit.
    async fn take_out(&self, invisible_s: i32) -> anyhow::Result<Vec<Letter>> {
        let mut letters: BTreeMap<String, Letter> = BTreeMap::new();
        let mut order = Vec::new();
        while order.len() < self.limit {
            let received = match self.queues.receive(self.dead, invisible_s).await {
                Ok(received) => received,
                Err(err) => {
                    let letters: Vec<Letter> = letters.into_values().collect();
                    self.show_again(&letters).await.ok();
                    return Err(err);
                }
            };
            if received.is_empty() {
                break;
            }
            for letter in received {
                // SQS may deliver one twice: the later receipt counts.
                if !letters.contains_key(&letter.id) {
                    order.push(letter.id.clone());
                }
                letters.insert(letter.id.clone(), letter);
            }
        }
        let taken = order.iter().filter_map(|id| letters.remove(id));
        let meant = |letter: &Letter| self.only.is_empty() || self.only.contains(&letter.id);
        let (mut meant, others): (Vec<Letter>, Vec<Letter>) = taken.partition(meant);
        self.show_again(&others).await?;
        meant.sort_by_key(|letter| letter.sent_at);
        Ok(meant)
    }

    /// Shows messages again that were taken out. All are tried, whatever becomes of the others.
    async fn show_again(&self, letters: &[Letter]) -> anyhow::Result<()> {
        let mut problem = None;
        for letter in letters {
            if let Err(err) = self.queues.show_again(self.dead, &letter.receipt).await {
                problem = Some(err);
            }
        }
        problem.map_or(Ok(()), |err| {
            Err(err).context("nothing is lost: they come back by themselves within five minutes")
        })
    }

    fn listed<'a>(&self, letter: &'a Letter) -> Listed<'a> {
        Listed {
            queue: self.lane,
            message_id: &letter.id,
            received_at: letter.sent_at.map(|at| at.to_string()),
            reason: letter.attribute("reason"),
            function: letter.attribute("function"),
            failed_at: letter.attribute("failed_at"),
            why: diagnosis::diagnose(self.lane, letter),
            body: &letter.body,
        }
    }

    fn describe(&self, letter: &Letter, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
        let at = letter
            .sent_at
            .map_or("at an unknown time".to_owned(), |at| at.to_string());
        terminal.line(&format!("  {}, received {at}", letter.id))?;
        for line in diagnosis::diagnose(self.lane, letter) {
            terminal.line(&format!("    {line}"))?;
        }
        let (bytes, start) = (letter.body.len(), quote_within(&letter.body, BODY));
        terminal.line(&format!("    {bytes} bytes: {start}"))?;
        Ok(())
    }

    fn say_what_is_left(&self, letters: &[Letter], terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
        if letters.len() >= self.limit {
            terminal.line(&format!(
                "  there may be more: run it again, or with more than --limit {}",
                self.limit
            ))?;
        }
        Ok(())
    }
}

/// A message's attributes without those that say why it is here.
fn without_explanation(letter: &Letter) -> BTreeMap<String, aws_sdk_sqs::types::MessageAttributeValue> {
    let mut attributes = letter.attributes.clone();
    attributes.retain(|name, _| !diagnosis::EXPLAINING.contains(&name.as_str()));
    attributes
}

#[cfg(test)]
mod tests;
