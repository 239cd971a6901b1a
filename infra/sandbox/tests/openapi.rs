//! The admin API and its description agree: same routes, and replies that the schemas hold for.

#![expect(clippy::unwrap_used, reason = "the tests' helpers are tests too")]

use std::collections::BTreeSet;

use reqwest::{Client, Method};
use sandbox::{CallFault, CallFaultMode, Injection, Options, Running};
use serde_json::{Value, json};

fn document() -> Value {
    serde_yaml_ng::from_str(include_str!("../openapi.yaml")).unwrap()
}

/// (METHOD, path) of every operation.
fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let methods = ["get", "put", "post", "delete", "patch", "head", "options"];
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| methods.contains(&key.as_str()))
        {
            operations.insert((method.to_uppercase(), path.clone()));
        }
    }
    operations
}

/// The schema of an operation's reply (or of its body, with no status), as a whole JSON Schema document.
fn schema(document: &Value, method: &str, path: &str, status: Option<u16>) -> Option<Value> {
    let operation = &document["paths"][path][method.to_lowercase()];
    let mut place = match status {
        Some(status) => &operation["responses"][status.to_string()],
        None => &operation["requestBody"],
    };
    if let Some(reference) = place["$ref"].as_str() {
        place = document.pointer(&reference[1..])?;
    }
    let reference = place["content"]["application/json"]["schema"]["$ref"].as_str()?;
    Some(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": reference,
        "components": document["components"],
    }))
}

fn assert_holds(document: &Value, method: &str, path: &str, status: u16, reply: &Value) {
    let schema = schema(document, method, path, Some(status))
        .unwrap_or_else(|| panic!("{method} {path} does not describe {status}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(reply)
        .map(|error| error.to_string())
        .collect();
    assert!(
        errors.is_empty(),
        "{method} {path} {status}: {errors:?} in {reply}"
    );
}

async fn call(sandbox: &Running, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
    let response = Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .request(
            Method::from_bytes(method.as_bytes()).unwrap(),
            format!("{}{path}", sandbox.url()),
        )
        .bearer_auth(token)
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// An id that exists for each path, a good body and a bad one.
fn example(path: &str) -> (String, &'static str, &'static str) {
    let table = [
        (
            "/providers/",
            "openai",
            r#"{"blocked":true}"#,
            r#"{"blocked":"yes"}"#,
        ),
        (
            "/model-groups/",
            "chat",
            r#"{"routes":[{"provider":"anthropic","weight":100}]}"#,
            r#"{"routes":[{"provider":"anthropic","weight":1001}]}"#,
        ),
        (
            "/teams/",
            "payments",
            r#"{"rpm":600,"tpm":100000}"#,
            r#"{"rpm":600}"#,
        ),
        ("/guardrails/", "pii", r#"{"enabled":false}"#, "{}"),
        (
            "/budgets/",
            "payments",
            r#"{"hard_cap_micros":120000000}"#,
            r#"{"hard_cap_micros":1.5}"#,
        ),
        (
            "/sla-contracts/",
            "gold",
            r#"{"enabled":false}"#,
            r#"{"enabled":null}"#,
        ),
    ];
    let (_, id, good, bad) = table.into_iter().find(|(part, ..)| path.contains(part)).unwrap();
    (path.replace("{scope}", "team").replace("{id}", id), good, bad)
}

#[test]
fn the_document_describes_exactly_the_routes_that_are_served() {
    let served: BTreeSet<_> = sandbox::admin_routes()
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(served, operations(&document()));
}

#[tokio::test]
async fn every_reply_is_as_described() {
    let document = document();
    let sandbox = sandbox::spawn(Options::default()).await.unwrap();
    let options = Options::default();
    let (read, write) = (options.read_token.as_str(), options.write_token.as_str());
    sandbox.inject(Injection::Burst { requests: 300 }).unwrap();

    for (method, path) in sandbox::admin_routes() {
        if !path.contains('{') {
            let (status, reply) = call(&sandbox, method, path, read, "").await;
            assert_eq!(status, 200);
            assert_holds(&document, method, path, 200, &reply);
            continue;
        }
        let (real, good, bad) = example(path);
        let other = if path.ends_with("hard-cap") {
            "/admin/v1/budgets/team/no%2Fbody/hard-cap".to_owned()
        } else {
            path.replace("{id}", "no%2Fbody")
        };
        let mut calls = vec![
            (real.as_str(), write, good, 200),
            (&real, "wrong", good, 401),
            (&other, write, good, 404),
        ];
        if method == "PUT" {
            calls.extend([
                (real.as_str(), read, good, 403),
                (&real, write, "{", 400),
                (&real, write, bad, 422),
            ]);
        }
        for (target, token, body, expected) in calls {
            let (status, reply) = call(&sandbox, method, target, token, body).await;
            assert_eq!(status, expected, "{method} {target} {body}: {reply}");
            assert_holds(&document, method, path, status, &reply);
            if method == "PUT" && status == 200 {
                assert_eq!(reply, serde_json::from_str::<Value>(good).unwrap());
            }
        }
    }
    let described = operations(&document)
        .into_iter()
        .filter(|(method, _)| method == "PUT")
        .count();
    assert_eq!(
        sandbox.writes().len(),
        described,
        "one write was accepted for each"
    );
}

#[tokio::test]
async fn the_bodies_refused_are_those_the_document_refuses() {
    let document = document();
    for (method, path) in sandbox::admin_routes().filter(|(method, _)| *method == "PUT") {
        let validator = jsonschema::validator_for(&schema(&document, method, path, None).unwrap()).unwrap();
        let (_, good, bad) = example(path);
        let valid = [good, bad].map(|body| validator.is_valid(&serde_json::from_str(body).unwrap()));
        assert_eq!(valid, [true, false], "{path}");
    }
}

#[tokio::test]
async fn refusals_outside_the_description_have_its_form() {
    let sandbox = sandbox::spawn(Options::default()).await.unwrap();
    let write = Options::default().write_token;
    let fault = CallFault {
        mode: CallFaultMode::Unavailable,
        times: 1,
        delay_ms: None,
        method: None,
        path: "/admin/v1/".to_owned(),
    };
    sandbox.inject(Injection::Admin(fault)).unwrap();
    for (method, path, expected) in [
        ("GET", "/admin/v1/inventory", 503),
        ("DELETE", "/admin/v1/inventory", 405),
        ("GET", "/admin/v1/nothing", 404),
        ("GET", "/admin/v1/budgets/company/acme/hard-cap", 404),
    ] {
        let (status, reply) = call(&sandbox, method, path, &write, "").await;
        assert_eq!(status, expected, "{method} {path}");
        let error = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": "#/components/schemas/Error",
            "components": document()["components"],
        });
        assert!(jsonschema::is_valid(&error, &reply), "{reply}");
    }
}
