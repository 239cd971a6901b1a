//! What the documents say of what code decides.

use std::collections::BTreeSet;

use domain::action::ActionKind;
use domain::policy::Policy;
use domain::risk::FACTORS;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const README: &str = include_str!("../../../README.md");
const ARCHITECTURE: &str = include_str!("../../../infra/docs/architecture.md");
const CONFIGURE: &str = include_str!("../../../infra/docs/configure.md");
const POLICY: &str = include_str!("../../../infra/docs/policy.md");

#[test]
fn every_factor_is_documented_with_what_it_looks_at() {
    for rule in &FACTORS {
        let row = format!("| `{}` | {} | ", rule.name, rule.looks_at);
        assert!(POLICY.contains(&row), "{row}");
    }
}

#[test]
fn every_action_is_documented_with_its_baseline_and_floor() {
    for action in ActionKind::ALL {
        let row = CONFIGURE
            .lines()
            .find(|line| line.starts_with(&format!("| `{action}` | ")));
        let numbers = format!(" | {} | {} | ", action.baseline(), action.floor());
        assert!(row.is_some_and(|row| row.contains(&numbers)), "{action}{numbers}");
    }
}

#[test]
fn the_limits_of_automatic_execution_are_the_documented_ones() {
    let limits = serde_json::to_value(Policy::default().automatic).unwrap();
    for (name, value) in limits.as_object().unwrap() {
        let row = POLICY
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}`")));
        assert!(
            row.is_some_and(|row| row.contains(&format!(" | {value} | "))),
            "{name} {value}"
        );
    }
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names of all tests: every function of the repository's sources that stands right below a test attribute, or in
/// a `proptest!`.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = ["functions", "shared", "infra", "tests"]
        .map(|one| format!("{ROOT}/{one}"))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.to_str().unwrap().to_owned());
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let marked = text.split("test").skip(1).filter_map(|rest| rest.split_once(']'));
                let below = marked.filter_map(|(_, rest)| {
                    rest.trim_start()
                        .strip_prefix("fn ")
                        .or_else(|| rest.trim_start().strip_prefix("async fn "))
                });
                names.extend(below.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
            }
        }
    }
    names
}

#[test]
fn every_invariant_names_tests_that_there_are() {
    let (_, table) = ARCHITECTURE.split_once("## What always holds").unwrap();
    let known = self::tests();
    let mut named = 0;
    for row in table
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| ---"))
    {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for test in quoted(tests) {
            assert!(known.contains(test), "there is no test {test}");
            named += 1;
        }
        assert!(row.starts_with("| what") || tests.contains('`'), "no test: {row}");
    }
    assert!(named > 20);
}

#[test]
fn every_path_that_a_page_names_is_there() {
    let mut pages = vec![("README.md".to_owned(), README.to_owned())];
    for entry in std::fs::read_dir(format!("{ROOT}/infra/docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        pages.push((
            format!("infra/docs/{name}"),
            std::fs::read_to_string(path).unwrap(),
        ));
    }
    assert!(pages.len() > 6);
    for (page, text) in &pages {
        let ours = ["functions/", "shared/", "infra/", "tests/", "events/"];
        for path in quoted(text).filter(|path| ours.iter().any(|folder| path.starts_with(folder))) {
            if !path.contains(['…', ' ', '*', '<']) {
                assert!(
                    std::path::Path::new(ROOT).join(path).exists(),
                    "{page} names {path}"
                );
            }
        }
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0))
        {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.starts_with("http") {
                let path = std::path::Path::new(ROOT).join(folder).join(target);
                assert!(path.exists(), "{page} links to {target}");
            }
        }
    }
}

#[test]
fn the_readme_is_short_enough_to_be_read() {
    assert!(README.lines().count() <= 150, "{} lines", README.lines().count());
}
