//! What is overdue: every state, before and after its time, running and paused.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use domain::proposal::{Decision, ProposalFact};
use domain::trail::{Actor, Control, Fact, Pause, Switches};
use expect_test::expect;
use housekeeping::chores::{self, due, expiry};
use housekeeping::config::Config;
use runtime::env::{BadVariable, Env};
use testkit::environment;
use testkit::story::{Story, breaks, pages, reroutes, second};

/// How long a metric is left alone, as the template has it.
const VERIFY_AFTER_S: u64 = 120;

fn paused_since(seconds: u64) -> Control {
    Control::of(
        7,
        Switches {
            paused: Some(Pause {
                since: second(seconds),
                reason: "a release".to_owned(),
            }),
            ..Switches::default()
        },
    )
}

fn of(story: &Story, control: &Control, seconds: u64) -> Vec<String> {
    let (proposal, now) = (story.proposal(), second(seconds));
    let wakes = due(proposal, control, VERIFY_AFTER_S, now);
    let expires = expiry(proposal, control, now).map(|fact| {
        // What is to be appended must be legal then.
        proposal.entry(now, Actor::System, &fact).unwrap();
        format!("append {}", fact.kind())
    });
    let wakes = wakes.into_iter().map(|lane| format!("wake {lane:?}"));
    wakes.chain(expires).collect()
}

/// The instants, in seconds of the story, at which what is due changes.
fn changes(story: &Story, control: &Control) -> String {
    let mut line = String::new();
    let mut last = Vec::new();
    for seconds in 0..=4000 {
        let now = of(story, control, seconds);
        if now != last {
            let what = if now.is_empty() {
                "nothing".to_owned()
            } else {
                now.join(" and ")
            };
            line += &format!("; {seconds}: {what}");
            last = now;
        }
    }
    line.trim_start_matches("; ").to_owned()
}

fn stories() -> Vec<(&'static str, Story)> {
    let mut stories: Vec<(&str, Story)> = Story::in_every_state()
        .into_iter()
        .map(|story| (story.state(), story))
        .collect();
    stories.extend([
        ("approved by policy", Story::scored(breaks(), Decision::Auto)),
        ("executing, no end", Story::executing(reroutes())),
        ("unknown, no end", Story::unknown(reroutes())),
        ("succeeded, no end", Story::succeeded(reroutes())),
        ("succeeded, page", Story::succeeded(pages())),
        ("undo requested", Story::undo_requested()),
        ("undo approved", Story::undo_approved()),
    ]);
    stories
}

fn table(control: &Control) -> String {
    let lines = stories()
        .into_iter()
        .map(|(name, story)| format!("{name}: {}\n", changes(&story, control)));
    lines.collect()
}

#[test]
fn what_is_due_while_the_agent_runs() {
    expect![[r#"
        reasoning: 61: wake Ingest
        proposed: 71: wake Scoring
        awaiting_approval: 1801: append expired
        approved: 91: wake Execution; 901: append expired
        executing: 101: wake Restore
        unknown: 101: wake Restore
        succeeded: 344: wake Restore
        declined: 
        shadow: 
        rejected: 
        expired: 1861: wake Restore; 1981: nothing
        refused: 100: wake Restore; 220: nothing
        failed: 110: wake Restore; 230: nothing; 355: wake Restore; 475: nothing
        restored: 355: wake Restore; 521: nothing; 522: wake Verify; 2261: nothing
        approved by policy: 81: wake Execution; 901: append expired
        executing, no end: 101: wake Restore
        unknown, no end: 101: wake Restore
        succeeded, no end: 110: wake Restore; 230: nothing; 231: wake Verify; 1970: nothing
        succeeded, page: 231: wake Verify; 1970: nothing
        undo requested: 110: wake Restore; 230: nothing; 231: wake Verify; 1970: nothing
        undo approved: 131: wake Restore
    "#]]
    .assert_eq(&table(&Control::default()));
}

/// Nothing new is started; what is in force is taken back all the same. No deadline of people passes; an approval ends at
/// its own time.
#[test]
fn what_is_due_while_the_agent_is_paused() {
    expect![[r#"
        reasoning: 
        proposed: 
        awaiting_approval: 
        approved: 901: append expired
        executing: 101: wake Restore
        unknown: 101: wake Restore
        succeeded: 344: wake Restore
        declined: 
        shadow: 
        rejected: 
        expired: 1861: wake Restore; 1981: nothing
        refused: 100: wake Restore; 220: nothing
        failed: 110: wake Restore; 230: nothing; 355: wake Restore; 475: nothing
        restored: 355: wake Restore; 521: nothing; 522: wake Verify; 2261: nothing
        approved by policy: 901: append expired
        executing, no end: 101: wake Restore
        unknown, no end: 101: wake Restore
        succeeded, no end: 110: wake Restore; 230: nothing; 231: wake Verify; 1970: nothing
        succeeded, page: 231: wake Verify; 1970: nothing
        undo requested: 110: wake Restore; 230: nothing; 231: wake Verify; 1970: nothing
        undo approved: 131: wake Restore
    "#]]
    .assert_eq(&table(&paused_since(0)));
}

/// What rests is not looked at again: from whenever it does, nothing may be due of it at any time after.
#[test]
fn of_what_rests_nothing_is_due_ever_after() {
    let mut resting = Vec::new();
    for control in [Control::default(), paused_since(0)] {
        for (name, story) in stories() {
            let announced = story.proposal().last().seq;
            let rests = |seconds| {
                let (proposal, now) = (story.proposal(), second(seconds));
                chores::rests(proposal, &control, announced, VERIFY_AFTER_S, now)
                    && !chores::rests(proposal, &control, announced - 1, VERIFY_AFTER_S, now)
            };
            let Some(from) = (0..=4000).find(|seconds| rests(*seconds)) else {
                continue;
            };
            resting.push(name);
            for seconds in from..=8000 {
                assert!(rests(seconds), "{name} rests from {from}, and not at {seconds}");
                assert_eq!(of(&story, &control, seconds), [""; 0], "{name} at {seconds}");
                let (proposal, now) = (story.proposal(), second(seconds));
                assert!(!chores::untold(proposal, Some(now), now), "{name} at {seconds}");
            }
        }
    }
    resting.sort_unstable();
    resting.dedup();
    expect![[r#"
        declined
        expired
        failed
        refused
        rejected
        restored
        shadow
        succeeded, no end
        succeeded, page"#]]
    .assert_eq(&resting.join("\n"));
}

#[test]
fn a_pause_that_is_over_moved_the_deadlines() {
    let control = Control::of(
        8,
        Switches {
            paused_total_ms: 600_000,
            ..Switches::default()
        },
    );
    let story = Story::awaiting(breaks());
    assert!(of(&story, &control, 2400).is_empty());
    assert_eq!(of(&story, &control, 2401), ["append expired"]);
    let Some(ProposalFact::Expired(expired)) = expiry(story.proposal(), &control, second(2401)) else {
        panic!("not expired")
    };
    assert_eq!(expired.deadline, second(1800));
    let extension = expired.extension.unwrap();
    assert_eq!((extension.control_seq, extension.ms), (8, 600_000));
}

#[test]
fn a_pause_after_the_deadline_does_not_raise_the_dead() {
    let story = Story::awaiting(breaks());
    assert!(
        of(&story, &paused_since(1700), 3600).is_empty(),
        "paused before the deadline"
    );
    assert_eq!(of(&story, &paused_since(1900), 1850), ["append expired"]);
}

const COMPLETE: environment::Table<'static> = &[
    ("TRAIL_TABLE", "sre_actions"),
    ("STACK_NAME", "sre-agent"),
    ("DECISION_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/d"),
    ("OPERATOR_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/o"),
    ("KEY_BUCKET", "policies"),
    ("PROPOSALS_TABLE", "sre_proposals"),
    ("INGEST_QUEUE_URL", "q1"),
    ("SCORING_QUEUE_URL", "q2"),
    ("EXECUTION_QUEUE_URL", "q3"),
    ("RESTORE_QUEUE_URL", "q4"),
    ("VERIFY_QUEUE_URL", "q5"),
    ("ANNOUNCE_QUEUE_URL", "q6"),
    ("SLACK_QUEUE_URL", "q7"),
    ("SLACK_CHANNEL", "C0SRE"),
    ("PAUSABLE_EVENT_SOURCES", "a, b,c"),
    ("AGENT_ENABLED", "true"),
    ("VERIFY_AFTER_S", "120"),
    ("HOUSEKEEPING_TIMEOUT_S", "55"),
];

fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, BadVariable> {
    Config::from(&Env::new(lookup))
}

#[test]
fn a_complete_environment_is_taken() {
    let config = read(&environment::complete(COMPLETE)).unwrap();
    assert_eq!(config.pausable, ["a", "b", "c"]);
    assert_eq!(config.slack_queue.as_deref(), Some("q7"));
    let without = read(&environment::with(COMPLETE, "SLACK_CHANNEL", None)).unwrap();
    assert_eq!(without.slack_queue, None, "nobody is asked in Slack");
}

#[test]
fn what_is_missing_or_wrong_in_the_environment_is_named() {
    let optional = ["PAUSABLE_EVENT_SOURCES", "SLACK_CHANNEL"];
    environment::names_what_is_missing(COMPLETE, &optional, read);
    let wrong = [
        ("AGENT_ENABLED", "yes"),
        ("VERIFY_AFTER_S", "601"),
        ("HOUSEKEEPING_TIMEOUT_S", "901"),
    ];
    environment::names_what_is_wrong(COMPLETE, &wrong, read);
}
