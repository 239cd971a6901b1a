//! The ports that a handler calls, with points.

use std::fmt;
use std::future::Future;
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
use domain::telling::{Announcement, Concern, Notice, Row};
use domain::trail::{Entry, Record, Seq, StreamId, Verifier};
use domain::value::{Digest, ProposalId, Timestamp};

use super::Cutter;

/// How a port says that a call failed.
trait Lost {
    /// Nobody knows whether it had its effect.
    fn lost() -> Self;
}

impl Lost for Unavailable {
    fn lost() -> Self {
        Unavailable::new("it", "it failed, as the test asked")
    }
}

impl Lost for TrailError {
    fn lost() -> Self {
        Unavailable::lost().into()
    }
}

impl Lost for ActError {
    fn lost() -> Self {
        ActError::Unclear("the connection broke, as the test asked".to_owned())
    }
}

/// A port whose calls a [`Cutter`] can cut, or let fail, before and after their effect. Implements what `T` implements.
pub struct Cut<'a, T: ?Sized> {
    inner: &'a T,
    cutter: &'a Cutter,
}

impl<'a, T: ?Sized> Cut<'a, T> {
    /// The port, with points.
    pub fn new(inner: &'a T, cutter: &'a Cutter) -> Self {
        Self { inner, cutter }
    }

    async fn call<R, E: Lost>(&self, name: &str, call: impl Future<Output = Result<R, E>>) -> Result<R, E> {
        if self.cutter.point("before", name).await {
            return Err(E::lost());
        }
        let reply = call.await;
        if self.cutter.point("after", name).await {
            return Err(E::lost());
        }
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

    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, Seq)>, TrailError> {
        self.call("Trail::streams_of", self.inner.streams_of(hour)).await
    }

    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.call("Trail::opened_in", self.inner.opened_in(hour, since, most))
            .await
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
        // It cannot fail.
        self.cutter.point("before", "Clock::sleep").await;
        self.inner.sleep(time).await;
        self.cutter.point("after", "Clock::sleep").await;
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

    async fn get(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Unavailable> {
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

    async fn tell_of(&self, notice: &Notice) -> Result<(), Unavailable> {
        self.call("Topic::tell_of", self.inner.tell_of(notice)).await
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
