//! The long walk: histories at random, each from a seed that repeats it, over the real handlers.
//!
//! Up to three functions run at a time, step by step; any call of theirs fails or loses its reply, services are away for
//! minutes, functions die, messages come twice, people approve, object, change, reject and take back, the agent is paused,
//! the policy frozen, the trouble goes and comes back, and years later the trail expires while it is written.
//!
//! After every step: no two effects overlap, nobody takes back what is in force, no model group is without a deployment,
//! a proposal has one effect at most, and there are few messages. Then everything works again, and: every effect with an
//! end ends in time, every proposal comes to its end, nothing is claimed an hour later, the gateway is set as the trail
//! says, no event was swallowed, and whoever had to be told was told.
//!
//! | file | what |
//! | --- | --- |
//! | `history` | a world, what becomes of it, and when it ends |
//! | `storm` | what goes on, step by step |
//! | `clicks` | what people do |
//! | `whims` | who chooses the actions |
//! | `weather` | which calls fail |
//! | `ends` | what holds in the end |
//! | `visits` | where the histories have been, and where they must have been |
//!
//! `LONG_WALK` says how many histories are walked, `LONG_WALK_SEED` walks that one alone.

mod clicks;
mod ends;
mod history;
mod storm;
mod visits;
mod weather;
mod whims;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tests::walk;

use self::history::History;
use self::visits::Visits;

/// Histories that are walked where nobody says how many.
const HISTORIES: u64 = 200;

/// A number that the environment gives.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says how much of it"
)]
fn given(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|err| panic!("{name} is no number: {err}")),
    )
}

#[test]
fn every_history_ends_well() {
    if let Some(seed) = given("LONG_WALK_SEED") {
        let history = History::of(seed).walk();
        eprintln!("{}\n{}", walk::now(history.world().story()), history.visits());
        return;
    }
    let histories = given("LONG_WALK").unwrap_or(HISTORIES);
    let next = AtomicU64::new(0);
    let walks = || {
        let mut visits = Visits::default();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= histories {
                return visits;
            }
            if seed > 0 && seed.is_multiple_of(100) {
                eprintln!("{seed} of {histories} histories");
            }
            visits.add(History::of(seed).walk().visits());
        }
    };
    let visits = thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let walkers: Vec<_> = (0..count).map(|_| scope.spawn(walks)).collect();
        let mut visits = Visits::default();
        for walker in walkers {
            let walked = walker.join();
            visits.add(walked.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        visits
    });
    eprintln!("{histories} histories\n{visits}");
    assert_eq!(visits.missing(), [""; 0], "not all of it was visited");
}
