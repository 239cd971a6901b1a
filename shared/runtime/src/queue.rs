//! The way a queue's batch is worked: what succeeded is acknowledged, what failed comes back, and what can
//! never succeed goes to the dead-letter queue together with the reason.

use adapters::SystemClock;
use adapters::{DeadLetter, SqsQueue};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::message::Lane;
use domain::ports::{Clock, Trail, TrailError, Unavailable};
use domain::proposal::Proposal;
use domain::value::ProposalId;
use trail::{Race, load_proposal};

/// Why a message was not worked.
#[derive(Debug)]
pub enum Fault {
    /// It can never be worked: no delivery would change that.
    Poison(String),
    /// Somebody else's record came between: the turn may be tried again at once.
    Conflict(String),
    /// Something outside did not do what it should: deliver it again.
    Retry(anyhow::Error),
    /// Somebody else is at it, or its time has not come: deliver it again, but nothing is wrong.
    Later(String),
}

impl From<TrailError> for Fault {
    fn from(err: TrailError) -> Self {
        match err {
            TrailError::TooLarge { .. } | TrailError::Corrupt(_) => Fault::Poison(err.to_string()),
            // The message is as good as any: nothing goes on until an operator has looked, and then housekeeping sends another.
            TrailError::Forged(_) => Fault::Later(err.to_string()),
            TrailError::Conflict { .. } => Fault::Conflict(err.to_string()),
            TrailError::Outrun(_) | TrailError::Unavailable(_) | TrailError::Unsigned { .. } => {
                Fault::Retry(err.into())
            }
        }
    }
}

impl From<Unavailable> for Fault {
    fn from(err: Unavailable) -> Self {
        Fault::Retry(err.into())
    }
}

/// One delivery of a message.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The message's text.
    pub body: &'a str,
    /// Which delivery of it this is, from 1.
    pub receives: u32,
}

/// The proposal that a message hints at, on a queue where nothing else belongs.
pub fn hinted(delivery: &Delivery<'_>) -> Result<ProposalId, Fault> {
    domain::message::hinted(delivery.body).map_err(Fault::Poison)
}

/// Loads a proposal that must exist.
pub async fn existing(trail: &dyn Trail, id: &ProposalId) -> Result<Proposal, Fault> {
    let proposal = load_proposal(trail, id).await?;
    proposal.ok_or_else(|| Fault::Poison(format!("there is no proposal {id}: its stream has no records")))
}

/// Takes a turn again as long as somebody else's record comes between, within a writer's patience.
pub async fn in_turns(clock: &dyn Clock, turn: impl AsyncFn() -> Result<(), Fault>) -> Result<(), Fault> {
    let mut race = Race::begin(clock);
    loop {
        match turn().await {
            Err(Fault::Conflict(_)) if race.goes_on().await => {}
            other => return other,
        }
    }
}

/// A dead-letter queue.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Puts a message there, with the reason.
    async fn put(&self, body: &str, reason: &str) -> Result<(), Unavailable>;
}

/// A dead-letter queue on SQS.
pub struct DeadLetterQueue {
    queue: SqsQueue,
    function: &'static str,
}

impl DeadLetterQueue {
    /// The dead-letter queue at a URL, for messages that a function gave up.
    pub fn new(aws: &SdkConfig, url: String, function: &'static str) -> Self {
        Self {
            queue: SqsQueue::new(aws, url),
            function,
        }
    }
}

#[async_trait]
impl DeadLetters for DeadLetterQueue {
    async fn put(&self, body: &str, reason: &str) -> Result<(), Unavailable> {
        let failed_at = SystemClock.now();
        self.queue
            .dead_letter(DeadLetter {
                body,
                reason,
                function: self.function,
                failed_at,
            })
            .await
    }
}

/// Works every message of a batch with `handle`, one after the other.
///
/// A message whose last delivery failed is put to the dead-letter queue here, so that the reason goes with
/// it; the queue's own redrive policy is there for functions that die. `lane` says how many deliveries there are.
pub async fn batch<'d>(
    event: SqsEvent,
    lane: Lane,
    dead_letters: impl Fn(&SqsMessage) -> &'d dyn DeadLetters,
    handle: impl AsyncFn(Delivery<'_>, &SqsMessage) -> Result<(), Fault>,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if !work(&message, lane, dead_letters(&message), &handle).await {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Whether the message is to be acknowledged.
async fn work(
    message: &SqsMessage,
    lane: Lane,
    dead_letters: &dyn DeadLetters,
    handle: impl AsyncFn(Delivery<'_>, &SqsMessage) -> Result<(), Fault>,
) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    let receives = message
        .attributes
        .get("ApproximateReceiveCount")
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let body = message.body.as_deref().unwrap_or_default();
    let last = receives >= lane.most_receives();
    let reason = match handle(Delivery { body, receives }, message).await {
        Ok(()) => return true,
        Err(Fault::Later(reason)) => {
            tracing::info!(message.id = id, message.receives = receives, reason, "not now");
            return last;
        }
        Err(Fault::Poison(reason)) => reason,
        Err(fault @ (Fault::Retry(_) | Fault::Conflict(_))) => {
            let error = match fault {
                Fault::Retry(err) => format!("{err:#}"),
                Fault::Conflict(reason) | Fault::Poison(reason) | Fault::Later(reason) => reason,
            };
            if !last {
                tracing::warn!(
                    message.id = id,
                    message.receives = receives,
                    error,
                    "will be tried again"
                );
                return false;
            }
            format!("failed {receives} times, at last: {error}")
        }
    };
    match dead_letters.put(body, &reason).await {
        Ok(()) => {
            tracing::error!(message.id = id, reason, "put to the dead-letter queue");
            true
        }
        Err(err) => {
            tracing::error!(message.id = id, reason, error = %err, "could not be put to the dead-letter queue");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use anyhow::anyhow;

    use super::*;

    #[derive(Default)]
    struct Kept {
        messages: Mutex<Vec<(String, String)>>,
        broken: bool,
    }

    #[async_trait]
    impl DeadLetters for Kept {
        async fn put(&self, body: &str, reason: &str) -> Result<(), Unavailable> {
            if self.broken {
                return Err(Unavailable::new("dead letters", "broken"));
            }
            self.messages
                .lock()
                .unwrap()
                .push((body.to_owned(), reason.to_owned()));
            Ok(())
        }
    }

    fn event(messages: &[(&str, u32)]) -> SqsEvent {
        let records: Vec<_> = messages
            .iter()
            .map(|(body, receives)| {
                serde_json::json!({"messageId": format!("id-{body}"), "body": body,
                    "attributes": {"ApproximateReceiveCount": receives.to_string()}})
            })
            .collect();
        serde_json::from_value(serde_json::json!({ "Records": records })).unwrap()
    }

    async fn fate(kept: &Kept, messages: &[(&str, u32)]) -> Vec<String> {
        let handle = async |delivery: Delivery<'_>, _: &SqsMessage| match delivery.body {
            "poison" => Err(Fault::Poison("nonsense".to_owned())),
            "busy" => Err(Fault::Later("leased".to_owned())),
            "down" => Err(Fault::Retry(anyhow!("gateway down"))),
            _ => Ok(()),
        };
        let response = batch(
            event(messages),
            Lane::Scoring,
            |_| kept as &dyn DeadLetters,
            handle,
        )
        .await;
        response
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect()
    }

    #[tokio::test]
    async fn only_what_failed_comes_back() {
        let kept = Kept::default();
        assert_eq!(
            fate(&kept, &[("fine", 1), ("down", 1), ("busy", 4), ("fine2", 1)]).await,
            ["id-down", "id-busy"]
        );
        assert!(kept.messages.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn poison_goes_to_the_dead_letters_at_once_and_a_failure_after_its_last_delivery() {
        let kept = Kept::default();
        assert!(
            fate(&kept, &[("poison", 1), ("down", 5), ("busy", 5)])
                .await
                .is_empty()
        );
        let kept = kept.messages.into_inner().unwrap();
        assert_eq!(kept[0], ("poison".to_owned(), "nonsense".to_owned()));
        assert_eq!(
            kept[1],
            (
                "down".to_owned(),
                "failed 5 times, at last: gateway down".to_owned()
            )
        );
        assert_eq!(kept.len(), 2);
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_that_the_dead_letter_queue_did_not_take() {
        let kept = Kept {
            broken: true,
            ..Kept::default()
        };
        assert_eq!(
            fate(&kept, &[("poison", 1), ("down", 7)]).await,
            ["id-poison", "id-down"]
        );
    }
}
