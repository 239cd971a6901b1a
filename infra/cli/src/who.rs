//! Who runs a command that changes something, as AWS knows them.

use adapters::SdkConfig;
use anyhow::Context;
use domain::trail::Actor;
use domain::value::{BadId, Digest, OperatorId};

use crate::end::Answered as _;

/// Where decisions of this command line are made.
const CHANNEL: &str = "cli";

/// The longest identity that is an id as it is, bytes. It stays as it is, whatever names are taken from elsewhere: another
/// would make other operators of the same people.
const MAX_ID_BYTES: usize = 128;

/// Characters of the digest that a long identity ends with.
const DIGEST_CHARS: usize = 16;

/// Asks STS who the caller is, for the record of what they change.
pub(crate) async fn asks(aws: &SdkConfig) -> anyhow::Result<Actor> {
    let arn = arn(aws).await;
    let arn = arn.context("AWS STS did not tell who you are, so nothing was changed")?;
    actor(&arn).with_context(|| format!("your identity {arn:?} cannot be recorded, so nothing was changed"))
}

/// Asks STS for the caller's ARN. That needs no permission.
///
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
pub(crate) async fn arn(aws: &SdkConfig) -> anyhow::Result<String> {
    let reply = aws_sdk_sts::Client::new(aws).get_caller_identity().send().await;
    let reply = reply.answered(|| "AWS STS")?;
    reply.arn.context("AWS STS knows no ARN of yours")
}

/// The actor of a record, from an ARN. Its id is the account and the resource, its name what the session or the user is
/// called.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>
fn actor(arn: &str) -> Result<Actor, BadId> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let (identity, resource) = match parts.as_slice() {
        ["arn", _, _, _, account, resource] => (format!("{account}:{resource}"), *resource),
        _ => (arn.to_owned(), arn),
    };
    Ok(Actor::Operator {
        id: OperatorId::new(&shortened(identity))?,
        name: resource.rsplit('/').next().unwrap_or(resource).to_owned(),
        channel: CHANNEL.to_owned(),
    })
}

/// The identity itself where it is short enough for an id; else its beginning and its digest, so that it stays unique.
fn shortened(identity: String) -> String {
    if identity.len() <= MAX_ID_BYTES {
        return identity;
    }
    let digest = Digest::of(identity.as_bytes()).to_string();
    let kept = identity.floor_char_boundary(MAX_ID_BYTES - DIGEST_CHARS - 1);
    format!("{}~{}", &identity[..kept], &digest[..DIGEST_CHARS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(arn: &str) -> (String, String) {
        match actor(arn).unwrap() {
            Actor::Operator { id, name, channel } => {
                assert_eq!(channel, "cli");
                (id.to_string(), name)
            }
            other => panic!("{other:?} is no operator"),
        }
    }

    #[test]
    fn every_sort_of_identity_has_an_id_and_a_name() {
        for (arn, id, name) in [
            (
                "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ada@example.com",
                "123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ada@example.com",
                "ada@example.com",
            ),
            (
                "arn:aws-cn:iam::123456789012:user/sre/bob",
                "123456789012:user/sre/bob",
                "bob",
            ),
            ("arn:aws:iam::000000000000:root", "000000000000:root", "root"),
            ("something new", "something new", "something new"),
        ] {
            assert_eq!(known(arn), (id.to_owned(), name.to_owned()));
        }
        assert!(actor("").is_err());
    }

    #[test]
    fn two_long_identities_are_two_operators() {
        let long = |session: &str| {
            format!(
                "arn:aws:sts::123456789012:assumed-role/{}/{session}",
                "r".repeat(120)
            )
        };
        let (ada, name) = known(&long("ada"));
        let (eve, _) = known(&long("eve"));
        assert_eq!((ada.len(), name.as_str()), (MAX_ID_BYTES, "ada"));
        assert_ne!(ada, eve);
        let (zoe, _) = known(&format!("arn:aws:iam::1:user/{}", "ë".repeat(200)));
        assert!(zoe.len() <= MAX_ID_BYTES, "cut between two characters");
    }
}
