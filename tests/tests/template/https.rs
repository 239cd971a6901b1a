//! What is called with secrets is called over https: by the template's patterns, and again by the functions.

use std::collections::BTreeSet;

use runtime::env::Env;
use serde_json::{Value, json};

use super::code::{configure, functions, variables};
use super::tree::{Template, target};
use super::{notices, passes};

/// The parameters that say where a service is.
fn places(template: &Template) -> Vec<&str> {
    let named = |name: &&str| name.ends_with("Url") || name.ends_with("Origin");
    template
        .parameters()
        .map(|(name, _)| name)
        .filter(named)
        .collect()
}

/// Whether a parameter's pattern admits a value.
fn admits(parameter: &Value, value: &str) -> bool {
    let schema = json!({"type": "string", "pattern": parameter["AllowedPattern"]});
    jsonschema::is_valid(&schema, &json!(value))
}

const ADMITTED: [&str; 5] = [
    "https://gateway.example",
    "https://gateway.example:8443",
    // An emulator's services, on the same machine.
    "http://127.0.0.1:4566",
    "http://localhost:4566",
    // The same machine, from an emulator's containers.
    "http://host.docker.internal:4566",
];

const REFUSED: [&str; 15] = [
    "http://gateway.example",
    "http://10.0.0.1",
    "HTTP://gateway.example",
    "http://127.0.0.1.example",
    "http://127.0.0.1@gateway.example",
    "http://localhost.example",
    "http://host.docker.internal.example",
    "http://localhost:80@gateway.example",
    "https://user:password@gateway.example",
    " https://gateway.example",
    "https://",
    "ftp://gateway.example",
    "//gateway.example",
    "gateway.example",
    "",
];

fn the_template_admits_https_alone(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in places(template) {
        let parameter = &template.root()["Parameters"][name];
        let admits = |value: &&&str| admits(parameter, value);
        wrong.extend(
            REFUSED
                .iter()
                .filter(admits)
                .map(|value| format!("{name} admits {value:?}")),
        );
        let refused = ADMITTED.iter().filter(|value| !admits(value));
        wrong.extend(refused.map(|value| format!("{name} refuses {value:?}")));
    }
    wrong
}

#[test]
fn every_place_of_a_service_is_https_or_on_this_machine() {
    let template = Template::read();
    assert_eq!(
        places(&template),
        [
            "ModelUrl",
            "GatewayUrl",
            "SlackApiUrl",
            "SlackResponseOrigin",
            "PagerDutyUrl"
        ]
    );
    passes(the_template_admits_https_alone);
    for name in places(&template) {
        notices(the_template_admits_https_alone, name, |root| {
            root["Parameters"][name]["AllowedPattern"] = json!(r"^https?://[^\s/?#]+$");
        });
    }
}

/// Every function that is told a place refuses it as `http`, but on an emulator.
fn functions_refuse_http(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for place in places(template) {
        let mut told = BTreeSet::new();
        for (id, binary) in functions(template) {
            let fed =
                |(name, value): (String, Value)| (target(&value).as_deref() == Some(place)).then_some(name);
            let Some(variable) = variables(template, &id).into_iter().find_map(fed) else {
                continue;
            };
            told.insert(id.clone());
            for (emulated, starts) in [("false", false), ("true", true)] {
                let set = template.with(|root| {
                    root["Parameters"][place]["Default"] = json!("http://127.0.0.1:4566");
                    root["Parameters"]["LocalStack"]["Default"] = json!(emulated);
                });
                let variables = variables(&set, &id);
                let lookup = |name: &str| {
                    let value = variables.get(name)?;
                    Some(
                        set.text(value)
                            .unwrap_or_else(|| "https://made.by.aws".to_owned()),
                    )
                };
                match configure(&binary, &Env::new(&lookup)) {
                    Ok(()) if !starts => wrong.push(format!("{id} calls {variable} over http")),
                    Err(bad) if starts || bad.name != variable => wrong.push(format!("{id}: {bad}")),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        if told.is_empty() {
            wrong.push(format!("no function is told {place}"));
        }
    }
    wrong
}

#[test]
fn no_function_calls_a_service_over_http_but_on_an_emulator() {
    passes(functions_refuse_http);
    for id in [
        "IngestAndProposeFunction",
        "ExecutionFunction",
        "ApprovalCallbackFunction",
        "NotificationFunction",
    ] {
        notices(functions_refuse_http, id, |root| {
            root["Resources"][id]["Properties"]["Environment"]["Variables"]["LOCAL_STACK"] = json!("true");
        });
    }
}
