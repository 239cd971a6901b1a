//! Command lines with right and wrong arguments, and what each should end with.

use testkit::story::{Story, breaks, reroutes};

use super::fake::Fault;

/// A command line, the command of the table that it is of, and how it should end.
pub(crate) struct Case {
    pub(crate) command: &'static str,
    pub(crate) line: Vec<String>,
    pub(crate) fault: Option<Fault>,
    pub(crate) story: (Story, u64),
    pub(crate) code: i32,
    /// What standard error has in it.
    pub(crate) says: &'static str,
}

fn case(command: &'static str, rest: &str, code: i32) -> Case {
    let line = command.split(' ').chain(rest.split_whitespace());
    Case {
        command,
        line: line.map(str::to_owned).collect(),
        fault: None,
        story: (Story::awaiting(breaks()), 30),
        code,
        says: "",
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

    fn saying(self, says: &'static str) -> Self {
        Self { says, ..self }
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
        case("status", "", 1)
            .but(Fault::Disabled)
            .saying("unhealthy: the event source of restore is Disabled"),
        case("status", "--json", 1)
            .but(Fault::Disabled)
            .saying("unhealthy: the event source of restore is Disabled"),
        case("status", "--verbose", 2),
        case("status", "", 4).but(Fault::NoStack),
        case("status", "", 4).but(Fault::Forbids("AmazonSQS")),
        case("status", "", 4)
            .but(Fault::Forbids("secretsmanager"))
            .saying("not everything could be looked at (the directory, the gateway)"),
        // Of this stack there is next to nothing.
        case("doctor", "", 1),
        case("doctor", "--json", 1),
        case("doctor", "slack", 2),
        case("doctor", "", 4).but(Fault::NoStack),
        case("slack", "", 0),
        case("slack", "--json", 1)
            .but(Fault::NoChannel)
            .saying("C0X: not_in_channel"),
        case("slack", "C0SRE", 2),
        case("slack", "", 4).but(Fault::Forbids("/2015-03-31/functions/")),
        case("redrive", "--list", 0),
        case("redrive", "", 0),
        case("redrive", "--queue ingest", 1).but(Fault::KeepsLetters),
        case("redrive", "--queue nothing", 2),
        case("redrive", "--queue ingest --message nope", 1).saying("nope is not here"),
        case("redrive", "--queue outbox --message nope", 1).saying("nope is not here"),
        case("redrive", "--list --queue ingest --message nope", 1).saying("nope is not here"),
        case("redrive", "--list --json --queue ingest --message nope", 1).saying("nope is not here"),
        case("redrive", "--queue ingest --discard --message m-1", 0).but(Fault::KeepsLetters),
        case("redrive", "--queue outbox --discard", 0),
        case("redrive", "--queue ingest --discard --reason x --yes", 0),
        case("redrive", "--queue ingest --discard --message nope", 1).saying("nope is not here"),
        case("redrive", "--queue ingest --discard --reason x", 2).saying("nobody can answer here"),
        // Before the stack is looked for.
        case("redrive", "--queue ingest --discard", 2)
            .but(Fault::NoStack)
            .saying("name those to be deleted"),
        case("redrive", "--list", 4).but(Fault::Forbids("AmazonSQS")),
        case("pause", "--reason drill", 0),
        case("pause", "--reason drill", 0),
        case("pause", "", 2),
        case("pause", "--reason drill", 4).but(Fault::NoStack),
        case("resume", "", 1).but(Fault::Forbids("TrentService.Sign")),
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
        case("keys rotate", "operators --since 2923d", 2).but(Fault::NoStack),
        case("keys rotate", "operators --since 1h", 4).but(Fault::Forbids("TrentService.GetPublicKey")),
    ]
}

/// A record that nobody may have written, and what is done about it.
fn forgeries() -> Vec<Case> {
    vec![
        case("trail", "FORGED", 1).saying("NOT VERIFIED: record 2 of"),
        case("trail", "FORGED --json", 1).saying("not verified: record 2 of"),
        case("trail export", "--since 2026-11-22 --until 2026-11-23", 1)
            .saying("everything was exported, and not verified: record 2 of"),
        case(
            "trail export",
            "--format csv --since 2026-11-22 --until 2026-11-23",
            1,
        )
        .saying("everything was exported, and not all of it holds: record 2 of"),
        case("set-aside", "FORGED 2 --reason drill", 0),
        case("trail", "FORGED", 0),
        case("trail export", "--since 2026-11-22 --until 2026-11-23", 0),
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
        case("trail", "target/provider/openai", 2).but(Fault::NoStack),
        case("trail", "control", 4).but(Fault::NoStack),
        case("trail export", "--since 2026-11-22 --until 2026-11-23", 0),
        case(
            "trail export",
            "--format csv --since 2026-11-22 --until 2026-11-23 --records",
            0,
        ),
        case("trail export", "--undo DIR/rows.csv", 0),
        case("trail export", "--undo DIR/risk.toml", 1),
        case("trail export", "--undo DIR/empty", 1),
        case("trail export", "--undo DIR", 4),
        case("trail export", "", 2),
        case("trail export", "--since 9000d", 2),
        case("trail export", "--since 1h --until 2h", 2),
        // Before the stack is looked for.
        case("trail export", "--since 1h --records", 2).but(Fault::NoStack),
        case("trail export", "--since 1h --source x", 2).but(Fault::NoStack),
        case("trail export", "--since 2923d", 2).but(Fault::NoStack),
        case("trail export", "--since 99999999999d", 2).but(Fault::NoStack),
        case("trail export", "--since 2999-01-01", 2).but(Fault::NoStack),
        case("trail export", "--since 1h", 4).but(Fault::NoStack),
        case("trail export", "--undo DIR/nowhere.csv", 4),
        case("trail check", "DIR/trail.jsonl", 0),
        case("trail check", "DIR/trail.jsonl --keys DIR/keys.json", 0),
        case("trail check", "DIR/risk.toml", 1).saying("does not hold"),
        case("trail check", "DIR/empty", 1).saying("NOT VERIFIED: there is no record in it"),
        case("trail check", "DIR/missing.jsonl", 1).saying("NOT COMPLETE: "),
        case("trail check", "DIR/trail.jsonl --keys DIR/risk.toml", 1).saying("is not what sre-agent keys"),
        case("trail check", "DIR/trail.jsonl --keys DIR/bad-keys.json", 1)
            .saying("is not what sre-agent keys export prints: key/"),
        case("trail check", "DIR", 4).saying(" cannot be read: "),
        case("trail check", "DIR/trail.jsonl --keys DIR", 4).saying(" cannot be read: "),
        case("trail check", "", 2),
        case("trail check", "DIR/nowhere.jsonl", 4),
        case("policy check", "DIR/policy", 0),
        case("policy check", "DIR/wrong", 1).saying("risk.toml: is missing"),
        case("policy check", "DIR/nowhere", 4).saying("/nowhere cannot be read: "),
        case("policy check", "", 2),
        case("policy publish", "DIR/policy", 0),
        case("policy publish", "DIR/wrong", 1).saying("risk.toml: is missing"),
        case("policy publish", "DIR/nowhere", 4).saying("/nowhere cannot be read: "),
        case("policy publish", "", 2),
        case("policy publish", "DIR/policy", 4).but(Fault::NoStack),
        case("policy show", "", 0),
        case("policy show", "0123456789ab", 1),
        case("policy show", "0123", 2),
        case("policy show", "--files DIR/risk.toml", 4),
        case("policy replay", "--policy DIR/policy --from DIR/trail.jsonl", 0),
        case("policy replay", "--policy DIR/wrong --from DIR/trail.jsonl", 1).saying("risk.toml: is missing"),
        case("policy replay", "--policy DIR/policy --from DIR/empty", 1)
            .saying("/empty does not hold: there is no record in it"),
        case("policy replay", "--policy DIR/nowhere --from DIR/trail.jsonl", 4)
            .saying("/nowhere cannot be read: "),
        case("policy replay", "--policy DIR/nowhere", 4)
            .but(Fault::NoStack)
            .saying("/nowhere cannot be read: "),
        case("policy replay", "--policy DIR/policy --from DIR", 4).saying(" cannot be read: "),
        case("policy replay", "--policy DIR/policy --since 9000d", 2).but(Fault::NoStack),
        case("policy replay", "--policy DIR/policy --from DIR/nowhere.jsonl", 4),
        case("policy calibrate", "--from DIR/trail.jsonl", 0),
        case("policy calibrate", "--from DIR/risk.toml", 1),
        case("policy calibrate", "--from DIR/empty", 1)
            .saying("/empty does not hold: there is no record in it"),
        case("policy calibrate", "--from DIR/trail.jsonl --out DIR/policy", 1).saying("/policy is not empty"),
        case("policy calibrate", "--since 2999-01-01", 2).but(Fault::NoStack),
        case(
            "policy calibrate",
            "--from DIR/trail.jsonl --policy DIR/nowhere",
            4,
        )
        .saying("/nowhere cannot be read: "),
        case("policy calibrate", "--target 2", 2),
        case("policy calibrate", "--from DIR/nowhere.jsonl", 4),
        case("operators check", "DIR/operators.json", 0),
        case("operators check", "DIR/trail.jsonl", 1),
        case("operators check", "DIR/operators.json --policy DIR/policy", 0),
        case("operators check", "DIR/operators.json --policy DIR/wrong", 1).saying("risk.toml: is missing"),
        case("operators check", "DIR/operators.json --policy DIR/nowhere", 4)
            .saying("/nowhere cannot be read: "),
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

/// All of them, in an order in which each finds what it needs.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    [decisions(), others(), files(), forgeries()]
        .into_iter()
        .flatten()
}
