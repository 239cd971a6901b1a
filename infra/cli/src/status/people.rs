//! Whether people are asked in Slack, and which proposals they are not told of there.

use domain::proposal::{NextStep, Proposal};
use domain::telling::Row;
use domain::trail::Control;
use domain::value::Timestamp;
use serde::Serialize;

use crate::print::{count, duration, quote};
use crate::stack::Stack;

/// Slack, as `notified` records name it.
const SLACK: &str = "slack";

/// `housekeeping` has a proposal told that was not told for a minute: after so long it should have been.
const TOLD_WITHIN_MS: u64 = 120_000;

/// The most proposals that are reasons of their own.
const MOST_REASONS: usize = 5;

/// Where people are asked.
#[derive(Debug, Serialize)]
pub(crate) struct PeoplePart {
    /// The Slack channel in which people are asked where no route leads elsewhere; absent where Slack is not set up.
    pub(crate) channel: Option<String>,
    /// How many routes lead elsewhere.
    pub(crate) routes: usize,
}

/// A proposal that people are not told of in Slack.
#[derive(Debug, Serialize)]
pub(crate) struct Untold {
    pub(crate) proposal: String,
    #[serde(flatten)]
    pub(crate) why: Why,
}

/// Why people are not told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// Slack did not do it.
    Problem {
        /// The channel.
        to: Option<String>,
        /// What the trail says of it.
        problem: String,
        /// Whether there is a message, which does not show where the proposal stands.
        posted: bool,
    },
    /// It waits for people, and the trail knows of no message.
    NotPosted {
        /// When it began to wait.
        since: Timestamp,
    },
}

impl PeoplePart {
    /// As a stack was deployed.
    pub(super) fn of(stack: &Stack) -> Self {
        let parameter = |name| stack.parameter(name).unwrap_or_default().trim();
        let channel = parameter("SlackChannel");
        let routes = parameter("SlackRoutes").split(';');
        Self {
            channel: (!channel.is_empty()).then(|| channel.to_owned()),
            routes: routes.filter(|route| !route.trim().is_empty()).count(),
        }
    }

    /// The part for people.
    pub(super) fn line(&self) -> String {
        match (&self.channel, self.routes) {
            (None, _) => "people: nobody is asked in Slack, SlackChannel is empty".to_owned(),
            (Some(channel), 0) => format!("people: asked in Slack, in {}", quote(channel)),
            (Some(channel), 1) => format!(
                "people: asked in Slack, in {} or where a route leads",
                quote(channel)
            ),
            (Some(channel), routes) => {
                let channel = quote(channel);
                format!("people: asked in Slack, in {channel} or where one of {routes} routes leads")
            }
        }
    }

    /// Why people are not told of a proposal that is open or in force; `None` where they are. Where nobody is asked in
    /// Slack any more, what it did not do before is no trouble.
    pub(super) fn untold(&self, proposal: &Proposal, control: &Control, now: Timestamp) -> Option<Untold> {
        self.channel.as_ref()?;
        let row = Row::of(proposal);
        if !row.open && !row.in_force {
            return None;
        }
        Some(Untold {
            proposal: proposal.id().to_string(),
            why: refused(proposal).or_else(|| not_posted(proposal, control, now))?,
        })
    }
}

/// That Slack did not do what it was asked last.
fn refused(proposal: &Proposal) -> Option<Why> {
    let newest = proposal.messages().of(SLACK).next()?;
    Some(Why::Problem {
        to: newest.to.clone(),
        problem: newest.problem.clone()?,
        posted: newest.reference.is_some(),
    })
}

/// That it waits for people who were not asked.
fn not_posted(proposal: &Proposal, control: &Control, now: Timestamp) -> Option<Why> {
    let waits = matches!(
        proposal.next_step(control, now),
        NextStep::Decide { .. } | NextStep::AgreeToUndo { .. }
    );
    let since = proposal.state_since();
    let late = now.millis_since(since) > TOLD_WITHIN_MS;
    let mut messages = proposal.messages().of(SLACK);
    let posted = messages.any(|message| message.reference.is_some());
    (waits && late && !posted).then_some(Why::NotPosted { since })
}

/// Why the agent is not healthy: the first of these, and how many more there are.
pub(super) fn reasons(untold: &[Untold], now: Timestamp) -> Vec<String> {
    let shown = untold.iter().take(MOST_REASONS);
    let mut reasons: Vec<String> = shown.map(|one| one.reason(now)).collect();
    let more = untold.len().saturating_sub(MOST_REASONS);
    if more > 0 {
        let more = count(more, "more proposal");
        reasons.push(format!("{more} of which people are not told in Slack"));
    }
    reasons
}

impl Untold {
    fn reason(&self, now: Timestamp) -> String {
        let id = &self.proposal;
        match &self.why {
            Why::Problem { to, problem, posted } => {
                let slack = match to {
                    Some(to) => format!("Slack {}", quote(to)),
                    None => "Slack".to_owned(),
                };
                let what = match posted {
                    true => format!("its message in {slack} may not show where it stands"),
                    false => format!("not told in {slack}"),
                };
                format!(
                    "{id}: {what}: {}; sre-agent slack says what to do",
                    quote(problem)
                )
            }
            Why::NotPosted { since } => {
                let waits = duration(now.millis_since(*since));
                format!(
                    "{id}: waits for people for {waits} and has no message in Slack; sre-agent slack says what to do"
                )
            }
        }
    }
}
