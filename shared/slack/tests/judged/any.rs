//! Whatever a card, a record or a form holds, what is sent keeps Slack's limits.

use std::borrow::Cow;

use domain::action::Lowers;
use domain::telling::{Ask, Card, Line, Section, What};
use domain::value::{Digest, Timestamp};
use proptest::prelude::*;
use serde_json::json;
use slack::button::{Does, Shown};
use slack::form::Modal;
use slack::message;
use testkit::story::{Story, breaks};

use crate::{cards, facts, limits};

/// Text as long as anything is, or of what is special to Slack.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => ".{0,60}",
        2 => "[<>&*_~`!@#|:\\\\ \n]{0,80}",
        1 => ".{0,4000}",
        1 => "[\u{1f600}-\u{1f64f}]{0,2000}",
        1 => " {0,9}",
    ]
}

fn ours() -> impl Strategy<Value = &'static str> {
    let long: &'static str = Box::leak("as much of it as there is ".repeat(130).into_boxed_str());
    prop::sample::select(vec!["", " ", ": ", "It waits for ", "among others, ", long])
}

fn line() -> impl Strategy<Value = Line> {
    let span = prop_oneof![
        words().prop_map(|text| Line::new().theirs(text)),
        ours().prop_map(Line::of),
        (0_i64..4_000_000_000_000).prop_map(|ms| Line::new().at(Timestamp::from_millis(ms))),
    ];
    prop::collection::vec(span, 0..6).prop_map(|spans| Line::new().joined(spans, ""))
}

fn section() -> impl Strategy<Value = Section> {
    let heading = prop::sample::select(vec!["What happened", "", "Risk"]).prop_map(Cow::Borrowed);
    let long = "[a-zA-Z ]{0,4000}".prop_map(Cow::Owned);
    let heading = prop_oneof![9 => heading, 1 => long];
    (heading, prop::collection::vec(line(), 0..8)).prop_map(|(heading, lines)| Section { heading, lines })
}

fn ask() -> impl Strategy<Value = Ask> {
    let what = prop::sample::select(vec![
        What::Approve,
        What::Reject,
        What::Narrow(Vec::new()),
        What::Revoke,
        What::Undo,
        What::ApproveUndo,
        What::RejectUndo,
    ]);
    (what, any::<u64>()).prop_map(|(what, seen)| Ask {
        what,
        seen: Digest::of(&seen.to_be_bytes()),
    })
}

fn card() -> impl Strategy<Value = Card> {
    let sections = prop_oneof![
        4 => prop::collection::vec(section(), 0..8),
        1 => prop::collection::vec(section(), 45..70),
    ];
    let asks = prop::collection::vec(ask(), 0..30);
    (line(), line(), sections, asks).prop_map(|(title, standing, sections, asks)| Card {
        title,
        standing,
        sections,
        asks,
    })
}

fn link() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![
        Just("https://example.com/proposals/x?t=y".to_owned()),
        Just(String::new()),
        (2900_usize..4000).prop_map(|length| format!("https://example.com/{}", "x".repeat(length))),
    ])
}

fn shown() -> Shown {
    let story = Story::awaiting(breaks());
    Shown {
        proposal: story.proposal().id().clone(),
        seen: story.last().digest,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_card_of_anything_keeps_slacks_limits(card in card(), link in link()) {
        let message = message::card(&shown().proposal, &card, link.as_deref());
        prop_assert_eq!(limits::of_message(&json!(message)), Vec::<String>::new());
    }

    #[test]
    fn a_reply_about_anything_keeps_slacks_limits(words in words()) {
        for record in facts::records(&words) {
            let message = message::reply(&shown().proposal, &record);
            prop_assert_eq!(limits::of_message(&json!(message)), Vec::<String>::new());
        }
    }

    #[test]
    fn a_form_about_anything_keeps_slacks_limits(title in line(), value in words(), parameter in "[a-z_]{1,300}") {
        let shown = shown();
        let modals = Does::ALL.map(|does| Modal::reason(does, &shown, &title));
        let mut narrow: Vec<Vec<Lowers>> =
            cards::actions().iter().map(|action| action.operation().lowers()).collect();
        let wide = Lowers {
            parameter: parameter.into(),
            label: value.clone().into(),
            value,
        };
        narrow.push(vec![wide.clone(), wide]);
        let narrow = narrow.iter().map(|lowers| Modal::narrow(&shown, &title, lowers));
        let modals = modals.into_iter().chain(narrow).chain([Modal::says(&title)]);
        for modal in modals {
            prop_assert_eq!(limits::of_modal(&modal.json()), Vec::<String>::new());
        }
    }
}
