//! `sre-agent redrive`: what is in the dead-letter queues and why, and back with it into the source queues.
//!
//! A message is sent to its source queue first and deleted afterwards. What stops in between leaves it in both
//! places: nothing is lost, and the agent takes a second delivery as a hint like the first.

mod diagnosis;
mod find;
mod sqs;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, stdin};

use adapters::SystemClock;
use anyhow::bail;
use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use domain::message::Lane;
use domain::ports::Clock;
use serde::Serialize;

use crate::end::Ended;
use crate::print::{Terminal, count, quote, quote_within};
use crate::proposals::Consent;
use crate::redrive::sqs::{Letter, Queues};
use crate::stack::Stack;

/// How long messages may wait for their turn to be put back, seconds. Afterwards somebody else may take them.
const REDRIVING_S: i32 = 300;

/// How much of a body a list shows, characters.
const BODY: usize = 160;

/// Causes that are counted one by one before messages are discarded.
const MOST_CAUSES: usize = 10;

/// What `redrive` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only lists what there is, with the reasons, and changes nothing
    #[arg(long, conflicts_with = "discard")]
    list: bool,

    /// Only the dead letters of this queue
    #[arg(long, value_name = "NAME", value_parser = lanes())]
    queue: Option<Lane>,

    /// Only the message with this id; may be given more than once. Exits with 1 where it is not there
    #[arg(long, value_name = "ID", requires = "queue")]
    message: Vec<String>,

    /// Only messages of which the reason, the first sentence that --list gives, has this text in it, such as an error code
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: Option<String>,

    /// Prints and deletes instead: failure records of outbox and housekeeping and strays, which have no queue to go
    /// back to, single messages named with --message, or those of a --reason, after it has asked
    #[arg(long, requires = "queue")]
    discard: bool,

    /// Does not ask before it discards those of a reason
    #[arg(long, requires = "discard")]
    yes: bool,

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

impl Arguments {
    /// What cannot be asked for like this, before the stack is looked for.
    pub(crate) fn offline(&self) -> Option<anyhow::Result<bool>> {
        let all = self.discard && self.message.is_empty() && self.reason.is_none();
        let lane = self.queue.filter(|lane| all && lane.has_queue())?;
        Some(Err(unnamed(lane).into()))
    }
}

fn unnamed(lane: Lane) -> Ended {
    Ended::Usage(format!(
        "{lane} holds messages, which can be put back: name those to be deleted with --message or --reason"
    ))
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
            clock: &SystemClock,
            lane,
            dead,
            source,
            limit: usize::from(arguments.limit),
            only: &arguments.message,
            reason: arguments.reason.as_deref(),
        };
        complete &= match (arguments.list, arguments.discard, &arguments.reason) {
            (true, ..) => desk.list(arguments.json, terminal).await?,
            (false, true, Some(_)) => {
                let stdin = stdin();
                let mut lines = stdin.lock();
                let consent = match (arguments.yes, stdin.is_terminal()) {
                    (true, _) => None,
                    (false, true) => Some(Consent::Asked(&mut lines)),
                    (false, false) => Some(Consent::NobodyThere),
                };
                desk.discard_those_of_a_reason(consent, terminal).await?
            }
            (false, true, None) => desk.discard(terminal).await?,
            (false, false, _) => desk.redrive(terminal).await?,
        };
    }
    Ok(complete)
}

/// One dead-letter queue and where its messages came from.
struct Desk<'a> {
    queues: &'a dyn Queues,
    clock: &'a dyn Clock,
    lane: Lane,
    /// URL of the dead-letter queue.
    dead: &'a str,
    /// URL of the source queue, where there is one.
    source: Option<&'a str>,
    limit: usize,
    /// Ids of the messages meant; all where there are none.
    only: &'a [String],
    /// What the reason of the messages meant has in it.
    reason: Option<&'a str>,
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
    async fn list(&self, json: bool, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let (found, shown) = self.look().await?;
        if !json {
            terminal.line(&self.heading(&found, "dead letter"))?;
        }
        for letter in &found.letters {
            if json {
                terminal.json(&self.listed(letter))?;
            } else {
                self.describe(letter, terminal)?;
            }
        }
        let all_there = self.say_what_is_absent(&found, terminal)?;
        if let Some(note) = self.what_is_unseen(&found, !all_there) {
            match json {
                true => terminal.fault(&format!("note: {}: {note}", self.lane))?,
                false => terminal.line(&format!("  {note}"))?,
            }
        }
        shown?;
        Ok(all_there)
    }

    /// Puts every message back that is here now, and prints which.
    async fn redrive(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let Some(source) = self.source else {
            return self.leave(terminal).await;
        };
        // All are taken out before the first goes back: one that is refused again comes here again, and must
        // not go round for ever.
        let found = self.take_out(REDRIVING_S).await?;
        let letters = &found.letters;
        terminal.line(&self.heading(&found, "dead letter"))?;
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
                    terminal.fault(&format!(
                        "{} put back, but also still here, so it may go back twice, which is harmless: {err:#}",
                        letter.id
                    ))?;
                }
            }
        }
        Ok(self.say_what_is_left(&found, terminal)? && complete)
    }

    /// Failure records stay: there is no queue to put them into.
    async fn leave(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        let (found, shown) = self.look().await?;
        shown?;
        let lane = self.lane;
        terminal.line(&self.heading(&found, "failure record"))?;
        if let Some(first) = found.letters.first() {
            for line in diagnosis::diagnose(lane, first).iter().skip(1) {
                terminal.line(&format!("  {line}"))?;
            }
            terminal.line(&format!(
                "  left here; once looked at: sre-agent redrive --queue {lane} --discard"
            ))?;
        }
        Ok(self.say_what_is_absent(&found, terminal)? && found.letters.is_empty())
    }

    /// Deletes what is meant, after printing each with all that is in it.
    async fn discard(&self, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
        if self.source.is_some() && self.only.is_empty() {
            bail!(unnamed(self.lane));
        }
        let found = self.take_out(REDRIVING_S).await?;
        let letters = &found.letters;
        terminal.line(&self.heading(&found, "dead letter"))?;
        for (done, letter) in letters.iter().enumerate() {
            terminal.json(&self.listed(letter))?;
            if let Err(err) = self.queues.delete(self.dead, &letter.receipt).await {
                self.show_again(&letters[done..]).await.ok();
                return Err(err.context(format!("{} discarded", count(done, "dead letter"))));
            }
            terminal.line("  discarded")?;
        }
        self.say_what_is_left(&found, terminal)
    }

    /// Counts those of a reason, asks whether they are to be deleted, and deletes those that were counted and no others.
    /// Where nobody is to be asked, there is no consent.
    async fn discard_those_of_a_reason(
        &self,
        consent: Option<Consent<'_>>,
        terminal: &mut Terminal<'_>,
    ) -> anyhow::Result<bool> {
        if matches!(consent, Some(Consent::NobodyThere)) {
            bail!(Ended::Usage(
                "nobody can answer here, because standard input is no terminal: look with --list, then add --yes".to_owned()
            ));
        }
        let (found, shown) = self.look().await?;
        // While somebody thinks about it, they are where they were.
        shown?;
        terminal.line(&self.heading(&found, "dead letter"))?;
        let mut causes: BTreeMap<String, usize> = BTreeMap::new();
        for letter in &found.letters {
            *causes.entry(diagnosis::cause(self.lane, letter)).or_default() += 1;
        }
        let mut causes: Vec<(usize, String)> = causes
            .into_iter()
            .map(|(cause, number)| (number, cause))
            .collect();
        causes.sort_by(|(many, one), (more, other)| more.cmp(many).then(one.cmp(other)));
        for (number, cause) in causes.iter().take(MOST_CAUSES) {
            terminal.line(&format!("  {number} {}", quote(cause)))?;
        }
        let others = causes.len().saturating_sub(MOST_CAUSES);
        if others > 0 {
            terminal.line(&format!("  and of {}", count(others, "other cause")))?;
        }
        let all_there = self.say_what_is_absent(&found, terminal)?;
        if found.letters.is_empty() {
            terminal.line("  none of them has that reason, and nothing was discarded")?;
            return Ok(all_there);
        }
        if let Some(consent) = consent {
            let number = found.letters.len();
            let question = format!("Discard {} for good? [y/N]", count(number, "dead letter"));
            if !consent.to(&question, terminal)? {
                terminal.fault("nothing was discarded")?;
                return Ok(false);
            }
        }
        let more = self.what_is_unseen(&found, !all_there);
        let meant: Vec<String> = found.letters.into_iter().map(|letter| letter.id).collect();
        let those = Desk {
            only: &meant,
            limit: meant.len(),
            reason: None,
            ..*self
        };
        let discarded = those.discard(terminal).await?;
        if let Some(note) = &more {
            terminal.fault(&format!("{}: {note}", self.lane))?;
        }
        Ok(discarded && all_there && more.is_none())
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
        let (subject, text) = diagnosis::inside(&letter.body);
        let subject = match subject.as_str() {
            "" => String::new(),
            subject => format!(", {subject}"),
        };
        let (bytes, start) = (letter.body.len(), quote_within(&text, BODY));
        terminal.line(&format!("    {bytes} bytes{subject}: {start}"))?;
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
