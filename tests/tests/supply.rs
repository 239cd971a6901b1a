//! What is built and installed is pinned, and GitHub runs what everybody runs.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use serde_yaml_ng::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The value after `key = "` on the line that begins so.
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let after = |line: &'a str| line.strip_prefix(key)?.trim_start().strip_prefix("= \"");
    let value = text.lines().find_map(after).unwrap_or_else(|| panic!("no {key}"));
    value.trim_end_matches('"')
}

#[test]
fn the_compiler_is_pinned_to_the_patch() {
    let (pin, manifest) = (read("rust-toolchain.toml"), read("Cargo.toml"));
    let (channel, oldest) = (value(&pin, "channel"), value(&manifest, "rust-version"));
    assert_eq!(
        channel.split('.').count(),
        3,
        "{channel} is a version to the patch"
    );
    assert!(
        channel.starts_with(&format!("{oldest}.")),
        "{channel} is not of {oldest}, which the crates name"
    );
    // rustup fetches what is named there: nothing that a machine without a network may lack.
    assert!(!pin.contains("targets"));
}

/// The workflows, by their file's name.
fn workflows() -> Vec<(String, Value)> {
    let folder = Path::new(ROOT).join(".github/workflows");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<(String, Value)> = entries
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let text = read(&format!(".github/workflows/{name}"));
            (name, serde_yaml_ng::from_str(&text).unwrap())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The steps of all jobs of a workflow.
fn steps(workflow: &Value) -> Vec<&Value> {
    let jobs = workflow["jobs"].as_mapping().unwrap().values();
    jobs.flat_map(|job| job["steps"].as_sequence().unwrap()).collect()
}

/// What a workflow may do that it should not, and what it takes from others without pinning it.
fn loose(workflow: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let permissions = &workflow["permissions"];
    if permissions["contents"] != "read" || permissions.as_mapping().is_none_or(|all| all.len() != 1) {
        found.push("permissions".to_owned());
    }
    for (name, job) in workflow["jobs"].as_mapping().unwrap() {
        if !job["permissions"].is_null() {
            found.push(format!("permissions of {name:?}"));
        }
    }
    for step in steps(workflow) {
        let Some(uses) = step["uses"].as_str() else {
            continue;
        };
        let pinned = uses.split_once('@').is_some_and(|(action, commit)| {
            action.starts_with("actions/")
                && commit.len() == 40
                && commit.chars().all(|c| c.is_ascii_hexdigit())
        });
        if !pinned {
            found.push(uses.to_owned());
        }
        if uses.starts_with("actions/checkout@") && step["with"]["persist-credentials"] != false {
            found.push(format!("{uses} leaves its credentials"));
        }
    }
    found
}

#[test]
fn no_workflow_may_write_and_each_action_is_a_commit() {
    let workflows = workflows();
    assert!(workflows.len() >= 2);
    for (name, workflow) in &workflows {
        assert_eq!(loose(workflow), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_workflow_that_is_loose_is_told() {
    let workflow = "
        permissions: { contents: read, packages: write }
        jobs:
          ci:
            permissions: write-all
            steps:
              - uses: actions/checkout@v6
              - uses: somebody/else@de0fac2e4500dabe0009e67214ff5f5447ce83dd
              - run: .ci/run";
    let workflow: Value = serde_yaml_ng::from_str(workflow).unwrap();
    assert_eq!(
        loose(&workflow),
        [
            "permissions",
            "permissions of String(\"ci\")",
            "actions/checkout@v6",
            "actions/checkout@v6 leaves its credentials",
            "somebody/else@de0fac2e4500dabe0009e67214ff5f5447ce83dd",
        ]
    );
}

#[test]
fn github_runs_what_everybody_runs_and_nothing_else() {
    let workflows = workflows();
    let (_, ci) = workflows.iter().find(|(name, _)| name == "ci.yml").unwrap();
    let steps = steps(ci);
    let runs: Vec<&Value> = steps
        .iter()
        .map(|step| &step["run"])
        .filter(|run| !run.is_null())
        .collect();
    assert_eq!(runs, [".ci/run"], "the one command");
    assert!(!steps.last().unwrap()["run"].is_null(), "it comes last");
    for step in &steps {
        for key in ["env", "if", "continue-on-error", "shell", "working-directory"] {
            assert!(step[key].is_null(), "{key} would make it another run: {step:?}");
        }
    }
    for (_, job) in ci["jobs"].as_mapping().unwrap() {
        assert_eq!(job["timeout-minutes"], 90);
        for key in ["env", "if", "continue-on-error", "container", "defaults"] {
            assert!(job[key].is_null(), "{key} would make it another run");
        }
    }
    assert!(ci["env"].is_null() && ci["defaults"].is_null());
    // Everything, and not a part of it.
    let script = read(".ci/run");
    let last = script.lines().last().unwrap();
    assert_eq!(last, "exec cargo xtask test");
}

#[test]
fn what_is_cached_hangs_on_the_locks() {
    let (_, ci) = workflows()
        .into_iter()
        .find(|(name, _)| name == "ci.yml")
        .unwrap();
    let mut keys = String::new();
    for step in steps(&ci) {
        if step["uses"]
            .as_str()
            .is_some_and(|uses| uses.starts_with("actions/cache@"))
        {
            let key = step["with"]["key"].as_str().unwrap();
            assert!(
                key.contains("hashFiles(") && step["with"]["restore-keys"].is_null(),
                "{key}"
            );
            keys.push_str(key);
        }
    }
    for lock in [
        "Cargo.lock",
        "infra/xtask/requirements/*.txt",
        "package-lock.json",
    ] {
        assert!(keys.contains(lock), "{lock} is in no key");
    }
}

#[test]
fn every_package_of_npm_has_its_digest_and_no_address() {
    for folder in ["infra/model/aimock", "infra/slack/judges"] {
        let lock: Value = serde_yaml_ng::from_str(&read(&format!("{folder}/package-lock.json"))).unwrap();
        let packages = lock["packages"].as_mapping().unwrap();
        assert!(packages.len() > 1, "{folder}");
        // The one without a name is the list of what is asked for.
        for (name, package) in packages.iter().filter(|(name, _)| *name != "") {
            let digest = package["integrity"].as_str().unwrap_or_default();
            assert!(digest.starts_with("sha512-"), "{folder}: {name:?}");
            assert!(
                package["resolved"].is_null(),
                "{folder}: {name:?} is from one registry alone"
            );
        }
    }
}

/// The commands with which a page has something installed from PyPI.
fn installs(page: &str) -> Vec<String> {
    let text = read(page);
    let commands = text.lines().filter(|line| line.contains("pip install"));
    commands.map(str::to_owned).collect()
}

#[test]
fn what_a_page_tells_to_install_is_locked_with_its_hashes() {
    let mut pages = vec!["README.md".to_owned()];
    for entry in std::fs::read_dir(Path::new(ROOT).join("infra/docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        pages.push(format!("infra/docs/{name}"));
    }
    let mut told = 0;
    for page in &pages {
        for command in installs(page) {
            let words = command.split('#').next().unwrap();
            let words = words.split("pip install ").nth(1).unwrap().split_whitespace();
            let words: Vec<&str> = words.collect();
            // A lock names everything; what a package asks for besides, as an extra of it, pip would not find there.
            let (options, files) = words.split_at(2);
            assert_eq!(options, ["--no-deps", "--require-hashes"], "{page}: {command}");
            for file in files.chunks(2) {
                let [option, file] = file else {
                    panic!("{page}: {command}")
                };
                assert_eq!(*option, "-r", "{page}: {command}");
                assert!(Path::new(ROOT).join(file).is_file(), "{page} names {file}");
                told += 1;
            }
        }
    }
    assert!(
        told >= 5,
        "the README, the page of the deployment and the local stack's"
    );
}
