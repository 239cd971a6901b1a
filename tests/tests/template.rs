//! `template.yaml` against the code, both ways. Each check says what is wrong; the tests run it on the template,
//! and on copies with a mistake in them, so that a check that cannot fail is a failure too.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod alarms;
mod code;
mod dashboard;
mod delivery;
mod deployed;
mod https;
mod iam;
mod insert_only;
mod keys;
mod numbers;
mod parameters;
mod permissions;
mod routes;
mod secrets;
mod senders;
mod storage;
mod stream;
pub(crate) mod tree;
mod vpc;
mod wildcards;

use serde_json::Value;

use self::tree::Template;

/// What is wrong with a template, in sentences.
type Check = fn(&Template) -> Vec<String>;

/// The template passes.
#[track_caller]
fn passes(check: Check) {
    let wrong = check(&Template::read());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A template with this mistake does not pass, and the complaint names the culprit.
#[track_caller]
fn notices(check: Check, culprit: &str, mistake: impl FnOnce(&mut Value)) {
    let template = Template::read();
    let mutated = template.with(mistake);
    assert_ne!(template, mutated, "the mistake about {culprit} changes nothing");
    let wrong = check(&mutated);
    assert!(
        wrong.iter().any(|complaint| complaint.contains(culprit)),
        "a mistake about {culprit} is not noticed: {wrong:#?}"
    );
}
