//! What was seen of a deployment, in plain values, so that judging it needs no AWS.

use std::collections::BTreeMap;

use adapters::KeysProblem;
use domain::telling::checkup::Reached;
use domain::trail::Switches;
use domain::value::Timestamp;

use crate::checkup::Answer;
use crate::status::{DecidersPart, Part};

/// Everything that was looked at.
#[derive(Debug)]
pub(super) struct Seen {
    /// The stack's name.
    pub(super) stack: String,
    /// Its Region.
    pub(super) region: String,
    /// CloudFormation's word for its state.
    pub(super) status: String,
    /// The outputs that a stack of this version has, and this one has not. What is looked at by them was not looked at.
    pub(super) lacks: Vec<&'static str>,
    /// What it was deployed with.
    pub(super) parameters: BTreeMap<String, String>,
    /// The functions.
    pub(super) functions: Vec<Function>,
    /// The function behind Slack's request URL, asked over the internet; `None` on a local stack, which has no such URL.
    pub(super) callback: Option<Part<()>>,
    /// The function that commands ask, asked as whoever runs this: its version, where it tells one.
    pub(super) commands: Option<Part<Option<String>>>,
    /// The secrets, by what they are for, such as `slack-bot`.
    pub(super) secrets: BTreeMap<&'static str, Part<Standing>>,
    /// The people who may decide.
    pub(super) deciders: Option<DecidersPart>,
    /// Who subscribes to what the agent tells people, but for its own queue.
    pub(super) subscribers: Option<Part<Audience>>,
    /// Who subscribes to the alarms; none where no alarm has a target.
    pub(super) alarmed: Option<Part<Audience>>,
    /// What operators have switched, and the policy that was published last.
    pub(super) switches: Option<Part<Switches>>,
    /// The keys that sign, the one in use of each sort.
    pub(super) keys: Vec<Key>,
    /// Whether the public half of each key is known, those of former ones too.
    pub(super) keyring: Option<Result<(), KeysProblem>>,
    /// The trail's table.
    pub(super) trail: Option<Protection>,
    /// How many functions may run at once; `None` on a local stack, which has no account.
    pub(super) concurrency: Option<Part<Concurrency>>,
}

/// A function that was asked.
#[derive(Debug)]
pub(super) struct Function {
    /// Its name in the project, such as `scoring`.
    pub(super) name: &'static str,
    /// When it was asked, on this machine's clock.
    pub(super) asked_at: Timestamp,
    /// When its answer was there.
    pub(super) answered_at: Timestamp,
    /// What it answered.
    pub(super) answer: Part<Answer>,
}

impl Function {
    /// What it says that it reaches, or does not; nothing where it says nothing.
    pub(super) fn reached(&self) -> &[Reached] {
        match &self.answer {
            Part::Seen(Answer::Told(told)) => &told.reached,
            Part::Seen(Answer::Failed(_) | Answer::NotThere(_)) | Part::Unseen(_) => &[],
        }
    }
}

/// Whether somebody has set a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It holds what the deployment made, and nobody knows.
    Initial,
    /// Somebody has set it.
    Set,
    /// It is marked for deletion.
    Deleted,
    /// There is no such secret.
    NotThere,
}

/// Who hears what is published.
#[derive(Debug, Default)]
pub(super) struct Audience {
    /// The subscribers.
    pub(super) all: Vec<Subscriber>,
    /// A topic that is not there.
    pub(super) gone: Option<String>,
}

/// A subscriber of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscriber {
    /// How it is reached, such as `email`.
    pub(super) protocol: String,
    /// Whether it was confirmed.
    pub(super) confirmed: bool,
}

/// A key in use.
#[derive(Debug)]
pub(super) struct Key {
    /// The parameter that names it.
    pub(super) parameter: &'static str,
    /// Its ARN.
    pub(super) arn: String,
    /// How it stands.
    pub(super) state: Part<KeyState>,
}

/// How a key stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    /// KMS's word for its state.
    Is(String),
    /// KMS has no such key: what it says.
    NotThere(String),
}

/// What protects the trail's table.
#[derive(Debug)]
pub(super) struct Protection {
    /// Its name.
    pub(super) table: String,
    /// Whether there is no such table.
    pub(super) gone: bool,
    /// Whether it cannot be deleted by a slip.
    pub(super) deletion_protected: Part<bool>,
    /// Whether it has a stream.
    pub(super) streamed: Part<bool>,
    /// Whether its records expire by the licence tier.
    pub(super) expires: Part<bool>,
    /// Whether it can be restored to a point in time.
    pub(super) recoverable: Part<bool>,
    /// Whether its policy denies whatever changes a record.
    pub(super) insert_only: Part<bool>,
}

/// How many functions may run at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Concurrency {
    /// In the account and Region.
    pub(super) limit: i32,
    /// Of those, what no function has reserved.
    pub(super) unreserved: i32,
}

impl Seen {
    /// A parameter's value, without spaces around it; empty where there is none.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
            .trim()
    }
}
