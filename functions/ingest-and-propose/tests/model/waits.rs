//! How long is waited before a model is asked again.

use std::time::Duration;

use domain::ports::Clock;
use ingest_and_propose::model::anthropic::Anthropic;
use testkit::FrozenClock;
use wiremock::ResponseTemplate;

use crate::anthropic::good;
use crate::common::{Asked, ask, endpoint, first, serving};

/// Asks a model whose first reply is a 429 with this header.
async fn limited(header: &str, value: &str, within: Duration) -> Asked {
    let clock = FrozenClock::default();
    let limited = ResponseTemplate::new(429).insert_header(header, value);
    let server = serving(vec![limited, good()]).await;
    let model = Anthropic::new(endpoint(&server.uri(), &clock), "claude-sonnet-4-6");
    ask(&model, &first(), &clock, within).await
}

fn in_seconds(seconds: i64) -> String {
    let at = FrozenClock::default().now().as_millis() + seconds * 1000;
    let at = jiff::Timestamp::from_millisecond(at).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .unwrap()
}

#[tokio::test]
async fn the_reply_says_how_long() {
    for (header, value, waited_ms) in [
        ("retry-after-ms", "1234", 1234),
        ("retry-after-ms", "0.5", 1),
        ("retry-after", "7", 7_000),
        ("retry-after", "1.5", 1_500),
        ("retry-after", &in_seconds(9), 9_000),
    ] {
        let asked = limited(header, value, Duration::from_secs(60)).await;
        assert!(asked.outcome.is_ok(), "{value}: {:?}", asked.outcome);
        assert_eq!(asked.waited_ms, waited_ms, "{header}: {value}");
    }
}

#[tokio::test]
async fn or_it_is_half_a_second() {
    for (header, value) in [
        ("x-nothing", "1"),
        ("retry-after", "soon"),
        ("retry-after", "-1"),
        ("retry-after", "0"),
        ("retry-after", "NaN"),
        ("retry-after", &in_seconds(-9)),
        ("retry-after-ms", ""),
    ] {
        let asked = limited(header, value, Duration::from_secs(60)).await;
        assert!(asked.outcome.is_ok(), "{value}: {:?}", asked.outcome);
        assert!(
            (375..=500).contains(&asked.waited_ms),
            "{header}: {value}: {}",
            asked.waited_ms
        );
    }
}

#[tokio::test]
async fn a_wait_that_ends_too_late_is_not_begun() {
    for (header, value, within_s, wait_ms) in [
        // Longer than is left.
        ("retry-after", "30", 20, "30000"),
        ("retry-after", "20", 20, "20000"),
        ("retry-after-ms", "20001", 20, "20001"),
        ("retry-after", &in_seconds(25), 20, "25000"),
        // Longer than another model would take.
        ("retry-after", "61", 600, "61000"),
        ("retry-after", "1e300", 600, "18446744073709551615"),
    ] {
        let asked = limited(header, value, Duration::from_secs(within_s)).await;
        let problem = asked.outcome.unwrap_err().to_string();
        assert_eq!(
            problem,
            format!("answered 429; not tried again, as that would be in {wait_ms} ms")
        );
        assert_eq!(
            (asked.waited_ms, asked.transcript.attempts().len()),
            (0, 1),
            "{value}"
        );
    }
}
