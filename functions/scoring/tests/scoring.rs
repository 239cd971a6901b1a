//! Scoring: every proposal that waits for a score gets one, whatever else lies on the queue.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::message::hint;
use domain::policy::{Freeze, LocalTime};
use domain::ports::{Clock, TrailError};
use domain::proposal::{Decision, ProposalFact, Scored};
use domain::trail::{Actor, Control, Entry, Fact, Record, StreamId, Switches};
use domain::value::{Deployment, Timestamp};
use runtime::env::{BadVariable, Env};
use runtime::queue::{Delivery, Fault};
use scoring::config::Config;
use scoring::{Deps, handle};
use testkit::environment;
use testkit::story::{Story, breaks, pages, second};
use testkit::{FixedPolicies, FrozenClock, MemoryTrail, sample};

/// Works one message at second 20 of the story.
async fn work(trail: &MemoryTrail, deployment: &Deployment, body: &str) -> Result<(), Fault> {
    work_under(trail, &FixedPolicies::default(), deployment, body).await
}

/// The same under another policy.
async fn work_under(
    trail: &MemoryTrail,
    policies: &FixedPolicies,
    deployment: &Deployment,
    body: &str,
) -> Result<(), Fault> {
    let clock = FrozenClock::at(second(20));
    let deps = Deps {
        trail,
        policies,
        deployment,
        clock: &clock,
    };
    handle(&deps, Delivery { body, receives: 1 }).await
}

fn on_trail(story: &Story) -> MemoryTrail {
    let trail = MemoryTrail::new();
    story.write_to(&trail);
    trail
}

/// The score that a proposal got.
async fn scored(story: &Story, deployment: &Deployment) -> Scored {
    scored_under(story, &FixedPolicies::default(), deployment).await
}

/// The same under another policy.
async fn scored_under(story: &Story, policies: &FixedPolicies, deployment: &Deployment) -> Scored {
    let trail = on_trail(story);
    let hint = hint(story.proposal().id());
    work_under(&trail, policies, deployment, &hint).await.unwrap();
    let record = trail.records(&story.last().stream).pop().unwrap();
    match ProposalFact::read(&record).unwrap() {
        ProposalFact::Scored(scored) => scored,
        other => panic!("not scored: {other:?}"),
    }
}

#[tokio::test]
async fn above_the_threshold_or_with_auto_approve_off_somebody_is_asked() {
    // A page has a risk of 35.
    let story = Story::proposed(pages());
    for (threshold, auto_approve, decision) in [
        (34, true, Decision::Gate),
        (35, true, Decision::Auto),
        (36, true, Decision::Auto),
        (34, false, Decision::Gate),
        (35, false, Decision::Gate),
        (36, false, Decision::Gate),
        (0, true, Decision::Gate),
        (100, true, Decision::Auto),
    ] {
        let deployment = Deployment {
            risk_threshold: threshold,
            auto_approve,
            ..Deployment::default()
        };
        let scored = scored(&story, &deployment).await;
        assert_eq!(
            (scored.score, scored.decision),
            (35, decision),
            "{threshold} {auto_approve}"
        );
        assert_eq!((scored.threshold, scored.auto_approve), (threshold, auto_approve));
        assert_eq!(scored.policy, FixedPolicies::default().get().digest);
        assert_eq!(scored.deadline.is_some(), decision == Decision::Gate);
        assert_eq!(scored.valid_until.is_some(), decision == Decision::Auto);
    }
}

#[tokio::test]
async fn an_action_in_the_shadow_is_scored_and_goes_nowhere() {
    let deployment = Deployment {
        auto_approve: true,
        ..Deployment::default()
    };
    let policies = FixedPolicies::default();
    policies.change(|in_force| in_force.policy.shadow = BTreeSet::from([breaks().kind()]));
    let decided = async |story| scored_under(&story, &policies, &deployment).await.decision;
    assert_eq!(decided(Story::proposed(breaks())).await, Decision::Shadow);
    assert_eq!(decided(Story::proposed(pages())).await, Decision::Auto);
}

#[tokio::test]
async fn where_automatic_execution_was_switched_off_somebody_is_asked() {
    let story = Story::proposed(breaks());
    let trail = on_trail(&story);
    let off = Control::default().switches;
    let fact = domain::trail::ControlFact::AutomaticOff(Switches {
        automatic_off: Some("a bad week".to_owned()),
        ..off
    });
    let entry = Entry::next(StreamId::Control, None, second(15), Actor::System, &fact, None);
    trail.insert(entry).unwrap();
    let deployment = Deployment {
        auto_approve: true,
        ..Deployment::default()
    };
    work(&trail, &deployment, &hint(story.proposal().id()))
        .await
        .unwrap();
    let record = trail.records(&story.last().stream).pop().unwrap();
    assert!(
        record.body.contains("\"gate\"") && record.body.contains("a bad week"),
        "{}",
        record.body
    );
}

#[tokio::test]
async fn a_score_that_is_there_is_not_given_again() {
    for story in Story::in_every_state() {
        let trail = on_trail(&story);
        for _ in 0..2 {
            work(&trail, &Deployment::default(), &hint(story.proposal().id()))
                .await
                .unwrap();
        }
        let added = trail.records(&story.last().stream).len() - story.records().len();
        assert_eq!(
            added,
            usize::from(story.state() == "proposed"),
            "{}",
            story.state()
        );
    }
}

#[tokio::test]
async fn two_that_score_at_once_leave_one_score() {
    let story = Story::proposed(breaks());
    let trail = on_trail(&story);
    let rival = Story::awaiting(breaks());
    let entry = story.proposal().entry(
        second(20),
        Actor::Agent,
        &ProposalFact::read(rival.last()).unwrap(),
    );
    trail.before_next_append(move |trail| drop(trail.insert(entry.unwrap()).unwrap()));
    work(&trail, &Deployment::default(), &hint(story.proposal().id()))
        .await
        .unwrap();
    assert_eq!(
        trail.kinds(&story.last().stream),
        ["received", "proposed", "scored"]
    );
}

/// A clock on which a minute passes each time that somebody looks.
struct Ticking(AtomicU64);

#[async_trait]
impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        second(20 + 60 * self.0.fetch_add(1, Ordering::SeqCst))
    }

    async fn sleep(&self, _: Duration) {}
}

/// Works a page on such a clock, where it may run by itself; gives the record that was added.
async fn work_slowly(policies: &FixedPolicies) -> (Result<(), Fault>, Option<Record>) {
    let story = Story::proposed(pages());
    let trail = on_trail(&story);
    let deployment = Deployment {
        auto_approve: true,
        ..Deployment::default()
    };
    let deps = Deps {
        trail: &trail,
        policies,
        deployment: &deployment,
        clock: &Ticking(AtomicU64::new(0)),
    };
    let body = hint(story.proposal().id());
    let worked = handle(
        &deps,
        Delivery {
            body: &body,
            receives: 1,
        },
    )
    .await;
    let added = trail
        .records(&story.last().stream)
        .split_off(story.records().len());
    (worked, added.into_iter().next())
}

#[tokio::test]
async fn a_score_is_of_the_instant_of_its_record_however_long_it_took() {
    let (worked, record) = work_slowly(&FixedPolicies::default()).await;
    worked.unwrap();
    let record = record.unwrap();
    let ProposalFact::Scored(scored) = ProposalFact::read(&record).unwrap() else {
        panic!("it is scored");
    };
    assert_eq!(scored.decision, Decision::Auto);
    assert_eq!(scored.valid_until, Some(record.at.plus_seconds(900)));
}

#[tokio::test]
async fn what_may_run_by_itself_only_since_a_moment_ago_is_scored_later_with_its_slots() {
    let policies = FixedPolicies::default();
    let time = |text: &str| LocalTime::try_from(text.to_owned()).unwrap();
    // It is over between the first look at the clock and the record.
    let freeze = Freeze {
        name: "release".to_owned(),
        from: time("2026-11-22T09:00"),
        to: time("2026-11-22T10:01"),
    };
    policies.change(|in_force| in_force.policy.freeze = vec![freeze]);
    let (worked, record) = work_slowly(&policies).await;
    assert!(matches!(worked, Err(Fault::Later(_))), "{worked:?}");
    assert_eq!(record, None);
}

#[tokio::test]
async fn a_trail_that_is_down_is_tried_again() {
    let story = Story::proposed(breaks());
    let trail = on_trail(&story);
    trail.outages.next(1);
    let fault = work(&trail, &Deployment::default(), &hint(story.proposal().id()))
        .await
        .unwrap_err();
    assert!(matches!(fault, Fault::Retry(_)), "{fault:?}");
    trail.outages.next_replies(1);
    let fault = work(&trail, &Deployment::default(), &hint(story.proposal().id()))
        .await
        .unwrap_err();
    let Fault::Retry(err) = fault else {
        panic!("{fault:?}")
    };
    assert!(matches!(err.downcast_ref(), Some(TrailError::Unavailable(_))));
    work(&trail, &Deployment::default(), &hint(story.proposal().id()))
        .await
        .unwrap();
    assert_eq!(
        trail.kinds(&story.last().stream),
        ["received", "proposed", "scored"]
    );
}

#[tokio::test]
async fn what_can_never_be_scored_is_poison_with_its_reason() {
    let trail = MemoryTrail::new();
    let id = sample::proposal_of(&sample::provider_unhealthy("openai"));
    for (body, words) in [
        (
            hint(&id),
            format!("there is no proposal {id}: its stream has no records"),
        ),
        (
            sample::provider_unhealthy_text("openai"),
            "an incident event does not belong on this queue".to_owned(),
        ),
        ("{}".to_owned(), "detail: is missing".to_owned()),
        ("<xml/>".to_owned(), "message: is not JSON".to_owned()),
    ] {
        let fault = work(&trail, &Deployment::default(), &body).await.unwrap_err();
        let Fault::Poison(reason) = fault else {
            panic!("{fault:?}")
        };
        assert!(reason.starts_with(&words), "{reason}");
    }
}

const COMPLETE: environment::Table<'static> = &[
    ("TRAIL_TABLE", "sre_actions"),
    ("STACK_NAME", "sre-agent"),
    ("DECISION_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/d"),
    ("OPERATOR_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/o"),
    ("KEY_BUCKET", "policies"),
    ("POLICY_BUCKET", "policies"),
    ("SCORING_DLQ_URL", "https://sqs/dlq"),
    ("SRE_RISK_THRESHOLD", "40"),
    ("SRE_AUTO_APPROVE", "false"),
    ("LICENSE_TIER", "enterprise"),
    ("APPROVAL_DEADLINE_S", "1800"),
    ("APPROVAL_VALID_S", "900"),
    ("APPROVAL_VETO_S", "0"),
    ("CORRELATION_WINDOW_S", "900"),
    ("MAX_BUDGET_CAP", "10000.00"),
    ("MAX_RPM", "10000"),
    ("MAX_TPM", "10000000"),
];

fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, BadVariable> {
    Config::from(&Env::new(lookup))
}

#[test]
fn a_complete_environment_is_taken() {
    let config = read(&environment::complete(COMPLETE)).unwrap();
    assert_eq!(config.deployment, Deployment::default());
}

#[test]
fn what_is_missing_or_wrong_in_the_environment_is_named() {
    environment::names_what_is_missing(COMPLETE, &[], read);
    let wrong = [
        ("SRE_RISK_THRESHOLD", "101"),
        ("SRE_AUTO_APPROVE", "yes"),
        ("LICENSE_TIER", "gold"),
        ("APPROVAL_DEADLINE_S", "59"),
    ];
    environment::names_what_is_wrong(COMPLETE, &wrong, read);
}
