//! Genuine requests, spoiled at random, for as long as one likes: each is answered, and none that was spoiled decides.
//!
//! `CALLBACK_FUZZ_SECONDS` says for how long, and `CALLBACK_FUZZ_SEED` where to begin. A failure prints the seed and the
//! case; the same seed makes the same cases.

mod draw;
mod events;
mod genuine;
mod spoil;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use runtime::env::process;
use serde_json::{Value, json};
use testkit::sample::{ALICE, BOB, SLACK_TEAM};
use testkit::slack::{self, Signed};
use testkit::story::{Story, breaks, reroutes};

use self::draw::Draw;
use crate::bad::{signature, stamp};
use crate::door::{Door, RESPONSE_URL, command, interaction, request};
use crate::hostile::form;

/// How long it takes where nobody says.
const SECONDS: u64 = 5;

/// Proposals in states in which there is something to decide.
fn stories() -> Vec<Story> {
    vec![
        Story::awaiting(breaks()),
        Story::approved(breaks()),
        Story::succeeded(reroutes()),
        Story::undo_requested(),
    ]
}

/// What the buttons of a proposal may hold.
fn values(story: &Story) -> Vec<String> {
    let shown = story
        .records()
        .iter()
        .filter(|record| ["scored", "undo_requested"].contains(&record.kind.as_str()));
    shown
        .map(|record| format!("{}.{}", story.proposal().id(), record.digest))
        .collect()
}

/// What one run came to.
#[derive(Default)]
struct Tally {
    cases: u64,
    recorded: BTreeMap<String, u64>,
    answers: BTreeMap<u16, u64>,
}

/// Which case is under way, printed where it fails.
struct Case<'a> {
    seed: u64,
    nth: u64,
    event: &'a Value,
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "CALLBACK_FUZZ_SEED={}, case {}: {}",
                self.seed, self.nth, self.event
            );
        }
    }
}

fn number(name: &str, usual: u64) -> u64 {
    process(name).map_or(usual, |text| text.parse().unwrap())
}

/// An interaction, spoiled before it was signed, after it, both or not at all.
fn spoiled_interaction(draw: &mut Draw, values: &[String]) -> Value {
    let user = draw.word(&[ALICE, BOB]);
    let value = draw.one(values).clone();
    let mut payload = match draw.below(2) {
        0 => slack::payload(
            user,
            draw.word(&["approve", "revoke", "reject"]),
            &value,
            RESPONSE_URL,
        ),
        _ => {
            let fields = [("reason", "because"), ("duration_s", "60")];
            let form = draw.word(&["reject", "narrow", "undo"]);
            let fields = if form == "narrow" {
                &fields[1..]
            } else {
                &fields[..1]
            };
            slack::submission(user, form, &value, fields)
        }
    };
    payload["team"]["id"] = json!(SLACK_TEAM);
    payload["user"]["team_id"] = json!(SLACK_TEAM);
    if draw.percent(60) {
        for _ in 0..=draw.below(3) {
            spoil::json(draw, &mut payload);
        }
    }
    let mut text = payload.to_string();
    if draw.percent(15) {
        spoil::text(draw, &mut text);
    }
    if draw.percent(10) {
        spoil::key_twice(draw, &mut text);
    }
    let body = match draw.percent(25) {
        true => spoil::form(draw, &text),
        false => form(&text),
    };
    let timestamp = match draw.percent(90) {
        true => stamp().to_string(),
        false => {
            let shift = i64::try_from(draw.below(700)).unwrap() - 350;
            (stamp() + shift).to_string()
        }
    };
    let mut event = interaction(&Signed {
        signature: signature(&timestamp, body.as_bytes()),
        timestamp,
        body,
    });
    if draw.percent(3) {
        event["headers"]["content-type"] = json!("application/json");
    }
    event
}

/// A request of the command line, spoiled or not.
fn spoiled_command(draw: &mut Draw, values: &[String]) -> Value {
    let who = draw.word(&["alice", "bob"]);
    let arn = format!("arn:aws:iam::123456789012:user/{who}");
    let (id, seen) = draw.one(values).split_once('.').unwrap();
    let asks = [
        json!({"ask": "approve"}),
        json!({"ask": "reject", "reason": "because"}),
        json!({"ask": "revoke"}),
        json!({"ask": "narrow", "to": {"duration_s": "60"}}),
        json!({"ask": "undo", "reason": "because"}),
    ];
    let mut body = json!({"seen": seen, "request": draw.one(&asks)});
    if draw.percent(60) {
        for _ in 0..=draw.below(2) {
            spoil::json(draw, &mut body);
        }
    }
    let mut event = command(&arn, "POST", &format!("/v1/proposals/{id}/requests"), &body);
    let mut text = body.to_string();
    if draw.percent(15) {
        spoil::text(draw, &mut text);
    }
    if draw.percent(10) {
        spoil::key_twice(draw, &mut text);
    }
    event["body"] = json!(text);
    event
}

/// A look at a list, a proposal or a page.
fn spoiled_look(draw: &mut Draw, door: &Door) -> Value {
    let id = door.story.proposal().id().to_string();
    let page = door.links.path(door.story.proposal().id());
    let (page, token) = page.split_once('?').unwrap();
    let mut path = match draw.below(4) {
        0 => page.to_owned(),
        1 => "/v1/proposals".to_owned(),
        2 => format!("/v1/proposals/{}", &id[..=draw.below(id.len() - 1)]),
        _ => "/healthz".to_owned(),
    };
    let mut query =
        (*draw.one(&[token, "show=waiting", "show=recent&limit=3", "team=payments", ""])).to_owned();
    if draw.percent(40) {
        spoil::text(draw, &mut path);
    }
    if draw.percent(40) {
        spoil::text(draw, &mut query);
    }
    let mut event = request(draw.word(&["GET", "HEAD", "OPTIONS"]), &path);
    event["rawQueryString"] = json!(query);
    event
}

/// An event of any sort, for one of the two doors.
fn spoiled(draw: &mut Draw, door: &Door, values: &[String]) -> Value {
    let mut event = match draw.below(10) {
        0..6 => spoiled_interaction(draw, values),
        6..9 => spoiled_command(draw, values),
        _ => spoiled_look(draw, door),
    };
    if draw.percent(30) {
        for _ in 0..=draw.below(2) {
            spoil::event(draw, &mut event);
        }
    }
    if draw.percent(3) {
        for _ in 0..draw.below(30) {
            spoil::json(draw, &mut event);
        }
    }
    match draw.percent(1) {
        true => draw.value(5),
        false => event,
    }
}

/// Asks one thing, at the door that it is for or at the other one, and judges the answer.
async fn ask(door: &Door, values: &[String], event: &Value, public: bool, tally: &mut Tally) -> bool {
    let answer = match public {
        true => door.send(event).await,
        false => door.command(event).await,
    };
    let since = door.since();
    let heard = door.heard.taken();
    let status = answer.status;
    assert!(status == 200 || (400..500).contains(&status), "{answer:?}");
    let refused = [400, 401, 404, 405, 413, 415].contains(&status);
    assert!(
        !refused || (since.is_empty() && heard == 0),
        "{answer:?}, {since:?}"
    );
    assert!(status == 200 || since.is_empty(), "{answer:?}, {since:?}");
    assert!(since.len() <= 1, "{since:?}");
    assert!(
        since.is_empty() || genuine::is(event, values, public),
        "{since:?} came of it"
    );
    *tally.answers.entry(status).or_default() += 1;
    for kind in &since {
        *tally.recorded.entry(kind.clone()).or_default() += 1;
    }
    tally.cases += 1;
    !since.is_empty()
}

#[tokio::test]
async fn whatever_is_done_to_a_genuine_request_it_is_answered_and_decides_nothing_else() {
    let patience = Duration::from_secs(number("CALLBACK_FUZZ_SECONDS", SECONDS));
    let seed = number("CALLBACK_FUZZ_SEED", 1);
    let mut draw = Draw::new(seed);
    let stories = stories();
    let mut doors: Vec<Door> = stories.iter().cloned().map(Door::with).collect();
    let values: Vec<Vec<String>> = stories.iter().map(values).collect();
    let mut tally = Tally::default();
    let began = Instant::now();
    while began.elapsed() < patience {
        let at = draw.below(doors.len());
        let event = spoiled(&mut draw, &doors[at], &values[at]);
        let case = Case {
            seed,
            nth: tally.cases,
            event: &event,
        };
        let other_door = draw.percent(5);
        let public = event.pointer("/requestContext/authorizer").is_none() != other_door;
        let changed = ask(&doors[at], &values[at], &event, public, &mut tally).await;
        drop(case);
        if changed {
            doors[at] = Door::with(stories[at].clone());
        }
    }
    println!(
        "{} cases in {patience:?} from seed {seed}: answered {:?}, recorded {:?}",
        tally.cases, tally.answers, tally.recorded
    );
    for status in [200, 400, 401, 403, 404, 405, 409, 415] {
        assert!(tally.answers.contains_key(&status), "{status} was never answered");
    }
    for kind in [
        "approved",
        "rejected",
        "amended",
        "revoked",
        "undo_requested",
        "undo_approved",
        "undo_rejected",
    ] {
        assert!(tally.recorded.contains_key(kind), "nothing was {kind}");
    }
}
