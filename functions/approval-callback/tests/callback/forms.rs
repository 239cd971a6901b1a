//! Buttons with a form behind them: what opens, what is filled in, and what becomes of it.

use serde_json::{Value, json};
use testkit::sample::{self, ALICE, FORMER};
use testkit::slack;
use testkit::story::{Story, breaks, pages, reroutes, second};

use crate::door::{Answer, Door, interaction};

impl Door {
    /// The form that a click opens.
    async fn form(&self, user: &str, action: &str) -> Value {
        let answer = self.click(user, action).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, ""),
            "{:?}",
            self.told()
        );
        let (trigger, form) = self.opened().pop().unwrap();
        assert_eq!(trigger, "12345.98765.abcd2358fdea");
        form
    }

    /// The form that was opened comes back with these values, by the names of its fields.
    async fn fills_in(&self, user: &str, form: &Value, values: &[(&str, &str)]) -> Answer {
        let text = |name: &str| form[name].as_str().unwrap();
        let mut payload = slack::submission(user, text("callback_id"), text("private_metadata"), values);
        payload["team"]["id"] = json!(sample::SLACK_TEAM);
        payload["user"]["team_id"] = json!(sample::SLACK_TEAM);
        self.send(&interaction(&self.signed(&payload))).await
    }
}

/// What the form turned into.
fn says(answer: &Answer) -> String {
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["response_action"]),
        (200, &json!("update")),
        "{body}"
    );
    body["view"]["blocks"][0]["text"]["text"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_rejection_says_why() {
    let door = Door::new();
    let form = door.form(ALICE, "reject").await;
    assert_eq!(form["private_metadata"], door.value());
    assert!(door.since().is_empty(), "opening a form decides nothing");
    let answer = door
        .fills_in(ALICE, &form, &[("reason", "openai is being migrated")])
        .await;
    assert_eq!(
        says(&answer),
        "Your rejection is recorded. Nothing will be executed."
    );
    assert_eq!(door.since(), ["rejected"]);
    let again = door
        .fills_in(ALICE, &form, &[("reason", "openai is being migrated")])
        .await;
    assert_eq!(
        says(&again),
        "Your rejection is recorded. Nothing will be executed."
    );
    assert_eq!(door.since(), ["rejected"]);
    let body: Value =
        serde_json::from_str(&door.trail.records(&door.story.last().stream).pop().unwrap().body).unwrap();
    assert_eq!(body["reason"], "openai is being migrated");
    assert_eq!(body["decider"]["groups"], json!(["sre"]));
    assert_eq!(body["decider"]["directory"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn a_reason_that_is_none_keeps_the_form_open() {
    let door = Door::new();
    let form = door.form(ALICE, "reject").await;
    for values in [
        &[("reason", " ")][..],
        &[],
        &[("reason", "\u{0}")],
        &[("other", "x")],
    ] {
        let answer = door.fills_in(ALICE, &form, values).await;
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["response_action"]),
            (200, &json!("errors")),
            "{body}"
        );
        assert!(!body["errors"]["reason"].as_str().unwrap().is_empty());
    }
    assert!(door.since().is_empty());
}

#[tokio::test]
async fn less_of_it_is_asked_for_field_by_field() {
    let door = Door::new();
    let form = door.form(ALICE, "narrow").await;
    let fields: Vec<_> = form["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|block| block["type"] == "input")
        .collect();
    assert_eq!(fields.len(), 1);
    assert_eq!(
        (&fields[0]["block_id"], &fields[0]["element"]["initial_value"]),
        (&json!("duration_s"), &json!("300"))
    );
    for (value, words) in [
        ("300", ""),
        ("301", ""),
        ("0", ""),
        ("soon", ""),
        ("-1", ""),
        ("1e1", ""),
    ] {
        let answer = door.fills_in(ALICE, &form, &[("duration_s", value)]).await;
        let body = answer.json();
        assert_eq!(body["response_action"], "errors", "{value}: {body}");
        assert!(body["errors"]["duration_s"].as_str().unwrap().contains(words));
    }
    assert!(door.since().is_empty());
    let answer = door.fills_in(ALICE, &form, &[("duration_s", "60")]).await;
    assert!(says(&answer).starts_with("Your change is recorded"), "{answer:?}");
    assert_eq!(door.since(), ["amended"]);
}

#[tokio::test]
async fn a_call_to_people_is_acknowledged_with_what_was_done() {
    let door = Door::with(Story::called());
    let form = door.form(ALICE, "acknowledge").await;
    let answer = door.fills_in(ALICE, &form, &[("reason", "")]).await;
    assert_eq!(answer.json()["response_action"], "errors", "{answer:?}");
    let answer = door
        .fills_in(ALICE, &form, &[("reason", "failed over by hand")])
        .await;
    assert!(
        says(&answer).starts_with("Your acknowledgement is recorded"),
        "{answer:?}"
    );
    assert_eq!(door.since(), ["acknowledged"]);
}

#[tokio::test]
async fn an_undo_is_asked_for_and_agreed_to() {
    let door = Door::with(Story::succeeded(reroutes()));
    let form = door.form(ALICE, "undo").await;
    let answer = door.fills_in(ALICE, &form, &[("reason", "it is over")]).await;
    assert!(
        says(&answer).starts_with("Your request is recorded"),
        "{answer:?}"
    );
    assert_eq!(door.since(), ["undo_requested"]);
    // The button of the undo names the request, and whoever asked may not agree.
    let stream = &door.story.last().stream;
    let request = door.trail.records(stream).pop().unwrap().digest;
    for (user, since) in [(ALICE, 1), (testkit::sample::BOB, 2)] {
        let mut payload = door.payload(user, "approve");
        payload["actions"][0]["value"] = json!(format!("{}.{request}", door.story.proposal().id()));
        let answer = door.send(&interaction(&door.signed(&payload))).await;
        assert_eq!(
            (answer.status, door.since().len()),
            (200, since),
            "{:?}",
            door.told()
        );
    }
    assert_eq!(door.since(), ["undo_requested", "undo_approved"]);
}

#[tokio::test]
async fn a_form_whose_answer_is_known_does_not_open() {
    for (story, action, words) in [
        (Story::rejected(breaks()), "reject", "It was rejected by alice"),
        (Story::succeeded(pages()), "undo", "cannot be taken back"),
        (Story::approved(breaks()), "narrow", "approved"),
    ] {
        let door = Door::with(story);
        let answer = door.click(ALICE, action).await;
        assert_eq!((answer.status, door.opened().len()), (200, 0), "{action}");
        assert!(door.told()[0].contains(words), "{action}: {:?}", door.told());
    }
}

#[tokio::test]
async fn a_form_that_slack_does_not_open_is_said_to_whom_it_was_for() {
    let mut door = Door::new();
    door.heard.closed = Some("invalid_auth");
    let answer = door.click(ALICE, "reject").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        door.told(),
        [
            "Nothing was recorded: Slack did not open the form (invalid_auth). Click again, or use the command line."
        ]
    );
}

#[tokio::test]
async fn a_form_is_judged_when_it_comes_back() {
    let door = Door::new();
    let form = door.form(ALICE, "reject").await;
    door.clock.set(second(1801));
    let mut late = Door::new();
    late.clock.set(second(50));
    let answer = late.fills_in(FORMER, &form, &[("reason", "x")]).await;
    assert_eq!(says(&answer), "Your operator account is not active.");
    late.teams = vec!["T9".to_owned()];
    let answer = late.fills_in(ALICE, &form, &[("reason", "x")]).await;
    assert!(says(&answer).starts_with("This does not count"), "{answer:?}");
    let mut stale = form.clone();
    stale["private_metadata"] = json!("nonsense");
    assert_eq!(late.fills_in(ALICE, &stale, &[("reason", "x")]).await.status, 400);
    stale["callback_id"] = json!("approve");
    stale["private_metadata"] = form["private_metadata"].clone();
    assert_eq!(Door::new().fills_in(ALICE, &stale, &[]).await.status, 400);
    assert!(late.since().is_empty());
}

#[tokio::test]
async fn slack_is_told_that_the_url_is_ours() {
    let door = Door::new();
    let body = json!({"token": "x", "challenge": "3eZbrw1aB10", "type": "url_verification"}).to_string();
    let mut event = interaction(&crate::hostile::signed(&body));
    event["headers"]["content-type"] = json!("application/json");
    let answer = door.send(&event).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"challenge": "3eZbrw1aB10"}))
    );
    event["headers"]["x-slack-signature"] = json!("v0=00");
    assert_eq!(
        door.send(&event).await.status,
        401,
        "an unsigned one is not answered"
    );
}
