//! The command as a process: how it finds the function URL of a stack, and what it exits with.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::process::{Output, Stdio};
use std::time::Duration;

use domain::telling::{Answered, Detail, Line};
use domain::trail::Control;
use serde_json::{Value, json};
use testkit::story::{Story, breaks, second};
use tokio::process::Command;
use tokio::time::timeout;
use wiremock::matchers::{body_json, body_string_contains, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// CloudFormation's answer about a stack with these outputs.
///
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>
fn stack(outputs: &[(&str, &str)]) -> String {
    let member = |(key, value): &(&str, &str)| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let outputs: String = outputs.iter().map(member).collect();
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>sre-agent</StackName><CreationTime>2026-11-22T10:00:00Z</CreationTime>\
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    )
}

/// AWS with one stack.
async fn aws(outputs: impl Fn(&str) -> String) -> MockServer {
    let server = MockServer::start().await;
    let stack = outputs(&server.uri());
    Mock::given(method("POST"))
        .and(path("/"))
        .and(body_string_contains("Action=DescribeStacks"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(stack, "text/xml"))
        .mount(&server)
        .await;
    server
}

/// Runs the command with nobody at the terminal.
async fn run(server: &MockServer, line: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_sre-agent"))
        .args(line)
        .env_clear()
        .env("AWS_ENDPOINT_URL", server.uri())
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "of the test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    timeout(Duration::from_secs(60), run).await.unwrap().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn each_end_has_its_exit_code() {
    let server = aws(|url| stack(&[("CommandsUrl", &format!("{url}/"))])).await;
    let story = Story::awaiting(breaks());
    let detail = Detail::of(
        story.proposal(),
        story.records(),
        &[],
        &Control::default(),
        second(30),
    );
    let id = detail.listed.proposal.to_string();
    Mock::given(method("GET"))
        .and(path(format!("/v1/proposals/{id}")))
        .and(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(200).set_body_json(&detail))
        .mount(&server)
        .await;
    let answered = |recorded| Answered {
        recorded,
        told: Line::of("so it is"),
    };
    for (status, body, expected) in [
        (200, json!(answered(true)), 0),
        (409, json!(answered(false)), 1),
        (400, json!({ "error": "no" }), 1),
        (503, json!({ "error": "it cannot be told" }), 3),
    ] {
        Mock::given(method("POST"))
            .and(path(format!("/v1/proposals/{id}/requests")))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let output = run(&server, &["approve", &id, "--yes"]).await;
        assert_eq!(code(&output), expected, "{status}: {output:?}");
    }
    let output = run(&server, &["approve", &id]).await;
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(
        err(&output).starts_with("error: nobody can answer here"),
        "{output:?}"
    );
    let output = run(&server, &["show", "abcd"]).await;
    assert_eq!(code(&output), 1, "{output:?}");
    let output = run(&server, &["show", "x"]).await;
    assert_eq!(code(&output), 2, "{output:?}");
}

#[tokio::test]
async fn a_stack_without_the_function_url_is_named() {
    let server = aws(|_| stack(&[("TrailTableName", "sre_actions")])).await;
    let output = run(&server, &["list"]).await;
    assert_eq!(code(&output), 1, "{output:?}");
    assert_eq!(
        err(&output),
        "error: stack sre-agent has no output CommandsUrl: it is older than this command and must be deployed again\n"
    );
}

/// Lambda, which answers an invocation like this.
///
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
async fn invoked(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path("/2015-03-31/functions/sre-agent-notification/invocations"))
        .and(body_json(json!({ "check": "routes" })))
        .respond_with(answer)
        .up_to_n_times(1)
        .mount(server)
        .await;
}

#[tokio::test]
async fn slack_ends_with_1_where_somebody_cannot_be_reached() {
    let server = aws(|_| stack(&[("NotificationFunctionName", "sre-agent-notification")])).await;
    let fine = json!({ "channel": "C0SRE", "problem": null });
    let refused = json!({ "channel": "C0X", "problem": "not_in_channel" });
    for (answer, expected, said) in [
        (json!([fine]), 0, "C0SRE: the bot may post here\n"),
        (
            json!([fine, refused]),
            1,
            "C0SRE: the bot may post here\n\
             C0X: not_in_channel: invite the bot: /invite @sre-agent in that channel\n",
        ),
        (
            json!([]),
            1,
            "Slack is not set up, and nobody is asked there: SlackChannel is empty\n",
        ),
    ] {
        invoked(&server, ResponseTemplate::new(200).set_body_json(&answer)).await;
        let output = run(&server, &["slack"]).await;
        assert_eq!(code(&output), expected, "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), said);

        invoked(&server, ResponseTemplate::new(200).set_body_json(&answer)).await;
        let output = run(&server, &["slack", "--json"]).await;
        assert_eq!(code(&output), expected, "{output:?}");
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed, answer);
    }
}

#[tokio::test]
async fn slack_tells_why_the_function_did_not_answer() {
    let server = aws(|_| stack(&[("NotificationFunctionName", "sre-agent-notification")])).await;
    let told = json!({ "errorType": "Runtime.ExitError", "errorMessage": "no \u{1b}[2J token" });
    let failed = ResponseTemplate::new(200)
        .insert_header("x-amz-function-error", "Unhandled")
        .set_body_json(told);
    let forbidden = ResponseTemplate::new(403)
        .insert_header("x-amzn-errortype", "AccessDeniedException")
        .set_body_json(json!({ "Message": "not allowed to perform: lambda:InvokeFunction" }));
    let other = ResponseTemplate::new(200).set_body_json(json!({ "batchItemFailures": [] }));
    for (answer, said) in [
        (
            failed,
            "error: function sre-agent-notification failed, its log group /aws/lambda/sre-agent-notification says more: \
             Runtime.ExitError: no \\u{1b}[2J token\n",
        ),
        (
            forbidden,
            "error: function sre-agent-notification could not be asked: ",
        ),
        (
            other,
            "error: function sre-agent-notification answered something else than a list of channels: ",
        ),
    ] {
        invoked(&server, answer).await;
        let output = run(&server, &["slack"]).await;
        assert_eq!(code(&output), 1, "{output:?}");
        assert!(err(&output).starts_with(said), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    let server = aws(|_| stack(&[("TrailTableName", "sre_actions")])).await;
    let output = run(&server, &["slack"]).await;
    assert_eq!(code(&output), 1, "{output:?}");
    assert_eq!(
        err(&output),
        "error: stack sre-agent has no output NotificationFunctionName: it is older than this command and must be deployed again\n"
    );
}
