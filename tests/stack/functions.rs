//! The deployed functions, changed by hand: what a test breaks, and mends again.

use std::collections::HashMap;

use aws_sdk_lambda::types::{Environment, EventSourceMappingConfiguration, LastUpdateStatus};
use serde_json::Value;

use crate::aws::Aws;
use crate::world::within;

/// The variables of a function before a test changed them.
pub(crate) struct Broken {
    function: String,
    variables: HashMap<String, String>,
}

impl Aws {
    /// Gives a variable of a function another value.
    pub(crate) async fn break_variable(&self, function: &str, name: &str, value: &str) -> Broken {
        let function = format!("{}-{function}", self.stack);
        let read = self
            .functions
            .get_function_configuration()
            .function_name(&function);
        let read = read.send().await.unwrap();
        let variables = read.environment().and_then(|environment| environment.variables());
        let variables = variables.unwrap().clone();
        let mut changed = variables.clone();
        let old = changed.insert(name.to_owned(), value.to_owned());
        assert!(
            old.is_some_and(|old| old != value),
            "{function} has no other {name}"
        );
        self.set_variables(&function, changed).await;
        Broken { function, variables }
    }

    /// Puts the variables back.
    pub(crate) async fn mend(&self, broken: Broken) {
        self.set_variables(&broken.function, broken.variables).await;
    }

    async fn set_variables(&self, function: &str, variables: HashMap<String, String>) {
        let environment = Environment::builder().set_variables(Some(variables)).build();
        self.functions
            .update_function_configuration()
            .function_name(function)
            .environment(environment)
            .send()
            .await
            .unwrap();
        within(60, &format!("{function} is updated"), async || {
            let read = self
                .functions
                .get_function_configuration()
                .function_name(function);
            let status = read.send().await.unwrap().last_update_status().cloned();
            (status == Some(LastUpdateStatus::Successful)).then_some(())
        })
        .await;
    }

    /// The event source by which the trail's stream wakes a function.
    pub(crate) async fn stream_source(&self, function: &str) -> EventSourceMappingConfiguration {
        let read = self
            .functions
            .list_event_source_mappings()
            .function_name(format!("{}-{function}", self.stack));
        let read = read.send().await.unwrap();
        let mut sources = read.event_source_mappings().iter();
        let source =
            sources.find(|source| source.event_source_arn().unwrap_or_default().contains("/stream/"));
        source
            .unwrap_or_else(|| panic!("no stream wakes {function}"))
            .clone()
    }

    /// Switches an event source, with as many retries as are given.
    pub(crate) async fn switch_source(
        &self,
        source: &EventSourceMappingConfiguration,
        enabled: bool,
        retries: i32,
    ) {
        let id = source.uuid().unwrap();
        self.functions
            .update_event_source_mapping()
            .uuid(id)
            .enabled(enabled)
            .maximum_retry_attempts(retries)
            .send()
            .await
            .unwrap();
        let wanted = if enabled { "Enabled" } else { "Disabled" };
        within(60, &format!("the source is {wanted}"), async || {
            let read = self.functions.get_event_source_mapping().uuid(id);
            (read.send().await.unwrap().state() == Some(wanted)).then_some(())
        })
        .await;
    }

    /// Takes every message that waits in a queue.
    pub(crate) async fn take_all(&self, queue: &str) -> Vec<Value> {
        let mut taken = Vec::new();
        loop {
            let received = self
                .sqs
                .receive_message()
                .queue_url(self.output(queue))
                .max_number_of_messages(10)
                .send()
                .await
                .unwrap();
            let messages = received.messages();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                taken.push(serde_json::from_str(message.body().unwrap()).unwrap());
                self.sqs
                    .delete_message()
                    .queue_url(self.output(queue))
                    .receipt_handle(message.receipt_handle().unwrap())
                    .send()
                    .await
                    .unwrap();
            }
        }
    }
}
