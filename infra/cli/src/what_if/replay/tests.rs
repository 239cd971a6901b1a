//! Replaying the same policy changes nothing, another one changes what it would have changed, and both are told.

use std::time::Instant;

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
        prop_assert_eq!(&replay.differences, &[]);
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
        let replay = replayed(&text, &trial(&after, threshold, auto_approve)).unwrap();
        let told = replay.differences.iter().find(|difference| difference.seq == 3);
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
fn what_would_have_gone_elsewhere_is_told_beside_what_people_did() {
    let (_, text) = world(&Checked::builtin(), &some_lives());
    let replay = replayed(&text, &trial(&other_policy(), Some(62), None)).unwrap();
    expect![[r#"
        proposal                      scored at                 action                  score     gate               what people did, and how it ended                                 why now
        te62pwqbdtyue7vjfvvymfu5mi-1  2026-11-22T10:00:07.000Z  circuit_break_provider  62 → 77   asks 1 → asks 3    approved by alice (alice), succeeded and ended by itself, helped  the score of 77 is above the threshold of 62; weekend +5 → +20
        te62pwqbdtyue7vjfvvymfu5mi-2  2026-11-22T10:01:07.000Z  reroute_model_group     77 → 92   asks 2 → asks 3    rejected: bob (bob)                                               the score of 92 is above the threshold of 62; weekend +5 → +20
        ldwluh57og43amcj22qcukkhvc-3  2026-11-22T10:02:07.000Z  raise_rate_limit        41 → 56   asks 1 → executes  approved by alice (alice), undone                                 the score of 56 is not above the threshold of 62, and automatic approval is on; weekend +5 → +20
        te62pwqbdtyue7vjfvvymfu5mi-4  2026-11-22T10:03:07.000Z  page_oncall             43 → 58   asks 1 → executes  expired                                                           the score of 58 is not above the threshold of 62, and automatic approval is on; weekend +5 → +20
        ldwluh57og43amcj22qcukkhvc-5  2026-11-22T10:04:07.000Z  bump_budget_cap         91 → 100  asks 2 → asks 3    approved by bob (bob) and alice (alice), succeeded, did not help  the score of 100 is above the threshold of 62; ceiling +0 → -6; weekend +5 → +20
        te62pwqbdtyue7vjfvvymfu5mi-6  2026-11-22T10:05:07.000Z  circuit_break_provider  62 → 77   asks 1 → asks 3    narrowed: carol (carol)                                           the score of 77 is above the threshold of 62; weekend +5 → +20
        te62pwqbdtyue7vjfvvymfu5mi-6  2026-11-22T10:05:21.000Z  circuit_break_provider  56 → 71   asks 1             approved by alice (alice), succeeded                              the score of 71 is above the threshold of 62; weekend +5 → +20
        lvcb3glzkh73i6czm3u6zflikl-7  2026-11-22T10:06:07.000Z  disable_sla_contract    100       asks 2 → shadow    approved by alice (alice), short of the quorum                    the policy only watches this action; ceiling -22 → -37; weekend +5 → +20

        policy in force: BUILTIN
        policy tried:    OTHER, threshold 62, automatic approval as it was
              8 cases
              0 unchanged
              0 newly asked
              2 newly executed: 1 approved and undone, 1 expired
              1 newly shadow
              4 quorum changes
              7 score changes
    "#]].assert_eq(&printed(replay, false));
}

#[test]
fn for_a_program_every_difference_is_a_line_and_the_summary_the_last() {
    let (_, text) = world(&Checked::builtin(), &some_lives());
    let told = printed(
        replayed(&text, &trial(&other_policy(), Some(62), None)).unwrap(),
        true,
    );
    let mut told: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = told.pop().unwrap();
    assert!(told.iter().all(|line| line["kind"] == "difference"));
    assert_eq!(
        told.len() as u64 + summary["unchanged"].as_u64().unwrap(),
        summary["cases"].as_u64().unwrap()
    );
    expect![[r#"
        {
          "kind": "difference",
          "proposal": "te62pwqbdtyue7vjfvvymfu5mi-2",
          "at": "2026-11-22T10:01:07.000Z",
          "seq": 3,
          "action": "reroute_model_group",
          "old": {
            "score": 77,
            "decision": "gate",
            "approvals_needed": 2,
            "because": "the score of 77 is above the threshold of 20",
            "rules": [],
            "limit": null,
            "sampled": false,
            "threshold": 20,
            "auto_approve": true,
            "policy": "BUILTIN"
          },
          "new": {
            "score": 92,
            "decision": "gate",
            "approvals_needed": 3,
            "because": "the score of 92 is above the threshold of 62",
            "rules": [],
            "limit": null,
            "sampled": false,
            "threshold": 62,
            "auto_approve": true,
            "policy": "OTHER"
          },
          "factors": [
            {
              "name": "weekend",
              "old": 5,
              "new": 20
            }
          ],
          "answer": "rejected",
          "by": [
            {
              "id": "bob",
              "name": "bob"
            }
          ],
          "end": "none",
          "helped": null
        }
        {
          "kind": "summary",
          "policy": "OTHER",
          "policies_before": [
            "BUILTIN"
          ],
          "threshold": 62,
          "auto_approve": null,
          "cases": 8,
          "unchanged": 0,
          "newly_asked": 0,
          "newly_executed": 2,
          "newly_shadow": 1,
          "quorum_changes": 4,
          "score_changes": 7,
          "held_by_limit": 0,
          "not_reproduced": 0,
          "newly_executed_were": {
            "approved and undone": 1,
            "expired": 1
          }
        }"#]]
    .assert_eq(&format!("{:#}\n{summary:#}", told[1]));
}

#[test]
fn nothing_to_tell_is_told() {
    let (_, text) = world(&Checked::builtin(), &some_lives()[..1]);
    expect![[r#"
        policy in force: BUILTIN
        policy tried:    BUILTIN, threshold as it was, automatic approval as it was
              1 cases
              1 unchanged
              0 newly asked
              0 newly executed
              0 newly shadow
              0 quorum changes
              0 score changes
    "#]]
    .assert_eq(&printed(
        replayed(&text, &trial(&Checked::builtin(), None, None)).unwrap(),
        false,
    ));
    assert!(
        printed(
            replayed("", &trial(&Checked::builtin(), None, None)).unwrap(),
            false
        )
        .contains("0 cases")
    );
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
        line 1: record 1 of control (reset) cannot be read: unknown variant `reset`, expected one of `paused`, `resumed`, `policy_published`, `automatic_failed`, `automatic_succeeded`, `automatic_off`, `automatic_on`, `tamper_detected`"#]].assert_eq(&problems.join("\n").replace(&id, "proposal/…"));
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
        let replay = from_trail(&trail, window, all).await.unwrap().all;
        let answers = replay
            .differences
            .iter()
            .map(|difference| difference.course.told());
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

/// `cargo test --release -p sre-agent -- --ignored --nocapture a_hundred_thousand`
#[test]
#[ignore = "writes a file of some gigabytes, and says how long its replay takes"]
fn a_hundred_thousand_proposals_are_replayed_in_seconds() {
    measure(100_000);
}

pub(in crate::what_if) fn measure(proposals: u64) {
    use std::io::Write as _;
    let policy = Checked::new(&Bundle::builtin()).unwrap();
    let mut world = Annals::new(&policy);
    world.switch(0, Some("a bad week"));
    world.switch(1000, None);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(lines(world.control()).as_bytes()).unwrap();
    let (mut records, began) = (world.control().len(), Instant::now());
    for number in 0..proposals {
        let script = Script {
            at: number * 20,
            action: usize::try_from(number % 8).unwrap(),
            seconds: 60 + number % 3000,
            auto_approve: number % 3 > 0,
            ask: if number % 5 == 0 {
                Ask::Reject
            } else {
                Ask::Approve
            },
            finish: Finish::Restore,
            helped: Some(number % 2 == 0),
            ..Script::default()
        };
        let life = world.live(&script);
        records += life.len();
        file.write_all(lines(&life).as_bytes()).unwrap();
    }
    let bytes = file.as_file().metadata().unwrap().len();
    println!(
        "{proposals} proposals, {records} records, {} MB, made in {:?}",
        bytes / 1_000_000,
        began.elapsed()
    );
    let began = Instant::now();
    let read = trail::history::read(std::io::BufReader::new(std::fs::File::open(file.path()).unwrap()));
    let alone: usize = read.map(|history| history.unwrap().records.len()).sum();
    println!("read and verified alone: {:?}", began.elapsed());
    assert_eq!(alone, records);
    for (name, policy) in [("the same", policy), ("another", other_policy())] {
        let began = Instant::now();
        let trial = trial(&policy, None, None);
        let lines = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(file.path()).unwrap());
        let replay = gather(lines, || Replay::new(Arc::clone(&trial), None))
            .unwrap()
            .all;
        println!(
            "replayed under {name} policy: {:?}, {:?}",
            began.elapsed(),
            replay.summary
        );
        assert_eq!(replay.differences.is_empty(), name == "the same");
    }
    let began = Instant::now();
    let lines = std::io::BufReader::with_capacity(1 << 16, std::fs::File::open(file.path()).unwrap());
    gather(lines, || Calibration::new(None)).unwrap();
    println!("calibrated: {:?}", began.elapsed());
}
