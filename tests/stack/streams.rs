//! The outbox on a real stream: partial batches, retries, its failure destination, and what makes up for what was dropped.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use serde_json::Value;

use crate::emulator::needs_localstack;
use crate::view::View;
use crate::world::{Deployed, emulator_log, variable, within};

const NEEDS: &str = "a stream's partial batches, retries and failure destination";
const DEAD: &str = "OutboxDeadLetterQueueUrl";

/// A stream of the trail that is of no proposal, though it is named as if it were.
const POISON: &str = "proposal/not a proposal";

/// Few enough that a batch is given up while a test waits.
const FEW: i32 = 2;

/// The outbox's source, off: what the trail gets now comes in one batch later.
struct Held {
    source: EventSourceMappingConfiguration,
    retries: i32,
}

impl Held {
    async fn new(world: &Deployed) -> Self {
        let source = world.aws.stream_source("outbox").await;
        let retries = source.maximum_retry_attempts().unwrap();
        world.aws.switch_source(&source, false, retries).await;
        Self { source, retries }
    }

    async fn go(&self, world: &Deployed, retries: i32) {
        world.aws.switch_source(&self.source, true, retries).await;
    }

    /// As the template has it.
    async fn end(self, world: &Deployed) {
        world.aws.switch_source(&self.source, true, self.retries).await;
    }
}

/// The key of the record that spoils a batch.
fn poison_key() -> [(&'static str, AttributeValue); 2] {
    [
        ("stream", AttributeValue::S(POISON.to_owned())),
        ("seq", AttributeValue::N("1".to_owned())),
    ]
}

async fn insert_poison(world: &Deployed) {
    let mut put = world.dynamodb.put_item().table_name(variable("TRAIL_TABLE"));
    for (name, value) in poison_key() {
        put = put.item(name, value);
    }
    for name in ["hour", "at"] {
        put = put.item(name, AttributeValue::S("of a test".to_owned()));
    }
    put.send().await.unwrap();
}

async fn remove_poison(world: &Deployed) {
    let mut delete = world.dynamodb.delete_item().table_name(variable("TRAIL_TABLE"));
    for (name, value) in poison_key() {
        delete = delete.key(name, value);
    }
    delete.send().await.unwrap();
}

/// A stack at rest, with the outbox's source off and no dead letters.
async fn begun() -> (Deployed, View, Held) {
    needs_localstack(NEEDS);
    let world = Deployed::new().await;
    world.at_rest(90).await;
    world.aws.take_all(DEAD).await;
    let view = View::new(&world);
    let held = Held::new(&world).await;
    (world, view, held)
}

/// Waits for what Lambda leaves where a batch was given up.
async fn given_up(world: &Deployed) -> Value {
    within(90, "the batch is given up", async || {
        world.aws.take_all(DEAD).await.pop()
    })
    .await
}

/// How often a function logged these words since a place in the log, in a line with this text.
fn logged(since: usize, words: &str, text: &str) -> usize {
    let log = emulator_log();
    let lines = log[since..].lines();
    lines
        .filter(|line| line.contains(words) && line.contains(text))
        .count()
}

#[tokio::test]
async fn one_that_fails_in_the_middle_of_a_batch_comes_again_and_the_others_are_announced() {
    let (world, view, held) = begun().await;
    let (before, failing, after) = (
        world.concluded().await,
        world.concluded().await,
        world.concluded().await,
    );
    view.spoil(&failing).await;
    let since = emulator_log().len();
    held.go(&world, held.retries).await;

    for id in [&before, &after] {
        view.until_announced(&world, id, 60).await;
    }
    let failing_id = failing.to_string();
    within(60, "it is tried again", async || {
        (logged(since, "will be announced again", &failing_id) >= 2).then_some(())
    })
    .await;
    assert_eq!(view.announced(&failing).await, 0);

    view.mend(&failing).await;
    view.until_announced(&world, &failing, 60).await;
    assert_eq!(
        logged(since, "announced what the stream had not brought", &failing_id),
        0,
        "it came by the stream"
    );
    held.end(&world).await;
    assert!(world.aws.take_all(DEAD).await.is_empty(), "nothing was given up");
}

#[tokio::test]
async fn a_poison_record_ends_as_a_dead_letter_and_those_beside_it_are_announced() {
    let (world, view, held) = begun().await;
    let before = world.concluded().await;
    insert_poison(&world).await;
    let after = world.concluded().await;
    let since = emulator_log().len();
    held.go(&world, FEW).await;

    let letter = given_up(&world).await;
    assert_eq!(
        letter["requestContext"]["condition"], "RetryAttemptsExhausted",
        "{letter}"
    );
    assert!(
        letter["DDBStreamBatchInfo"]["startSequenceNumber"].is_string(),
        "where it is in the stream: {letter}"
    );
    for id in [&before, &after] {
        view.until_announced(&world, id, 5).await;
        let by_hint = logged(
            since,
            "announced what the stream had not brought",
            &id.to_string(),
        );
        assert_eq!(
            by_hint, 0,
            "{id} was announced in the batch with the poison record"
        );
    }
    let tries = logged(since, "will be announced again", "not a proposal");
    assert!(tries > FEW.unsigned_abs() as usize, "tried {tries} times");

    // The stream goes on.
    remove_poison(&world).await;
    let next = world.concluded().await;
    view.until_announced(&world, &next, 60).await;
    held.end(&world).await;
}

#[tokio::test]
async fn what_the_stream_has_dropped_is_made_up_for() {
    let (world, view, held) = begun().await;
    let dropped = world.concluded().await;
    view.spoil(&dropped).await;
    let since = emulator_log().len();
    held.go(&world, FEW).await;
    given_up(&world).await;
    held.end(&world).await;
    assert_eq!(view.announced(&dropped).await, 0);

    view.mend(&dropped).await;
    // Housekeeping finds that the view is behind the trail, and names the proposal.
    view.until_announced(&world, &dropped, 240).await;
    let by_hint = logged(
        since,
        "announced what the stream had not brought",
        &dropped.to_string(),
    );
    assert_eq!(by_hint, 1, "not by the stream");
    world.at_rest(60).await;
}
