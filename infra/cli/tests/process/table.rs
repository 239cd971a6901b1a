//! Every command of the tables in `infra/docs/operate.md`, with right and wrong arguments: each ends with a code that the
//! table of exit codes has, and with that one.

use std::collections::BTreeSet;
use std::fs;

use domain::ports::Trail as _;
use domain::proposal::ProposalFact;
use domain::trail::{Author, Entry, Fact as _};
use policy::Bundle;
use testkit::sample;
use testkit::story::{Story, breaks, person, reroutes, second};

use super::fake::{Fault, World, write};
use super::{at, code, command, ended, err};

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

/// A command line, the command of the table that it is of, and how it should end.
struct Case {
    command: &'static str,
    line: Vec<String>,
    fault: Option<Fault>,
    story: (Story, u64),
    code: i32,
}

fn case(command: &'static str, rest: &str, code: i32) -> Case {
    let line = command.split(' ').chain(rest.split_whitespace());
    Case {
        command,
        line: line.map(str::to_owned).collect(),
        fault: None,
        story: (Story::awaiting(breaks()), 30),
        code,
    }
}

impl Case {
    fn of(self, story: Story, at: u64) -> Self {
        Self {
            story: (story, at),
            ..self
        }
    }

    fn but(self, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..self
        }
    }
}

/// What a person decides.
fn decisions() -> Vec<Case> {
    vec![
        case("approve", "gnr4sqzf --yes", 0),
        case("approve", "gnr4sqzf --yes", 1).but(Fault::Refuses),
        case("approve", "gnr4sqzf --yes", 1).of(Story::rejected(breaks()), 40),
        case("approve", "gnr4sqzf --yes --seen 0123456789ab", 1),
        case("approve", "gnr4sqzf", 2),
        case("approve", "gnr4sqzf --yes --seen 0123", 2),
        case("approve", "gnr4sqzf --yes", 3).but(Fault::LosesReply),
        case("approve", "gnr4sqzf --yes", 4).but(Fault::NoStack),
        case("reject", "gnr4sqzf --reason no", 0),
        case("reject", "gnr4sqzf --reason no", 1).but(Fault::Refuses),
        case("reject", "gnr4sqzf", 2),
        case("reject", "gnr4sqzf --reason no", 3).but(Fault::LosesReply),
        case("edit", "gnr4sqzf duration_s=120", 0),
        case("edit", "gnr4sqzf duration_s=120", 1).of(Story::approved(breaks()), 35),
        case("edit", "gnr4sqzf", 2),
        case("edit", "gnr4sqzf nothing=1", 2),
        case("revoke", "gnr4sqzf", 0).of(Story::approved(breaks()), 35),
        case("revoke", "gnr4sqzf", 1),
        case("revoke", "", 2),
        case("undo", "gnr4sqzf --reason over", 0).of(Story::succeeded(reroutes()), 55),
        case("undo", "gnr4sqzf --reason over", 1),
        case("undo", "gnr4sqzf", 2),
        case("acknowledge", "gnr4sqzf --reason mended", 0).of(Story::called(), 15),
        case("acknowledge", "gnr4sqzf --reason mended", 1),
        case("acknowledge", "gnr4sqzf", 2),
        case("show", "gnr4sqzf --json", 0),
        case("show", "abcd", 1),
        case("show", "x", 2),
        case("show", "gnr4sqzf", 4).but(Fault::NoStack),
        case("watch", "gnr4sqzf", 0).of(Story::rejected(breaks()), 40),
        case("watch", "abcd", 1),
        case("watch", "--every 0", 2),
        case("list", "--waiting --team payments --limit 5", 0),
        case("list", "--limit 0", 2),
        case("list", "", 4).but(Fault::NoStack),
    ]
}

/// What is looked at and switched.
fn others() -> Vec<Case> {
    vec![
        case("status", "--json", 0),
        case("status", "", 1).but(Fault::Disabled),
        case("status", "--verbose", 2),
        case("status", "", 4).but(Fault::NoStack),
        case("status", "", 4).but(Fault::Forbids("AmazonSQS")),
        // Of this stack there is next to nothing.
        case("doctor", "", 1),
        case("doctor", "--json", 1),
        case("doctor", "slack", 2),
        case("doctor", "", 4).but(Fault::NoStack),
        case("slack", "", 0),
        case("slack", "--json", 1).but(Fault::NoChannel),
        case("slack", "C0SRE", 2),
        case("slack", "", 4).but(Fault::Forbids("/2015-03-31/functions/")),
        case("redrive", "--list", 0),
        case("redrive", "", 0),
        case("redrive", "--queue ingest", 1).but(Fault::KeepsLetters),
        case("redrive", "--queue nothing", 2),
        case("redrive", "--list", 4).but(Fault::Forbids("AmazonSQS")),
        case("pause", "--reason drill", 0),
        case("pause", "--reason drill", 0),
        case("pause", "", 2),
        case("pause", "--reason drill", 4).but(Fault::NoStack),
        case("resume", "", 0),
        case("resume", "--reason", 2),
        // Whoever may not sign with the operators' key.
        case("pause", "--reason drill", 1).but(Fault::Forbids("TrentService.Sign")),
        case("automatic", "off --reason drill", 0),
        case("automatic", "on", 0),
        case("automatic", "off --reason drill", 1).but(Fault::Forbids("TrentService.Sign")),
        case("automatic", "off", 2),
        case("set-aside", "control 1 --reason drill", 1),
        case("set-aside", "no/thing 1 --reason drill", 2),
        case("set-aside", "control 1 --reason drill", 4).but(Fault::NoStack),
        case("keys export", "", 0),
        case("keys export", "all", 2),
        case("keys export", "", 4).but(Fault::Forbids("TrentService.GetPublicKey")),
        case("keys rotate", "operators --since 1h", 0),
        case("keys rotate", "operators --since 1h", 1).but(Fault::Forbids("TrentService.DisableKey")),
        case("keys rotate", "", 2),
        case("keys rotate", "operators --since 1h", 4).but(Fault::Forbids("TrentService.GetPublicKey")),
    ]
}

/// A record that nobody may have written, and what is done about it.
fn forgeries() -> Vec<Case> {
    vec![
        case("set-aside", "FORGED 2 --reason drill", 0),
        case("trail", "FORGED", 0),
    ]
}

/// What is read of the trail, and files. `DIR` is one of the test's own.
fn files() -> Vec<Case> {
    vec![
        case("trail", "ID", 0),
        case("trail", "ID --json", 0),
        case("trail", "control", 0),
        case("trail", "guard --json", 0),
        case("trail", "abcdefgh234567abcdefgh2345-3", 1),
        case("trail", "x", 2),
        case("trail", "target/provider/openai", 2),
        case("trail", "control", 4).but(Fault::NoStack),
        case("trail export", "--since 2026-11-22 --until 2026-11-23", 0),
        case(
            "trail export",
            "--format csv --since 2026-11-22 --until 2026-11-23 --records",
            0,
        ),
        case("trail export", "--undo DIR/rows.csv", 0),
        case("trail export", "--undo DIR/risk.toml", 1),
        case("trail export", "", 2),
        case("trail export", "--since 9000d", 2),
        case("trail export", "--since 1h --until 2h", 2),
        case("trail export", "--since 1h --records", 2),
        case("trail export", "--since 1h", 4).but(Fault::NoStack),
        case("trail export", "--undo DIR/nowhere.csv", 4),
        case("trail check", "DIR/trail.jsonl", 0),
        case("trail check", "DIR/trail.jsonl --keys DIR/keys.json", 0),
        case("trail check", "DIR/risk.toml", 1),
        case("trail check", "", 2),
        case("trail check", "DIR/nowhere.jsonl", 4),
        case("policy check", "DIR/policy", 0),
        case("policy check", "DIR/nowhere", 1),
        case("policy check", "", 2),
        case("policy publish", "DIR/policy", 0),
        case("policy publish", "DIR/nowhere", 1),
        case("policy publish", "", 2),
        case("policy publish", "DIR/policy", 4).but(Fault::NoStack),
        case("policy show", "", 0),
        case("policy show", "0123456789ab", 1),
        case("policy show", "0123", 2),
        case("policy show", "--files DIR/risk.toml", 4),
        case("policy replay", "--policy DIR/policy --from DIR/trail.jsonl", 0),
        case("policy replay", "--policy DIR/nowhere --from DIR/trail.jsonl", 1),
        case("policy replay", "--policy DIR/policy --since 9000d", 2),
        case("policy replay", "--policy DIR/policy --from DIR/nowhere.jsonl", 4),
        case("policy calibrate", "--from DIR/trail.jsonl", 0),
        case("policy calibrate", "--from DIR/risk.toml", 1),
        case("policy calibrate", "--target 2", 2),
        case("policy calibrate", "--from DIR/nowhere.jsonl", 4),
        case("operators check", "DIR/operators.json", 0),
        case("operators check", "DIR/trail.jsonl", 1),
        case("operators check", "", 2),
        case("operators check", "DIR/nowhere.json", 4),
        case("completions", "bash", 0),
        case("completions", "basic", 2),
        case("man", "", 0),
        case("man", "--out DIR/man1", 0),
        case("man", "--out DIR/risk.toml", 4),
        case("man", "page", 2),
    ]
}

/// What the cases read: a policy, a directory of operators, an export with its keys, and what is none of these.
async fn prepared(world: &World, directory: &std::path::Path) {
    let policy = directory.join("policy");
    fs::create_dir(&policy).unwrap();
    for (name, text) in Bundle::builtin().files() {
        fs::write(policy.join(name), text).unwrap();
    }
    fs::copy(policy.join("risk.toml"), directory.join("risk.toml")).unwrap();
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

fn on(world: &World, line: &[&str]) -> tokio::process::Command {
    let mut command = at(&world.server.uri(), line);
    let dynamo = format!("http://{}", world.dynamo.address());
    command.env("AWS_ENDPOINT_URL_DYNAMODB", dynamo);
    command
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
    let (mut tried, mut codes, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut forged = String::new();
    for case in decisions()
        .into_iter()
        .chain(others())
        .chain(files())
        .chain(forgeries())
    {
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
        // What is wrong is said on standard error, but for the last lines of `status` and what `--json` prints.
        let told_elsewhere = case.command == "status" || line.contains(&"--json");
        if case.code != 0 && !told_elsewhere && err(&output).is_empty() {
            wrong.push(format!("{line:?} {:?} does not say why: {output:?}", case.fault));
        }
        let said = err(&output);
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
        // To want for nothing, doctor needs all of AWS: that it ends with 1 here is its going well.
        tried.insert((
            case.command,
            case.code == 0 || case.command == "doctor" && case.code == 1,
        ));
        codes.insert(case.code);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(codes, documented_codes);
    for command in documented() {
        for right in [true, false] {
            assert!(
                tried.contains(&(command.as_str(), right)),
                "no case for {command} that {}",
                if right { "goes well" } else { "does not" }
            );
        }
    }
    let pages = fs::read_dir(directory.path().join("man1")).unwrap().count();
    assert!(pages > 20, "{pages} man pages");
}
