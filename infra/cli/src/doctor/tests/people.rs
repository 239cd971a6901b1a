//! People who are not asked, cannot answer, or do not hear.

use super::*;

#[test]
fn slack_that_cannot_work_is_told() {
    with(
        |seen| set(seen, "SlackAppId", ""),
        End::Missing,
        &expect![[r#"
        missing  slack        SlackAppId is empty: every click is refused
                                deploy with SlackAppId"#]],
    );
    with(
        |seen| set(seen, "SlackTeamIds", ""),
        End::Missing,
        &expect![[r#"
        missing  slack        SlackTeamIds is empty: every click is refused
                                deploy with SlackTeamIds"#]],
    );
    with(
        |seen| fails(seen, "notification", Needed::Channel, "not_in_channel"),
        End::Missing,
        &expect![[r#"
            missing  slack        the bot does not reach C0SRE: not_in_channel
                                    invite the bot: /invite @sre-agent in that channel"#]],
    );
    with(
        |seen| fails(seen, "notification", Needed::Channel, "invalid_auth"),
        End::Missing,
        &expect![[r#"
            missing  slack        the bot does not reach C0SRE: invalid_auth
                                    set the secret sre-agent/slack-bot to the bot token of the app as it is installed now, xoxb-..."#]],
    );
    with(
        |seen| seen.callback = Some(Part::Unseen("it answers 403".to_owned())),
        End::Missing,
        &expect![[r#"
            missing  slack        the function that takes clicks does not answer from here: it answers 403
                                    open ApprovalCallbackUrl with /healthz behind it, and look into the log group of approval-callback"#]],
    );
    with(
        |seen| {
            set(seen, "SlackChannel", "");
            answers(seen, "notification").reached.clear();
        },
        End::Missing,
        &expect![[r#"
            note     slack        Slack is not set up: nobody is asked there, SlackChannel is empty
                                    deploy with SlackAppId, SlackTeamIds and SlackChannel, or decide by command
            missing  people       nobody is told of a proposal: no Slack, and no subscriber of the approval topic
                                    aws sns subscribe --topic-arn … (output ApprovalTopicArn) --protocol email --notification-endpoint …"#]],
    );
}

#[test]
fn people_who_are_missing_are_told() {
    with(
        |seen| {
            seen.deciders = Some(DecidersPart::Known {
                people: 0,
                shortages: vec!["nobody may decide".to_owned(), "only Ada may".to_owned()],
            });
        },
        End::Missing,
        &expect![[r#"
            missing  operators    nobody may decide
                                    write them into the secret sre-agent/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it
            missing  operators    only Ada may
                                    write them into the secret sre-agent/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it"#]],
    );
    with(
        |seen| seen.deciders = Some(DecidersPart::Refused("one id for two".to_owned())),
        End::Missing,
        &expect![[r#"
            missing  operators    nobody can decide: one id for two
                                    write them into the secret sre-agent/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it"#]],
    );
    with(
        |seen| seen.deciders = Some(DecidersPart::NotAsked("AccessDenied".to_owned())),
        End::Unseen,
        &expect![[r#"
            unknown  operators    whether enough people may decide: AccessDenied
                                    look again, or have somebody look who may"#]],
    );
    with(
        |seen| seen.commands = Some(Part::Unseen("403 Forbidden".to_owned())),
        End::Missing,
        &expect![[r#"
            missing  commands     the function that takes commands does not answer you: 403 Forbidden
                                    attach the policy of the output OperatorPolicyArn to your role; SRE_AGENT_COMMANDS_URL names another URL"#]],
    );
    with(
        |seen| seen.commands = Some(Part::Seen(Some("9.9.9".to_owned()))),
        End::Missing,
        &expect![[r#"
            missing  commands     the function that takes commands is version 9.9.9, this command is 0.1.0
                                    deploy this version, or install that one's command"#]],
    );
    with(
        |seen| seen.commands = Some(Part::Seen(None)),
        End::Missing,
        &expect![[r#"
            missing  commands     the function that takes commands does not tell its version: it is older than 0.1.0
                                    deploy this version, or install that one's command"#]],
    );
    with(
        |seen| seen.subscribers = Some(audience(vec![subscriber(false), subscriber(false)])),
        End::Missing,
        &expect![[r#"
            missing  people       a subscription by email and 1 more wait for their confirmation to the approval topic
                                    open the link in the message that AWS sent there"#]],
    );
    with(
        |seen| seen.subscribers = Some(audience(vec![subscriber(true)])),
        End::Ready,
        &expect!["ok       people       1 subscriber of the approval topic"],
    );
    with(
        |seen| seen.subscribers = Some(unseen()),
        End::Unseen,
        &expect![[r#"
        unknown  people       who subscribes to the approval topic: AccessDenied
                                look again, or have somebody look who may"#]],
    );
}

#[test]
fn alarms_that_nobody_hears_are_told() {
    with(
        |seen| seen.alarmed = None,
        End::Missing,
        &expect![[r#"
        missing  alarms       no alarm has a target: they ring, and nobody hears them
                                deploy with AlarmEmail, or with AlarmTopicArn, a topic of yours"#]],
    );
    with(
        |seen| seen.alarmed = Some(audience(Vec::new())),
        End::Missing,
        &expect![[r#"
            missing  alarms       nobody subscribes to the alarms' topic
                                    subscribe somebody to it: aws sns subscribe"#]],
    );
    with(
        |seen| seen.alarmed = Some(audience(vec![subscriber(true), subscriber(false)])),
        End::Missing,
        &expect![[r#"
            missing  alarms       a subscription by email waits for its confirmation to the alarms
                                    open the link in the message that AWS sent there"#]],
    );
    with(
        |seen| seen.alarmed = Some(unseen()),
        End::Unseen,
        &expect![[r#"
        unknown  alarms       who hears them: AccessDenied
                                look again, or have somebody look who may"#]],
    );
}
