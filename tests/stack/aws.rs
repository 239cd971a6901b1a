//! The stack as an AWS client sees it.

use std::collections::BTreeMap;

use adapters::SdkConfig;
use aws_sdk_cloudformation::types::{Capability, Parameter, StackStatus};
use aws_sdk_eventbridge::error::SdkError;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::world::{variable, within};

/// Clients of the services that the tests look at.
pub(crate) struct Aws {
    pub(crate) cloudformation: aws_sdk_cloudformation::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) functions: aws_sdk_lambda::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) outputs: BTreeMap<String, String>,
    looking: Looking,
    pub(crate) stack: String,
}

/// Clients that only read, and try again.
struct Looking {
    cloudformation: aws_sdk_cloudformation::Client,
    functions: aws_sdk_lambda::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Aws {
    pub(crate) async fn new(config: &SdkConfig, reading: &SdkConfig) -> Self {
        let stack = variable("SRE_AGENT_STACK");
        let looking = Looking {
            cloudformation: aws_sdk_cloudformation::Client::new(reading),
            functions: aws_sdk_lambda::Client::new(reading),
            sqs: aws_sdk_sqs::Client::new(reading),
        };
        let described = looking
            .cloudformation
            .describe_stacks()
            .stack_name(&stack)
            .send()
            .await
            .unwrap();
        let outputs = described.stacks()[0]
            .outputs()
            .iter()
            .map(|output| {
                (
                    output.output_key().unwrap().to_owned(),
                    output.output_value().unwrap().to_owned(),
                )
            })
            .collect();
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            events: aws_sdk_eventbridge::Client::new(config),
            functions: aws_sdk_lambda::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            outputs,
            looking,
            stack,
        }
    }

    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs
            .get(name)
            .unwrap_or_else(|| panic!("the stack has no output {name}"))
    }

    /// Puts an event on the bus, as any client would.
    pub(crate) async fn put_event(&self, source: &str, detail_type: &str, detail: &Value) {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(self.output("BusName"))
            .source(source)
            .detail_type(detail_type)
            .detail(detail.to_string())
            .build();
        let mut tries = 0;
        let answer = loop {
            let put = self.events.put_events().entries(entry.clone());
            match put.send().await {
                // The connection was closed as it was used. Should it have arrived, the second is the same event.
                Err(SdkError::DispatchFailure(_)) if tries < 3 => tries += 1,
                answer => break answer.unwrap(),
            }
        };
        assert_eq!(answer.failed_entry_count(), 0, "{answer:?}");
    }

    /// Puts a text on a queue, past the bus.
    pub(crate) async fn send(&self, queue: &str, body: &str) {
        self.sqs
            .send_message()
            .queue_url(self.output(queue))
            .message_body(body)
            .send()
            .await
            .unwrap();
    }

    /// Messages waiting in a queue.
    pub(crate) async fn waiting(&self, queue: &str) -> usize {
        self.counts(queue, &[QueueAttributeName::ApproximateNumberOfMessages])
            .await
    }

    /// Messages of a queue: waiting, delayed or being worked.
    pub(crate) async fn unfinished(&self, queue: &str) -> usize {
        let states = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        self.counts(queue, &states).await
    }

    async fn counts(&self, queue: &str, states: &[QueueAttributeName]) -> usize {
        let read = self
            .looking
            .sqs
            .get_queue_attributes()
            .queue_url(self.output(queue));
        let read = read
            .set_attribute_names(Some(states.to_vec()))
            .send()
            .await
            .unwrap();
        let counts = read.attributes().unwrap().values();
        counts.map(|count| count.parse::<usize>().unwrap()).sum()
    }

    /// Loses every message of a queue.
    pub(crate) async fn purge(&self, queue: &str) {
        let purge = self.sqs.purge_queue().queue_url(self.output(queue));
        purge.send().await.unwrap();
    }

    /// The state of the event source by which a queue wakes a function, such as `Enabled`.
    pub(crate) async fn source(&self, function: &str, queue: &str) -> String {
        let mappings = self.looking.functions.list_event_source_mappings();
        let mappings = mappings
            .function_name(format!("{}-{function}", self.stack))
            .send()
            .await
            .unwrap();
        let mapping = mappings.event_source_mappings().iter().find(|mapping| {
            let arn = mapping.event_source_arn().unwrap_or_default();
            arn.ends_with(&format!("-{queue}"))
        });
        let mapping = mapping.unwrap_or_else(|| panic!("{queue} has no event source"));
        mapping.state().unwrap().to_owned()
    }

    /// Invokes a function and waits for it to end well.
    pub(crate) async fn invoke(&self, function: &str, payload: &Value) {
        let answer = self.invocation(function, payload).send().await.unwrap();
        assert_eq!(answer.function_error(), None, "{function}: {answer:?}");
    }

    /// Invokes a function as EventBridge does: nobody waits, and Lambda tries again where it fails.
    pub(crate) async fn invoke_later(&self, function: &str, payload: &Value) {
        let invocation = self.invocation(function, payload);
        let later = invocation.invocation_type(InvocationType::Event);
        later.send().await.unwrap();
    }

    fn invocation(
        &self,
        function: &str,
        payload: &Value,
    ) -> aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder {
        self.functions
            .invoke()
            .function_name(format!("{}-{function}", self.stack))
            .payload(Blob::new(payload.to_string()))
    }

    pub(crate) async fn secret(&self, purpose: &str) -> String {
        let id = format!("{}/{purpose}", self.stack);
        let read = self
            .secrets
            .get_secret_value()
            .secret_id(id)
            .send()
            .await
            .unwrap();
        read.secret_string().unwrap().to_owned()
    }

    /// Sets a secret, as people do.
    pub(crate) async fn set_secret(&self, purpose: &str, value: &str) {
        let id = format!("{}/{purpose}", self.stack);
        let put = self.secrets.put_secret_value().secret_id(id);
        put.secret_string(value).send().await.unwrap();
    }

    /// Deploys the same template with other values of some parameters.
    pub(crate) async fn deploy_with(&self, values: &[(&str, &str)]) {
        let described = self
            .looking
            .cloudformation
            .describe_stacks()
            .stack_name(&self.stack)
            .send()
            .await
            .unwrap();
        let parameters = described.stacks()[0].parameters().iter().map(|parameter| {
            let name = parameter.parameter_key().unwrap();
            let builder = Parameter::builder().parameter_key(name);
            match values.iter().find(|(changed, _)| *changed == name) {
                Some((_, value)) => builder.parameter_value(*value).build(),
                None => builder.use_previous_value(true).build(),
            }
        });
        self.cloudformation
            .update_stack()
            .stack_name(&self.stack)
            .use_previous_template(true)
            .set_parameters(Some(parameters.collect()))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand)
            .send()
            .await
            .unwrap();
        within(300, "the update of the stack", async || {
            let described = self
                .looking
                .cloudformation
                .describe_stacks()
                .stack_name(&self.stack)
                .send()
                .await
                .unwrap();
            (described.stacks()[0].stack_status() == Some(&StackStatus::UpdateComplete)).then_some(())
        })
        .await;
    }
}
