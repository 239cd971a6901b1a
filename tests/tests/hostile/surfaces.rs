//! What is shown of an event by itself: reasons and explanations, the log, the bus.

use domain::value::is_dangerous;
use serde_json::Value;

use super::{Outcome, Traces};

/// The longest reason or explanation, characters: sixty of a text are quoted, each escaped where it must be.
const LONGEST: usize = 1_500;

/// The longest line of the log, bytes.
const LONGEST_LINE: usize = 4_000;

/// Panics where a text does more than to be shown.
pub(crate) fn assert_inert(what: &str, traces: &Traces) {
    match &traces.outcome {
        Outcome::GivenUp(said) | Outcome::Declined(_, said) => {
            assert!(!said.chars().any(char::is_control), "{what}: {said:?}");
            let length = said.chars().count();
            assert!(length <= LONGEST, "{what}: {length} characters, {said:.300}");
        }
        Outcome::Proposed(_) => {}
    }
    for told in &traces.told {
        let steers = |c: char| is_dangerous(c) && c != '\n';
        assert!(!told.chars().any(steers), "{what}: {told:?}");
        assert_eq!(told.lines().count(), 3, "{what}: {told:?}");
        let length = told.chars().count();
        assert!(length <= 2 * LONGEST, "{what}: {length} characters, {told:.300}");
    }
    assert_one_object_a_line(what, &traces.log);
    for envelope in &traces.announced {
        assert_one_object(what, envelope);
        let envelope: Value = serde_json::from_str(envelope).unwrap();
        assert_eq!(envelope["source"], "sre-agent", "{what}");
    }
}

/// The log is read line by line: none may be forged, broken or endless.
fn assert_one_object_a_line(what: &str, log: &str) {
    assert!(log.ends_with('\n'), "{what}: something was logged, and ended");
    for line in log.trim_end_matches('\n').split('\n') {
        assert_one_object(what, line);
        assert!(
            line.len() <= LONGEST_LINE,
            "{what}: {} bytes, {line:.300}",
            line.len()
        );
        let line: Value = serde_json::from_str(line).unwrap();
        let known = [
            "opened",
            "concluded",
            "scored",
            "announced",
            "put to the dead-letter queue",
        ];
        let message = line["message"].as_str().unwrap();
        assert!(known.contains(&message), "{what}: {message}");
    }
}

fn assert_one_object(what: &str, json: &str) {
    assert!(!json.chars().any(char::is_control), "{what}: {json:?}");
    let value: Result<Value, _> = serde_json::from_str(json);
    assert!(value.is_ok_and(|value| value.is_object()), "{what}: {json}");
}
