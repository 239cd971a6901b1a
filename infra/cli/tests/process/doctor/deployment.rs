//! Faults of the deployment itself: stack, functions, account.

use expect_test::expect;
use serde_json::json;

use super::Faults;
use super::aws::{ACCOUNT, Answer, Aws, invoke};

#[tokio::test]
async fn a_stack_that_is_unfinished_or_older_than_the_command() {
    let faults = Faults::begin().await;
    faults
        .with(|aws| aws.status = "ROLLBACK_COMPLETE", 1, expect![[r#"
            missing  stack        sre-agent in eu-central-1: ROLLBACK_COMPLETE
                                    aws cloudformation describe-stack-events --stack-name sre-agent, and deploy again
            not ready: 1 thing missing"#]])
        .await;
    faults
        .with(
            |aws| aws.status = "UPDATE_ROLLBACK_COMPLETE",
            0,
            expect![[r#"
            note     stack        sre-agent in eu-central-1: UPDATE_ROLLBACK_COMPLETE
                                    the last deployment was taken back: its events say why
            ready: nothing is missing"#]],
        )
        .await;
    let without = |outputs: &'static [&'static str]| {
        move |aws: &mut Aws| {
            aws.outputs.retain(|name, _| !outputs.contains(&name.as_str()));
            aws.lacks = outputs.to_vec();
        }
    };
    faults
        .with(without(&["HousekeepingFunctionName"]), 1, expect![[r#"
            missing  stack        it has no output HousekeepingFunctionName: it is older than this command, or was not deployed to its end
                                    deploy this version: infra/docs/deploy.md
            not ready: 1 thing missing"#]])
        .await;
    faults
        .with(
            without(&[
                "CommandsUrl",
                "DecisionKeys",
                "OperatorKeys",
                "ApprovalCallbackUrl",
            ]),
            1,
            expect![[r#"
                missing  stack        it has no output ApprovalCallbackUrl, CommandsUrl, DecisionKeys, OperatorKeys: it is older than this command, or was not deployed to its end
                                        deploy this version: infra/docs/deploy.md
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| {
                aws.outputs.clear();
                aws.lacks = vec!["CommandsUrl", "ApprovalCallbackUrl"];
            },
            1,
            expect![[r#"
                missing  stack        it has no output IngestAndProposeFunctionName, ScoringFunctionName, ExecutionFunctionName, OutboxFunctionName and 18 more: it is older than this command, or was not deployed to its end
                                        deploy this version: infra/docs/deploy.md
                missing  alarms       no alarm has a target: they ring, and nobody hears them
                                        deploy with AlarmEmail, or with AlarmTopicArn, a topic of yours
                not ready: 2 things missing"#]],
        )
        .await;
}

#[tokio::test]
async fn functions_that_fail_are_of_another_version_or_have_another_clock() {
    let faults = Faults::begin().await;
    let answers =
        |function: &'static str, answer: Answer| move |aws: &mut Aws| aws.answer(&invoke(function), answer);
    let other = json!({ "version": "9.9.9", "reached": [] });
    faults
        .with(
            answers("housekeeping", Answer::Told(other)),
            1,
            expect![[r#"
            missing  functions    housekeeping is version 9.9.9, this command is 0.1.0
                                    deploy this version, or install that one's command
            not ready: 1 thing missing"#]],
        )
        .await;
    let failed = json!({ "errorType": "Runtime.ExitError", "errorMessage": "TRAIL_TABLE is not set" });
    faults
        .with(answers("scoring", Answer::Failed(failed)), 1, expect![[r#"
            missing  functions    scoring does not answer: function sre-agent-scoring failed, its log group /aws/lambda/sre-agent-scoring says more: Runtime.ExitError: TRAIL_TABLE is not set
                                    look into its log group: it does not start, or is not of this version
            not ready: 1 thing missing"#]])
        .await;
    let older = json!({ "batchItemFailures": [] });
    faults
        .with(answers("outbox", Answer::Json(older)), 1, expect![[r#"
            missing  functions    outbox does not answer: function sre-agent-outbox does not tell what it reaches: is its version this command's? missing field `version` at line 1 column 24
                                    look into its log group: it does not start, or is not of this version
            not ready: 1 thing missing"#]])
        .await;
    faults
        .with(
            |aws| aws.refuse(&invoke("scoring"), "AccessDeniedException"),
            4,
            expect![[r#"
                unknown  functions    whether scoring answers: function sre-agent-scoring could not be asked: these credentials may not do that (AccessDeniedException: not for you: POST /2015-03-31/functions/sre-agent-scoring/invocations)
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(&invoke("scoring"), "ResourceNotFoundException"),
            1,
            expect![[r#"
                missing  functions    function sre-agent-scoring is not there: ResourceNotFoundException: not for you: POST /2015-03-31/functions/sre-agent-scoring/invocations
                                        put back what was deleted outside of the deployment: aws cloudformation detect-stack-drift --stack-name sre-agent says what
                not ready: 1 thing missing"#]],
        )
        .await;
    faults.with(|aws| aws.ahead_s = 630, 1, expect![[r#"
        missing  clock        this machine's clock and that of ingest-and-propose are 10 min apart
                                set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong
        missing  clock        this machine's clock and that of scoring are 10 min apart
                                set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong
        missing  clock        this machine's clock and that of execution are 10 min apart
                                set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong
        missing  clock        this machine's clock and that of outbox are 10 min apart
                                set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong
        missing  clock        this machine's clock and that of notification are 10 min apart
                                set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong
        missing  clock        this machine's clock and that of housekeeping are 10 min apart
                                set this machine's clock: what is signed here is refused by AWS, and every age that is shown is wrong
        not ready: 6 things missing"#]]).await;
    let commands = |version: Option<&'static str>| {
        move |aws: &mut Aws| {
            let health = json!({ "status": "ok", "version": version });
            aws.answer("GET /commands/healthz", Answer::Json(health));
        }
    };
    faults
        .with(
            commands(Some("9.9.9")),
            1,
            expect![[r#"
        missing  commands     the function that takes commands is version 9.9.9, this command is 0.1.0
                                deploy this version, or install that one's command
        not ready: 1 thing missing"#]],
        )
        .await;
    faults.with(commands(None), 1, expect![[r#"
        missing  commands     the function that takes commands does not tell its version: it is older than 0.1.0
                                deploy this version, or install that one's command
        not ready: 1 thing missing"#]]).await;
}

#[tokio::test]
async fn what_functions_do_not_reach() {
    let faults = Faults::begin().await;
    let told = |function: &'static str, what: &'static str, name: &'static str, problem: &'static str| {
        move |aws: &mut Aws| {
            let Some(Answer::Told(told)) = aws.answers.get_mut(&invoke(function)) else {
                panic!("{function} tells nothing");
            };
            let reached = told["reached"].as_array_mut().unwrap();
            let one = reached
                .iter_mut()
                .find(|one| one["what"] == what && one["name"] == name);
            one.unwrap()["problem"] = json!(problem);
        }
    };
    for (function, what, name, problem, expected) in [
        (
            "ingest-and-propose",
            "gateway",
            "read",
            "it refuses the token (401)",
            expect![[r#"
                missing  gateway      not so: ingest-and-propose reads https://gateway.example: it refuses the token (401)
                                        mend GatewayUrl, the way there, or the secret sre-agent/gateway-read
                not ready: 1 thing missing"#]],
        ),
        (
            "execution",
            "gateway",
            "write",
            "no connection",
            expect![[r#"
            missing  gateway      not so: execution reads https://gateway.example: no connection
                                    mend GatewayUrl, the way there, or the secret sre-agent/gateway-write
            not ready: 1 thing missing"#]],
        ),
        (
            "ingest-and-propose",
            "model",
            "claude-sonnet-4-6",
            "invalid x-api-key",
            expect![[r#"
                missing  models       not so: claude-sonnet-4-6 answers: invalid x-api-key
                                        mend ModelApi, ModelUrl, the model's name, the way there, or the secret sre-agent/model; the runbook stands in
                not ready: 1 thing missing"#]],
        ),
        (
            "execution",
            "pager",
            "routing key",
            "it is no key",
            expect![[r#"
            missing  pager        not so: its routing key is one, as far as can be told without paging: it is no key
                                    put an Events API v2 routing key into the secret sre-agent/pagerduty
            not ready: 1 thing missing"#]],
        ),
        (
            "execution",
            "operators",
            "directory of operators",
            "it is empty",
            expect![[r#"
                missing  operators    not so: execution reads the directory: it is empty
                                        mend the secret sre-agent/operators: sre-agent operators check FILE says what is wrong with one
                not ready: 1 thing missing"#]],
        ),
        (
            "scoring",
            "policy",
            "policy in force",
            "risk.toml: 1",
            expect![[r#"
                missing  policy       not so: scoring has the one in force: risk.toml: 1
                                        sre-agent policy show says which is in force; publish one that this version takes
                not ready: 1 thing missing"#]],
        ),
        (
            "outbox",
            "link",
            "key of the links",
            "it is empty",
            expect![[r#"
            missing  links        not so: the key of the links is there: it is empty
                                    put a key into the secret sre-agent/link: infra/docs/operate.md says how
            not ready: 1 thing missing"#]],
        ),
        (
            "notification",
            "channel",
            "C0SRE",
            "not_in_channel",
            expect![[r#"
                missing  slack        the bot does not reach C0SRE: not_in_channel
                                        invite the bot: /invite @sre-agent in that channel
                not ready: 1 thing missing"#]],
        ),
        (
            "notification",
            "channel",
            "C0SRE",
            "invalid_auth",
            expect![[r#"
            missing  slack        the bot does not reach C0SRE: invalid_auth
                                    set the secret sre-agent/slack-bot to the bot token of the app as it is installed now, xoxb-...
            not ready: 1 thing missing"#]],
        ),
    ] {
        faults
            .with(told(function, what, name, problem), 1, expected)
            .await;
    }
    faults
        .with(
            |aws| aws.parameter("ModelApi", "none"),
            0,
            expect![[r#"
            note     models       no model is asked: the built-in runbook answers every incident
                                    deploy with ModelApi where a model is to reason
            ready: nothing is missing"#]],
        )
        .await;
}

#[tokio::test]
async fn an_account_that_is_too_small_and_nothing_reserved() {
    let faults = Faults::begin().await;
    let limits = json!({ "ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10 });
    let limits = Answer::Json(json!({ "AccountLimit": limits }));
    faults
        .with(|aws| aws.answer(ACCOUNT, limits), 1, expect![[r#"
            missing  concurrency  10 of the account's 10 concurrent executions are free of reservations, and the agent's queues alone hand out 43: clicks and commands may be refused while many incidents come
                                    ask for a higher quota of concurrent executions (Service Quotas, Lambda, L-B99A9384)
            not ready: 1 thing missing"#]])
        .await;
    faults
        .with(
            |aws| aws.parameter("ExecutionReservedConcurrency", "0"),
            0,
            expect![[r#"
                note     concurrency  nothing is reserved: the account's other functions can use all 1000 concurrent executions, and then incidents wait in their queues and clicks are refused
                                        deploy with ExecutionReservedConcurrency=17 or more, and the like, where other functions run in this account
                ready: nothing is missing"#]],
        )
        .await;
    faults
        .with(
            |aws| aws.refuse(ACCOUNT, "AccessDeniedException"),
            4,
            expect![[r#"
                unknown  concurrency  how many functions may run at once: it cannot be described: these credentials may not do that (AccessDeniedException: not for you: GET /2016-08-19/account-settings)
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
}
