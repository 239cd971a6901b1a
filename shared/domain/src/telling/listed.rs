//! A proposal in a list, and one in full, for whoever asks through the API.

use serde::{Deserialize, Serialize};

use super::{Card, Line, Summary, story, waits_for};
use crate::permission::Operator;
use crate::proposal::Proposal;
use crate::trail::{Control, Record};
use crate::value::{ProposalId, Timestamp};

/// A proposal in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its id.
    pub proposal: ProposalId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Where it stands, in a few words.
    pub summary: Summary,
    /// What it is: the action, or the event while nothing is proposed.
    pub about: Line,
    /// What it waits for, if anything.
    pub waits_for: Option<Line>,
}

impl Listed {
    /// A proposal as it stands now.
    pub fn of(proposal: &Proposal, control: &Control, now: Timestamp) -> Self {
        let action = proposal
            .proposed()
            .map(|proposed| Line::new().theirs(&proposed.action));
        Self {
            proposal: proposal.id().clone(),
            opened_at: proposal.opened_at(),
            summary: Summary::of(proposal),
            about: action.unwrap_or_else(|| Line::new().theirs(&proposal.received().event)),
            waits_for: waits_for(proposal, control, None, now).map(|waiting| waiting.on),
        }
    }
}

/// Proposals, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The proposals.
    pub proposals: Vec<Listed>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// A proposal with everything that is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The proposal.
    pub listed: Listed,
    /// Its card; none where people are not asked and not told.
    pub card: Option<Card>,
    /// Its records, as the trail's stories have them.
    pub story: Vec<Line>,
}

impl Detail {
    /// A proposal by its records.
    pub fn of(
        proposal: &Proposal,
        records: &[Record],
        deciders: &[&Operator],
        control: &Control,
        now: Timestamp,
    ) -> Self {
        Self {
            listed: Listed::of(proposal, control, now),
            card: Card::of(proposal, deciders, control, now),
            story: records.iter().flat_map(story::in_full).collect(),
        }
    }
}

/// What a request came to, for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Whether it is on the trail.
    pub recorded: bool,
    /// The sentence for the person.
    pub told: Line,
}
