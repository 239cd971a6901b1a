//! `incident/<fingerprint>`: which proposal is the current one for a trouble.

use serde::{Deserialize, Serialize};

use crate::ids::{Fingerprint, ProposalId};
use crate::proposal::Proposal;
use crate::record::{BadBody, Fact, Record};
use crate::time::Timestamp;

/// Facts of an incident's stream. Each holds the whole state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum IncidentFact {
    /// A new outbreak, with a proposal of its own.
    Opened {
        /// Which outbreak, from 1.
        generation: u32,
        /// Its proposal.
        proposal: ProposalId,
    },
}

impl Fact for IncidentFact {
    fn kind(&self) -> &'static str {
        match self {
            IncidentFact::Opened { .. } => "opened",
        }
    }
}

/// The generation that an incident's last record opened; 0 before the first.
pub fn generation(last: Option<&Record>) -> Result<u32, BadBody> {
    Ok(match last.map(IncidentFact::read).transpose()? {
        Some(IncidentFact::Opened { generation, .. }) => generation,
        None => 0,
    })
}

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// To the current proposal.
    Current(ProposalId),
    /// To a new outbreak, which is to be opened.
    Next(ProposalId),
}

/// Decides whether an event joins the current proposal or opens the next: it joins until that proposal
/// has settled **and** the correlation window has passed since.
///
/// `current` is the proposal of `generation`, absent where it was opened but nothing was recorded of it yet.
pub fn belongs(
    fingerprint: &Fingerprint,
    generation: u32,
    current: Option<&Proposal>,
    window_s: u64,
    now: Timestamp,
) -> Belongs {
    let next = || Belongs::Next(ProposalId::new(fingerprint.clone(), generation.saturating_add(1)));
    let over = current
        .and_then(Proposal::settled_at)
        .is_some_and(|settled_at| now > settled_at.plus_seconds(window_s));
    if generation == 0 || over {
        next()
    } else {
        Belongs::Current(ProposalId::new(fingerprint.clone(), generation))
    }
}
