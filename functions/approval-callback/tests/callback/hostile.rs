//! Whatever is sent, the answer is a response: never an error, never a panic.

use approval_callback::slack::Interaction;
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::sample::ALICE;
use testkit::slack::{self, Signed};
use testkit::story::second;

use crate::door::{Door, SECRET, interaction};

/// Something done to a genuine payload.
type Change = fn(&mut Value);

/// Any body, signed as Slack would sign it.
pub(crate) fn signed(body: &str) -> Signed {
    let timestamp = second(50).as_seconds().to_string();
    Signed {
        signature: slack::signature(&timestamp, body, SECRET),
        body: body.to_owned(),
        timestamp,
    }
}

/// A form with one field.
pub(crate) fn form(payload: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", payload)
        .finish()
}

/// A signed body is refused with a status and these words.
async fn refused(body: &str, words: &str) {
    let door = Door::new();
    let answer = door.send(&interaction(&signed(body))).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains(words), "{answer:?}");
    assert!(door.since().is_empty() && door.told().is_empty());
}

#[tokio::test]
async fn a_body_that_is_no_click_is_refused_and_says_why() {
    refused("", "the form has no field `payload`").await;
    refused("{\"type\":\"block_actions\"}", "the form has no field `payload`").await;
    refused("command=%2Fsre&text=approve", "the form has no field `payload`").await;
    refused("payload=", "`payload` cannot be read").await;
    refused(&form("<xml/>"), "`payload` cannot be read").await;
    refused(&form("[]"), "`payload` cannot be read").await;
    refused(&form("null"), "`payload` cannot be read").await;
    refused(&form("{}"), "`payload` cannot be read").await;
    refused("payload=%ff%fe", "`payload` cannot be read").await;
    // As deep as it likes: JSON that nests further than the reader goes is refused, not followed.
    refused(&form(&"[".repeat(50_000)), "`payload` cannot be read").await;
}

#[tokio::test]
async fn a_click_that_cannot_be_understood_is_refused() {
    let changes: [(&str, Change); 10] = [
        ("one proposal at a time", |payload| {
            let actions = payload["actions"].as_array_mut().unwrap();
            let mut second = actions[0].clone();
            second["action_id"] = json!("reject");
            actions.push(second);
        }),
        ("one proposal at a time", |payload| {
            let actions = payload["actions"].as_array_mut().unwrap();
            actions.push(actions[0].clone());
        }),
        ("the button's value", |payload| {
            payload["actions"][0]["value"] = json!("")
        }),
        ("the button's value", |payload| {
            payload["actions"][0]["value"] = json!("gnr4sqzfryd4gg3mhvufxxmnmg-1");
        }),
        ("the button's value", |payload| {
            payload["actions"][0]["value"] = json!("gnr4sqzfryd4gg3mhvufxxmnmg-1.abc");
        }),
        ("the button's value", |payload| {
            payload["actions"][0]["value"] = json!(7)
        }),
        ("the button's value", |payload| {
            payload["actions"][0].as_object_mut().unwrap().remove("value");
        }),
        ("names no view", |payload| {
            payload["type"] = json!("view_submission")
        }),
        ("names no user", |payload| {
            payload.as_object_mut().unwrap().remove("user");
        }),
        ("names no team", |payload| {
            payload.as_object_mut().unwrap().remove("team");
            payload["user"].as_object_mut().unwrap().remove("team_id");
        }),
    ];
    for (words, change) in changes {
        let mut payload = Door::new().payload(ALICE, "approve");
        change(&mut payload);
        refused(&form(&payload.to_string()), words).await;
    }
}

#[tokio::test]
async fn an_interaction_that_is_no_decision_is_acknowledged_and_ignored() {
    let changes: [Change; 4] = [
        |payload| payload["type"] = json!("view_closed"),
        |payload| payload["actions"] = json!([]),
        |payload| payload["actions"][0]["action_id"] = json!("open_in_console"),
        |payload| payload["actions"][0]["action_id"] = json!("Approve"),
    ];
    for change in changes {
        let door = Door::new();
        let mut payload = door.payload(ALICE, "approve");
        change(&mut payload);
        let answer = door.send(&interaction(&door.signed(&payload))).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert!(door.since().is_empty() && door.told().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_its_signature() {
    let door = Door::new();
    let limit = 256 * 1024;
    let answer = door.send(&interaction(&signed(&"x".repeat(limit + 1)))).await;
    assert_eq!(answer.status, 413);
    let answer = door.send(&interaction(&signed(&"x".repeat(limit)))).await;
    assert_eq!(answer.status, 400);
}

/// Texts that look a little like what is expected.
fn bodies() -> impl Strategy<Value = String> {
    let json = prop_oneof![
        any::<String>(),
        "[\\[\\]{}:,\"a-z0-9.\\\\-]{0,200}",
        (any::<String>(), any::<String>(), any::<String>()).prop_map(|(kind, action, value)| {
            json!({"type": kind, "actions": [{"action_id": action, "value": value}]}).to_string()
        }),
        (any::<String>(), any::<String>()).prop_map(|(value, user)| {
            json!({"type": "block_actions", "user": {"id": user}, "team": {"id": "T1"},
                   "actions": [{"action_id": "approve", "value": value}]})
            .to_string()
        }),
    ];
    prop_oneof![any::<String>(), json.prop_map(|json| form(&json))]
}

proptest! {
    #[test]
    fn any_signed_body_is_answered(body in bodies()) {
        let door = Door::new();
        let answer = run(door.send(&interaction(&signed(&body))));
        prop_assert!(answer.status == 200 || (400..500).contains(&answer.status), "{answer:?}");
        prop_assert!(door.since().is_empty());
    }

    #[test]
    fn any_bytes_are_read_as_a_click_or_not(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _read = Interaction::parse(&body);
        let _event = Interaction::parse_event(&body);
    }

    #[test]
    fn any_unsigned_request_is_refused(
        body in any::<String>(),
        stamp in "[ -~]{0,30}",
        signature in "(v0=)?[0-9a-fA-F]{0,80}",
        base64 in any::<bool>(),
    ) {
        let door = Door::new();
        let body = if base64 { data_encoding::BASE64.encode(body.as_bytes()) } else { body };
        let mut event = interaction(&Signed { body, timestamp: stamp, signature });
        event["isBase64Encoded"] = json!(base64);
        let answer = run(door.send(&event));
        prop_assert_eq!(answer.status, 401);
        prop_assert!(door.since().is_empty() && door.told().is_empty());
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
