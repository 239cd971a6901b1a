//! What a click decides, for whom, and what the person is told.

use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use testkit::sample::{self, ALICE, BOB, BOT, FORMER};
use testkit::story::{Story, breaks, second};

use crate::door::{Door, RESPONSE_URL, interaction, request};

/// A click is taken, answered with an empty 200, and the person is told this.
async fn tells(door: &Door, user: &str, action: &str, words: &str) {
    let answer = door.click(user, action).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(door.told().last().map(String::as_str), Some(words));
    assert_eq!(door.told_at().last().map(String::as_str), Some(RESPONSE_URL));
}

#[tokio::test]
async fn an_operator_approves() {
    let door = Door::new();
    let told = "Your approval is recorded. The action is being executed.";
    tells(&door, ALICE, "approve", told).await;
    let record = door.trail.records(&door.story.last().stream).pop().unwrap();
    assert_eq!(record.kind, "approved");
    assert_eq!(
        record.actor,
        domain::trail::Actor::Operator {
            id: domain::value::OperatorId::new("alice").unwrap(),
            name: "Alice".to_owned(),
            channel: "slack".to_owned(),
        }
    );
}

#[tokio::test]
async fn an_operator_rejects() {
    let door = Door::new();
    let told = "Your rejection is recorded. Nothing will be executed.";
    tells(&door, ALICE, "reject", told).await;
    assert_eq!(door.since(), ["rejected"]);
}

#[tokio::test]
async fn a_click_that_comes_twice_decides_once_and_hears_the_same() {
    let door = Door::new();
    let told = "Your approval is recorded. The action is being executed.";
    tells(&door, ALICE, "approve", told).await;
    tells(&door, ALICE, "approve", told).await;
    tells(
        &door,
        BOB,
        "approve",
        "This proposal is decided already: it is approved.",
    )
    .await;
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn who_is_no_operator_decides_nothing() {
    let nobody = "You are not in the operator directory, so your decision does not count.";
    for (user, told) in [
        ("U999", nobody),
        (BOT, "A bot cannot decide."),
        (FORMER, "Your operator account is not active."),
    ] {
        for action in ["approve", "reject"] {
            let door = Door::new();
            tells(&door, user, action, told).await;
            assert!(door.since().is_empty(), "{user} {action}");
        }
    }
}

#[tokio::test]
async fn an_empty_directory_approves_nothing() {
    let door = Door::new();
    door.operators.set(domain::permission::Directory::default());
    let told = "You are not in the operator directory, so your decision does not count.";
    tells(&door, ALICE, "approve", told).await;
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_click_on_what_is_not_any_more_is_told_so() {
    let late = Door::new();
    late.clock.set(second(1801));
    let signed = late.signed_at(&late.payload(ALICE, "approve"), 1801);
    late.send(&interaction(&signed)).await;
    assert_eq!(late.told(), ["The deadline for this decision has passed."]);

    let closed = Door::with(Story::rejected(breaks()));
    tells(
        &closed,
        ALICE,
        "approve",
        "This proposal is decided already: it is rejected.",
    )
    .await;

    let door = Door::new();
    let mut older = door.payload(ALICE, "approve");
    let other = domain::value::Digest::of(b"an older score");
    older["actions"][0]["value"] = json!(format!("{}.{other}", door.story.proposal().id()));
    door.send(&interaction(&door.signed(&older))).await;
    let mut unknown = door.payload(ALICE, "approve");
    let nothing = sample::proposal_of(&sample::budget_exceeded("payments"));
    unknown["actions"][0]["value"] = json!(format!("{nothing}.{other}"));
    door.send(&interaction(&door.signed(&unknown))).await;
    assert_eq!(
        door.told(),
        [
            "This proposal changed since you were asked. Look at it again and decide on what it is now.",
            "There is no such proposal.",
        ]
    );
    assert!(late.since().is_empty() && closed.since().is_empty() && door.since().is_empty());
}

/// A genuine click after its payload was changed before signing.
async fn status_of(door: &Door, change: impl FnOnce(&mut Value)) -> StatusCode {
    let mut payload = door.payload(ALICE, "approve");
    change(&mut payload);
    door.send(&interaction(&door.signed(&payload))).await.status
}

#[tokio::test]
async fn a_click_through_another_app_or_workspace_is_refused() {
    let door = Door::new();
    let foreign: [fn(&mut Value); 4] = [
        |payload| payload["api_app_id"] = json!("A9"),
        |payload| payload["api_app_id"] = Value::Null,
        |payload| payload["user"]["team_id"] = json!("T9"),
        |payload| {
            payload["team"]["id"] = json!("T9");
            payload["user"].as_object_mut().unwrap().remove("team_id");
        },
    ];
    for (nth, change) in foreign.into_iter().enumerate() {
        let status = status_of(&door, change).await;
        assert!(
            [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&status),
            "{nth}: {status}"
        );
    }
    assert!(door.since().is_empty() && door.told().is_empty());
}

#[tokio::test]
async fn a_function_that_was_told_of_no_app_and_no_workspace_takes_no_click() {
    let mut door = Door::new();
    door.app = String::new();
    let status = status_of(&door, |payload| payload["api_app_id"] = json!("")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let mut door = Door::new();
    door.teams = Vec::new();
    assert_eq!(status_of(&door, |_| {}).await, StatusCode::FORBIDDEN);
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_get_never_decides() {
    let door = Door::new();
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let mut event = interaction(&door.signed(&door.payload(ALICE, "approve")));
        event["requestContext"]["http"]["method"] = json!(method);
        assert_eq!(
            door.send(&event).await.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method}"
        );
    }
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn the_paths_and_their_methods() {
    let door = Door::new();
    let healthy = door.send(&request("GET", "/healthz")).await;
    assert_eq!(
        (healthy.status, healthy.body.as_str()),
        (StatusCode::OK, r#"{"status":"ok"}"#)
    );
    for (method, path, status) in [
        ("GET", "/healthz/", StatusCode::OK),
        ("POST", "/healthz", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/slack/interactions", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/", StatusCode::NOT_FOUND),
        ("POST", "/", StatusCode::NOT_FOUND),
        ("POST", "/slack", StatusCode::NOT_FOUND),
        ("POST", "/slack/interactions/x", StatusCode::NOT_FOUND),
        ("POST", "//slack/interactions", StatusCode::NOT_FOUND),
        ("GET", "/%2e%2e/healthz", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(
            door.send(&request(method, path)).await.status,
            status,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn health_needs_nothing_that_could_be_down() {
    let door = Door::new();
    door.trail.outages.next(usize::MAX);
    door.operators.outages.next(usize::MAX);
    assert_eq!(
        door.send(&request("GET", "/healthz")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_decision_that_could_not_be_recorded_is_told_as_such() {
    let sorry = "Your decision could not be recorded. Nothing happened; please click again.";
    let door = Door::new();
    door.trail.outages.next(usize::MAX);
    assert_eq!(
        door.click(ALICE, "approve").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(door.told(), [sorry]);
    door.trail.outages.end();
    door.operators.outages.next(1);
    assert_eq!(
        door.click(ALICE, "approve").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(door.told(), [sorry, sorry]);
    assert!(door.since().is_empty());
    assert_eq!(door.click(ALICE, "approve").await.status, StatusCode::OK);
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn a_decision_whose_record_went_unconfirmed_is_confirmed_by_the_next_click() {
    let door = Door::new();
    door.trail.outages.next_replies(1);
    assert_eq!(
        door.click(ALICE, "approve").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    tells(
        &door,
        ALICE,
        "approve",
        "Your approval is recorded. The action is being executed.",
    )
    .await;
    assert_eq!(door.since(), ["approved"]);
}
