//! Faults of the keys: none, switched off, rotated without what is known of the former one.

use adapters::{KeyArchive, Retired};
use data_encoding::BASE64;
use domain::trail::Authority;
use domain::value::Digest;
use expect_test::expect;
use serde_json::json;
use testkit::keys;
use testkit::story::second;

use super::Faults;
use super::aws::{Answer, Aws};

#[tokio::test]
async fn keys_that_are_missing_switched_off_or_rotated() {
    const NO_ARCHIVE: &[u8] = b"no archive";
    const DESCRIBE: &str = "TrentService.DescribeKey key/decisions";
    const PUBLIC: &str = "TrentService.GetPublicKey key/decisions";
    let faults = Faults::begin().await;
    for (state, expected) in [
        (
            "Disabled",
            expect![[r#"
            missing  keys         OperatorKeyArns: key/operators is disabled: nothing is switched, and no policy is published
                                    where it was rotated, deploy with what sre-agent keys rotate printed; else aws kms enable-key
            not ready: 1 thing missing"#]],
        ),
        (
            "PendingDeletion",
            expect![[r#"
            missing  keys         OperatorKeyArns: key/operators will be deleted, and what it has signed cannot be checked then
                                    aws kms cancel-key-deletion, then aws kms enable-key
            not ready: 1 thing missing"#]],
        ),
        (
            "Unavailable",
            expect![[r#"
            missing  keys         OperatorKeyArns: key/operators is Unavailable
                                    mend the key, or deploy with another one: sre-agent keys rotate makes it
            not ready: 1 thing missing"#]],
        ),
    ] {
        faults
            .with(|aws| aws.key_is("key/operators", state), 1, expected)
            .await;
    }
    let none = |code: &'static str| {
        move |aws: &mut Aws| {
            aws.refuse(DESCRIBE, code);
            aws.refuse(PUBLIC, code);
        }
    };
    faults.with(none("NotFoundException"), 1, expect![[r#"
        missing  keys         DecisionKeyArns: KMS has no key key/decisions: no approval is taken: NotFoundException: not for you: TrentService.DescribeKey key/decisions
                                deploy with DecisionKeyArns as it was before, or with another key where KMS has deleted that one
        not ready: 1 thing missing"#]]).await;
    faults.with(none("AccessDeniedException"), 4, expect![[r#"
        unknown  keys         DecisionKeyArns: how the key in use stands: it cannot be described: these credentials may not do that (AccessDeniedException: not for you: TrentService.DescribeKey key/decisions)
                                look again, or have somebody look who may
        unknown  keys         whether every public key is known: KMS is unavailable: these credentials may not do that (AccessDeniedException: not for you: TrentService.GetPublicKey key/decisions)
                                look again, or have somebody look who may
        error: 2 things not looked at, and nothing else is missing"#]]).await;
    faults
        .with(
            |aws| aws.refuse(PUBLIC, "UnsupportedOperationException"),
            1,
            expect![[r#"
                missing  keys         nothing that key/decisions signed can be checked: UnsupportedOperationException: not for you: TrentService.GetPublicKey key/decisions
                                        deploy with DecisionKeyArns as it was before, or with another key where KMS has deleted that one
                not ready: 1 thing missing"#]],
        )
        .await;
    let no_key = json!({ "KeyId": "key/decisions", "PublicKey": BASE64.encode(b"no key") });
    faults
        .with(|aws| aws.answer(PUBLIC, Answer::Json(no_key)), 1, expect![[r#"
            missing  keys         nothing that key/decisions signed can be checked: key/decisions is not a P-256 key
                                    deploy with DecisionKeyArns as it was before, or with another key where KMS has deleted that one
            not ready: 1 thing missing"#]])
        .await;

    let rotated = |aws: &mut Aws| {
        let archive = KeyArchive {
            key: "key/old".to_owned(),
            public: BASE64.encode(&keys::der(Authority::Decisions)),
            retired: Retired {
                at: second(0),
                signed: Vec::new(),
            },
        };
        let digest = aws.stored(&serde_json::to_vec(&archive).unwrap());
        aws.output("DecisionKeys", "key/decisions,key/old");
        aws.parameter("KeyArchives", &digest.to_string());
    };
    let lost = |aws: &mut Aws, answer: Answer| {
        rotated(aws);
        let digest = Digest::of(NO_ARCHIVE);
        aws.parameter("KeyArchives", &digest.to_string());
        aws.answer(&format!("GET /policies/payloads/{digest}"), answer);
    };
    faults
        .with(rotated, 0, expect!["ready: nothing is missing"])
        .await;
    faults
        .with(
            |aws| {
                rotated(aws);
                aws.parameter("KeyArchives", "");
            },
            1,
            expect![[r#"
                missing  keys         no archive knows the former key key/old: nothing that is signed can be checked
                                        deploy with KeyArchives as sre-agent keys rotate printed it; where that key was not rotated so, deploy with it in front again, and run sre-agent keys rotate
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| {
                lost(aws, Answer::Refused("NoSuchKey"));
            },
            1,
            expect![[r#"
                missing  keys         the archive 7275b9d1e6c0314c52bfca6c77534b8eaa3a8454a5c74b20e3e5f983e32c6877 of a former key: nothing is stored under it: nothing that is signed can be checked
                                        copy payloads/7275b9d1e6c0314c52bfca6c77534b8eaa3a8454a5c74b20e3e5f983e32c6877 from the policy bucket of before, as infra/docs/restore.md says, or deploy with KeyArchives as sre-agent keys rotate printed it
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| lost(aws, Answer::Bytes(NO_ARCHIVE.to_vec())),
            1,
            expect![[r#"
                missing  keys         the archive 7275b9d1e6c0314c52bfca6c77534b8eaa3a8454a5c74b20e3e5f983e32c6877 of a former key: expected ident at line 1 column 2: nothing that is signed can be checked
                                        copy payloads/7275b9d1e6c0314c52bfca6c77534b8eaa3a8454a5c74b20e3e5f983e32c6877 from the policy bucket of before, as infra/docs/restore.md says, or deploy with KeyArchives as sre-agent keys rotate printed it
                not ready: 1 thing missing"#]],
        )
        .await;
    faults
        .with(
            |aws| {
                lost(aws, Answer::Refused("AccessDenied"));
            },
            4,
            expect![[r#"
                unknown  keys         whether every public key is known: the payload bucket is unavailable: these credentials may not do that (AccessDenied: not for you: GET /policies/payloads/7275b9d1e6c0314c52bfca6c77534b8eaa3a8454a5c74b20e3e5f983e32c6877)
                                        look again, or have somebody look who may
                error: 1 thing not looked at, and nothing else is missing"#]],
        )
        .await;
}
