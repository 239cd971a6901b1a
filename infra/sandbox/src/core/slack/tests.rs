use serde_json::{Value, json};

use super::clicks::Click;
use super::messages::Ts;
use super::submissions::{Outcome, Submission};
use super::*;

const NOW: Millis = 1_795_341_600_000;
const TOKEN: &str = "xoxb-test";

fn workspace() -> Workspace {
    let fresh = || uuid::Uuid::new_v4().simple().to_string();
    Workspace::new(
        TOKEN.to_owned(),
        "secret".to_owned(),
        "http://127.0.0.1:1".to_owned(),
        fresh,
    )
}

fn call(workspace: &mut Workspace, now: Millis, method: &str, body: &Value) -> Result<Value, String> {
    let arguments = Arguments::from_json(body.to_string().as_bytes()).unwrap();
    let method = Method::parse(method).unwrap();
    let done = workspace.call(now, method, Some(TOKEN), &arguments);
    done.map_err(|refused| refused.error)
}

fn card(workspace: &mut Workspace) -> String {
    let button = json!({"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"});
    let body = json!({"channel": "C0SRE00001", "text": "card", "blocks": [{"type": "actions", "elements": [button]}]});
    let done = call(workspace, NOW, "chat.postMessage", &body).unwrap();
    done["ts"].as_str().unwrap().to_owned()
}

fn click(workspace: &mut Workspace, ts: &str) -> Value {
    let click = Click {
        user: "U0123456789".to_owned(),
        channel: "C0SRE00001".to_owned(),
        ts: ts.to_owned(),
        action_id: "go".to_owned(),
        ..Click::default()
    };
    workspace.clicked(NOW, &click).unwrap()
}

fn modal(extra: &Value) -> Value {
    let mut modal = json!({"type": "modal", "title": {"type": "plain_text", "text": "Why"}, "blocks": []});
    for (name, value) in extra.as_object().unwrap() {
        modal[name] = value.clone();
    }
    modal
}

#[test]
fn an_instant_is_written_and_read_in_slacks_form() {
    let ts = Ts::default().next(NOW);
    assert_eq!(ts.to_string(), "1795341600.000000");
    assert_eq!(ts.next(NOW).to_string(), "1795341600.000001");
    assert_eq!(Ts::parse("1795341600.000001"), Some(ts.next(NOW)));
    for bad in [
        "",
        "1795341600",
        "1795341600.1",
        "1795341600.00000x",
        "-1.000000",
        ".000000",
    ] {
        assert_eq!(Ts::parse(bad), None, "{bad}");
    }
    let bounds = ["1795341600", "1795341600.0"].map(Ts::bound);
    assert_eq!(bounds, [Some(ts); 2]);
    assert_eq!(Ts::bound("soon"), None);
}

#[test]
fn a_trigger_is_good_once_and_for_three_seconds() {
    let mut workspace = workspace();
    let ts = card(&mut workspace);
    let payload = click(&mut workspace, &ts);
    let open = json!({"trigger_id": payload["trigger_id"], "view": modal(&json!({}))});
    let mut opened = |now, body: &Value| call(&mut workspace, now, "views.open", body).map(drop);
    assert_eq!(opened(NOW + 3_001, &open), Err("expired_trigger_id".to_owned()));
    assert_eq!(opened(NOW + 3_000, &open), Ok(()));
    assert_eq!(opened(NOW + 3_000, &open), Err("exchanged_trigger_id".to_owned()));
    let unknown = json!({"trigger_id": "1.2.abc", "view": modal(&json!({}))});
    assert_eq!(opened(NOW, &unknown), Err("invalid_trigger_id".to_owned()));
}

#[test]
fn a_bad_modal_leaves_the_trigger_for_another_try() {
    let mut workspace = workspace();
    let ts = card(&mut workspace);
    let payload = click(&mut workspace, &ts);
    let long = json!({"title": {"type": "plain_text", "text": "x".repeat(25)}});
    for (view, error) in [
        (modal(&long), Err("invalid_arguments".to_owned())),
        (modal(&json!({})), Ok(())),
    ] {
        let body = json!({"trigger_id": payload["trigger_id"], "view": view});
        let opened = call(&mut workspace, NOW, "views.open", &body).map(drop);
        assert_eq!(opened, error);
    }
}

#[test]
fn a_response_url_is_good_for_half_an_hour() {
    let mut workspace = workspace();
    let ts = card(&mut workspace);
    let payload = click(&mut workspace, &ts);
    let url = payload["response_url"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = url.rsplit('/').take(3).collect();
    let mut respond = |now| {
        workspace
            .respond(now, (parts[2], parts[1], parts[0]), br#"{"text":"ok"}"#)
            .map_err(|(status, refused)| (status, refused.error))
    };
    assert_eq!(respond(NOW + 30 * 60 * 1000), Ok(()));
    assert_eq!(
        respond(NOW + 30 * 60 * 1000 + 1),
        Err((404, "expired_url".to_owned()))
    );
}

#[test]
fn modals_stack_three_high_and_close_one_by_one_or_all() {
    let mut workspace = workspace();
    let ts = card(&mut workspace);
    let payload = click(&mut workspace, &ts);
    let body = json!({"trigger_id": payload["trigger_id"], "view": modal(&json!({}))});
    let first = call(&mut workspace, NOW, "views.open", &body).unwrap()["view"].clone();
    let id = |view: &Value| view["id"].as_str().unwrap().to_owned();
    let push = json!({"response_action": "push", "view": modal(&json!({}))}).to_string();
    let Outcome::Shows(second) = workspace.answered(NOW, &id(&first), 200, &push) else {
        panic!("nothing was pushed")
    };
    assert_eq!(second["previous_view_id"], first["id"]);
    assert_eq!(second["root_view_id"], first["id"]);
    let Outcome::Shows(third) = workspace.answered(NOW, &id(&second), 200, &push) else {
        panic!("nothing was pushed")
    };
    let Outcome::Trouble(problem) = workspace.answered(NOW, &id(&third), 200, &push) else {
        panic!("a fourth was pushed")
    };
    assert!(problem.starts_with("push_limit_reached"), "{problem}");
    assert_eq!(workspace.answered(NOW, &id(&third), 200, ""), Outcome::Closed);
    assert_eq!(workspace.views().len(), 2);
    let clear = r#"{"response_action":"clear"}"#;
    assert_eq!(workspace.answered(NOW, &id(&second), 200, clear), Outcome::Closed);
    assert_eq!(workspace.views().len(), 0);
}

#[test]
fn a_form_is_submitted_as_slacks_client_lets_it_be() {
    let mut workspace = workspace();
    let ts = card(&mut workspace);
    let payload = click(&mut workspace, &ts);
    let words = |text: &str| json!({"type": "plain_text", "text": text});
    let options = json!([{"text": words("One"), "value": "1"}, {"text": words("Two"), "value": "2"}]);
    let input = |id: &str, optional: bool, element: Value| json!({"type": "input", "block_id": id, "label": words(id), "optional": optional, "element": element});
    let blocks = json!([
        input(
            "why",
            false,
            json!({"type": "plain_text_input", "action_id": "v", "max_length": 5})
        ),
        input(
            "much",
            true,
            json!({"type": "number_input", "action_id": "v", "is_decimal_allowed": false, "max_value": "9"})
        ),
        input(
            "which",
            true,
            json!({"type": "static_select", "action_id": "v", "options": options})
        ),
        input(
            "some",
            true,
            json!({"type": "checkboxes", "action_id": "v", "options": options, "initial_options": [options[0]]})
        ),
    ]);
    let view = modal(&json!({"submit": words("Go"), "blocks": blocks, "private_metadata": "p"}));
    let body = json!({"trigger_id": payload["trigger_id"], "view": view});
    let view_id = call(&mut workspace, NOW, "views.open", &body).unwrap()["view"]["id"].clone();
    let mut submit = |user: &str, values: Value| {
        let submission = json!({"user": user, "view_id": view_id, "values": values});
        let submission: Submission = serde_json::from_value(submission).unwrap();
        workspace.submitted(NOW, &submission).map_err(|error| error.code)
    };
    let ada = "U0123456789";
    for bad in [
        json!({}),
        json!({"why": {"v": "too long"}}),
        json!({"why": {"v": 1}}),
        json!({"why": {"v": "x"}, "much": {"v": "10"}}),
        json!({"why": {"v": "x"}, "much": {"v": "1.5"}}),
        json!({"why": {"v": "x"}, "which": {"v": "3"}}),
    ] {
        assert_eq!(submit(ada, bad.clone()).unwrap_err(), "invalid", "{bad}");
    }
    let stray = json!({"why": {"v": "x", "w": "y"}});
    assert_eq!(submit(ada, stray).unwrap_err(), "no_such_field");
    assert_eq!(
        submit("U0123456790", json!({"why": {"v": "x"}})).unwrap_err(),
        "not_shown"
    );
    let payload = submit(
        ada,
        json!({"why": {"v": "x"}, "much": {"v": "3"}, "which": {"v": "2"}}),
    )
    .unwrap();
    assert_eq!(payload["view"]["private_metadata"], "p");
    let values = &payload["view"]["state"]["values"];
    assert_eq!(
        values["why"]["v"],
        json!({"type": "plain_text_input", "value": "x"})
    );
    assert_eq!(values["much"]["v"], json!({"type": "number_input", "value": "3"}));
    assert_eq!(values["which"]["v"]["selected_option"]["value"], "2");
    assert_eq!(values["some"]["v"]["selected_options"][0]["value"], "1");
}
