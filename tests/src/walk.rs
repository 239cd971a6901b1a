//! Interleavings: futures that a test runs step by step, in an order that it chooses.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use domain::ports::Clock;
use testkit::FrozenClock;

/// A handler on its way. Its ports must give way ([`testkit::Cutter::gives_way`]) and never really wait.
pub type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Which task goes next.
pub trait Chooser {
    /// The next of `alive`, which are the tasks that have not ended, sorted. `last` went before, and may
    /// have ended.
    fn next(&mut self, alive: &[usize], last: Option<usize>) -> usize;
}

/// The longest time between two steps of a task, ms: one request's. A slower one is dead.
pub const REQUEST_MS: u64 = 5_000;

/// Runs the tasks to their ends. `after_step` is called after every step. A sleep of one task is time that
/// passes for all: one that was interrupted for longer than a request may take is dropped.
pub fn run<'a>(
    clock: &FrozenClock,
    mut tasks: Vec<Task<'a>>,
    chooser: &mut dyn Chooser,
    mut after_step: impl FnMut(),
) {
    let mut stepped = vec![clock.now(); tasks.len()];
    let mut alive: Vec<usize> = (0..tasks.len()).collect();
    let mut last = None;
    for _ in 0..100_000 {
        let now = clock.now();
        alive.retain(|task| now.millis_since(stepped[*task]) <= REQUEST_MS);
        if alive.is_empty() {
            return;
        }
        let next = chooser.next(&alive, last);
        last = Some(next);
        if step(&mut tasks[next]) {
            alive.retain(|task| *task != next);
        }
        stepped[next] = clock.now();
        after_step();
    }
    panic!("the tasks do not end");
}

/// Runs a task until its next call of a port. Returns whether it ended.
pub fn step(task: &mut Task<'_>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    task.as_mut().poll(&mut context) == Poll::Ready(())
}

/// Runs a future that never really waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("the future waits for something");
}

/// Every order in which at most so many tasks are interrupted by another: the exhaustive part of a walk.
#[derive(Debug)]
pub struct Exhaustive {
    interruptions: usize,
    path: Vec<Fork>,
    depth: usize,
    used: usize,
}

#[derive(Debug)]
struct Fork {
    options: Vec<usize>,
    taken: usize,
}

impl Exhaustive {
    /// All orders with at most this many interruptions.
    pub fn with_interruptions(interruptions: usize) -> Self {
        Self {
            interruptions,
            path: Vec::new(),
            depth: 0,
            used: 0,
        }
    }

    /// Goes on to the next order; `false` when every one was walked.
    pub fn advance(&mut self) -> bool {
        (self.depth, self.used) = (0, 0);
        while let Some(fork) = self.path.last_mut() {
            if fork.taken + 1 < fork.options.len() {
                fork.taken += 1;
                return true;
            }
            self.path.pop();
        }
        false
    }
}

impl Chooser for Exhaustive {
    fn next(&mut self, alive: &[usize], last: Option<usize>) -> usize {
        let goes_on = last.filter(|last| alive.contains(last));
        if self.depth == self.path.len() {
            let options = match goes_on {
                Some(last) if self.used == self.interruptions => vec![last],
                Some(last) => {
                    let others = alive.iter().copied().filter(|task| *task != last);
                    std::iter::once(last).chain(others).collect()
                }
                None => alive.to_vec(),
            };
            self.path.push(Fork { options, taken: 0 });
        }
        let fork = &self.path[self.depth];
        let next = fork.options[fork.taken];
        self.depth += 1;
        self.used += usize::from(goes_on.is_some_and(|last| last != next));
        next
    }
}

/// A random order that its seed repeats. SplitMix64: <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The order of a seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % u64::try_from(end).unwrap()).unwrap()
    }
}

impl Chooser for Random {
    fn next(&mut self, alive: &[usize], _: Option<usize>) -> usize {
        alive[self.below(alive.len())]
    }
}
