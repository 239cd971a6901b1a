//! What a person may still ask for after the first decision: taking an approval back, less of an action, an undo.

use std::collections::BTreeMap;

use super::*;
use crate::action::{Complaint, Undo};
use crate::proposal::{Decision, Scored};
use crate::trail::Actor;
use crate::trail::generation::Ending;

const REASON: &str = "traffic is back";

fn undo() -> Request {
    Request::Undo {
        reason: Reason::new(REASON).unwrap(),
    }
}

fn narrow(parameter: &str, value: &str) -> Request {
    let to = BTreeMap::from([(parameter.to_owned(), value.to_owned())]);
    Request::Narrow { to: Narrowing(to) }
}

/// What a request on the digest `seen` makes of a story, or why it does not count.
fn asked(story: &Story, request: &Request, who: &str, seen: Digest, second: u64) -> Result<Story, Refusal> {
    asked_under(story, request, who, seen, second, &Control::default())
}

fn asked_under(
    story: &Story,
    request: &Request,
    who: &str,
    seen: Digest,
    second: u64,
    control: &Control,
) -> Result<Story, Refusal> {
    let in_force = in_force();
    let operator = operator(who);
    let fact = decide(
        story.proposal(),
        request,
        asks(&operator),
        seen,
        &under(&in_force, control),
        at(second),
    )?;
    Ok(story.clone().then(second, person(who), &fact))
}

#[test]
fn a_call_to_people_is_acknowledged_once_and_by_whoever_is_in_the_directory() {
    let acknowledge = Request::Acknowledge {
        reason: Reason::new("failed over by hand").unwrap(),
    };
    let story = called();
    let call = story.last().digest;
    let seen_to = asked(&story, &acknowledge, "carol", call, 60).unwrap();
    assert_eq!(seen_to.proposal().state(), story.proposal().state());
    assert_eq!(seen_to.proposal().ending(), Some(Ending::SeenTo));
    assert_eq!(story.proposal().ending(), Some(Ending::Paged));
    let again = |who| asked(&seen_to, &acknowledge, who, call, 61).map(|_| ());
    assert_eq!(again("carol"), Err(Refusal::Decided));
    let repeated = |who| is_repeated(seen_to.proposal(), &acknowledge, &operator(who), call);
    assert!(repeated("carol") && !repeated("bob"));
    let late = asked(&story, &acknowledge, "carol", call, 86_411).map(|_| ());
    assert_eq!(late, Err(Refusal::TooLate(at(86_410))), "a day after the call");
    let elsewhere = Digest::of(b"something else");
    assert_eq!(
        asked(&story, &acknowledge, "carol", elsewhere, 60).map(|_| ()),
        Err(Refusal::Stale)
    );
    let nobody_was_called = awaiting(breaks(300), 1);
    assert_eq!(
        asked(
            &nobody_was_called,
            &acknowledge,
            "carol",
            scored_of(&nobody_was_called),
            60
        )
        .map(|_| ()),
        Err(Refusal::Decided)
    );
    let bot = Operator {
        bot: true,
        ..operator("carol")
    };
    let (in_force, control) = (in_force(), Control::default());
    let by_bot = decide(
        story.proposal(),
        &acknowledge,
        asks(&bot),
        call,
        &under(&in_force, &control),
        at(60),
    );
    assert_eq!(by_bot, Err(Refusal::Bot));
    let by_the_agent = story.attempt(at(60), Actor::Agent, &acknowledges());
    assert!(by_the_agent.is_err(), "only a person has seen to it");
}

fn scored_of(story: &Story) -> Digest {
    *story.proposal().scored_record().unwrap()
}

#[test]
fn an_approval_may_be_taken_back_until_the_start() {
    let story = approved(breaks(300));
    let scored = scored_of(&story);
    let back = asked(&story, &Request::Revoke, "alice", scored, 35).unwrap();
    let State::AwaitingApproval(waiting) = back.proposal().state() else {
        panic!("{:?}", back.proposal().state())
    };
    assert_eq!((waiting.missing(), waiting.scored), (1, scored));
    assert_eq!(waiting.deadline, at(1800), "the deadline that was");
    let again = asked(&back, &Request::Approve, "alice", scored, 36).unwrap();
    assert_eq!(again.proposal().state().name(), "approved");

    let started = executing(breaks(300));
    assert_eq!(
        asked(&started, &Request::Revoke, "alice", scored_of(&started), 41).map(|_| ()),
        Err(Refusal::Decided)
    );
    let waits = awaiting(breaks(300), 1);
    assert_eq!(
        asked(&waits, &Request::Revoke, "alice", scored_of(&waits), 30).map(|_| ()),
        Err(Refusal::NotApproved)
    );
    let paused = control(0, Some(at(31)));
    assert!(
        asked_under(&story, &Request::Revoke, "bob", scored, 35, &paused).is_ok(),
        "a pause takes it"
    );
}

#[test]
fn ones_own_vote_is_taken_back_alone_and_an_objection_voids_all() {
    let story = awaiting(breaks(300), 2);
    let scored = scored_of(&story);
    let voted = asked(&story, &Request::Approve, "alice", scored, 30).unwrap();
    let back = asked(&voted, &Request::Revoke, "alice", scored, 31).unwrap();
    let votes = |story: &Story| {
        let State::AwaitingApproval(waiting) = story.proposal().state() else {
            panic!("{:?}", story.proposal().state());
        };
        waiting.votes.len()
    };
    assert_eq!(
        votes(&back),
        0,
        "a vote short of the quorum may be taken back as well"
    );
    let approved = asked(&voted, &Request::Approve, "bob", scored, 32).unwrap();
    assert_eq!(
        votes(&asked(&approved, &Request::Revoke, "bob", scored, 33).unwrap()),
        1
    );
    assert_eq!(
        votes(&asked(&approved, &Request::Revoke, "carol", scored, 33).unwrap()),
        0
    );
    assert_eq!(
        asked(&voted, &Request::Revoke, "carol", scored, 33).map(|_| ()),
        Err(Refusal::NotApproved),
        "there is nothing of hers to take back, and she may reject"
    );
}

#[test]
fn what_the_policy_approved_is_left_to_people_by_an_objection() {
    let auto = Scored {
        not_before: Some(at(80)),
        ..scored(15, Decision::Auto, 1)
    };
    let story = proposed(breaks(300)).then(20, Actor::Agent, &ProposalFact::Scored(auto));
    let scored = scored_of(&story);
    let back = asked(&story, &Request::Revoke, "alice", scored, 40).unwrap();
    assert_eq!(back.proposal().state().name(), "awaiting_approval");
    let yes = asked(&back, &Request::Approve, "alice", scored, 50).unwrap();
    assert_eq!(yes.proposal().state().name(), "approved");
}

#[test]
fn a_start_is_held_back_while_people_may_object() {
    let story = awaiting(breaks(300), 1);
    let deployment = Deployment {
        approval_veto_s: 60,
        ..Deployment::default()
    };
    let (in_force, control) = (in_force(), Control::default());
    let held = Under {
        deployment: &deployment,
        ..under(&in_force, &control)
    };
    let alice = operator("alice");
    let fact = decide(
        story.proposal(),
        &Request::Approve,
        asks(&alice),
        scored_of(&story),
        &held,
        at(30),
    );
    let story = story.then(30, person("alice"), &fact.unwrap());
    let State::Approved(approval) = story.proposal().state() else {
        panic!("not approved")
    };
    assert_eq!(approval.not_before, Some(at(90)));
    assert_eq!(
        approval.valid_until,
        at(90 + 900),
        "and is good for the whole time after that"
    );
    let starts = |second| ProposalFact::Started(starts(story.proposal(), at(second)));
    assert_eq!(
        story.refuses(89, Actor::Agent, &starts(89)),
        "starts while people may still object"
    );
    assert!(story.attempt(at(90), Actor::Agent, &starts(90)).is_ok());
}

#[test]
fn an_edit_is_narrower_voids_the_votes_and_costs_the_editor_their_own() {
    let story = awaiting(breaks(300), 2);
    let scored = scored_of(&story);
    let voted = asked(&story, &Request::Approve, "alice", scored, 30).unwrap();
    let edited = asked(&voted, &narrow("duration_s", "60"), "bob", scored, 31).unwrap();
    let proposal = edited.proposal();
    assert_eq!(*proposal.state(), State::Proposed);
    let proposed = proposal.proposed().unwrap();
    assert_eq!(proposed.action, breaks(60));
    assert_eq!(proposed.preview, breaks(60).preview(&inventory()).unwrap());
    assert_eq!(proposed.preview.undo, Undo::Restore { after_s: 60 });

    let again = edited.then(40, Actor::Agent, &gate(1));
    let scored_again = scored_of(&again);
    assert_eq!(
        asked(&again, &Request::Approve, "alice", scored, 41).map(|_| ()),
        Err(Refusal::Stale),
        "what was shown before is not what waits now"
    );
    assert_eq!(
        asked(&again, &Request::Approve, "bob", scored_again, 41).map(|_| ()),
        Err(Refusal::OwnProposal)
    );
    assert!(asked(&again, &Request::Approve, "alice", scored_again, 41).is_ok());
    assert!(
        asked(&again, &narrow("duration_s", "45"), "bob", scored_again, 41).is_ok(),
        "an editor may edit again"
    );
}

#[test]
fn what_is_no_less_of_the_action_is_refused_with_the_reason() {
    let story = awaiting(breaks(300), 1);
    let scored = scored_of(&story);
    for (request, problem) in [
        (
            narrow("duration_s", "301"),
            "duration_s is 301 seconds, not within 30–300",
        ),
        (
            narrow("duration_s", "300"),
            "parameters are what was proposed: lower one of them",
        ),
        (
            narrow("duration_s", "29"),
            "duration_s is 29 seconds, not within 30–300",
        ),
        (
            narrow("duration_s", "a minute"),
            "duration_s must be a whole number",
        ),
        (narrow("duration_s", "-60"), "duration_s must be a whole number"),
        (
            narrow("provider", "anthropic"),
            "provider cannot be lowered: only duration_s can",
        ),
    ] {
        let refusal = asked(&story, &request, "alice", scored, 30).map(|_| ());
        let Err(Refusal::NotNarrower(complaint)) = refusal else {
            panic!("{refusal:?}")
        };
        assert_eq!(complaint.to_string(), problem);
    }
    let story = awaiting(breaks(60), 1);
    assert!(matches!(
        asked(&story, &narrow("duration_s", "61"), "alice", scored_of(&story), 30),
        Err(Refusal::NotNarrower(Complaint { problem, .. })) if problem.starts_with("widen")
    ));
    let fixed = awaiting(reroutes(), 1);
    let refused = asked(&fixed, &narrow("to", "mistral"), "alice", scored_of(&fixed), 30).map(|_| ());
    assert!(matches!(refused, Err(Refusal::NotNarrower(_))), "{refused:?}");
    let paused = control(0, Some(at(25)));
    let refused = asked_under(
        &story,
        &narrow("duration_s", "40"),
        "alice",
        scored_of(&story),
        30,
        &paused,
    );
    assert_eq!(refused.map(|_| ()), Err(Refusal::Paused("a release".to_owned())));
}

#[test]
fn every_reversible_effect_is_undone_by_two_people() {
    for action in [breaks(300), reroutes()] {
        let story = succeeded(action.clone());
        let scored = scored_of(&story);
        assert_eq!(
            asked(&story, &undo(), "alice", Digest::of(b"an older one"), 60).map(|_| ()),
            Err(Refusal::Stale)
        );
        let requested = asked(&story, &undo(), "alice", scored, 60).unwrap();
        let request = requested.last().digest;
        assert_eq!(
            asked(&requested, &undo(), "bob", scored, 61).map(|_| ()),
            Err(Refusal::UndoUnderWay)
        );
        assert_eq!(
            asked(&requested, &Request::Approve, "alice", request, 61).map(|_| ()),
            Err(Refusal::OwnUndo)
        );
        assert_eq!(
            asked(&requested, &Request::Approve, "bob", scored, 61).map(|_| ()),
            Err(Refusal::Decided),
            "that is the question before"
        );
        let agreed = asked(&requested, &Request::Approve, "bob", request, 61).unwrap();
        assert!(
            agreed.proposal().state().to_take_back(at(61)).is_some(),
            "{action}"
        );
        let kept = asked(&requested, &no(), "alice", request, 61).unwrap();
        assert!(kept.proposal().state().to_take_back(at(61)).is_none(), "{action}");
        assert!(
            asked(&kept, &undo(), "bob", scored, 62).is_ok(),
            "and it may be asked for again"
        );
        let paused = control(0, Some(at(55)));
        assert!(
            asked_under(&requested, &Request::Approve, "bob", request, 61, &paused).is_ok(),
            "a pause stops no undo"
        );
    }
    let page = succeeded(pages());
    assert_eq!(
        asked(&page, &undo(), "alice", scored_of(&page), 60).map(|_| ()),
        Err(Refusal::CannotBeUndone)
    );
    for story in [
        awaiting(reroutes(), 1),
        approved(reroutes()),
        executing(reroutes()),
    ] {
        assert_eq!(
            asked(&story, &undo(), "alice", scored_of(&story), 60).map(|_| ()),
            Err(Refusal::Decided)
        );
    }
}

#[test]
fn who_repeats_a_request_is_known_by_it() {
    let waits = awaiting(breaks(300), 1);
    let scored = scored_of(&waits);
    let (alice, bob) = (operator("alice"), operator("bob"));
    let repeated = |story: &Story, request: &Request, who: &Operator, seen| {
        is_repeated(story.proposal(), request, who, seen)
    };
    let yes = asked(&waits, &Request::Approve, "alice", scored, 30).unwrap();
    assert!(repeated(&yes, &Request::Approve, &alice, scored));
    assert!(!repeated(&yes, &Request::Approve, &bob, scored));
    assert!(!repeated(&yes, &no(), &alice, scored));
    assert!(!repeated(&waits, &Request::Approve, &alice, scored));
    let rejected = asked(&waits, &no(), "alice", scored, 30).unwrap();
    assert!(repeated(&rejected, &no(), &alice, scored));
    let done = succeeded(reroutes());
    let scored = scored_of(&done);
    let requested = asked(&done, &undo(), "alice", scored, 60).unwrap();
    assert!(repeated(&requested, &undo(), &alice, scored));
    let request = requested.last().digest;
    let agreed = asked(&requested, &Request::Approve, "bob", request, 61).unwrap();
    assert!(repeated(&agreed, &Request::Approve, &bob, request));
}

#[test]
fn who_may_approve_is_whose_yes_would_count() {
    let text = r#"{"operators":[
        {"id":"alice","name":"Alice","active":true,"groups":["sre"]},
        {"id":"bob","name":"Bob","active":true,"groups":["sre"]},
        {"id":"carol","name":"Carol","active":true,"groups":["dev"]},
        {"id":"gone","name":"Gone","active":false,"groups":["sre"]},
        {"id":"robot","name":"Robot","active":true,"bot":true,"groups":["sre"]}]}"#;
    let directory = Directory::parse(text).unwrap();
    let mut sre_only = in_force();
    sre_only.policy.approvers = vec!["sre".to_owned()];
    let control = Control::default();
    let who = |story: &Story| {
        let may = may_approve(story.proposal(), &directory, &under(&sre_only, &control), at(65));
        may.into_iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
    };
    let waits = awaiting(breaks(300), 2);
    assert_eq!(who(&waits), ["alice", "bob"]);
    let voted = asked(&waits, &Request::Approve, "alice", scored_of(&waits), 30).unwrap();
    assert_eq!(who(&voted), ["bob"]);
    let triggered = Story::of(&unhealthy(), Some("bob"))
        .then(10, Actor::Agent, &proposes(breaks(300)))
        .then(20, Actor::Agent, &gate(1));
    assert_eq!(who(&triggered), ["alice"]);
    let done = succeeded(reroutes());
    let requested = asked(&done, &undo(), "alice", scored_of(&done), 60).unwrap();
    assert_eq!(who(&requested), ["bob"]);
    assert!(who(&approved(breaks(300))).is_empty());
}

#[test]
fn a_request_reads_back() {
    for request in [
        Request::Approve,
        no(),
        Request::Reject {
            reason: Reason::new(" no ").ok(),
        },
        Request::Revoke,
        narrow("duration_s", "60"),
        undo(),
    ] {
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
    }
    for bad in [
        r#"{"ask":"undo"}"#,
        r#"{"ask":"undo","reason":" "}"#,
        r#"{"ask":"win"}"#,
        r#"{"ask":"narrow"}"#,
    ] {
        assert!(serde_json::from_str::<Request>(bad).is_err(), "{bad}");
    }
}
