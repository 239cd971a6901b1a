//! Policies that are refused, each with the places of what is wrong.

use std::fmt::Write as _;
use std::sync::Arc;

use domain::ports::Policies;
use domain::trail::{Control, Switches};
use expect_test::expect;
use policy::{Bundle, Checked, Published, RISK, SCHEMA};

use crate::world::{Bucket, Hand, files, replaced, with};

const GATE: &str = "gate.cedar";

/// Every policy that is invalid, by what is wrong with it.
fn invalid() -> Vec<(&'static str, Bundle)> {
    let risk = |from: &str, to: &str| replaced(RISK, from, to);
    let gate = |from: &str, to: &str| replaced(GATE, from, to);
    let rule = |text: &str| with("company.cedar", text).unwrap();
    vec![
        ("TOML that is not", risk("shadow = []", "shadow = [")),
        ("TOML that is not, twice", {
            let mut files = files();
            let text = files[RISK].replace("night = 10", "night = = 10");
            let text = text.replace("stale = 10", "stale = ten");
            files.insert(RISK.to_owned(), text);
            Bundle::new(files).unwrap()
        }),
        (
            "unknown action in shadow",
            risk("shadow = []", "shadow = [\"page_oncall\", \"reboot\"]"),
        ),
        ("weight out of range", risk("night = 10", "night = 101")),
        ("weight below zero", risk("night = 10", "night = -1")),
        ("wrong type", risk("night = 10", "night = \"ten\"")),
        ("a fraction", risk("people = 2", "people = 1.5")),
        ("quorum of nobody", risk("people = 2", "people = 0")),
        ("unknown key", risk("night = 10", "night = 10\nnigth = 20")),
        ("missing key", risk("each_team = 2\n", "")),
        (
            "missing table",
            risk("[automatic]", "[[freeze]]\nname = \"x\"\n[autom]"),
        ),
        ("bad time zone", risk("\"UTC\"", "\"Mars/Olympus\"")),
        ("no approvers", risk("approvers = [\"*\"]", "approvers = []")),
        (
            "most below each",
            risk("most_incidents = 15", "most_incidents = 2"),
        ),
        (
            "overlapping freezes",
            risk(
                "# Points that raise a score.\n",
                "[[freeze]]\nname = \"year end\"\nfrom = \"2026-12-19T18:00\"\nto = \"2027-01-04T08:00\"\n\
                 [[freeze]]\nname = \"audit\"\nfrom = \"2027-01-01T00:00\"\nto = \"2027-02-01T00:00\"\n",
            ),
        ),
        (
            "a freeze without quotes",
            risk(
                "# Points that raise a score.\n",
                "[[freeze]]\nname = \"year end\"\nfrom = 2026-12-19T18:00:00\nto = \"2027-01-04T08:00\"\n",
            ),
        ),
        ("many things at once", {
            let mut files = files();
            let text = files[RISK]
                .replace("night = 10", "night = 1000")
                .replace("weekend = 5", "weekday = 5")
                .replace("repeat_s = 3600", "repeat_s = true")
                .replace("\"06:00\"", "\"25:00\"");
            files.insert(RISK.to_owned(), text);
            let text = files[GATE].replace("context.freeze", "context.frozen").replace(
                "resource.score <= context.threshold",
                "resource.score <= context.own",
            );
            files.insert(GATE.to_owned(), text);
            Bundle::new(files).unwrap()
        }),
        (
            "Cedar that is not",
            gate("when { principal.bot };", "when { principal.bot }"),
        ),
        ("no @id", gate("@id(\"bots-never-decide\")\n", "")),
        (
            "an @id that is not",
            gate("@id(\"bots-never-decide\")", "@id(\"bots never decide\")"),
        ),
        (
            "an @id twice",
            gate("@id(\"bots-never-decide\")", "@id(\"quorum\")"),
        ),
        (
            "an @id twice, in two files",
            rule(
                "@id(\"quorum\")\nforbid (principal, action == SreAgent::Action::\"approve\", resource) when { context.freeze };",
            ),
        ),
        (
            "unknown action in a rule",
            rule(
                "@id(\"x\")\nforbid (principal, action, resource)\nwhen { resource.action == SreAgent::ActionKind::\"reboot\" };",
            ),
        ),
        (
            "unknown verb",
            rule("@id(\"x\")\nforbid (principal, action == SreAgent::Action::\"restart\", resource);"),
        ),
        (
            "unknown role",
            gate("SreAgent::Role::\"approver\"", "SreAgent::Role::\"aprover\""),
        ),
        (
            "wrong type in a rule",
            gate(
                "resource.score <= context.threshold",
                "resource.score <= \"forty\"",
            ),
        ),
        (
            "unknown attribute",
            gate("when { context.freeze }", "when { context.frozen }"),
        ),
        (
            "an attribute that may be missing",
            rule(
                "@id(\"x\")\nforbid (principal, action, resource)\nwhen { resource.claimed_team == \"payments\" };",
            ),
        ),
        (
            "a rule that can never hold",
            rule(
                "@id(\"x\")\nforbid (principal, action, resource)\nwhen { context.freeze && !context.freeze && false };",
            ),
        ),
        (
            "a rule for nobody",
            rule(
                "@id(\"x\")\nforbid (\n  principal is SreAgent::Agent,\n  action == SreAgent::Action::\"approve\",\n  resource\n);",
            ),
        ),
        (
            "a template",
            rule("@id(\"x\")\nforbid (principal == ?principal, action, resource);"),
        ),
        (
            "another schema",
            replaced(SCHEMA, "score: Long,", "score: String,"),
        ),
        (
            "nobody is permitted to approve",
            gate(
                "action in [SreAgent::Action::\"approve\", SreAgent::Action::\"reject\"]",
                "action == SreAgent::Action::\"reject\"",
            ),
        ),
        (
            "everybody is forbidden to approve",
            rule("@id(\"x\")\nforbid (principal, action == SreAgent::Action::\"approve\", resource);"),
        ),
        (
            "a rule that nests too deep",
            rule(&format!(
                "@id(\"x\")\nforbid (principal, action, resource) when {{ {}",
                "(".repeat(40)
            )),
        ),
    ]
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let mut story = String::new();
    for (name, bundle) in invalid() {
        writeln!(story, "{name}").unwrap();
        for fault in Checked::new(&bundle).expect_err(name).iter() {
            assert!(fault.at.is_some(), "{name}: {fault}");
            writeln!(story, "    {fault}").unwrap();
        }
    }
    expect![[r#"
        TOML that is not
            risk.toml:17:11: unexpected `=` in array, expected value, `]`
            risk.toml:19:1: missing comma between array elements, expected `,`
            risk.toml:21:1: missing comma between array elements, expected `,`
            risk.toml:23:1: missing comma between array elements, expected `,`
        TOML that is not, twice
            risk.toml:62:9: extra `=`, expected nothing
            risk.toml:92:9: invalid boolean, expected `true`
        unknown action in shadow
            risk.toml:14:26: unknown variant `reboot`, expected one of `circuit_break_provider`, `reroute_model_group`, `raise_rate_limit`, `page_oncall`, `disable_guardrail`, `bump_budget_cap`, `disable_sla_contract`
        weight out of range
            risk.toml:62:9: night: 101 is not within 0–100
        weight below zero
            risk.toml:62:9: night: -1 is not within 0–100
        wrong type
            risk.toml:62:9: night: invalid type: string "ten", expected a whole number
        a fraction
            risk.toml:23:10: people: invalid type: floating point `1.5`, expected a whole number
        quorum of nobody
            risk.toml:23:10: people: 0 is not within 1–10
        unknown key
            risk.toml:63:1: unknown key `nigth`, expected one of `night`, `weekend`, `change_freeze`, `each_team`, `most_teams`, `traffic`, `traffic_from_ppm`, `critical_team`, `largest_change`, `each_repeat`, `most_repeats`, `reverted`, `each_incident`, `most_incidents`, `no_alternative`, `unconfirmed`, `stale`, `undo`
        missing key
            risk.toml:60:2: the key each_team is missing
        missing table
            risk.toml:1:1: the key automatic is missing
            risk.toml:126:1: the key from is missing
            risk.toml:128:2: unknown key `autom`, expected one of `time_zone`, `shadow`, `approvers`, `quorum`, `hours`, `freeze`, `team_tier`, `raises`, `lowers`, `windows`, `automatic`
        bad time zone
            risk.toml:11:13: time_zone: "Mars/Olympus" is not an IANA time zone such as Europe/Berlin or UTC
        no approvers
            risk.toml:17:13: approvers: nobody may decide: name a group of the operator directory, or "*" for every operator
        most below each
            risk.toml:86:18: most_incidents: is 2, less than each_incident, which is 3
        overlapping freezes
            risk.toml:65:8: from: "audit" overlaps "year end", which is from 2026-12-19T18:00 to 2027-01-04T08:00
        a freeze without quotes
            risk.toml:61:8: from: a date or time is written in quotes here, such as "2026-12-19T18:00:00"
        many things at once
            gate.cedar:20:50: for policy `auto-execute-low-risk`, unexpected type: expected Long but saw Bool
            gate.cedar:38:8: for policy `no-auto-execute-in-a-freeze`, attribute `frozen` in context for SreAgent::Action::"auto_execute" not found; did you mean `freeze`?
            risk.toml:35:6: to: "25:00" is not a time of day such as 08:30, 00:00–24:00
            risk.toml:60:2: the key weekend is missing
            risk.toml:62:9: night: 1000 is not within 0–100
            risk.toml:64:1: unknown key `weekday`, expected one of `night`, `weekend`, `change_freeze`, `each_team`, `most_teams`, `traffic`, `traffic_from_ppm`, `critical_team`, `largest_change`, `each_repeat`, `most_repeats`, `reverted`, `each_incident`, `most_incidents`, `no_alternative`, `unconfirmed`, `stale`, `undo`
            risk.toml:115:12: repeat_s: invalid type: boolean `true`, expected a whole number
        Cedar that is not
            gate.cedar:57:1: unexpected token `@`; expected `;` or identifier
        no @id
            gate.cedar:48:1: the rule has no @id
        an @id that is not
            gate.cedar:48:1: @id("bots never decide") is not an id of 1–64 letters, digits, - and _
        an @id twice
            gate.cedar:75:1: @id("quorum") is taken by the rule at gate.cedar:48
        an @id twice, in two files
            gate.cedar:75:1: @id("quorum") is taken by the rule at company.cedar:1
        unknown action in a rule
            company.cedar:3:27: for policy `x`: entity `SreAgent::ActionKind::"reboot"` is of an enumerated entity type, but `"reboot"` is not declared as a valid eid; valid entity eids: "circuit_break_provider", "reroute_model_group", "raise_rate_limit", "page_oncall", "disable_guardrail", "bump_budget_cap", "disable_sla_contract"
        unknown verb
            company.cedar:1:1: for policy `x`, policy is impossible: the policy expression evaluates to false for all valid requests
            company.cedar:1:1: for policy `x`, unable to find an applicable action given the policy scope constraints
            company.cedar:2:30: for policy `x`, unrecognized action `SreAgent::Action::"restart"`; did you mean `SreAgent::Action::"reject"`?
        unknown role
            gate.cedar:43:16: for policy `approvers-decide`: entity `SreAgent::Role::"aprover"` is of an enumerated entity type, but `"aprover"` is not declared as a valid eid; valid entity eids: "approver"
        wrong type in a rule
            gate.cedar:20:50: for policy `auto-execute-low-risk`, unexpected type: expected Long but saw String
        unknown attribute
            gate.cedar:38:8: for policy `no-auto-execute-in-a-freeze`, attribute `frozen` in context for SreAgent::Action::"auto_execute" not found; did you mean `freeze`?
        an attribute that may be missing
            company.cedar:3:8: for policy `x`, unable to guarantee safety of access to optional attribute `claimed_team` on entity type `SreAgent::Proposal`; try testing for the attribute's presence with `e has claimed_team && ..`
        a rule that can never hold
            company.cedar:1:1: for policy `x`, policy is impossible: the policy expression evaluates to false for all valid requests
        a rule for nobody
            company.cedar:1:1: for policy `x`, policy is impossible: the policy expression evaluates to false for all valid requests
            company.cedar:1:1: for policy `x`, unable to find an applicable action given the policy scope constraints
        a template
            company.cedar:1:1: a template decides nothing: nothing links it
        another schema
            gate.cedarschema:39:12: differs from this version's schema: it cannot be changed; leave the file out
        nobody is permitted to approve
            gate.cedar:1:1: nobody could ever approve anything: no rule permits SreAgent::Action::"approve"
        everybody is forbidden to approve
            company.cedar:1:1: nobody could ever approve anything: the rule forbids it to everybody
        a rule that nests too deep
            company.cedar:2:76: brackets and ifs nest deeper than 32 in one rule
    "#]].assert_eq(&story);
}

#[tokio::test]
async fn an_invalid_policy_never_comes_into_force_and_everything_waits_for_people() {
    let bucket = Arc::new(Bucket::default());
    let published = Published::new(bucket.clone(), Hand::new());
    for (name, bundle) in invalid() {
        bucket.holds(bundle.digest(), bundle.bytes());
        let control = Control::of(
            1,
            Switches {
                policy: Some(bundle.digest()),
                ..Switches::default()
            },
        );
        let in_force = published.in_force(&control).await;
        let because = in_force.instead_because.expect(name);
        assert!(
            because.contains(&bundle.digest().to_string()),
            "{name}: {because}"
        );
        assert!(
            because.contains(".toml:") || because.contains(".cedar"),
            "{name}: {because}"
        );
        assert_eq!(in_force.digest, Bundle::builtin().digest(), "{name}");
    }
}

/// What is wrong with files as such.
fn misfit(change: impl Fn(&mut std::collections::BTreeMap<String, String>)) -> String {
    let mut files = files();
    change(&mut files);
    let faults = Bundle::new(files).unwrap_err();
    faults
        .iter()
        .fold(String::new(), |told, fault| format!("{told}{fault}\n"))
}

#[test]
fn a_policy_has_its_files_and_no_others() {
    let told = misfit(|files| files.clear());
    expect![[r#"
        gate.cedar: is missing, and there is no other *.cedar
        risk.toml: is missing
    "#]]
    .assert_eq(&told);
    let told = misfit(|files| {
        for name in [
            "notes.md",
            "../evil.cedar",
            ".cedar",
            ".hidden.cedar",
            "a b.cedar",
        ] {
            files.insert(name.to_owned(), String::new());
        }
        files.insert(format!("{}.cedar", "x".repeat(60)), String::new());
    });
    expect![[r#"
        ../evil.cedar: does not belong to a policy: it has risk.toml, *.cedar (of a-z, 0-9, -, _ and .) and perhaps gate.cedarschema
        .cedar: does not belong to a policy: it has risk.toml, *.cedar (of a-z, 0-9, -, _ and .) and perhaps gate.cedarschema
        .hidden.cedar: does not belong to a policy: it has risk.toml, *.cedar (of a-z, 0-9, -, _ and .) and perhaps gate.cedarschema
        a b.cedar: does not belong to a policy: it has risk.toml, *.cedar (of a-z, 0-9, -, _ and .) and perhaps gate.cedarschema
        notes.md: does not belong to a policy: it has risk.toml, *.cedar (of a-z, 0-9, -, _ and .) and perhaps gate.cedarschema
        xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.cedar: has a name longer than 64 bytes
    "#]].assert_eq(&told);
    let told = misfit(|files| {
        files.insert("big.cedar".to_owned(), "//".repeat(200_000));
    });
    expect![[r#"
        policy: has 407731 bytes, more than the 262144 of a policy
    "#]]
    .assert_eq(&told);
    let told = misfit(|files| {
        for number in 0..40 {
            files.insert(format!("{number}.cedar"), String::new());
        }
    });
    expect![[r#"
        policy: has 43 files, more than 32
    "#]]
    .assert_eq(&told);
}

#[test]
fn too_many_rules_are_refused() {
    let rule = |number: usize| {
        format!(
            "@id(\"r{number}\") forbid (principal, action == SreAgent::Action::\"approve\", resource) when {{ context.freeze }};\n"
        )
    };
    let rules = |number: usize| with("company.cedar", &(0..number).map(rule).collect::<String>()).unwrap();
    Checked::new(&rules(192)).unwrap();
    let faults = Checked::new(&rules(194)).unwrap_err();
    expect!["gate.cedar:66:1: there are more than 200 rules (and 1 more)"].assert_eq(&faults.to_string());
}

#[test]
fn a_directory_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(directory.path().join(name), text).unwrap();
    for (name, text) in files() {
        write(&name, text.as_bytes());
    }
    let bundle = Bundle::read_dir(directory.path()).unwrap();
    assert_eq!(bundle, Bundle::builtin(), "the schema may be there");
    std::fs::remove_file(directory.path().join(SCHEMA)).unwrap();
    assert_eq!(
        Bundle::read_dir(directory.path()).unwrap(),
        bundle,
        "and need not"
    );

    write("notes.md", b"to do");
    write("bad.cedar", b"// \n \xff");
    std::fs::create_dir(directory.path().join("more.cedar")).unwrap();
    let faults = Bundle::read_dir(directory.path()).unwrap_err();
    let told = faults
        .iter()
        .fold(String::new(), |told, fault| format!("{told}{fault}\n"));
    expect![[r#"
        bad.cedar:2:2: is not UTF-8 text
        more.cedar: is not a file
        notes.md: does not belong to a policy: it has risk.toml, *.cedar (of a-z, 0-9, -, _ and .) and perhaps gate.cedarschema
    "#]].assert_eq(&told);
    assert!(Bundle::read_dir(&directory.path().join("nowhere")).is_err());
}

#[test]
fn the_policy_of_the_repository_is_the_built_in_one() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/policy");
    assert_eq!(Bundle::read_dir(&directory).unwrap(), Bundle::builtin());
}

#[test]
fn one_policy_has_one_byte_string() {
    let bundle = Bundle::builtin();
    assert_eq!(Bundle::decode(bundle.bytes()).unwrap(), bundle);
    assert_eq!(bundle.digest(), domain::value::Digest::of(bundle.bytes()));
    let other = [b" ", bundle.bytes()].concat();
    assert!(Bundle::decode(&other).is_err());
    let with_schema = serde_json::json!({ "files": files() }).to_string();
    assert!(Bundle::decode(with_schema.as_bytes()).is_err());
    let changed = replaced(RISK, "night = 10", "night = 11");
    assert_ne!(changed.digest(), bundle.digest());
}
