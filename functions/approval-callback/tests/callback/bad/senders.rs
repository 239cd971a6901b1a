//! Whom a signed interaction is from: the app, the workspace, the organisation, the user.

use domain::permission::Directory;
use serde_json::{Value, json};
use testkit::sample::{ALICE, BOT, FORMER};

use super::shapes::filled;
use super::{Sent, Table};
use crate::door::Door;

const APP: &str = "is of another Slack app";
const TEAM: &str = "is of a Slack workspace that is not configured";
const NOBODY: &str = "You are not in the operator directory, so your decision does not count: ";

pub(super) fn rows(table: &mut Table) {
    for (name, app) in [
        ("of another app", json!("A9")),
        ("of no app", json!("")),
        ("of an app that is null", Value::Null),
        ("of an app in small letters", json!("a0123456789")),
        ("of an app with a space", json!("A0123456789 ")),
        ("of an app with a NUL", json!("A0123456789\u{0}")),
    ] {
        table.payload(&format!("a click {name}"), 403, APP, |payload| {
            payload["api_app_id"] = app
        });
    }
    for (name, team) in [
        ("another workspace", "T9"),
        ("a workspace without a name", ""),
        ("a workspace in small letters", "t1"),
        ("a workspace with a space", "T1 "),
        ("two workspaces", "T1,T9"),
        ("a workspace that begins alike", "T12"),
    ] {
        table.payload(&format!("a click in {name}"), 403, TEAM, |payload| {
            payload["team"]["id"] = json!(team);
        });
    }
    for (name, user, words) in [
        ("a stranger", "U999", "T1/U999"),
        ("a user in small letters", "u1", "T1/u1"),
        ("a user with a space", " U1", "T1/ U1"),
        ("a user with a NUL", "U1\u{0}", NOBODY),
        ("a user whose name begins alike", "U12", "T1/U12"),
        ("a user without a name", "", NOBODY),
        ("an operator's id instead of a user's", "alice", "T1/alice"),
        ("somebody who turns the text around", "\u{202e}U1", NOBODY),
        ("somebody who mentions everybody", "<!channel>", NOBODY),
        ("a user of another alphabet", "Ｕ１", NOBODY),
        ("a bot", BOT, "A bot cannot decide."),
        (
            "an operator who has left",
            FORMER,
            "Your operator account is not active.",
        ),
    ] {
        for action in ["approve", "reject", "narrow", "revoke", "undo"] {
            let sent = Sent::to(Door::new(), user, action);
            table.row(&format!("{action} by {name}"), 200, words, sent);
        }
        for form in ["reject", "narrow", "undo"] {
            let by = |payload: &mut Value| payload["user"]["id"] = json!(user);
            // A form's answer is JSON, in which what is not plain text is written out.
            let words = if words.starts_with("T1/") { "T1/" } else { words };
            let sent = filled(
                Door::new(),
                form,
                &[("reason", "because"), ("duration_s", "60")],
                by,
            );
            table.row(&format!("the form {form} by {name}"), 200, words, sent);
        }
    }
    forms(table);
    configured(table);
    grid(table);
}

fn forms(table: &mut Table) {
    for (name, words, change) in [
        (
            "of another app",
            APP,
            (|form| form["api_app_id"] = json!("A9")) as fn(&mut Value),
        ),
        ("of no app", APP, |form| form["api_app_id"] = Value::Null),
        ("of another workspace", TEAM, |form| {
            form["team"]["id"] = json!("T9")
        }),
        ("of another organisation", TEAM, |form| {
            form["team"] = Value::Null;
            form["enterprise"] = json!({"id": "E9"});
        }),
    ] {
        let sent = filled(Door::new(), "reject", &[("reason", "because")], change);
        table.row(&format!("a form {name}"), 200, words, sent);
    }
}

fn configured(table: &mut Table) {
    let mut sent = Sent::payload(|payload| payload["api_app_id"] = json!(""));
    sent.door.app = String::new();
    table.row("no app is configured", 403, APP, sent);
    let mut sent = Sent::click();
    sent.door.teams = Vec::new();
    table.row("no workspace is configured", 403, TEAM, sent);
    let mut sent = Sent::payload(|payload| payload["team"]["id"] = json!(""));
    sent.door.teams = Vec::new();
    table.row("no workspace is configured, and none is named", 403, TEAM, sent);
    let sent = Sent::click();
    sent.door.operators.set(Directory::default());
    table.row("nobody is an operator", 200, NOBODY, sent);
    let sent = Sent::click();
    sent.door.operators.set(directory("T2", "U1"));
    table.row("the operator is of another workspace", 200, NOBODY, sent);
    let sent = Sent::click();
    sent.door.operators.set(directory("T1", "U7"));
    table.row("the operator is another user", 200, NOBODY, sent);
}

/// Alice, known by one place and one user.
pub(super) fn directory(team: &str, user: &str) -> Directory {
    let alice = json!({"operators": [{"id": "alice", "name": "Alice", "active": true, "groups": ["sre"],
                                      "slack": [{"team": team, "user": user}]}]});
    Directory::parse(&alice.to_string()).unwrap()
}

/// A click on Enterprise Grid: where it came from, and where the user is at home.
fn grid_click(team: &Value, enterprise: &Value, home: &Value, user: &str) -> impl FnOnce(&mut Value) {
    let place = |id: &Value| match id {
        Value::Null => Value::Null,
        id => json!({"id": id, "name": "acme", "domain": "acme"}),
    };
    let (team, enterprise, home, user) = (place(team), place(enterprise), home.clone(), user.to_owned());
    move |payload| {
        payload["is_enterprise_install"] = json!(team.is_null());
        payload["team"] = team;
        payload["enterprise"] = enterprise;
        payload["user"] = json!({"id": user, "username": "ada", "team_id": home});
    }
}

fn grid(table: &mut Table) {
    let none = Value::Null;
    let (ours, theirs) = (json!("E1"), json!("E9"));
    let (team, other) = (json!("T1"), json!("T9"));
    for (name, place, status, words) in [
        (
            "an organisation that is not configured",
            (&none, &ours, &json!("T1")),
            403,
            TEAM,
        ),
        (
            "another organisation, from one of our workspaces",
            (&none, &theirs, &team),
            403,
            TEAM,
        ),
        (
            "a workspace of an organisation that is not configured",
            (&other, &ours, &team),
            403,
            TEAM,
        ),
        (
            "nowhere, at home nowhere",
            (&none, &none, &none),
            400,
            "names no team",
        ),
        ("nowhere, at home elsewhere", (&none, &none, &other), 403, TEAM),
        (
            "nowhere, at home in an organisation",
            (&none, &none, &ours),
            403,
            TEAM,
        ),
        (
            "ours, at home in another workspace",
            (&team, &none, &other),
            200,
            "T9/U1.",
        ),
        (
            "ours, at home in an organisation of others",
            (&team, &none, &theirs),
            200,
            "E9/U1.",
        ),
        (
            "ours on Grid, at home in an organisation of others",
            (&team, &ours, &theirs),
            200,
            "E9/U1.",
        ),
        (
            "ours, at home in nothing",
            (&team, &none, &json!("")),
            200,
            "/U1.",
        ),
    ] {
        let sent = Sent::payload(grid_click(place.0, place.1, place.2, ALICE));
        table.row(&format!("Grid: {name}"), status, words, sent);
    }
    for (name, known, place, words) in [
        (
            "nobody knows the user",
            ("E1", "W7"),
            (&none, &ours, &other),
            "T9/W1, E1/W1.",
        ),
        (
            "a user of ours, by another id",
            ("T1", "U1"),
            (&none, &ours, &other),
            "T9/W1, E1/W1.",
        ),
        (
            "a user of the same id in another organisation",
            ("E1", "W1"),
            (&none, &ours, &theirs),
            "E9/W1.",
        ),
        (
            "a user of the same id in one's workspace",
            ("T1", "W1"),
            (&team, &ours, &theirs),
            "E9/W1.",
        ),
        (
            "a guest of the same id in one's workspace",
            ("T1", "W1"),
            (&team, &none, &other),
            "T9/W1.",
        ),
    ] {
        let mut sent = Sent::payload(grid_click(place.0, place.1, place.2, "W1"));
        sent.door.teams = vec!["E1".to_owned(), "T1".to_owned()];
        sent.door.operators.set(directory(known.0, known.1));
        table.row(&format!("Grid: {name}"), 200, words, sent);
    }
}

#[tokio::test]
async fn on_enterprise_grid_who_is_one_of_ours_is_known() {
    let none = Value::Null;
    let (ours, team) = (json!("E1"), json!("T1"));
    for (name, known, place) in [
        ("by the organisation", "E1", (&none, &ours, &json!("T9"))),
        ("by their own workspace", "T9", (&none, &ours, &json!("T9"))),
        ("by the workspace of the click", "T1", (&team, &ours, &ours)),
        ("by the organisation, in a workspace", "E1", (&team, &ours, &ours)),
    ] {
        let mut sent = Sent::payload(grid_click(place.0, place.1, place.2, "W1"));
        sent.door.teams = vec!["E1".to_owned()];
        sent.door.operators.set(directory(known, "W1"));
        assert_eq!(sent.door.send(&sent.event).await.status, 200, "{name}");
        assert_eq!(sent.door.since(), ["approved"], "{name}: {:?}", sent.door.told());
    }
}
