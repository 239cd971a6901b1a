//! `sre-agent doctor` as a process over AWS that answers as a deployment does that lacks nothing; then with each fault in
//! turn: one answer is another, and what is told anew is the line for it, with what to do, and the exit code. `--json` tells
//! the same.

mod aws;
mod deployment;
mod keys;
mod people;
mod table;
mod wire;

use expect_test::{Expect, expect};
use policy::Bundle;
use serde_json::Value;

use self::aws::Aws;
use super::{at, code, ended, err};

/// What is printed of a deployment.
struct Told {
    code: i32,
    /// The lines, each finding with what is to be done below it.
    findings: Vec<String>,
    /// How it stands in all.
    sum: String,
}

/// What `doctor` says of a deployment, as text and as JSON.
async fn told(aws: Aws) -> Told {
    let server = aws.start().await;
    let (text, json) = tokio::join!(
        ended(at(&server.uri(), &["doctor"])),
        ended(at(&server.uri(), &["doctor", "--json"]))
    );
    let code = code(&text);
    assert_eq!(super::code(&json), code, "{json:?}");
    assert_eq!(err(&json), err(&text));
    let printed = String::from_utf8(text.stdout.clone()).unwrap();
    let mut lines: Vec<&str> = printed.lines().collect();
    let sum = match code {
        0 => lines.pop().unwrap().to_owned(),
        _ => err(&text).trim_end().to_owned(),
    };
    if code == 0 {
        assert_eq!(err(&text), "");
    }
    let report: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["ready"], code == 0, "{report}");
    let findings = report["findings"].as_array().unwrap();
    let findings: Vec<String> = findings.iter().map(finding).collect();
    let all: Vec<&str> = findings.iter().flat_map(|finding| finding.lines()).collect();
    assert_eq!(all, lines, "--json tells something else");
    Told { code, findings, sum }
}

/// A finding of `--json` as people are told it.
fn finding(json: &Value) -> String {
    let text = |name: &str| json[name].as_str().unwrap();
    let says = format!("{:<8} {:<12} {}", text("verdict"), text("about"), text("says"));
    match &json["do"] {
        Value::Null => says,
        Value::String(remedy) => format!("{says}\n{:<8} {:<12}   {remedy}", "", ""),
        other => panic!("{other}"),
    }
}

/// Deployments with a fault, beside one without.
struct Faults {
    ready: Aws,
    told: Vec<String>,
}

impl Faults {
    async fn begin() -> Self {
        let ready = Aws::ready().await;
        let told = told(ready.clone()).await;
        assert_eq!(told.code, 0, "{:?} {}", told.findings, told.sum);
        Self {
            ready,
            told: told.findings,
        }
    }

    /// With a fault, it ends with `code` and tells this anew. What is missing or unknown says what to do.
    async fn with(&self, fault: impl FnOnce(&mut Aws), code: i32, expected: Expect) {
        let mut aws = self.ready.clone();
        fault(&mut aws);
        let told = told(aws).await;
        let news = told.findings.iter().filter(|one| !self.told.contains(one));
        let news: Vec<&str> = news.map(String::as_str).collect();
        for one in &news {
            let is_good = one.starts_with("ok ");
            assert!(
                is_good || one.lines().count() == 2,
                "nothing is to be done: {one}"
            );
        }
        expected.assert_eq(&[&news[..], &[told.sum.as_str()]].concat().join("\n"));
        assert_eq!(told.code, code);
    }
}

#[tokio::test]
async fn where_nothing_is_missing_it_ends_with_0() {
    let told = told(Aws::ready().await).await;
    let policy = Bundle::builtin().digest().to_string();
    let findings = told.findings.join("\n").replace(&policy, "HASH");
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
        ok       policy       sha256 HASH was published
        ok       keys         DecisionKeyArns: the key in use is enabled
        ok       keys         OperatorKeyArns: the key in use is enabled
        ok       keys         every public key is known, those of former keys too
        ok       trail        sre_actions takes inserts only, and is streamed, expiring, recoverable and protected
        ok       people       Slack is where people are asked; nobody else subscribes
        ok       alarms       1 subscriber of the alarms' topic
        ok       senders      1 role and 0 other accounts may report, as llm-gateway
        ok       concurrency  reserved for execution"#]].assert_eq(&findings);
    assert_eq!((told.code, told.sum.as_str()), (0, "ready: nothing is missing"));
}

#[tokio::test]
async fn a_local_stack_has_no_url_for_slack_and_no_account() {
    let faults = Faults::begin().await;
    faults
        .with(
            |aws| {
                aws.parameter("LocalStack", "true");
                aws.answer("GET /callback/healthz", aws::Answer::Status(500));
                aws.refuse(aws::ACCOUNT, "AccessDeniedException");
            },
            0,
            expect!["ready: nothing is missing"],
        )
        .await;
}
