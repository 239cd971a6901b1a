//! The deployed stack: where its queues, tables and functions are, as CloudFormation says.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use adapters::aws::{Bounds, loader};
use adapters::{DynamoTrail, SdkConfig};
use anyhow::{Context, anyhow};
use clap::ValueEnum;
use serde::{Serialize, Serializer};

/// A person waits at a terminal, perhaps far from the Region, and a long poll of a queue takes its second.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(3),
    attempt: Duration::from_secs(8),
    operation: Duration::from_secs(20),
    attempts: 3,
};

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
        let aws = loader(&BOUNDS).load().await;
        let region = aws
            .region()
            .map_or_else(|| "no Region (set AWS_REGION)".to_owned(), ToString::to_string);
        let reply = aws_sdk_cloudformation::Client::new(&aws)
            .describe_stacks()
            .stack_name(name)
            .send()
            .await
            .with_context(|| {
                format!("CloudFormation did not tell of stack {name} in {region} (another: --stack)")
            })?;
        let stack = reply.stacks.unwrap_or_default().into_iter().next();
        let stack = stack.ok_or_else(|| anyhow!("there is no stack {name} in {region}"))?;
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

    /// One of its outputs.
    pub(crate) fn output(&self, key: &str) -> anyhow::Result<&str> {
        self.outputs.get(key).map(String::as_str).ok_or_else(|| {
            let (name, status) = (&self.name, &self.status);
            anyhow!("stack {name} ({status}) has no output {key}: is it a stack of this agent, deployed to its end?")
        })
    }

    /// One of its parameters.
    pub(crate) fn parameter(&self, key: &str) -> anyhow::Result<&str> {
        let value = self.parameters.get(key).map(String::as_str);
        value.ok_or_else(|| anyhow!("stack {} has no parameter {key}", self.name))
    }

    /// Its trail.
    pub(crate) fn trail(&self) -> anyhow::Result<DynamoTrail> {
        Ok(DynamoTrail::new(&self.aws, self.output("TrailTableName")?))
    }
}

/// A dead-letter queue, by the name of what it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Lane {
    /// Incidents, for ingest-and-propose.
    Ingest,
    /// Proposals to be scored.
    Scoring,
    /// Approved proposals, for execution.
    Execution,
    /// Effects whose time is over, for execution.
    Restore,
    /// Metrics to be asked again, for execution.
    Verify,
    /// Proposals to be announced, for outbox.
    Announce,
    /// Batches of the trail's stream that outbox failed on.
    Outbox,
    /// Runs of housekeeping that failed.
    Housekeeping,
}

impl Lane {
    /// Every one, in the order of an incident's path.
    pub(crate) const ALL: [Lane; 8] = [
        Lane::Ingest,
        Lane::Scoring,
        Lane::Execution,
        Lane::Restore,
        Lane::Verify,
        Lane::Announce,
        Lane::Outbox,
        Lane::Housekeeping,
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Lane::Ingest => "ingest",
            Lane::Scoring => "scoring",
            Lane::Execution => "execution",
            Lane::Restore => "restore",
            Lane::Verify => "verify",
            Lane::Announce => "announce",
            Lane::Outbox => "outbox",
            Lane::Housekeeping => "housekeeping",
        }
    }

    /// The stack's output that holds the URL of the queue; none where there is no queue, but only a
    /// destination for failures.
    pub(crate) fn queue_output(self) -> Option<&'static str> {
        match self {
            Lane::Ingest => Some("IngestQueueUrl"),
            Lane::Scoring => Some("ScoringQueueUrl"),
            Lane::Execution => Some("ExecutionQueueUrl"),
            Lane::Restore => Some("RestoreQueueUrl"),
            Lane::Verify => Some("VerifyQueueUrl"),
            Lane::Announce => Some("AnnounceQueueUrl"),
            Lane::Outbox | Lane::Housekeeping => None,
        }
    }

    /// The stack's output that holds the URL of the dead-letter queue.
    pub(crate) fn dead_letters_output(self) -> &'static str {
        match self {
            Lane::Ingest => "IngestDeadLetterQueueUrl",
            Lane::Scoring => "ScoringDeadLetterQueueUrl",
            Lane::Execution => "ExecutionDeadLetterQueueUrl",
            Lane::Restore => "RestoreDeadLetterQueueUrl",
            Lane::Verify => "VerifyDeadLetterQueueUrl",
            Lane::Announce => "AnnounceDeadLetterQueueUrl",
            Lane::Outbox => "OutboxDeadLetterQueueUrl",
            Lane::Housekeeping => "HousekeepingDeadLetterQueueUrl",
        }
    }

    /// Whether a pause switches its event source off. Incidents are recorded during a pause.
    pub(crate) fn is_pausable(self) -> bool {
        match self {
            Lane::Scoring | Lane::Execution => true,
            Lane::Ingest
            | Lane::Restore
            | Lane::Verify
            | Lane::Announce
            | Lane::Outbox
            | Lane::Housekeeping => false,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Lane {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let known: Vec<&str> = Lane::ALL.map(Lane::dead_letters_output).into();
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
            .map(|lane| format!("!Ref {}Source", capital(lane.name())))
            .collect();
        assert_eq!(sources, named.len());
        for name in named {
            assert!(line.unwrap().contains(&name), "{name}");
        }
    }

    fn capital(name: &str) -> String {
        name[..1].to_uppercase() + &name[1..]
    }

    #[test]
    fn every_other_output_that_is_read_is_one_of_the_template() {
        let outputs = outputs();
        for name in crate::status::OUTPUTS {
            assert!(outputs.contains(name), "{name}");
        }
        assert!(TEMPLATE.contains("\n  GatewayUrl:\n"));
    }
}
