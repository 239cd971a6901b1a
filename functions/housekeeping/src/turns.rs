//! In which order proposals are looked at.

use std::collections::BTreeSet;

use domain::value::{ProposalId, Timestamp};

/// As many as one run certainly manages.
const ALL_IN_ONE_RUN: usize = 500;

/// The proposals in the order of this minute's run. Where there may be more than one run manages, as after a long pause,
/// each run begins at another place: nobody waits behind those that are looked at first every time.
pub fn of_minute(ids: BTreeSet<ProposalId>, now: Timestamp) -> Vec<ProposalId> {
    let mut ids: Vec<ProposalId> = ids.into_iter().collect();
    if ids.len() > ALL_IN_ONE_RUN {
        let minute = usize::try_from(now.as_seconds() / 60).unwrap_or_default();
        // Steps of the golden ratio leave no place unvisited for long, whatever share of them one run manages.
        let step = ids.len() * 618 / 1000;
        let begin = minute % ids.len() * step % ids.len();
        ids.rotate_left(begin);
    }
    ids
}

#[cfg(test)]
mod tests {
    use domain::value::{Digest, Fingerprint};

    use super::*;

    fn many(number: usize) -> BTreeSet<ProposalId> {
        let id = |n: usize| ProposalId::new(Fingerprint::of(&Digest::of(&n.to_be_bytes())), 1);
        (0..number).map(id).collect()
    }

    fn minute(minute: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus_seconds(minute * 60)
    }

    #[test]
    fn few_are_looked_at_in_the_order_of_their_ids() {
        let ids = many(500);
        assert!(of_minute(ids.clone(), minute(1)).into_iter().eq(ids));
    }

    #[test]
    fn of_many_each_has_its_turn_though_a_run_manages_a_part() {
        for number in [501, 1000, 5_000, 6_180, 10_000] {
            let ids = many(number);
            for began in [0, 7, 1_000_003] {
                let mut waiting = ids.clone();
                let mut runs = 0;
                while !waiting.is_empty() {
                    let order = of_minute(ids.clone(), minute(began + runs));
                    assert_eq!(order.len(), number, "none is left out");
                    for id in order.iter().take(number / 10) {
                        waiting.remove(id);
                    }
                    runs += 1;
                    assert!(runs <= 30, "{} of {number} had no turn in 30 runs", waiting.len());
                }
            }
        }
    }
}
