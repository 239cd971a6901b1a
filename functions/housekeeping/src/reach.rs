//! How far back a proposal can have begun that is still alive.

use domain::trail::{BadBody, ControlFact, Fact, Guard, Record};
use domain::value::Timestamp;

/// The instant since when the agent has been running for `ms` in all, its pauses left out. `control` and `guard` are the
/// whole streams; before their first records the agent was running.
pub fn running_for(
    control: &[Record],
    guard: &[Record],
    ms: u64,
    now: Timestamp,
) -> Result<Timestamp, BadBody> {
    let mut left = ms;
    let mut end = now;
    for (at, paused) in pauses(control, guard)?.into_iter().rev() {
        if !paused {
            let ran = end.millis_since(at);
            if ran >= left {
                break;
            }
            left -= ran;
        }
        end = end.min(at);
    }
    let left = i64::try_from(left).unwrap_or(i64::MAX);
    Ok(Timestamp::from_millis(end.as_millis().saturating_sub(left)))
}

/// Whether the agent was paused from each record on, by an operator or by the template, in the order of time.
fn pauses(control: &[Record], guard: &[Record]) -> Result<Vec<(Timestamp, bool)>, BadBody> {
    let (mut said, mut resumed) = (Vec::new(), 0);
    for record in control {
        let fact = ControlFact::read(record)?;
        said.push((record.at, Some(fact.switches().paused.is_some()), None));
        resumed = resumed.max(fact.switches().resumed_guard);
        if fact.switches().resumed_guard > 0 {
            // Whoever resumed ended the template's pause, too.
            said.push((record.at, None, Some(false)));
        }
    }
    for record in guard {
        let pause = Guard::read(record)?.paused;
        let counts =
            pause.is_some_and(|pause| pause.seq.is_none_or(|seq| seq > resumed || seq == record.seq));
        said.push((record.at, None, Some(counts)));
    }
    said.sort_by_key(|(at, _, _)| *at);
    let (mut operators, mut template) = (false, false);
    Ok(said
        .into_iter()
        .map(|(at, by_operators, by_template)| {
            operators = by_operators.unwrap_or(operators);
            template = by_template.unwrap_or(template);
            (at, operators || template)
        })
        .collect())
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
    fn switched(pauses: &[(u64, Option<u64>)]) -> Vec<Record> {
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
            let begin = running_for(&switched(control), &[], 30 * 86_400_000, day(now)).unwrap();
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
