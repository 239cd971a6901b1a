//! The command as a process: how it finds the function URL of a stack, and what it exits with.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod cases;
mod completions;
mod doctor;
mod exports;
mod fake;
mod table;

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
    stack_of(outputs, &[])
}

fn stack_of(outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> String {
    let given = |(key, value): &(&str, &str)| {
        format!("<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>")
    };
    let parameters: String = parameters.iter().map(given).collect();
    let member = |(key, value): &(&str, &str)| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    };
    let outputs: String = outputs.iter().map(member).collect();
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>sre-agent</StackName><CreationTime>2026-11-22T10:00:00Z</CreationTime>\
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs><Parameters>{parameters}</Parameters></member></Stacks>\
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

/// The command with nobody at the terminal, and without an environment.
fn command(line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sre-agent"));
    command
        .args(line)
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// With credentials, in a Region, where AWS is this.
fn at(url: &str, line: &[&str]) -> Command {
    let mut command = command(line);
    command
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "of the test");
    command
}

/// Against a world: its trail answers elsewhere.
fn on(world: &fake::World, line: &[&str]) -> Command {
    let mut command = at(&world.server.uri(), line);
    let dynamo = format!("http://{}", world.dynamo.address());
    command.env("AWS_ENDPOINT_URL_DYNAMODB", dynamo);
    command
}

async fn ended(mut command: Command) -> Output {
    timeout(Duration::from_secs(60), command.output())
        .await
        .unwrap()
        .unwrap()
}

/// Runs the command against a server.
async fn run(server: &MockServer, line: &[&str]) -> Output {
    ended(at(&server.uri(), line)).await
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
    assert_eq!(code(&output), 4, "{output:?}");
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
        .and(body_json(json!({ "check": "reach" })))
        .respond_with(answer)
        .up_to_n_times(1)
        .mount(server)
        .await;
}

/// What the function tells of channels, and of what it needs besides.
fn reaches(channels: &Value) -> Value {
    let channels = channels.as_array().unwrap().iter();
    let reached =
        channels.map(|one| json!({ "what": "channel", "name": one["channel"], "problem": one["problem"] }));
    let besides = json!({ "what": "operators", "name": "directory", "problem": "it is empty" });
    let reached: Vec<Value> = reached.chain([besides]).collect();
    json!({ "version": "0.1.0", "at": "2026-11-22T10:00:00.000Z", "reached": reached })
}

#[tokio::test]
async fn slack_ends_with_1_where_somebody_cannot_be_reached() {
    let server = aws(|_| stack(&[("NotificationFunctionName", "sre-agent-notification")])).await;
    let fine = json!({ "channel": "C0SRE", "problem": null });
    let refused = json!({ "channel": "C0X", "problem": "not_in_channel" });
    for (answer, expected, said, wrong) in [
        (json!([fine]), 0, "C0SRE: the bot may post here\n", ""),
        (
            json!([fine, refused]),
            1,
            "C0SRE: the bot may post here\n",
            "C0X: not_in_channel: invite the bot: /invite @sre-agent in that channel\n",
        ),
        (
            json!([]),
            1,
            "",
            "Slack is not set up, and nobody is asked there: SlackChannel is empty\n",
        ),
    ] {
        let told = ResponseTemplate::new(200).set_body_json(reaches(&answer));
        invoked(&server, told.clone()).await;
        let output = run(&server, &["slack"]).await;
        assert_eq!(code(&output), expected, "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), said);
        assert_eq!(err(&output), wrong);

        invoked(&server, told).await;
        let output = run(&server, &["slack", "--json"]).await;
        assert_eq!(code(&output), expected, "{output:?}");
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed, answer);
        assert_eq!(err(&output), wrong);
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
            "error: function sre-agent-notification could not be asked: these credentials may not do that \
             (AccessDeniedException: not allowed to perform: lambda:InvokeFunction)\n",
        ),
        (
            other,
            "error: function sre-agent-notification does not tell what it reaches: ",
        ),
    ] {
        invoked(&server, answer).await;
        let output = run(&server, &["slack"]).await;
        assert_eq!(code(&output), 4, "{output:?}");
        assert!(err(&output).starts_with(said), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    let server = aws(|_| stack(&[("TrailTableName", "sre_actions")])).await;
    let output = run(&server, &["slack"]).await;
    assert_eq!(code(&output), 4, "{output:?}");
    assert_eq!(
        err(&output),
        "error: stack sre-agent has no output NotificationFunctionName: it is older than this command and must be deployed again\n"
    );
}

/// The error that a process ends with, and its code.
async fn told(command: Command) -> (i32, String) {
    let output = ended(command).await;
    assert!(output.stdout.is_empty(), "{output:?}");
    (code(&output), err(&output))
}

#[tokio::test]
async fn a_stack_that_cannot_be_looked_at_is_told_in_a_sentence() {
    // A port of this machine that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let (code, err) = told(at(&url, &["status"])).await;
    assert_eq!(code, 4, "{err}");
    assert!(
        err.starts_with(&format!(
            "error: no stack answers at {url}: is it up? (it cannot be reached: "
        )) && !err.contains("os error"),
        "{err}"
    );
    // As that of a stack of another Region, and of nobody.
    let (code, err) = told(at("http://nobody.invalid", &["status"])).await;
    assert_eq!(code, 4, "{err}");
    assert!(
        err.starts_with("error: no stack answers at http://nobody.invalid: is it up? ("),
        "{err}"
    );

    let mut nobody = command(&["status"]);
    nobody
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ENDPOINT_URL", &url);
    let (code, err) = told(nobody).await;
    assert_eq!(code, 4, "{err}");
    assert_eq!(
        err,
        "error: CloudFormation in eu-central-1 does not tell of stack sre-agent: there are no credentials that can be used: \
         log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID (no credentials found in chain)\n"
    );

    let (code, err) = told(command(&["status"])).await;
    assert_eq!(code, 4, "{err}");
    assert_eq!(
        err,
        "error: no Region is set: AWS_REGION, or the profile's region, says where the stack is\n"
    );
}

/// What CloudFormation answers where it does not tell of a stack.
async fn refusing(code: &str, message: &str) -> MockServer {
    let server = MockServer::start().await;
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(400).set_body_raw(body, "text/xml"))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn what_cloudformation_refuses_says_what_to_do() {
    for (word, message, said) in [
        (
            "ValidationError",
            "Stack with id sre-agent does not exist",
            "error: there is no stack sre-agent in eu-central-1 for these credentials (another stack: --stack, another \
             Region: AWS_REGION)\n",
        ),
        (
            "ExpiredToken",
            "The security token included in the request is expired",
            "error: CloudFormation in eu-central-1 does not tell of stack sre-agent: the credentials have expired: log \
             in again (ExpiredToken: The security token included in the request is expired)\n",
        ),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261122T100000Z is now earlier than 20261122T100500Z (20261122T101000Z - 5 min.)",
            "error: CloudFormation in eu-central-1 does not tell of stack sre-agent: this machine's clock is minutes off, \
             and so what it signs is refused: set it, and try again (SignatureDoesNotMatch: Signature expired: \
             20261122T100000Z is now earlier than 20261122T100500Z (20261122T101000Z - 5 min.))\n",
        ),
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "error: CloudFormation in eu-central-1 does not tell of stack sre-agent: AWS does not know these credentials \
             (InvalidClientTokenId: The security token included in the request is invalid.)\n",
        ),
        (
            "AccessDenied",
            "not authorized to perform: cloudformation:DescribeStacks",
            "error: CloudFormation in eu-central-1 does not tell of stack sre-agent: these credentials may not do that \
             (AccessDenied: not authorized to perform: cloudformation:DescribeStacks)\n",
        ),
    ] {
        let server = refusing(word, message).await;
        let (code, err) = told(at(&server.uri(), &["status"])).await;
        assert_eq!((code, err.as_str()), (4, said));
    }
}

#[tokio::test]
async fn an_agent_that_cannot_be_reached_was_asked_nothing() {
    let server = aws(|_| stack(&[("CommandsUrl", "https://nobody.invalid/")])).await;
    let output = run(&server, &["list"]).await;
    assert_eq!(code(&output), 4, "{output:?}");
    assert!(
        err(&output).starts_with(
            "error: nothing answers at https://nobody.invalid, where the agent is asked: no connection: "
        ),
        "{output:?}"
    );
}

#[tokio::test]
async fn an_error_of_the_command_line_shows_no_option_as_required() {
    for (line, usage) in [
        (&["pause"][..], "Usage: sre-agent pause [OPTIONS] --reason <TEXT>"),
        (
            &["trail", "export", "--format", "csv"],
            "Usage: sre-agent trail export [OPTIONS]",
        ),
        (&["redrive", "--discard"], "Usage: sre-agent redrive [OPTIONS]"),
        (&["show", "--json"], "Usage: sre-agent show [OPTIONS] <ID>"),
    ] {
        let mut command = command(line);
        command
            .env("SRE_AGENT_STACK", "another")
            .env("SRE_AGENT_COMMANDS_URL", "http://127.0.0.1:3000");
        let (code, err) = told(command).await;
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(&format!("\n{usage}\n")), "{err}");
    }
}

#[tokio::test]
async fn times_are_utc_whatever_the_terminal_has() {
    let world = fake::World::with(&Story::awaiting(breaks())).await;
    world.is(&Story::awaiting(breaks()), 30, None);
    let mut printed = Vec::new();
    for zone in ["UTC", "America/New_York"] {
        let mut command = at(&world.server.uri(), &["show", "gnr4sqzf"]);
        command.env("TZ", zone);
        let output = ended(command).await;
        assert_eq!(code(&output), 0, "{output:?}");
        printed.push(String::from_utf8(output.stdout).unwrap());
    }
    assert_eq!(printed[0], printed[1]);
    assert!(
        printed[0].contains("2026-11-22T10:") && printed[0].contains("Z"),
        "{}",
        printed[0]
    );
    let help = ended(command(&["--help"])).await;
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Every time is printed in UTC"), "{help}");
}
