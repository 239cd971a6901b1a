//! Many who write to one stream at once, over the real adapter and a DynamoDB in the test's own process.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use adapters::SystemClock;
use async_trait::async_trait;
use domain::ports::{Clock, Trail, TrailError};
use domain::proposal::{Commented, Decision, Proposal, ProposalFact, State};
use domain::trail::{
    Actor, Control, ControlFact, Entry, Record, SpendFact, StreamId, Verifier, limit, spend, verify_chain,
};
use domain::value::{Micros, ProposalId, Timestamp};
use futures::future::join_all;
use testkit::story::{Story, breaks};
use testkit::{Dynamo, FrozenClock, MemoryTrail, Proxy, Trouble, sample};
use trail::{Advanced, Extended, Next, Stream, advance, extend, load_proposal};

/// Waits are real; time passes at a twentieth of its pace, since this DynamoDB is not optimised and has the tests' own
/// processor.
struct Unhurried(Instant);

impl Default for Unhurried {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for Unhurried {
    fn now(&self) -> Timestamp {
        let ms = self.0.elapsed().as_millis() / 20;
        sample::now()
            .plus_seconds(60)
            .plus_millis(u64::try_from(ms).unwrap())
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn proposal_id(generation: u32) -> ProposalId {
    ProposalId::new(sample::provider_unhealthy("openai").fingerprint(), generation)
}

fn spending() -> Stream {
    Stream {
        id: spend::stream(sample::now()),
        actor: Actor::Agent,
        expires_at: Some(4_000_000_000),
        stops_at_forged: false,
    }
}

fn comment(text: impl ToString) -> ProposalFact {
    ProposalFact::Commented(Commented {
        text: text.to_string(),
    })
}

/// A proposal on the trail that waits for one person.
async fn waiting(trail: &dyn Trail) -> Proposal {
    let story = Story::awaiting(breaks());
    let mut last: Option<Record> = None;
    for entry in story.entries() {
        // Digests are others here: writers have names of their own.
        let prev = last.as_ref().map(|last| last.digest);
        let entry = Entry {
            prev,
            ..entry.clone()
        };
        last = Some(trail.append(entry).await.unwrap());
    }
    let id = story.proposal().id();
    load_proposal(trail, id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_reserve_money_of_one_day_at_once_and_the_cap_holds() {
    let dynamo = Dynamo::start().await;
    let reserves = (1..=60).map(|generation| {
        let trail = dynamo.trail();
        tokio::spawn(async move {
            let (id, amount) = (proposal_id(generation), Micros(10));
            let day = spend::Day {
                cap: Micros(450),
                runs_per_trouble: 100,
            };
            let decide = |records: &[Record], _| {
                Ok(match spend::reserve(records, &id, amount, day)? {
                    Ok(fact) => Next::Append(fact),
                    Err(spent) => Next::Refuse(spent),
                })
            };
            extend(&trail, &Unhurried::default(), &spending(), decide)
                .await
                .unwrap()
        })
    });
    let outcomes = join_all(reserves).await;
    let mut reserved = 0;
    for outcome in outcomes {
        match outcome.unwrap() {
            Extended::Appended { .. } => reserved += 1,
            Extended::Refused(spent) => assert_eq!(spent, spend::Full::Money(Micros(450))),
            Extended::Nothing => panic!("neither reserved nor refused"),
        }
    }
    assert_eq!(reserved, 45, "the cap holds exactly");
    let records = dynamo.trail().load(&spending().id).await.unwrap();
    assert_eq!(records.len(), 45);
    verify_chain(&records).unwrap();
    assert_eq!(spend::total(&records), Ok(Micros(450)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_forty_who_take_the_last_slots_as_many_get_one_as_there_are() {
    let dynamo = Dynamo::start().await;
    let takes = (1..=40).map(|generation| {
        let trail = dynamo.trail();
        tokio::spawn(async move {
            let stream = Stream {
                id: StreamId::Limit {
                    name: "automatic".to_owned(),
                    window: sample::now().hour(),
                },
                actor: Actor::System,
                expires_at: Some(4_000_000_000),
                stops_at_forged: false,
            };
            let id = proposal_id(generation);
            let decide = |records: &[Record], _| {
                Ok(match limit::take(records, &id, 7) {
                    Ok(Some(fact)) => Next::Append(fact),
                    Ok(None) => Next::Nothing,
                    Err(used) => Next::Refuse(used),
                })
            };
            extend(&trail, &Unhurried::default(), &stream, decide)
                .await
                .unwrap()
        })
    });
    let taken = join_all(takes).await.into_iter().filter(|outcome| {
        let outcome = outcome.as_ref().unwrap();
        assert!(!matches!(outcome, Extended::Nothing));
        matches!(outcome, Extended::Appended { .. })
    });
    assert_eq!(taken.count(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_decisions_one_closes_the_proposal_and_the_others_see_it() {
    let dynamo = Dynamo::start().await;
    let proposal = waiting(&dynamo.trail()).await;
    let scored = match proposal.state() {
        State::AwaitingApproval(waiting) => waiting.scored,
        other => panic!("{}", other.name()),
    };
    let decides = (0..50).map(|number| {
        let (trail, proposal) = (dynamo.trail(), proposal.clone());
        tokio::spawn(async move {
            let clock = Unhurried::default();
            let rejected = ProposalFact::Rejected(domain::proposal::Rejected {
                scored,
                policy: domain::value::Digest::of(b"policy"),
                extension: None,
                reason: None,
                decider: None,
            });
            let decide = |current: &Proposal, _| match current.state() {
                // Half of them only comment: that changes no state, and keeps the others going.
                _ if number % 2 == 0 => Next::Append(comment(number)),
                State::AwaitingApproval(_) => Next::Append(rejected.clone()),
                state => Next::Refuse(state.name()),
            };
            let actor = testkit::story::person(&format!("person-{number}"));
            advance(&trail, &clock, proposal, &actor, decide).await.unwrap()
        })
    });
    let (mut commented, mut rejected) = (0, 0);
    for outcome in join_all(decides).await {
        match outcome.unwrap() {
            Advanced::Appended(after) if after.last().kind == "commented" => commented += 1,
            Advanced::Appended(_) => rejected += 1,
            Advanced::Refused(state) => assert_eq!(state, "rejected"),
            Advanced::Nothing(_) => panic!("nothing was asked for"),
        }
    }
    assert_eq!((commented, rejected), (25, 1));
    let records = dynamo.trail().load(&proposal.last().stream).await.unwrap();
    assert_eq!(records.len(), 3 + 25 + 1);
    verify_chain(&records).unwrap();
    Proposal::replay(&records).unwrap();
}

#[tokio::test]
async fn a_slow_clock_makes_no_illegal_record() {
    let dynamo = Dynamo::start().await;
    let trail = dynamo.trail();
    let proposal = waiting(&trail).await;
    let last = proposal.last().at;
    let slow = FrozenClock::at(last.minus_seconds(3600));
    let decide = |_: &Proposal, now: Timestamp| {
        assert_eq!(
            now, last,
            "what is decided is decided at the time that is recorded"
        );
        Next::<_, Infallible>::Append(comment("late"))
    };
    let Advanced::Appended(after) = advance(&trail, &slow, proposal, &Actor::System, decide)
        .await
        .unwrap()
    else {
        panic!("not appended")
    };
    assert_eq!(after.last().at, last);

    let control = Stream::endless(StreamId::Control, Actor::System);
    let flips = async |clock: &FrozenClock, pause: bool| {
        let decide = |records: &[Record], now| {
            let control = Control::read(records.last())?;
            let fact = if pause {
                control.pause("a test", now)
            } else {
                control.resume(now)
            };
            Ok(fact.map_or(Next::Nothing::<_, Infallible>, Next::Append))
        };
        extend(&trail, clock, &control, decide).await.unwrap()
    };
    flips(&FrozenClock::at(last), true).await;
    flips(&slow, false).await;
    let records = trail.load(&StreamId::Control).await.unwrap();
    assert_eq!(records[1].at, records[0].at);
    let Control { switches, .. } = Control::read(records.last()).unwrap();
    assert_eq!((switches.paused, switches.paused_total_ms), (None, 0));
}

#[tokio::test]
async fn a_reply_that_is_lost_after_the_commit_appends_once() {
    let dynamo = Dynamo::start().await;
    let proxy = Proxy::before(&dynamo).await;
    let proposal = waiting(&dynamo.trail()).await;
    proxy.on("ExecuteStatement", 1, Trouble::CutReply);
    let decide = |_: &Proposal, _| Next::<_, Infallible>::Append(comment("once"));
    let id = proposal.id().clone();
    let advanced = advance(&proxy.trail(), &SystemClock, proposal, &Actor::System, decide).await;
    assert!(matches!(advanced, Ok(Advanced::Appended(_))));
    let records = dynamo.trail().load(&StreamId::Proposal(id)).await.unwrap();
    assert_eq!(records.len(), 4);
}

/// A trail on which somebody else is always quicker.
struct Crowded {
    records: MemoryTrail,
    tried: AtomicUsize,
}

#[async_trait]
impl Trail for Crowded {
    async fn load(&self, stream: &StreamId) -> Result<Vec<Record>, TrailError> {
        self.records.load(stream).await
    }
    async fn last(&self, stream: &StreamId) -> Result<Option<Record>, TrailError> {
        self.records.last(stream).await
    }
    async fn append(&self, entry: Entry) -> Result<Record, TrailError> {
        self.tried.fetch_add(1, Ordering::SeqCst);
        let (stream, seq) = (entry.stream, entry.seq);
        Err(TrailError::Conflict { stream, seq })
    }
    async fn streams_of(&self, hour: &str) -> Result<Vec<(StreamId, domain::trail::Seq)>, TrailError> {
        self.records.streams_of(hour).await
    }
    async fn opened_in(
        &self,
        hour: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<(StreamId, Timestamp)>, TrailError> {
        self.records.opened_in(hour, since, most).await
    }
    async fn newest(&self, stream: &StreamId, most: usize) -> Result<Vec<Record>, TrailError> {
        self.records.newest(stream, most).await
    }
    fn keys(&self) -> &dyn Verifier {
        self.records.keys()
    }
}

#[tokio::test]
async fn whoever_is_always_outrun_gives_up_after_a_while_and_says_so() {
    let crowded = Crowded {
        records: MemoryTrail::new(),
        tried: AtomicUsize::new(0),
    };
    let clock = FrozenClock::default();
    let began = clock.now();
    let decide = |_: &[Record], _| {
        Ok(Next::<_, Infallible>::Append(SpendFact::Settled {
            reservation: 1,
            amount: Micros(1),
        }))
    };
    let outrun = extend(&crowded, &clock, &spending(), decide).await.unwrap_err();
    assert!(matches!(outrun, TrailError::Outrun(_)), "{outrun}");
    let waited = Duration::from_millis(clock.now().millis_since(began));
    assert!((10..11).contains(&waited.as_secs()), "{waited:?}");
    // It neither hammers the table nor sleeps its time away.
    let tried = crowded.tried.load(Ordering::SeqCst);
    assert!((20..500).contains(&tried), "{tried} tries");

    let story = Story::scored(breaks(), Decision::Gate);
    story.write_to(&crowded.records);
    let decide = |_: &Proposal, _| Next::<_, Infallible>::Append(comment("never"));
    let proposal = story.proposal().clone();
    let outrun = advance(&crowded, &clock, proposal, &Actor::System, decide)
        .await
        .unwrap_err();
    assert_eq!(
        outrun.to_string(),
        format!(
            "others keep writing to {}: nothing was appended, try again",
            story.last().stream
        )
    );
}

#[tokio::test]
async fn what_is_not_legal_is_no_reason_to_try_again() {
    let trail = MemoryTrail::new();
    let story = Story::rejected(breaks());
    story.write_to(&trail);
    let decide = |_: &Proposal, _| {
        Next::<_, Infallible>::Append(ProposalFact::Unknown(domain::proposal::Unclear {
            cause: "of the test".to_owned(),
        }))
    };
    let proposal = story.proposal().clone();
    let refused = advance(&trail, &FrozenClock::default(), proposal, &Actor::Agent, decide).await;
    assert!(matches!(refused, Err(TrailError::Corrupt(_))));
    assert_eq!(trail.records(&story.last().stream).len(), story.records().len());
}

#[tokio::test]
async fn only_the_last_record_of_a_stream_that_never_ends_is_seen() {
    let trail = MemoryTrail::new();
    let control = Stream::endless(StreamId::Control, Actor::System);
    let clock = FrozenClock::default();
    for pause in [true, false, true] {
        let decide = |records: &[Record], now| {
            assert!(records.len() <= 1);
            let control = Control::read(records.last())?;
            let fact = if pause {
                control.pause("a test", now)
            } else {
                control.resume(now)
            };
            Ok(fact.map_or(Next::Nothing::<ControlFact, Infallible>, Next::Append))
        };
        let extended = extend(&trail, &clock, &control, decide).await.unwrap();
        let Extended::Appended { record, after } = extended else {
            panic!("nothing changed")
        };
        assert_eq!(
            after.last().map(|last| last.seq),
            Some(record.seq - 1).filter(|seq| *seq > 0)
        );
    }
}
