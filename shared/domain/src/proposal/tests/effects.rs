//! From the start to the end of an effect, and the permits on the way.

use super::plausible::facts;
use crate::action::Undo;
use crate::inventory::{Reading, Setting, Target};
use crate::proposal::{
    Failed, Kind, Outcome, Power, Proposal, ProposalFact, Restored, Started, State, Succeeded, UndoDecided,
};
use crate::samples::*;
use crate::trail::Actor;
use crate::value::Digest;

/// `started` at second 40 with one thing changed.
fn starts_with(story: &Story, change: impl Fn(&mut Started)) -> ProposalFact {
    let mut started = starts(story.proposal(), at(40));
    change(&mut started);
    ProposalFact::Started(started)
}

/// The next plausible fact of a kind.
fn next(story: Story, seconds: u64, kind: Kind, actor: Actor) -> Story {
    let fact = facts(story.proposal(), kind, at(seconds)).remove(0);
    story.then(seconds, actor, &fact)
}

/// A re-route in force whose undo Alice asked for.
fn undo_asked() -> Story {
    next(succeeded(reroutes()), 60, Kind::UndoRequested, person("alice"))
}

/// A re-route in force whose undo Bob approved.
fn undo_approved() -> Story {
    next(undo_asked(), 70, Kind::UndoApproved, person("bob"))
}

#[test]
fn a_start_is_what_was_previewed_with_a_claim_on_every_target() {
    let story = approved(breaks(300));
    let claims = starts(story.proposal(), at(40)).plan.claims;
    assert_eq!(
        claims,
        [Target::Provider(id("openai")), Target::ModelGroup(id("chat"))]
    );
    let problem =
        |change: &dyn Fn(&mut Started)| story.refuses(40, Actor::Agent, &starts_with(&story, change));
    let other_plan = "plans something else than was previewed";
    assert_eq!(
        problem(&|started| started.plan.changes[0].before = Setting::Blocked(true)),
        other_plan
    );
    assert_eq!(problem(&|started| started.plan.changes.clear()), other_plan);
    assert_eq!(problem(&|started| started.plan.claims.clear()), other_plan);
    let not_held = "does not hold every target of its plan";
    assert_eq!(problem(&|started| started.held.clear()), not_held);
    assert_eq!(problem(&|started| started.held.truncate(1)), not_held);
    assert_eq!(problem(&|started| started.held.reverse()), not_held);
    assert_eq!(
        problem(&|started| started.held[0].target = Target::Provider(id("mistral"))),
        not_held
    );
}

#[test]
fn an_effect_ends_when_it_was_previewed_to_end() {
    let story = approved(breaks(300));
    let problem =
        |change: &dyn Fn(&mut Started)| story.refuses(40, Actor::Agent, &starts_with(&story, change));
    let no_end = "has an end where its action has none, or the reverse";
    assert_eq!(problem(&|started| started.restore_at = None), no_end);
    assert_eq!(
        problem(&|started| started.restore_at = Some(at(40))),
        "starts after its own end"
    );
    assert_eq!(
        problem(&|started| started.restore_at = Some(at(340).plus_millis(1))),
        "lasts longer than was previewed"
    );
    let earlier = starts_with(&story, |started| started.restore_at = Some(at(339)));
    assert!(story.attempt(at(40), Actor::Agent, &earlier).is_ok());
    let endless = approved(reroutes());
    assert_eq!(
        endless.proposal().proposed().unwrap().preview.undo,
        Undo::OnDemand
    );
    let with_end = starts_with(&endless, |started| started.restore_at = Some(at(100)));
    assert_eq!(endless.refuses(40, Actor::Agent, &with_end), no_end);
}

#[test]
fn another_takes_over_when_the_lease_ran_out_and_keeps_the_effects_end() {
    let story = executing(breaks(300));
    let over = |seconds: u64| ProposalFact::Started(starts(story.proposal(), at(seconds)));
    assert_eq!(
        story.refuses(100, Actor::Agent, &over(100)),
        "takes a lease that still holds"
    );
    let taken = story.clone().then(101, Actor::Agent, &over(101));
    let execution = taken.proposal().state().execution().unwrap().clone();
    assert_eq!(
        (execution.lease.until, execution.restore_at),
        (at(161), Some(at(340)))
    );
    let mut moved = starts(story.proposal(), at(101));
    moved.restore_at = Some(at(341));
    assert_eq!(
        story.refuses(101, Actor::Agent, &ProposalFact::Started(moved)),
        "moves the effect's end"
    );
    assert_eq!(
        story.refuses(340, Actor::Agent, &over(340)),
        "starts after its own end"
    );
}

#[test]
fn a_success_shows_every_target_as_planned() {
    for kind in ["executing", "unknown"] {
        let story = executing(breaks(300));
        let story = if kind == "unknown" {
            next(story, 45, Kind::Unknown, Actor::Agent)
        } else {
            story
        };
        let shows = |readings: Vec<Reading>| {
            ProposalFact::Succeeded(Succeeded {
                readings,
                receipt: None,
            })
        };
        let after = readings(story.proposal(), |change| &change.after);
        let before = readings(story.proposal(), |change| &change.before);
        let problem = "does not show every target as planned";
        assert_eq!(story.refuses(50, Actor::Agent, &shows(before)), problem);
        assert_eq!(story.refuses(50, Actor::Agent, &shows(Vec::new())), problem);
        let twice = [after.clone(), after.clone()].concat();
        assert_eq!(story.refuses(50, Actor::Agent, &shows(twice)), problem);
        let mut elsewhere = after.clone();
        elsewhere[0].target = Target::Provider(id("mistral"));
        assert_eq!(story.refuses(50, Actor::Agent, &shows(elsewhere)), problem);
        assert!(story.attempt(at(50), Actor::Agent, &shows(after)).is_ok());
    }
}

#[test]
fn a_page_succeeds_with_its_receipt() {
    let story = executing(pages());
    let without = ProposalFact::Succeeded(Succeeded {
        readings: Vec::new(),
        receipt: None,
    });
    assert_eq!(
        story.refuses(50, Actor::Agent, &without),
        "has no receipt of the page"
    );
    let sent = succeeded(pages());
    assert_eq!(sent.proposal().settled_at(), Some(at(50)));
    assert_eq!(
        sent.refuses(60, person("alice"), &asks_undo()),
        "asks to take back what cannot be"
    );
}

#[test]
fn it_has_not_failed_while_a_target_reads_its_after_value() {
    let story = executing(reroutes());
    let fails = |readings: Vec<Reading>| {
        ProposalFact::Failed(Failed {
            reason: "the gateway refused".to_owned(),
            readings,
        })
    };
    let problem = "does not show that no target is as planned";
    let after = readings(story.proposal(), |change| &change.after);
    assert_eq!(story.refuses(50, Actor::Agent, &fails(after)), problem);
    assert_eq!(
        story.refuses(50, Actor::Agent, &fails(Vec::new())),
        problem,
        "unread is unknown"
    );
    let mut drifted = readings(story.proposal(), |change| &change.before);
    assert!(
        story
            .attempt(at(50), Actor::Agent, &fails(drifted.clone()))
            .is_ok()
    );
    drifted[0].value = Setting::Routes(Vec::new());
    let story = story.then(50, Actor::Agent, &fails(drifted));
    assert_eq!(*story.proposal().state(), State::Closed(Outcome::Failed));
    assert_eq!(story.proposal().settled_at(), Some(at(50)));
}

#[test]
fn an_effect_is_taken_back_from_its_end_on_whatever_became_of_it() {
    let executing = executing(breaks(300));
    let unknown = next(executing.clone(), 45, Kind::Unknown, Actor::Agent);
    let in_force = succeeded(breaks(300));
    for story in [executing, unknown, in_force] {
        let state = story.proposal().state().name();
        for kind in [Kind::Restored, Kind::RestoreFailed] {
            let fact = facts(story.proposal(), kind, at(340)).remove(0);
            let early = story
                .attempt(at(340 - 1).plus_millis(999), Actor::System, &fact)
                .unwrap_err();
            assert_eq!(early.problem, "takes back an effect whose end has not come");
            assert!(
                story.attempt(at(340), Actor::System, &fact).is_ok(),
                "{state} {kind}"
            );
        }
        let not_yet = ProposalFact::Restored(Restored {
            readings: readings(story.proposal(), |change| &change.after),
        });
        assert_eq!(
            story.refuses(340, Actor::System, &not_yet),
            "does not show every target as before"
        );
    }
}

#[test]
fn a_failed_restore_changes_nothing_but_is_remembered_and_retried() {
    let story = succeeded(breaks(300));
    let failed = next(story, 341, Kind::RestoreFailed, Actor::System);
    let proposal = failed.proposal();
    assert_eq!(proposal.state().name(), "succeeded");
    assert_eq!(
        proposal.state().execution().unwrap().restore_failed_at,
        Some(at(341))
    );
    assert_eq!(proposal.settled_at(), None);
    let restored = next(failed, 350, Kind::Restored, Actor::System);
    assert_eq!(*restored.proposal().state(), State::Closed(Outcome::Restored));
    assert_eq!(restored.proposal().settled_at(), Some(at(350)));
}

#[test]
fn a_restore_that_fired_bars_any_later_apply() {
    let story = executing(breaks(300));
    let apply = ProposalFact::Started(starts(story.proposal(), at(341)));
    let failed = next(story, 340, Kind::RestoreFailed, Actor::System);
    assert_eq!(
        failed.refuses(341, Actor::Agent, &apply),
        "starts after its own end"
    );
    let restored = next(failed, 341, Kind::Restored, Actor::System);
    assert_eq!(
        restored.refuses(342, Actor::Agent, &apply),
        "starts after its own end"
    );
    assert!(restored.proposal().permit_apply(restored.last()).is_none());
}

#[test]
fn an_undo_needs_a_second_person() {
    let story = undo_asked();
    let yes = ProposalFact::UndoApproved(answers_undo(story.proposal()));
    let no = ProposalFact::UndoRejected(answers_undo(story.proposal()));
    assert_eq!(
        story.refuses(70, person("alice"), &yes),
        "approves one's own request"
    );
    assert_eq!(
        story.refuses(70, Actor::Agent, &yes),
        "is a person's decision, and no person made it"
    );
    assert_eq!(
        story.refuses(70, person("bob"), &asks_undo()),
        "does not belong here"
    );
    assert!(
        story.attempt(at(70), person("alice"), &no).is_ok(),
        "a request may be withdrawn"
    );
    let restore = facts(story.proposal(), Kind::Restored, at(70)).remove(0);
    assert_eq!(
        story.refuses(70, Actor::Agent, &restore),
        "takes back an effect whose end has not come"
    );
    let story = story.then(70, person("bob"), &yes);
    let story = next(story, 80, Kind::Restored, Actor::Agent);
    assert_eq!(*story.proposal().state(), State::Closed(Outcome::Restored));
}

#[test]
fn an_answer_names_the_request_it_answers() {
    let story = undo_asked();
    let old = ProposalFact::UndoApproved(answers_undo(story.proposal()));
    let no = ProposalFact::UndoRejected(answers_undo(story.proposal()));
    let story = story.then(70, person("bob"), &no);
    assert_eq!(story.refuses(71, person("bob"), &old), "does not belong here");
    let story = next(story, 80, Kind::UndoRequested, person("carol"));
    assert_eq!(story.refuses(81, person("bob"), &old), "answers another request");
}

#[test]
fn a_break_may_be_taken_back_before_its_end_on_demand() {
    let story = next(succeeded(breaks(300)), 60, Kind::UndoRequested, person("alice"));
    let story = next(story, 70, Kind::UndoApproved, person("bob"));
    let story = next(story, 80, Kind::Restored, Actor::Agent);
    assert_eq!(story.proposal().settled_at(), Some(at(80)));
}

#[test]
fn a_proposal_is_settled_when_nothing_more_happens_by_itself() {
    assert_eq!(executing(breaks(300)).proposal().settled_at(), None);
    assert_eq!(succeeded(breaks(300)).proposal().settled_at(), None);
    assert_eq!(succeeded(reroutes()).proposal().settled_at(), Some(at(50)));
    let asked = undo_asked();
    assert_eq!(
        asked.proposal().settled_at(),
        Some(at(50)),
        "a request alone does nothing"
    );
    let refused = next(asked, 70, Kind::UndoRejected, person("bob"));
    assert_eq!(refused.proposal().settled_at(), Some(at(50)));
    let agreed = undo_approved();
    assert_eq!(agreed.proposal().settled_at(), None);
    let undone = next(agreed, 90, Kind::Restored, Actor::Agent);
    assert_eq!(undone.proposal().settled_at(), Some(at(90)));
    let told = next(undone, 95, Kind::Commented, person("alice"));
    assert_eq!(told.proposal().settled_at(), Some(at(90)));
}

#[test]
fn only_the_writer_of_the_start_may_apply_and_only_while_executing() {
    let story = executing(breaks(300));
    let started = story.last().clone();
    let permit = story.proposal().permit_apply(&started).unwrap();
    assert_eq!(permit.power(), Power::Apply);
    assert_eq!(permit.proposal(), story.proposal().id());
    assert_eq!(*permit.plan(), story.proposal().proposed().unwrap().preview.plan);
    for other in &story.records[..story.records.len() - 1] {
        assert!(story.proposal().permit_apply(other).is_none());
    }
    let over = ProposalFact::Started(starts(story.proposal(), at(101)));
    let taken = story.clone().then(101, Actor::Agent, &over);
    assert!(
        taken.proposal().permit_apply(&started).is_none(),
        "whose lease was taken"
    );
    assert!(taken.proposal().permit_apply(taken.last()).is_some());
    for kind in [Kind::Unknown, Kind::Succeeded, Kind::Failed] {
        let story = next(story.clone(), 50, kind, Actor::Agent);
        assert!(story.proposal().permit_apply(&started).is_none(), "{kind}");
    }
    let approved = approved(breaks(300));
    assert!(approved.proposal().permit_apply(approved.last()).is_none());
}

#[test]
fn a_request_must_end_within_the_lease_and_before_the_effects_end() {
    let until_lease = executing(breaks(300));
    let permit = until_lease.proposal().permit_apply(until_lease.last()).unwrap();
    assert!(permit.fits(at(95), 5000) && !permit.fits(at(95), 5001));
    assert!(!permit.fits(at(101), 0) && !permit.fits(at(0), u64::MAX));
    let approved = approved(breaks(300));
    let short = starts_with(&approved, |started| started.restore_at = Some(at(70)));
    let until_end = approved.then(40, Actor::Agent, &short);
    let permit = until_end.proposal().permit_apply(until_end.last()).unwrap();
    assert!(permit.fits(at(65), 5000) && !permit.fits(at(65), 5001));
}

#[test]
fn taking_back_needs_a_due_end_or_an_approved_undo_and_a_claim_on_every_target() {
    let undo = |proposal: &Proposal, seconds: u64| {
        let claims = match proposal.state().execution() {
            Some(execution) => proposal.claims_to_undo(execution),
            None => proposal.proposed().unwrap().preview.plan.claims.clone(),
        };
        proposal.permit_undo(&holds(&claims), at(seconds + 60), at(seconds))
    };
    let story = succeeded(breaks(300));
    assert!(undo(story.proposal(), 339).is_none());
    let permit = undo(story.proposal(), 340).unwrap();
    assert_eq!(permit.power(), Power::Undo);
    assert!(permit.fits(at(400), 0) && !permit.fits(at(400), 1));
    let unknown = next(executing(breaks(300)), 45, Kind::Unknown, Actor::Agent);
    assert!(undo(unknown.proposal(), 340).is_some());

    // While its own claims count, what is written is claimed again and no more; without them, all that it relies on.
    let claims = |story: &Story| {
        let execution = story.proposal().state().execution().unwrap();
        story.proposal().claims_to_undo(execution)
    };
    assert_eq!(claims(&story), [Target::Provider(id("openai"))]);
    let relied_on = [
        Target::Provider(id("anthropic")),
        Target::Provider(id("openai")),
        Target::ModelGroup(id("chat")),
    ];
    assert_eq!(claims(&undo_approved()), relied_on);
    for (story, now) in [(story, 340), (undo_approved(), 80)] {
        let claims = claims(&story);
        for some in [&claims[..0], &claims[1..], &claims[..claims.len() - 1]] {
            let permit = story.proposal().permit_undo(&holds(some), at(now + 60), at(now));
            assert!(permit.is_none(), "{some:?}");
        }
    }

    assert!(undo(undo_asked().proposal(), 5000).is_none());
    assert!(undo(undo_approved().proposal(), 80).is_some());
    assert!(undo(succeeded(pages()).proposal(), 5000).is_none());
    let State::Succeeded(done) = undo_approved().proposal().state().clone() else {
        panic!("not in force")
    };
    assert!(done.undo.is_approved());
    let undone = next(undo_approved(), 90, Kind::Restored, Actor::Agent);
    assert!(undo(undone.proposal(), 95).is_none());
}

#[test]
fn only_the_agent_gives_up_an_approved_undo_and_only_with_a_reason() {
    let story = undo_approved();
    let answer = answers_undo(story.proposal());
    let with_reason = UndoDecided {
        reason: Some("model group chat drifted".to_owned()),
        ..answer.clone()
    };
    let refused = |actor: Actor, decided: &UndoDecided| {
        let fact = ProposalFact::UndoRejected(decided.clone());
        story.proposal().entry(at(90), actor, &fact).unwrap_err().problem
    };
    for (actor, decided) in [
        (Actor::Agent, &answer),
        (person("carol"), &with_reason),
        (Actor::System, &with_reason),
    ] {
        assert_eq!(
            refused(actor, decided),
            "gives up an approved undo without the agent's reason"
        );
    }
    let other = UndoDecided {
        requested: Digest::of(b"another"),
        ..with_reason.clone()
    };
    assert_eq!(refused(Actor::Agent, &other), "answers another request");
    let given_up = story.then(90, Actor::Agent, &ProposalFact::UndoRejected(with_reason));
    assert!(given_up.proposal().settled_at().is_some(), "it stays in force");
    assert_eq!(given_up.proposal().state().name(), "succeeded");
}
