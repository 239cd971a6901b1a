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

use std::fmt;
use std::future::Future;
use std::sync::Mutex;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use domain::action::Page;
use domain::inventory::{Change, Inventory, Setting, Target};
use domain::message::Hint;
use domain::permission::Directory;
use domain::ports::{
    ActError, Actuator, Brief, Bus, Clock, Conclusion, Gateway, Operators, Payloads, Queue, Reasoner, Topic,
    Trail, TrailError, Unavailable, View,
};
use domain::proposal::Permit;
use domain::telling::{Announcement, Concern, Row};
use domain::trail::{Entry, Record, Seq, StreamId, Verifier};
use domain::value::{Digest, ProposalId, Timestamp};
use tokio::sync::Notify;

/// Rounds after which [`every_point`] gives up: a handler with this many steps does not end.
const MOST_POINTS: usize = 2_000;

/// Decides at which point a handler dies. Points are counted only within [`Cutter::run`].
#[derive(Debug)]
pub struct Cutter {
    at: Option<usize>,
    gives_way: bool,
    state: Mutex<State>,
    reached: Notify,
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
        Self {
            at: Some(point),
            gives_way: false,
            state: Mutex::default(),
            reached: Notify::new(),
        }
    }

    /// Never dies.
    pub fn never() -> Self {
        Self {
            at: None,
            ..Self::at(0)
        }
    }

    /// Never dies, and lets others run before each call: for handlers that a test interleaves.
    pub fn gives_way() -> Self {
        Self {
            gives_way: true,
            ..Self::never()
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

    /// Where the future was dropped, such as `after Trail::append`; `None` while it was not.
    pub fn cut_at(&self) -> Option<String> {
        self.state.lock().unwrap().cut_at.clone()
    }

    /// The points passed so far within [`Cutter::run`].
    pub fn passed(&self) -> usize {
        self.state.lock().unwrap().passed
    }

    /// One point: returns, or never does. For ports that [`Cut`] does not know.
    pub async fn point(&self, when: &str, call: &str) {
        if self.gives_way && when == "before" {
            give_way().await;
        }
        {
            let mut state = self.state.lock().unwrap();
            if !state.running || state.cut_at.is_some() {
                return;
            }
            if self.at != Some(state.passed) {
                state.passed += 1;
                return;
            }
            state.cut_at = Some(format!("{when} {call}"));
        }
        self.reached.notify_one();
        std::future::pending().await
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
pub async fn every_point(mut scenario: impl AsyncFnMut(&Cutter)) -> usize {
    for point in 0..MOST_POINTS {
        let cutter = Cutter::at(point);
        let named = Named(&cutter);
        scenario(&cutter).await;
        drop(named);
        if cutter.cut_at().is_none() {
            return point;
        }
    }
    panic!("the handler has more than {MOST_POINTS} points: it does not end");
}

/// Says at which point the handler had been cut when the scenario panicked.
struct Named<'a>(&'a Cutter);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            match self.0.cut_at() {
                Some(at) => eprintln!("the handler was cut {at} (point {})", self.0.passed()),
                None => eprintln!("the handler was not cut"),
            }
        }
    }
}

/// A port whose calls a [`Cutter`] can cut, before and after their effect. Implements what `T` implements.
pub struct Cut<'a, T: ?Sized> {
    inner: &'a T,
    cutter: &'a Cutter,
}

impl<'a, T: ?Sized> Cut<'a, T> {
    /// The port, with points.
    pub fn new(inner: &'a T, cutter: &'a Cutter) -> Self {
        Self { inner, cutter }
    }

    async fn call<R>(&self, name: &str, call: impl Future<Output = R>) -> R {
        self.cutter.point("before", name).await;
        let reply = call.await;
        self.cutter.point("after", name).await;
        reply
    }
}

impl<T: ?Sized> fmt::Debug for Cut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut")
            .field("cutter", self.cutter)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<T: Trail + ?Sized> Trail for Cut<'_, T> {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        self.call("Trail::load", self.inner.load(stream)).await
    }

    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.call("Trail::last", self.inner.last(stream)).await
    }

    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        let name = format!("Trail::append of {} to {}", entry.kind, entry.stream);
        self.call(&name, self.inner.append(entry)).await
    }

    async fn streams_of(&self, hour: &str) -> Result<Vec<StreamId>, TrailError> {
        self.call("Trail::streams_of", self.inner.streams_of(hour)).await
    }

    async fn opened_in(&self, hour: &str) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.call("Trail::opened_in", self.inner.opened_in(hour)).await
    }

    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.call("Trail::newest", self.inner.newest(stream, most)).await
    }

    fn keys(&self) -> &dyn Verifier {
        self.inner.keys()
    }
}

#[async_trait]
impl<T: Clock + ?Sized> Clock for Cut<'_, T> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    async fn sleep(&self, time: Duration) {
        self.call("Clock::sleep", self.inner.sleep(time)).await;
    }
}

#[async_trait]
impl<T: Gateway + ?Sized> Gateway for Cut<'_, T> {
    async fn inventory(&self) -> Result<Inventory, Unavailable> {
        self.call("Gateway::inventory", self.inner.inventory()).await
    }
}

#[async_trait]
impl<T: Actuator + ?Sized> Actuator for Cut<'_, T> {
    fn request_ms(&self) -> u64 {
        self.inner.request_ms()
    }

    async fn read(&self, target: &Target) -> Result<Setting, Unavailable> {
        self.call("Actuator::read", self.inner.read(target)).await
    }

    async fn apply(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        let name = format!("Actuator::apply of {change}");
        self.call(&name, self.inner.apply(permit, change)).await
    }

    async fn revert(&self, permit: &Permit, change: &Change) -> Result<(), ActError> {
        let name = format!("Actuator::revert of {change}");
        self.call(&name, self.inner.revert(permit, change)).await
    }

    async fn page(&self, permit: &Permit, page: &Page, dedup_key: &str) -> Result<(), ActError> {
        self.call("Actuator::page", self.inner.page(permit, page, dedup_key))
            .await
    }
}

#[async_trait]
impl<T: Payloads + ?Sized> Payloads for Cut<'_, T> {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, Unavailable> {
        self.call("Payloads::put", self.inner.put(bytes)).await
    }

    async fn get(&self, digest: &Digest) -> Result<Vec<u8>, Unavailable> {
        self.call("Payloads::get", self.inner.get(digest)).await
    }
}

#[async_trait]
impl<T: Reasoner + ?Sized> Reasoner for Cut<'_, T> {
    async fn reason(&self, brief: &Brief<'_>) -> Result<Conclusion, Unavailable> {
        self.call("Reasoner::reason", self.inner.reason(brief)).await
    }
}

#[async_trait]
impl<T: Queue + ?Sized> Queue for Cut<'_, T> {
    async fn send(&self, hint: &Hint, delay: Duration) -> Result<(), Unavailable> {
        self.call("Queue::send", self.inner.send(hint, delay)).await
    }
}

#[async_trait]
impl<T: Bus + ?Sized> Bus for Cut<'_, T> {
    async fn publish(&self, announcements: &[Announcement]) -> Result<(), Unavailable> {
        self.call("Bus::publish", self.inner.publish(announcements)).await
    }
}

#[async_trait]
impl<T: Topic + ?Sized> Topic for Cut<'_, T> {
    async fn tell(&self, announcement: &Announcement, concern: Concern) -> Result<(), Unavailable> {
        self.call("Topic::tell", self.inner.tell(announcement, concern))
            .await
    }
}

#[async_trait]
impl<T: View + ?Sized> View for Cut<'_, T> {
    async fn put(&self, row: &Row) -> Result<(), Unavailable> {
        self.call("View::put", self.inner.put(row)).await
    }

    async fn announced(&self, proposal: &ProposalId) -> Result<Seq, Unavailable> {
        self.call("View::announced", self.inner.announced(proposal)).await
    }

    async fn open(&self) -> Result<Vec<ProposalId>, Unavailable> {
        self.call("View::open", self.inner.open()).await
    }

    async fn in_force(&self) -> Result<Vec<ProposalId>, Unavailable> {
        self.call("View::in_force", self.inner.in_force()).await
    }
}

#[async_trait]
impl<T: Operators + ?Sized> Operators for Cut<'_, T> {
    async fn directory(&self) -> Result<Directory, Unavailable> {
        self.call("Operators::directory", self.inner.directory()).await
    }
}
