//! `sre-agent trail`: the story of one proposal, after its records were verified; and the export of many.

mod export;
mod story;

use anyhow::{Context, bail};
use clap::Subcommand;
use domain::ids::ProposalId;
use domain::ports::Trail;
use domain::proposal::Proposal;
use domain::record::{Record, verify_chain};
use domain::stream::StreamId;

use crate::print::{Terminal, count};
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
        for line in story::lines(record) {
            terminal.line(&line)?;
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

/// What verifying a stream found.
struct Verdict {
    /// Records that hold, from the first.
    good: usize,
    /// What these make.
    proposal: Option<Proposal>,
    /// The first record that does not hold, and why.
    fault: Option<String>,
}

/// Recomputes every digest and replays the state machine over what is intact.
fn verify(records: &[Record]) -> Verdict {
    let (intact, broken) = match verify_chain(records) {
        Ok(()) => (records.len(), None),
        Err(broken) => {
            let holds = |end: &usize| verify_chain(&records[..*end]).is_ok();
            let intact = (0..records.len()).rev().find(holds).unwrap_or(0);
            (intact, Some(broken.to_string()))
        }
    };
    match Proposal::replay(&records[..intact]) {
        Ok(proposal) => Verdict {
            good: intact,
            proposal: Some(proposal),
            fault: broken,
        },
        Err(illegal) => {
            let position = records[..intact]
                .iter()
                .position(|record| record.seq == illegal.seq);
            Verdict {
                good: position.unwrap_or(0),
                proposal: None,
                // Nothing is intact: the broken record is the first.
                fault: broken
                    .filter(|_| intact == 0)
                    .or_else(|| Some(illegal.to_string())),
            }
        }
    }
}

/// The state and what is wrong, for who looks at a proposal without telling its story.
pub(crate) fn verified(records: &[Record]) -> Result<Proposal, String> {
    let verdict = verify(records);
    match (verdict.proposal, verdict.fault) {
        (Some(proposal), None) => Ok(proposal),
        (_, fault) => Err(fault.unwrap_or_else(|| "it has no records".to_owned())),
    }
}

#[cfg(test)]
pub(crate) mod tests;
