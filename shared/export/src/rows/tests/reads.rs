//! How much is read, and how much of it is in memory.

use testkit::CountedTrail;

use super::*;

#[tokio::test]
async fn a_stream_that_never_ends_is_read_once_for_all_its_hours() {
    let trail = MemoryTrail::new();
    let fact = Control::default().pause("a test", sample::now()).unwrap();
    let entry = Entry::first(StreamId::Control, sample::now(), Actor::System, &fact, None);
    let mut last = trail.insert(entry).unwrap();
    for hour in 1..24 {
        let at = sample::now().plus_seconds(hour * 3_600);
        let control = Control::read(Some(&last)).unwrap();
        let fact = match hour % 2 {
            0 => control.pause("a test", at).unwrap(),
            _ => control.resume(at).unwrap(),
        };
        last = trail
            .insert(Entry::after(&last, at, Actor::System, &fact))
            .unwrap();
    }
    let counted = CountedTrail::of(&trail);
    let filter = Filter::all(whole());
    let found: Vec<Found> = rows(&counted, Table::Records, &filter)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let rows = found.iter().filter(|one| matches!(one, Found::Row(_))).count();
    assert_eq!(rows, 24);
    // Once for what is set aside, and once for its rows.
    assert_eq!(counted.loads_of(&StreamId::Control), 2);
}

#[tokio::test]
async fn no_more_streams_are_in_memory_than_are_read_at_once() {
    let trail = MemoryTrail::new();
    for number in 0..200 {
        moved(&Story::begins(), number).write(&trail);
    }
    let filter = Filter::all(Window {
        until: sample::now().plus_seconds(200 * 6_000),
        ..whole()
    });
    for table in [Table::Proposals, Table::Records] {
        let counted = CountedTrail::of(&trail);
        let mut found = std::pin::pin!(rows(&counted, table, &filter).await.unwrap());
        let (mut read, mut rows) = (0, 0);
        while let Some(one) = found.try_next().await.unwrap() {
            match one {
                Found::Read(_) => read += 1,
                Found::Row(_) => rows += 1,
                Found::Hour(_) | Found::Fault(_) => {}
            }
            // `control` was read at the beginning.
            let ahead = counted.loads() - 1 - read;
            assert!(ahead <= STREAMS_AT_ONCE, "{ahead} streams wait after {read}");
        }
        assert_eq!((read, rows), (200, 200), "{table:?}");
    }
}
