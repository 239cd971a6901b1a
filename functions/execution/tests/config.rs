//! The configuration: what is missing or wrong is named.

use execution::config::Config;
use runtime::env::{BadVariable, Env};
use testkit::environment;

const COMPLETE: environment::Table<'static> = &[
    ("TRAIL_TABLE", "sre_actions"),
    ("STACK_NAME", "sre-agent"),
    ("DECISION_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/d"),
    ("OPERATOR_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/o"),
    ("KEY_BUCKET", "policies"),
    (
        "OPERATORS_SECRET",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:operators",
    ),
    ("LICENSE_TIER", "enterprise"),
    ("GATEWAY_URL", "https://gateway"),
    ("GATEWAY_WRITE_SECRET", "arn:write"),
    ("PAGERDUTY_URL", "https://events.pagerduty.com"),
    ("PAGERDUTY_SECRET", "arn:pagerduty"),
    ("EXECUTION_QUEUE_URL", "q1"),
    ("EXECUTION_DLQ_URL", "d1"),
    ("RESTORE_QUEUE_URL", "q2"),
    ("RESTORE_DLQ_URL", "d2"),
    ("VERIFY_QUEUE_URL", "q3"),
    ("VERIFY_DLQ_URL", "d3"),
    ("VERIFY_AFTER_S", "120"),
    ("EXECUTION_TIMEOUT_S", "60"),
];

fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, BadVariable> {
    Config::from(&Env::new(lookup))
}

#[test]
fn a_complete_environment_is_taken() {
    let config = read(&environment::complete(COMPLETE)).unwrap();
    assert_eq!((config.verify_after_s, config.timeout_s), (120, 60));
}

#[test]
fn what_is_missing_or_wrong_in_the_environment_is_named() {
    environment::names_what_is_missing(COMPLETE, &[], read);
    let wrong = [
        ("VERIFY_AFTER_S", "601"),
        ("VERIFY_AFTER_S", "soon"),
        ("EXECUTION_TIMEOUT_S", "0"),
        ("EXECUTION_TIMEOUT_S", "901"),
    ];
    environment::names_what_is_wrong(COMPLETE, &wrong, read);
}
