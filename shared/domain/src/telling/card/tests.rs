use expect_test::expect;

use super::*;
use crate::permission::Operator;
use crate::proposal::{Decision, ProposalFact};
use crate::samples::*;
use crate::trail::{Actor, Pause, Switches};

fn text(line: &Line) -> String {
    line.render(
        |theirs| format!("‹{theirs}›"),
        |at| at.to_string()[11..16].to_owned(),
    )
}

fn card_of(story: &Story, second: u64) -> Option<Card> {
    let operators: Vec<Operator> = ["alice", "bob"].map(operator).into();
    let deciders: Vec<&Operator> = operators.iter().collect();
    Card::of(story.proposal(), &deciders, &Control::default(), at(second))
}

fn shown(card: &Card) -> String {
    let mut shown = format!("{}\n{}\n", text(&card.title), text(&card.standing));
    for section in &card.sections {
        shown += &format!("{}\n", section.heading);
        for line in &section.lines {
            shown += &format!("  {}\n", text(line));
        }
    }
    for ask in &card.asks {
        shown += &format!("[{:?}]\n", ask.what);
    }
    shown
}

#[test]
fn a_card_holds_what_one_needs_to_decide_and_marks_whose_words_they_are() {
    let story = awaiting(breaks(300), 2);
    expect![[r#"
        ‹block provider openai for 300 s›
        It waits for 2 approvals until 10:30.
        What happened
          provider.unhealthy (warning): ‹provider openai fails 62.0 % of 180 requests in 300 s›
          reported by ‹acme› at 10:00
          the gateway confirms it: ‹openai fails 62.0 % of 180 requests in 300 s›
        Proposed
          circuit_break_provider: ‹block provider openai for 300 s›
          chosen by the built-in runbook, version 1: ‹the runbook says so›
        Risk
          15 of 100, not above the threshold of 40; the action alone is 15
          why a person is asked or not: ‹of the test›
        Change
          ‹provider openai: open → blocked›
          ‹model group chat: anthropic 30 % → 100 %, openai 70 % → 0 %›
        Blast radius
          affects 2 teams (‹payments›, ‹research›), one of them critical, 40.0 % of the traffic
        Undo
          ends by itself after 300 s
        Who may approve
          ‹alice›, ‹bob›
        [Approve]
        [Reject]
        [Narrow([Lowers { parameter: "duration_s", label: "Seconds that the break lasts", value: "300" }])]
    "#]]
    .assert_eq(&shown(&card_of(&story, 30).unwrap()));
}

#[test]
fn a_card_offers_only_what_counts_now() {
    let asks = |story: &Story, second| -> Vec<String> {
        let card = card_of(story, second).unwrap();
        card.asks.iter().map(|ask| format!("{:?}", ask.what)).collect()
    };
    let waits = awaiting(reroutes(), 1);
    assert_eq!(asks(&waits, 30), ["Approve", "Reject"]);
    assert!(asks(&waits, 1801).is_empty(), "its deadline passed");
    assert_eq!(asks(&approved(breaks(300)), 35), ["Revoke"]);
    assert!(asks(&executing(breaks(300)), 45).is_empty());
    assert_eq!(asks(&succeeded(breaks(300)), 55), ["Undo"]);
    assert!(asks(&succeeded(pages()), 55).is_empty(), "nothing to take back");
    let undo = succeeded(reroutes()).then(60, person("alice"), &asks_undo());
    assert_eq!(asks(&undo, 65), ["ApproveUndo", "RejectUndo"]);
    let card = card_of(&undo, 65).unwrap();
    assert!(card.asks.iter().all(|ask| ask.seen == undo.last().digest));
    let answer = answers_undo(undo.proposal());
    let agreed = undo.then(70, person("bob"), &ProposalFact::UndoApproved(answer));
    assert!(asks(&agreed, 75).is_empty());
}

#[test]
fn nobody_is_told_of_what_has_no_score_or_is_only_watched() {
    assert_eq!(card_of(&Story::of(&unhealthy(), None), 5), None);
    assert_eq!(card_of(&proposed(breaks(300)), 15), None);
    let watched = ProposalFact::Scored(scored(15, Decision::Shadow, 1));
    let watched = proposed(breaks(300)).then(20, Actor::Agent, &watched);
    assert_eq!(card_of(&watched, 25), None);
}

#[test]
fn a_call_to_people_is_a_card_until_somebody_has_seen_to_it() {
    let call = called();
    expect![[r#"
        People are needed: ‹provider openai fails 62.0 % of 180 requests in 300 s›
        Nothing was proposed; it was declined at 10:00: ‹nothing that was tried has helped›.
        What happened
          provider.unhealthy (warning): ‹provider openai fails 62.0 % of 180 requests in 300 s›
          reported by ‹acme› at 10:00
        [Acknowledge]
    "#]]
    .assert_eq(&shown(&card_of(&call, 30).unwrap()));
    assert_eq!(card_of(&call, 30).unwrap().asks[0].seen, call.last().digest);
    assert!(card_of(&call, 86_411).unwrap().asks.is_empty(), "a day later");
    let seen_to = call.then(60, person("carol"), &acknowledges());
    let card = card_of(&seen_to, 61).unwrap();
    assert!(card.asks.is_empty());
    expect!["Nothing was proposed; it was declined at 10:00: ‹nothing that was tried has helped›. It was acknowledged by ‹carol› at 10:01."].assert_eq(&text(&card.standing));
}

#[test]
fn a_pause_and_an_empty_directory_are_said() {
    let story = awaiting(breaks(300), 1);
    let paused = Control::of(
        1,
        Switches {
            paused: Some(Pause {
                since: at(25),
                reason: "a release".to_owned(),
            }),
            ..Switches::default()
        },
    );
    let card = Card::of(story.proposal(), &[], &paused, at(30)).unwrap();
    expect!["It waits for 1 approval until 10:30. The agent is paused (‹a release›): approvals are taken when it resumes, rejections now."].assert_eq(&text(&card.standing));
    let who = card
        .sections
        .iter()
        .find(|section| section.heading == "Who may approve");
    expect!["nobody in the operator directory: it will expire"].assert_eq(&text(&who.unwrap().lines[0]));
}
