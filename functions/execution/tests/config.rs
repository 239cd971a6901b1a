//! The configuration: what is missing or wrong is named.

use execution::config::Config;
use runtime::env::Env;

const COMPLETE: [(&str, &str); 13] = [
    ("TRAIL_TABLE", "sre_actions"),
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

/// The configuration with one variable at another value.
fn with(name: &str, value: &str) -> Result<Config, String> {
    let lookup = |asked: &str| match asked == name {
        true => Some(value.to_owned()),
        false => COMPLETE
            .iter()
            .find(|(known, _)| *known == asked)
            .map(|(_, value)| (*value).to_owned()),
    };
    Config::from(&Env::new(&lookup)).map_err(|err| err.to_string())
}

#[test]
fn what_is_missing_in_the_environment_is_named() {
    assert!(with("", "").is_ok());
    for (name, _) in COMPLETE {
        let problem = with(name, "").unwrap_err();
        assert_eq!(problem, format!("environment variable {name} is not set"));
    }
}

#[test]
fn what_is_wrong_in_the_environment_is_named() {
    for (name, wrong) in [
        ("VERIFY_AFTER_S", "601"),
        ("VERIFY_AFTER_S", "soon"),
        ("EXECUTION_TIMEOUT_S", "0"),
        ("EXECUTION_TIMEOUT_S", "901"),
    ] {
        let problem = with(name, wrong).unwrap_err();
        assert!(
            problem.starts_with(&format!("environment variable {name} ")),
            "{problem}"
        );
    }
}
