//! What a deployment is told to lack, with each fault in turn.

mod keys;
mod parts;
mod people;
mod sample;

use domain::telling::checkup::{Checkup, Needed};
use domain::value::Timestamp;
use expect_test::{Expect, expect};

use self::sample::{audience, ready, subscriber};
use super::judge::findings;
use super::seen::*;
use super::*;
use crate::checkup::Answer;
use crate::status::{DecidersPart, Part};
use crate::trail::tests::at;

fn told(seen: &Seen) -> Vec<Finding> {
    findings(seen)
}

#[test]
fn where_nothing_is_missing_everything_is_told_and_it_is_ready() {
    let found = told(&ready());
    assert_eq!(ended(&found), End::Ready);
    expect![[r#"
        ok       stack        sre-agent in eu-central-1: CREATE_COMPLETE
        ok       functions    ingest-and-propose answers, version 0.1.0
        ok       functions    scoring answers, version 0.1.0
        ok       functions    execution answers, version 0.1.0
        ok       functions    outbox answers, version 0.1.0
        ok       functions    notification answers, version 0.1.0
        ok       functions    housekeeping answers, version 0.1.0
        ok       secrets      every secret that is used was set
        ok       gateway      ingest-and-propose reads https://gateway.example
        ok       models       claude-sonnet-4-6 answers
        ok       policy       scoring has the one in force
        ok       gateway      execution reads https://gateway.example
        ok       pager        its routing key is one, as far as can be told without paging
        ok       operators    execution reads the directory
        ok       links        the key of the links is there
        ok       slack        the bot may post in C0SRE
        ok       slack        the function that takes clicks answers
        ok       commands     the function that takes commands answers you, version 0.1.0
        ok       operators    2 active operators, enough for every approval
        ok       policy       sha256 1b551587059622f0d62ffa8a371207104a31c6d59bbe2d6563c5199e51d9f267 was published
        ok       keys         DecisionKeyArns: the key in use is enabled
        ok       keys         OperatorKeyArns: the key in use is enabled
        ok       keys         every public key is known, those of former keys too
        ok       trail        sre_actions takes inserts only, and is streamed, expiring, recoverable and protected
        ok       people       Slack is where people are asked; nobody else subscribes
        ok       alarms       1 subscriber of the alarms' topic
        ok       senders      1 role and 0 other accounts may report, as llm-gateway
        ok       concurrency  reserved for execution"#]].assert_eq(&lines(&found).join("\n"));
    assert_eq!(sum(&found), "ready: nothing is missing");
}

#[test]
fn how_it_stands_in_all_counts_what_is_missing_and_what_was_not_seen() {
    let mut seen = ready();
    seen.subscribers = Some(unseen());
    assert_eq!(
        sum(&told(&seen)),
        "1 thing not looked at, and nothing else is missing"
    );
    seen.alarmed = None;
    assert_eq!(
        sum(&told(&seen)),
        "not ready: 1 thing missing, 1 other not looked at"
    );
    set(&mut seen, "SenderRoles", "");
    seen.subscribers = Some(audience(Vec::new()));
    assert_eq!(sum(&told(&seen)), "not ready: 2 things missing");
}

/// What is told anew, and how it ends, once something is not as it should be.
fn with(fault: impl FnOnce(&mut Seen), end: End, expected: &Expect) {
    let mut seen = ready();
    let before = told(&seen);
    fault(&mut seen);
    let found = told(&seen);
    assert_eq!(ended(&found), end, "{found:?}");
    let news: Vec<Finding> = found.into_iter().filter(|one| !before.contains(one)).collect();
    let lines = lines(&news);
    expected.assert_eq(&lines.join("\n"));
}

fn set(seen: &mut Seen, name: &str, value: &str) {
    seen.parameters.insert(name.to_owned(), value.to_owned());
}

fn unseen<T>() -> Part<T> {
    Part::Unseen("AccessDenied".to_owned())
}

fn answers<'s>(seen: &'s mut Seen, name: &str) -> &'s mut Checkup {
    let function = seen.functions.iter_mut().find(|function| function.name == name);
    match &mut function.unwrap().answer {
        Part::Seen(Answer::Told(told)) => told,
        other => panic!("{other:?}"),
    }
}

fn fails(seen: &mut Seen, name: &str, what: Needed, problem: &str) {
    let told = answers(seen, name);
    let one = told.reached.iter_mut().find(|one| one.what == what).unwrap();
    one.problem = Some(problem.to_owned());
}

#[test]
fn a_stack_that_was_not_deployed_to_its_end_is_told() {
    with(
        |seen| "ROLLBACK_COMPLETE".clone_into(&mut seen.status),
        End::Missing,
        &expect![[r#"
            missing  stack        sre-agent in eu-central-1: ROLLBACK_COMPLETE
                                    aws cloudformation describe-stack-events --stack-name sre-agent, and deploy again"#]],
    );
    with(
        |seen| "UPDATE_ROLLBACK_COMPLETE".clone_into(&mut seen.status),
        End::Ready,
        &expect![[r#"
            note     stack        sre-agent in eu-central-1: UPDATE_ROLLBACK_COMPLETE
                                    the last deployment was taken back: its events say why"#]],
    );
}

#[test]
fn a_stack_that_is_older_than_the_command_is_to_be_deployed_again() {
    with(
        |seen| {
            seen.lacks = vec!["HousekeepingFunctionName"];
            seen.functions.pop();
        },
        End::Missing,
        &expect![[r#"
            missing  stack        it has no output HousekeepingFunctionName: it is older than this command, or was not deployed to its end
                                    deploy this version: infra/docs/deploy.md"#]],
    );
    // Of one with no output nothing else is told that would need one.
    let mut seen = ready();
    seen.lacks = super::look::outputs();
    seen.functions.clear();
    seen.secrets.clear();
    seen.keys.clear();
    (seen.callback, seen.commands, seen.deciders, seen.keyring) = (None, None, None, None);
    (seen.subscribers, seen.switches, seen.trail) = (None, None, None);
    let found = told(&seen);
    assert_eq!(ended(&found), End::Missing);
    assert!(!found.iter().any(|one| one.verdict == Verdict::Unknown));
    expect![[r#"
        it has no output IngestAndProposeFunctionName, ScoringFunctionName, ExecutionFunctionName, OutboxFunctionName and 18 more: it is older than this command, or was not deployed to its end"#]]
    .assert_eq(&found[1].says);
}

#[test]
fn functions_that_do_not_start_or_are_of_another_version_are_told() {
    with(
        |seen| seen.functions[1].answer = unseen(),
        End::Unseen,
        &expect![[r#"
            unknown  functions    whether scoring answers: AccessDenied
                                    look again, or have somebody look who may"#]],
    );
    with(
        |seen| {
            seen.functions[1].answer = Part::Seen(Answer::Failed(
                "Runtime.ExitError: TRAIL_TABLE is not set".to_owned(),
            ))
        },
        End::Missing,
        &expect![[r#"
            missing  functions    scoring does not answer: Runtime.ExitError: TRAIL_TABLE is not set
                                    look into its log group: it does not start, or is not of this version"#]],
    );
    with(
        |seen| "9.9.9\u{1b}[2J".clone_into(&mut answers(seen, "scoring").version),
        End::Missing,
        &expect![[r#"
            missing  functions    scoring is version 9.9.9\u{1b}[2J, this command is 0.1.0
                                    deploy this version, or install that one's command"#]],
    );
}

#[test]
fn clocks_that_are_apart_are_told_in_either_direction() {
    let early = at(0).minus_seconds(400);
    with(
        |seen| answers(seen, "scoring").at = early,
        End::Missing,
        &expect![[r#"
            missing  clock        this machine's clock and that of scoring are 6 min apart
                                    set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong"#]],
    );
    with(
        |seen| answers(seen, "scoring").at = at(60),
        End::Missing,
        &expect![[r#"
            missing  clock        this machine's clock and that of scoring are 58 s apart
                                    set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong"#]],
    );
    let near = |at: Timestamp| move |seen: &mut Seen| answers(seen, "scoring").at = at;
    with(near(at(0).minus_seconds(5)), End::Ready, &expect![[""]]);
    with(near(at(7)), End::Ready, &expect![[""]]);
}

#[test]
fn secrets_that_nobody_has_set_are_told_where_they_are_used() {
    let standing = |purpose: &'static str, standing: Part<Standing>| {
        move |seen: &mut Seen| {
            seen.secrets.insert(purpose, standing);
        }
    };
    with(
        standing("pagerduty", Part::Seen(Standing::Initial)),
        End::Missing,
        &expect![[r#"
            missing  secrets      sre-agent/pagerduty holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/pagerduty --secret-string …"#]],
    );
    with(
        standing("slack-bot", Part::Seen(Standing::Deleted)),
        End::Missing,
        &expect![[r#"
            missing  secrets      sre-agent/slack-bot is marked for deletion
                                    aws secretsmanager restore-secret --secret-id sre-agent/slack-bot"#]],
    );
    with(
        standing("gateway-write", unseen()),
        End::Unseen,
        &expect![[r#"
        unknown  secrets      whether sre-agent/gateway-write was set: AccessDenied
                                look again, or have somebody look who may"#]],
    );
    with(
        |seen| {
            standing("model", Part::Seen(Standing::Initial))(seen);
            set(seen, "ModelApi", "none");
        },
        End::Ready,
        &expect![[r#"
            note     models       no model is asked: the built-in runbook answers every incident
                                    deploy with ModelApi where a model is to reason"#]],
    );
}

#[test]
fn on_a_local_stack_what_it_does_not_have_is_left_out() {
    let mut seen = ready();
    seen.callback = None;
    seen.concurrency = None;
    let found = told(&seen);
    assert_eq!(ended(&found), End::Ready);
    assert!(!found.iter().any(|one| one.about == "concurrency"));
}

#[test]
fn json_says_what_to_do() {
    let mut seen = ready();
    seen.alarmed = None;
    let json = serde_json::to_value(told(&seen).iter().find(|one| one.about == "alarms")).unwrap();
    assert_eq!(json["verdict"], "missing");
    assert_eq!(
        json["do"],
        "deploy with AlarmEmail, or with AlarmTopicArn, a topic of yours"
    );
}
