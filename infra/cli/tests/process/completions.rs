//! Completion in the shell itself.

use std::process::Command;

use super::{code, command, ended};

/// Completes a line as bash does: by the function that `complete` was told of, with the command, the word and the one before.
///
/// <https://www.gnu.org/software/bash/manual/html_node/Programmable-Completion.html>
const COMPLETE: &str = r#"
source "$1"
shift
spec=$(complete -p sre-agent) || exit 9
[[ $spec =~ -F\ ([^ ]+) ]] || exit 8
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"${BASH_REMATCH[1]}" sre-agent "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// What bash offers for the last of the words.
fn offered(script: &std::path::Path, words: &[&str]) -> Vec<String> {
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", COMPLETE, "bash"])
        .arg(script)
        .args(words)
        .output()
        .unwrap_or_else(|err| panic!("this test needs bash, whose completion it is about: {err}"));
    assert!(output.status.success(), "{words:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{words:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_every_word_of_a_line() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("sre-agent.bash");
    let output = ended(command(&["completions", "bash"])).await;
    assert_eq!(code(&output), 0, "{output:?}");
    std::fs::write(&script, &output.stdout).unwrap();

    assert_eq!(offered(&script, &["sre-agent", "tr"]), ["trail"]);
    assert_eq!(
        offered(&script, &["sre-agent", "trail", "export", "--format", ""]),
        ["streams", "csv", "jsonl"]
    );
    assert_eq!(
        offered(&script, &["sre-agent", "keys", "rotate", "--si"]),
        ["--since"]
    );
    assert_eq!(
        offered(&script, &["sre-agent", "redrive", "--queue", "out"]),
        ["outbox"]
    );
    let queues = offered(&script, &["sre-agent", "redrive", "--queue", ""]);
    for lane in domain::message::Lane::ALL {
        assert!(
            queues.contains(&lane.name().to_owned()),
            "{} in {queues:?}",
            lane.name()
        );
    }
    // Behind one of several words, and behind one with a hyphen.
    for (words, wanted, others) in [
        (&["trail", ""][..], &["--json", "export", "check"][..], "--undo"),
        (&["trail", "export", "--"], &["--since", "--undo"], "--keys"),
        (&["policy", ""], &["check", "publish", "replay"], "rotate"),
        (&["set-aside", "--"], &["--reason", "--stack"], "--json"),
    ] {
        let found = offered(&script, &[&["sre-agent"], words].concat());
        for one in wanted {
            assert!(
                found.contains(&(*one).to_owned()),
                "{words:?}: {one} in {found:?}"
            );
        }
        assert!(!found.contains(&others.to_owned()), "{words:?}: {found:?}");
    }
}
