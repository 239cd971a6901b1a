//! KMS, as it is asked and as it answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::{KeySources, KmsSigner, LocalKey, PublicKeys, SIGN_MS};
use data_encoding::BASE64;
use domain::ports::Signer as _;
use domain::trail::{Actor, Authority, Control, Doubt, Entry, Record, StreamId, Verifier, signed_text};
use domain::value::WriterId;
use serde_json::{Value, json};
use testkit::{Proxy, sample};
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::services::{answering, bodies};

const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/d";

fn record() -> Record {
    let fact = Control::default().pause("a test", sample::now()).unwrap();
    let entry = Entry::first(StreamId::Control, sample::now(), Actor::System, &fact, None);
    entry.seal(WriterId::new("w").unwrap())
}

fn sources() -> KeySources {
    KeySources {
        stack: "sre-agent".to_owned(),
        decisions: vec![KEY.to_owned()],
        operators: vec!["arn:o".to_owned()],
        archives: Vec::new(),
        bucket: "policies".to_owned(),
    }
}

/// A KMS with one key, which answers for whatever key it is asked for.
async fn kms(key: Arc<LocalKey>) -> (MockServer, Proxy) {
    let server = MockServer::start().await;
    let (signs, tells) = (Arc::clone(&key), key);
    Mock::given(header("x-amz-target", "TrentService.Sign"))
        .respond_with(move |_: &Request| {
            let signature = signs.sign_now(&record().digest).unwrap();
            ResponseTemplate::new(200).set_body_json(json!({"KeyId": KEY, "Signature": signature.value,
                                                            "SigningAlgorithm": "ECDSA_SHA_256"}))
        })
        .mount(&server)
        .await;
    Mock::given(header("x-amz-target", "TrentService.GetPublicKey"))
        .respond_with(move |_: &Request| {
            let der = BASE64.encode(&tells.der());
            ResponseTemplate::new(200)
                .set_body_json(json!({"KeyId": KEY, "PublicKey": der, "KeyUsage": "SIGN_VERIFY"}))
        })
        .mount(&server)
        .await;
    let proxy = Proxy::to(&server.address().to_string()).await;
    (server, proxy)
}

#[tokio::test]
async fn what_kms_signs_is_good_under_the_key_that_kms_tells() {
    let key = Arc::new(LocalKey::generate(Authority::Decisions, KEY, "sre-agent").unwrap());
    let (server, proxy) = kms(key).await;
    // With patience: the machine may be busy, and its bound is tried below.
    let signer = KmsSigner::new(proxy.config(), Authority::Decisions, KEY, "sre-agent").within(
        proxy.config(),
        Duration::from_secs(60),
        "KMS",
    );
    let record = record();
    let signature = signer.sign(Authority::Decisions, &record.digest).await.unwrap();
    let keys = PublicKeys::new(proxy.config(), sources());
    assert!(
        matches!(
            keys.verify(Authority::Decisions, &record, &signature),
            Err(Doubt::Unknown(_))
        ),
        "before they were asked for"
    );
    keys.ready().await;
    assert_eq!(keys.verify(Authority::Decisions, &record, &signature), Ok(()));
    assert!(matches!(
        keys.verify(Authority::Operators, &record, &signature),
        Err(Doubt::Forged(_))
    ));
    let asked: Value = bodies(&server).await.swap_remove(0);
    let text = BASE64.encode(&signed_text("sre-agent", KEY, &record.digest));
    assert_eq!(
        asked,
        json!({"KeyId": KEY, "Message": text, "MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"})
    );
    assert!(signer.sign(Authority::Operators, &record.digest).await.is_err());
}

#[tokio::test]
async fn signing_is_tried_once_and_within_its_bound() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    for reply in [
        slow,
        ResponseTemplate::new(503),
        ResponseTemplate::new(200).set_body_json(json!({})),
    ] {
        let (server, proxy) = answering(reply).await;
        let signer = KmsSigner::new(proxy.config(), Authority::Decisions, KEY, "sre-agent");
        let began = Instant::now();
        let refused = signer.sign(Authority::Decisions, &record().digest).await;
        assert!(refused.is_err());
        // The machine may be busy; thirty seconds it would be without the bound.
        assert!(began.elapsed() < Duration::from_millis(SIGN_MS) + Duration::from_secs(10));
        assert!(server.received_requests().await.unwrap().len() <= 1);
    }
}

#[tokio::test]
async fn keys_that_kms_does_not_tell_are_not_known_and_nothing_is_forged_for_it() {
    let denied = ResponseTemplate::new(400).set_body_json(json!({"__type": "AccessDeniedException"}));
    let (_server, proxy) = answering(denied).await;
    let keys = PublicKeys::new(proxy.config(), sources());
    keys.ready().await;
    let key = LocalKey::generate(Authority::Decisions, KEY, "sre-agent").unwrap();
    let signature = key.sign_now(&record().digest).unwrap();
    let doubt = keys
        .verify(Authority::Decisions, &record(), &signature)
        .unwrap_err();
    assert!(
        matches!(&doubt, Doubt::Unknown(because) if because.contains("KMS")),
        "{doubt:?}"
    );
}

#[tokio::test]
async fn a_former_key_of_which_nothing_is_archived_makes_none_known() {
    let key = Arc::new(LocalKey::generate(Authority::Decisions, KEY, "sre-agent").unwrap());
    let (_server, proxy) = kms(Arc::clone(&key)).await;
    let mut sources = sources();
    sources.decisions.push("arn:former".to_owned());
    let keys = PublicKeys::new(proxy.config(), sources);
    keys.ready().await;
    let signature = key.sign_now(&record().digest).unwrap();
    let doubt = keys
        .verify(Authority::Decisions, &record(), &signature)
        .unwrap_err();
    assert!(
        matches!(&doubt, Doubt::Unknown(because) if because.contains("does not know the former key arn:former")),
        "{doubt:?}"
    );
}
