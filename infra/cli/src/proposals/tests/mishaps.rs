//! A request of which nobody knows what it came to.

use std::io;

use testkit::story::breaks;
use wiremock::Request;

use super::*;

/// A server that shows a proposal as it is before the request, and once more as it is afterwards.
async fn shows_before_and_after(before: &Detail, after: &Detail) -> World {
    let world = World::new().await;
    let at = format!("/v1/proposals/{}", before.listed.proposal);
    for (detail, times) in [(before, 1), (after, 1)] {
        Mock::given(method("GET"))
            .and(path(&at))
            .respond_with(ResponseTemplate::new(200).set_body_json(detail))
            .up_to_n_times(times)
            .mount(&world.server)
            .await;
    }
    world
}

async fn breaks_off(world: &World, detail: &Detail) {
    Mock::given(method("POST"))
        .and(path(requests_of(detail)))
        .respond_with_err(|_: &Request| io::Error::from(io::ErrorKind::ConnectionReset))
        .mount(&world.server)
        .await;
}

#[tokio::test]
async fn after_a_lost_reply_it_tells_what_stands() {
    let (before, after) = (
        detail(&Story::awaiting(breaks()), 30),
        detail(&Story::approved(breaks()), 35),
    );
    let world = shows_before_and_after(&before, &after).await;
    breaks_off(&world, &before).await;
    let id = before.listed.proposal.to_string();
    let said = world.run(&["approve", &id, "--yes"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err
            .starts_with("cannot tell whether it was recorded (no whole reply"),
        "{said:?}"
    );
    assert!(
        said.err.contains(&format!("run `sre-agent show {id}`")),
        "{said:?}"
    );
    let (_, told) = said
        .out
        .split_once("As it stands now: It was approved by alice")
        .unwrap();
    let (_, news) = told
        .split_once("What came to its story since it was shown:\n")
        .unwrap();
    assert_eq!(news.lines().count(), after.story.len() - before.story.len());
    assert!(news.contains("approved, by alice"), "{news}");
    assert_eq!(world.asked().await.len(), 1, "it is not sent again");
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_what_was_recorded_is_unclear() {
    for (status, body, why) in [
        (
            503,
            sentence("it cannot be told now whether this was recorded: look again"),
            "it cannot be told now",
        ),
        (502, json!("Internal Server Error"), "the agent answered 502"),
        (504, json!({}), "the agent answered 504"),
        (200, json!({ "told": 1 }), "the agent's answer cannot be read"),
        (202, json!(answered(true, "x")), "the agent answered 202"),
    ] {
        let before = detail(&Story::awaiting(breaks()), 30);
        let world = shows_before_and_after(&before, &before).await;
        world.takes(&before, status, body).await;
        let id = before.listed.proposal.to_string();
        let said = world.run(&["reject", &id, "--reason", "no"]).await;
        assert_eq!(said.code, 3, "{status}: {said:?}");
        assert!(
            said.err.starts_with("cannot tell whether it was recorded ("),
            "{said:?}"
        );
        assert!(said.err.contains(why), "{said:?}");
        assert!(
            said.out
                .contains("As it stands now: It waits for 1 approval until"),
            "{said:?}"
        );
        assert!(
            said.out
                .ends_with("Nothing came to its story since it was shown.\n"),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn where_it_cannot_be_read_back_either_it_says_that_too() {
    let before = detail(&Story::awaiting(breaks()), 30);
    let world = World::new().await;
    let at = format!("/v1/proposals/{}", before.listed.proposal);
    Mock::given(method("GET"))
        .and(path(&at))
        .respond_with(ResponseTemplate::new(200).set_body_json(&before))
        .up_to_n_times(1)
        .mount(&world.server)
        .await;
    world
        .answers("GET", &at, 503, sentence("the trail cannot be read now"))
        .await;
    breaks_off(&world, &before).await;
    let said = world
        .run(&["approve", &before.listed.proposal.to_string(), "--yes"])
        .await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.out
            .ends_with("It cannot be read now: the trail cannot be read now\n"),
        "{said:?}"
    );
}

#[tokio::test]
async fn what_lambda_did_not_take_was_not_recorded() {
    let before = detail(&Story::awaiting(breaks()), 30);
    let world = World::new().await;
    world.shows(&before).await;
    world
        .takes(
            &before,
            429,
            json!({ "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded" }),
        )
        .await;
    let said = world.run(&["approve", "gnr4sqzf", "--yes"]).await;
    assert_eq!(said.code, 4);
    assert_eq!(
        said.err,
        "nothing was recorded: Lambda takes no more requests at this moment: try again"
    );
}
