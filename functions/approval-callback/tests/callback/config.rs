//! The configuration: what is missing or wrong is named.

use approval_callback::config::{Config, DoorConfig, PublicConfig};
use runtime::env::{BadVariable, Env};
use testkit::environment;

const COMPLETE: environment::Table<'static> = &[
    ("DOOR", "public"),
    ("TRAIL_TABLE", "sre_actions"),
    ("STACK_NAME", "sre-agent"),
    ("DECISION_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/d"),
    ("OPERATOR_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/o"),
    ("KEY_BUCKET", "policies"),
    ("SLACK_SIGNING_SECRET", "arn:signing"),
    ("SLACK_BOT_SECRET", "arn:bot"),
    ("LINK_SECRET", "arn:link"),
    ("SLACK_API_URL", "https://slack.com"),
    ("OPERATORS_SECRET", "arn:operators"),
    ("SLACK_APP_ID", "A1"),
    ("SLACK_TEAM_IDS", "T1, T2"),
    ("SLACK_RESPONSE_ORIGIN", "https://hooks.slack.com"),
    ("SRE_RISK_THRESHOLD", "40"),
    ("SRE_AUTO_APPROVE", "false"),
    ("LICENSE_TIER", "enterprise"),
    ("APPROVAL_DEADLINE_S", "1800"),
    ("APPROVAL_VALID_S", "900"),
    ("APPROVAL_VETO_S", "0"),
    ("CORRELATION_WINDOW_S", "900"),
    ("POLICY_BUCKET", "policies"),
    ("MAX_BUDGET_CAP", "10000.00"),
    ("MAX_RPM", "10000"),
    ("MAX_TPM", "10000000"),
];

/// What the other door needs.
const COMMANDS: environment::Table<'static> = &[
    ("DOOR", "iam"),
    ("TRAIL_TABLE", "sre_actions"),
    ("STACK_NAME", "sre-agent"),
    ("DECISION_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/d"),
    ("OPERATOR_KEYS", "arn:aws:kms:eu-central-1:123456789012:key/o"),
    ("KEY_BUCKET", "policies"),
    ("OPERATORS_SECRET", "arn:operators"),
    ("PROPOSALS_TABLE", "sre_proposals"),
    ("POLICY_BUCKET", "policies"),
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
];

fn public(config: Config) -> PublicConfig {
    match config.door {
        DoorConfig::Public(public) => public,
        DoorConfig::Commands { .. } => panic!("another door"),
    }
}

fn read(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Config, BadVariable> {
    Config::from(&Env::new(lookup))
}

#[test]
fn a_complete_environment_is_taken() {
    let config = read(&environment::complete(COMPLETE)).unwrap();
    assert_eq!(config.deployment, domain::value::Deployment::default());
    let config = public(config);
    assert_eq!(config.slack_app, "A1");
    assert_eq!(config.slack_teams, ["T1", "T2"]);
    let commands = read(&environment::complete(COMMANDS)).unwrap();
    assert!(
        matches!(commands.door, DoorConfig::Commands { proposals_table, emulated_caller: None } if proposals_table == "sre_proposals")
    );
}

#[test]
fn what_is_missing_or_wrong_in_the_environment_is_named() {
    environment::names_what_is_missing(COMPLETE, &["SLACK_APP_ID", "SLACK_TEAM_IDS"], read);
    environment::names_what_is_missing(COMMANDS, &[], read);
    let wrong = [
        ("DOOR", "both"),
        ("SRE_RISK_THRESHOLD", "-1"),
        ("SRE_AUTO_APPROVE", "TRUE"),
        ("APPROVAL_VALID_S", "fifteen"),
        ("MAX_BUDGET_CAP", "1e9"),
        ("SLACK_API_URL", "http://slack.com"),
        ("SLACK_RESPONSE_ORIGIN", "http://hooks.slack.com"),
    ];
    environment::names_what_is_wrong(COMPLETE, &wrong, read);
}

#[test]
fn without_an_app_or_workspaces_nobodys_clicks_are_taken() {
    let read = |name, value| public(read(&environment::with(COMPLETE, name, value)).unwrap());
    assert_eq!(read("SLACK_APP_ID", None).slack_app, "");
    assert!(read("SLACK_TEAM_IDS", Some(" , ")).slack_teams.is_empty());
}
