use serde_json::{Value, json};

use super::*;

fn words(many: usize) -> Value {
    json!({"type": "plain_text", "text": "x".repeat(many)})
}

fn marked(many: usize) -> Value {
    json!({"type": "mrkdwn", "text": "x".repeat(many)})
}

fn button(with: &Value) -> Value {
    let mut button = json!({"type": "button", "text": words(1)});
    for (name, value) in with.as_object().unwrap() {
        button[name] = value.clone();
    }
    button
}

fn actions(elements: Value) -> Value {
    json!([{"type": "actions", "elements": elements}])
}

/// What is wrong with the blocks, as one line.
fn wrong(blocks: &Value) -> String {
    wrong_in_message(blocks).join("; ")
}

#[test]
fn every_limit_holds_at_its_edge() {
    let confirm = |title, text, yes| {
        actions(json!([button(
            &json!({"confirm": {"title": words(title), "text": marked(text), "confirm": words(yes), "deny": words(yes)}})
        )]))
    };
    let id = |many: usize| "i".repeat(many);
    let url = |many: usize| format!("https://{}", "u".repeat(many - 8));
    let divider = json!({"type": "divider"});
    let cases: [(&str, Value, Value); 15] = [
        ("blocks", json!(vec![&divider; 50]), json!(vec![&divider; 51])),
        (
            "section",
            json!([{"type": "section", "text": marked(3000)}]),
            json!([{"type": "section", "text": marked(3001)}]),
        ),
        (
            "fields",
            json!([{"type": "section", "fields": vec![marked(2000); 10]}]),
            json!([{"type": "section", "fields": vec![marked(1); 11]}]),
        ),
        (
            "header",
            json!([{"type": "header", "text": words(150)}]),
            json!([{"type": "header", "text": words(151)}]),
        ),
        (
            "context",
            json!([{"type": "context", "elements": vec![marked(1); 10]}]),
            json!([{"type": "context", "elements": vec![marked(1); 11]}]),
        ),
        (
            "actions",
            actions(json!(vec![button(&json!({})); 25])),
            actions(json!(vec![button(&json!({})); 26])),
        ),
        (
            "label",
            actions(json!([button(&json!({"text": words(75)}))])),
            actions(json!([button(&json!({"text": words(76)}))])),
        ),
        (
            "value",
            actions(json!([button(&json!({"value": id(2000)}))])),
            actions(json!([button(&json!({"value": id(2001)}))])),
        ),
        (
            "url",
            actions(json!([button(&json!({"url": url(3000)}))])),
            actions(json!([button(&json!({"url": url(3001)}))])),
        ),
        (
            "action_id",
            actions(json!([button(&json!({"action_id": id(255)}))])),
            actions(json!([button(&json!({"action_id": id(256)}))])),
        ),
        (
            "block_id",
            json!([{"type": "divider", "block_id": id(255)}]),
            json!([{"type": "divider", "block_id": id(256)}]),
        ),
        ("title", confirm(100, 1, 1), confirm(101, 1, 1)),
        ("text", confirm(1, 300, 1), confirm(1, 301, 1)),
        ("confirm", confirm(1, 1, 30), confirm(1, 1, 31)),
        (
            "empty",
            json!([{"type": "section", "text": marked(1)}]),
            json!([{"type": "section", "text": marked(0)}]),
        ),
    ];
    for (what, most, more) in cases {
        assert_eq!(wrong(&most), "", "{what}");
        assert_ne!(wrong(&more), "", "{what}");
    }
}

#[test]
fn what_is_wrong_is_said_in_slacks_words() {
    for (blocks, said) in [
        (
            json!([{"type": "section", "text": marked(3001)}]),
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            json!([{"type": "section", "text": marked(0)}]),
            "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            json!([{"type": "marquee"}]),
            "unsupported type: marquee [json-pointer:/blocks/0/type]",
        ),
        (
            json!([{}]),
            "missing required field: type [json-pointer:/blocks/0]",
        ),
        (
            json!([{"type": "header"}]),
            "missing required field: text [json-pointer:/blocks/0]",
        ),
        (
            json!([{"type": "header", "text": marked(1)}]),
            "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
        ),
        (
            json!([{"type": "header", "text": "bare"}]),
            "must provide an object [json-pointer:/blocks/0/text]",
        ),
        (
            json!([{"type": "divider", "colour": "red"}]),
            "invalid additional property: colour [json-pointer:/blocks/0]",
        ),
        (
            json!([{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": true}}]),
            "invalid additional property: emoji [json-pointer:/blocks/0/text]",
        ),
        (
            json!([{"type": "section"}]),
            "must define either `text` or `fields` [json-pointer:/blocks/0]",
        ),
        (
            json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]),
            "`block_id` \"a\" already exists [json-pointer:/blocks/1/block_id]",
        ),
        (
            actions(json!([
                button(&json!({"action_id": "a"})),
                button(&json!({"action_id": "a"}))
            ])),
            "`action_id` \"a\" already exists [json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (
            actions(json!([])),
            "must provide at least 1 items [json-pointer:/blocks/0/elements]",
        ),
        (
            actions(json!([button(&json!({"url": "javascript:alert(1)"}))])),
            "invalid url [json-pointer:/blocks/0/elements/0/url]",
        ),
        (
            actions(json!([button(&json!({"style": "loud"}))])),
            "must be one of the allowed values: primary, danger [json-pointer:/blocks/0/elements/0/style]",
        ),
        (
            actions(json!([button(&json!({"value": 1}))])),
            "must provide a string [json-pointer:/blocks/0/elements/0/value]",
        ),
        (
            actions(json!([{"type": "plain_text_input", "action_id": "a"}])),
            "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
        ),
        (
            json!([{"type": "image", "alt_text": "x"}]),
            "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]",
        ),
        (
            actions(json!([{"type": "static_select"}])),
            "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
        ),
        (
            json!(vec![json!({"type": "divider"}); 51]),
            "no more than 50 items allowed [json-pointer:/blocks]",
        ),
    ] {
        assert_eq!(wrong(&blocks), said);
    }
}

#[test]
fn a_modal_has_its_own_limits() {
    let modal = |with: Value| {
        let mut modal = json!({"type": "modal", "title": words(24), "blocks": []});
        for (name, value) in with.as_object().unwrap() {
            modal[name] = value.clone();
        }
        wrong_in_modal(&modal).join("; ")
    };
    let divider = json!({"type": "divider"});
    let good = json!({
        "submit": words(24), "close": words(24), "private_metadata": "p".repeat(3000), "callback_id": "c".repeat(255),
        "blocks": vec![&divider; 100], "clear_on_close": true, "notify_on_close": false, "external_id": "e",
    });
    assert_eq!(modal(good), "");
    for (with, said) in [
        (
            json!({"title": words(25)}),
            "must be less than 25 characters [json-pointer:/view/title/text]",
        ),
        (
            json!({"title": marked(1)}),
            "unsupported type: mrkdwn [json-pointer:/view/title/type]",
        ),
        (
            json!({"submit": words(25)}),
            "must be less than 25 characters [json-pointer:/view/submit/text]",
        ),
        (
            json!({"private_metadata": "p".repeat(3001)}),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (
            json!({"callback_id": "c".repeat(256)}),
            "must be less than 256 characters [json-pointer:/view/callback_id]",
        ),
        (
            json!({"submit_disabled": true}),
            "invalid additional property: submit_disabled [json-pointer:/view]",
        ),
        (
            json!({"type": "home"}),
            "unsupported type: home [json-pointer:/view/type]",
        ),
        (
            json!({"blocks": vec![&divider; 101]}),
            "no more than 100 items allowed [json-pointer:/view/blocks]",
        ),
        (
            json!({"blocks": [{"type": "input", "label": words(1), "element": {"type": "plain_text_input"}}]}),
            "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/input]",
        ),
    ] {
        assert_eq!(modal(with), said);
    }
}

#[test]
fn every_input_that_a_form_has_is_known() {
    let option = json!({"text": words(1), "value": "1"});
    for element in [
        json!({"type": "plain_text_input", "multiline": true, "max_length": 500, "placeholder": words(1)}),
        json!({"type": "number_input", "is_decimal_allowed": false, "min_value": "1"}),
        json!({"type": "static_select", "options": [option], "initial_option": option}),
        json!({"type": "static_select", "option_groups": [{"label": words(1), "options": [option]}]}),
        json!({"type": "multi_static_select", "options": [option]}),
        json!({"type": "radio_buttons", "options": [option]}),
        json!({"type": "checkboxes", "options": [option]}),
        json!({"type": "datepicker", "initial_date": "2026-11-26"}),
        json!({"type": "timepicker", "initial_time": "10:00"}),
        json!({"type": "datetimepicker"}),
        json!({"type": "users_select"}),
        json!({"type": "email_text_input"}),
        json!({"type": "url_text_input"}),
    ] {
        let blocks = json!([{"type": "input", "label": words(1), "hint": words(1), "element": element}]);
        assert_eq!(wrong(&blocks), "", "{element}");
    }
    let button = json!([{"type": "input", "label": words(1), "element": button(&json!({}))}]);
    assert_eq!(
        wrong(&button),
        "unsupported type: button [json-pointer:/blocks/0/element/type]"
    );
}

#[test]
fn what_is_kept_has_ids_and_says_how_its_texts_are_read() {
    let blocks = json!([{"type": "section", "text": marked(1), "accessory": button(&json!({}))}]);
    let kept = kept(&blocks, || "made".to_owned());
    assert_eq!(kept[0]["block_id"], "made");
    assert_eq!(kept[0]["text"]["verbatim"], false);
    assert_eq!(kept[0]["accessory"]["action_id"], "made");
    assert_eq!(kept[0]["accessory"]["text"]["emoji"], true);
}
