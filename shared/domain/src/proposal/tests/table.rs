//! The complete state × kind table.

use expect_test::expect;

use super::plausible::facts;
use crate::proposal::{Decision, DeclineReason, Declined, Kind, MOST_JUDGED, Proposal, ProposalFact, State};
use crate::samples::*;
use crate::trail::{Actor, Entry, StreamId};
use crate::value::{Digest, ProposalId, Timestamp};

/// Each state by its name, with proposals that stand there in every way that makes a difference.
fn states() -> Vec<(&'static str, Vec<Story>)> {
    let after = |story: Story, kind: Kind, seconds: u64, actor: Actor| {
        let fact = facts(story.proposal(), kind, at(seconds)).remove(0);
        story.then(seconds, actor, &fact)
    };
    let decided = |decision| {
        proposed(breaks(300)).then(20, Actor::Agent, &ProposalFact::Scored(scored(15, decision, 1)))
    };
    let asked = after(succeeded(reroutes()), Kind::UndoRequested, 60, person("alice"));
    let agreed = after(asked.clone(), Kind::UndoApproved, 70, person("bob"));
    vec![
        ("reasoning", vec![Story::of(&unhealthy(), None)]),
        ("proposed", vec![proposed(breaks(300))]),
        (
            "awaiting_approval",
            vec![awaiting(breaks(300), 1), awaiting(breaks(300), 2)],
        ),
        ("approved", vec![approved(breaks(300)), decided(Decision::Auto)]),
        ("executing", vec![executing(breaks(300)), executing(pages())]),
        (
            "unknown",
            vec![after(executing(breaks(300)), Kind::Unknown, 45, Actor::Agent)],
        ),
        (
            "succeeded",
            vec![
                succeeded(breaks(300)),
                succeeded(reroutes()),
                succeeded(pages()),
                asked,
                agreed,
            ],
        ),
        (
            "declined",
            vec![
                after(Story::of(&unhealthy(), None), Kind::Declined, 10, Actor::Agent),
                for_its_event(),
                called(),
            ],
        ),
        ("shadow", vec![decided(Decision::Shadow)]),
        (
            "rejected",
            vec![after(
                awaiting(breaks(300), 1),
                Kind::Rejected,
                30,
                person("alice"),
            )],
        ),
        (
            "expired",
            vec![after(
                awaiting(breaks(300), 1),
                Kind::Expired,
                1801,
                Actor::System,
            )],
        ),
        (
            "refused",
            vec![after(approved(breaks(300)), Kind::Refused, 40, Actor::Agent)],
        ),
        (
            "failed",
            vec![after(executing(breaks(300)), Kind::Failed, 50, Actor::Agent)],
        ),
        (
            "restored",
            vec![after(succeeded(breaks(300)), Kind::Restored, 340, Actor::System)],
        ),
    ]
}

/// Declined for what its event was.
fn for_its_event() -> Story {
    let declined = Declined {
        reason: DeclineReason::Unconfirmed,
        explanation: "of the test".to_owned(),
        proposer: None,
        borne_out: None,
    };
    Story::of(&unhealthy(), None).then(10, Actor::Agent, &ProposalFact::Declined(declined))
}

/// Where a fact of this kind leads, soon and late, whoever writes it; every different answer.
fn leads(stories: &[Story], kind: Kind, decision: Option<Decision>) -> Vec<&'static str> {
    let mut reached = Vec::new();
    for story in stories {
        let proposal = story.proposal();
        let soon = story.last().at.plus_seconds(1);
        for when in [soon, at(150), at(340), at(5000)] {
            for fact in facts(proposal, kind, when.max(soon)) {
                if decision.is_some_and(
                    |decision| !matches!(&fact, ProposalFact::Scored(scored) if scored.decision == decision),
                ) {
                    continue;
                }
                for actor in [Actor::Agent, person("carol")] {
                    if let Ok(next) = story.attempt(when.max(soon), actor, &fact) {
                        reached.push(next.proposal().state().name());
                    }
                }
            }
        }
    }
    reached.dedup();
    reached.sort_unstable();
    reached.dedup();
    reached
}

/// Where a stream leads whose first record is of this kind.
fn opens(kind: Kind) -> Vec<&'static str> {
    let story = Story::of(&unhealthy(), None);
    let template = story.proposal();
    facts(template, kind, at(0))
        .iter()
        .filter_map(|fact| {
            let stream = StreamId::Proposal(template.id().clone());
            let entry = Entry::first(stream, at(0), Actor::Agent, fact, None);
            let opened = Proposal::replay(&[entry.seal(writer(1))]).ok()?;
            Some(opened.state().name())
        })
        .collect()
}

/// Four letters of a state's name.
fn short(state: &str) -> &str {
    match state {
        "awaiting_approval" => "wait",
        other => &other[..4],
    }
}

fn cell(reached: &[&'static str]) -> String {
    match reached {
        [] => "·".to_owned(),
        [one] => short(one).to_owned(),
        several => panic!("leads to {several:?}"),
    }
}

#[test]
fn the_whole_table_of_states_and_kinds() {
    let states = states();
    assert_eq!(
        states.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        State::NAMES
    );
    for (name, stories) in &states {
        for story in stories {
            assert_eq!(story.proposal().state().name(), *name);
        }
    }
    let mut rows: Vec<(String, Kind, Option<Decision>)> = Vec::new();
    for kind in Kind::ALL {
        if kind == Kind::Scored {
            for decision in [Decision::Gate, Decision::Auto, Decision::Shadow] {
                rows.push((format!("scored: {}", decision.name()), kind, Some(decision)));
            }
        } else {
            rows.push((kind.to_string(), kind, None));
        }
    }
    let line = |head: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!(" {cell:4}")).collect();
        format!("{head:15}{cells}").trim_end().to_owned() + "\n"
    };
    let mut heads = vec!["–".to_owned()];
    heads.extend(states.iter().map(|(name, _)| short(name).to_owned()));
    let mut table = line("", &heads);
    for (head, kind, decision) in rows {
        let mut cells = vec![cell(&opens(kind))];
        cells.extend(
            states
                .iter()
                .map(|(_, stories)| cell(&leads(stories, kind, decision))),
        );
        table += &line(&head, &cells);
    }
    expect![[r#"
                        –    reas prop wait appr exec unkn succ decl shad reje expi refu fail rest
        received        reas reas ·    ·    ·    ·    ·    ·    reas ·    ·    ·    ·    ·    ·
        declined        ·    decl ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        proposed        ·    prop ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        scored: gate    ·    ·    wait ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        scored: auto    ·    ·    appr ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        scored: shadow  ·    ·    shad ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        amended         ·    ·    ·    prop ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        voted           ·    ·    ·    wait ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        approved        ·    ·    ·    appr ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        revoked         ·    ·    ·    ·    wait ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        rejected        ·    ·    ·    reje ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        expired         ·    ·    ·    expi prop ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        refused         ·    ·    ·    ·    refu ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
        started         ·    ·    ·    ·    exec exec ·    ·    ·    ·    ·    ·    ·    ·    ·
        succeeded       ·    ·    ·    ·    ·    succ succ ·    ·    ·    ·    ·    ·    ·    ·
        failed          ·    ·    ·    ·    ·    fail fail ·    ·    ·    ·    ·    ·    ·    ·
        unknown         ·    ·    ·    ·    ·    unkn ·    ·    ·    ·    ·    ·    ·    ·    ·
        restored        ·    ·    ·    ·    ·    rest rest rest ·    ·    ·    ·    ·    ·    ·
        restore_failed  ·    ·    ·    ·    ·    exec unkn succ ·    ·    ·    ·    ·    ·    ·
        undo_requested  ·    ·    ·    ·    ·    ·    ·    succ ·    ·    ·    ·    ·    ·    ·
        undo_approved   ·    ·    ·    ·    ·    ·    ·    succ ·    ·    ·    ·    ·    ·    ·
        undo_rejected   ·    ·    ·    ·    ·    ·    ·    succ ·    ·    ·    ·    ·    ·    ·
        verified        ·    reas prop wait appr exec unkn succ decl shad reje expi refu fail rest
        repeated        ·    reas prop wait appr exec unkn succ decl shad reje expi refu fail rest
        notified        ·    reas prop wait appr exec unkn succ decl shad reje expi refu fail rest
        escalated       ·    reas prop wait appr exec unkn succ decl shad reje expi refu fail rest
        acknowledged    ·    ·    ·    ·    ·    ·    ·    ·    decl ·    ·    ·    ·    ·    ·
        commented       ·    reas prop wait appr exec unkn succ decl shad reje expi refu fail rest
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_first_record_must_be_the_receipt_of_an_event_of_the_same_trouble() {
    let story = Story::of(&unhealthy(), None);
    let first = story.last();
    let problem = |change: &dyn Fn(&mut crate::trail::Record)| {
        let mut record = first.clone();
        change(&mut record);
        Proposal::replay(&[record]).unwrap_err().to_string()
    };
    expect!["record 2 (received) is illegal in state –: it is not the first"]
        .assert_eq(&problem(&|record| record.seq = 2));
    expect!["record 1 (received) is illegal in state –: it is not of a proposal's stream"]
        .assert_eq(&problem(&|record| record.stream = StreamId::Control));
    expect!["record 1 (received) is illegal in state –: it received an event of another trouble"].assert_eq(
        &problem(&|record| {
            let other = crate::value::Fingerprint::of(&Digest::of(b"another trouble"));
            record.stream = StreamId::Proposal(ProposalId::new(other, 1));
        }),
    );
    expect!["record 0 (none) is illegal in state –: it has no records"]
        .assert_eq(&Proposal::replay(&[]).unwrap_err().to_string());
}

#[test]
fn a_record_of_another_stream_or_position_or_time_cannot_follow() {
    let story = Story::of(&unhealthy(), None);
    let fact = facts(story.proposal(), Kind::Commented, at(10)).remove(0);
    let problem = |change: &dyn Fn(&mut crate::trail::Record)| {
        let mut record = Entry::after(story.last(), at(10), Actor::Agent, &fact).seal(writer(2));
        change(&mut record);
        story.proposal().clone().apply(&record).unwrap_err().problem
    };
    expect!["is not the next one"].assert_eq(&problem(&|record| record.seq = 3));
    expect!["is not the next one"].assert_eq(&problem(&|record| record.seq = 1));
    expect!["is of another stream"].assert_eq(&problem(&|record| record.stream = StreamId::Control));
    expect!["is earlier than the one before it"].assert_eq(&problem(&|record| {
        record.at = Timestamp::from_millis(at(0).as_millis() - 1);
    }));
    let unknown = problem(&|record| record.kind = "cheered".to_owned());
    assert!(unknown.starts_with("unknown variant `cheered`"), "{unknown}");
    expect!["missing field `text` at line 1 column 2"]
        .assert_eq(&problem(&|record| record.body = "{}".to_owned()));
    expect!["expected ident at line 1 column 2"]
        .assert_eq(&problem(&|record| record.body = "not JSON".to_owned()));
}

#[test]
fn closed_proposals_take_only_what_informs() {
    for (name, stories) in states() {
        for story in stories {
            let proposal = story.proposal();
            if !matches!(proposal.state(), State::Closed(_)) {
                continue;
            }
            for kind in Kind::ALL {
                let informs = [
                    Kind::Verified,
                    Kind::Repeated,
                    Kind::Notified,
                    Kind::Escalated,
                    Kind::Commented,
                ]
                .contains(&kind)
                    || (kind == Kind::Acknowledged && proposal.call().is_some());
                let fact = facts(proposal, kind, at(6000)).remove(0);
                assert_eq!(fact.what(), kind);
                let next = story.attempt(at(6000), person("carol"), &fact);
                if kind == Kind::Received && proposal.judges_afresh(at(6000)) {
                    // The one that is opened again.
                    assert_eq!(next.unwrap().proposal().settled_at(), None);
                    continue;
                }
                assert_eq!(next.is_ok(), informs, "{name} {kind}");
                if let Ok(next) = next {
                    let next = next.proposal();
                    assert_eq!(next.state(), proposal.state());
                    assert_eq!(next.state_since(), proposal.state_since());
                    assert_eq!(next.settled_at(), proposal.settled_at());
                }
            }
        }
    }
}

#[test]
fn what_was_declined_for_its_event_is_judged_again_for_another_and_as_often_as_is_allowed() {
    let story = for_its_event();
    let proposal = story.proposal();
    assert_eq!(proposal.tries(), 1);
    let mut same = proposal.received().clone();
    same.lease_until = at(100);
    let again = story.attempt(at(20), Actor::Agent, &ProposalFact::Received(same));
    assert!(
        again
            .unwrap_err()
            .to_string()
            .ends_with("it judges an event again"),
        "a redelivery is no other event"
    );
    // Fifty in all, and then one an hour.
    let declined = ProposalFact::Declined(proposal.declined().unwrap().clone());
    let mut story = story;
    for nth in 1..MOST_JUDGED {
        assert!(story.proposal().judges_afresh(at(nth * 100)), "{nth}");
        let fact = facts(story.proposal(), Kind::Received, at(nth * 100)).remove(0);
        story = story.then(nth * 100, Actor::Agent, &fact);
        assert_eq!((story.proposal().tries(), story.proposal().declined()), (1, None));
        story = story.then(nth * 100 + 1, Actor::Agent, &declined);
    }
    let last = MOST_JUDGED * 100 - 99;
    assert!(!story.proposal().judges_afresh(at(last + 3_599)));
    assert!(story.proposal().judges_afresh(at(last + 3_600)));
}
