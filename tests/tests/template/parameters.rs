//! The parameters: those that the documents name, with their defaults, each used, and each value that the template
//! admits admitted by the functions as well.

use std::collections::BTreeSet;

use domain::action::ActionKind;
use notification::routes::Routes;
use runtime::env::Env;
use serde_json::{Value, json};

use super::code::{configure, functions, variables};
use super::tree::{Template, items, target, walk};
use super::{notices, passes};

/// What the documents promise: parameter and default. `None` is to be given.
const DOCUMENTED: [(&str, Option<&str>); 44] = [
    ("SreRiskThreshold", Some("40")),
    ("SreAutoApprove", Some("false")),
    ("LicenseTier", Some("enterprise")),
    ("AgentEnabled", Some("true")),
    ("TrailTable", Some("sre_actions")),
    ("ProposalsTable", Some("sre_proposals")),
    ("GatewayUrl", None),
    ("PagerDutyUrl", Some("https://events.pagerduty.com")),
    ("RunbookBreakSeconds", Some("300")),
    ("CorrelationWindowSeconds", Some("900")),
    ("ApprovalDeadlineSeconds", Some("1800")),
    ("ApprovalValidSeconds", Some("900")),
    ("ApprovalVetoSeconds", Some("0")),
    ("SlackChannel", Some("")),
    ("SlackRoutes", Some("")),
    ("SlackApiUrl", Some("https://slack.com")),
    ("MaxBudgetCap", Some("10000.00")),
    ("VerifyAfterSeconds", Some("120")),
    ("ModelApi", Some("anthropic")),
    ("SreAgentModel", Some("claude-sonnet-4-6")),
    ("SreAgentFallbackModels", Some("")),
    ("ModelUrl", Some("https://api.anthropic.com")),
    ("ModelPrices", Some("claude-sonnet-4-6=3.00:15.00")),
    ("ModelMaxTurns", Some("8")),
    ("ModelMaxTokens", Some("120000")),
    ("ModelMaxSeconds", Some("90")),
    ("ModelMaxCost", Some("0.50")),
    ("ModelDailyCap", Some("20.00")),
    ("SlackAppId", Some("")),
    ("SlackTeamIds", Some("")),
    ("SlackResponseOrigin", Some("https://hooks.slack.com")),
    ("EventSources", Some("llm-gateway")),
    ("SenderAccounts", Some("")),
    ("SenderRoles", Some("")),
    ("RedriveRoles", Some("")),
    ("DeployRoleArn", Some("")),
    ("Architecture", Some("arm64")),
    ("LogLevel", Some("info")),
    ("AlarmEmail", Some("")),
    ("AlarmTopicArn", Some("")),
    ("TrailDeletionProtection", Some("false")),
    ("PayloadLockMode", Some("GOVERNANCE")),
    ("VpcSubnetIds", Some("")),
    ("VpcSecurityGroupIds", Some("")),
];

fn parameters_are_the_documented_ones(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, default) in DOCUMENTED {
        let Some((_, parameter)) = template.parameters().find(|(id, _)| *id == name) else {
            wrong.push(format!("{name} is missing"));
            continue;
        };
        if template.text(&parameter["Default"]).as_deref() != default {
            wrong.push(format!(
                "{name} is {} by default, not {default:?}",
                parameter["Default"]
            ));
        }
    }
    for (name, parameter) in template.parameters() {
        if !parameter["Description"]
            .as_str()
            .is_some_and(|text| text.ends_with('.'))
        {
            wrong.push(format!("{name} does not say what it is"));
        }
    }
    let groups = &template.root()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let grouped: BTreeSet<&str> = items(groups)
        .into_iter()
        .flat_map(|group| items(&group["Parameters"]))
        .filter_map(Value::as_str)
        .collect();
    let declared: BTreeSet<&str> = template.parameters().map(|(name, _)| name).collect();
    wrong.extend(
        declared
            .symmetric_difference(&grouped)
            .map(|name| format!("{name} is declared or in a group, but not both")),
    );
    wrong
}

#[test]
fn the_documented_parameters_exist_with_their_defaults() {
    passes(parameters_are_the_documented_ones);
    notices(parameters_are_the_documented_ones, "SreRiskThreshold", |root| {
        root["Parameters"]["SreRiskThreshold"]["Default"] = json!(50);
    });
    notices(parameters_are_the_documented_ones, "SreAutoApprove", |root| {
        root["Parameters"]
            .as_object_mut()
            .unwrap()
            .remove("SreAutoApprove");
    });
}

/// The values that the documents name feed the variables that the documents name.
fn parameters_feed_their_variables(template: &Template) -> Vec<String> {
    let fed = [
        ("SreRiskThreshold", "SRE_RISK_THRESHOLD"),
        ("SreAutoApprove", "SRE_AUTO_APPROVE"),
        ("LicenseTier", "LICENSE_TIER"),
        ("ApprovalDeadlineSeconds", "APPROVAL_DEADLINE_S"),
        ("ApprovalValidSeconds", "APPROVAL_VALID_S"),
        ("CorrelationWindowSeconds", "CORRELATION_WINDOW_S"),
        ("MaxBudgetCap", "MAX_BUDGET_CAP"),
        ("MaxRequestsPerMinute", "MAX_RPM"),
        ("MaxTokensPerMinute", "MAX_TPM"),
        ("RunbookBreakSeconds", "RUNBOOK_BREAK_SECONDS"),
        ("VerifyAfterSeconds", "VERIFY_AFTER_S"),
        ("AgentEnabled", "AGENT_ENABLED"),
        ("GatewayUrl", "GATEWAY_URL"),
        ("PagerDutyUrl", "PAGERDUTY_URL"),
        ("SlackAppId", "SLACK_APP_ID"),
        ("SlackTeamIds", "SLACK_TEAM_IDS"),
        ("SlackResponseOrigin", "SLACK_RESPONSE_ORIGIN"),
        ("LogLevel", "RUST_LOG"),
        ("SreAgentModel", "SRE_AGENT_MODEL"),
        ("SreAgentFallbackModels", "SRE_AGENT_FALLBACK_MODELS"),
        ("ModelApi", "MODEL_API"),
        ("ModelUrl", "MODEL_URL"),
        ("ModelPrices", "MODEL_PRICES"),
        ("ModelMaxTurns", "MODEL_MAX_TURNS"),
        ("ModelRunsPerTrouble", "MODEL_RUNS_PER_TROUBLE"),
        ("EventSourceOrgs", "EVENT_SOURCE_ORGS"),
        ("ModelMaxTokens", "MODEL_MAX_TOKENS"),
        ("ModelMaxSeconds", "MODEL_MAX_SECONDS"),
        ("ModelMaxCost", "MODEL_MAX_COST"),
        ("ModelDailyCap", "MODEL_DAILY_CAP"),
    ];
    let mut wrong = Vec::new();
    for (parameter, variable) in fed {
        let mut times = 0;
        for (id, _) in functions(template) {
            if let Some(value) = variables(template, &id).get(variable) {
                times += 1;
                if target(value).as_deref() != Some(parameter) {
                    wrong.push(format!("{variable} of {id} is not {parameter}"));
                }
            }
        }
        if times == 0 {
            wrong.push(format!("no function is told {parameter} as {variable}"));
        }
    }
    wrong
}

#[test]
fn every_parameter_reaches_its_variable_in_every_function_that_has_it() {
    passes(parameters_feed_their_variables);
    notices(parameters_feed_their_variables, "SRE_RISK_THRESHOLD", |root| {
        root["Resources"]["ScoringFunction"]["Properties"]["Environment"]["Variables"]["SRE_RISK_THRESHOLD"] =
            json!({"Ref": "CorrelationWindowSeconds"});
    });
}

fn every_name_leads_somewhere(template: &Template) -> Vec<String> {
    let root = template.root();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for section in ["Rules", "Conditions", "Globals", "Resources", "Outputs"] {
        used.extend(Template::names_in(&root[section]));
    }
    let mut wrong: Vec<String> = template
        .parameters()
        .filter(|(name, _)| !used.contains(*name))
        .map(|(name, _)| format!("{name} is a parameter that nothing uses"))
        .collect();
    // SAM makes the URL of a function that has one.
    let known = |name: &str| {
        let of_url = name
            .strip_suffix("Url")
            .is_some_and(|id| !template.properties(id)["FunctionUrlConfig"].is_null());
        name.starts_with("AWS::")
            || !root["Parameters"][name].is_null()
            || !root["Resources"][name].is_null()
            || of_url
    };
    wrong.extend(
        used.iter()
            .filter(|name| !known(name))
            .map(|name| format!("{name} is nothing")),
    );
    wrong
}

#[test]
fn every_parameter_is_used_and_every_reference_leads_somewhere() {
    passes(every_name_leads_somewhere);
    notices(every_name_leads_somewhere, "Spare", |root| {
        root["Parameters"]["Spare"] = json!({"Type": "String"});
    });
    notices(every_name_leads_somewhere, "IngestQueue", |root| {
        root["Resources"].as_object_mut().unwrap().remove("IngestQueue");
    });
}

/// What is left empty is a text: of a list that is empty, CloudFormation selects nothing and fails.
fn nothing_is_selected_from_what_may_be_empty(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, parameter) in template.parameters() {
        if parameter["Type"] == "CommaDelimitedList" && parameter["Default"] == "" {
            wrong.push(format!("{name} is a list that is empty by default"));
        }
    }
    walk(template.root(), &mut |path, value| {
        if !value["Fn::Select"].is_null() {
            wrong.push(format!("{path} selects an item that may not be there"));
        }
    });
    wrong
}

#[test]
fn what_is_left_empty_fails_no_deployment() {
    passes(nothing_is_selected_from_what_may_be_empty);
    notices(
        nothing_is_selected_from_what_may_be_empty,
        "SenderRoles",
        |root| {
            root["Parameters"]["SenderRoles"]["Type"] = json!("CommaDelimitedList");
        },
    );
    notices(
        nothing_is_selected_from_what_may_be_empty,
        "HasSenderRoles",
        |root| {
            root["Conditions"]["HasSenderRoles"] =
                json!({"Fn::Equals": [{"Fn::Select": [0, {"Ref": "EventSources"}]}, ""]});
        },
    );
}

/// A stack that CloudFormation takes must not hold a function that refuses to start.
fn functions_take_what_the_template_admits(template: &Template) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, parameter) in template.parameters() {
        let extremes = [&parameter["MinValue"], &parameter["MaxValue"]];
        let choices = items(&parameter["AllowedValues"]);
        for value in extremes
            .into_iter()
            .chain(choices)
            .filter(|value| !value.is_null())
        {
            let chosen = template.with(|root| root["Parameters"][name]["Default"] = value.clone());
            for (id, binary) in functions(&chosen) {
                let set = variables(&chosen, &id);
                let lookup = |name: &str| {
                    let value = set.get(name)?;
                    Some(
                        chosen
                            .text(value)
                            .unwrap_or_else(|| "https://made.by.aws".to_owned()),
                    )
                };
                if let Err(bad) = configure(&binary, &Env::new(&lookup)) {
                    wrong.push(format!("{id} does not start with {name} = {value}: {bad}"));
                }
            }
        }
    }
    wrong
}

#[test]
fn every_value_that_the_template_admits_is_admitted_by_the_functions() {
    passes(functions_take_what_the_template_admits);
    notices(
        functions_take_what_the_template_admits,
        "SreRiskThreshold",
        |root| {
            root["Parameters"]["SreRiskThreshold"]["MaxValue"] = json!(101);
        },
    );
    notices(
        functions_take_what_the_template_admits,
        "RunbookBreakSeconds",
        |root| {
            root["Parameters"]["RunbookBreakSeconds"]["MinValue"] = json!(10);
        },
    );
    notices(functions_take_what_the_template_admits, "LicenseTier", |root| {
        let allowed = &mut root["Parameters"]["LicenseTier"]["AllowedValues"];
        allowed.as_array_mut().unwrap().push(json!("gold"));
    });
}

/// A route for an action that there is not would keep `notification` from starting.
fn routes_name_the_actions_that_there_are(template: &Template) -> Vec<String> {
    let pattern = template.root()["Parameters"]["SlackRoutes"]["AllowedPattern"].to_string();
    let listed = ActionKind::ALL.map(ActionKind::name).join("|");
    let conditions = pattern.matches(&format!("action=({listed})")).count();
    match conditions {
        2 => Vec::new(),
        _ => vec![format!("SlackRoutes does not list the actions: {listed}")],
    }
}

#[test]
fn the_routes_that_the_template_admits_are_for_actions_that_there_are() {
    passes(routes_name_the_actions_that_there_are);
    notices(routes_name_the_actions_that_there_are, "SlackRoutes", |root| {
        root["Parameters"]["SlackRoutes"]["AllowedPattern"] = json!("^action=[a-z_]+>C[0-9]+$");
    });
    for text in [
        "action=bump_budget_cap,score=75>C0123456789;team=payments>C0987654321",
        "severity=critical>G0AB",
    ] {
        assert!(Routes::read("C0123456789", text).is_ok(), "{text}");
    }
}
