//! Every command of the tables in `infra/docs/operate.md`, with right and wrong arguments: each ends with a code that the
//! table of exit codes has, and with that one.

use std::collections::BTreeSet;
use std::fs;

use domain::ports::Trail as _;
use domain::proposal::ProposalFact;
use domain::trail::generation::Course;
use domain::trail::{Actor, Author, Entry, Fact as _, IncidentFact, StreamId};
use policy::Bundle;
use testkit::story::{Story, breaks, person, second};
use testkit::{MemoryTrail, sample};

use super::cases;
use super::fake::{World, write};
use super::{code, command, ended, err, on};

const OPERATE: &str = include_str!("../../../docs/operate.md");

/// The cells of a column, below the table's head.
fn column(head: &str, number: usize) -> Vec<&'static str> {
    let (_, table) = OPERATE.split_once(head).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    // A bar within a cell is escaped.
    rows.map(|row| {
        let mut cells = Vec::new();
        let (mut begin, bytes) = (1, row.as_bytes());
        for (place, byte) in bytes.iter().enumerate().skip(1) {
            if *byte == b'|' && bytes[place - 1] != b'\\' {
                cells.push(row[begin..place].trim());
                begin = place + 1;
            }
        }
        cells[number]
    })
    .collect()
}

/// The commands that cells name, each as the words that it begins with: `trail export`.
fn commands(cells: Vec<&'static str>) -> BTreeSet<String> {
    let quoted = cells
        .into_iter()
        .flat_map(|cell| cell.split('`').skip(1).step_by(2));
    quoted.map(words).filter(|words| !words.is_empty()).collect()
}

/// `trail control [--json]` is `trail`, since control is a value: only what `--help` calls a command is one.
fn words(syntax: &str) -> String {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    let word = |word: &&str| !word.starts_with('-') && word.bytes().all(letters);
    let words: Vec<&str> = syntax.split([' ', '\\']).take_while(word).collect();
    match words.as_slice() {
        ["trail", "control" | "guard"] => "trail".to_owned(),
        ["automatic", ..] => "automatic".to_owned(),
        ["keys", "rotate", ..] => "keys rotate".to_owned(),
        words => words.join(" "),
    }
}

fn documented() -> BTreeSet<String> {
    let mut all = commands(column("| in Slack | command | does |", 1));
    all.extend(commands(column("| command | does | exits with 1 |", 0)));
    all
}

/// A command of a row of the second table.
struct Row {
    command: String,
    /// The options without which it is not that row's.
    options: Vec<String>,
    /// When it ends with 1.
    says: &'static str,
}

fn rows() -> Vec<Row> {
    const HEAD: &str = "| command | does | exits with 1 |";
    let cells = column(HEAD, 0).into_iter().zip(column(HEAD, 2));
    let rows = cells.flat_map(|(cell, says)| {
        let syntaxes = cell.split('`').skip(1).step_by(2);
        syntaxes.map(move |syntax| Row {
            command: words(syntax),
            options: needed(syntax),
            says,
        })
    });
    rows.filter(|row| !row.command.is_empty()).collect()
}

/// The options of a syntax that stand in no brackets.
fn needed(syntax: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let bare: String = syntax
        .chars()
        .filter(|c| {
            depth += u32::from(*c == '[');
            let outside = depth == 0;
            depth -= u32::from(*c == ']');
            outside
        })
        .collect();
    let options = bare.split_whitespace().filter(|word| word.starts_with("--"));
    options.map(str::to_owned).collect()
}

/// The commands that a help names.
async fn helped(line: &[&str]) -> Vec<String> {
    let help = ended(command(&[line, &["--help"]].concat())).await;
    let help = String::from_utf8(help.stdout).unwrap();
    let Some((_, commands)) = help.split_once("\nCommands:\n") else {
        return Vec::new();
    };
    let commands = commands.lines().take_while(|line| !line.is_empty());
    // A name stands at the second column; what is broken over lines, further right.
    commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_command_is_in_a_table() {
    let documented = documented();
    for name in helped(&[]).await {
        let below = helped(&[&name]).await;
        if below.is_empty() || name == "trail" {
            assert!(documented.contains(&name), "{name} is in no table of operate.md");
        }
        for sub in below {
            let name = format!("{name} {sub}");
            assert!(documented.contains(&name), "{name} is in no table of operate.md");
        }
    }
}

/// What the cases read: a policy, a directory of operators, an export with its keys, and what is none of these.
async fn prepared(world: &World, directory: &std::path::Path) {
    let policy = directory.join("policy");
    fs::create_dir(&policy).unwrap();
    for (name, text) in Bundle::builtin().files() {
        fs::write(policy.join(name), text).unwrap();
    }
    fs::copy(policy.join("risk.toml"), directory.join("risk.toml")).unwrap();
    for (file, text) in [
        ("empty", String::new()),
        ("missing.jsonl", without_its_proposals()),
        (
            "bad-keys.json",
            r#"{"stack":"sre-agent","keys":[{"by":"operators","key":"key/operators","public":"no base64"}]}"#
                .to_owned(),
        ),
    ] {
        fs::write(directory.join(file), text).unwrap();
    }
    fs::create_dir(directory.join("wrong")).unwrap();
    let operators = include_str!("../../../../events/operators.json");
    fs::write(directory.join("operators.json"), operators).unwrap();
    let span = ["--since", "2026-11-22", "--until", "2026-11-23"];
    for (file, line) in [
        ("trail.jsonl", [&["trail", "export"][..], &span].concat()),
        (
            "rows.csv",
            [&["trail", "export", "--format", "csv"][..], &span].concat(),
        ),
        ("keys.json", vec!["keys", "export"]),
    ] {
        let output = ended(on(world, &line)).await;
        assert_eq!(code(&output), 0, "{output:?}");
        fs::write(directory.join(file), &output.stdout).unwrap();
    }
}

/// An export of two troubles in which the first one's proposal must be, and is not.
fn without_its_proposals() -> String {
    let trail = MemoryTrail::new();
    for (minute, provider) in (0..).zip(["openai", "bedrock"]) {
        let event = sample::provider_unhealthy(provider);
        let opened = IncidentFact::Opened {
            generation: 1,
            proposal: sample::proposal_of(&event),
            course: Course::default(),
        };
        let incident = StreamId::Incident(event.fingerprint());
        let entry = Entry::first(incident, second(60 * minute), Actor::Agent, &opened, None);
        trail.insert(entry).unwrap();
    }
    let records = trail.everything();
    let lines = records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n");
    lines.collect()
}

/// A proposal with a second record that scoring may not write.
async fn forge(world: &World) -> String {
    let story = Story::received(&sample::provider_unhealthy("anthropic"));
    let last = write(&world.dynamo, &story).await;
    let approved = Story::approved(breaks());
    let fact = ProposalFact::read(approved.last()).unwrap();
    let entry = Entry::after(&last, second(30), person("alice"), &fact);
    let trail = world.dynamo.trail();
    trail.append(entry.by(Author::Scoring)).await.unwrap();
    story.proposal().id().to_string()
}

#[tokio::test]
async fn every_command_of_the_tables_ends_as_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let story = Story::awaiting(breaks());
    let world = World::with(&story).await;
    let id = story.proposal().id().to_string();
    prepared(&world, directory.path()).await;
    let documented_codes: BTreeSet<i32> = column("| exit code | means |", 0)
        .into_iter()
        .map(|cell| cell.parse().unwrap())
        .collect();
    let (mut tried, mut codes, mut wrong) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut forged = String::new();
    for case in cases::all() {
        if forged.is_empty() && case.line.iter().any(|word| word == "FORGED") {
            forged = forge(&world).await;
        }
        world.is(&case.story.0, case.story.1, case.fault);
        let line: Vec<String> = case
            .line
            .iter()
            .map(|word| match word.as_str() {
                "ID" => id.clone(),
                "FORGED" => forged.clone(),
                word => word.replace("DIR", &directory.path().to_string_lossy()),
            })
            .collect();
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let output = ended(on(&world, &line)).await;
        if code(&output) != case.code {
            wrong.push(format!(
                "{line:?} {:?} is not {}: {output:?}",
                case.fault, case.code
            ));
        }
        // What is wrong is said on standard error.
        let said = err(&output);
        if case.code != 0 && said.is_empty() || !said.contains(case.says) {
            wrong.push(format!(
                "{line:?} {:?} does not say why, {:?}: {output:?}",
                case.fault, case.says
            ));
        }
        for debug in [
            "SdkError",
            "dispatch failure",
            "service error",
            "unhandled",
            "NoSuchKey",
            "Error {",
        ] {
            if said.contains(debug) {
                wrong.push(format!(
                    "{line:?} {:?} is told in the SDK's words: {said}",
                    case.fault
                ));
            }
        }
        tried.push((case.command, case.line, case.code));
        codes.insert(case.code);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(codes, documented_codes);
    // To want for nothing, doctor needs all of AWS: that it ends with 1 here is its going well.
    let goes_well = |command: &str, code: i32| code == 0 || command == "doctor" && code == 1;
    for command in documented() {
        for right in [true, false] {
            let is_tried =
                |(of, _, code): &(&str, Vec<String>, i32)| *of == command && goes_well(of, *code) == right;
            assert!(
                tried.iter().any(is_tried),
                "no case for {command} that {}",
                if right { "goes well" } else { "does not" }
            );
        }
    }
    for row in rows() {
        let of_row = |(of, line, _): &&(&str, Vec<String>, i32)| {
            *of == row.command && row.options.iter().all(|option| line.contains(option))
        };
        let ends: BTreeSet<i32> = tried.iter().filter(of_row).map(|(_, _, code)| *code).collect();
        let Row {
            command,
            options,
            says,
        } = &row;
        let named = format!("{command} {options:?}, which ends with 1 {says:?}, is tried with {ends:?}");
        assert!(ends.iter().any(|code| goes_well(command, *code)), "{named}");
        assert_eq!(ends.contains(&1), !says.starts_with("never"), "{named}");
        assert!(!says.contains("(with 4") || ends.contains(&4), "{named}");
    }
    let pages = fs::read_dir(directory.path().join("man1")).unwrap().count();
    assert!(pages > 20, "{pages} man pages");
}
