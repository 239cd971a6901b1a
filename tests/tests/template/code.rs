//! Function crates and their environment against the functions of the template.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use runtime::env::{BadVariable, Env};
use serde_json::{Value, json};

use super::tree::{Template, entries};
use super::{notices, passes};

/// What `runtime::start` reads before any function's own configuration.
const READ_BY_RUNTIME: &str = "RUST_LOG";

/// Reads a function's configuration.
pub(super) fn configure(function: &str, env: &Env<'_>) -> Result<(), BadVariable> {
    match function {
        "approval-callback" => approval_callback::config::Config::from(env).map(drop),
        "execution" => execution::config::Config::from(env).map(drop),
        "housekeeping" => housekeeping::config::Config::from(env).map(drop),
        "ingest-and-propose" => ingest_and_propose::config::Config::from(env).map(drop),
        "notification" => notification::config::Config::from(env).map(drop),
        "outbox" => outbox::config::Config::from(env).map(drop),
        "scoring" => scoring::config::Config::from(env).map(drop),
        other => panic!("{other} is a new function: say here how it is configured"),
    }
}

/// The crates under `functions/`.
pub(super) fn crates() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// The template's functions: logical id and binary.
pub(super) fn functions(template: &Template) -> Vec<(String, String)> {
    let functions = template.of_type("AWS::Serverless::Function");
    functions
        .into_iter()
        .map(|(id, function)| {
            let binary = &function["Metadata"]["BuildProperties"]["Binary"];
            (id.to_owned(), binary.as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

/// A function's variables, those of `Globals` included.
pub(super) fn variables(template: &Template, id: &str) -> BTreeMap<String, Value> {
    let shared = &template.root()["Globals"]["Function"]["Environment"]["Variables"];
    let own = &template.properties(id)["Environment"]["Variables"];
    let variable = |(name, value): (&str, &Value)| (name.to_owned(), value.clone());
    entries(shared).chain(entries(own)).map(variable).collect()
}

fn pascal_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(capital).collect()
}

/// The name of a function: its binary's, but for the second door of one.
fn named<'a>(id: &str, binary: &'a str) -> &'a str {
    match id {
        "ApprovalCommandsFunction" if binary == "approval-callback" => "approval-commands",
        _ => binary,
    }
}

fn each_crate_is_a_function(template: &Template) -> Vec<String> {
    let functions = functions(template);
    let binaries: BTreeSet<String> = functions.iter().map(|(_, binary)| binary.clone()).collect();
    let mut wrong: Vec<String> = crates()
        .symmetric_difference(&binaries)
        .map(|name| format!("{name} is a crate or a function, but not both"))
        .collect();
    for (id, binary) in functions {
        let resource = &template.root()["Resources"][&id];
        let name = named(&id, &binary);
        if id != format!("{}Function", pascal_case(name)) {
            wrong.push(format!("{id} is not named after its binary {binary}"));
        }
        if resource["Metadata"]["BuildMethod"] != "rust-cargolambda" {
            wrong.push(format!("{id} is not built by cargo lambda"));
        }
        let name = json!({ "Fn::Sub": format!("${{AWS::StackName}}-{name}") });
        if resource["Properties"]["FunctionName"] != name {
            wrong.push(format!("{id} has another name than its crate"));
        }
    }
    wrong
}

#[test]
fn each_function_crate_has_its_resource_and_each_resource_its_crate() {
    passes(each_crate_is_a_function);
    notices(each_crate_is_a_function, "outbox", |root| {
        root["Resources"]
            .as_object_mut()
            .unwrap()
            .remove("OutboxFunction");
    });
    notices(each_crate_is_a_function, "archive", |root| {
        root["Resources"]["OutboxFunction"]["Metadata"]["BuildProperties"]["Binary"] = json!("archive");
    });
}

/// Runs the real configuration over the template's own values, parameters at their defaults, and compares what it
/// asked for with what is set.
fn each_variable_is_set_and_read(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, binary) in functions(template) {
        let set = variables(template, &id);
        let asked: RefCell<BTreeSet<String>> = RefCell::default();
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            let value = set.get(name)?;
            // ARNs, URLs and names that AWS makes up.
            Some(
                template
                    .text(value)
                    .unwrap_or_else(|| "https://made.by.aws".to_owned()),
            )
        };
        if let Err(bad) = configure(&binary, &Env::new(&lookup)) {
            wrong.push(format!("{id}: {bad}"));
        }
        let read: BTreeSet<String> = asked
            .take()
            .into_iter()
            .chain([READ_BY_RUNTIME.to_owned()])
            .collect();
        let set: BTreeSet<String> = set.into_keys().collect();
        wrong.extend(
            read.difference(&set)
                .map(|name| format!("{id}: {name} is read and not set")),
        );
        wrong.extend(
            set.difference(&read)
                .map(|name| format!("{id}: {name} is set and not read")),
        );
    }
    wrong
}

#[test]
fn each_variable_that_a_function_reads_is_set_and_each_one_set_is_read() {
    passes(each_variable_is_set_and_read);
    for (id, name) in [
        ("ScoringFunction", "SRE_RISK_THRESHOLD"),
        ("ScoringFunction", "POLICY_BUCKET"),
        ("HousekeepingFunction", "PAUSABLE_EVENT_SOURCES"),
        ("ApprovalCallbackFunction", "SLACK_TEAM_IDS"),
        ("ApprovalCommandsFunction", "PROPOSALS_TABLE"),
    ] {
        notices(each_variable_is_set_and_read, name, |root| {
            let variables = &mut root["Resources"][id]["Properties"]["Environment"]["Variables"];
            variables.as_object_mut().unwrap().remove(name);
        });
    }
    notices(each_variable_is_set_and_read, "SRE_AGENT_MODEL", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Environment"]["Variables"]["SRE_AGENT_MODEL"] =
            json!("claude");
    });
    notices(each_variable_is_set_and_read, "RUST_LOG", |root| {
        root["Globals"]["Function"]["Environment"] = json!({});
    });
    notices(each_variable_is_set_and_read, "SRE_AUTO_APPROVE", |root| {
        root["Parameters"]["SreAutoApprove"]["Default"] = json!("sometimes");
    });
}

/// The packages that `cargo lambda build` builds where it is not told any.
#[test]
fn cargo_lambda_build_makes_every_function_and_nothing_else() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).unwrap();
    let (_, section) = manifest.split_once("[workspace.metadata.lambda.build]").unwrap();
    let list = section
        .lines()
        .find_map(|line| line.strip_prefix("packages = "))
        .unwrap();
    let packages: BTreeSet<String> = serde_json::from_str(list).unwrap();
    assert_eq!(packages, crates());
}

/// So that one environment holds them all, and `cargo lambda watch` can serve every function from it.
fn a_variable_has_one_value(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut known: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (id, _) in functions(template) {
        for (name, value) in variables(template, &id) {
            let (first, expected) = known
                .entry(name.clone())
                .or_insert_with(|| (id.clone(), value.clone()));
            // Which of its two doors one program is.
            if *expected != value && name != "DOOR" {
                wrong.push(format!("{name} is {value} in {id} and {expected} in {first}"));
            }
        }
    }
    wrong
}

#[test]
fn a_variable_has_the_same_value_in_every_function() {
    passes(a_variable_has_one_value);
    notices(a_variable_has_one_value, "LICENSE_TIER", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Environment"]["Variables"]["LICENSE_TIER"] =
            json!("trial");
    });
}

#[test]
fn every_artefact_is_the_bootstrap_of_a_custom_runtime() {
    let template = Template::read();
    let shared = &template.root()["Globals"]["Function"];
    assert_eq!(shared["Handler"], "bootstrap");
    assert_eq!(shared["Runtime"], "provided.al2023");
    assert_eq!(shared["Architectures"], json!([{ "Ref": "Architecture" }]));
}

/// A lease must outlive its holder, so the function must know its own timeout.
fn each_function_knows_its_timeout(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (id, _) in functions(template) {
        let timeout = template.number(&template.properties(&id)["Timeout"]);
        if timeout.is_none() {
            wrong.push(format!("{id} has no timeout of its own"));
        }
        for (name, told) in variables(template, &id) {
            if name.ends_with("_TIMEOUT_S") && template.number(&told) != timeout {
                wrong.push(format!("{id} is told another timeout than it has"));
            }
        }
    }
    wrong
}

#[test]
fn a_function_is_told_its_own_timeout() {
    passes(each_function_knows_its_timeout);
    notices(each_function_knows_its_timeout, "ExecutionFunction", |root| {
        root["Resources"]["ExecutionFunction"]["Properties"]["Timeout"] = json!(61);
    });
}
