//! The reasoners that can be evaluated. One more is a variant here, and what it is built from.

use clap::ValueEnum;
use domain::policy::Limits;
use domain::ports::Reasoner;
use ingest_and_propose::runbook::Runbook;

/// Length of the runbook's break, seconds: the default of `RunbookBreakSeconds`.
const BREAK_S: u64 = 300;

/// Which reasoner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The built-in runbook
    Runbook,
}

impl Choice {
    /// The name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Choice::Runbook => "runbook",
        }
    }

    /// The reasoner.
    pub fn build(self, limits: &Limits) -> anyhow::Result<Box<dyn Reasoner>> {
        match self {
            Choice::Runbook => Ok(Box::new(Runbook {
                break_s: BREAK_S,
                limits: limits.clone(),
            })),
        }
    }
}
