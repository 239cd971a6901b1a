//! Keys that do not sign, or of which the public half is not known.

use adapters::KeysProblem;
use domain::ports::Unavailable;
use domain::value::Digest;

use super::sample::{arn, key};
use super::*;

#[test]
fn a_key_that_does_not_sign_is_told() {
    for (state, expected) in [
        (
            "Disabled",
            expect![[r#"
            missing  keys         DecisionKeyArns: arn:aws:kms:eu-central-1:123456789012:key/DecisionKeyArns is disabled: no approval is taken
                                    where it was rotated, deploy with what sre-agent keys rotate printed; else aws kms enable-key"#]],
        ),
        (
            "PendingDeletion",
            expect![[r#"
            missing  keys         DecisionKeyArns: arn:aws:kms:eu-central-1:123456789012:key/DecisionKeyArns will be deleted, and what it has signed cannot be checked then
                                    aws kms cancel-key-deletion, then aws kms enable-key"#]],
        ),
        (
            "Unavailable",
            expect![[r#"
            missing  keys         DecisionKeyArns: arn:aws:kms:eu-central-1:123456789012:key/DecisionKeyArns is Unavailable
                                    mend the key, or deploy with another one: sre-agent keys rotate makes it"#]],
        ),
    ] {
        with(
            |seen| seen.keys[0] = key("DecisionKeyArns", state),
            End::Missing,
            &expected,
        );
    }
    with(
        |seen| seen.keys[0].state = unseen(),
        End::Unseen,
        &expect![[r#"
        unknown  keys         DecisionKeyArns: how the key in use stands: AccessDenied
                                look again, or have somebody look who may"#]],
    );
    // Told once, although its public half is not known either.
    with(
        |seen| {
            seen.keys[1].state = Part::Seen(KeyState::NotThere("NotFoundException".to_owned()));
            seen.keyring = lacking(KeysProblem::Key {
                key: arn("OperatorKeyArns"),
                problem: "NotFoundException".to_owned(),
            });
        },
        End::Missing,
        &expect![[r#"
            missing  keys         OperatorKeyArns: KMS has no key arn:aws:kms:eu-central-1:123456789012:key/OperatorKeyArns: nothing is switched, and no policy is published: NotFoundException
                                    deploy with OperatorKeyArns as it was before, or with another key where KMS has deleted that one"#]],
    );
}

fn lacking(problem: KeysProblem) -> Option<Result<(), KeysProblem>> {
    Some(Err(problem))
}

#[test]
fn a_public_half_that_is_missing_is_told_apart_from_one_that_nobody_told() {
    with(
        |seen| seen.keyring = lacking(KeysProblem::Former("key/2".to_owned())),
        End::Missing,
        &expect![[r#"
            missing  keys         no archive knows the former key key/2: nothing that is signed can be checked
                                    deploy with KeyArchives as sre-agent keys rotate printed it; where that key was not rotated so, deploy with it in front again, and run sre-agent keys rotate"#]],
    );
    with(
        |seen| {
            seen.keyring = lacking(KeysProblem::Archive {
                digest: Digest::of(b"an archive"),
                problem: "nothing is stored under it".to_owned(),
            })
        },
        End::Missing,
        &expect![[r#"
            missing  keys         the archive 9e691d5adacf0e102f203100842ffaba4e2a7dfe3dbd536827d3c0db8c7e88f1 of a former key: nothing is stored under it: nothing that is signed can be checked
                                    copy payloads/9e691d5adacf0e102f203100842ffaba4e2a7dfe3dbd536827d3c0db8c7e88f1 from the policy bucket of before, as infra/docs/restore.md says, or deploy with KeyArchives as sre-agent keys rotate printed it"#]],
    );
    with(
        |seen| {
            seen.keyring = lacking(KeysProblem::Key {
                key: arn("DecisionKeyArns"),
                problem: "is no P-256 key".to_owned(),
            })
        },
        End::Missing,
        &expect![[r#"
            missing  keys         nothing that arn:aws:kms:eu-central-1:123456789012:key/DecisionKeyArns signed can be checked: is no P-256 key
                                    deploy with DecisionKeyArns as it was before, or with another key where KMS has deleted that one"#]],
    );
    with(
        |seen| seen.keyring = lacking(KeysProblem::Unavailable(Unavailable::new("KMS", "AccessDenied"))),
        End::Unseen,
        &expect![[r#"
            unknown  keys         whether every public key is known: KMS is unavailable: AccessDenied
                                    look again, or have somebody look who may"#]],
    );
}
