//! How far back a proposal can have begun that is still alive.

use domain::trail::{BadBody, ControlFact, Fact, Record};
use domain::value::Timestamp;

/// The instant since when the agent has been running for `ms` in all, its pauses left out. `control` is the whole
/// stream; before its first record the agent was running.
pub fn running_for(control: &[Record], ms: u64, now: Timestamp) -> Result<Timestamp, BadBody> {
    let mut left = ms;
    let mut end = now;
    for record in control.iter().rev() {
        let paused = ControlFact::read(record)?.switches().paused.is_some();
        if !paused {
            let ran = end.millis_since(record.at);
            if ran >= left {
                break;
            }
            left -= ran;
        }
        end = end.min(record.at);
    }
    let left = i64::try_from(left).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(end.as_millis().saturating_sub(left)))
}

#[cfg(test)]
mod tests {
    use domain::trail::{Actor, Control, Entry, StreamId};
    use domain::value::WriterId;

    use super::*;

    fn day(days: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000).plus_seconds(days * 86_400)
    }

    /// `control` with pauses of these days, from and to; an open one has no end.
    fn pauses(pauses: &[(u64, Option<u64>)]) -> Vec<Record> {
        let mut records: Vec<Record> = Vec::new();
        let mut append = |at: u64, make: &dyn Fn(&Control) -> Option<ControlFact>| {
            let fact = make(&Control::read(records.last()).unwrap()).unwrap();
            let entry = Entry::next(
                StreamId::Control,
                records.last(),
                day(at),
                Actor::System,
                &fact,
                None,
            );
            records.push(entry.seal(WriterId::new("w").unwrap()));
        };
        for (from, to) in pauses {
            append(*from, &|control| control.pause("a test", day(*from)));
            if let Some(to) = to {
                append(*to, &|control| control.resume(day(*to)));
            }
        }
        records
    }

    #[test]
    fn a_pause_makes_the_reach_longer_while_it_counts_and_no_more_after() {
        let reaches = |control: &[(u64, Option<u64>)], now: u64| {
            let begin = running_for(&pauses(control), 30 * 86_400_000, day(now)).unwrap();
            day(now).millis_since(begin) / 86_400_000
        };
        for (control, now, days) in [
            (&[][..], 100, 30),
            (&[(60, None)], 100, 70),
            (&[(60, Some(100))], 100, 70),
            (&[(60, Some(100))], 110, 70),
            (&[(60, Some(100))], 129, 70),
            (&[(60, Some(100))], 130, 30),
            (&[(60, Some(100))], 1000, 30),
            (&[(10, Some(20)), (60, Some(100)), (105, Some(106))], 110, 71),
            (
                &[(10, Some(70)), (60 + 20, Some(100)), (105, None)],
                110,
                30 + 60 + 20 + 5,
            ),
        ] {
            assert_eq!(reaches(control, now), days, "{control:?} at {now}");
        }
    }
}
