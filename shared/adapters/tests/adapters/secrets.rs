use std::sync::Arc;
use std::time::Duration;

use adapters::{Secret, SecretOperators};
use domain::ports::{Credential, Operators};
use serde_json::json;
use testkit::{FrozenClock, Proxy, Trouble};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A Secrets Manager that gives these values one after the other, the last one for ever.
async fn holding(values: &[&str]) -> (MockServer, Proxy) {
    let server = MockServer::start().await;
    for (at, value) in values.iter().enumerate() {
        let reply = json!({"ARN": "arn:x", "Name": "x", "SecretString": value});
        let mock = Mock::given(wiremock::matchers::any())
            .respond_with(ResponseTemplate::new(200).set_body_json(reply));
        let last = at + 1 == values.len();
        mock.up_to_n_times(if last { u64::MAX } else { 1 })
            .mount(&server)
            .await;
    }
    let proxy = Proxy::to(&server.address().to_string()).await;
    (server, proxy)
}

#[tokio::test]
async fn a_secret_is_read_once_and_again_after_a_failed_check_at_most_once_a_minute() {
    let (_server, proxy) = holding(&["first\n", "second", "second", "third"]).await;
    let clock = FrozenClock::default();
    let secret = Secret::new(proxy.config(), "arn:x", Arc::new(clock.clone()));
    secret.preload().await.unwrap();
    clock.advance(Duration::from_secs(3600));
    assert_eq!(secret.value().await.unwrap().expose(), "first");
    assert_eq!(proxy.seen().len(), 1);

    assert_eq!(secret.refresh().await.unwrap().expose(), "second");
    clock.advance(Duration::from_secs(59));
    secret.refresh().await.unwrap();
    assert_eq!(proxy.seen().len(), 2);
    clock.advance(Duration::from_secs(1));
    secret.refresh().await.unwrap();
    assert_eq!(proxy.seen().len(), 3);
    assert_eq!(secret.value().await.unwrap().expose(), "second");

    // Whoever looks whether what was just set is good reads it now.
    assert_eq!(secret.read().await.unwrap().expose(), "third");
    assert_eq!(secret.value().await.unwrap().expose(), "third");
    assert_eq!(proxy.seen().len(), 4);
}

#[tokio::test]
async fn a_refused_value_is_replaced_by_what_somebody_else_has_read_meanwhile() {
    let (_server, proxy) = holding(&["first", "second"]).await;
    let clock = FrozenClock::default();
    let secret = Secret::new(proxy.config(), "arn:x", Arc::new(clock.clone()));
    assert_eq!(secret.current().await.unwrap(), "first");
    // A look at what the function reaches reads it, and whoever still has the first is refused.
    secret.read().await.unwrap();
    assert_eq!(secret.reread("first").await.unwrap(), Some("second".to_owned()));
    assert_eq!(proxy.seen().len(), 2);
    assert_eq!(secret.reread("second").await.unwrap(), None);
    assert_eq!(proxy.seen().len(), 2, "it was read within a minute");
    clock.advance(Duration::from_secs(60));
    assert_eq!(secret.reread("second").await.unwrap(), None);
    assert_eq!(proxy.seen().len(), 3);
}

#[tokio::test]
async fn a_secret_shows_itself_to_nobody() {
    let (_server, proxy) = holding(&["hunter2"]).await;
    let secret = Secret::new(proxy.config(), "arn:x", Arc::new(FrozenClock::default()));
    let value = secret.value().await.unwrap();
    assert_eq!(format!("{value} {value:?} {secret:?}").find("hunter2"), None);
}

#[tokio::test]
async fn an_empty_secret_is_none() {
    let (_server, proxy) = holding(&[" \n"]).await;
    let secret = Secret::new(proxy.config(), "arn:x", Arc::new(FrozenClock::default()));
    assert!(secret.preload().await.is_err());
}

#[tokio::test]
async fn a_stale_directory_decides_nothing() {
    let one = r#"{"operators":[{"id":"a","name":"A","active":true,"slack":[{"team":"T1","user":"U1"}]}]}"#;
    let (_server, proxy) = holding(&[one, r#"{"operators":[]}"#]).await;
    let clock = FrozenClock::default();
    let operators = SecretOperators::new(Secret::new(proxy.config(), "arn:x", Arc::new(clock.clone())));
    let known = async || {
        operators
            .directory()
            .await
            .map(|found| found.by_slack("T1", "U1").is_some())
    };
    assert!(known().await.unwrap());
    clock.advance(Duration::from_secs(59));
    assert!(known().await.unwrap(), "within a minute nothing is read");
    clock.advance(Duration::from_secs(1));
    proxy.next(usize::MAX, Trouble::CutRequest);
    assert!(
        known().await.is_err(),
        "it may have been removed, and that cannot be asked"
    );
    proxy.end();
    assert!(!known().await.unwrap());
}

#[tokio::test]
async fn a_secret_that_is_no_directory_is_an_error() {
    let (_server, proxy) = holding(&["qpwoeiruty"]).await;
    let operators = SecretOperators::new(Secret::new(
        proxy.config(),
        "arn:x",
        Arc::new(FrozenClock::default()),
    ));
    let err = operators.directory().await.unwrap_err().to_string();
    assert_eq!(err.find("qpwoeiruty"), None, "{err}");
}
