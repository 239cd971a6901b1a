//! Whether the keys sign, and whether each public half is known.

use adapters::KeysProblem;

use super::finding::{Finding, missing, ok, unknown};
use super::seen::{Key, KeyState, Seen};
use crate::print::quote;
use crate::status::Part;

/// How the keys stand, those in use and former ones.
pub(super) fn keys(seen: &Seen) -> Vec<Finding> {
    let mut found: Vec<Finding> = seen.keys.iter().map(key).collect();
    found.extend(keyring(seen));
    found
}

fn key(key: &Key) -> Finding {
    let Key { parameter, arn, .. } = key;
    match &key.state {
        Part::Seen(KeyState::Is(state)) if state == "Enabled" => {
            ok("keys", format!("{parameter}: the key in use is enabled"))
        }
        Part::Seen(KeyState::Is(state)) if state == "Disabled" => missing(
            "keys",
            format!("{parameter}: {arn} is disabled: {}", without(parameter)),
            "where it was rotated, deploy with what sre-agent keys rotate printed; else aws kms enable-key",
        ),
        Part::Seen(KeyState::Is(state)) if state == "PendingDeletion" => missing(
            "keys",
            format!("{parameter}: {arn} will be deleted, and what it has signed cannot be checked then"),
            "aws kms cancel-key-deletion, then aws kms enable-key",
        ),
        Part::Seen(KeyState::Is(state)) => missing(
            "keys",
            format!("{parameter}: {arn} is {}", quote(state)),
            "mend the key, or deploy with another one: sre-agent keys rotate makes it",
        ),
        Part::Seen(KeyState::NotThere(said)) => missing(
            "keys",
            format!(
                "{parameter}: KMS has no key {arn}: {}: {}",
                without(parameter),
                quote(said)
            ),
            another(parameter),
        ),
        Part::Unseen(why) => unknown("keys", &format!("{parameter}: how the key in use stands"), why),
    }
}

/// What is not done while a key does not sign.
fn without(parameter: &str) -> &'static str {
    match parameter {
        "OperatorKeyArns" => "nothing is switched, and no policy is published",
        _ => "no approval is taken",
    }
}

/// What is to be done about a parameter that names what is no key.
fn another(parameter: &str) -> String {
    format!("deploy with {parameter} as it was before, or with another key where KMS has deleted that one")
}

/// Whether each public half is known, so that what was signed can be checked.
fn keyring(seen: &Seen) -> Option<Finding> {
    let again = "deploy with KeyArchives as sre-agent keys rotate printed it";
    Some(match seen.keyring.as_ref()? {
        Ok(()) => ok("keys", "every public key is known, those of former keys too"),
        Err(KeysProblem::Key { key, problem }) => {
            let in_use = seen.keys.iter().find(|one| one.arn == *key);
            // Told of the key itself.
            if in_use.is_some_and(is_wrong) {
                return None;
            }
            missing(
                "keys",
                format!("nothing that {key} signed can be checked: {}", quote(problem)),
                another(in_use.map_or("the key", |one| one.parameter)),
            )
        }
        Err(KeysProblem::Former(key)) => missing(
            "keys",
            format!("no archive knows the former key {key}: nothing that is signed can be checked"),
            format!(
                "{again}; where that key was not rotated so, deploy with it in front again, and run sre-agent keys rotate"
            ),
        ),
        Err(KeysProblem::Archive { digest, problem }) => missing(
            "keys",
            format!(
                "the archive {digest} of a former key: {}: nothing that is signed can be checked",
                quote(problem)
            ),
            format!(
                "copy payloads/{digest} from the policy bucket of before, as infra/docs/restore.md says, or {again}"
            ),
        ),
        Err(KeysProblem::Unavailable(why)) => {
            unknown("keys", "whether every public key is known", &why.to_string())
        }
    })
}

/// Whether a key is known not to be as it should be.
fn is_wrong(key: &Key) -> bool {
    match &key.state {
        Part::Seen(KeyState::Is(state)) => state != "Enabled",
        Part::Seen(KeyState::NotThere(_)) => true,
        Part::Unseen(_) => false,
    }
}
