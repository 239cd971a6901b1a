//! `limit/<name>/<window>`: one record per slot used, so that a limit is exact under concurrency.
//! What the limits of automatic execution are, and when one is reached, is [`crate::risk::admission`].

use serde::{Deserialize, Serialize};

use super::{Fact, Record};
use crate::value::ProposalId;

/// Facts of a limit's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
pub enum LimitFact {
    /// One more of the window's slots is used.
    SlotUsed {
        /// By whom.
        proposal: ProposalId,
        /// How many the window had.
        of: u64,
    },
}

impl Fact for LimitFact {
    fn kind(&self) -> &'static str {
        match self {
            LimitFact::SlotUsed { .. } => "slot_used",
        }
    }
}

/// The fact that takes a proposal's slot: `None` where the proposal has one already, and an error with the number used
/// where the window is full.
pub fn take(records: &[Record], proposal: &ProposalId, of: u64) -> Result<Option<LimitFact>, u64> {
    let has_one = records.iter().any(|record| {
        matches!(LimitFact::read(record), Ok(LimitFact::SlotUsed { proposal: by, .. }) if by == *proposal)
    });
    if has_one {
        return Ok(None);
    }
    if records.len() as u64 >= of {
        return Err(records.len() as u64);
    }
    Ok(Some(LimitFact::SlotUsed {
        proposal: proposal.clone(),
        of,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::*;
    use crate::trail::{Actor, Entry, StreamId, verify_chain};

    fn stream() -> StreamId {
        StreamId::Limit {
            name: "automatic".to_owned(),
            window: "2026-11-22T10".to_owned(),
        }
    }

    fn proposal(generation: u32) -> ProposalId {
        ProposalId::new(unhealthy().fingerprint(), generation)
    }

    #[test]
    fn a_window_has_so_many_slots_and_each_proposal_takes_one() {
        let mut records = Vec::new();
        for generation in 1..=3 {
            let fact = take(&records, &proposal(generation), 3).unwrap().unwrap();
            let entry = Entry::next(stream(), records.last(), at(0), Actor::System, &fact, Some(99));
            records.push(entry.seal(writer(u64::from(generation))));
        }
        assert_eq!(take(&records, &proposal(2), 3), Ok(None));
        assert_eq!(take(&records, &proposal(4), 3), Err(3));
        assert!(take(&records, &proposal(4), 4).is_ok_and(|fact| fact.is_some()));
        assert_eq!(verify_chain(&records), Ok(()));
        assert!(records.iter().all(|record| record.expires_at == Some(99)));
    }

    #[test]
    fn a_limit_of_nothing_gives_nothing() {
        assert_eq!(take(&[], &proposal(1), 0), Err(0));
    }
}
