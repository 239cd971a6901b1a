//! Many proposals, on several threads.

use super::*;

#[test]
fn two_hundred_are_replayed_and_calibrated() {
    const PROPOSALS: u64 = 200;
    let policy = Checked::new(&Bundle::builtin()).unwrap();
    let mut world = Annals::new(&policy);
    world.switch(0, Some("a bad week"));
    world.switch(1000, None);
    let mut text = lines(world.control());
    let mut records = world.control().len();
    for number in 0..PROPOSALS {
        let script = Script {
            at: number * 20,
            action: usize::try_from(number % 8).unwrap(),
            seconds: 60 + number % 3000,
            auto_approve: number % 3 > 0,
            ask: if number % 5 == 0 {
                Ask::Reject
            } else {
                Ask::Approve
            },
            finish: Finish::Restore,
            helped: Some(number % 2 == 0),
            ..Script::default()
        };
        let life = world.live(&script);
        records += life.len();
        text.push_str(&lines(&life));
    }
    let read = trail::history::read(text.as_bytes(), &domain::trail::NoKeys);
    let alone: usize = read.map(|history| history.unwrap().records.len()).sum();
    assert_eq!(alone, records);
    for (name, policy) in [("the same", policy), ("another", other_policy())] {
        let replay = replayed(&text, &trial(&policy, None, None)).unwrap();
        assert_eq!(replay.differences.is_empty(), name == "the same");
    }
    let calibrated = gather(text.as_bytes(), || Calibration::new(None)).unwrap();
    assert_eq!(calibrated.left_out, []);
}
