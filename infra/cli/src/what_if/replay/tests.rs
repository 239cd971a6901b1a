//! Replaying the same policy changes nothing, another one changes what it would have changed, and both are told.

mod many;
mod report;

use domain::trail::{Entry, Fact as _};
use expect_test::expect;
use policy::{Bundle, Checked};
use proptest::prelude::*;

use super::*;
use crate::print::Terminal;
use crate::what_if::calibrate::Calibration;
use crate::what_if::source::{Gathered, from_trail, gather};
use crate::what_if::world::{Annals, Ask, Finish, Script, changed, lines, policies, scripts, second};

fn trial(policy: &Checked, threshold: Option<u8>, auto_approve: Option<bool>) -> Arc<Trial> {
    Arc::new(Trial {
        in_force: policy.in_force(None),
        threshold,
        auto_approve,
    })
}

fn replayed(text: &str, trial: &Arc<Trial>) -> anyhow::Result<Replay> {
    let gathered = gather(text.as_bytes(), || Replay::new(Arc::clone(trial), None));
    gathered.map(|Gathered { all, .. }| all)
}

fn arguments(json: bool) -> ReplayArguments {
    ReplayArguments {
        policy: PathBuf::new(),
        source: Source {
            since: None,
            from: None,
        },
        threshold: None,
        auto_approve: None,
        json,
    }
}

fn printed(replay: Replay, json: bool) -> String {
    let mut buffer = Vec::new();
    let arguments = arguments(json);
    replay
        .print(&arguments, &mut Terminal::buffer(&mut buffer))
        .unwrap();
    let told = String::from_utf8(buffer).unwrap();
    let told = told.replace(&Checked::builtin().digest().to_string(), "BUILTIN");
    told.replace(&other_policy().digest().to_string(), "OTHER")
}

/// All that a replay can know of a score: deadlines come from settings that are not recorded.
fn comparable(scored: &Scored) -> Scored {
    Scored {
        deadline: None,
        valid_until: None,
        paused_before_ms: 0,
        ..scored.clone()
    }
}

/// Lives under one policy, automatic execution switched off for some hours of them.
fn world(policy: &Checked, scripts: &[Script]) -> (Vec<Vec<Record>>, String) {
    let mut world = Annals::new(policy);
    world.switch(50_000, Some("a bad week"));
    world.switch(90_000, None);
    let lives: Vec<Vec<Record>> = scripts.iter().map(|script| world.live(script)).collect();
    let text = lines(world.control().iter().chain(lives.iter().flatten()));
    (lives, text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn replaying_the_same_policy_changes_nothing(policy in policies(), scripts in prop::collection::vec(scripts(), 1..40)) {
        let (lives, text) = world(&policy, &scripts);
        let trial = trial(&policy, None, None);
        let records: Vec<Record> = text.lines().take(2).map(|line| serde_json::from_str(line).unwrap()).collect();
        let switched = Switched::read(&records).unwrap();
        let mut cases = 0;
        for life in &lives {
            life::walk(life, |proposal, scored, record| {
                let again = trial.score(proposal, scored, record.at, &switched).unwrap();
                assert_eq!(comparable(&again), comparable(scored));
                assert!(trial.is_as_recorded(scored));
                cases += 1;
            }).unwrap();
        }
        let replay = replayed(&text, &trial).unwrap();
        prop_assert!(replay.differences.is_empty());
        let held_by_limit = replay.summary.held_by_limit;
        prop_assert_eq!(&replay.summary, &Summary { cases, unchanged: cases, held_by_limit, ..Summary::default() });
    }

    /// What a replay says of a policy is what that policy would have recorded at the time.
    #[test]
    fn replaying_another_policy_gives_what_it_would_have_recorded(
        before in policies(), after in policies(), threshold in any::<Option<u8>>(), auto_approve in any::<Option<bool>>(), script in scripts(),
    ) {
        let threshold = threshold.map(|threshold| threshold % 101);
        // What a limit or a failed policy did cannot be had by scoring alone.
        let script = Script { limit: false, instead: false, ..script };
        let (lives, text) = world(&before, std::slice::from_ref(&script));
        let other = Script {
            threshold: threshold.unwrap_or(script.threshold),
            auto_approve: auto_approve.unwrap_or(script.auto_approve),
            ..script
        };
        let (others, _) = world(&after, &[other]);
        let first = |lives: &[Vec<Record>]| {
            let mut first = None;
            life::walk(&lives[0], |_, scored, _| { first.get_or_insert(comparable(scored)); }).unwrap();
            first.unwrap()
        };
        let mut replay = replayed(&text, &trial(&after, threshold, auto_approve)).unwrap();
        let told = replay.differences.all().into_iter().find(|difference| difference.seq == 3);
        let (old, new) = (first(&lives), first(&others));
        match told {
            Some(difference) => {
                prop_assert_eq!(&difference.old, &Side::of(&old));
                prop_assert_eq!(&difference.new, &Side::of(&new));
                prop_assert_eq!(&difference.factors, &factor_changes(&old, &new));
            }
            None => {
                prop_assert_eq!((old.score, old.decision), (new.score, new.decision));
                prop_assert!(factor_changes(&old, &new).is_empty());
                prop_assert_eq!(Side::of(&old).asks(), Side::of(&new).asks());
            }
        }
    }
}

/// A few lives that a lower threshold, other weights and another quorum lead elsewhere.
fn some_lives() -> Vec<Script> {
    let script = Script {
        auto_approve: true,
        threshold: 40,
        ..Script::default()
    };
    vec![
        Script {
            finish: Finish::Restore,
            helped: Some(true),
            ..script.clone()
        },
        Script {
            at: 60,
            action: 2,
            threshold: 20,
            ask: Ask::Reject,
            ..script.clone()
        },
        Script {
            at: 120,
            action: 3,
            threshold: 20,
            finish: Finish::Undo,
            ..script.clone()
        },
        Script {
            at: 180,
            action: 4,
            threshold: 20,
            ask: Ask::Expire,
            ..script.clone()
        },
        Script {
            at: 240,
            action: 6,
            helped: Some(false),
            ..script.clone()
        },
        Script {
            at: 300,
            limit: true,
            ask: Ask::Narrow,
            ..script.clone()
        },
        Script {
            at: 360,
            action: 7,
            ask: Ask::Vote,
            ..script
        },
    ]
}

fn other_policy() -> Checked {
    let words = [
        ("shadow = []", "shadow = [\"disable_sla_contract\"]"),
        ("people = 2", "people = 3"),
        ("weekend = 5", "weekend = 20"),
    ];
    Checked::new(&changed(&words, "")).unwrap()
}

#[test]
fn what_a_limit_held_is_held_again_and_only_where_it_comes_to_that() {
    let script = Script {
        auto_approve: true,
        limit: true,
        ..Script::default()
    };
    let (_, text) = world(&Checked::builtin(), &[script]);
    let replay = replayed(&text, &trial(&Checked::builtin(), Some(100), None)).unwrap();
    assert_eq!(
        (replay.summary.held_by_limit, replay.summary.newly_executed),
        (1, 0)
    );
    let replay = replayed(&text, &trial(&Checked::builtin(), Some(0), None)).unwrap();
    assert_eq!((replay.summary.held_by_limit, replay.summary.unchanged), (0, 1));
}

#[test]
fn a_policy_that_stood_in_for_another_one_is_tried_as_published_where_it_is_another() {
    let script = Script {
        auto_approve: true,
        instead: true,
        ..Script::default()
    };
    let (_, text) = world(&Checked::builtin(), &[script]);
    let same = replayed(&text, &trial(&Checked::builtin(), None, None)).unwrap();
    assert_eq!(same.summary.unchanged, 1);
    let other = Checked::new(&changed(&[], "# another\n")).unwrap();
    let replay = replayed(&text, &trial(&other, None, None)).unwrap();
    assert_eq!(replay.summary.newly_executed, 1);
}

/// Who switches and who scores have two clocks: what a record says of the switch is taken, whatever `control` says.
#[test]
fn the_record_itself_tells_whether_automatic_execution_was_off() {
    let policy = Checked::builtin();
    let script = Script {
        auto_approve: true,
        ..Script::default()
    };
    let mut off = Annals::new(&policy);
    off.switch(0, Some("a bad week"));
    let held = off.live(&Script {
        at: 100,
        ..script.clone()
    });
    let mut on = Annals::new(&policy);
    let ran = on.live(&Script { at: 100, ..script });
    let mut late = Annals::new(&policy);
    late.switch(200, Some("a bad week"));
    let trial = trial(&policy, None, None);
    let replay =
        |control: &[Record], life: &[Record]| replayed(&lines(control.iter().chain(life)), &trial).unwrap();
    assert_eq!(
        replay(late.control(), &held).summary.unchanged,
        1,
        "switched off by a clock that is fast"
    );
    assert_eq!(
        replay(off.control(), &ran).summary.unchanged,
        1,
        "by one that is slow"
    );
    // What says nothing of it meets the switch as it stood.
    let quiet = on.live(&Script {
        at: 100,
        ..Script::default()
    });
    let forced = Arc::new(Trial {
        in_force: policy.in_force(None),
        threshold: None,
        auto_approve: Some(true),
    });
    let newly = |control: &[Record]| {
        replayed(&lines(control.iter().chain(&quiet)), &forced)
            .unwrap()
            .summary
            .newly_executed
    };
    assert_eq!((newly(off.control()), newly(late.control())), (0, 1));
}

#[test]
fn a_score_that_is_not_reproduced_is_named() {
    let policy = Checked::builtin();
    let mut world = Annals::new(&policy);
    let mut life = world.live(&Script {
        ask: Ask::Nothing,
        ..Script::default()
    });
    // As if an earlier version of the agent had weighed a factor otherwise.
    let scored = life.pop().unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&scored.body).unwrap();
    body["score"] = (body["score"].as_u64().unwrap() + 1).into();
    body["factors"][0]["points"] = (body["factors"][0]["points"].as_i64().unwrap() + 1).into();
    let mut scored = Record {
        body: body.to_string(),
        ..scored
    };
    scored.digest = scored.computed_digest();
    life.push(scored);
    let replay = replayed(&lines(&life), &trial(&policy, None, None)).unwrap();
    assert_eq!(
        (replay.summary.not_reproduced, replay.summary.score_changes),
        (1, 1)
    );
    let replay = replayed(&lines(&life), &trial(&policy, Some(41), None)).unwrap();
    assert_eq!(replay.summary.not_reproduced, 0);
}

#[test]
fn what_does_not_hold_is_named_by_its_line() {
    let (lives, text) = world(&Checked::builtin(), &some_lives());
    let trial = trial(&Checked::builtin(), None, None);
    let problem = |text: &str| format!("{:#}", replayed(text, &trial).err().unwrap());
    let id = lives[0][0].stream.to_string();
    // A record that cannot follow, in an intact chain: scored twice.
    let twice = Entry::after(
        lives[0].last().unwrap(),
        lives[0].last().unwrap().at,
        domain::trail::Actor::Agent,
        &domain::proposal::ProposalFact::read(&lives[0][2]).unwrap(),
    );
    let twice = twice.seal(lives[0][0].writer.clone());
    let illegal = lines(lives[1].iter().chain(&lives[0]).chain([&twice]).chain(&lives[2]));
    let mut problems = vec![
        problem(&(text.clone() + "x\n")),
        problem(&(illegal.clone() + "x\n")),
        problem(&(lines(&lives[0]) + text.lines().next().unwrap())),
    ];
    let mut bad: Record = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    bad.kind = "reset".to_owned();
    bad.digest = bad.computed_digest();
    problems.push(problem(&lines([&bad])));
    expect![[r#"
        line 48 is not a record: expected value (column 1)
        line 13: record 9 (scored) is illegal in state restored: it does not belong here
        line 9: control stands after proposals, and must come before: as `trail export` writes it
        line 1: record 1 of control is a "reset", which its stream does not know"#]]
    .assert_eq(&problems.join("\n").replace(&id, "proposal/…"));
    assert_eq!(lives[1].len() + lives[0].len() + 1, 13);
}

#[tokio::test]
async fn of_the_trail_only_scorings_of_the_window_count() {
    let script = Script {
        ask: Ask::Lapse,
        ..Script::default()
    };
    let life = Annals::new(&Checked::builtin()).live(&script);
    let trail = testkit::MemoryTrail::new();
    for record in &life {
        let before = trail.records(&record.stream);
        let fact = domain::proposal::ProposalFact::read(record).unwrap();
        let entry = match before.last() {
            Some(last) => Entry::after(last, record.at, record.actor.clone(), &fact),
            None => Entry::first(
                record.stream.clone(),
                record.at,
                record.actor.clone(),
                &fact,
                record.expires_at,
            ),
        };
        assert_eq!(trail.insert(entry).unwrap(), *record);
    }
    let other = trial(&other_policy(), None, None);
    let told = async |since, until| {
        let window = Window {
            since: second(since),
            until: second(until),
        };
        let all = Replay::new(Arc::clone(&other), Some(window));
        let mut replay = from_trail(&trail, window, all).await.unwrap().all;
        let differences = replay.differences.all();
        let answers = differences.iter().map(|difference| difference.course.told());
        (replay.summary.cases, answers.collect::<Vec<_>>().join("; "))
    };
    let (lapsed, rejected) = (
        "approved by alice (alice), the approval ran out",
        "rejected: bob (bob)",
    );
    assert_eq!(told(0, 60).await, (1, lapsed.to_owned()));
    assert_eq!(told(60, 3600).await, (1, rejected.to_owned()));
    assert_eq!(told(0, 3600).await, (2, format!("{lapsed}; {rejected}")));
    trail.outages.next(usize::MAX);
    let window = Window {
        since: second(0),
        until: second(60),
    };
    assert!(
        from_trail(&trail, window, Replay::new(other, Some(window)))
            .await
            .is_err()
    );
}
