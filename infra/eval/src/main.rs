//! `cargo xtask eval`: runs the labelled set through a reasoner and prints how well it did.

use anyhow::{Result, ensure};
use clap::Parser;
use domain::value::Deployment;
use eval::judge::{Terms, judge};
use eval::reasoners::Choice;
use eval::report::{line, scores, table};
use eval::set::{Split, load};
use serde_json::json;

/// Runs the labelled incidents of infra/eval through a reasoner and through the checks of production.
#[derive(Parser)]
#[command(bin_name = "cargo xtask eval --", version)]
struct Arguments {
    /// Who answers
    #[arg(long, value_enum, default_value_t = Choice::Runbook)]
    reasoner: Choice,

    /// Only this half of the set
    #[arg(long, value_enum)]
    split: Option<Split>,

    /// Only this incident; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,

    /// Prints every answer as well. Held-out incidents are shown only where --split or --only asks for them:
    /// whoever works on a prompt must not see them
    #[arg(long)]
    verbose: bool,

    /// Prints JSON
    #[arg(long)]
    json: bool,

    /// How long the reasoner may take for one incident, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 45)]
    limit: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let incidents: Vec<_> = load()?
        .into_iter()
        .filter(|one| arguments.split.is_none_or(|split| one.split == split))
        .filter(|one| arguments.only.is_empty() || arguments.only.contains(&one.id))
        .collect();
    ensure!(!incidents.is_empty(), "no incident is meant");

    let limits = Deployment::default().limits;
    let reasoner = arguments.reasoner.build(&limits)?;
    let terms = Terms {
        clock: &adapters::SystemClock,
        limit_s: arguments.limit,
        limits: &limits,
    };
    let mut judged = Vec::new();
    for incident in &incidents {
        judged.push((incident, judge(terms, &*reasoner, incident).await));
    }

    let named = arguments.split == Some(Split::HeldOut) || !arguments.only.is_empty();
    let lines: Vec<String> = judged
        .iter()
        .filter(|(incident, _)| arguments.verbose && (named || incident.split == Split::Dev))
        .map(|(incident, verdict)| line(incident, verdict))
        .collect();
    let scores = scores(&judged);
    if arguments.json {
        let report = json!({"reasoner": arguments.reasoner.name(), "scores": scores, "incidents": lines});
        println!("{report}");
    } else {
        for line in lines {
            println!("{line}");
        }
        println!("{}\n{}", arguments.reasoner.name(), table(&scores));
    }
    Ok(())
}
