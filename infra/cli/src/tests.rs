//! The table of commands.

use super::*;

#[test]
fn the_table_of_commands_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn the_stack_may_be_named_before_or_after_the_command() {
    for line in [
        ["sre-agent", "--stack", "other", "status"],
        ["sre-agent", "status", "--stack", "other"],
    ] {
        assert_eq!(Arguments::try_parse_from(line).unwrap().stack, "other");
    }
    assert!(Arguments::try_parse_from(["sre-agent", "--stack", "", "status"]).is_err());
}

#[test]
fn a_proposal_id_is_checked_before_anything_is_called() {
    let problem = Arguments::try_parse_from(["sre-agent", "trail", "x"]).unwrap_err();
    assert!(
        problem.to_string().contains("is neither a proposal's id nor"),
        "{problem}"
    );
    assert!(Arguments::try_parse_from(["sre-agent", "trail"]).is_err());
}

#[test]
fn what_a_command_needs_is_asked_for_before_anything_is_called() {
    let id = "gnr4sqzfryd4gg3mhvufxxmnmg-1";
    for (line, sound) in [
        (&["trail", id, "--json"][..], true),
        (
            &[
                "trail",
                "export",
                "--since",
                "30d",
                "--until",
                "2026-11-22T10:00:00Z",
            ],
            true,
        ),
        (&["trail", "gnr4sqzf"], true),
        (&["trail", "gnr4sqzf-1", "--json"], true),
        (&["trail", "control"], true),
        (&["trail", "export"], false),
        (&["trail", "export", "--since", "long ago"], false),
        (&["trail", id, "export", "--since", "30d"], false),
        (&["trail", "check", "-"], true),
        (&["trail", "check"], false),
        (&["pause"], false),
        (&["pause", "--reason", " "], false),
        (&["pause", "--reason", "a release"], true),
        (&["resume"], true),
        (&["resume", "--reason", "it is over"], true),
        (&["automatic"], false),
        (&["automatic", "off"], false),
        (&["automatic", "off", "--reason", "a bad week"], true),
        (&["automatic", "on"], true),
        (&["automatic", "maybe", "--reason", "x"], false),
        (&["policy"], false),
        (&["policy", "replay"], false),
        (&["policy", "replay", "--policy", "new"], true),
        (
            &[
                "policy",
                "replay",
                "--policy",
                "new",
                "--from",
                "-",
                "--threshold",
                "100",
                "--auto-approve",
                "false",
                "--json",
            ],
            true,
        ),
        (
            &["policy", "replay", "--policy", "new", "--threshold", "101"],
            false,
        ),
        (
            &[
                "policy", "replay", "--policy", "new", "--from", "-", "--since", "30d",
            ],
            false,
        ),
        (&["policy", "calibrate"], true),
        (
            &[
                "policy",
                "calibrate",
                "--target",
                "0.9",
                "--confidence",
                "0.99",
                "--out",
                "new",
            ],
            true,
        ),
        (&["policy", "calibrate", "--target", "95"], false),
        (&["policy", "calibrate", "--confidence", "0.8"], false),
        (&["operators"], false),
        (&["operators", "check"], false),
        (&["operators", "check", "operators.json", "--policy", "new"], true),
        (&["set-aside", "control", "3", "--reason", "a drill"], true),
        (&["set-aside", "control", "3"], false),
        (&["keys", "rotate", "decisions"], true),
        (&["keys", "rotate"], false),
        (&["set-aside", "gnr4sqzf-1", "3", "--reason", "a drill"], true),
        (&["completions", "bash"], true),
        (&["completions"], false),
        (&["completions", "basic"], false),
        (&["man", "--out", "man1"], true),
        (&["man", "page"], false),
        (&["set-aside", "no/thing", "3", "--reason", "a drill"], false),
        (&["slack"], true),
        (&["slack", "--json"], true),
        (&["slack", "C0SRE"], false),
        (&["list"], true),
        (
            &[
                "list",
                "--waiting",
                "--team",
                "payments",
                "--limit",
                "100",
                "--json",
            ],
            true,
        ),
        (&["list", "--in-force", "--limit", "1"], true),
        (&["list", "--waiting", "--in-force"], false),
        (&["list", "--limit", "0"], false),
        (&["list", "--limit", "101"], false),
        (&["list", "--team", ""], false),
        (&["show", id], true),
        (&["show", "te62-1", "--json"], true),
        (&["show"], false),
        (&["show", "gnr"], false),
        (&["show", "../secrets"], false),
        (&["approve", id], true),
        (&["approve", "te62", "--seen", "0123ABCD", "--yes"], true),
        (&["approve", "te62", "--seen", "0123abc"], false),
        (&["approve", "te62", "--seen", "0123wxyz"], false),
        (&["reject", id], false),
        (&["reject", id, "--reason", " "], false),
        (&["reject", id, "--reason", "it is a drill"], true),
        (&["undo", id], false),
        (&["undo", id, "--reason", "it is over"], true),
        (&["revoke", id], true),
        (&["edit", id], false),
        (&["edit", id, "duration_s"], false),
        (&["edit", id, "duration_s="], false),
        (&["edit", id, "duration_s=60", "rpm_percent=5"], true),
        (&["watch"], true),
        (&["watch", "te62", "--every", "60"], true),
        (&["watch", "--every", "0"], false),
        (&["watch", "--every", "61"], false),
    ] {
        let line = ["sre-agent"].iter().chain(line);
        let parsed = Arguments::try_parse_from(line.clone());
        assert_eq!(parsed.is_ok(), sound, "{line:?}: {parsed:?}");
    }
}
