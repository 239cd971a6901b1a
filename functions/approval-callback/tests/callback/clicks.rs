//! What a click decides, for whom, and what the person is told.

use domain::permission::Directory;
use serde_json::{Value, json};
use testkit::sample::{self, ALICE, BOB, BOT, FORMER};
use testkit::story::{Story, breaks, second};

use crate::door::{Door, RESPONSE_URL, interaction, request};

/// What a stranger of the sample's workspace is told, before their id.
const NOBODY: &str = "You are not in the operator directory, so your decision does not count: T1/";

/// A click is taken, answered with an empty 200, and the person is told this.
async fn tells(door: &Door, user: &str, action: &str, words: &str) {
    let answer = door.click(user, action).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(door.told().last().map(String::as_str), Some(words));
    assert_eq!(door.told_at().last().map(String::as_str), Some(RESPONSE_URL));
}

#[tokio::test]
async fn an_operator_approves() {
    let door = Door::new();
    let told = "Your approval is recorded. It is to start before 10:15.";
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
async fn a_click_that_comes_twice_decides_once_and_hears_the_same() {
    let door = Door::new();
    let told = "Your approval is recorded. It is to start before 10:15.";
    tells(&door, ALICE, "approve", told).await;
    tells(&door, ALICE, "approve", told).await;
    tells(
        &door,
        BOB,
        "approve",
        "It was approved by Alice at 10:00; it is to start before 10:15.",
    )
    .await;
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn who_is_no_operator_decides_nothing() {
    let nobody = format!("{NOBODY}U999.");
    for (user, told) in [
        ("U999", nobody.as_str()),
        (BOT, "A bot cannot decide."),
        (FORMER, "Your operator account is not active."),
    ] {
        for action in ["approve", "reject", "narrow", "revoke", "undo"] {
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
    tells(&door, ALICE, "approve", &format!("{NOBODY}{ALICE}.")).await;
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_click_on_what_is_not_any_more_is_told_so() {
    let late = Door::new();
    late.clock.set(second(1801));
    let signed = late.signed_at(&late.payload(ALICE, "approve"), 1801);
    late.send(&interaction(&signed)).await;
    assert_eq!(
        late.told(),
        ["It is too late: the deadline for this decision was 10:30."]
    );

    let closed = Door::with(Story::rejected(breaks()));
    tells(&closed, ALICE, "approve", "It was rejected by alice at 10:00.").await;

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
            "This proposal changed since you saw it. Look at it again and decide on what it is now.",
            "There is no such proposal.",
        ]
    );
    assert!(late.since().is_empty() && closed.since().is_empty() && door.since().is_empty());
}

/// Something done to a genuine payload.
type Change = fn(&mut Value);

/// A genuine click after its payload was changed before signing.
async fn status_of(door: &Door, change: impl FnOnce(&mut Value)) -> u16 {
    let mut payload = door.payload(ALICE, "approve");
    change(&mut payload);
    door.send(&interaction(&door.signed(&payload))).await.status
}

#[tokio::test]
async fn a_click_through_another_app_or_workspace_is_refused_and_the_person_is_told_why() {
    let door = Door::new();
    let foreign: [(u16, Change); 5] = [
        (403, |payload| payload["api_app_id"] = json!("A9")),
        (403, |payload| payload["api_app_id"] = Value::Null),
        (403, |payload| payload["team"]["id"] = json!("T9")),
        (403, |payload| {
            payload["team"] = Value::Null;
            payload["enterprise"] = json!({"id": "E9", "name": "other"});
        }),
        (400, |payload| {
            payload["team"] = Value::Null;
            payload["user"].as_object_mut().unwrap().remove("team_id");
        }),
    ];
    for (nth, (status, change)) in foreign.into_iter().enumerate() {
        assert_eq!(status_of(&door, change).await, status, "{nth}");
    }
    assert!(door.since().is_empty());
    assert_eq!(
        door.told().len(),
        4,
        "all but the one that says nothing of where it is from"
    );
    assert!(
        door.told()
            .iter()
            .all(|told| told.starts_with("This does not count, and nothing was recorded"))
    );
}

#[tokio::test]
async fn on_enterprise_grid_a_person_is_known_by_their_workspace_or_by_the_organisation() {
    // The app is installed for the organisation: `team` is null, and the user's own workspace is another one.
    let grid = |payload: &mut Value| {
        payload["team"] = Value::Null;
        payload["enterprise"] = json!({"id": "E1", "name": "acme"});
        payload["is_enterprise_install"] = json!(true);
        payload["user"]["team_id"] = json!("T7");
    };
    for known_as in ["E1", "T7"] {
        let mut door = Door::new();
        door.teams = vec!["E1".to_owned()];
        door.operators.set(directory(known_as));
        assert_eq!(status_of(&door, grid).await, 200, "{known_as}");
        assert_eq!(door.since(), ["approved"], "{known_as}");
    }
    let mut door = Door::new();
    door.teams = vec!["E1".to_owned()];
    assert_eq!(status_of(&door, grid).await, 200);
    assert_eq!(
        door.told(),
        ["You are not in the operator directory, so your decision does not count: T7/U1, E1/U1."]
    );
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_guest_by_slack_connect_is_not_taken_for_one_of_ours() {
    let door = Door::new();
    assert_eq!(
        status_of(&door, |payload| payload["user"]["team_id"] = json!("T9")).await,
        200
    );
    assert_eq!(
        door.told(),
        ["You are not in the operator directory, so your decision does not count: T9/U1."]
    );
    assert!(door.since().is_empty());
}

/// Alice, known by one place.
fn directory(place: &str) -> Directory {
    let operators = json!({"operators": [{"id": "alice", "name": "Alice", "active": true,
                                          "slack": [{"team": place, "user": ALICE}]}]});
    Directory::parse(&operators.to_string()).unwrap()
}

#[tokio::test]
async fn a_function_that_was_told_of_no_app_and_no_workspace_takes_no_click() {
    let mut door = Door::new();
    door.app = String::new();
    let status = status_of(&door, |payload| payload["api_app_id"] = json!("")).await;
    assert_eq!(status, 403);
    let mut door = Door::new();
    door.teams = Vec::new();
    assert_eq!(status_of(&door, |_| {}).await, 403);
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn a_get_never_decides() {
    let door = Door::new();
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let mut event = interaction(&door.signed(&door.payload(ALICE, "approve")));
        event["requestContext"]["http"]["method"] = json!(method);
        assert_eq!(door.send(&event).await.status, 405, "{method}");
    }
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn the_paths_and_their_methods() {
    let door = Door::new();
    let healthy = door.send(&request("GET", "/healthz")).await;
    assert_eq!(
        (healthy.status, healthy.body.as_str()),
        (200, r#"{"status":"ok"}"#)
    );
    for (method, path, status) in [
        ("GET", "/healthz/", 200),
        ("POST", "/healthz", 405),
        ("GET", "/slack/interactions", 405),
        ("GET", "/", 404),
        ("POST", "/", 404),
        ("POST", "/slack", 404),
        ("POST", "/slack/interactions/x", 404),
        ("POST", "//slack/interactions", 404),
        ("GET", "/%2e%2e/healthz", 404),
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
    assert_eq!(door.send(&request("GET", "/healthz")).await.status, 200);
}

#[tokio::test]
async fn a_decision_that_could_not_be_recorded_is_told_as_such() {
    let sorry = "The agent cannot tell now whether this was recorded. Look again in a moment; asking for the same once \
                 more is harmless.";
    let door = Door::new();
    door.trail.outages.next(usize::MAX);
    assert_eq!(door.click(ALICE, "approve").await.status, 503);
    assert_eq!(door.told(), [sorry]);
    door.trail.outages.end();
    door.operators.outages.next(1);
    assert_eq!(door.click(ALICE, "approve").await.status, 503);
    assert_eq!(door.told(), [sorry, sorry]);
    assert!(door.since().is_empty());
    assert_eq!(door.click(ALICE, "approve").await.status, 200);
    assert_eq!(door.since(), ["approved"]);
}

#[tokio::test]
async fn a_decision_whose_record_went_unconfirmed_is_read_back() {
    let door = Door::new();
    door.trail.outages.next_replies(1);
    let told = "Your approval is recorded. It is to start before 10:15.";
    tells(&door, ALICE, "approve", told).await;
    tells(&door, ALICE, "approve", told).await;
    assert_eq!(door.since(), ["approved"]);
}
