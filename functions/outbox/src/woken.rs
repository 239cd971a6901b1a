//! What woke the function: the trail's stream, or its queue.

use anyhow::Context;
use aws_lambda_events::event::sqs::SqsEvent;
use serde_json::Value;

use crate::stream::Batch;

/// An event of one of the function's two sources.
#[derive(Debug)]
pub enum Woken {
    /// The trail's stream.
    Stream(Batch),
    /// The queue on which `housekeeping` names proposals.
    Queue(SqsEvent),
}

impl Woken {
    /// Reads an event by what its records say of their source.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
    pub fn read(event: Value) -> anyhow::Result<Self> {
        let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str);
        if source == Some("aws:sqs") {
            let event = serde_json::from_value(event).context("the event is of SQS, and cannot be read")?;
            Ok(Woken::Queue(event))
        } else {
            let problem = match source {
                Some("aws:dynamodb") => "the event is of a DynamoDB stream, and cannot be read",
                _ => "the event is neither of SQS nor of a DynamoDB stream",
            };
            let batch = serde_json::from_value(event).context(problem)?;
            Ok(Woken::Stream(batch))
        }
    }
}
