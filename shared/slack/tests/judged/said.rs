//! Samples of everything that is said, sent as it is sent to Slack.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use domain::telling::{Line, What};
use outbound::{Bounds, Rotating, Token};
use serde_json::{Value, json};
use slack::api::{Posted, WebApi};
use slack::button::{Does, Shown};
use slack::form::Modal;
use slack::message::{self, Message};
use testkit::story::second;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{cards, facts, hostile, judges, limits};

/// A channel in which the sandbox's bot is a member.
const CHANNEL: &str = "C0SRE00001";

/// The page that a card leads to.
const LINK: &str =
    "https://0123456789abcdef.lambda-url.eu-central-1.on.aws/proposals/te62pwqbdtyue7vjfvvymfu5mi-1?t=x";

/// One thing that is said.
enum Said {
    Card(Message),
    Reply(Message),
    Modal(Modal),
}

/// Everything, by a name that is unique.
fn everything() -> Vec<(String, Said)> {
    let mut all: Vec<_> = all_cards()
        .into_iter()
        .map(|(name, card)| (format!("card.{name}"), Said::Card(card)))
        .collect();
    let replies = all_replies().into_iter();
    all.extend(replies.map(|(name, reply)| (format!("reply.{name}"), Said::Reply(reply))));
    let modals = all_modals().into_iter();
    all.extend(modals.map(|(name, modal)| (format!("modal.{name}"), Said::Modal(modal))));
    all
}

fn all_cards() -> Vec<(String, Message)> {
    let mut all = Vec::new();
    for (name, story, card) in cards::cards() {
        let id = story.proposal().id();
        all.push((format!("{name}.linked"), message::card(id, &card, Some(LINK))));
        all.push((name.clone(), message::card(id, &card, None)));
        let texts = match name.as_str() {
            "state.awaiting_approval" => hostile::texts(),
            "undo.requested" | "quorum.one" | "page_oncall.2.awaiting.paused" => hostile::worst(),
            _ => Vec::new(),
        };
        for (kind, words) in texts {
            let card = hostile::with(&card, &words);
            all.push((format!("{name}.{kind}"), message::card(id, &card, Some(LINK))));
        }
    }
    all
}

fn all_replies() -> Vec<(String, Message)> {
    let mut all = Vec::new();
    for (name, story) in cards::stories() {
        for record in story.records() {
            let reply = message::reply(story.proposal().id(), record);
            all.push((format!("{name}.{}", record.seq), reply));
        }
    }
    let id = testkit::story::Story::begins().proposal().id().clone();
    for (kind, words) in hostile::worst() {
        for (nth, record) in facts::records(&words).iter().enumerate() {
            all.push((format!("{kind}.{nth}"), message::reply(&id, record)));
        }
    }
    all
}

fn all_modals() -> Vec<(String, Modal)> {
    let mut all = Vec::new();
    let mut titles = vec![(
        "plain".to_owned(),
        Line::new().theirs("block provider openai for 300 s"),
    )];
    titles.push(("nothing".to_owned(), Line::new()));
    titles.extend(
        hostile::worst()
            .into_iter()
            .map(|(name, words)| (name, Line::new().theirs(words))),
    );
    let shown = shown();
    for (name, title) in &titles {
        for does in Does::ALL {
            all.push((
                format!("reason.{}.{name}", does.name()),
                Modal::reason(does, &shown, title),
            ));
        }
        for (nth, action) in cards::actions().iter().enumerate() {
            let lowers = action.operation().lowers();
            if !lowers.is_empty() {
                all.push((
                    format!("narrow.{nth}.{name}"),
                    Modal::narrow(&shown, title, &lowers),
                ));
            }
        }
        let told = Line::of("It was not recorded: ")
            .then(title.clone())
            .ours(". It expired at ")
            .at(second(1800));
        all.push((format!("says.{name}"), Modal::says(&told)));
        all.push((format!("says.bare.{name}"), Modal::says(title)));
    }
    all
}

fn shown() -> Shown {
    let story = testkit::story::Story::awaiting(testkit::story::breaks());
    Shown {
        proposal: story.proposal().id().clone(),
        seen: story.last().digest,
    }
}

/// The bodies of the requests that say all of it, with the method and a name for each.
async fn sent() -> Vec<(String, String, Value)> {
    let server = MockServer::start().await;
    let answer = json!({"ok": true, "channel": CHANNEL, "ts": "1795341600.000100"});
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let bounds = Bounds {
        connect_ms: 5000,
        request_ms: 20_000,
        reply_bytes: 65_536,
    };
    let token = Rotating::fixed(Token::new("slack-bot", "xoxb-test").unwrap());
    let api = WebApi::new("SLACK_API_URL", &server.uri(), token, bounds).unwrap();
    let card = Posted {
        channel: CHANNEL.to_owned(),
        ts: "1795341600.000100".to_owned(),
    };
    let mut names = Vec::new();
    for (name, said) in everything() {
        match said {
            Said::Card(message) => {
                api.post(CHANNEL, None, &message).await.unwrap();
                api.update(&card, &message).await.unwrap();
                names.extend([name.clone(), name]);
            }
            Said::Reply(message) => {
                api.post(CHANNEL, Some(&card.ts), &message).await.unwrap();
                names.push(name);
            }
            Said::Modal(modal) => {
                api.open("1.2.3", &modal).await.unwrap();
                names.push(name);
            }
        }
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), names.len());
    let sent = names.into_iter().zip(requests).map(|(name, request)| {
        let method = request.url.path().trim_start_matches("/api/").to_owned();
        (method, name, request.body_json().unwrap())
    });
    sent.collect()
}

fn write(directory: &Path, method: &str, name: &str, body: &Value) {
    let folder = directory.join("said").join(method);
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join(format!("{name}.json")),
        serde_json::to_vec_pretty(body).unwrap(),
    )
    .unwrap();
}

#[tokio::test]
async fn everything_that_is_said_keeps_slacks_limits() {
    let directory = judges();
    if let Some(directory) = &directory {
        let before = directory.join("said");
        if before.exists() {
            fs::remove_dir_all(before).unwrap();
        }
    }
    let mut seen = BTreeSet::new();
    for (method, name, body) in sent().await {
        let wrong = match method.as_str() {
            "chat.postMessage" => limits::of_posted(&body),
            "chat.update" => limits::of_message(&body),
            _ => limits::of_modal(&body["view"]),
        };
        assert_eq!(wrong, Vec::<String>::new(), "{method} {name}");
        assert!(seen.insert((method.clone(), name.clone())), "{name} comes twice");
        if let Some(directory) = &directory {
            write(directory, &method, &name, &body);
        }
    }
    assert!(seen.len() > 900, "{}", seen.len());
}

#[test]
fn every_ask_is_offered_by_a_card() {
    let asks: BTreeSet<&str> = cards::cards()
        .iter()
        .flat_map(|(_, _, card)| &card.asks)
        .map(|ask| match &ask.what {
            What::Approve => "approve",
            What::Reject => "reject",
            What::Narrow(_) => "narrow",
            What::Revoke => "revoke",
            What::Undo => "undo",
            What::ApproveUndo => "approve the undo",
            What::RejectUndo => "reject the undo",
            What::Acknowledge => "acknowledge",
        })
        .collect();
    assert_eq!(asks.len(), 8, "{asks:?}");
}

#[test]
fn who_approves_a_long_action_is_told_what_it_is() {
    let long = cards::cards().into_iter().find(|(name, _, card)| {
        let title = card.title.render(str::to_owned, |at| at.to_string());
        name == "page_oncall.3.awaiting" && title.len() > 300
    });
    let (_, story, card) = long.unwrap();
    let message = json!(message::card(story.proposal().id(), &card, None));
    let beginning = "openai fails, and chat with it openai fails";
    let told = |text: &Value| text.as_str().unwrap().contains(beginning);
    assert!(told(&message["text"]), "{}", message["text"]);
    assert!(told(&message["blocks"][0]["text"]["text"]), "{message:#}");
    let buttons = message["blocks"].as_array().unwrap().last().unwrap();
    assert!(
        told(&buttons["elements"][0]["confirm"]["text"]["text"]),
        "{buttons:#}"
    );
}
