//! What needs no stack, from the command line on.

use std::fs;
use std::path::PathBuf;

use clap::Parser;
use domain::proposal::{ProposalFact, Revoked};
use domain::value::Digest;
use policy::{Bundle, SCHEMA};
use testkit::story::{Story, breaks, person};

use super::world::{Annals, Script, changed, lines};
use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// What a command without a stack came to, and printed.
fn offline(line: &[&str]) -> Option<(anyhow::Result<bool>, String)> {
    let line = Line::try_parse_from(["policy"].iter().chain(line)).unwrap();
    let mut buffer = Vec::new();
    let done = line.command.offline(&mut Terminal::buffer(&mut buffer))?;
    Some((done, String::from_utf8(buffer).unwrap()))
}

struct Room {
    room: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Self {
            room: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    fn policy(&self, bundle: &Bundle) -> String {
        let directory = self.path("policy");
        fs::create_dir(&directory).unwrap();
        for (name, text) in bundle.files() {
            if name != SCHEMA {
                fs::write(directory.join(name), text).unwrap();
            }
        }
        directory.display().to_string()
    }

    fn file(&self, text: &str) -> String {
        let file = self.path("trail.jsonl");
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }
}

fn export() -> String {
    lines(&Annals::new(&Checked::builtin()).live(&Script::default()))
}

#[test]
fn an_export_is_replayed_and_calibrated_without_a_stack() {
    let room = Room::new();
    let (policy, file) = (room.policy(&Bundle::builtin()), room.file(&export()));
    let (done, told) = offline(&["replay", "--policy", &policy, "--from", &file]).unwrap();
    assert!(done.unwrap() && told.contains("      1 unchanged\n"), "{told}");
    let (done, told) = offline(&["calibrate", "--from", &file]).unwrap();
    assert!(
        done.unwrap() && told.contains("circuit_break_provider  1 "),
        "{told}"
    );
    // The trail itself needs one.
    assert!(offline(&["replay", "--policy", &policy]).is_none());
    assert!(offline(&["calibrate", "--policy", &policy]).is_none());
}

#[test]
fn a_policy_that_does_not_check_is_told_with_its_lines_before_anything_is_called() {
    let room = Room::new();
    let wrong = changed(
        &[("night = 10", "night = 101"), ("weekend = 5", "week-end = 5")],
        "",
    );
    let policy = room.policy(&wrong);
    let file = room.file("x\n");
    for line in [
        &["replay", "--policy", &policy][..],
        &["replay", "--policy", &policy, "--from", &file],
        &["calibrate", "--policy", &policy],
        &["calibrate", "--policy", &policy, "--from", &file],
    ] {
        let (done, told) = offline(line).unwrap();
        assert!(!done.unwrap(), "{line:?}");
        let faults: Vec<&str> = told.lines().collect();
        assert!(faults.len() >= 2, "{told}");
        assert!(
            faults.iter().all(|fault| fault.starts_with("risk.toml:")),
            "{told}"
        );
        assert!(told.contains("101 is not within 0–100"), "{told}");
    }
    // Of one that cannot be looked at nothing is known to be wrong.
    let nowhere = room.path("nowhere").display().to_string();
    let (done, told) = offline(&["replay", "--policy", &nowhere]).unwrap();
    let problem = done.unwrap_err();
    assert_eq!((crate::end::code(&problem), told.as_str()), (4, ""));
    assert_eq!(problem.to_string(), format!("{nowhere} cannot be read"));
}

#[test]
fn where_there_is_no_record_nothing_is_told_and_where_nothing_was_scored_that_is_told() {
    let room = Room::new();
    let policy = room.policy(&Bundle::builtin());
    let file = room.file("");
    for line in [
        &["replay", "--policy", &policy, "--from", &file][..],
        &["calibrate", "--from", &file],
    ] {
        let (done, told) = offline(line).unwrap();
        let problem = done.unwrap_err();
        assert_eq!((crate::end::code(&problem), told.as_str()), (1, ""));
        assert_eq!(
            format!("{problem:#}"),
            format!("{file} does not hold: there is no record in it")
        );
    }
    let file = room.file(&lines(Story::declined().records()));
    let (done, told) = offline(&["replay", "--policy", &policy, "--from", &file]).unwrap();
    assert!(done.unwrap());
    assert!(
        told.contains("      0 cases\n")
            && told.ends_with("nothing was scored in that time: this tells nothing of the policy\n"),
        "{told}"
    );
}

#[test]
fn there_must_be_room_for_what_is_written_before_anything_is_read() {
    let room = Room::new();
    let policy = room.policy(&Bundle::builtin());
    for line in [
        &["calibrate", "--out", &policy][..],
        &["calibrate", "--out", &policy, "--from", "/nowhere"],
    ] {
        let (done, _) = offline(line).unwrap();
        assert_eq!(done.unwrap_err().to_string(), format!("{policy} is not empty"));
    }
    let free = room.path("new").display().to_string();
    assert!(offline(&["calibrate", "--out", &free]).is_none());
    assert!(!room.path("new").exists());
}

#[test]
fn a_line_that_does_not_hold_is_named_with_its_file() {
    let room = Room::new();
    let policy = room.policy(&Bundle::builtin());
    let file = room.file(&(export() + "{}\n"));
    let number = export().lines().count() + 1;
    for line in [
        &["replay", "--policy", &policy, "--from", &file][..],
        &["calibrate", "--from", &file],
    ] {
        let (done, told) = offline(line).unwrap();
        let problem = format!("{:#}", done.unwrap_err());
        let begins = format!("{file} does not hold: line {number} is not a record");
        assert!(
            problem.starts_with(&begins) && told.is_empty(),
            "{problem} {told}"
        );
    }
}

#[test]
fn an_approval_that_was_taken_back_is_no_answer() {
    let approved = Story::approved(breaks());
    let told = |story: &Story| {
        let walked = life::walk(story.records(), |_, _, _| ()).unwrap();
        walked.last().unwrap().1.told()
    };
    assert_eq!(told(&approved), "approved by alice (alice), not started yet");
    let revoked = ProposalFact::Revoked(Revoked {
        scored: *approved.proposal().scored_record().unwrap(),
        policy: Digest::of(b"policy"),
        decider: None,
    });
    let revoked = approved.then(35, person("alice"), &revoked);
    assert_eq!(told(&revoked), "nobody decided yet");
}
