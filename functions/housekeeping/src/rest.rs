//! What needs no look any more.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use domain::trail::Seq;
use domain::value::ProposalId;

/// The most that is remembered: some megabytes.
const MOST: usize = 50_000;

/// The proposals that were found to rest, with the record behind which nothing is due: without it each minute would read again
/// whatever was over in the last two hours. It is forgotten with the process, and then found out anew.
#[derive(Debug, Default)]
pub struct Rested(Mutex<BTreeMap<ProposalId, Seq>>);

impl Rested {
    /// A proposal rests behind this record.
    pub fn add(&self, id: &ProposalId, last: Seq) {
        let mut rested = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rested.len() < MOST {
            rested.insert(id.clone(), last);
        }
    }

    /// Those of the proposals that were found, each with its last record, that do not rest behind it. What was not found is
    /// forgotten.
    pub fn without(&self, found: BTreeMap<ProposalId, Seq>) -> Vec<ProposalId> {
        let mut rested = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rested.retain(|id, _| found.contains_key(id));
        let woken = found
            .into_iter()
            .filter(|(id, last)| rested.get(id).is_none_or(|rests_at| rests_at < last));
        woken.map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::value::{Digest, Fingerprint};

    use super::*;

    fn id(number: usize) -> ProposalId {
        ProposalId::new(Fingerprint::of(&Digest::of(&number.to_be_bytes())), 1)
    }

    #[test]
    fn what_rests_is_left_out_until_something_follows_or_it_is_gone() {
        let rested = Rested::default();
        let found = |last: Seq| BTreeMap::from([(id(1), last), (id(2), 3)]);
        let both = rested.without(found(7));
        assert_eq!(both.len(), 2);
        rested.add(&id(1), 7);
        assert_eq!(rested.without(found(7)), [id(2)]);
        // The index may lag: what it does not show yet is known.
        assert_eq!(rested.without(found(6)), [id(2)]);
        assert_eq!(rested.without(found(8)).len(), 2, "something followed");
        rested.add(&id(1), 8);
        assert_eq!(rested.without(BTreeMap::new()).len(), 0);
        assert_eq!(
            rested.without(found(8)).len(),
            2,
            "what was gone is found out anew"
        );
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let rested = Rested::default();
        for number in 0..MOST + 10 {
            rested.add(&id(number), 1);
        }
        let all = (0..MOST + 10).map(|number| (id(number), 1)).collect();
        assert_eq!(rested.without(all).len(), 10);
    }
}
