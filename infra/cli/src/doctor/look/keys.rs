//! How the keys stand that sign, and whether each public half is known.

use adapters::{KeyFile, KeySources, KeysProblem, PublicKeys, aws};
use anyhow::Context as _;
use domain::ports::Unavailable;

use super::super::seen::{Key, KeyState};
use crate::end::Answered as _;
use crate::stack::Stack;

/// The keys in use.
///
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>
pub(super) async fn in_use(stack: &Stack, sources: &KeySources) -> Vec<Key> {
    let kms = aws_sdk_kms::Client::new(&stack.aws);
    let mut keys = Vec::new();
    for (parameter, arns) in [
        ("DecisionKeyArns", &sources.decisions),
        ("OperatorKeyArns", &sources.operators),
    ] {
        let arn = arns.first().cloned().unwrap_or_default();
        let state = state(&kms, &arn).await.into();
        keys.push(Key {
            parameter,
            arn,
            state,
        });
    }
    keys
}

async fn state(kms: &aws_sdk_kms::Client, arn: &str) -> anyhow::Result<KeyState> {
    let described = match kms.describe_key().key_id(arn).send().await {
        Err(err)
            if err
                .as_service_error()
                .is_some_and(|said| said.is_not_found_exception() || said.is_invalid_arn_exception()) =>
        {
            return Ok(KeyState::NotThere(aws::told(&err)));
        }
        described => described.answered(|| "it cannot be described")?,
    };
    let metadata = described.key_metadata.context("KMS does not tell of it")?;
    let state = metadata.key_state.context("KMS does not tell its state")?;
    Ok(KeyState::Is(state.as_str().to_owned()))
}

/// That every public key is known, those of former keys too.
pub(super) async fn known(stack: &Stack, sources: KeySources) -> Result<(), KeysProblem> {
    let file = PublicKeys::new(&stack.aws, sources).found().await?;
    for known in file.keys {
        let key = known.key.clone();
        let alone = KeyFile {
            stack: file.stack.clone(),
            keys: vec![known],
        };
        let is_none = |Unavailable { problem, .. }| KeysProblem::Key { key, problem };
        alone.keyring().map_err(is_none)?;
    }
    Ok(())
}
