//! `sre-agent trail`: the story of one proposal, after its records were verified; and the export of many.

mod export;

use anyhow::{Context, bail};
use clap::Subcommand;
use domain::ports::Trail;
use domain::trail::{Record, StreamId};
use domain::value::ProposalId;

use ::trail::verify::verify;
use domain::telling::{count, story};

use crate::print::Terminal;
use crate::stack::Stack;

/// What `trail` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// The proposal: 26 characters of a-z and 2-7, a dash, and the generation
    #[arg(required = true)]
    proposal: Option<ProposalId>,

    /// Prints the records themselves, as JSON Lines. What is wrong with them goes to standard error
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints whole streams as JSON Lines, one record a line with all its attributes: those with a record in a span of
    /// time, and all of control. Exits with 1 where a chain is broken, after everything was printed
    Export(export::ExportArguments),
    /// Verifies such lines without the stack: each digest, each chain, each proposal's life. Exits with 1 at the first
    /// line that does not hold
    Check(export::CheckArguments),
}

impl Arguments {
    /// What needs no stack: whether it went well, if that was asked for.
    pub(crate) fn offline(&self, terminal: &mut Terminal<'_>) -> Option<anyhow::Result<bool>> {
        match &self.command {
            Some(Command::Check(arguments)) => Some(export::check(arguments, terminal)),
            Some(Command::Export(_)) | None => None,
        }
    }
}

/// Whether the proposal's records hold, or whether the export went well.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match (&arguments.command, &arguments.proposal) {
        (Some(Command::Export(arguments)), _) => export::export(stack, arguments, terminal).await,
        (Some(Command::Check(arguments)), _) => export::check(arguments, terminal),
        (None, Some(id)) => story_of(stack, id, arguments.json, terminal).await,
        (None, None) => bail!("which proposal?"),
    }
}

async fn story_of(
    stack: &Stack,
    id: &ProposalId,
    json: bool,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let records = stack.trail()?.load(&StreamId::Proposal(id.clone())).await;
    let records = records.context("not verified")?;
    if records.is_empty() {
        bail!("there is no proposal {id}: its stream has no records");
    }
    if json {
        return tell_json(&records, terminal);
    }
    tell(id, &records, terminal)
}

/// Every record as it is, whether it holds or not.
fn tell_json(records: &[Record], terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    for record in records {
        terminal.json(record)?;
    }
    match verify(records).fault {
        Some(fault) => bail!("not verified: {fault}"),
        None => Ok(true),
    }
}

/// The records that hold, as a story; and the first that does not.
fn tell(id: &ProposalId, records: &[Record], terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let verdict = verify(records);
    terminal.line(&format!("proposal {id}"))?;
    for record in &records[..verdict.good] {
        terminal.line("")?;
        for line in story::in_full(record) {
            terminal.told(&line)?;
        }
    }
    terminal.line("")?;
    match (verdict.fault, verdict.proposal) {
        (None, Some(proposal)) => {
            let (records, state) = (count(verdict.good, "record"), proposal.state().name());
            terminal.line(&format!("verified: {records}, state {state}"))?;
            Ok(true)
        }
        (fault, _) => {
            let fault = fault.unwrap_or_else(|| "there are no records".to_owned());
            terminal.line(&format!("NOT VERIFIED: {fault}"))?;
            Ok(false)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
