//! `sre-agent keys rotate`: another key signs from now on, and what the old one had signed is kept under lock. `keys
//! export`: the public keys, for whoever checks an export without the stack.

use adapters::{KeyArchive, KeySources, PayloadBucket, PublicKeys, Retired, SystemClock};
use anyhow::{Context as _, anyhow};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use clap::{Subcommand, ValueEnum};
use data_encoding::BASE64;
use domain::ports::{Clock, Payloads, Trail};
use domain::trail::{StreamId, UNSIGNED_SCHEMA};
use domain::value::{Digest, Timestamp};
use trail::walk::{self, Window};

use crate::end::{Answered as _, Ended};
use crate::moment::{self, Moment};
use crate::print::{Terminal, count};
use crate::stack::Stack;

/// What `keys` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes another key like the one in use, disables that one, keeps what it had signed, and prints what to deploy
    /// with. Until then nothing is signed
    Rotate(RotateArguments),
    /// Prints the public keys, in use and former, as JSON: `trail check --keys` takes it
    Export,
}

/// What `keys rotate` takes.
#[derive(Debug, clap::Args)]
struct RotateArguments {
    /// Whose key
    of: Of,

    /// From when on records are kept that it signed: further back than the trail goes
    #[arg(long, value_name = "WHEN", default_value = "2922d")]
    since: Moment,
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The callback's, which signs what people decide
    Decisions,
    /// The operators', which signs what they switch
    Operators,
}

impl Arguments {
    /// What cannot be asked for like this, before the stack is looked for.
    pub(crate) fn offline(&self) -> Option<anyhow::Result<bool>> {
        match &self.command {
            Command::Rotate(arguments) => arguments.window().err().map(Err),
            Command::Export => None,
        }
    }
}

impl RotateArguments {
    /// In which time records are kept.
    fn window(&self) -> anyhow::Result<Window> {
        moment::window(self.since, None, SystemClock.now())
    }
}

impl Of {
    fn parameter(self) -> &'static str {
        match self {
            Of::Decisions => "DecisionKeyArns",
            Of::Operators => "OperatorKeyArns",
        }
    }
}

/// Rotates a key, or prints them all.
pub(crate) async fn run(
    stack: &Stack,
    arguments: &Arguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let sources = stack
        .keys()
        .ok_or_else(|| Ended::NoAnswer("the stack has no keys: deploy this version first".to_owned()))?;
    match &arguments.command {
        Command::Rotate(arguments) => rotate(stack, &sources, arguments, terminal).await,
        Command::Export => {
            let file = PublicKeys::new(&stack.aws, sources).file().await?;
            terminal.json(&file)?;
            Ok(true)
        }
    }
}

async fn rotate(
    stack: &Stack,
    sources: &KeySources,
    arguments: &RotateArguments,
    terminal: &mut Terminal<'_>,
) -> anyhow::Result<bool> {
    let keys = match arguments.of {
        Of::Decisions => &sources.decisions,
        Of::Operators => &sources.operators,
    };
    let no_key = || Ended::NoAnswer("the stack names no key: is it deployed to its end?".to_owned());
    let old = keys.first().ok_or_else(no_key)?;
    let window = arguments.window()?;
    let kms = aws_sdk_kms::Client::new(&stack.aws);
    let public = kms.get_public_key().key_id(old).send().await;
    let public = public.answered(|| format!("{old} does not tell its public half: nothing was changed"))?;
    let public = public
        .public_key()
        .map(|der| BASE64.encode(der.as_ref()))
        .unwrap_or_default();
    let new = another_like(&kms, old)
        .await
        .context("no other key was made: nothing was changed")?;
    terminal.line(&format!("made: {new}"))?;
    let disabled = kms.disable_key().key_id(old).send().await;
    disabled.carried_out(|| format!("{old} is not disabled, and signs on: run this again"))?;
    terminal.line(&format!("disabled: {old}"))?;
    let (digest, signed) = keep(stack, window, old, public).await.map_err(|err| {
        // Something was changed by now: this is no answer that merely did not come.
        anyhow!("what {old} had signed is not kept, so nothing of it holds until it is: enable it and run this again: {err:#}")
    })?;
    terminal.line(&format!(
        "kept under lock: {} that it signed",
        count(signed, "record")
    ))?;
    let all: Vec<&str> = [new.as_str()]
        .into_iter()
        .chain(keys.iter().map(String::as_str))
        .collect();
    let archives = [digest]
        .iter()
        .chain(&sources.archives)
        .map(Digest::to_string)
        .collect::<Vec<_>>();
    terminal.line(
        "deploy now with these parameters; until then nothing is signed, and a no counts all the same:",
    )?;
    terminal.line(&format!("  {}={}", arguments.of.parameter(), all.join(",")))?;
    terminal.line(&format!("  KeyArchives={}", archives.join(",")))?;
    Ok(true)
}

/// Puts an old key's public half and what it had signed under lock: under which digest, and how many records.
async fn keep(stack: &Stack, window: Window, key: &str, public: String) -> anyhow::Result<(Digest, usize)> {
    let retired = retired(&stack.trail()?, window, key, SystemClock.now()).await?;
    let signed = retired.signed.len();
    let archive = KeyArchive {
        key: key.to_owned(),
        public,
        retired,
    };
    let bucket = PayloadBucket::new(&stack.aws, stack.output("PolicyBucketName")?);
    Ok((bucket.put(&serde_json::to_vec(&archive)?).await?, signed))
}

/// Makes a key with the same policy.
async fn another_like(kms: &aws_sdk_kms::Client, old: &str) -> anyhow::Result<String> {
    let policy = kms.get_key_policy().key_id(old).policy_name("default");
    let policy = policy.send().await.answered(|| "the policy of the one in use")?;
    let made = kms
        .create_key()
        .key_spec(KeySpec::EccNistP256)
        .key_usage(KeyUsageType::SignVerify)
        .set_policy(policy.policy)
        .send()
        .await
        .answered(|| "KMS")?;
    let arn = made.key_metadata.and_then(|key| key.arn);
    arn.context("KMS did not tell the key that it made")
}

/// What a key has signed: every record that names it and whose digest is its own.
async fn retired(trail: &dyn Trail, window: Window, key: &str, at: Timestamp) -> anyhow::Result<Retired> {
    let mut signed = Vec::new();
    let streams = walk::streams(trail, window)
        .await
        .context("not everything it signed is known")?;
    let streams = streams
        .into_iter()
        .filter(|stream| matches!(stream, StreamId::Proposal(_)));
    for stream in streams.chain([StreamId::Control]) {
        let records = trail
            .load(&stream)
            .await
            .context("not everything it signed is known")?;
        let by_it = records.into_iter().filter(|record| {
            record.schema != UNSIGNED_SCHEMA
                && record.digest == record.computed_digest()
                && record
                    .signature
                    .as_ref()
                    .is_some_and(|signature| signature.key == key)
        });
        signed.extend(by_it.map(|record| record.digest));
    }
    Ok(Retired { at, signed })
}

#[cfg(test)]
mod tests {
    use testkit::story::{Story, breaks, second};
    use testkit::{MemoryTrail, keys};

    use super::*;

    #[tokio::test]
    async fn what_a_key_had_signed_is_kept_and_nothing_else() {
        let trail = MemoryTrail::new();
        let story = Story::approved(breaks());
        story.write_to(&trail);
        let key = keys::sign(domain::trail::Authority::Decisions, &story.last().digest).key;
        let window = Window::hours_back(2, second(60));
        let kept = retired(&trail, window, &key, second(60)).await.unwrap();
        assert_eq!(kept.signed, [story.last().digest]);
        let of_others = retired(&trail, window, "key/operators", second(60))
            .await
            .unwrap();
        assert_eq!(of_others.signed, []);
    }
}
