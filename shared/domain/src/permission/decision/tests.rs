mod later;

use std::sync::LazyLock;

use super::*;
use crate::permission::{Circumstances, Principal, Resource, Verb, Verdict};
use crate::samples::*;
use crate::trail::{Actor, Fact, Pause, Switches};

/// The directory that decisions record.
static DIRECTORY: LazyLock<Directory> = LazyLock::new(Directory::default);

fn asks(operator: &Operator) -> Asker<'_> {
    Asker {
        operator,
        directory: &DIRECTORY,
    }
}

fn no() -> Request {
    Request::Reject { reason: None }
}

fn both() -> [Request; 2] {
    [Request::Approve, no()]
}

/// What a decision makes of a proposal that waits, or what the person is told.
fn decides(
    story: &Story,
    request: &Request,
    who: &Operator,
    now: Timestamp,
) -> Result<&'static str, Refusal> {
    decides_under(story, request, who, &Control::default(), now)
}

/// The same under given switches. A fact that counts is also legal.
fn decides_under(
    story: &Story,
    request: &Request,
    who: &Operator,
    control: &Control,
    now: Timestamp,
) -> Result<&'static str, Refusal> {
    let (proposal, in_force) = (story.proposal(), in_force());
    let fact = decide(
        proposal,
        request,
        asks(who),
        scored_digest(proposal),
        &under(&in_force, control),
        now,
    )?;
    proposal.entry(now, who.actor("slack"), &fact).unwrap();
    Ok(fact.kind())
}

fn control(total_ms: u64, paused_since: Option<Timestamp>) -> Control {
    Control::of(
        4,
        Switches {
            paused_total_ms: total_ms,
            paused: paused_since.map(|since| Pause {
                since,
                reason: "a release".to_owned(),
            }),
            ..Switches::default()
        },
    )
}

/// The default deployment with this policy and these switches.
fn under<'a>(in_force: &'a InForce, control: &'a Control) -> Under<'a> {
    static DEPLOYMENT: LazyLock<Deployment> = LazyLock::new(Deployment::default);
    Under {
        in_force,
        deployment: &DEPLOYMENT,
        control,
    }
}

#[test]
fn one_person_decides_below_the_quorum() {
    let story = awaiting(breaks(300), 1);
    let alice = operator("alice");
    assert_eq!(decides(&story, &Request::Approve, &alice, at(30)), Ok("approved"));
    assert_eq!(decides(&story, &no(), &alice, at(30)), Ok("rejected"));
}

#[test]
fn the_last_of_a_quorum_approves_and_those_before_vote() {
    let story = awaiting(breaks(300), 2);
    let (alice, bob) = (operator("alice"), operator("bob"));
    assert_eq!(decides(&story, &Request::Approve, &alice, at(30)), Ok("voted"));
    let (in_force, control) = (in_force(), Control::default());
    let digest = scored_digest(story.proposal());
    let vote = decide(
        story.proposal(),
        &Request::Approve,
        asks(&alice),
        digest,
        &under(&in_force, &control),
        at(30),
    );
    let story = story.then(30, person("alice"), &vote.unwrap());
    assert_eq!(
        decides(&story, &Request::Approve, &alice, at(31)),
        Err(Refusal::VotedAlready)
    );
    assert_eq!(
        decides(&story, &no(), &alice, at(31)),
        Ok("rejected"),
        "a mind may change"
    );
    assert_eq!(decides(&story, &Request::Approve, &bob, at(31)), Ok("approved"));
}

#[test]
fn rules_are_asked_last_and_may_want_more_people_than_the_quorum() {
    /// Three people for everything.
    struct Three;
    impl crate::permission::Rules for Three {
        fn ask(
            &self,
            _: Verb,
            _: &Principal<'_>,
            _: &Resource<'_>,
            circumstances: &Circumstances,
        ) -> Verdict {
            let allowed = circumstances.other_votes >= 2;
            Verdict {
                allowed,
                rules: vec!["three".to_owned()],
                because: (!allowed).then(|| "three must agree".to_owned()),
            }
        }
    }
    let strict = InForce {
        rules: std::sync::Arc::new(Three),
        ..in_force()
    };
    let control = Control::default();
    let mut story = awaiting(breaks(300), 1);
    let digest = scored_digest(story.proposal());
    let decides = |story: &Story, choice: &Request, name: &str| {
        let under = under(&strict, &control);
        decide(
            story.proposal(),
            choice,
            asks(&operator(name)),
            digest,
            &under,
            at(30),
        )
    };
    assert_eq!(
        decides(&story, &no(), "alice"),
        Err(Refusal::Forbidden("three must agree".to_owned()))
    );
    for name in ["alice", "bob"] {
        let vote = decides(&story, &Request::Approve, name).unwrap();
        assert_eq!(vote.kind(), "voted");
        story = story.then(30, person(name), &vote);
    }
    let last = decides(&story, &Request::Approve, "carol").unwrap();
    assert_eq!(last.kind(), "approved");
    story.then(30, person("carol"), &last);
}

#[test]
fn what_is_only_watched_by_now_takes_a_no_and_no_yes() {
    let mut watching = in_force();
    watching.policy.shadow = crate::action::ActionKind::ALL.into_iter().collect();
    let story = awaiting(breaks(300), 1);
    let digest = scored_digest(story.proposal());
    let decides = |choice| {
        let control = Control::default();
        let under = under(&watching, &control);
        let fact = decide(
            story.proposal(),
            choice,
            asks(&operator("alice")),
            digest,
            &under,
            at(30),
        );
        fact.map(|fact| fact.kind())
    };
    assert_eq!(decides(&Request::Approve), Err(Refusal::Watched));
    assert_eq!(decides(&no()), Ok("rejected"));
}

#[test]
fn only_approvers_decide() {
    let mut sre_only = in_force();
    sre_only.policy.approvers = vec!["sre".to_owned()];
    let story = awaiting(breaks(300), 1);
    let digest = scored_digest(story.proposal());
    let decides = |groups: &[&str]| {
        let control = Control::default();
        let who = Operator {
            groups: groups.iter().map(ToString::to_string).collect(),
            ..operator("alice")
        };
        let under = under(&sre_only, &control);
        decide(
            story.proposal(),
            &Request::Approve,
            asks(&who),
            digest,
            &under,
            at(30),
        )
        .is_ok()
    };
    assert!(decides(&["sre", "dev"]));
    assert!(!decides(&["dev"]));
    assert!(!decides(&[]));
}

#[test]
fn bots_and_the_inactive_decide_nothing() {
    let story = awaiting(breaks(300), 1);
    let bot = Operator {
        bot: true,
        ..operator("alice")
    };
    let gone = Operator {
        active: false,
        ..operator("alice")
    };
    for choice in &both() {
        assert_eq!(decides(&story, choice, &bot, at(30)), Err(Refusal::Bot));
        assert_eq!(decides(&story, choice, &gone, at(30)), Err(Refusal::Inactive));
    }
}

#[test]
fn nobody_approves_what_they_asked_for() {
    let story = Story::of(&unhealthy(), Some("alice"))
        .then(10, Actor::Agent, &proposes(breaks(300)))
        .then(20, Actor::Agent, &gate(1));
    let alice = operator("alice");
    assert_eq!(
        decides(&story, &Request::Approve, &alice, at(30)),
        Err(Refusal::OwnProposal)
    );
    assert_eq!(decides(&story, &no(), &alice, at(30)), Ok("rejected"));
}

#[test]
fn a_decision_comes_in_time_or_not_at_all() {
    let story = awaiting(breaks(300), 1);
    for choice in &both() {
        let alice = operator("alice");
        assert!(decides(&story, choice, &alice, at(1800)).is_ok());
        let late = at(1800).plus_millis(1);
        assert_eq!(
            decides(&story, choice, &alice, late),
            Err(Refusal::TooLate(at(1800)))
        );
        let moved = control(60_000, None);
        assert!(decides_under(&story, choice, &alice, &moved, at(1860)).is_ok());
        let late = at(1860).plus_millis(1);
        assert_eq!(
            decides_under(&story, choice, &alice, &moved, late),
            Err(Refusal::TooLate(at(1860)))
        );
    }
}

#[test]
fn a_pause_takes_a_no_but_no_yes_and_stops_the_clock() {
    let story = awaiting(breaks(300), 1);
    let alice = operator("alice");
    let paused = control(0, Some(at(100)));
    assert_eq!(
        decides_under(&story, &no(), &alice, &paused, at(90_000)),
        Ok("rejected")
    );
    assert_eq!(
        decides_under(&story, &Request::Approve, &alice, &paused, at(200)),
        Err(Refusal::Paused("a release".to_owned()))
    );
    let paused_too_late = control(0, Some(at(2000)));
    assert_eq!(
        decides_under(&story, &no(), &alice, &paused_too_late, at(90_000)),
        Err(Refusal::TooLate(at(89_800))),
        "a pause does not raise the dead"
    );
}

#[test]
fn an_approval_names_its_policy_its_end_and_what_was_paused_by_then() {
    let story = awaiting(breaks(300), 1);
    let (in_force, switches) = (in_force(), control(60_000, None));
    let digest = scored_digest(story.proposal());
    let alice = operator("alice");
    let fact = decide(
        story.proposal(),
        &Request::Approve,
        asks(&alice),
        digest,
        &under(&in_force, &switches),
        at(1850),
    );
    let ProposalFact::Approved(approved) = fact.unwrap() else {
        panic!("not approved")
    };
    assert_eq!(approved.policy, in_force.digest);
    assert_eq!(approved.valid_until, at(1850 + 900));
    assert_eq!(approved.paused_before_ms, 60_000);
    let extension = approved.extension.unwrap();
    assert_eq!((extension.control_seq, extension.ms), (4, 60_000));
}

#[test]
fn a_decision_on_what_is_not_any_more_is_told_so() {
    let story = awaiting(breaks(300), 1);
    let (in_force, control) = (in_force(), Control::default());
    let bob = operator("bob");
    let on = |story: &Story, digest: Digest| {
        let decision = decide(
            story.proposal(),
            &Request::Approve,
            asks(&bob),
            digest,
            &under(&in_force, &control),
            at(40),
        );
        decision.map(|fact| fact.kind())
    };
    let shown = scored_digest(story.proposal());
    assert_eq!(on(&story, Digest::of(b"an older one")), Err(Refusal::Stale));
    assert_eq!(
        on(&proposed(breaks(300)), shown),
        Err(Refusal::Stale),
        "it is being scored again"
    );
    let yes = approves(story.proposal());
    let decided = story.then(30, person("alice"), &yes);
    assert_eq!(on(&decided, shown), Err(Refusal::Decided));
    assert_eq!(on(&succeeded(breaks(300)), shown), Err(Refusal::Decided));
    assert_eq!(decided.proposal().state().name(), "approved");
}

#[test]
fn a_decision_records_who_decided_as_the_directory_knew_them_then() {
    let directory = Directory::parse(
        r#"{"operators":[{"id":"alice","name":"Alice","active":true,"groups":["sre","oncall"]}]}"#,
    )
    .unwrap();
    let (in_force, control) = (in_force(), Control::default());
    let asker = Asker {
        operator: &directory.operators()[0],
        directory: &directory,
    };
    let story = awaiting(breaks(300), 1);
    let fact = decide(
        story.proposal(),
        &no(),
        asker,
        scored_digest(story.proposal()),
        &under(&in_force, &control),
        at(30),
    );
    let ProposalFact::Rejected(rejected) = fact.unwrap() else {
        panic!("not rejected")
    };
    let decider = rejected.decider.unwrap();
    assert_eq!(decider.groups, ["sre", "oncall"]);
    assert_eq!(decider.directory, *directory.digest());
}
