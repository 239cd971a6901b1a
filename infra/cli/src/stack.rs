//! The deployed stack: where its queues, tables and functions are, as CloudFormation says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters::aws::{Bounds, is_unanswered, loader, told};
use adapters::{DynamoTrail, KeySources, KmsSigner, PublicKeys, SdkConfig};
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::operation::describe_stacks::DescribeStacksError;
use domain::trail::{Author, Authority};
use reqwest::Url;

use crate::end::Ended;

/// A person waits at a terminal, perhaps far from the Region, and a long poll of a queue takes its second.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(3),
    attempt: Duration::from_secs(8),
    operation: Duration::from_secs(20),
    attempts: 3,
};

/// The same for signing, once.
const SIGN: Duration = Duration::from_secs(8);

/// A deployed stack.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The SDK's configuration.
    pub(crate) aws: SdkConfig,
    /// Its name.
    pub(crate) name: String,
    /// CloudFormation's word for its state, such as `CREATE_COMPLETE`.
    pub(crate) status: String,
    /// What it tells of itself: names, ARNs and URLs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// What it was deployed with.
    parameters: BTreeMap<String, String>,
}

impl Stack {
    /// Asks CloudFormation for the stack.
    pub(crate) async fn find(name: &str) -> anyhow::Result<Self> {
        Self::find_with(loader(&BOUNDS).load().await, name).await
    }

    async fn find_with(aws: SdkConfig, name: &str) -> anyhow::Result<Self> {
        let region = aws.region().map(ToString::to_string).ok_or_else(|| {
            Ended::NoAnswer(
                "no Region is set: AWS_REGION, or the profile's region, says where the stack is".to_owned(),
            )
        })?;
        let client = aws_sdk_cloudformation::Client::new(&aws);
        let reply = client.describe_stacks().stack_name(name).send().await;
        let reply = reply.map_err(|err| not_found(&aws, name, &region, &err))?;
        let stack = reply.stacks.unwrap_or_default().into_iter().next();
        let stack = stack.ok_or_else(|| no_stack(name, &region))?;
        let status = stack
            .stack_status
            .map_or_else(|| "unknown".to_owned(), |status| status.as_str().to_owned());
        let outputs = stack.outputs.unwrap_or_default();
        let parameters = stack.parameters.unwrap_or_default();
        Ok(Self {
            aws,
            name: name.to_owned(),
            status,
            outputs: outputs
                .into_iter()
                .filter_map(|output| Some((output.output_key?, output.output_value?)))
                .collect(),
            parameters: parameters
                .into_iter()
                .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?)))
                .collect(),
        })
    }

    /// One that was found, in tests.
    #[cfg(test)]
    pub(crate) fn of_outputs(aws: SdkConfig, outputs: BTreeMap<String, String>) -> Self {
        Self {
            aws,
            name: "sre-agent".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
            outputs,
            parameters: BTreeMap::new(),
        }
    }

    /// With a parameter, in tests.
    #[cfg(test)]
    pub(crate) fn with_parameter(mut self, key: &str, value: &str) -> Self {
        self.parameters.insert(key.to_owned(), value.to_owned());
        self
    }

    /// What it was deployed with.
    pub(crate) fn parameters(&self) -> &BTreeMap<String, String> {
        &self.parameters
    }

    /// One of its outputs.
    pub(crate) fn output(&self, key: &str) -> anyhow::Result<&str> {
        self.outputs.get(key).map(String::as_str).ok_or_else(|| {
            let (name, status) = (&self.name, &self.status);
            let told = format!(
                "stack {name} ({status}) has no output {key}: is it a stack of this agent, deployed to its end?"
            );
            Ended::NoAnswer(told).into()
        })
    }

    /// One of its outputs that stacks of earlier versions do not have.
    pub(crate) fn newer_output(&self, key: &str) -> anyhow::Result<&str> {
        let value = self.outputs.get(key).map(String::as_str);
        value.ok_or_else(|| {
            let told = format!(
                "stack {} has no output {key}: it is older than this command and must be deployed again",
                self.name
            );
            Ended::NoAnswer(told).into()
        })
    }

    /// One of its parameters.
    pub(crate) fn parameter(&self, key: &str) -> anyhow::Result<&str> {
        let value = self.parameters.get(key).map(String::as_str);
        value.ok_or_else(|| Ended::NoAnswer(format!("stack {} has no parameter {key}", self.name)).into())
    }

    /// Its trail. What is appended is signed with the operators' key, as whoever runs this.
    pub(crate) fn trail(&self) -> anyhow::Result<DynamoTrail> {
        let trail = DynamoTrail::new(&self.aws, self.output("TrailTableName")?);
        let Some(keys) = self.keys() else {
            return Ok(trail);
        };
        let signing = keys.operators.first().cloned().unwrap_or_default();
        let signer = KmsSigner::new(&self.aws, Authority::Operators, signing, &self.name).within(
            &self.aws,
            SIGN,
            "the operators' key",
        );
        Ok(trail
            .written_by(Author::Operator)
            .signed_with(Arc::new(signer))
            .trusting_kms(Arc::new(PublicKeys::new(&self.aws, keys))))
    }

    /// Where its public keys are; none of a stack of before signatures.
    pub(crate) fn keys(&self) -> Option<KeySources> {
        let list = |output: &str| {
            let listed = self.outputs.get(output)?.split(',').map(str::trim);
            Some(
                listed
                    .filter(|one| !one.is_empty())
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };
        let archives: Vec<&str> = self
            .parameter("KeyArchives")
            .unwrap_or_default()
            .split(',')
            .collect();
        Some(KeySources {
            stack: self.name.clone(),
            decisions: list("DecisionKeys")?,
            operators: list("OperatorKeys")?,
            archives: archives.iter().filter_map(|digest| digest.parse().ok()).collect(),
            bucket: self.outputs.get("PolicyBucketName").cloned().unwrap_or_default(),
        })
    }
}

/// Why there is nothing known of a stack.
fn not_found(aws: &SdkConfig, name: &str, region: &str, err: &SdkError<DescribeStacksError>) -> Ended {
    let said = err.as_service_error().and_then(ProvideErrorMetadata::message);
    // CloudFormation has no code of its own for it:
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    if said.is_some_and(|said| said.ends_with("does not exist")) {
        return no_stack(name, region);
    }
    let told = told(err);
    Ended::NoAnswer(match aws.endpoint_url() {
        Some(url) if is_unanswered(err) => {
            format!(
                "no stack answers at {}: is it up? ({told})",
                without_password(url)
            )
        }
        Some(_) | None => format!("CloudFormation in {region} does not tell of stack {name}: {told}"),
    })
}

fn no_stack(name: &str, region: &str) -> Ended {
    Ended::NoAnswer(format!(
        "there is no stack {name} in {region} for these credentials (another stack: --stack, another Region: AWS_REGION)"
    ))
}

/// An address as it may be shown.
fn without_password(url: &str) -> String {
    match Url::parse(url) {
        // Where a URL can have neither, there is nothing to hide.
        Ok(mut url) => {
            _ = url.set_password(None);
            _ = url.set_username("");
            url.as_str().trim_end_matches('/').to_owned()
        }
        Err(_) => "the address in AWS_ENDPOINT_URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::message::Lane;

    const TEMPLATE: &str = include_str!("../../../template.yaml");

    /// The template's outputs: their names stand at the second level after `Outputs:`.
    fn outputs() -> Vec<&'static str> {
        let (_, outputs) = TEMPLATE.split_once("\nOutputs:\n").unwrap();
        let level = outputs.lines().filter(|line| !line.starts_with("    "));
        level.map(|line| line.trim().trim_end_matches(':')).collect()
    }

    #[test]
    fn every_dead_letter_queue_of_the_template_is_a_lane() {
        let outputs = outputs();
        let known = Lane::ALL.map(Lane::dead_letters_output);
        let (dead, rest): (Vec<_>, Vec<_>) = outputs
            .into_iter()
            .partition(|name| name.ends_with("DeadLetterQueueUrl"));
        assert_eq!(dead, known);
        let queues: Vec<_> = rest
            .into_iter()
            .filter(|name| name.ends_with("QueueUrl"))
            .collect();
        assert_eq!(
            queues,
            Lane::ALL
                .into_iter()
                .filter_map(Lane::queue_output)
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_a_pause_switches_off_is_what_the_template_says() {
        let line = TEMPLATE
            .lines()
            .find(|line| line.contains("PAUSABLE_EVENT_SOURCES:"));
        let sources = line.unwrap().matches("!Ref ").count();
        let pausable = Lane::ALL.into_iter().filter(|lane| lane.is_pausable());
        let named: Vec<String> = pausable
            .map(|lane| format!("!Ref {}Source", lane.capital()))
            .collect();
        assert_eq!(sources, named.len());
        for name in named {
            assert!(line.unwrap().contains(&name), "{name}");
        }
    }

    #[test]
    fn every_other_output_that_is_read_is_one_of_the_template() {
        let outputs = outputs();
        let read = crate::status::OUTPUTS
            .iter()
            .copied()
            .chain(crate::doctor::outputs());
        for name in read.chain([crate::slack::OUTPUT]) {
            assert!(outputs.contains(&name), "{name}");
        }
        for parameter in [
            "GatewayUrl",
            "SenderAccounts",
            "SenderRoles",
            "SlackChannel",
            "SlackRoutes",
        ] {
            assert!(TEMPLATE.contains(&format!("\n  {parameter}:\n")), "{parameter}");
        }
    }
}
