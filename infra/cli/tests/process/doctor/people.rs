//! Faults of what people set: secrets, operators, Slack, subscribers, senders.

use expect_test::expect;
use serde_json::json;

use super::Faults;
use super::aws::{ALARMS, Answer, Aws, TOPIC, describe, subscriptions};

#[tokio::test]
async fn secrets_that_hold_what_the_deployment_made() {
    let faults = Faults::begin().await;
    for (secret, expected) in [
        (
            "slack-signing",
            expect![[r#"
            missing  secrets      sre-agent/slack-signing holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/slack-signing --secret-string …
            not ready: 1 thing missing"#]],
        ),
        (
            "slack-bot",
            expect![[r#"
            missing  secrets      sre-agent/slack-bot holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/slack-bot --secret-string …
            not ready: 1 thing missing"#]],
        ),
        (
            "gateway-read",
            expect![[r#"
            missing  secrets      sre-agent/gateway-read holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/gateway-read --secret-string …
            not ready: 1 thing missing"#]],
        ),
        (
            "gateway-write",
            expect![[r#"
            missing  secrets      sre-agent/gateway-write holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/gateway-write --secret-string …
            not ready: 1 thing missing"#]],
        ),
        (
            "model",
            expect![[r#"
            missing  secrets      sre-agent/model holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/model --secret-string …
            not ready: 1 thing missing"#]],
        ),
        (
            "pagerduty",
            expect![[r#"
            missing  secrets      sre-agent/pagerduty holds what the deployment made, and nobody knows
                                    aws secretsmanager put-secret-value --secret-id sre-agent/pagerduty --secret-string …
            not ready: 1 thing missing"#]],
        ),
    ] {
        faults
            .with(|aws| aws.versions(secret, &["AWSCURRENT"]), 1, expected)
            .await;
    }
    let deleted = json!({ "DeletedDate": 1.7e9, "VersionIdsToStages": { "1": ["AWSCURRENT"] } });
    faults
        .with(
            |aws| aws.answer(&describe("slack-bot"), Answer::Json(deleted)),
            1,
            expect![[r#"
                missing  secrets      sre-agent/slack-bot is marked for deletion
                                        aws secretsmanager restore-secret --secret-id sre-agent/slack-bot
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(&describe("gateway-write"), "AccessDeniedException"),
            4,
            expect![[r#"
                unknown  secrets      whether sre-agent/gateway-write was set: it cannot be described: these credentials may not do that (AccessDeniedException: not for you: secretsmanager.DescribeSecret sre-agent/gateway-write)
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(&describe("model"), "ResourceNotFoundException"),
            1,
            expect![[r#"
                missing  secrets      sre-agent/model is not there
                                        put back what was deleted outside of the deployment: aws cloudformation detect-stack-drift --stack-name sre-agent says what
                not ready: 1 thing missing"#]],
        )
        .await;
    // One that is not used need not be set.
    faults
        .with(
            |aws| {
                aws.parameter("ModelApi", "bedrock");
                aws.versions("model", &["AWSCURRENT"]);
            },
            0,
            expect!["ready: nothing is missing"],
        )
        .await;
}

#[tokio::test]
async fn too_few_operators_or_none() {
    const DIRECTORY: &str = include_str!("../../../../../events/operators.json");
    let faults = Faults::begin().await;
    let grace = "\"name\": \"Grace Hopper\",\n      \"bot\": false,\n      \"active\": true";
    assert!(DIRECTORY.contains(grace));
    let alone = DIRECTORY.replace(grace, &grace.replace("\"active\": true", "\"active\": false"));
    faults.with(|aws| aws.operators(&alone), 1, expect![[r#"
        missing  operators    nothing can be approved of circuit_break_provider, reroute_model_group, raise_rate_limit, page_oncall, disable_guardrail, bump_budget_cap, disable_sla_contract from a score of 75 on: 2 people must say yes, and only Ada Lovelace (ada) may
                                write them into the secret sre-agent/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it
        not ready: 1 thing missing"#]]).await;
    faults
        .with(|aws| aws.operators(r#"{"operators":[]}"#), 1, expect![[r#"
            missing  operators    nobody may decide: the directory has no active operator who is no bot, and what waits for a yes expires
                                    write them into the secret sre-agent/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it
            not ready: 1 thing missing"#]])
        .await;
    faults.with(|aws| aws.operators("{}"), 1, expect![[r#"
        missing  operators    nobody can decide: the operator directory cannot be read: missing field `operators` at line 1 column 2
                                write them into the secret sre-agent/operators: infra/docs/configure.md says how, sre-agent operators check FILE tries it
        not ready: 1 thing missing"#]]).await;
    faults
        .with(
            |aws| {
                let secret = "secretsmanager.GetSecretValue sre-agent/operators";
                aws.refuse(secret, "AccessDeniedException");
            },
            4,
            expect![[r#"
                unknown  operators    whether enough people may decide: Secrets Manager is unavailable: these credentials may not do that (AccessDeniedException: not for you: secretsmanager.GetSecretValue sre-agent/operators)
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
}

#[tokio::test]
async fn slack_without_app_team_or_channel_and_clicks_and_commands_that_nobody_takes() {
    let faults = Faults::begin().await;
    faults
        .with(
            |aws| aws.parameter("SlackAppId", ""),
            1,
            expect![[r#"
            missing  slack        SlackAppId is empty: every click is refused
                                    deploy with SlackAppId
            not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.parameter("SlackTeamIds", ""),
            1,
            expect![[r#"
            missing  slack        SlackTeamIds is empty: every click is refused
                                    deploy with SlackTeamIds
            not ready: 1 thing missing"#]],
        )
        .await;
    let none = |aws: &mut Aws| {
        aws.parameter("SlackChannel", "");
        aws.tells("notification", &[]);
    };
    faults.with(none, 1, expect![[r#"
        note     slack        Slack is not set up: nobody is asked there, SlackChannel is empty
                                deploy with SlackAppId, SlackTeamIds and SlackChannel, or decide by command
        missing  people       nobody is told of a proposal: no Slack, and no subscriber of the approval topic
                                aws sns subscribe --topic-arn … (output ApprovalTopicArn) --protocol email --notification-endpoint …
        not ready: 1 thing missing"#]]).await;
    faults
        .with(
            |aws| {
                none(aws);
                aws.subscribed(TOPIC, &[("email", "sre@example.com", true)], None);
            },
            0,
            expect![[r#"
                note     slack        Slack is not set up: nobody is asked there, SlackChannel is empty
                                        deploy with SlackAppId, SlackTeamIds and SlackChannel, or decide by command
                ok       people       1 subscriber of the approval topic
                ready: nothing is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.answer("GET /callback/healthz", Answer::Status(502)),
            1,
            expect![[r#"
                missing  slack        the function that takes clicks does not answer from here: it answers 502 Bad Gateway
                                        open ApprovalCallbackUrl with /healthz behind it, and look into the log group of approval-callback
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.answer("GET /commands/v1/proposals", Answer::Status(403)),
            1,
            expect![[r#"
                missing  commands     the function that takes commands does not answer you: IAM does not let you invoke the function: the role needs lambda:InvokeFunctionUrl and lambda:InvokeFunction on it ("")
                                        attach the policy of the output OperatorPolicyArn to your role; SRE_AGENT_COMMANDS_URL names another URL
                not ready: 1 thing missing"#]],
        )
        .await;
}

#[tokio::test]
async fn subscribers_and_alarms_that_nobody_hears() {
    let faults = Faults::begin().await;
    let queue = (
        "sqs",
        "arn:aws:sqs:eu-central-1:123456789012:sre-agent-slack",
        true,
    );
    let mail = |confirmed| ("email", "sre@example.com", confirmed);
    faults
        .with(
            |aws| aws.subscribed(TOPIC, &[queue, mail(false)], None),
            1,
            expect![[r#"
                missing  people       a subscription by email waits for its confirmation to the approval topic
                                        open the link in the message that AWS sent there
                not ready: 1 thing missing"#]],
        )
        .await;
    // On the second page.
    faults
        .with(
            |aws| {
                aws.subscribed(TOPIC, &[mail(false)], None);
                let page = aws.answers[&subscriptions(TOPIC)].clone();
                aws.answer(&format!("{} next", subscriptions(TOPIC)), page);
                aws.subscribed(TOPIC, &[queue], Some("next"));
            },
            1,
            expect![[r#"
                missing  people       a subscription by email waits for its confirmation to the approval topic
                                        open the link in the message that AWS sent there
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(&subscriptions(TOPIC), "AuthorizationError"),
            4,
            expect![[r#"
                unknown  people       who subscribes to the approval topic: topic arn:aws:sns:eu-central-1:123456789012:sre-agent-approvals: AuthorizationError: not for you: ListSubscriptionsByTopic arn:aws:sns:eu-central-1:123456789012:sre-agent-approvals
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| {
                aws.outputs.remove("AlarmTopicArn");
            },
            1,
            expect![[r#"
                missing  alarms       no alarm has a target: they ring, and nobody hears them
                                        deploy with AlarmEmail, or with AlarmTopicArn, a topic of yours
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.subscribed(ALARMS, &[], None),
            1,
            expect![[r#"
            missing  alarms       nobody subscribes to the alarms' topic
                                    subscribe somebody to it: aws sns subscribe
            not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.subscribed(ALARMS, &[mail(false)], None),
            1,
            expect![[r#"
                missing  alarms       a subscription by email waits for its confirmation to the alarms
                                        open the link in the message that AWS sent there
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(&subscriptions(ALARMS), "NotFound"),
            1,
            expect![[r#"
                missing  alarms       topic arn:aws:sns:eu-central-1:123456789012:sre-agent-alarms is not there
                                        put back what was deleted outside of the deployment: aws cloudformation detect-stack-drift --stack-name sre-agent says what
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| {
                aws.outputs.remove("AlarmTopicArn");
                aws.parameter("AlarmTopicArn", ALARMS);
                aws.refuse(&subscriptions(ALARMS), "NotFound");
            },
            1,
            expect![[r#"
                missing  alarms       topic arn:aws:sns:eu-central-1:123456789012:sre-agent-alarms is not there
                                        deploy with AlarmTopicArn, a topic that is there, or with AlarmEmail
                not ready: 1 thing missing"#]],
        )
        .await;
    // A topic of one's own does as well.
    faults
        .with(
            |aws| {
                aws.outputs.remove("AlarmTopicArn");
                aws.parameter("AlarmTopicArn", ALARMS);
            },
            0,
            expect!["ready: nothing is missing"],
        )
        .await;
}

#[tokio::test]
async fn no_senders() {
    let faults = Faults::begin().await;
    faults
        .with(|aws| aws.parameter("SenderRoles", ""), 1, expect![[r#"
            missing  senders      SenderRoles is empty: whoever IAM lets put events in this account can report incidents
                                    deploy with SenderRoles, the ARNs of the gateway's role and of whoever else reports, and with RedriveRoles
            not ready: 1 thing missing"#]])
        .await;
}
