//! Events as the Lambda runtime hands them over, whose every text the caller wrote: each is answered, and none panics.

use std::time::Duration;

use approval_callback::{self as callback, Deps, answer_event};
use async_trait::async_trait;
use domain::ports::Clock;
use domain::value::Timestamp;
use serde_json::{Value, json};
use testkit::sample::ALICE;

use super::draw::Draw;
use super::spoil;
use crate::door::{Answer, Door, command, interaction, request};

/// One event of each kind, for the door that it is for.
fn genuine(door: &Door) -> Vec<(Value, bool)> {
    let id = door.story.proposal().id();
    let path = door.links.path(id);
    let (page, token) = path.split_once('?').unwrap();
    let mut look = request("GET", page);
    look["rawQueryString"] = json!(token);
    let mut list = command(
        "arn:aws:iam::123456789012:user/alice",
        "GET",
        "/v1/proposals",
        &json!(null),
    );
    list["rawQueryString"] = json!("show=waiting&limit=3");
    let ask = json!({"seen": door.story.last().digest, "request": {"ask": "approve"}});
    vec![
        (interaction(&door.signed(&door.payload(ALICE, "approve"))), true),
        (look, true),
        (request("GET", "/healthz"), true),
        (list, false),
        (
            command(
                "arn:aws:iam::123456789012:user/alice",
                "POST",
                &format!("/v1/proposals/{id}/requests"),
                &ask,
            ),
            false,
        ),
    ]
}

/// The event as the runtime reads it from the bytes that Lambda sends.
async fn sent(door: &Door, text: &str, public: bool) -> Option<Answer> {
    let event: Value = serde_json::from_slice(text.as_bytes()).ok()?;
    Some(match public {
        true => door.send(&event).await,
        false => door.command(&event).await,
    })
}

fn answered(answer: &Answer, what: &str) {
    let status = answer.status;
    assert!(
        status == 200 || (400..500).contains(&status),
        "{what}: {answer:?}"
    );
}

/// What breaks readers that make a URL or headers of it: a place in the event, and what stands there.
fn corpus() -> Vec<(&'static str, Vec<Value>)> {
    let long = "x".repeat(100_000);
    let texts = |texts: &[&str]| -> Vec<Value> { texts.iter().map(|text| json!(text)).collect() };
    let odd = || {
        vec![
            json!(null),
            json!(7),
            json!(-1.5e300),
            json!(true),
            json!([]),
            json!([[]]),
            json!({}),
        ]
    };
    let mut queries = texts(&[
        "\"",
        "<",
        ">",
        " ",
        "a b",
        "t=<\">",
        "%",
        "%z",
        "%ff%fe",
        "\0",
        "=",
        "&&&",
        "a=1&a=2",
        "?#",
        "t",
        "t=%",
        "\u{202e}",
        "\u{fffd}",
        "limit=18446744073709551616",
        "limit=-1",
        "show=\"",
        &long,
    ]);
    queries.extend(odd());
    let mut paths = texts(&[
        "",
        "/",
        "//",
        "///",
        " ",
        "/ ",
        "/%",
        "/\"<>",
        "/\0",
        "http://x/",
        "/proposals/",
        "/proposals/../..",
        "/v1/proposals/%00",
        "/proposals/\u{202e}",
        "*",
        "\\",
        "/healthz\n",
        &long,
    ]);
    paths.extend(odd());
    let mut hosts = texts(&[
        "",
        " ",
        "a b",
        "x:99999999",
        "x:-1",
        "[::1",
        "é",
        "a/b",
        "@",
        "\"",
        "<>",
        "\0",
        "a\r\nb: c",
        &long,
    ]);
    hosts.extend(odd());
    let mut schemes = texts(&[
        "",
        "ht tp",
        "javascript:",
        "https,http",
        "://",
        "9",
        "\0",
        "\"",
        "é",
        &long,
    ]);
    schemes.extend(odd());
    let mut methods = texts(&["", " ", "G T", "GET\n", "é", "\0", "PRI", "connect", &long]);
    methods.extend(odd());
    vec![
        ("/rawQueryString", queries),
        ("/rawPath", paths),
        ("/headers/host", hosts.clone()),
        ("/headers/x-forwarded-proto", schemes),
        ("/headers/x-forwarded-host", hosts.clone()),
        ("/headers/x-forwarded-port", hosts.clone()),
        ("/headers/x-forwarded-for", hosts.clone()),
        ("/headers/content-length", hosts.clone()),
        ("/headers/content-type", hosts.clone()),
        ("/headers/", hosts.clone()),
        ("/headers/a b", hosts.clone()),
        ("/headers/\r\n", hosts.clone()),
        ("/cookies", hosts.clone()),
        ("/headers", odd()),
        ("/requestContext", odd()),
        ("/requestContext/http", odd()),
        ("/requestContext/http/method", methods),
        ("/requestContext/http/path", hosts.clone()),
        ("/requestContext/domainName", hosts.clone()),
        ("/requestContext/timeEpoch", odd()),
        ("/requestContext/authorizer", odd()),
        ("/requestContext/authorizer/iam/userArn", hosts.clone()),
        ("/version", hosts),
        ("/isBase64Encoded", odd()),
        ("/body", odd()),
    ]
}

/// Puts a value at a place, also where there was none.
fn put(event: &mut Value, place: &str, value: &Value) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    if let Some(Value::Object(fields)) = event.pointer_mut(parent) {
        fields.insert(name.to_owned(), value.clone());
    }
}

#[tokio::test]
async fn whatever_stands_in_an_event_it_is_answered() {
    let door = Door::new();
    let mut cases = 0;
    for (event, public) in genuine(&door) {
        for (place, values) in corpus() {
            for value in &values {
                let mut spoiled = event.clone();
                put(&mut spoiled, place, value);
                let door = Door::new();
                let answer = sent(&door, &spoiled.to_string(), public).await.unwrap();
                answered(&answer, place);
                cases += 1;
            }
            let mut without = event.clone();
            let (parent, name) = place.rsplit_once('/').unwrap();
            if let Some(Value::Object(fields)) = without.pointer_mut(parent) {
                fields.remove(name);
            }
            answered(
                &sent(&Door::new(), &without.to_string(), public).await.unwrap(),
                place,
            );
        }
    }
    assert!(cases > 1000, "{cases}");
}

#[tokio::test]
async fn what_is_no_request_is_a_bad_one() {
    let door = Door::new();
    let (click, _) = genuine(&door).remove(0);
    let changed = |place: &str, value: Value| {
        let mut event = click.clone();
        put(&mut event, place, &value);
        event
    };
    let mut bad: Vec<Value> = [json!(null), json!({}), json!([]), json!(7), json!({"http": {}})]
        .into_iter()
        .flat_map(|value| [changed("/requestContext", value.clone()), value])
        .collect();
    // An event of another door of AWS: payload format 1.0 of API Gateway.
    bad.push(json!({"httpMethod": "GET", "path": "/healthz", "headers": {}, "body": null}));
    for body in ["!", "a", "aGk", "====", "aGk=\n", "é"] {
        let mut event = changed("/body", json!(body));
        event["isBase64Encoded"] = json!(true);
        bad.push(event);
    }
    for event in bad {
        for public in [true, false] {
            let answer = sent(&door, &event.to_string(), public).await.unwrap();
            assert_eq!(answer.status, 400, "{event}");
        }
    }
    assert!(door.since().is_empty() && door.told().is_empty());
}

/// Slack's check of a certificate is not signed as its other requests are, and must not be answered on trust:
/// <https://docs.slack.dev/interactivity/implementing-slash-commands>.
#[tokio::test]
async fn a_certificate_check_without_a_signature_is_refused() {
    let door = Door::new();
    for body in ["ssl_check=1&token=x", "ssl_check=1", "payload=%7B%7D&ssl_check=1"] {
        for encoded in [false, true] {
            for method in ["POST", "GET"] {
                let mut event = request(method, "/slack/interactions");
                event["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
                event["isBase64Encoded"] = json!(encoded);
                event["body"] = json!(match encoded {
                    true => data_encoding::BASE64.encode(body.as_bytes()),
                    false => body.to_owned(),
                });
                let refused = if method == "POST" { 401 } else { 405 };
                assert_eq!(door.send(&event).await.status, refused, "{event}");
            }
        }
    }
}

/// Texts that are hard to read, in any place of an event, and bytes that were changed in its JSON.
#[tokio::test]
async fn an_event_that_was_spoiled_at_random_is_answered() {
    const NASTY: [&str; 12] = [
        "\"", "<", ">", " ", "%", "\0", "\r\n", "é", "://", "[", "=", "\u{202e}",
    ];
    let mut draw = Draw::new(12);
    let door = Door::new();
    let genuine = genuine(&door);
    let (mut read, mut unread) = (0, 0);
    for _ in 0..4000 {
        let (event, public) = draw.one(&genuine);
        let (mut event, public) = (event.clone(), *public);
        for _ in 0..=draw.below(4) {
            let place = draw.word(&[
                "/rawQueryString",
                "/rawPath",
                "/headers/host",
                "/headers/x-forwarded-proto",
                "/body",
            ]);
            let text: String = (0..=draw.below(6)).map(|_| draw.word(&NASTY)).collect();
            match draw.below(3) {
                0 => put(&mut event, place, &json!(text)),
                1 => put(
                    &mut event,
                    &format!("/headers/{}", text.replace('/', "")),
                    &json!(text),
                ),
                _ => spoil::json(&mut draw, &mut event),
            }
        }
        let mut text = event.to_string();
        if draw.percent(30) {
            spoil::text(&mut draw, &mut text);
        }
        let door = Door::new();
        match sent(&door, &text, public != draw.percent(10)).await {
            Some(answer) => {
                answered(&answer, &text);
                read += 1;
            }
            // The runtime itself refuses what is no JSON, which Lambda never sends.
            None => unread += 1,
        }
    }
    assert!(read > 2000 && unread > 100, "{read} read, {unread} not");
}

/// A clock that nobody can read.
struct Broken;

#[async_trait]
impl Clock for Broken {
    fn now(&self) -> Timestamp {
        panic!("what nobody thought of")
    }

    async fn sleep(&self, _: Duration) {}
}

#[tokio::test]
async fn a_panic_behind_the_door_is_an_answer_and_the_next_request_is_answered_as_ever() {
    let door = Door::new();
    let deps = Deps {
        trail: &door.trail,
        policies: &door.policies,
        deployment: &door.deployment,
        operators: &door.operators,
        clock: &Broken,
        door: callback::Door::Commands {
            view: &door.view,
            emulated_caller: None,
        },
    };
    let id = door.story.proposal().id();
    let seen = door.story.proposal().scored_record();
    let ask = json!({"seen": seen, "request": {"ask": "approve"}});
    let path = format!("/v1/proposals/{id}/requests");
    let event = command("arn:aws:iam::123456789012:user/alice", "POST", &path, &ask);
    let answer = answer_event(&deps, &event).await;
    assert_eq!(answer["statusCode"], 500, "{answer}");
    assert!(!answer.to_string().contains("nobody thought of"), "{answer}");
    assert!(door.since().is_empty());
    assert_eq!(door.command(&event).await.status, 200);
    assert_eq!(door.since(), ["approved"]);
}

/// The crate that makes a request of such an event panics on a query, a host or a body that it cannot read; and a process
/// that aborts takes what waits in it along.
#[test]
fn what_is_deployed_reads_requests_without_a_crate_that_panics_and_survives_a_panic() {
    let lock = include_str!("../../../../../Cargo.lock");
    assert!(lock.contains("name = \"lambda_runtime\""));
    assert!(!lock.contains("name = \"lambda_http\""));
    let manifest = include_str!("../../../../../Cargo.toml");
    let (_, release) = manifest.split_once("[profile.release]").unwrap();
    assert!(release.contains("panic = \"unwind\"") && !release.contains("panic = \"abort\""));
}
