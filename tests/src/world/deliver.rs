//! The handlers, woken as the platform wakes them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use domain::message::Lane;
use domain::ports::{Clock, Queue, Trail, Unavailable};
use domain::telling::Announcement;
use domain::trail::Author;
use domain::value::Timestamp;
use housekeeping::Report;

use housekeeping::event_sources::EventSources;
use ingest_and_propose::investigate::Investigator;
use outbox::links::Links;
use runtime::link::LinkKey;
use runtime::queue::{DeadLetters, Delivery, Fault, batch};
use serde_json::json;
use testkit::keys::Writes;
use testkit::{Cut, Cutter, FixedCredential};

use super::slack::CutSlack;
use super::{Mail, VERIFY_AFTER_S, World, rules};

/// Deliveries after which a world does not come to rest by itself any more.
const MOST_TURNS: usize = 2_000;

/// The key of the links to proposals' pages.
pub(super) const LINK_KEY: &str = "the key of the links";

/// Where those pages are.
pub(super) const PAGES: &str = "https://pages.example";

/// The sources whose events are taken.
const SOURCES: &str = "llm-gateway";

/// The event sources that a pause switches off.
#[derive(Debug, Default)]
pub(super) struct Sources {
    off: AtomicBool,
    switched: AtomicUsize,
    away: AtomicBool,
}

struct CutSources<'a>(&'a Sources, &'a Cutter);

#[async_trait]
impl EventSources for CutSources<'_> {
    async fn set(&self, enabled: bool) -> Result<(), Unavailable> {
        let fails = self.1.point("before", "EventSources::set").await;
        if fails || self.0.away.load(Ordering::SeqCst) {
            return Err(Unavailable::new("Lambda", "it is down, as the test asked"));
        }
        if self.0.off.swap(!enabled, Ordering::SeqCst) == enabled {
            self.0.switched.fetch_add(1, Ordering::SeqCst);
        }
        if self.1.point("after", "EventSources::set").await {
            return Err(Unavailable::new("Lambda", "its reply is lost, as the test asked"));
        }
        Ok(())
    }
}

/// As whom the function behind a queue writes.
fn author(queue: Lane) -> Author {
    match queue {
        Lane::Ingest => Author::Ingest,
        Lane::Scoring => Author::Scoring,
        Lane::Execution | Lane::Restore | Lane::Verify => Author::Execution,
        Lane::Slack => Author::Notification,
        // It writes nothing: as this one, it could not.
        Lane::Announce | Lane::Outbox | Lane::Strays => Author::Archive,
        Lane::Housekeeping => Author::Housekeeping,
    }
}

impl World {
    /// Puts an event's text on the bus: its rules send it to their queues.
    pub fn route(&self, text: &str) {
        let event = serde_json::from_str(text).unwrap();
        for queue in rules::targets(&event) {
            self.queue(queue).send(text, Duration::ZERO);
        }
    }

    /// The event that the bus makes of an announcement.
    pub fn envelope(&self, announcement: &Announcement) -> String {
        json!({"version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": announcement.detail_type(),
               "source": "sre-agent", "account": "123456789012", "time": announcement.at,
               "region": "eu-central-1", "resources": [], "detail": announcement})
        .to_string()
    }

    /// Lets the bus deliver what was published. Returns whether there was anything.
    pub fn turn_bus(&self) -> bool {
        let published = self.bus.take();
        for announcement in &published {
            self.route(&self.envelope(announcement));
        }
        !published.is_empty()
    }

    /// Lets the stream wake the outbox. Returns whether there was anything new on the trail.
    pub async fn turn_stream(&self, cutter: &Cutter) -> bool {
        let from = self.streamed.load(Ordering::SeqCst);
        let written = self.trail.written();
        if from == written.len() {
            return false;
        }
        let records: Vec<_> = written[from..]
            .iter()
            .enumerate()
            .map(|(at, (stream, seq))| {
                json!({"eventName": "INSERT", "dynamodb": {"SequenceNumber": (from + at).to_string(),
                       "Keys": {"stream": {"S": stream.to_string()}, "seq": {"N": seq.to_string()}}}})
            })
            .collect();
        let link_secret = FixedCredential::new(LINK_KEY);
        let deps = outbox::Deps {
            trail: &Cut::new(&self.trail, cutter),
            bus: &Cut::new(&self.bus, cutter),
            topic: &Cut::new(&self.topic, cutter),
            view: &Cut::new(&self.view, cutter),
            links: &Links::new(&link_secret, PAGES),
            clock: &self.clock,
        };
        let batch = serde_json::from_value(json!({ "Records": records })).unwrap();
        if outbox::handle(&deps, batch).await.is_none() {
            self.streamed.store(written.len(), Ordering::SeqCst);
        }
        true
    }

    /// Lets the approval topic deliver what it was told. Returns whether there was anything new.
    pub fn turn_topic(&self) -> bool {
        let told = self.topic.told();
        let from = self.told.swap(told.len(), Ordering::SeqCst);
        let notices = self.topic.notices();
        let noticed = self.noticed.swap(notices.len(), Ordering::SeqCst);
        if self.routes.is_some() {
            let announcements = told[from..]
                .iter()
                .map(|(one, _)| serde_json::to_string(one).unwrap());
            let noticed = notices[noticed..]
                .iter()
                .map(|one| serde_json::to_string(one).unwrap());
            for message in announcements.chain(noticed) {
                let notification = json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:sre-approvals",
                                          "MessageId": "1", "Message": message});
                self.queue(Lane::Slack)
                    .send(&notification.to_string(), Duration::ZERO);
            }
        }
        told.len() > from || notices.len() > noticed
    }

    /// Loses what the stream would bring now, as where its retries are used up.
    pub fn lose_stream(&self) {
        self.streamed.store(self.trail.written().len(), Ordering::SeqCst);
    }

    /// Receives one message of a queue, if one is due, and works it. Returns whether one was.
    pub async fn deliver(&self, from: Lane, cutter: &Cutter) -> bool {
        let Some(mail) = self.queue(from).receive() else {
            return false;
        };
        self.work(from, &mail, cutter).await;
        true
    }

    /// Works one message as its function does, and acknowledges it if it was worked.
    pub async fn work(&self, from: Lane, mail: &Mail, cutter: &Cutter) {
        let event: SqsEvent = serde_json::from_value(json!({ "Records": [{
            "messageId": mail.id.to_string(),
            "body": mail.body,
            "attributes": {"ApproximateReceiveCount": mail.receives.to_string()},
            "eventSourceARN": format!("arn:aws:sqs:eu-central-1:123456789012:sre-{}", from.name()),
        }] }))
        .unwrap();
        let mailbox = self.queue(from);
        let dead_letters = |_: &SqsMessage| -> &dyn DeadLetters { mailbox };
        let handle = async |delivery: Delivery<'_>, message: &SqsMessage| {
            Box::pin(self.handle(from, message.event_source_arn.as_deref(), delivery, cutter)).await
        };
        let response = batch(event, from, dead_letters, handle).await;
        if response.batch_item_failures.is_empty() {
            mailbox.acknowledge(mail.id);
        }
    }

    /// The handler of a queue, on one delivery.
    pub async fn handle(
        &self,
        from: Lane,
        arn: Option<&str>,
        delivery: Delivery<'_>,
        cutter: &Cutter,
    ) -> Result<(), Fault> {
        let cut = Cut::new(&self.trail, cutter);
        let trail = &Writes::by(author(from), &cut);
        let clock = &Cut::new(&self.clock, cutter);
        let gateway = &Cut::new(&self.reading, cutter);
        match from {
            Lane::Ingest => {
                let investigator = Investigator {
                    models: &self.models,
                    settings: &self.settings,
                    breakers: &self.breakers,
                    runbook: &self.runbook,
                    trail,
                    transcripts: &Cut::new(&self.transcripts, cutter),
                    clock,
                };
                let scripted = Cut::new(&*self.reasoner, cutter);
                let deps = ingest_and_propose::Deps {
                    trail,
                    incidents: &self.incidents,
                    payloads: &Cut::new(&self.payloads, cutter),
                    gateway,
                    reasoner: match self.models.as_slice() {
                        [] => &scripted,
                        _ => &investigator,
                    },
                    clock,
                    deployment: &self.deployment,
                    sources: &ingest_and_propose::sources::Sources::parse(
                        &[SOURCES.to_owned()],
                        &self.source_orgs,
                    )
                    .unwrap(),
                    deadline: self
                        .clock
                        .now()
                        .plus_seconds(rules::seconds("IngestAndPropose", "Timeout")),
                    lease_s: rules::seconds("IngestAndPropose", "Timeout")
                        + ingest_and_propose::LEASE_MARGIN_S,
                };
                // On the heap: together the handlers' futures are larger than a test's stack.
                Box::pin(ingest_and_propose::handle(&deps, delivery)).await
            }
            Lane::Scoring => {
                let deps = scoring::Deps {
                    trail,
                    policies: &self.policies,
                    deployment: &self.deployment,
                    clock,
                };
                Box::pin(scoring::handle(&deps, delivery)).await
            }
            Lane::Execution | Lane::Restore | Lane::Verify => {
                let deps = execution::Deps {
                    trail,
                    incidents: &self.incidents,
                    gateway,
                    actuator: &Cut::new(&self.acting, cutter),
                    again: &Cut::new(self.queue(Lane::Execution), cutter),
                    restores: &Cut::new(self.queue(Lane::Restore), cutter),
                    verifications: &Cut::new(self.queue(Lane::Verify), cutter),
                    policies: &self.policies,
                    deployment: &self.deployment,
                    operators: &Cut::new(&self.operators, cutter),
                    clock,
                    lease_s: rules::seconds("Execution", "Timeout") + execution::LEASE_MARGIN_S,
                    verify_after_s: VERIFY_AFTER_S,
                };
                let lane = arn.and_then(Lane::of_queue).unwrap();
                Box::pin(execution::handle(&deps, lane, delivery)).await
            }
            Lane::Announce => {
                let link_secret = FixedCredential::new(LINK_KEY);
                let deps = outbox::Deps {
                    trail,
                    bus: &Cut::new(&self.bus, cutter),
                    topic: &Cut::new(&self.topic, cutter),
                    view: &Cut::new(&self.view, cutter),
                    links: &Links::new(&link_secret, PAGES),
                    clock: &self.clock,
                };
                Box::pin(outbox::handle_hint(&deps, delivery)).await
            }
            Lane::Slack => {
                let deps = notification::Deps {
                    trail,
                    policies: &self.policies,
                    deployment: &self.deployment,
                    operators: &Cut::new(&self.operators, cutter),
                    slack: &CutSlack(&self.slack, cutter),
                    routes: self.routes.as_ref(),
                    again: &Cut::new(self.queue(Lane::Slack), cutter),
                    links: &LinkKey::new(LINK_KEY.to_owned()).unwrap(),
                    pages: PAGES,
                    clock,
                };
                Box::pin(notification::handle(&deps, delivery)).await
            }
            Lane::Outbox | Lane::Housekeeping | Lane::Strays => panic!("{from} has no queue"),
        }
    }

    /// One run of housekeeping.
    pub async fn keep_house(&self, cutter: &Cutter) -> Result<Report, String> {
        let queue = |name| Cut::new(self.queue(name), cutter);
        let slack = queue(Lane::Slack);
        let trail = Cut::new(&self.trail, cutter);
        let deps = housekeeping::Deps {
            trail: &Writes::by(Author::Housekeeping, &trail),
            view: &Cut::new(&self.view, cutter),
            ingest: &queue(Lane::Ingest) as &dyn Queue,
            scoring: &queue(Lane::Scoring),
            execution: &queue(Lane::Execution),
            restores: &queue(Lane::Restore),
            verifications: &queue(Lane::Verify),
            announcements: &queue(Lane::Announce),
            slack: self.routes.as_ref().map(|_| &slack as &dyn Queue),
            sources: &CutSources(&self.sources, cutter),
            rested: &self.rested,
            clock: &Cut::new(&self.clock, cutter),
            agent_enabled: self.enabled,
            verify_after_s: VERIFY_AFTER_S,
            budget_s: 40,
        };
        let report = housekeeping::handle(&deps).await;
        for name in [Lane::Scoring, Lane::Execution] {
            self.queue(name).switch(!self.sources.off.load(Ordering::SeqCst));
        }
        report.map_err(|err| format!("{err:#}"))
    }

    /// How often housekeeping switched the event sources.
    pub fn sources_switched(&self) -> usize {
        self.sources.switched.load(Ordering::SeqCst)
    }

    /// From now on Lambda's control plane does not answer.
    pub fn lose_event_sources(&self) {
        self.sources.away.store(true, Ordering::SeqCst);
    }

    /// Delivers whatever can be delivered now, until nothing can.
    pub async fn run_until_quiet(&self) {
        self.run_until_quiet_by(&Cutter::never()).await;
    }

    async fn run_until_quiet_by(&self, cutter: &Cutter) {
        for _ in 0..MOST_TURNS {
            // On the heap, as the handlers' futures: a test's stack is small.
            let mut moved = Box::pin(self.turn_stream(cutter)).await;
            moved |= self.turn_bus();
            moved |= self.turn_topic();
            for queue in Lane::QUEUES {
                moved |= Box::pin(self.deliver(queue, cutter)).await;
            }
            if !moved {
                return;
            }
        }
        panic!("the world does not come to rest:\n{}", self.story().await);
    }

    /// Lets time pass: messages become due, and housekeeping runs every minute.
    pub async fn pass(&self, time: Duration) {
        self.pass_by(time, &Cutter::never()).await;
    }

    /// The same, with points at which something may become of the handlers, other than their death.
    pub async fn pass_by(&self, time: Duration, cutter: &Cutter) {
        let end = self
            .clock
            .now()
            .plus_millis(u64::try_from(time.as_millis()).unwrap());
        self.run_until_quiet_by(cutter).await;
        for _ in 0..MOST_TURNS {
            let now = self.clock.now();
            if now >= end {
                return;
            }
            let dues = self.queues.iter().filter_map(|queue| queue.next_due());
            let minute = self.next_minute();
            let next = dues.chain([minute, end]).min().unwrap_or(end).max(now);
            self.clock.set(next);
            if self.housekeeping && next >= minute {
                *self.minute.lock().unwrap() = next.as_seconds() / 60;
                let kept = self.keep_house(cutter).await;
                // A run that met a failure says so, and comes again in a minute.
                assert!(kept.is_ok() || cutter.cut_at().is_some(), "{kept:?}");
            }
            self.run_until_quiet_by(cutter).await;
        }
        panic!("time does not pass:\n{}", self.story().await);
    }

    /// [`World::pass`], in seconds.
    pub async fn advance(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds)).await;
    }

    /// Lets time pass until no message is left and nothing more will happen; at most two hours.
    pub async fn settle(&self) {
        for _ in 0..120 {
            self.run_until_quiet().await;
            let idle = self.queues.iter().all(super::Mailbox::is_empty);
            if idle && self.all_settled().await {
                return;
            }
            self.advance(60).await;
        }
        panic!("not settled in two hours:\n{}", self.story().await);
    }

    /// Whether nothing more will happen to any proposal by itself.
    pub async fn all_settled(&self) -> bool {
        for id in self.proposals() {
            if self.glance(&id).await.settled_at().is_none() {
                return false;
            }
        }
        true
    }

    fn next_minute(&self) -> Timestamp {
        if !self.housekeeping {
            return Timestamp::from_millis(i64::MAX);
        }
        let minute = *self.minute.lock().unwrap();
        Timestamp::from_millis((minute + 1) * 60_000)
    }

    /// How long one of a function's messages stays invisible, and so comes back if the function dies.
    pub fn visibility(&self) -> Duration {
        Duration::from_secs(rules::seconds("Execution", "Visibility"))
    }

    /// The trail as a port that the test itself reads.
    pub fn port(&self) -> &dyn Trail {
        &self.trail
    }
}
