//! What is told of one thing: how it stands, and what is to be done.

use serde::Serialize;

use crate::print::quote;

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How it stands.
    pub(super) verdict: Verdict,
    /// What it is about, in one word.
    pub(super) about: &'static str,
    /// What was found.
    pub(super) says: String,
    /// What is to be done; none where nothing is.
    #[serde(rename = "do")]
    pub(super) remedy: Option<String>,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and is worth knowing.
    Note,
    /// It is missing, or wrong.
    Missing,
    /// Nobody knows: it could not be looked at.
    Unknown,
}

impl Verdict {
    pub(super) fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Missing => "missing",
            Verdict::Unknown => "unknown",
        }
    }
}

pub(super) fn ok(about: &'static str, says: impl Into<String>) -> Finding {
    finding(Verdict::Ok, about, says, None)
}

pub(super) fn note(about: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Finding {
    finding(Verdict::Note, about, says, Some(remedy.into()))
}

pub(super) fn missing(about: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Finding {
    finding(Verdict::Missing, about, says, Some(remedy.into()))
}

pub(super) fn unknown(about: &'static str, what: &str, why: &str) -> Finding {
    let remedy = "look again, or have somebody look who may";
    finding(
        Verdict::Unknown,
        about,
        format!("{what}: {}", quote(why)),
        Some(remedy.to_owned()),
    )
}

/// What is to be done where something of the stack is not there any more.
pub(super) fn put_back(stack: &str) -> String {
    format!(
        "put back what was deleted outside of the deployment: aws cloudformation detect-stack-drift --stack-name {stack} \
         says what"
    )
}

pub(super) fn finding(
    verdict: Verdict,
    about: &'static str,
    says: impl Into<String>,
    remedy: Option<String>,
) -> Finding {
    Finding {
        verdict,
        about,
        says: says.into(),
        remedy,
    }
}
