//! Proposals on which something is still to happen, and what is in force.

use domain::inventory::Condition;
use domain::proposal::Proposal;
use domain::telling::Row;
use domain::value::Timestamp;
use serde::Serialize;

use crate::print::{count, duration};
use crate::status::people::Untold;

/// Of the open proposals, so many of the oldest and so many of the newest are shown.
const MOST_AT_AN_END: usize = 5;

/// Effects in force shown one by one.
const MOST_EFFECTS: usize = 10;

/// Proposals on which something is still to happen, or of which an effect is in force.
#[derive(Debug, Default, Serialize)]
pub(crate) struct OpenPart {
    /// The oldest first.
    pub(crate) proposals: Vec<ProposalPart>,
    /// What is in force: what has not helped first, then the newest.
    pub(crate) in_force: Vec<EffectPart>,
    /// How many more were not looked at: open ones, or closed lately.
    pub(crate) unread: usize,
    /// Proposals whose trail does not hold, and why.
    pub(crate) broken: Vec<(String, String)>,
    /// Those that people are not told of in Slack, the oldest first.
    pub(crate) untold: Vec<Untold>,
}

/// One open proposal.
#[derive(Debug, Serialize)]
pub(crate) struct ProposalPart {
    pub(crate) proposal: String,
    pub(crate) opened_at: Timestamp,
    pub(crate) state: &'static str,
    pub(crate) what: String,
    pub(crate) waits_for: String,
    pub(crate) overdue: Option<String>,
}

/// An effect that is in force.
#[derive(Debug, Serialize)]
pub(crate) struct EffectPart {
    pub(crate) proposal: String,
    pub(crate) what: String,
    pub(crate) since: Timestamp,
    /// When it ends by itself; absent where it does not.
    pub(crate) until: Option<Timestamp>,
    pub(crate) helped: Helped,
}

/// Whether the metric that fired was seen to recover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Helped {
    /// It goes on all the same.
    No,
    /// It was asked, and could not be read.
    Unreadable,
    /// It was not asked yet.
    NotAsked,
    /// It recovered.
    Yes,
}

impl EffectPart {
    /// What is in force of a proposal; `None` where nothing is, as far as the trail knows.
    pub(super) fn of(proposal: &Proposal) -> Option<Self> {
        let proposed = proposal.proposed().filter(|_| Row::of(proposal).in_force)?;
        let execution = proposal.state().execution()?;
        Some(Self {
            proposal: proposal.id().to_string(),
            what: proposed.action.to_string(),
            since: proposal.state_since(),
            until: execution.restore_at,
            helped: match proposal.verified().map(|verified| &verified.condition) {
                // What the event claimed is not so any more.
                Some(Condition::Refuted(_)) => Helped::Yes,
                Some(Condition::Confirmed(_)) => Helped::No,
                Some(Condition::Unreadable(_)) => Helped::Unreadable,
                None => Helped::NotAsked,
            },
        })
    }

    fn line(&self, now: Timestamp) -> String {
        let Self {
            proposal,
            what,
            since,
            until,
            helped,
        } = self;
        let until = match until {
            Some(until) => format!("until {until}"),
            None => "until somebody has it undone".to_owned(),
        };
        let helped = match helped {
            Helped::Yes => "it has helped",
            Helped::No => "IT HAS NOT HELPED",
            Helped::Unreadable => "whether it has helped could not be read",
            Helped::NotAsked => "whether it helps is not known yet",
        };
        let age = duration(now.millis_since(*since));
        format!("  {proposal}: {what}, for {age}, {until}; {helped}")
    }
}

impl OpenPart {
    /// The part for people.
    pub(super) fn lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines = self.of_proposals(now);
        lines.push(String::new());
        lines.extend(self.of_effects(now));
        lines
    }

    /// That there are more than are looked at, if so.
    pub(super) fn not_all(&self) -> Option<String> {
        let unread = count(self.unread, "proposal");
        (self.unread > 0)
            .then(|| format!("{unread} not looked at, open or closed lately: there are too many"))
    }

    fn of_proposals(&self, now: Timestamp) -> Vec<String> {
        let number = self.proposals.len();
        let between = number.saturating_sub(2 * MOST_AT_AN_END);
        let mut lines = vec![match (number, between) {
            (0, _) => "open proposals: none".to_owned(),
            (1, _) => "open proposals: 1".to_owned(),
            (_, 0) => format!("open proposals: {number}, the oldest first"),
            (..) => format!(
                "open proposals: {number}, the {MOST_AT_AN_END} oldest and the {MOST_AT_AN_END} newest"
            ),
        }];
        for (place, one) in self.proposals.iter().enumerate() {
            if between > 0 && (MOST_AT_AN_END..MOST_AT_AN_END + between).contains(&place) {
                if place == MOST_AT_AN_END {
                    lines.push(format!(
                        "  and {between} between these: sre-agent status --json has them all"
                    ));
                }
                continue;
            }
            let age = duration(now.millis_since(one.opened_at));
            lines.push(format!(
                "  {}, {}, opened {age} ago: {}",
                one.proposal, one.state, one.what
            ));
            lines.push(format!("    waits for {}", one.waits_for));
        }
        if self.unread > 0 {
            let unread = count(self.unread, "proposal");
            lines.push(format!("  and {unread} not looked at, open or closed lately"));
        }
        lines
    }

    fn of_effects(&self, now: Timestamp) -> Vec<String> {
        let in_vain = self
            .in_force
            .iter()
            .filter(|one| one.helped == Helped::No)
            .count();
        let mut lines = vec![match (self.in_force.len(), in_vain) {
            (0, _) => "in force: nothing".to_owned(),
            (number, 0) => format!("in force: {}", count(number, "effect")),
            (number, in_vain) => format!(
                "in force: {}, {in_vain} without having helped",
                count(number, "effect")
            ),
        }];
        lines.extend(self.in_force.iter().take(MOST_EFFECTS).map(|one| one.line(now)));
        let hidden = self.in_force.len().saturating_sub(MOST_EFFECTS);
        if hidden > 0 {
            lines.push(format!("  and {hidden} more: sre-agent list --in-force"));
        }
        lines
    }
}
