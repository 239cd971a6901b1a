//! `sre-agent policy`: is a policy sound, put it in force, and look at the one that is.

mod registry;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ::policy::Checked;
use adapters::{PayloadBucket, SystemClock};
use domain::ports::Clock as _;
use domain::trail::Actor;
use domain::value::Digest;

use crate::operators;
use crate::policy::registry::Registry;
pub(crate) use crate::policy::registry::{read, sound};
use crate::print::Terminal;
use crate::stack::Stack;
use crate::{what_if, who};

/// The stack's output that names the bucket of published policies.
pub(crate) const BUCKET_OUTPUT: &str = "PolicyBucketName";

/// What `policy` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Says everything that is wrong with a policy, with file, line and column. Needs no stack. Exits with 1 where
    /// something is
    Check(Check),
    /// Checks a policy and puts it in force; warns where too few people may approve what it asks them for
    Publish(Publish),
    /// Shows the policy in force, or an earlier one. Exits with 1 where this version would not take it
    Show(Show),
    #[command(flatten)]
    WhatIf(what_if::Command),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Directory with risk.toml and *.cedar, such as infra/policy
    directory: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Publish {
    /// Directory with risk.toml and *.cedar
    directory: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// SHA-256 of another policy, or its first digits, as records of the trail name it
    hash: Option<Hash>,

    /// Writes the files into this directory instead; it is made where there is none, and no file is overwritten
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
}

/// A digest, or the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hash(String);

impl Hash {
    /// The digest, where it is whole.
    fn whole(&self) -> Option<Digest> {
        self.0.parse().ok()
    }

    fn is_of(&self, digest: &Digest) -> bool {
        digest.to_string().starts_with(&self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Hash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.to_ascii_lowercase();
        match (8..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(digits)),
            false => Err("is no SHA-256 nor the beginning of one: 8 to 64 hexadecimal digits"),
        }
    }
}

impl Arguments {
    /// What needs no stack: whether it went well, if that was asked for.
    pub(crate) fn offline(&self, terminal: &mut Terminal<'_>) -> Option<anyhow::Result<bool>> {
        match &self.command {
            Command::Check(arguments) => Some(check(arguments, terminal)),
            Command::WhatIf(command) => command.offline(terminal),
            Command::Publish(_) | Command::Show(_) => None,
        }
    }
}

/// Whether the policy is sound.
fn check(arguments: &Check, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    Ok(sound(&arguments.directory, terminal)?.is_some())
}

/// What needs a stack.
pub(crate) async fn run(
    stack: &Stack,
    arguments: Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    match arguments.command {
        Command::Check(arguments) => check(&arguments, terminal),
        Command::Publish(arguments) => {
            let actor = who::asks(&stack.aws).await?;
            publish(stack, &arguments, actor, terminal).await
        }
        Command::Show(arguments) => show(stack, &arguments, terminal).await,
        Command::WhatIf(command) => what_if::run(stack, command, terminal).await,
    }
}

/// Whether the policy is in force now.
async fn publish(
    stack: &Stack,
    arguments: &Publish,
    actor: Actor,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let Some(bundle) = sound(&arguments.directory, terminal)? else {
        return Ok(false);
    };
    let (trail, bucket) = (stack.trail()?, bucket(stack)?);
    let registry = Registry {
        trail: &trail,
        bucket: &bucket,
        clock: &SystemClock,
    };
    registry.publish(&bundle, actor, terminal).await?;
    let in_force = Checked::new(&bundle)?.in_force(None);
    for warning in operators::warnings(operators::deployed(stack).await, &in_force, SystemClock.now()) {
        terminal.fault(&warning)?;
    }
    Ok(true)
}

/// Whether this version would take the policy that is shown.
async fn show(stack: &Stack, arguments: &Show, terminal: &mut Terminal<'_>) -> anyhow::Result<bool> {
    let (trail, bucket) = (stack.trail()?, bucket(stack)?);
    let registry = Registry {
        trail: &trail,
        bucket: &bucket,
        clock: &SystemClock,
    };
    registry
        .show(arguments.hash.as_ref(), arguments.files.as_deref(), terminal)
        .await
}

fn bucket(stack: &Stack) -> anyhow::Result<PayloadBucket> {
    Ok(PayloadBucket::new(&stack.aws, stack.output(BUCKET_OUTPUT)?))
}
