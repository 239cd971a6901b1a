//! The environment of each function: the template's own, with its defaults, and what stands here for other resources.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_yaml_ng::Value;
use testkit::{TRAIL_TABLE, VIEW_TABLE};

use crate::cloud::{ACCOUNT, REGION};

/// The functions by their resources in the template: the name here, and the binary.
pub(crate) const FUNCTIONS: [(&str, &str, &str); 8] = [
    (
        "IngestAndProposeFunction",
        "ingest-and-propose",
        "ingest-and-propose",
    ),
    ("ScoringFunction", "scoring", "scoring"),
    (
        "ApprovalCallbackFunction",
        "approval-callback",
        "approval-callback",
    ),
    (
        "ApprovalCommandsFunction",
        "approval-commands",
        "approval-callback",
    ),
    ("ExecutionFunction", "execution", "execution"),
    ("NotificationFunction", "notification", "notification"),
    ("OutboxFunction", "outbox", "outbox"),
    ("HousekeepingFunction", "housekeeping", "housekeeping"),
];

/// What signs Slack's requests.
pub(crate) const SIGNING_SECRET: &str = "the-signing-secret-of-the-bench";

/// Where the rest of the world is.
pub(crate) struct Places<'a> {
    /// AWS.
    pub(crate) aws: &'a str,
    /// Gateway, model, Slack and pager.
    pub(crate) outside: &'a str,
    /// The certificates to believe.
    pub(crate) certificates: &'a Path,
}

/// The project's template.
pub(crate) struct Template(Value);

impl Template {
    /// The template as it was when this was built.
    pub(crate) fn read() -> Result<Self> {
        let text = include_str!("../../../template.yaml");
        Ok(Self(
            serde_yaml_ng::from_str(text).context("template.yaml cannot be read")?,
        ))
    }

    /// A function's environment.
    pub(crate) fn environment(
        &self,
        resource: &str,
        name: &str,
        places: &Places<'_>,
    ) -> Result<BTreeMap<String, String>> {
        let own = &self.0["Resources"][resource]["Properties"]["Environment"]["Variables"];
        let all = &self.0["Globals"]["Function"]["Environment"]["Variables"];
        let mut environment = BTreeMap::new();
        for variables in [all, own] {
            let variables = variables.as_mapping();
            for (variable, value) in variables.with_context(|| format!("{resource} has no variables"))? {
                let variable = variable.as_str().unwrap_or_default();
                let value = self.plain(value, places)?;
                environment.insert(variable.to_owned(), value);
            }
        }
        let amazon = [
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", name),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
            ("AWS_SESSION_TOKEN", "bench"),
            ("AWS_ENDPOINT_URL", places.aws),
        ];
        environment.extend(amazon.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let certificates = places.certificates.display().to_string();
        environment.insert("SSL_CERT_FILE".to_owned(), certificates);
        Ok(environment)
    }

    fn plain(&self, value: &Value, places: &Places<'_>) -> Result<String> {
        Ok(match value {
            Value::Tagged(tagged) => {
                let value = &tagged.value;
                match tagged.tag.to_string().as_str() {
                    "!Ref" => self.reference(text(value)?, places)?,
                    "!GetAtt" => attribute(text(value)?),
                    "!If" => self.condition(value, places)?,
                    "!Join" => self.plain(&value[1], places)?,
                    "!FindInMap" => {
                        let mut found = &self.0["Mappings"];
                        for part in value.as_sequence().into_iter().flatten() {
                            found = &found[text(part)?];
                        }
                        self.plain(found, places)?
                    }
                    "!Sub" => text(value)?.replace("${AWS::StackName}", testkit::keys::STACK),
                    other => bail!("{other} in a function's environment is not known here"),
                }
            }
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(is) => is.to_string(),
            Value::Sequence(parts) => {
                let parts = parts.iter().map(|part| self.plain(part, places));
                parts.collect::<Result<Vec<_>>>()?.join(",")
            }
            other => bail!("{other:?} in a function's environment is not known here"),
        })
    }

    /// The stack has keys of its own, and is in the cloud.
    fn condition(&self, value: &Value, places: &Places<'_>) -> Result<String> {
        let holds = matches!(
            text(&value[0])?,
            "OwnDecisionKey" | "OwnOperatorKey" | "OnLocalStack"
        );
        self.plain(&value[if holds { 1 } else { 2 }], places)
    }

    fn reference(&self, name: &str, places: &Places<'_>) -> Result<String> {
        let known = match name {
            "Trail" => TRAIL_TABLE,
            "Proposals" => VIEW_TABLE,
            "AWS::StackName" => testkit::keys::STACK,
            "LocalStack" => "true",
            "SlackAppId" => testkit::slack::APP,
            "SlackTeamIds" => testkit::slack::TEAM,
            "SlackChannel" => "C0123456789",
            "ModelApi" => "anthropic",
            // Behind the window that the gateway measures over, and not a minute that is waited for.
            "VerifyAfterSeconds" => "4",
            // Another origin than the gateway's: else the gateway would have to have the model.
            "ModelUrl" => return Ok(places.outside.replace("127.0.0.1", "localhost")),
            "GatewayUrl" | "SlackApiUrl" | "SlackResponseOrigin" | "PagerDutyUrl" => places.outside,
            _ => "",
        };
        if !known.is_empty() {
            return Ok(known.to_owned());
        }
        let parameter = &self.0["Parameters"][name];
        if !parameter.is_null() {
            return self.plain(&parameter["Default"], places);
        }
        let resource = &self.0["Resources"][name];
        Ok(match resource["Type"].as_str().unwrap_or_default() {
            "AWS::SQS::Queue" => format!("{}/{ACCOUNT}/{name}", places.aws),
            "AWS::SNS::Topic" => format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}"),
            "AWS::S3::Bucket" => name.to_lowercase(),
            "" => bail!("{name} is neither a parameter nor a resource"),
            _ => name.to_owned(),
        })
    }

    /// The secrets by their ARNs, and what is in them.
    pub(crate) fn secrets() -> BTreeMap<String, String> {
        let operators = include_str!("../../../events/operators.json");
        let secrets = [
            ("GatewayReadSecret", "the-token-that-reads"),
            ("GatewayWriteSecret", "the-token-that-writes"),
            ("ModelSecret", "the-key-of-the-model"),
            ("PagerDutySecret", "0123456789abcdef0123456789abcdef"),
            ("SlackSigningSecret", SIGNING_SECRET),
            ("SlackBotSecret", "the-bot-token-of-the-bench"),
            ("LinkSecret", "the-secret-that-signs-links-of-the-bench"),
            ("OperatorsSecret", operators),
        ];
        let secrets = secrets.map(|(name, text)| (secret(name), text.to_owned()));
        secrets.into_iter().collect()
    }
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .with_context(|| format!("{value:?} should be a text"))
}

fn secret(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}")
}

fn attribute(path: &str) -> String {
    match path.split_once('.') {
        Some((name, "Id")) => secret(name),
        Some((name, "FunctionUrl")) => format!("https://{}.lambda-url.{REGION}.on.aws/", name.to_lowercase()),
        Some((name, _)) => format!("arn:aws:bench:{REGION}:{ACCOUNT}:{name}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_function_of_the_template_has_its_environment() {
        let template = Template::read().unwrap();
        let places = Places {
            aws: "https://127.0.0.1:1",
            outside: "https://127.0.0.1:2",
            certificates: Path::new("certificates.pem"),
        };
        let resources = template.0["Resources"].as_mapping().unwrap();
        let functions = resources
            .values()
            .filter(|resource| resource["Type"] == "AWS::Serverless::Function");
        assert_eq!(functions.count(), FUNCTIONS.len());
        for (resource, name, _) in FUNCTIONS {
            let environment = template.environment(resource, name, &places).unwrap();
            assert_eq!(environment["TRAIL_TABLE"], TRAIL_TABLE, "{name}");
            assert_eq!(environment["AWS_ACCESS_KEY_ID"], name);
        }
    }
}
