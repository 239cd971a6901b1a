//! Where requests go, how they are signed, and what the answers that are not the function's mean.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use testkit::blunt::{End, answering};
use testkit::story::{Story, breaks};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::tests::{SECRET, World, answered, aws, detail, listing, sentence};
use super::*;

fn stack(outputs: &[(&str, &str)], aws: SdkConfig) -> Stack {
    let outputs = outputs.iter();
    let outputs = outputs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Stack::of_outputs(aws, outputs.collect())
}

#[tokio::test]
async fn only_https_is_spoken_but_to_this_machine() {
    let aws = aws("http://127.0.0.1:1").await;
    for url in [
        "https://abc.lambda-url.eu-central-1.on.aws/",
        "http://127.0.0.1:3000",
        "http://localhost:3000/",
        "http://[::1]:3000/",
    ] {
        assert!(Api::at(url, &aws).is_ok(), "{url}");
    }
    for url in [
        "http://abc.lambda-url.eu-central-1.on.aws/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://10.0.0.1/",
        "http://[::2]/",
    ] {
        let problem = Api::at(url, &aws).unwrap_err().to_string();
        assert!(
            problem.contains("is not https: nothing is sent there"),
            "{problem}"
        );
    }
    for url in [
        "",
        "abc",
        "ftp://127.0.0.1/",
        "https://a:b@abc.on.aws/",
        "https://abc.on.aws/?x",
    ] {
        assert!(Api::at(url, &aws).is_err(), "{url}");
    }
}

#[tokio::test]
async fn an_older_stack_is_told_to_be_deployed_again() {
    let aws = aws("http://127.0.0.1:1").await;
    let problem = Api::of(&stack(&[], aws.clone())).unwrap_err().to_string();
    assert!(problem.contains("has no output CommandsUrl"), "{problem}");
    assert!(problem.contains("must be deployed again"), "{problem}");
    assert!(Api::of(&stack(&[("CommandsUrl", "https://abc.on.aws/")], aws)).is_ok());
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Checks a signature as its receiver does, from what came over the wire.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
fn assert_signed(request: &wiremock::Request) {
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap();
    let (algorithm, fields) = header("authorization").split_once(' ').unwrap();
    assert_eq!(algorithm, "AWS4-HMAC-SHA256");
    let fields: BTreeMap<&str, &str> = fields
        .split(", ")
        .map(|field| field.split_once('=').unwrap())
        .collect();
    let at = header("x-amz-date");
    let day = &at[..8];
    let scope = format!("{day}/eu-central-1/lambda/aws4_request");
    assert_eq!(fields["Credential"], format!("AKIDTEST/{scope}"));
    let names: Vec<&str> = fields["SignedHeaders"].split(';').collect();
    for name in ["host", "x-amz-date", "x-amz-security-token"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let headers: String = names
        .iter()
        .map(|name| format!("{name}:{}\n", header(name)))
        .collect();
    let mut query: Vec<&str> = request.url.query().unwrap_or_default().split('&').collect();
    query.sort_unstable();
    let canonical = [
        request.method.as_str(),
        request.url.path(),
        &query.join("&"),
        &headers,
        fields["SignedHeaders"],
        &hash(&request.body),
    ]
    .join("\n");
    let text = format!("AWS4-HMAC-SHA256\n{at}\n{scope}\n{}", hash(canonical.as_bytes()));
    let key = ["eu-central-1", "lambda", "aws4_request"]
        .iter()
        .fold(mac(format!("AWS4{SECRET}").as_bytes(), day), |key, part| {
            mac(&key, part)
        });
    assert_eq!(
        fields["Signature"],
        HEXLOWER.encode(&mac(&key, &text)),
        "{canonical}"
    );
}

#[tokio::test]
async fn every_request_is_signed_for_the_functions_service() {
    let world = World::new().await;
    let detail = detail(&Story::awaiting(breaks()), 30);
    let team = TeamId::new("R&D é+1/~x").unwrap();
    world
        .answers("GET", "/v1/proposals", 200, listing(Vec::new()))
        .await;
    world.shows(&detail).await;
    world.takes(&detail, 200, answered(true, "It is recorded.")).await;
    world.api.list(Show::Recent, Some(&team), 20).await.unwrap();
    world.api.show(&"gnr4sqzf".parse().unwrap()).await.unwrap();
    let seen = Digest::of(b"seen");
    let asked = world
        .api
        .ask(
            &detail.listed.proposal,
            &seen,
            &domain::permission::Request::Approve,
        )
        .await;
    assert!(asked.unwrap().recorded);
    let received = world.server.received_requests().await.unwrap();
    assert_eq!(received.len(), 3);
    for request in &received {
        assert_signed(request);
    }
    let body: serde_json::Value = received[2].body_json().unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "seen": seen, "request": { "ask": "approve" } })
    );
    assert_eq!(received[2].headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    let elsewhere = MockServer::start().await;
    Mock::given(path("/v1/proposals"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", format!("{}/x", elsewhere.uri())))
        .mount(&world.server)
        .await;
    let problem = world.api.list(Show::Recent, None, 20).await.unwrap_err();
    assert!(!problem.may_pass());
    assert_eq!(
        problem.to_string(),
        "the agent answered 307, a redirect, which is not followed"
    );
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_clock_that_is_off_is_no_missing_permission() {
    let world = World::new().await;
    for said in [
        "Signature expired: 20261122T100000Z is now earlier than 20261122T100500Z (20261122T101000Z - 5 min.)",
        "Signature not yet current: 20261122T102000Z is still later than 20261122T101500Z",
    ] {
        world.server.reset().await;
        let forbidden = serde_json::json!({ "message": said });
        world.answers("GET", "/v1/proposals", 403, forbidden).await;
        let problem = world.api.list(Show::Recent, None, 20).await.unwrap_err();
        assert_eq!(
            problem.to_string(),
            format!(
                "this machine's clock is minutes off, and so what it signs is refused: set it, and try again ({said})"
            )
        );
    }
}

#[tokio::test]
async fn what_iam_does_not_let_through_is_explained() {
    const ARN: &str = "arn:aws:sts::123456789012:assumed-role/Sre/ada";
    let world = World::new().await;
    let forbidden = serde_json::json!({ "Message": "Forbidden.\u{1b}[2J" });
    world.answers("GET", "/v1/proposals", 403, forbidden).await;
    let needs =
        "the role needs lambda:InvokeFunctionUrl and lambda:InvokeFunction on it (\"Forbidden. [2J\")";
    let problem = world.api.list(Show::Recent, None, 20).await.unwrap_err();
    assert_eq!(
        problem.to_string(),
        format!("IAM does not let you invoke the function: {needs}"),
        "STS does not say who that is"
    );
    let identity = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{ARN}</Arn><UserId>A:ada</UserId><Account>123456789012</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    Mock::given(method("POST"))
        .and(path("/"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(identity, "text/xml"))
        .mount(&world.server)
        .await;
    let problem = world.api.list(Show::Recent, None, 20).await.unwrap_err();
    assert_eq!(
        problem.to_string(),
        format!("IAM does not let {ARN} invoke the function: {needs}")
    );
}

#[tokio::test]
async fn the_functions_own_403_is_told_as_it_is() {
    let world = World::new().await;
    world
        .answers(
            "GET",
            "/v1/proposals",
            403,
            sentence("IAM does not say who sent this"),
        )
        .await;
    let problem = world.api.list(Show::Recent, None, 20).await.unwrap_err();
    assert_eq!(problem.to_string(), "IAM does not say who sent this");
}

/// What comes of a list where the answer is these bytes.
async fn heard(bytes: impl Into<Vec<u8>>, end: End, bounds: Bounds) -> Problem {
    let url = answering(bytes, end).await;
    let mut api = Api::at(&url, &aws(&url).await).unwrap();
    api.client = Client::within(bounds).unwrap();
    api.list(Show::Recent, None, 20).await.unwrap_err()
}

#[tokio::test]
async fn no_answer_is_waited_for_or_read_without_bound() {
    let short = Bounds {
        request_ms: 300,
        ..BOUNDS
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4000000\r\n\r\n";
    for end in [End::Hang, End::Drip] {
        let problem = heard(head, end, short).await;
        assert!(problem.may_pass());
        assert_eq!(problem.to_string(), "no whole reply within 300 ms");
    }
    let long = format!("{head}{}", " ".repeat(BOUNDS.reply_bytes + 1));
    let problem = heard(long, End::Close, BOUNDS).await;
    assert_eq!(problem.to_string(), "the reply is longer than 1048576 bytes");
    let problem = heard("", End::Reset, BOUNDS).await;
    assert!(matches!(problem, Problem::Lost(_)), "{problem}");
}

#[tokio::test]
async fn an_answer_of_another_version_says_so() {
    let world = World::new().await;
    world
        .answers("GET", "/v1/proposals", 200, serde_json::json!({ "proposals": 1 }))
        .await;
    let problem = world.api.list(Show::Recent, None, 20).await.unwrap_err();
    assert!(!problem.may_pass());
    assert!(
        problem.to_string().contains("of another version than the stack?"),
        "{problem}"
    );
}
