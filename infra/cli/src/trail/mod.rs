//! `sre-agent trail`: the story of one proposal, after its records were verified; and the export of many.

mod check;
mod export;
mod progress;
mod rows;
mod switches;

use adapters::{DynamoView, SystemClock};
use anyhow::{Context, bail};
use clap::Subcommand;
use domain::ports::{Clock as _, Trail};
use domain::trail::{Record, Seq, StreamId, Verifier};
use domain::value::ProposalId;

use ::trail::load_control;
use ::trail::verify::verify;
use domain::telling::{count, story};

use crate::end::Ended;
use crate::print::Terminal;
use crate::proposals::{NamedStream, find};
use crate::stack::Stack;

/// What `trail` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The proposal: its id, or the beginning of it as `list` shows it; or control, for who paused, published and
    /// switched what, or guard, for what the agent says against itself
    #[arg(value_name = "ID", required = true)]
    stream: Option<NamedStream>,

    /// Prints the records themselves, as JSON Lines. What is wrong with them goes to standard error
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints whole streams as JSON Lines, one record a line with all its attributes: those with a record in a span of
    /// time, and all of control. With --format csv or jsonl, one row a proposal opened in that time, or one a record.
    /// Exits with 1 where a chain is broken, after everything was printed
    Export(export::ExportArguments),
    /// Verifies such lines without the stack: each digest, each chain, each proposal's life. Says how much there was, and
    /// what a file alone cannot tell. Exits with 1 at the first line that does not hold, where there is no record, and
    /// where a proposal is missing that must be there
    Check(check::CheckArguments),
}

impl Arguments {
    /// What needs no stack: whether it went well, if that was asked for; and what cannot be asked for like this.
    pub(crate) fn offline(&self, terminal: &mut Terminal<'_>) -> Option<anyhow::Result<bool>> {
        match (&self.command, &self.stream) {
            (Some(Command::Check(arguments)), _) => Some(check::check(arguments, terminal)),
            (Some(Command::Export(arguments)), _) => arguments.offline(),
            (None, Some(NamedStream::Whole(stream))) => has_story(stream).err().map(|err| Err(err.into())),
            (None, Some(NamedStream::Proposal(_)) | None) => None,
        }
    }
}

/// That a stream is told by itself.
fn has_story(stream: &StreamId) -> Result<(), Ended> {
    match stream {
        StreamId::Proposal(_) | StreamId::Control | StreamId::Guard => Ok(()),
        StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } => Err(Ended::Usage(format!(
            "{stream} has no story of its own: trail export has its records"
        ))),
    }
}

/// Whether the proposal's records hold, or whether the export went well.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match (&arguments.command, &arguments.stream) {
        (Some(Command::Export(arguments)), _) => export::export(stack, arguments, terminal).await,
        (Some(Command::Check(arguments)), _) => check::check(arguments, terminal),
        (None, Some(named)) => story_of(stack, named, arguments.json, terminal).await,
        (None, None) => bail!(Ended::Usage("which proposal?".to_owned())),
    }
}

async fn story_of(
    stack: &Stack,
    named: &NamedStream,
    json: bool,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let trail = stack.trail()?;
    let view = DynamoView::new(&stack.aws, stack.output("ProposalsTableName")?);
    let stream = find::stream(&trail, &view, named.clone(), SystemClock.now()).await?;
    let id = match &stream {
        StreamId::Proposal(id) => id,
        StreamId::Control | StreamId::Guard => {
            return switches::tell(&trail, &stream, json, terminal).await;
        }
        StreamId::Incident(_) | StreamId::Target(_) | StreamId::Limit { .. } => {
            return has_story(&stream).map(|()| true).map_err(Into::into);
        }
    };
    let records = trail.load(&stream).await.context("not verified")?;
    if records.is_empty() {
        bail!("there is no proposal {id}: its stream has no records");
    }
    let aside = load_control(&trail)
        .await
        .context("not verified")?
        .set_aside_of(&stream);
    let by = By {
        keys: trail.keys(),
        aside: &aside,
    };
    if json {
        return tell_json(&records, by, terminal);
    }
    tell(id, &records, by, terminal)
}

/// By what records are verified.
#[derive(Clone, Copy)]
struct By<'a> {
    /// The public keys.
    keys: &'a dyn Verifier,
    /// What operators set aside.
    aside: &'a [Seq],
}

/// Every record as it is, whether it holds or not.
fn tell_json(records: &[Record], by: By<'_>, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    for record in records {
        terminal.json(record)?;
    }
    let verdict = verify(records, by.keys, by.aside);
    match (verdict.fault, verdict.unknown) {
        (Some(fault), _) => bail!("not verified: {fault}"),
        (None, Some(because)) => bail!("not verified: {because}"),
        (None, None) => Ok(true),
    }
}

/// The records that hold, as a story; and the first that does not.
fn tell(
    id: &ProposalId,
    records: &[Record],
    by: By<'_>,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let verdict = verify(records, by.keys, by.aside);
    let aside = verdict
        .proposal
        .as_ref()
        .map_or(&[][..], |proposal| &proposal.standing().set_aside);
    terminal.line(&format!("proposal {id}"))?;
    for record in &records[..verdict.good] {
        terminal.line("")?;
        if aside.contains(&record.seq) {
            terminal.line(&format!(
                "{} does not hold, and an operator set it aside: it counts for nothing",
                record.seq
            ))?;
            continue;
        }
        for line in story::in_full(record) {
            terminal.told(&line)?;
        }
    }
    terminal.line("")?;
    match (verdict.fault, verdict.unknown, verdict.proposal) {
        (None, None, Some(proposal)) => {
            let (records, state) = (count(verdict.good, "record"), proposal.state().name());
            let signed = match proposal.standing().unsigned {
                true => ", from before decisions were signed: nothing starts from it",
                false => "",
            };
            terminal.line(&format!("verified: {records}, state {state}{signed}"))?;
            Ok(true)
        }
        (None, Some(because), _) => {
            terminal.fault(&format!(
                "NOT VERIFIED: digests and order hold, signatures could not be checked: {because}"
            ))?;
            Ok(false)
        }
        (fault, _, _) => {
            let fault = fault.unwrap_or_else(|| "there are no records".to_owned());
            terminal.fault(&format!("NOT VERIFIED: {fault}"))?;
            Ok(false)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
