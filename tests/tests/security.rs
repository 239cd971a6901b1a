//! Who may depend on what, and that no secret shows itself.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adapters::{Secret, SecretText, SystemClock};

/// The dependencies of every crate of the workspace, those of its tests left out.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let folders = ["functions", "shared", "infra"].iter().flat_map(|folder| {
        let entries = std::fs::read_dir(format!("{root}/{folder}")).unwrap();
        entries.map(|entry| entry.unwrap().path().join("Cargo.toml"))
    });
    let manifests = folders.filter(|path| path.exists());
    manifests
        .map(|path| dependencies(&std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// The name of a package and its dependencies. Every form in which one can be written counts, those of a target and
/// of a build script too.
fn dependencies(manifest: &str) -> (String, BTreeSet<String>) {
    let (mut section, mut package, mut found) = (String::new(), String::new(), BTreeSet::new());
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']').to_owned();
            let table = section
                .rsplit_once("dependencies.")
                .filter(|(before, _)| !before.ends_with("dev-"));
            found.extend(table.map(|(_, name)| name.to_owned()));
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        if section == "package" && key.trim() == "name" {
            package = value.trim().trim_matches('"').to_owned();
        }
        if section.ends_with("dependencies") && !section.ends_with("dev-dependencies") {
            let name = key.trim().split('.').next().unwrap().trim_matches('"').to_owned();
            found.insert(name);
        }
    }
    (package, found)
}

#[test]
fn every_form_of_a_dependency_is_seen() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = { version = \"1\" }\n\
                    [target.'cfg(unix)'.dependencies]\nc = \"1\"\n[build-dependencies]\nd = \"1\"\n\
                    [dependencies.e]\nversion = \"1\"\n[dev-dependencies]\nf = \"1\"\n\
                    [dev-dependencies.g]\nversion = \"1\"\n[lints]\nworkspace = true\n";
    let (name, found) = dependencies(manifest);
    assert_eq!(name, "x");
    assert_eq!(found, set(&["a", "b", "c", "d", "e"]));
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The crates that depend on one.
fn users(of: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let users = manifests()
        .into_iter()
        .filter(|(_, found)| found.iter().any(|name| of(name)));
    users.map(|(package, _)| package).collect()
}

fn functions() -> BTreeSet<String> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| manifests().contains_key(name)).collect()
}

#[test]
fn the_domain_knows_nothing_of_the_outside() {
    // Data, text and hashes. No SDK, no HTTP, no runtime: what is added here is looked at twice.
    assert_eq!(
        manifests()["domain"],
        set(&[
            "async-trait",
            "data-encoding",
            "jiff",
            "percent-encoding",
            "schemars",
            "serde",
            "serde_json",
            "sha2",
            "thiserror"
        ])
    );
}

#[test]
fn only_execution_can_change_the_gateway() {
    assert_eq!(users(|name| name == "actuator"), set(&["execution"]));
    assert_eq!(
        users(|name| name == "gateway"),
        // The evaluation reads its labelled gateways as if they were real ones.
        set(&["actuator", "eval", "execution", "ingest-and-propose", "sre-agent"])
    );
}

#[test]
fn aws_is_spoken_to_in_few_places() {
    let sdk = |name: &str| name.starts_with("aws-sdk-");
    assert_eq!(
        users(sdk),
        // housekeeping alone switches event sources; ingest-and-propose asks Bedrock, in a build with that feature;
        // the sandbox sends its own incidents.
        set(&[
            "adapters",
            "housekeeping",
            "ingest-and-propose",
            "sandbox",
            "sre-agent",
            "testkit"
        ])
    );
    assert_eq!(
        users(|name| name == "aws-config"),
        set(&[
            "adapters",
            "housekeeping",
            "ingest-and-propose",
            "runtime",
            "sandbox",
            "sre-agent",
            "testkit"
        ])
    );
    let of_housekeeping = &manifests()["housekeeping"];
    let known: Vec<&String> = of_housekeeping.iter().filter(|name| sdk(name)).collect();
    assert_eq!(known, ["aws-sdk-lambda"]);
    let of_ingest = &manifests()["ingest-and-propose"];
    let known: Vec<&String> = of_ingest.iter().filter(|name| sdk(name)).collect();
    assert_eq!(known, ["aws-sdk-bedrockruntime"]);
}

#[test]
fn http_is_spoken_in_few_places() {
    assert_eq!(
        users(|name| ["reqwest", "hyper", "ureq"].contains(&name)),
        // Within the bounds of `outbound`; ingest-and-propose asks models, the sandbox's Slack sends clicks, what measures is AWS.
        set(&[
            "actuator",
            "approval-callback",
            "bench",
            "gateway",
            "ingest-and-propose",
            "outbound",
            "sandbox",
            "slack",
            "sre-agent",
            "xtask"
        ])
    );
    assert_eq!(
        users(|name| name == "outbound"),
        set(&[
            "actuator",
            "approval-callback",
            "eval",
            "gateway",
            "ingest-and-propose",
            "notification",
            "slack",
            "sre-agent"
        ])
    );
}

#[test]
fn the_trail_is_worked_with_by_name() {
    // outbox only reads, and announces what holds.
    let mut workers = set(&["bench", "export", "runtime", "sre-agent"]);
    workers.extend(functions());
    assert_eq!(users(|name| name == "trail"), workers);
}

#[test]
fn dependencies_point_inward() {
    let manifests = manifests();
    let ours: BTreeSet<String> = manifests.keys().cloned().collect();
    let inner = |name: &str| -> BTreeSet<String> { manifests[name].intersection(&ours).cloned().collect() };
    assert_eq!(inner("domain"), set(&[]));
    assert_eq!(inner("adapters"), set(&["domain"]));
    assert_eq!(inner("outbound"), set(&["domain"]));
    assert_eq!(inner("trail"), set(&["domain"]));
    assert_eq!(inner("export"), set(&["domain", "trail"]));
    assert_eq!(inner("gateway"), set(&["domain", "outbound"]));
    assert_eq!(inner("actuator"), set(&["domain", "gateway", "outbound"]));
    assert_eq!(inner("runtime"), set(&["adapters", "domain", "trail"]));
    // The sandbox is somebody else's gateway: it must not share the agent's idea of one.
    assert_eq!(inner("sandbox"), set(&[]));
    for function in functions() {
        let others: Vec<String> = inner(&function).intersection(&functions()).cloned().collect();
        assert!(others.is_empty(), "{function} depends on {others:?}");
        assert!(inner(&function).contains("domain"), "{function}");
    }
}

#[test]
fn nothing_that_ships_depends_on_what_only_tests_need() {
    for test_only in [
        "testkit",
        "tests",
        "sandbox",
        "dynoxide-rs",
        "wiremock",
        "proptest",
        "expect-test",
    ] {
        let users = users(|name| name == test_only);
        // The evaluation and the measurements are tools of ours, and nobody's deployment.
        let ours = set(&["testkit", "eval", "bench"]);
        assert!(users.is_subset(&ours), "{test_only} is linked into {users:?}");
    }
}

const SECRET: &str = "s3cr3t-of-the-gateway";

#[track_caller]
fn silent(what: &str) {
    assert!(
        !what.contains(SECRET) && !what.contains("s3cr3t"),
        "it shows itself: {what}"
    );
}

#[tokio::test]
async fn no_secret_shows_itself() {
    let text = SecretText::new(SECRET);
    silent(&format!("{text} {text:?} {text:#?}"));
    assert_eq!(text.expose(), SECRET, "but to whom asks for it");

    let token = outbound::Token::new("gateway-read", SECRET).unwrap();
    silent(&format!("{token:?} {token:#?} {:?}", token.bearer()));

    let reader = gateway::AdminApi::new("https://gateway.example", SECRET).unwrap();
    silent(&format!("{reader:?} {reader:#?}"));

    let pager = actuator::PagerDuty::new("https://pager.example", SECRET).unwrap();
    silent(&format!("{pager:?} {pager:#?}"));
    let actuator = actuator::AdminActuator::new("https://gateway.example", SECRET, pager).unwrap();
    silent(&format!("{actuator:?} {actuator:#?}"));
}

#[test]
fn a_secret_that_cannot_be_used_is_not_shown_with_the_complaint() {
    let broken = format!("{SECRET}\u{0}");
    let complaint = outbound::Token::new("gateway-read", &broken).unwrap_err();
    silent(&format!("{complaint} {complaint:?}"));
    let complaint =
        gateway::AdminApi::new(&format!("https://user:{SECRET}@gateway.example"), "x").unwrap_err();
    silent(&format!("{complaint} {complaint:?}"));
}

#[tokio::test]
async fn a_secret_in_the_cache_is_not_shown_with_it() {
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(serde_json::json!({
            "ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x", "Name": "x", "SecretString": SECRET})))
        .mount(&server)
        .await;
    let dynamo = testkit::Dynamo::start().await;
    let aws = dynamo
        .config()
        .clone()
        .into_builder()
        .endpoint_url(server.uri())
        .build();
    let secret = Secret::new(&aws, "x", Arc::new(SystemClock));
    assert_eq!(secret.value().await.unwrap().expose(), SECRET);
    silent(&format!("{secret:?} {secret:#?}"));
}
