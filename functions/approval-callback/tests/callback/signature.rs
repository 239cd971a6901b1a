//! The signature: over the raw body, not too old, of the secret in force.

use serde_json::{Value, json};
use testkit::FixedCredential;
use testkit::sample::ALICE;
use testkit::slack;

use crate::door::{Door, SECRET, interaction};

/// Sends a genuine click after something was done to the request.
async fn after(door: &Door, tamper: impl FnOnce(&mut Value)) -> (u16, String) {
    let mut event = interaction(&door.signed(&door.payload(ALICE, "approve")));
    tamper(&mut event);
    let answer = door.send(&event).await;
    (answer.status, answer.body)
}

/// It is refused with these words, nothing is recorded and nobody is told.
async fn refused(door: &Door, words: &str, tamper: impl FnOnce(&mut Value)) {
    let (status, body) = after(door, tamper).await;
    assert_eq!(status, 401, "{body}");
    assert_eq!(body, json!({ "error": words }).to_string());
    assert!(door.since().is_empty());
    assert!(door.told().is_empty());
}

#[tokio::test]
async fn a_click_that_slack_signed_is_taken() {
    let door = Door::new();
    assert_eq!(after(&door, |_| {}).await, (200, String::new()));
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn so_is_one_whose_body_comes_in_base64() {
    let door = Door::new();
    let taken = after(&door, |event| {
        let body = event["body"].as_str().unwrap().as_bytes();
        event["body"] = json!(data_encoding::BASE64.encode(body));
        event["isBase64Encoded"] = json!(true);
    });
    assert_eq!(taken.await.0, 200);
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn base64_that_is_signed_as_text_is_not_the_body() {
    let door = Door::new();
    refused(&door, "the signature does not match", |event| {
        let body = event["body"].as_str().unwrap().as_bytes();
        event["body"] = json!(data_encoding::BASE64.encode(body));
    })
    .await;
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes_in_both_directions() {
    for (seconds, good) in [(-300, true), (-301, false), (300, true), (301, false)] {
        let door = Door::new();
        let signed = door.signed_at(&door.payload(ALICE, "approve"), 50 + seconds);
        let answer = door.send(&interaction(&signed)).await;
        let expected = if good { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{seconds} s: {answer:?}");
        assert_eq!(door.since().is_empty(), !good);
    }
}

#[tokio::test]
async fn a_signature_of_another_body_secret_or_time_is_forged() {
    let door = Door::new();
    let forged = "the signature does not match";
    refused(&door, forged, |event| {
        let body = event["body"].as_str().unwrap().replace("approve", "reject");
        event["body"] = json!(body);
    })
    .await;
    refused(&door, forged, |event| {
        event["body"] = json!(format!("{}&x=y", event["body"].as_str().unwrap()));
    })
    .await;
    refused(&door, forged, |event| {
        event["body"] = json!("");
    })
    .await;
    refused(&door, forged, |event| {
        let stamp: u64 = event["headers"]["x-slack-request-timestamp"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        event["headers"]["x-slack-request-timestamp"] = json!((stamp + 1).to_string());
    })
    .await;
    for secret in ["", "another", "sign-with-thi"] {
        let payload = door.payload(ALICE, "approve");
        let seconds = testkit::story::second(50).as_seconds();
        let signed = slack::sign(&payload, secret, u64::try_from(seconds).unwrap());
        refused(&door, forged, |event| *event = interaction(&signed)).await;
    }
}

#[tokio::test]
async fn a_request_without_a_proper_signature_is_unsigned() {
    let door = Door::new();
    let unsigned = "the request carries no Slack signature";
    for header in ["x-slack-request-timestamp", "x-slack-signature"] {
        refused(&door, unsigned, |event| {
            event["headers"].as_object_mut().unwrap().remove(header);
        })
        .await;
        for nonsense in [
            "",
            "v1=00",
            "v0=xyz",
            "0x10",
            "1795341650.5",
            "v0=0",
            "9999999999999999999999",
        ] {
            refused(&door, unsigned, |event| {
                event["headers"][header] = json!(nonsense)
            })
            .await;
        }
    }
    refused(&door, "the signature does not match", |event| {
        event["headers"]["x-slack-signature"] = json!("v0=");
    })
    .await;
    refused(&door, "the signature does not match", |event| {
        let whole = event["headers"]["x-slack-signature"].as_str().unwrap();
        event["headers"]["x-slack-signature"] = json!(whole[..whole.len() - 2]);
    })
    .await;
    let stamp = testkit::story::second(50).as_seconds();
    for other_form in [
        format!("+{stamp}"),
        format!("0{stamp}"),
        format!(" {stamp}"),
        format!("{stamp}.0"),
        format!("{stamp}0000"),
        // The same number in Arabic digits: what was signed is bytes.
        "١٧٩٥٣٤١٦٥٠".to_owned(),
        i64::MIN.to_string(),
        "0".to_owned(),
    ] {
        refused(&door, unsigned, |event| {
            event["headers"]["x-slack-request-timestamp"] = json!(other_form);
        })
        .await;
    }
    for far in ["1000000000", "9999999999"] {
        refused(
            &door,
            "the signature's timestamp is more than 300 s from now",
            |event| {
                event["headers"]["x-slack-request-timestamp"] = json!(far);
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_signature_is_of_its_own_timestamp_in_the_form_it_was_sent() {
    // Signed with the sign that the header carries: the signature holds, and the timestamp is none of Slack's.
    let door = Door::new();
    let stamp = format!("+{}", testkit::story::second(50).as_seconds());
    let body = slack::sign(&door.payload(ALICE, "approve"), SECRET, 0).body;
    let signature = slack::signature(&stamp, &body, SECRET);
    let signed = slack::Signed {
        body,
        timestamp: stamp,
        signature,
    };
    assert_eq!(door.send(&interaction(&signed)).await.status, 401);
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn an_empty_secret_signs_nothing() {
    let mut door = Door::new();
    door.secret = FixedCredential::new("");
    let payload = door.payload(ALICE, "approve");
    let seconds = testkit::story::second(50).as_seconds();
    let signed = slack::sign(&payload, "", u64::try_from(seconds).unwrap());
    refused(&door, "the signature does not match", |event| {
        *event = interaction(&signed)
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_read_again() {
    let mut door = Door::new();
    door.secret = FixedCredential::rotated("the old one", SECRET);
    assert_eq!(after(&door, |_| {}).await.0, 200);
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn after_a_rotation_the_old_secret_is_not_believed_for_want_of_the_new_one() {
    let mut door = Door::new();
    door.secret = FixedCredential::rotated("the old one", "a third one");
    refused(&door, "the signature does not match", |_| {}).await;
    // Slack shows the person that it did not work; nobody is told that the signature is wrong.
    door.secret.outages.next(1);
    let (status, body) = after(&door, |_| {}).await;
    assert_eq!(status, 503);
    assert_eq!(
        body,
        json!({ "error": "the signature cannot be checked now" }).to_string()
    );
    assert!(door.since().is_empty() && door.told().is_empty());
}
