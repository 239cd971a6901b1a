//! Where everything lives: the rooms of `domain` rest on those below, and what has one place is in that place.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A source file as the compiler sees it without its tests and comments.
struct Source {
    /// From the root of the repository.
    path: String,
    code: String,
}

/// The Rust files below a folder, but for those that hold tests alone.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(folder)];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !["tests", "samples", "target"].contains(&name) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !["tests.rs", "samples.rs"].contains(&name) {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned();
                found.push(Source {
                    path,
                    code: code_of(&text),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 3, "{folder} holds the files of a crate");
    found
}

/// The text up to its tests, without comments.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn tests_and_comments_are_no_code() {
    let text = "use a;\n// use b;\n    /// [`c`]\nfn f() {}\n#[cfg(test)]\nmod tests {\n    use d;\n}\n";
    assert_eq!(code_of(text), "use a;\nfn f() {}\n");
}

/// The floors of `domain`, from the ground up, as its own documentation draws them.
fn floors() -> Vec<BTreeSet<String>> {
    let text = std::fs::read_to_string(format!("{ROOT}/shared/domain/src/lib.rs")).unwrap();
    let (_, drawn) = text.split_once("//! ```text\n").unwrap();
    let (drawn, _) = drawn.split_once("//! ```\n").unwrap();
    let floor = |line: &str| {
        line.trim_start_matches("//!")
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let mut floors: Vec<BTreeSet<String>> = drawn.lines().map(floor).collect();
    floors.reverse();
    floors
}

/// The rooms that a piece of code of `domain` enters: every path that begins at the crate.
fn entered(code: &str) -> BTreeSet<String> {
    let after = code.split("crate::").skip(1);
    let name = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    after.map(name).filter(|room| !room.is_empty()).collect()
}

/// Imports that climb, or go to a neighbour of the same floor: `room -> other (file)`.
fn climbs(floors: &[BTreeSet<String>], sources: &[(String, String, String)]) -> Vec<String> {
    let floor: BTreeMap<&String, usize> = floors
        .iter()
        .enumerate()
        .flat_map(|(at, rooms)| rooms.iter().map(move |room| (room, at)))
        .collect();
    let mut wrong = Vec::new();
    for (room, path, code) in sources {
        let Some(own) = floor.get(room) else {
            wrong.push(format!("{room} is not drawn ({path})"));
            continue;
        };
        for other in entered(code) {
            match floor.get(&other) {
                Some(at) if other == *room || at < own => {}
                Some(_) => wrong.push(format!("{room} -> {other} ({path})")),
                None => wrong.push(format!("{room} -> {other}, which is no room ({path})")),
            }
        }
    }
    wrong
}

#[test]
fn the_rooms_of_the_domain_rest_on_those_below() {
    let rooms: Vec<(String, String, String)> = sources("shared/domain/src")
        .into_iter()
        .filter(|source| !source.path.ends_with("src/lib.rs"))
        .map(|Source { path, code }| {
            let inside = path.strip_prefix("shared/domain/src/").unwrap();
            let room = inside
                .split('/')
                .next()
                .unwrap()
                .trim_end_matches(".rs")
                .to_owned();
            (room, path, code)
        })
        .collect();
    assert_eq!(climbs(&floors(), &rooms), Vec::<String>::new());
    let drawn: BTreeSet<String> = floors().into_iter().flatten().collect();
    let built: BTreeSet<String> = rooms.iter().map(|(room, _, _)| room.clone()).collect();
    assert_eq!(
        drawn, built,
        "every room is drawn, and every one that is drawn is there"
    );
}

#[test]
fn an_import_that_climbs_is_named() {
    let floors = [&["value"][..], &["trail"], &["proposal", "message"]];
    let floors = floors.map(|rooms| rooms.iter().map(|room| (*room).to_owned()).collect());
    let room = |room: &str, code: &str| (room.to_owned(), format!("{room}.rs"), code.to_owned());
    let wrong = climbs(
        &floors,
        &[
            room("value", "use crate::trail::{Entry, Record};"),
            room("trail", "use crate::value::Digest;\nuse crate::trail::Seq;"),
            room("proposal", "fn f() -> crate::message::Message {}"),
            room("message", "use crate::attic::Box;"),
        ],
    );
    assert_eq!(
        wrong,
        [
            "value -> trail (value.rs)",
            "proposal -> message (proposal.rs)",
            "message -> attic, which is no room (message.rs)",
        ]
    );
}

#[test]
fn the_domain_waits_for_nothing_but_its_ports() {
    for Source { path, code } in sources("shared/domain/src") {
        let waits = code.contains("async ") || code.contains(".await");
        assert!(!waits || path == "shared/domain/src/ports.rs", "{path} waits");
    }
}

/// The files of the product that hold one of these texts.
fn holding(texts: &[&str]) -> BTreeSet<String> {
    let folders = ["functions", "shared", "infra/cli/src", "infra/eval/src"];
    let sources = folders.into_iter().flat_map(sources);
    let holding = sources.filter(|source| texts.iter().any(|text| source.code.contains(text)));
    holding.map(|source| source.path).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_position_that_was_taken_is_met_in_one_place() {
    assert_eq!(
        holding(&["TrailError::Conflict"]),
        set(&[
            "shared/adapters/src/trail.rs",
            // A whole turn is tried again there: `runtime::queue::in_turns`.
            "shared/runtime/src/queue.rs",
            "shared/testkit/src/trail.rs",
            "shared/trail/src/advance.rs",
        ])
    );
}

#[test]
fn a_kind_is_compared_as_a_kind_and_not_as_text() {
    let compares = [".kind.as_str()", ".kind == \"", ".kind != \""];
    assert_eq!(holding(&compares), set(&[]));
}

#[test]
fn what_a_function_or_an_operator_sees_is_matched_by_name() {
    let mut crates = vec![
        "infra/cli/src/main.rs".to_owned(),
        "shared/domain/src/lib.rs".to_owned(),
    ];
    for entry in std::fs::read_dir(format!("{ROOT}/functions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        crates.push(format!("functions/{name}/src/lib.rs"));
    }
    for path in crates {
        let text = std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap();
        assert!(text.contains("deny(clippy::wildcard_enum_match_arm)"), "{path}");
    }
}

#[test]
fn no_file_is_longer_than_one_can_hold_in_the_head() {
    const MOST: usize = 450;
    let mut folders = ["functions", "shared", "infra", "tests"]
        .map(|one| Path::new(ROOT).join(one))
        .to_vec();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|one| one == "rs" || one == "py") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(
                    lines <= MOST,
                    "{} has {lines} lines: is there a second idea in it?",
                    path.display()
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 300);
}
