//! `limit/<name>/<window>`: one record per slot used, so that a limit is exact under concurrency.

use serde::{Deserialize, Serialize};

use crate::ids::ProposalId;
use crate::record::Actor;
use crate::record::{Entry, Fact, Record};
use crate::stream::StreamId;
use crate::time::Timestamp;

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

/// The record that takes a proposal's slot: `None` where the proposal has one already, and an error with
/// the number used where the window is full.
pub fn take(
    stream: StreamId,
    records: &[Record],
    proposal: &ProposalId,
    of: u64,
    now: Timestamp,
    expires_at: u64,
) -> Result<Option<Entry>, u64> {
    let has_one = records.iter().any(|record| {
        matches!(LimitFact::read(record), Ok(LimitFact::SlotUsed { proposal: by, .. }) if by == *proposal)
    });
    if has_one {
        return Ok(None);
    }
    if records.len() as u64 >= of {
        return Err(records.len() as u64);
    }
    let fact = LimitFact::SlotUsed {
        proposal: proposal.clone(),
        of,
    };
    Ok(Some(match records.last() {
        Some(last) => Entry::after(last, now, Actor::System, &fact),
        None => Entry::first(stream, now, Actor::System, &fact, Some(expires_at)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::verify_chain;
    use crate::samples::*;

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
            let entry = take(stream(), &records, &proposal(generation), 3, at(0), 99)
                .unwrap()
                .unwrap();
            records.push(entry.seal(writer(u64::from(generation))));
        }
        assert_eq!(take(stream(), &records, &proposal(2), 3, at(1), 99), Ok(None));
        assert_eq!(take(stream(), &records, &proposal(4), 3, at(1), 99), Err(3));
        assert!(take(stream(), &records, &proposal(4), 4, at(1), 99).is_ok_and(|entry| entry.is_some()));
        assert_eq!(verify_chain(&records), Ok(()));
        assert!(records.iter().all(|record| record.expires_at == Some(99)));
    }

    #[test]
    fn a_limit_of_nothing_gives_nothing() {
        assert_eq!(take(stream(), &[], &proposal(1), 0, at(0), 99), Err(0));
    }
}
