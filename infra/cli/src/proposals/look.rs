//! `sre-agent list` and `sre-agent show`.

use adapters::SystemClock;
use domain::ports::Clock as _;
use domain::value::TeamId;

use super::api::{Api, Show};
use super::id::Beginning;
use super::shown;
use crate::print::Terminal;

/// What `list` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArguments {
    /// Those that wait for a person's decision, however old they are
    #[arg(long, conflicts_with = "in_force")]
    waiting: bool,

    /// Those whose effect is in force, however old they are
    #[arg(long)]
    in_force: bool,

    /// Only those of this team
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamId>,

    /// The most proposals, up to 100
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,

    /// Prints the list as one line of JSON
    #[arg(long)]
    json: bool,
}

/// What `show` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// The proposal: its id, or the beginning of it as `list` shows it
    #[arg(value_name = "ID")]
    proposal: Beginning,

    /// Prints everything as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Prints a list.
pub(super) async fn list(
    api: &Api,
    arguments: &ListArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let show = match (arguments.waiting, arguments.in_force) {
        (true, _) => Show::Waiting,
        (false, true) => Show::InForce,
        (false, false) => Show::Recent,
    };
    let listing = api.list(show, arguments.team.as_ref(), arguments.limit).await?;
    if arguments.json {
        terminal.json(&listing)?;
        return Ok(true);
    }
    let mut lines = shown::listing(&listing, SystemClock.now());
    if listing.proposals.is_empty() {
        lines.push(nothing(show, arguments.team.as_ref()));
    }
    if listing.more {
        lines.push(match arguments.limit {
            100 => "there are more: --team, --waiting or --in-force show fewer of them".to_owned(),
            limit => format!("there are more than {limit}: --limit shows up to 100"),
        });
    }
    terminal.lines(&lines)?;
    Ok(true)
}

fn nothing(show: Show, team: Option<&TeamId>) -> String {
    let of = team.map_or(String::new(), |team| format!(" of team {team}"));
    match show {
        Show::Recent => format!("no proposal{of} was opened in the last seven days"),
        Show::Waiting => format!("no proposal{of} waits for a person"),
        Show::InForce => format!("no proposal{of} has an effect in force"),
    }
}

/// Prints one proposal.
pub(super) async fn show(
    api: &Api,
    arguments: &ShowArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let detail = api.show(&arguments.proposal).await?;
    if arguments.json {
        terminal.json(&detail)?;
        return Ok(true);
    }
    let mut lines = shown::card(&detail);
    let id = &detail.listed.proposal;
    let asks = detail.card.as_ref().map(|card| shown::asks(id, card));
    if let Some(asks) = asks.filter(|asks| !asks.is_empty()) {
        lines.extend([String::new(), "What you may ask for".to_owned()]);
        lines.extend(asks.iter().map(|line| format!("  {line}")));
    }
    lines.extend([String::new(), "Story".to_owned()]);
    lines.extend(shown::story(&detail.story));
    terminal.lines(&lines)?;
    Ok(true)
}
