//! A hundred thousand proposals.

use super::*;

/// `cargo test --release -p sre-agent -- --ignored --nocapture a_hundred_thousand`
#[test]
#[ignore = "writes a file of some gigabytes, and says how long its replay takes"]
fn a_hundred_thousand_proposals_are_replayed_in_seconds() {
    measure(100_000);
}

/// What the measurement does is right, so that it still works on the day it is wanted.
#[test]
fn two_hundred_are_replayed_as_the_hundred_thousand_are() {
    measure(200);
}

fn measure(proposals: u64) {
    use std::io::Write as _;
    let policy = Checked::new(&Bundle::builtin()).unwrap();
    let mut world = Annals::new(&policy);
    world.switch(0, Some("a bad week"));
    world.switch(1000, None);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines(world.control()).as_bytes()).unwrap();
    let (mut records, began) = (world.control().len(), Instant::now());
    for number in 0..proposals {
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
        file.write_all(lines(&life).as_bytes()).unwrap();
    }
    let bytes = file.as_file().metadata().unwrap().len();
    println!(
        "{proposals} proposals, {records} records, {} MB, made in {:?}",
        bytes / 1_000_000,
        began.elapsed()
    );
    let began = Instant::now();
    let read = trail::history::read(
        std::io::BufReader::new(std::fs::File::open(file.path()).unwrap()),
        &domain::trail::NoKeys,
    );
    let alone: usize = read.map(|history| history.unwrap().records.len()).sum();
    println!("read and verified alone: {:?}", began.elapsed());
    assert_eq!(alone, records);
    for (name, policy) in [("the same", policy), ("another", other_policy())] {
        let began = Instant::now();
        let trial = trial(&policy, None, None);
        let lines = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(file.path()).unwrap());
        let replay = gather(lines, || Replay::new(Arc::clone(&trial), None))
            .unwrap()
            .all;
        println!(
            "replayed under {name} policy: {:?}, {:?}",
            began.elapsed(),
            replay.summary
        );
        assert_eq!(replay.differences.is_empty(), name == "the same");
    }
    let began = Instant::now();
    let lines = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(file.path()).unwrap());
    gather(lines, || Calibration::new(None)).unwrap();
    println!("calibrated: {:?}", began.elapsed());
}
