//! `infra/slack/manifest.yaml` makes the app that the code needs, and no more than that.
//!
//! Facts: <https://docs.slack.dev/reference/app-manifest>, and of each method its page's *Scopes*, as of
//! <https://docs.slack.dev/reference/methods/conversations.history>.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::judges;

/// The Web API's methods that are called, each with the bot scopes that it takes for public and for private channels. A
/// form needs none, and messages in channels that the bot is no member of are not wanted: no `chat:write.public`.
const METHODS: [(&str, &[&str]); 6] = [
    ("chat.postMessage", &["chat:write"]),
    ("chat.update", &["chat:write"]),
    ("conversations.history", &["channels:history", "groups:history"]),
    ("conversations.info", &["channels:read", "groups:read"]),
    ("conversations.replies", &["channels:history", "groups:history"]),
    ("views.open", &[]),
];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn manifest() -> Value {
    let text = fs::read_to_string(format!("{ROOT}/infra/slack/manifest.yaml")).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

/// The methods that the code names: `"chat.update"`.
fn called() -> BTreeSet<String> {
    let mut called = BTreeSet::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let literals = text.split('"').filter(|part| {
            let mut words = part.split('.');
            let families = ["chat", "conversations", "views", "auth", "api", "users", "apps"];
            let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
            words.next().is_some_and(|first| families.contains(&first))
                && words.next().is_some_and(word)
                && words.next().is_none()
        });
        called.extend(literals.map(str::to_owned));
    }
    called
}

#[test]
fn the_app_has_the_scopes_of_the_methods_that_are_called_and_no_others() {
    let known: BTreeSet<String> = METHODS.iter().map(|(method, _)| (*method).to_owned()).collect();
    assert_eq!(called(), known);
    let needed: BTreeSet<&str> = METHODS.iter().flat_map(|(_, scopes)| *scopes).copied().collect();
    let manifest = manifest();
    let scopes = manifest["oauth_config"]["scopes"]["bot"].as_array().unwrap();
    let granted: BTreeSet<&str> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
    assert_eq!(granted, needed);
    assert_eq!(scopes.len(), granted.len(), "none comes twice");
}

#[test]
fn the_manifest_makes_the_app_and_leaves_out_what_nobody_needs() {
    let manifest = manifest();
    let mut expected = json!({
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": manifest["display_information"],
        "features": {"bot_user": {"display_name": "sre-agent", "always_online": true}},
        "oauth_config": {"scopes": {"bot": manifest["oauth_config"]["scopes"]["bot"]}},
        "settings": {
            "interactivity": {
                "is_enabled": true,
                // Whoever makes the app writes the stack's output there.
                "request_url": "https://REPLACE-WITH-ApprovalCallbackUrl/slack/interactions",
            },
            "org_deploy_enabled": false,
            "socket_mode_enabled": false,
            "token_rotation_enabled": false,
        },
    });
    assert_eq!(manifest, expected);
    let about = expected["display_information"].as_object_mut().unwrap();
    for (name, most) in [("name", 35), ("description", 140), ("long_description", 4000)] {
        let text = about.remove(name).unwrap();
        let many = text.as_str().unwrap().encode_utf16().count();
        assert!((1..=most).contains(&many), "{name} has {many} characters");
    }
    let colour = about.remove("background_color").unwrap();
    let colour = colour.as_str().unwrap().strip_prefix('#').unwrap();
    assert!(colour.len() == 6 && colour.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert!(about.is_empty(), "{about:?}");
    if let Some(directory) = judges() {
        fs::create_dir_all(&directory).unwrap();
        let text = serde_json::to_vec_pretty(&manifest).unwrap();
        fs::write(directory.join("manifest.json"), text).unwrap();
    }
}
