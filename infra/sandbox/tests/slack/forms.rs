//! Modals.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::bench::{ADA, Bench};

fn words(text: &str) -> Value {
    json!({"type": "plain_text", "text": text})
}

fn modal() -> Value {
    json!({
        "type": "modal", "callback_id": "reject", "private_metadata": "p.1", "title": words("Reject"),
        "submit": words("Reject"), "close": words("Cancel"),
        "blocks": [{"type": "input", "block_id": "reason", "label": words("Why"),
                    "element": {"type": "plain_text_input", "action_id": "value", "multiline": true, "max_length": 500}}],
    })
}

/// Clicks, and opens the modal with the trigger of that.
async fn opened(bench: &Bench) -> Value {
    let ts = bench.card().await;
    let trigger = bench.click(&ts, "reject").await["payload"]["trigger_id"].take();
    let body = json!({"trigger_id": trigger, "view": modal()});
    bench.done("views.open", body).await["view"].take()
}

fn submission(view: &Value, reason: &str) -> Value {
    json!({"user": ADA, "view_id": view["id"], "values": {"reason": {"value": reason}}})
}

#[tokio::test]
async fn a_modal_opens_with_the_trigger_of_a_click() {
    let bench = Bench::new().await;
    let _app = bench.app(ResponseTemplate::new(200)).await;
    let view = opened(&bench).await;
    for (name, value) in [
        ("type", json!("modal")),
        ("team_id", json!("T0123456789")),
        ("callback_id", json!("reject")),
        ("private_metadata", json!("p.1")),
        ("state", json!({"values": {}})),
        ("root_view_id", view["id"].clone()),
        ("previous_view_id", json!(null)),
        ("bot_id", json!("B0123456789")),
    ] {
        assert_eq!(view[name], value, "{name}");
    }
    let (_, views) = bench.control("GET", "views", json!(null)).await;
    assert_eq!(
        (&views["views"][0]["id"], &views["views"][0]["shown_to"]),
        (&view["id"], &json!(ADA))
    );
}

#[tokio::test]
async fn a_trigger_opens_one_modal_and_soon() {
    let bench = Bench::new().await;
    let _app = bench.app(ResponseTemplate::new(200)).await;
    let ts = bench.card().await;
    let trigger = bench.click(&ts, "reject").await["payload"]["trigger_id"].take();
    let late = bench.click(&ts, "reject").await["payload"]["trigger_id"].take();
    let open = |trigger: &Value| json!({"trigger_id": trigger, "view": modal()});
    bench.done("views.open", open(&trigger)).await;
    let errors = [
        bench.refused("views.open", open(&trigger)).await,
        bench.refused("views.open", open(&json!("1.2.3"))).await,
    ];
    assert_eq!(errors, ["exchanged_trigger_id", "invalid_trigger_id"]);
    bench.clock.advance(std::time::Duration::from_millis(3001));
    assert_eq!(
        bench.refused("views.open", open(&late)).await,
        "expired_trigger_id"
    );
    let none = bench.call("views.open", json!({"view": modal()})).await;
    assert_eq!(
        none["response_metadata"]["messages"],
        json!(["[ERROR] missing required field: trigger_id"])
    );
    let mut long = open(&late);
    long["view"]["title"] = words(&"x".repeat(25));
    let wrong = bench.call("views.open", long).await;
    assert_eq!(wrong["error"], "invalid_arguments");
    assert_eq!(
        wrong["response_metadata"]["messages"],
        json!(["[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"])
    );
}

#[tokio::test]
async fn what_a_person_submits_reaches_the_app_and_closes_the_modal() {
    let bench = Bench::new().await;
    let app = bench.app(ResponseTemplate::new(200)).await;
    let view = opened(&bench).await;
    let (status, delivered) = bench
        .control("POST", "submit", submission(&view, "too risky"))
        .await;
    assert_eq!((status, &delivered["status"]), (200, &json!(200)), "{delivered}");
    let payload = &delivered["payload"];
    assert_eq!(
        (&payload["type"], &payload["user"]["id"]),
        (&json!("view_submission"), &json!(ADA))
    );
    let sent = &payload["view"];
    assert_eq!(
        (&sent["private_metadata"], &sent["hash"]),
        (&json!("p.1"), &view["hash"])
    );
    assert_eq!(
        sent["state"]["values"],
        json!({"reason": {"value": {"type": "plain_text_input", "value": "too risky"}}})
    );
    assert_eq!(app.received_requests().await.unwrap().len(), 2);
    assert!(bench.sandbox.slack_views().is_empty());
    let (status, _) = bench.control("POST", "submit", submission(&view, "again")).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn an_empty_form_is_not_even_sent() {
    let bench = Bench::new().await;
    let app = bench.app(ResponseTemplate::new(200)).await;
    let view = opened(&bench).await;
    for reason in [String::new(), "x".repeat(501)] {
        let (status, body) = bench.control("POST", "submit", submission(&view, &reason)).await;
        assert_eq!(status, 422, "{body}");
    }
    assert_eq!(app.received_requests().await.unwrap().len(), 1);
}

/// Submits to an app that answers so.
async fn answered(answer: Value) -> (Bench, Value, Value) {
    let bench = Bench::new().await;
    let _app = bench.app(ResponseTemplate::new(200).set_body_json(answer)).await;
    let view = opened(&bench).await;
    let (_, delivered) = bench.control("POST", "submit", submission(&view, "no")).await;
    (bench, view, delivered)
}

#[tokio::test]
async fn errors_show_at_the_fields_that_they_name() {
    let errors = json!({"reason": "say more"});
    let (bench, view, delivered) = answered(json!({"response_action": "errors", "errors": errors})).await;
    assert_eq!(
        (&delivered["view"]["id"], &delivered["problem"]),
        (&view["id"], &json!(null))
    );
    assert_eq!(delivered["view"]["errors"], errors);
    assert_eq!(bench.sandbox.slack_views().len(), 1);
    for errors in [
        json!({"other": "x"}),
        json!({}),
        json!(null),
        json!({"reason": 1}),
    ] {
        let (bench, _, delivered) = answered(json!({"response_action": "errors", "errors": errors})).await;
        assert!(delivered["problem"].is_string(), "{errors}");
        assert_eq!(bench.sandbox.slack_views().len(), 1);
    }
}

#[tokio::test]
async fn an_update_puts_another_modal_in_its_place() {
    let says = json!({"type": "modal", "title": words("SRE agent"), "close": words("Close"), "blocks": []});
    let (bench, view, delivered) = answered(json!({"response_action": "update", "view": says})).await;
    let shown = &delivered["view"];
    assert_eq!((&shown["id"], &shown["submit"]), (&view["id"], &json!(null)));
    assert_eq!(shown["title"]["text"], "SRE agent");
    assert_ne!(shown["hash"], view["hash"]);
    let (status, _) = bench.control("POST", "submit", submission(&view, "x")).await;
    assert_eq!(status, 409);

    let mut long = says.clone();
    long["title"] = words(&"x".repeat(25));
    let (bench, view, delivered) = answered(json!({"response_action": "update", "view": long})).await;
    let problem = delivered["problem"].as_str().unwrap();
    assert!(problem.contains("must be less than 25 characters"), "{problem}");
    assert_eq!(bench.sandbox.slack_views()[0]["hash"], view["hash"]);
}

#[tokio::test]
async fn clear_closes_and_nonsense_does_not() {
    let (bench, _, delivered) = answered(json!({"response_action": "clear"})).await;
    assert_eq!(
        (&delivered["problem"], bench.sandbox.slack_views().len()),
        (&json!(null), 0)
    );
    for nonsense in [
        json!({"response_action": "dance"}),
        json!([]),
        json!({"ok": true}),
    ] {
        let (bench, _, delivered) = answered(nonsense).await;
        assert!(delivered["problem"].is_string());
        assert_eq!(bench.sandbox.slack_views().len(), 1);
    }
}

#[tokio::test]
async fn an_app_updates_a_modal_that_it_has_seen_the_last_of() {
    let bench = Bench::new().await;
    let _app = bench.app(ResponseTemplate::new(200)).await;
    let view = opened(&bench).await;
    let mut changed = modal();
    changed["callback_id"] = json!("narrow");
    let update = |hash: &Value| json!({"view_id": view["id"], "hash": hash, "view": changed});
    assert_eq!(
        bench.refused("views.update", update(&json!("1.x"))).await,
        "hash_conflict"
    );
    let reply = bench.done("views.update", update(&view["hash"])).await;
    assert_eq!(reply["view"]["callback_id"], "narrow");
    assert_eq!(
        bench.refused("views.update", update(&view["hash"])).await,
        "hash_conflict"
    );
    let none = json!({"view_id": "V0", "view": modal()});
    assert_eq!(bench.refused("views.update", none).await, "not_found");
    for both in [
        json!({"view": modal()}),
        json!({"view_id": "V0", "external_id": "e", "view": modal()}),
    ] {
        assert_eq!(bench.refused("views.update", both).await, "invalid_arguments");
    }
}
