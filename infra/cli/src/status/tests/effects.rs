//! What is in force, whether it has helped, and which of many open proposals are shown.

use domain::inventory::Condition;
use domain::ports::View as _;
use domain::proposal::{ProposalFact, Verified};
use domain::telling::Row;
use domain::trail::Actor;
use testkit::story::{Story, breaks, pages, reroutes};
use testkit::{MemoryTrail, MemoryView};

use super::*;

fn verified(condition: Condition) -> ProposalFact {
    ProposalFact::Verified(Verified { condition })
}

fn of(proposals: &[&Proposal]) -> OpenPart {
    OpenPart {
        in_force: proposals
            .iter()
            .filter_map(|proposal| EffectPart::of(proposal))
            .collect(),
        ..OpenPart::default()
    }
}

#[test]
fn what_is_in_force_is_shown_with_its_end_and_whether_it_has_helped() {
    let asked = |condition| Story::succeeded(reroutes()).then(400, Actor::Agent, &verified(condition));
    let (helped, vain, unreadable) = (
        asked(Condition::Refuted("it does well".to_owned())),
        asked(Condition::Confirmed("it goes on".to_owned())),
        asked(Condition::Unreadable("no answer".to_owned())),
    );
    let open = of(&[
        vain.proposal(),
        unreadable.proposal(),
        helped.proposal(),
        Story::succeeded(breaks()).proposal(),
        // People were called, nothing was changed, and nothing is in force; nor is it before, or after.
        Story::succeeded(pages()).proposal(),
        Story::executing(breaks()).proposal(),
        Story::restored().proposal(),
    ]);
    let lines = open.lines(at(500)).join("\n");
    expect![[r#"
        open proposals: none

        in force: 4 effects, 1 without having helped
          gnr4sqzfryd4gg3mhvufxxmnmg-1: re-route model group chat from openai to anthropic, for 7 min, until somebody has it undone; IT HAS NOT HELPED
          gnr4sqzfryd4gg3mhvufxxmnmg-1: re-route model group chat from openai to anthropic, for 7 min, until somebody has it undone; whether it has helped could not be read
          gnr4sqzfryd4gg3mhvufxxmnmg-1: re-route model group chat from openai to anthropic, for 7 min, until somebody has it undone; it has helped
          gnr4sqzfryd4gg3mhvufxxmnmg-1: block provider openai for 300 s, for 7 min, until 2026-11-22T10:05:40.000Z; whether it helps is not known yet"#]].assert_eq(&lines);
    let json = serde_json::to_value(&open).unwrap();
    assert_eq!(json["in_force"][0]["helped"], "no");
}

#[test]
fn the_callback_is_shown_where_it_is_reached() {
    let mut picture = healthy();
    let shown = |picture: &Picture| {
        let lines = picture.lines(at(0)).into_iter();
        lines
            .filter(|line| line.contains("approval callback"))
            .collect::<Vec<_>>()
    };
    let own = "https://abc.lambda-url.eu-central-1.on.aws/";
    picture
        .stack
        .outputs
        .insert(look::CALLBACK.to_owned(), own.to_owned());
    picture.stack.reached_at(None);
    assert_eq!(shown(&picture), [format!("  approval callback  {own}")]);
    let here = "http://127.0.0.1:4566/_aws/lambda-url/abc";
    picture.stack.reached_at(Some(here));
    assert_eq!(shown(&picture), [format!("  approval callback  {here}")]);
}

#[test]
fn of_many_effects_the_first_are_shown_and_the_others_counted() {
    let story = Story::succeeded(reroutes());
    let open = of(&[story.proposal(); 12]);
    let lines = open.lines(at(500));
    let shown = lines
        .iter()
        .filter(|line| line.contains(": re-route model group "));
    assert_eq!(shown.count(), 10, "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "  and 2 more: sre-agent list --in-force");
}

#[test]
fn of_many_open_proposals_the_oldest_and_the_newest_are_shown() {
    let shown = |number: u64| {
        let one = |number: u64| ProposalPart {
            proposal: format!("p-{number}"),
            opened_at: at(number * 60),
            state: "proposed",
            what: "something".to_owned(),
            waits_for: "scoring".to_owned(),
            overdue: None,
        };
        let open = OpenPart {
            proposals: (0..number).map(one).collect(),
            ..OpenPart::default()
        };
        let lines = open.lines(at(3600));
        let lines = lines.iter().filter(|line| !line.contains("waits for"));
        let lines: Vec<&str> = lines
            .map(|line| line.split(", proposed").next().unwrap())
            .collect();
        lines[..lines.len() - 2].join("\n")
    };
    expect![[r#"
        open proposals: 23, the 5 oldest and the 5 newest
          p-0
          p-1
          p-2
          p-3
          p-4
          and 13 between these: sre-agent status --json has them all
          p-18
          p-19
          p-20
          p-21
          p-22"#]]
    .assert_eq(&shown(23));
    expect![[r#"
        open proposals: 11, the 5 oldest and the 5 newest
          p-0
          p-1
          p-2
          p-3
          p-4
          and 1 between these: sre-agent status --json has them all
          p-6
          p-7
          p-8
          p-9
          p-10"#]]
    .assert_eq(&shown(11));
    assert_eq!(shown(10).lines().count(), 11);
    assert!(!shown(10).contains("between"));
}

#[tokio::test]
async fn what_the_view_calls_in_force_is_looked_at_however_old_it_is() {
    let (trail, view) = (MemoryTrail::new(), MemoryView::default());
    let story = Story::succeeded(reroutes());
    story.write_to(&trail);
    view.put(&Row::of(story.proposal())).await.unwrap();
    let people = PeoplePart {
        channel: None,
        routes: 0,
    };
    // Settled days ago, and without a record since.
    let open = look::open_of(&trail, &view, &people, at(5 * 86_400))
        .await
        .unwrap();
    assert_eq!(open.broken, []);
    let shown: Vec<&str> = open.in_force.iter().map(|one| one.proposal.as_str()).collect();
    assert_eq!(shown, [story.proposal().id().to_string()]);
    assert!(open.proposals.is_empty());
}
