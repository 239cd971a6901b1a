//! Where people are asked, and which proposals they are not told of there.

use domain::proposal::{Notified, ProposalFact};
use domain::trail::Actor;
use testkit::story::{Story, breaks, pages, reroutes, second};

use super::super::people::{self, Untold};
use super::*;
use crate::stack::Stack;

fn asked() -> PeoplePart {
    healthy().people
}

fn untold(story: &Story, seconds: u64) -> Option<Untold> {
    asked().untold(story.proposal(), &Control::default(), second(seconds))
}

fn notified(to: &str) -> Notified {
    Notified {
        channel: "slack".to_owned(),
        reference: None,
        to: Some(to.to_owned()),
        until: None,
        shows: None,
        problem: None,
    }
}

/// A message was posted there.
fn posted(story: Story, seconds: u64, to: &str) -> Story {
    tells(
        story,
        seconds,
        Notified {
            reference: Some(format!("{to}/1.2")),
            ..notified(to)
        },
    )
}

/// Slack did not do it there.
fn refused(story: Story, seconds: u64, to: &str, problem: &str) -> Story {
    tells(
        story,
        seconds,
        Notified {
            problem: Some(problem.to_owned()),
            ..notified(to)
        },
    )
}

fn tells(story: Story, seconds: u64, notified: Notified) -> Story {
    story.then(seconds, Actor::Agent, &ProposalFact::Notified(notified))
}

fn reasons(untold: &[Option<Untold>], seconds: u64) -> String {
    let lines = untold.iter().map(|one| match one {
        None => "told".to_owned(),
        Some(one) => people::reasons(std::slice::from_ref(one), second(seconds)).join("; "),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_waits_for_people_is_posted_within_two_minutes() {
    let awaiting = Story::awaiting(breaks());
    let since = awaiting.proposal().state_since();
    let after = |ms: u64| {
        let now = since.plus_millis(ms);
        asked().untold(awaiting.proposal(), &Control::default(), now)
    };
    assert!(after(120_000).is_none());
    assert!(after(120_001).is_some());
    let claimed = Notified {
        until: Some(second(90)),
        ..notified("C0SRE")
    };
    let elsewhere = Notified {
        channel: "pagerduty".to_owned(),
        reference: Some("x".to_owned()),
        ..notified("P0")
    };
    let all = [
        untold(&awaiting, 300),
        untold(&Story::undo_requested(), 300),
        untold(&tells(Story::awaiting(breaks()), 45, claimed), 300),
        untold(&tells(Story::awaiting(breaks()), 45, elsewhere), 300),
        untold(&posted(Story::awaiting(breaks()), 45, "C0SRE"), 300),
        untold(&posted(Story::undo_requested(), 100, "C0SRE"), 300),
        untold(&Story::approved(breaks()), 300),
        untold(&Story::succeeded(reroutes()), 300),
    ];
    expect![[r#"
        gnr4sqzfryd4gg3mhvufxxmnmg-1: waits for people for 4 min and has no message in Slack; sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: waits for people for 4 min and has no message in Slack; sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: waits for people for 4 min and has no message in Slack; sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: waits for people for 4 min and has no message in Slack; sre-agent slack says what to do
        told
        told
        told
        told"#]].assert_eq(&reasons(&all, 300));
}

#[test]
fn what_slack_did_not_do_is_told_until_something_works() {
    let fails = |problem| refused(Story::awaiting(breaks()), 40, "C0X", problem);
    let all = [
        untold(&fails("not_in_channel"), 41),
        untold(&fails("missing_scope (needs \u{1b}[2J)"), 41),
        untold(
            &refused(
                posted(Story::awaiting(breaks()), 40, "C0X"),
                50,
                "C0X",
                "token_revoked",
            ),
            51,
        ),
        untold(
            &refused(Story::succeeded(reroutes()), 100, "C0X", "is_archived"),
            101,
        ),
        untold(
            &tells(
                Story::awaiting(breaks()),
                40,
                Notified {
                    to: None,
                    problem: Some("Slack answered 503".to_owned()),
                    ..notified("")
                },
            ),
            41,
        ),
        // It went to the channel behind it.
        untold(&posted(fails("not_in_channel"), 41, "C0SRE"), 300),
        untold(&posted(fails("not_in_channel"), 41, "C0X"), 300),
    ];
    expect![[r#"
        gnr4sqzfryd4gg3mhvufxxmnmg-1: not told in Slack C0X: not_in_channel; sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: not told in Slack C0X: missing_scope (needs \u{1b}[2J); sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: its message in Slack C0X may not show where it stands: token_revoked; sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: not told in Slack C0X: is_archived; sre-agent slack says what to do
        gnr4sqzfryd4gg3mhvufxxmnmg-1: not told in Slack: Slack answered 503; sre-agent slack says what to do
        told
        told"#]].assert_eq(&reasons(&all, 300));
}

#[test]
fn what_is_over_or_was_never_to_be_told_is_no_reason() {
    for story in [
        refused(Story::rejected(breaks()), 100, "C0X", "not_in_channel"),
        // A page took effect, and nothing of it is in force.
        refused(Story::succeeded(pages()), 100, "C0X", "not_in_channel"),
        Story::proposed(breaks()),
    ] {
        let told = untold(&story, 3000);
        assert!(told.is_none(), "{}: {told:?}", story.state());
    }
    let nobody = PeoplePart {
        channel: None,
        routes: 0,
    };
    let story = refused(Story::awaiting(breaks()), 40, "C0X", "not_in_channel");
    let control = Control::default();
    assert!(nobody.untold(story.proposal(), &control, second(3000)).is_none());
}

#[test]
fn many_are_a_few_reasons_and_a_number() {
    let many = |number| {
        let story = refused(Story::awaiting(breaks()), 40, "C0X", "not_in_channel");
        let mut picture = healthy();
        if let Part::Seen(open) = &mut picture.open {
            open.untold = (0..number).filter_map(|_| untold(&story, 41)).collect();
        }
        picture.reasons(second(41))
    };
    assert_eq!(many(0), Vec::<String>::new());
    assert_eq!(many(5).len(), 5);
    assert_eq!(
        many(6)[5],
        "1 more proposal of which people are not told in Slack"
    );
    assert_eq!(
        many(105)[5..],
        ["100 more proposals of which people are not told in Slack"]
    );
}

#[tokio::test]
async fn where_people_are_asked_is_what_the_stack_was_deployed_with() {
    let stack = || Stack::of_outputs(adapters::SdkConfig::builder().build(), BTreeMap::new());
    let line = |stack: Stack| PeoplePart::of(&stack).line();
    let asked = || stack().with_parameter("SlackChannel", "C0SRE");
    let lines = [
        line(stack()),
        line(stack().with_parameter("SlackChannel", "")),
        line(asked()),
        line(asked().with_parameter("SlackRoutes", "team=payments>C0PAY;")),
        line(asked().with_parameter("SlackRoutes", "team=payments>C0PAY;score=75>C0RISK")),
    ];
    expect![[r#"
        people: nobody is asked in Slack, SlackChannel is empty
        people: nobody is asked in Slack, SlackChannel is empty
        people: asked in Slack, in C0SRE
        people: asked in Slack, in C0SRE or where a route leads
        people: asked in Slack, in C0SRE or where one of 2 routes leads"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn that_nobody_is_asked_in_slack_is_told_and_is_healthy() {
    let mut picture = healthy();
    picture.people.channel = None;
    let reasons = picture.reasons(at(0));
    let lines = [picture.lines(at(0)), picture.verdict(&reasons)].concat();
    assert_eq!(lines.last().unwrap(), "healthy");
    let line = "people: nobody is asked in Slack, SlackChannel is empty".to_owned();
    assert!(lines.contains(&line), "{lines:?}");
}

#[test]
fn json_carries_who_is_not_told_and_why() {
    let mut picture = healthy();
    if let Part::Seen(open) = &mut picture.open {
        let late = untold(&Story::awaiting(breaks()), 300);
        let fails = refused(Story::awaiting(breaks()), 40, "C0X", "not_in_channel");
        open.untold = late.into_iter().chain(untold(&fails, 300)).collect();
    }
    let json = serde_json::to_value(picture.judged(&[])).unwrap();
    assert_eq!(json["people"]["channel"], "C0SRE");
    let untold = &json["open"]["seen"]["untold"];
    assert_eq!(untold[0]["proposal"], untold[1]["proposal"]);
    assert!(untold[0]["not_posted"]["since"].is_string(), "{untold}");
    assert_eq!(untold[1]["problem"]["problem"], "not_in_channel");
}
