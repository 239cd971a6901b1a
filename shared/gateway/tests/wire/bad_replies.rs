//! Whatever comes back, and when nothing does: an error that says what, in bounded time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::inventory::Target;
use domain::ports::Gateway;
use gateway::AdminApi;
use testkit::FixedCredential;
use testkit::blunt::{End, answering};
use wiremock::matchers::{any, header};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "a-secret-token";

/// What both sorts of read say of the gateway at a URL.
async fn told(url: &str) -> [String; 2] {
    let api = AdminApi::new(url, TOKEN).unwrap();
    let target = Target::parse("provider", "openai").unwrap();
    let begun = Instant::now();
    let (inventory, read) = tokio::join!(api.inventory(), api.read(&target));
    assert!(begun.elapsed() < Duration::from_secs(15), "a request has 2 s");
    let told = [inventory.unwrap_err().to_string(), read.unwrap_err().to_string()];
    for text in &told {
        assert!(!text.contains(TOKEN) && !text.contains("http"), "{text}");
        assert!(text.len() < 400, "{text}");
    }
    told
}

async fn mock(reply: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(reply).mount(&server).await;
    server
}

#[tokio::test]
async fn any_status_but_200_is_no_reading() {
    let body = r#"{"blocked":true}"#;
    for (status, problem) in [
        (201, "answered 201: {\"blocked\":true}"),
        (
            403,
            "answered 403: the token of the secret gateway-read may not do this",
        ),
        (409, "answered 409: "),
        (429, "answered 429: "),
        (500, "answered 500: "),
    ] {
        let server = mock(ResponseTemplate::new(status).set_body_string(body)).await;
        for text in told(&server.uri()).await {
            let expected = format!("the gateway is unavailable: {problem}");
            assert!(text.starts_with(&expected), "{text}");
        }
    }
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_away() {
    let elsewhere = mock(ResponseTemplate::new(200)).await;
    let there = format!("{}/admin/v1/inventory", elsewhere.uri());
    let server = mock(ResponseTemplate::new(307).insert_header("location", there)).await;
    for text in told(&server.uri()).await {
        assert!(
            text.ends_with("answered 307, a redirect, which is not followed"),
            "{text}"
        );
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_reply_that_echoes_the_token_is_not_repeated() {
    let server = mock(ResponseTemplate::new(500).set_body_string(format!("Bearer {TOKEN}"))).await;
    for text in told(&server.uri()).await {
        assert!(text.ends_with("answered 500: Bearer …"), "{text}");
    }
}

#[tokio::test]
async fn a_reply_that_is_not_the_one_asked_for_names_the_field() {
    let server = mock(ResponseTemplate::new(200).set_body_string(r#"{"blocked":"no"}"#)).await;
    let [inventory, read] = told(&server.uri()).await;
    assert!(
        inventory.contains("its inventory is bad: .: missing field `read_at`"),
        "{inventory}"
    );
    assert!(
        read.contains("its reply about provider openai is bad: blocked: invalid type"),
        "{read}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_reading() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"blocked\"";
    for (bytes, end) in [
        ("", End::Close),
        ("", End::Reset),
        (half, End::Close),
        (half, End::Reset),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            End::Close,
        ),
        ("SSH-2.0-OpenSSH_9.6\r\n", End::Close),
    ] {
        for text in told(&answering(bytes, end).await).await {
            assert!(
                text.contains("unavailable: no whole reply: "),
                "{bytes:?} {end:?}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_listen_is_told_from_one_that_is_slow() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for text in told(&nobody).await {
        assert!(text.contains("unavailable: no connection: "), "{text}");
    }
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 16\r\n\r\n{\"blocked\"";
    for bytes in ["", half] {
        for text in told(&answering(bytes, End::Hang).await).await {
            assert!(text.ends_with("no whole reply within 2000 ms"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_reply_without_end_is_left() {
    let mut reply = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    reply.resize(reply.len() + gateway::BOUNDS.reply_bytes + 1, b' ');
    for text in told(&answering(reply, End::Close).await).await {
        assert!(text.ends_with("the reply is longer than 8388608 bytes"), "{text}");
    }
}

#[tokio::test]
async fn a_token_that_was_rotated_is_read_again_and_its_read_repeated() {
    let target = Target::parse("provider", "openai").unwrap();
    let unknown = mock(ResponseTemplate::new(401)).await;
    let known = Mock::given(header("authorization", "Bearer the-new-one"))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"id":"openai","breaker":"open"}"#))
        .with_priority(1);
    known.mount(&unknown).await;
    let api = |credential: FixedCredential| {
        AdminApi::new(&unknown.uri(), TOKEN)
            .unwrap()
            .renewed_by(Arc::new(credential))
    };
    let rotated = api(FixedCredential::rotated(TOKEN, "the-new-one"));
    for _ in 0..2 {
        let problem = rotated.read(&target).await.unwrap_err().to_string();
        assert!(
            problem.contains("its reply about provider openai is bad"),
            "{problem}"
        );
    }
    // The old one was sent once.
    let sent = unknown.received_requests().await.unwrap();
    assert_eq!(sent.len(), 3);

    let unreadable = FixedCredential::rotated(TOKEN, "the-new-one");
    unreadable.outages.next(1);
    for credential in [FixedCredential::new(TOKEN), unreadable] {
        let problem = api(credential).read(&target).await.unwrap_err().to_string();
        assert!(
            problem.contains("answered 401") && !problem.contains(TOKEN),
            "{problem}"
        );
    }
}
