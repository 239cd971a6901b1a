//! `incident/<fingerprint>`: which proposal is the current one for a trouble.

use serde::{Deserialize, Serialize};

use super::{BadBody, Fact, Record};
use crate::value::{Fingerprint, ProposalId, Timestamp};

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
pub fn opened_by(last: Option<&Record>) -> Result<u32, BadBody> {
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
/// `settled_at` is when the proposal of `generation` settled; `None` where it has not, or nothing was recorded of it yet.
pub fn belongs(
    fingerprint: &Fingerprint,
    generation: u32,
    settled_at: Option<Timestamp>,
    window_s: u64,
    now: Timestamp,
) -> Belongs {
    let next = || Belongs::Next(ProposalId::new(fingerprint.clone(), generation.saturating_add(1)));
    let over = settled_at.is_some_and(|settled_at| now > settled_at.plus_seconds(window_s));
    if generation == 0 || over {
        next()
    } else {
        Belongs::Current(ProposalId::new(fingerprint.clone(), generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::trail::{Actor, Entry, StreamId};

    /// The generation that an event at an instant belongs to, with a window of 15 minutes.
    fn joins(generation: u32, settled_at: Option<Timestamp>, now: Timestamp) -> (&'static str, u32) {
        match belongs(&unhealthy().fingerprint(), generation, settled_at, 900, now) {
            Belongs::Current(id) => ("current", id.generation()),
            Belongs::Next(id) => ("next", id.generation()),
        }
    }

    #[test]
    fn the_first_event_opens_the_first_generation() {
        assert_eq!(joins(0, None, at(0)), ("next", 1));
    }

    #[test]
    fn one_that_was_opened_and_got_no_record_yet_is_still_current() {
        assert_eq!(joins(3, None, at(1_000_000)), ("current", 3));
    }

    #[test]
    fn an_unsettled_proposal_takes_every_event_however_late() {
        for story in [
            Story::of(&unhealthy(), None),
            awaiting(breaks(300), 1),
            approved(breaks(300)),
            executing(breaks(300)),
            succeeded(breaks(300)),
        ] {
            let proposal = story.proposal();
            let joined = joins(1, proposal.settled_at(), at(1_000_000));
            assert_eq!(joined, ("current", 1), "{}", proposal.state().name());
        }
    }

    #[test]
    fn a_settled_one_takes_them_until_the_window_has_passed() {
        let story = succeeded(reroutes());
        let proposal = story.proposal();
        assert_eq!(proposal.settled_at(), Some(at(50)));
        assert_eq!(joins(1, proposal.settled_at(), at(950)), ("current", 1));
        assert_eq!(
            joins(1, proposal.settled_at(), at(950).plus_millis(1)),
            ("next", 2)
        );
        assert_eq!(
            joins(1, proposal.settled_at(), at(0)),
            ("current", 1),
            "a clock behind the trail's opens nothing"
        );
    }

    #[test]
    fn the_generation_is_the_one_that_the_last_record_opened() {
        let stream = StreamId::Incident(unhealthy().fingerprint());
        let opened = |generation| IncidentFact::Opened {
            generation,
            proposal: ProposalId::new(unhealthy().fingerprint(), generation),
        };
        assert_eq!(opened_by(None), Ok(0));
        let first = Entry::next(stream.clone(), None, at(0), Actor::Agent, &opened(1), None).seal(writer(1));
        let second = Entry::next(stream, Some(&first), at(1), Actor::Agent, &opened(2), None).seal(writer(2));
        assert_eq!(
            (opened_by(Some(&first)), opened_by(Some(&second))),
            (Ok(1), Ok(2))
        );
        assert_eq!(second.expires_at, None);
        assert!(opened_by(Some(Story::of(&unhealthy(), None).last())).is_err());
    }
}
