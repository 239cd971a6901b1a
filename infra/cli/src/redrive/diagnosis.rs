//! Why a message lies in a dead-letter queue: from the attributes that came with it, else from its body.

use domain::incident::EventType;
use domain::message::Message;
use serde_json::Value;

use crate::print::{quote, quote_within};
use crate::redrive::sqs::Letter;
use domain::message::Lane;

/// Attributes that say why a message is where it is. They do not go back with it.
///
/// The first three are the agent's own; then EventBridge's
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html>) and those of SNS.
pub(crate) const EXPLAINING: [&str; 12] = [
    "reason",
    "function",
    "failed_at",
    "RULE_ARN",
    "TARGET_ARN",
    "ERROR_CODE",
    "ERROR_MESSAGE",
    "EXHAUSTED_RETRY_CONDITION",
    "RETRY_ATTEMPTS",
    "ErrorCode",
    "ErrorMessage",
    "RequestID",
];

/// Why it is here, one sentence a line.
pub(crate) fn diagnose(lane: Lane, letter: &Letter) -> Vec<String> {
    if let Some(reason) = letter.attribute("reason") {
        let function = letter.attribute("function").unwrap_or("a function");
        let at = letter
            .attribute("failed_at")
            .map_or(String::new(), |at| format!(" at {}", quote(at)));
        return vec![format!("refused by {}{at}: {reason}", quote(function))];
    }
    let undelivered = [
        ("EventBridge", "ERROR_CODE", "ERROR_MESSAGE"),
        ("SNS", "ErrorCode", "ErrorMessage"),
    ]
    .into_iter()
    .find_map(|(service, code, message)| {
        let code = letter.attribute(code)?;
        let message = letter.attribute(message).unwrap_or("no message");
        Some(format!(
            "{service} could not deliver it: {}: {}",
            quote(code),
            quote(message)
        ))
    });
    let cause = undelivered.unwrap_or_else(|| {
        if letter.moved_by_sqs {
            "no reason with it: SQS moved it here after too many deliveries, so the function died or ran out of \
             time each time"
                .to_owned()
        } else {
            "no reason with it: no function of the agent put it here".to_owned()
        }
    });
    match lane {
        Lane::Outbox => vec![
            failure(&letter.body).unwrap_or(cause),
            "housekeeping has these records announced within minutes, and wakes whatever waits for them: there is \
             nothing to put back"
                .to_owned(),
        ],
        Lane::Housekeeping => vec![
            failure(&letter.body).unwrap_or(cause),
            "the next run makes up for it: there is nothing to put back".to_owned(),
        ],
        Lane::Strays => vec![
            stray(&letter.body),
            "mend its sender, or EventSources, so that the next one is taken: there is nothing to put back".to_owned(),
        ],
        Lane::Ingest | Lane::Scoring | Lane::Execution | Lane::Restore | Lane::Verify | Lane::Announce | Lane::Slack => {
            vec![cause, body(lane, &letter.body)]
        }
    }
}

/// The same in one sentence without the time, so that those of one cause are alike.
pub(crate) fn cause(lane: Lane, letter: &Letter) -> String {
    match letter.attribute("reason") {
        Some(reason) => format!(
            "refused by {}: {reason}",
            quote(letter.attribute("function").unwrap_or("a function"))
        ),
        None => diagnose(lane, letter).into_iter().next().unwrap_or_default(),
    }
}

/// Fields of an event that say which one it is and what it is about.
const SUBJECT: [&str; 8] = [
    "event_id",
    "provider",
    "model_group",
    "scope",
    "scope_id",
    "sla_id",
    "team_id",
    "proposal",
];

/// The longest value of such a field that is shown, characters.
const MAX_FIELD: usize = 60;

/// What a body says it is about, `event_id evt-1, provider openai`, empty where it does not; and its own words without the
/// envelopes that SNS and the bus put around them. Nothing in it need be as it should.
pub(crate) fn inside(body: &str) -> (String, String) {
    let Ok(mut message) = serde_json::from_str::<Value>(body) else {
        return (String::new(), body.to_owned());
    };
    if message.get("TopicArn").is_some()
        && let Some(inner) = message.get("Message").and_then(Value::as_str)
    {
        match serde_json::from_str(inner) {
            Ok(told) => message = told,
            Err(_) => return (String::new(), inner.to_owned()),
        }
    }
    let detail = message.get("detail").and_then(Value::as_object);
    let Some(detail) = detail.filter(|detail| !detail.is_empty()) else {
        return (String::new(), body.to_owned());
    };
    let named = SUBJECT.iter().filter_map(|field| {
        let value = detail.get(*field)?.as_str()?;
        Some(format!("{field} {}", quote_within(value, MAX_FIELD)))
    });
    let named: Vec<String> = named.collect();
    (named.join(", "), message["detail"].to_string())
}

/// What the functions would make of a body now.
fn body(lane: Lane, body: &str) -> String {
    match Message::parse(body) {
        Err(malformed) => format!("its body is refused: {malformed}"),
        Ok(Message::Hint(proposal)) => format!("its body can be read: it is about proposal {proposal}"),
        Ok(Message::Incident(delivery)) => {
            let event = &delivery.event;
            let what = format!("event {}, {}", event.event_id, event.event_type().name());
            match lane {
                Lane::Ingest => format!("its body can be read: {what}"),
                Lane::Scoring
                | Lane::Execution
                | Lane::Restore
                | Lane::Verify
                | Lane::Announce
                | Lane::Slack
                | Lane::Outbox
                | Lane::Housekeeping
                | Lane::Strays => {
                    format!("its body is refused: {what} is an incident, which this queue does not take")
                }
            }
        }
    }
}

/// Why no rule takes an event to a function: its source, or its detail-type, is none that is known.
fn stray(body: &str) -> String {
    let event: Value = serde_json::from_str(body).unwrap_or_default();
    let named = |field: &str| event.get(field).and_then(Value::as_str);
    let (Some(source), Some(detail_type)) = (named("source"), named("detail-type")) else {
        return "its body is no event of the bus".to_owned();
    };
    match detail_type.parse::<EventType>() {
        Ok(_) => format!(
            "{} is not among EventSources, so its {detail_type} is not taken",
            quote(source)
        ),
        Err(_) => {
            let known = EventType::ALL.map(EventType::name).join(", ");
            format!(
                "{} of {} is none of {known}, so it is not taken",
                quote(detail_type),
                quote(source)
            )
        }
    }
}

/// What Lambda says in the record that it leaves where a function failed: of a batch of the trail's stream, or
/// of one run.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html>,
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
fn failure(body: &str) -> Option<String> {
    let record: Value = serde_json::from_str(body).ok()?;
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(quote);
    let condition = text("/requestContext/condition")?;
    let error = text("/responsePayload/errorMessage").or_else(|| text("/responseContext/functionError"));
    let error = error.map_or(String::new(), |error| format!(": {error}"));
    let Some(batch) = record.get("DDBStreamBatchInfo") else {
        let at = text("/timestamp").unwrap_or_else(|| "an unknown time".to_owned());
        return Some(format!("a run failed at {at} ({condition}){error}"));
    };
    let size = batch.get("batchSize").and_then(Value::as_u64).unwrap_or_default();
    let arrival = |pointer: &str| text(pointer).unwrap_or_else(|| "an unknown time".to_owned());
    let first = arrival("/DDBStreamBatchInfo/approximateArrivalOfFirstRecord");
    let last = arrival("/DDBStreamBatchInfo/approximateArrivalOfLastRecord");
    Some(format!(
        "{size} of the trail's records were not announced, written from {first} to {last} ({condition}){error}"
    ))
}
