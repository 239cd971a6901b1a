//! Interactions whose parts are of other types, or say something else.

use serde_json::{Value, json};

use super::shapes::filled;
use super::{Sent, Table};
use crate::door::Door;

const UNREAD: &str = "`payload` cannot be read";
const VALUE: &str = "the button's value is not";
const ONE: &str = "more than one decision in one interaction";

pub(super) fn rows(table: &mut Table) {
    let digest = "0".repeat(64);
    for (nth, value) in [
        json!(null),
        json!(7),
        json!(true),
        json!([]),
        json!({}),
        json!(1e300),
        json!(u64::MAX),
        json!([["gnr"]]),
        json!({"value": "gnr"}),
        json!(""),
        json!("."),
        json!("\u{0}"),
        json!("gnr4sqzfryd4gg3mhvufxxmnmg-1"),
        json!("gnr4sqzfryd4gg3mhvufxxmnmg-1."),
        json!("gnr4sqzfryd4gg3mhvufxxmnmg-1.abc"),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-1.{}", "g".repeat(64))),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-1.{}", "A".repeat(64))),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-1.{digest}00")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-1.{digest}.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-1.{digest}\u{0}")),
        json!(format!(" gnr4sqzfryd4gg3mhvufxxmnmg-1.{digest}")),
        json!(format!("TE62PWQBDTYUE7VJFVVYMFU5MI-1.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-0.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-01.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-+1.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg--1.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-4294967296.{digest}")),
        json!(format!("gnr4sqzfryd4gg3mhvufxxmnmg-١.{digest}")),
        json!(format!("../gnr4sqzfryd4gg3mhvufxxmnmg-1.{digest}")),
        json!("x".repeat(100_000)),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("a button's value, {nth}");
        table.payload(&name, 400, VALUE, |payload| {
            payload["actions"][0]["value"] = value
        });
    }
    table.payload("a button without a value", 400, VALUE, |payload| {
        payload["actions"][0].as_object_mut().unwrap().remove("value");
    });
    types(table);
    several(table);
    nothing(table);
    forms(table);
}

fn types(table: &mut Table) {
    for (pointer, values) in [
        ("/type", vec![json!(null), json!(1), json!([]), json!({})]),
        ("/api_app_id", vec![json!(1), json!(["A0123456789"]), json!({})]),
        (
            "/team",
            vec![
                json!("T1"),
                json!(1),
                json!({}),
                json!({"id": null}),
                json!({"id": 1}),
                json!({"id": ["T1"]}),
            ],
        ),
        (
            "/user",
            vec![
                json!("U1"),
                json!(1),
                json!({}),
                json!({"id": null}),
                json!({"id": 1}),
                json!({"id": ["U1"]}),
            ],
        ),
        ("/user/team_id", vec![json!(1), json!([]), json!({})]),
        (
            "/actions",
            vec![
                json!(null),
                json!("approve"),
                json!({}),
                json!(1),
                json!([null]),
                json!(["approve"]),
            ],
        ),
        (
            "/actions/0/action_id",
            vec![json!(1), json!(["approve"]), json!({"approve": 1})],
        ),
        ("/trigger_id", vec![json!(1), json!({})]),
        (
            "/response_url",
            vec![json!(1), json!(["https://hooks.slack.com/"])],
        ),
    ] {
        for value in values {
            let name = format!("{pointer} is {value}");
            table.payload(&name, 400, UNREAD, |payload| {
                *payload.pointer_mut(pointer).unwrap() = value
            });
        }
    }
    positions(table);
    table.payload("an organisation that is a text", 400, UNREAD, |payload| {
        payload["enterprise"] = json!("E1")
    });
    table.payload("an organisation without an id", 400, UNREAD, |payload| {
        payload["enterprise"] = json!({})
    });
    table.payload("no user", 400, "names no user", |payload| {
        payload["user"] = Value::Null
    });
    table.payload("no team anywhere", 400, "names no team", |payload| {
        payload["team"] = Value::Null;
        payload["user"]["team_id"] = Value::Null;
    });
}

/// Lists in which the fields of an object stand one after the other.
fn positions(table: &mut Table) {
    table.payload("an interaction in positions", 400, UNREAD, |payload| {
        let enterprise = Value::Null;
        *payload = json!([
            payload["type"],
            payload["api_app_id"],
            payload["team"],
            enterprise,
            payload["user"],
            payload["actions"],
        ]);
    });
    let list: [(&str, &str, Change); 4] = [
        ("/team", "a team", |team| json!([team["id"]])),
        ("/user", "a user", |user| json!([user["id"], user["team_id"]])),
        ("/actions/0", "a button", |action| {
            json!([action["action_id"], action["value"]])
        }),
        ("/user", "a user of one", |user| json!([user["id"]])),
    ];
    for (pointer, name, change) in list {
        table.payload(&format!("{name} in positions"), 400, UNREAD, |payload| {
            let place = payload.pointer_mut(pointer).unwrap();
            *place = change(place);
        });
    }
    let views: [(&str, &str, Change); 3] = [
        ("/view", "a view", |view| {
            json!([view["callback_id"], view["private_metadata"], view["state"]])
        }),
        ("/view/state", "a state", |state| json!([state["values"]])),
        ("/view/state/values/reason/value", "a field", |field| {
            json!([field["value"]])
        }),
    ];
    for (pointer, name, change) in views {
        let sent = filled(Door::new(), "reject", &[("reason", "because")], |payload| {
            let place = payload.pointer_mut(pointer).unwrap();
            *place = change(place);
        });
        table.row(&format!("{name} in positions"), 400, UNREAD, sent);
    }
}

/// Something made of a part of a payload.
type Change = fn(&Value) -> Value;

fn several(table: &mut Table) {
    for (name, others) in [
        ("the same twice", vec!["approve"]),
        ("yes and no", vec!["reject"]),
        ("yes and taking it back", vec!["revoke"]),
        ("all at once", vec!["reject", "narrow", "revoke", "undo"]),
        ("two with another button between", vec!["open_page", "approve"]),
    ] {
        table.payload(&format!("several actions: {name}"), 400, ONE, |payload| {
            let actions = payload["actions"].as_array_mut().unwrap();
            for other in others {
                let mut action = actions[0].clone();
                action["action_id"] = json!(other);
                actions.push(action);
            }
        });
    }
    table.payload("a thousand actions", 400, ONE, |payload| {
        let action = payload["actions"][0].clone();
        payload["actions"] = json!(vec![action; 1000]);
    });
}

/// What asks for nothing: it is taken, and nothing is said.
fn nothing(table: &mut Table) {
    for kind in [
        "view_closed",
        "block_suggestion",
        "message_action",
        "shortcut",
        "dialog_submission",
        "interactive_message",
        "workflow_step_edit",
        "function_executed",
        "BLOCK_ACTIONS",
        "block_actions ",
        "block_actions\u{0}",
        "",
    ] {
        let name = format!("an interaction of type {kind:?}");
        table.payload(&name, 200, "", |payload| payload["type"] = json!(kind));
    }
    for action in [
        "Approve",
        "APPROVE",
        "approve ",
        " approve",
        "approve\u{0}",
        "аpprove",
        "ａpprove",
        "approve:all",
        "approved",
        "open_page",
        "",
    ] {
        let name = format!("the button {action:?}");
        table.payload(&name, 200, "", |payload| {
            payload["actions"][0]["action_id"] = json!(action)
        });
    }
    table.payload("no action", 200, "", |payload| payload["actions"] = json!([]));
    table.payload("actions that are left out", 200, "", |payload| {
        payload.as_object_mut().unwrap().remove("actions");
    });
    table.payload("an action without an id", 200, "", |payload| {
        payload["actions"][0].as_object_mut().unwrap().remove("action_id");
    });
    table.payload("an action whose id is null", 200, "", |payload| {
        payload["actions"][0]["action_id"] = Value::Null
    });
    let sent = filled(Door::new(), "another", &[], |_| {});
    table.row("a form of somebody else's", 200, "", sent);
}

fn forms(table: &mut Table) {
    table.payload("a form without a view", 400, "names no view", |payload| {
        payload["type"] = json!("view_submission")
    });
    let reason = &[("reason", "because")][..];
    let mut changed = |name: &str, status, words, change: fn(&mut Value)| {
        table.row(name, status, words, filled(Door::new(), "reject", reason, change));
    };
    changed("a view that is null", 400, "names no view", |form| {
        form["view"] = Value::Null
    });
    changed("a view that is a text", 400, UNREAD, |form| {
        form["view"] = json!("reject")
    });
    changed("a view whose name is a number", 400, UNREAD, |form| {
        form["view"]["callback_id"] = json!(1)
    });
    changed(
        "a view that was opened for nothing",
        400,
        "the form's metadata",
        |form| {
            form["view"]["private_metadata"] = json!("");
        },
    );
    changed("a view that was opened for a number", 400, UNREAD, |form| {
        form["view"]["private_metadata"] = json!(1);
    });
    changed(
        "a view without what it was opened for",
        400,
        "the form's metadata",
        |form| {
            form["view"].as_object_mut().unwrap().remove("private_metadata");
        },
    );
    changed("a form to approve", 400, "there is no such form", |form| {
        form["view"]["callback_id"] = json!("approve");
    });
    changed("a form to take back", 400, "there is no such form", |form| {
        form["view"]["callback_id"] = json!("revoke");
    });
    changed("a form by nobody", 400, "names no user", |form| {
        form["user"] = Value::Null
    });
    changed("a state that is a text", 400, UNREAD, |form| {
        form["view"]["state"] = json!("x")
    });
    changed("values that are a list", 400, UNREAD, |form| {
        form["view"]["state"]["values"] = json!([])
    });
    changed("a reason that is a number", 400, UNREAD, |form| {
        form["view"]["state"]["values"]["reason"]["value"]["value"] = json!(7);
    });
    changed("a reason that is a list", 400, UNREAD, |form| {
        form["view"]["state"]["values"]["reason"]["value"]["value"] = json!(["because"]);
    });
    let asks = "a reason is needed";
    for (name, values) in [
        ("no reason", &[][..]),
        ("an empty reason", &[("reason", "")]),
        ("a reason of spaces", &[("reason", " \u{a0}\t\n")]),
        (
            "a reason that nobody sees",
            &[("reason", "\u{200b}\u{202e}\u{feff}")],
        ),
        ("a reason of NULs", &[("reason", "\0\0")]),
        ("a reason in another field", &[("reasons", "because")]),
    ] {
        for form in ["reject", "undo"] {
            let name = format!("{form}: {name}");
            table.row(&name, 200, asks, filled(Door::new(), form, values, |_| {}));
        }
    }
    let long = "x".repeat(1001);
    let sent = filled(Door::new(), "reject", &[("reason", &long)], |_| {});
    table.row(
        "a reason that is too long",
        200,
        "longer than 1000 characters",
        sent,
    );
    less(table);
}

/// Forms that ask for less than there is.
fn less(table: &mut Table) {
    let errors = "\"response_action\":\"errors\"";
    for value in [
        "300",
        "301",
        "0",
        "-1",
        "1e1",
        "60.0",
        "0x3c",
        "soon",
        "",
        "٦٠",
        "6 0",
        "18446744073709551616",
    ] {
        let sent = filled(Door::new(), "narrow", &[("duration_s", value)], |_| {});
        table.row(&format!("less, to {value:?}"), 200, errors, sent);
    }
    for (name, values) in [
        ("of another action", &[("provider", "anthropic")][..]),
        ("of what there is not", &[("x", "1")]),
        (
            "of two, one of which is none",
            &[("duration_s", "60"), ("provider", "anthropic")],
        ),
    ] {
        table.row(
            &format!("less {name}"),
            200,
            errors,
            filled(Door::new(), "narrow", values, |_| {}),
        );
    }
    let sent: Sent = filled(Door::new(), "narrow", &[], |_| {});
    table.row("less of nothing", 200, "are what was proposed", sent);
}
