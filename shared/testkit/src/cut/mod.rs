//! Handlers that die: a function's process may end between any two steps.
//!
//! A test wraps the ports it gives to a handler in [`Cut`]. Each call of a port then has two points, before
//! and after its effect, and a [`Cutter`] lets the handler's future be dropped at one of them.
//!
//! ```
//! # use testkit::cut::{every_point, Cut, Cutter};
//! # use testkit::MemoryTrail;
//! # use domain::ports::Trail;
//! # use domain::trail::StreamId;
//! # async fn handle(trail: &dyn Trail) { trail.load(&StreamId::Control).await.unwrap(); }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let points = every_point(async |cutter: &Cutter| {
//!     let trail = MemoryTrail::new();
//!     let deps = Cut::new(&trail, cutter);
//!     cutter.run(handle(&deps)).await; // dies at this round's point
//!     handle(&deps).await; // the message comes again
//!     // … and here the test looks at what became of it.
//! })
//! .await;
//! assert_eq!(points, 2);
//! # });
//! ```

mod ports;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;

use tokio::sync::Notify;

pub use self::ports::Cut;

/// Rounds after which [`every_point`] gives up: a handler with this many steps does not end.
const MOST_POINTS: usize = 2_000;

/// Decides what becomes of a handler at its points. Points are counted only while it runs something.
pub struct Cutter {
    at: At,
    state: Mutex<State>,
    reached: Notify,
    resumed: Notify,
}

/// Whether a call fails at a point: `before` or `after`, and its name.
type Fails = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// What happens where.
enum At {
    /// Nothing.
    Never,
    /// Others run before each call; whether a call fails, this is asked: `before` or `after`, and its name.
    Each(Fails),
    /// This, at one point.
    One(usize, Fate),
}

/// What becomes of a handler at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is dropped.
    Dies,
    /// The call fails: without an effect, or with one that it does not hear of.
    Fails,
    /// It waits, while something else happens.
    Waits,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    passed: usize,
    cut_at: Option<String>,
}

/// How a future ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran<T> {
    /// It was dropped at its point.
    Cut,
    /// It ended before its point came.
    Done(T),
}

impl<T> Ran<T> {
    /// The output. Panics where the future was cut.
    pub fn unwrap(self) -> T {
        match self {
            Ran::Done(output) => output,
            Ran::Cut => panic!("the future was cut"),
        }
    }
}

impl Cutter {
    /// Dies at a point, counted from 0.
    pub fn at(point: usize) -> Self {
        Self::with(At::One(point, Fate::Dies))
    }

    /// Never dies.
    pub fn never() -> Self {
        Self::with(At::Never)
    }

    /// Never dies, and lets others run before each call: for handlers that a test interleaves.
    pub fn gives_way() -> Self {
        Self::failing(|_, _| false)
    }

    /// The same, with calls that fail: of each it is asked before its effect (`before`) and after it (`after`).
    pub fn failing(fails: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self::with(At::Each(Box::new(fails)))
    }

    fn with(at: At) -> Self {
        Self {
            at,
            state: Mutex::default(),
            reached: Notify::new(),
            resumed: Notify::new(),
        }
    }

    /// Runs a future until its end or until the point, where it is dropped. A cutter cuts once: later runs
    /// go to their end.
    pub async fn run<T>(&self, future: impl Future<Output = T>) -> Ran<T> {
        self.state.lock().unwrap().running = true;
        let ran = tokio::select! {
            biased;
            output = future => Ran::Done(output),
            () = self.reached.notified() => Ran::Cut,
        };
        self.state.lock().unwrap().running = false;
        ran
    }

    /// Runs a future to its end. At the point it waits until `meanwhile` has happened.
    pub async fn run_with<T>(&self, future: impl Future<Output = T>, meanwhile: impl AsyncFnOnce()) -> T {
        self.state.lock().unwrap().running = true;
        let mut future = pin!(future);
        let output = tokio::select! {
            biased;
            output = &mut future => output,
            () = self.reached.notified() => {
                meanwhile().await;
                self.resumed.notify_one();
                future.await
            }
        };
        self.state.lock().unwrap().running = false;
        output
    }

    /// The point that was reached, such as `after Trail::append`; `None` while it was not.
    pub fn cut_at(&self) -> Option<String> {
        self.state.lock().unwrap().cut_at.clone()
    }

    /// The points passed so far while something ran.
    pub fn passed(&self) -> usize {
        self.state.lock().unwrap().passed
    }

    /// One point: returns whether the call fails here, or never returns. For ports that [`Cut`] does not know.
    pub async fn point(&self, when: &str, call: &str) -> bool {
        let (at, fate) = match &self.at {
            At::Never => return false,
            At::Each(fails) => {
                if when == "before" {
                    give_way().await;
                }
                return fails(when, call);
            }
            At::One(at, fate) => (*at, *fate),
        };
        {
            let mut state = self.state.lock().unwrap();
            if !state.running || state.cut_at.is_some() {
                return false;
            }
            if at != state.passed {
                state.passed += 1;
                return false;
            }
            state.cut_at = Some(format!("{when} {call}"));
        }
        match fate {
            Fate::Fails => return true,
            Fate::Dies | Fate::Waits => self.reached.notify_one(),
        }
        if fate == Fate::Dies {
            std::future::pending::<()>().await;
        }
        self.resumed.notified().await;
        false
    }
}

impl fmt::Debug for Cutter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cutter")
            .field("cut_at", &self.cut_at())
            .finish_non_exhaustive()
    }
}

/// Pending once.
async fn give_way() {
    let mut gave_way = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs a scenario once for every point at which a handler can die, and at last once without.
/// Returns how many points there were. The scenario makes its world anew each time and runs its handler with
/// [`Cutter::run`]; a panic in it is preceded by a line that names the point.
pub async fn every_point(scenario: impl AsyncFnMut(&Cutter)) -> usize {
    every(Fate::Dies, scenario).await
}

/// The same, but that nothing dies: at each point in turn the call fails, reads as well as writes.
pub async fn every_failure(scenario: impl AsyncFnMut(&Cutter)) -> usize {
    every(Fate::Fails, scenario).await
}

/// The same, but that nothing dies or fails: at each point in turn something else happens, which the scenario gives to
/// [`Cutter::run_with`].
pub async fn every_moment(scenario: impl AsyncFnMut(&Cutter)) -> usize {
    every(Fate::Waits, scenario).await
}

async fn every(fate: Fate, mut scenario: impl AsyncFnMut(&Cutter)) -> usize {
    for point in 0..MOST_POINTS {
        let cutter = Cutter::with(At::One(point, fate));
        let named = Named(&cutter);
        scenario(&cutter).await;
        drop(named);
        if cutter.cut_at().is_none() {
            return point;
        }
    }
    panic!("the handler has more than {MOST_POINTS} points: it does not end");
}

/// Says at which point the handler had been when the scenario panicked.
struct Named<'a>(&'a Cutter);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            match self.0.cut_at() {
                Some(at) => eprintln!("the handler was met {at} (point {})", self.0.passed()),
                None => eprintln!("the handler was not met"),
            }
        }
    }
}
