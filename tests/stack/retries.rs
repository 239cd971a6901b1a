//! A function that a rule wakes, and that fails: tried again, and then left as a dead letter with its reason.

use serde_json::Value;

use crate::emulator::needs_localstack;
use crate::world::{Deployed, within};

const DEAD: &str = "HousekeepingDeadLetterQueueUrl";

#[tokio::test]
async fn a_run_of_housekeeping_that_fails_is_tried_again_and_ends_as_a_dead_letter() {
    needs_localstack("a rule's retry of a function that fails, and that function's failure destination");
    let world = Deployed::new().await;
    world.at_rest(90).await;
    world.aws.take_all(DEAD).await;
    let broken = world
        .aws
        .break_variable("housekeeping", "TRAIL_TABLE", "no-such-table")
        .await;
    let letter = within(150, "a run of the schedule is given up", async || {
        let letters: Vec<Value> = world.aws.take_all(DEAD).await;
        letters
            .into_iter()
            .find(|letter| letter["requestPayload"]["detail-type"] == "Scheduled Event")
    })
    .await;
    world.aws.mend(broken).await;

    let context = &letter["requestContext"];
    assert_eq!(context["condition"], "RetriesExhausted", "{letter}");
    assert_eq!(context["approximateInvokeCount"], 2, "one retry: {letter}");
    let reason = letter["responsePayload"]["errorMessage"].as_str().unwrap();
    assert!(reason.contains("trail"), "the letter says what failed: {reason}");

    // The next run goes well.
    let run = serde_json::json!({});
    world.aws.invoke("housekeeping", &run).await;
    world.aws.take_all(DEAD).await;
}
