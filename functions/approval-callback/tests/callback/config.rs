//! The configuration: what is missing or wrong is named.

use approval_callback::config::Config;
use runtime::env::Env;

const COMPLETE: [(&str, &str); 14] = [
    ("TRAIL_TABLE", "sre_actions"),
    ("SLACK_SIGNING_SECRET", "arn:signing"),
    ("OPERATORS_SECRET", "arn:operators"),
    ("SLACK_APP_ID", "A1"),
    ("SLACK_TEAM_IDS", "T1, T2"),
    ("SLACK_RESPONSE_ORIGIN", "https://hooks.slack.com"),
    ("SRE_RISK_THRESHOLD", "40"),
    ("SRE_AUTO_APPROVE", "false"),
    ("LICENSE_TIER", "enterprise"),
    ("APPROVAL_DEADLINE_S", "1800"),
    ("APPROVAL_VALID_S", "900"),
    ("CORRELATION_WINDOW_S", "900"),
    ("POLICY_BUCKET", "policies"),
    ("MAX_BUDGET_CAP", "10000.00"),
];

/// The configuration with one variable at another value, or without it.
fn with(name: &str, value: Option<&str>) -> Result<Config, String> {
    let lookup = |asked: &str| match asked == name {
        true => value.map(str::to_owned),
        false => COMPLETE
            .iter()
            .find(|(known, _)| *known == asked)
            .map(|(_, value)| (*value).to_owned()),
    };
    Config::from(&Env::new(&lookup)).map_err(|err| err.to_string())
}

#[test]
fn a_complete_environment_is_taken() {
    let config = with("", None).unwrap();
    assert_eq!(config.slack_app, "A1");
    assert_eq!(config.slack_teams, ["T1", "T2"]);
    assert_eq!(config.deployment, domain::value::Deployment::default());
}

#[test]
fn what_is_missing_is_named() {
    let may_be_missing = ["SLACK_APP_ID", "SLACK_TEAM_IDS"];
    for (name, _) in COMPLETE {
        for absent in [None, Some("")] {
            match with(name, absent) {
                Ok(_) => assert!(may_be_missing.contains(&name), "{name} may be missing"),
                Err(problem) => assert_eq!(problem, format!("environment variable {name} is not set")),
            }
        }
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (name, wrong) in [
        ("SRE_RISK_THRESHOLD", "-1"),
        ("SRE_AUTO_APPROVE", "TRUE"),
        ("APPROVAL_VALID_S", "fifteen"),
        ("MAX_BUDGET_CAP", "1e9"),
    ] {
        let problem = with(name, Some(wrong)).unwrap_err();
        assert!(
            problem.starts_with(&format!("environment variable {name} ")),
            "{problem}"
        );
    }
}

#[test]
fn without_an_app_or_workspaces_nobodys_clicks_are_taken() {
    assert_eq!(with("SLACK_APP_ID", None).unwrap().slack_app, "");
    assert!(
        with("SLACK_TEAM_IDS", Some(" , "))
            .unwrap()
            .slack_teams
            .is_empty()
    );
}
