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
    ("POLICY_BUCKET", "policies"),
    (
        "OPERATORS_SECRET",
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:operators",
    ),
    ("SRE_RISK_THRESHOLD", "40"),
    ("SRE_AUTO_APPROVE", "false"),
    ("LICENSE_TIER", "enterprise"),
    ("APPROVAL_DEADLINE_S", "1800"),
    ("APPROVAL_VALID_S", "900"),
    ("APPROVAL_VETO_S", "0"),
    ("CORRELATION_WINDOW_S", "900"),
    ("MAX_BUDGET_CAP", "10000.00"),
    ("MAX_RPM", "10000"),
    ("MAX_TPM", "10000000"),
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
        ("GATEWAY_URL", "http://gateway"),
        ("PAGERDUTY_URL", "http://events.pagerduty.com"),
        ("VERIFY_AFTER_S", "601"),
        ("VERIFY_AFTER_S", "soon"),
        ("EXECUTION_TIMEOUT_S", "0"),
        ("EXECUTION_TIMEOUT_S", "901"),
    ];
    environment::names_what_is_wrong(COMPLETE, &wrong, read);
}
